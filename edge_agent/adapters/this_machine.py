"""What decides how fast a network runs here: the CPU, its vector instruction sets, and the ONNX Runtime."""

from __future__ import annotations

import platform
from pathlib import Path

import onnxruntime

from edge_agent.domain.said import say
from edge_agent.formats.pack import Provider

CPUINFO = Path("/proc/cpuinfo")

TELLING_FLAGS = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "avx_ne_convert",
    "amx_tile",
    "amx_int8",
    "asimd",
    "asimddp",
)
"""Instruction sets that multiply many numbers at once, as Linux names them."""

ON_THE_CPU: tuple[Provider, ...] = ("cpu", "openvino")
"""The providers that compute on the CPU itself, as the agent starts them."""

BFLOAT16_FLAG = "avx512_bf16"
"""Processors with AMX have it too."""

IMITATING_FLAGS = ("avx512f", "avx_ne_convert")
"""Where OpenVINO rounds to bfloat16 when asked to, but multiplies float32 (by its sources); elsewhere it ignores it."""

MAX_NAME = 200


def cpu_flags(cpuinfo: Path = CPUINFO) -> tuple[str, ...]:
    """The vector instruction sets of this CPU; empty where the system does not say."""
    found = _line_of(("flags", "features"), cpuinfo).split()
    return tuple(flag for flag in TELLING_FLAGS if flag in found)


def bytes_saturate(provider: Provider, flags: tuple[str, ...]) -> bool:
    """Whether sums of products of bytes lose their top here: on x86 without VNNI they pass through 16 bits.

    A quantised network that kept its score elsewhere may then lose it (ONNX Runtime's page on quantisation). What a GPU
    adds up does not pass through the CPU.
    """
    is_on_x86 = provider in ON_THE_CPU and "avx2" in flags
    return is_on_x86 and not any(flag in flags for flag in ("avx512_vnni", "avx_vnni", "amx_int8"))


def computed_otherwise(precision: str, provider: str, flags: tuple[str, ...]) -> str | None:
    """Why a form is not computed here as its name says; None where it is.

    What is measured of such a form, its time or its score, tells nothing of it where the processor is made for it.
    """
    if precision != "bf16" or (provider == "openvino" and BFLOAT16_FLAG in flags):
        return None
    if provider == "openvino" and any(flag in flags for flag in IMITATING_FLAGS):
        return say("bf16_imitated", "this CPU only imitates bfloat16, which takes AVX-512 BF16")
    return say("bf16_nowhere", "here it is fp32: OpenVINO alone computes bfloat16, on a CPU with AVX-512 BF16")


def cpu_name(cpuinfo: Path = CPUINFO) -> str:
    """The CPU's name and instruction sets: two of one name in virtual machines can differ in what they may use."""
    name = _line_of(("model name",), cpuinfo).partition(":")[2].strip() or platform.machine() or "unknown"
    return " ".join((name, *cpu_flags(cpuinfo)))[:MAX_NAME]


def runtime_name() -> str:
    """ONNX Runtime's version and the providers of this build."""
    return " ".join((onnxruntime.__version__, *onnxruntime.get_available_providers()))


def _line_of(keys: tuple[str, ...], cpuinfo: Path) -> str:
    try:
        text = cpuinfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return next((line for line in text.splitlines() if line.lower().startswith(keys)), "")
