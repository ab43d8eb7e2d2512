"""What decides the speed is read where the system says it."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest

from edge_agent.adapters.this_machine import bytes_saturate, computed_otherwise, cpu_flags, cpu_name, runtime_name
from edge_agent.formats.pack import Precision, Provider


def test_the_instruction_sets_are_read_where_the_system_says_them(tmp_path: Path) -> None:
    """A measurement without them cannot be compared with one from another machine."""
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t: fpu avx2 avx512f avx2x\n")
    assert cpu_flags(info) == ("avx2", "avx512f")
    assert cpu_name(info) == "Some CPU @ 2 GHz avx2 avx512f"
    info.write_bytes(b"Features : fp asimd \xff\n")
    assert cpu_flags(info) == ("asimd",)
    assert cpu_flags(tmp_path / "none") == ()
    assert cpu_name(tmp_path / "none")


@pytest.mark.parametrize(
    ("provider", "flags", "saturate"),
    [
        ("cpu", ("avx2",), True),
        ("openvino", ("avx2", "avx512f"), True),
        ("cpu", ("avx2", "avx512f", "avx512_vnni"), False),
        ("cpu", ("avx2", "avx_vnni"), False),
        ("cpu", ("asimd",), False),
        ("cpu", (), False),
        ("cuda", ("avx2",), False),
        ("tensorrt", ("avx2",), False),
    ],
)
def test_x86_without_vnni_rounds_sums_of_bytes_off(provider: Provider, flags: tuple[str, ...], saturate: bool) -> None:
    """There a quantised network may lose the score that its gate saw elsewhere; a GPU adds for itself."""
    assert bytes_saturate(provider, flags) is saturate


@pytest.mark.parametrize(
    ("precision", "provider", "flags", "why"),
    [
        ("bf16", "openvino", ("avx2", "avx512f", "avx512_bf16", "amx_tile"), None),
        ("bf16", "openvino", ("avx2", "avx512f"), "only imitates"),
        ("bf16", "openvino", ("avx2", "avx_vnni", "avx_ne_convert"), "only imitates"),
        ("bf16", "openvino", ("avx2",), "here it is fp32"),
        ("bf16", "openvino", (), "here it is fp32"),
        ("bf16", "cpu", ("avx512f", "avx512_bf16"), "here it is fp32"),
        ("bf16", "cuda", ("avx512_bf16",), "here it is fp32"),
        ("fp32", "cpu", (), None),
        ("int8", "openvino", ("avx2",), None),
    ],
)
def test_bfloat16_is_itself_on_openvino_where_the_processor_has_it(
    precision: Precision, provider: Provider, flags: tuple[str, ...], why: str | None
) -> None:
    """Elsewhere another form would be measured, and believed to be bfloat16."""
    said = computed_otherwise(precision, provider, flags)
    assert (said is None) is (why is None)
    assert why is None or why in str(said)


def test_the_runtime_is_named_with_its_providers() -> None:
    assert runtime_name().startswith(onnxruntime.__version__)
    assert "CPUExecutionProvider" in runtime_name()
