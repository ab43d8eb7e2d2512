"""Open an ONNX Runtime session on the best provider that really works, and say which one that is.

ONNX Runtime falls back by itself: a provider whose libraries do not load is dropped with a line on stderr, and a
failing run is repeated on the CPU with a line on stdout. Both are silent for a user, so its own fall-back is switched
off, the providers are tried in turn here, and what was chosen is read back from the session.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as _state

from edge_agent.errors import BadModelPack
from edge_agent.formats.pack import Precision, Provider
from edge_agent.ports.cores import usable_cores

logger = logging.getLogger(__name__)

Wish = Literal["auto", "tensorrt", "cuda", "openvino", "cpu"]

RANKED: Mapping[Provider, str] = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
"""The providers, best first, by the names that ONNX Runtime gives them."""

RUNTIME_ERRORS: tuple[type[Exception], ...] = (
    *(kind for kind in vars(_state).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    RuntimeError,
    ValueError,
)
"""What ONNX Runtime raises: its own classes share no base but Exception."""
MODEL_FAULTS: tuple[type[Exception], ...] = (_state.InvalidProtobuf, _state.InvalidGraph, _state.NoSuchFile)
"""Errors that no other provider would mend."""


Feed = Mapping[str, npt.NDArray[Any]]


class TensorInfo(Protocol):
    """One input or output of a session, as far as it is needed here."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def shape(self) -> Sequence[int | str | None]: ...


class Session(Protocol):
    """What is needed of `onnxruntime.InferenceSession`."""

    def get_inputs(self) -> Sequence[TensorInfo]: ...
    def get_outputs(self) -> Sequence[TensorInfo]: ...
    def get_providers(self) -> Sequence[str]: ...
    def run(self, output_names: Sequence[str] | None, input_feed: Feed, /) -> Sequence[Any]: ...


ProviderOptions = tuple[str, dict[str, str]]
CreateSession = Callable[[str, onnxruntime.SessionOptions, list[ProviderOptions]], Session]


def _create_installed(model: str, options: onnxruntime.SessionOptions, providers: list[ProviderOptions]) -> Session:
    session: Session = onnxruntime.InferenceSession(model, options, providers=providers, enable_fallback=0)
    return session


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """ONNX Runtime, as far as it is called here: a test lists other providers, or opens sessions that fail."""

    available: Callable[[], Sequence[str]] = onnxruntime.get_available_providers
    create: CreateSession = _create_installed


INSTALLED = Runtime()


def _create_bare(model: str, ours: onnxruntime.SessionOptions, providers: list[ProviderOptions]) -> Session:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ours.log_severity_level
    options.intra_op_num_threads = ours.intra_op_num_threads
    return _create_installed(model, options, providers)


AS_IT_COMES = Runtime(create=_create_bare)
"""With its own options but for the number of threads, to measure against: a session with ours is no bare one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlan:
    """How a session is to be opened."""

    wish: Wish = "auto"
    threads: int | None = None
    """Threads within one operator; None: as many as this process may use."""
    precision: Precision = "fp32"
    cache_dir: Path | None = None
    """Where TensorRT and OpenVINO keep what they compiled; without it they compile at every start."""
    runtime: Runtime = INSTALLED

    @property
    def thread_count(self) -> int:
        return usable_cores() if self.threads is None else self.threads


def offered_providers(runtime: Runtime = INSTALLED) -> tuple[Provider, ...]:
    """The providers that this build of ONNX Runtime has, best first; one may still not start."""
    offered = runtime.available()
    return tuple(provider for provider, name in RANKED.items() if name in offered or provider == "cpu")


def open_session(model: Path, plan: SessionPlan, accept: Callable[[Session], None]) -> tuple[Session, Provider]:
    """A session that `accept` has tried out, and the provider that runs it.

    Args:
        model: the ONNX file.
        plan: the wishes.
        accept: runs the session once; raises BadModelPack when the model does not fit, one of RUNTIME_ERRORS when
            the provider cannot run it.

    Raises:
        BadModelPack: the model does not load on any provider.
    """
    rungs = _ladder(plan)
    while True:
        try:
            session = _create(model, plan, rungs)
            accept(session)
        except MODEL_FAULTS as fault:
            raise BadModelPack(f"the model does not load: {_first_line(fault)}", path=model) from fault
        except RUNTIME_ERRORS as fault:
            if len(rungs) == 1:
                raise BadModelPack(f"the model does not load or run: {_first_line(fault)}", path=model) from fault
            logger.warning("%s cannot run %s, falling back to %s: %s", rungs[0], model, rungs[1], _first_line(fault))
            rungs = rungs[1:]
        else:
            return session, _read_back(session, rungs[0], model, plan)


def _ladder(plan: SessionPlan) -> list[Provider]:
    """The providers to try, best first; the CPU is always the last."""
    usable = offered_providers(plan.runtime)
    if plan.wish == "auto":
        return list(usable)
    if plan.wish not in usable:
        said = "%s was asked for, but this onnxruntime offers only %s; running on the CPU"
        logger.warning(said, plan.wish, ", ".join(plan.runtime.available()) or "nothing")
        return ["cpu"]
    below = {"tensorrt": ("cuda", "cpu"), "cpu": ()}.get(plan.wish, ("cpu",))
    return [plan.wish, *(provider for provider in usable if provider in below)]


def _create(model: Path, plan: SessionPlan, rungs: Sequence[Provider]) -> Session:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; warnings of the optimiser mean nothing to an operator
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    if rungs[0] == "openvino":
        # OpenVINO optimises the graph itself, and recognises it best untouched (ONNX Runtime's page on the provider).
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = plan.thread_count
    options.inter_op_num_threads = 1
    # Some 300 operators follow one another, and waking a sleeping thread for each takes long (docs/benchmarks.md). But
    # threads that went on spinning between frames would eat the cores that cameras and HTTP need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return plan.runtime.create(str(model), options, [(RANKED[rung], _options_of(rung, plan)) for rung in rungs])


def _options_of(provider: Provider, plan: SessionPlan) -> dict[str, str]:
    cache = None if plan.cache_dir is None else str(plan.cache_dir)
    if provider == "tensorrt":
        # Half precision only where the pack asks for it: thresholds were tuned on the pack's own scores.
        options = {"device_id": "0", "trt_fp16_enable": str(plan.precision == "fp16")}
        if cache is not None:
            options |= {"trt_engine_cache_enable": "True", "trt_engine_cache_path": cache}
            options |= {"trt_timing_cache_enable": "True", "trt_timing_cache_path": cache}
        return options
    if provider == "cuda":
        # The exhaustive search of convolution algorithms costs seconds at the start and gains little at batch one.
        return {"device_id": "0", "cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"}
    if provider == "openvino":
        return _openvino_options(plan)
    return {}


def _openvino_options(plan: SessionPlan) -> dict[str, str]:
    options = {"device_type": "CPU", "num_of_threads": str(plan.thread_count)}
    cache = plan.cache_dir
    if plan.precision == "bf16":
        # The provider asks OpenVINO for float32 unless it is told otherwise, where the CPU has bfloat16 too.
        options["load_config"] = json.dumps({"CPU": {"INFERENCE_PRECISION_HINT": "bf16"}})
        # A compiled network goes by the name of its file, which it shares with fp32.
        cache = None if cache is None else cache / "bf16"
    return options if cache is None else {**options, "cache_dir": str(cache)}


def _read_back(session: Session, tried: Provider, model: Path, plan: SessionPlan) -> Provider:
    """What really runs the session: a provider whose libraries do not load leaves it without an error."""
    first = session.get_providers()[0]
    chosen: Provider = next((provider for provider, name in RANKED.items() if name == first), "cpu")
    if chosen != tried:
        logger.warning("%s did not start for %s, running on %s; are its libraries installed?", tried, model, chosen)
    logger.info("%s runs on %s, %d threads (asked for %s)", model, chosen, plan.thread_count, plan.wish)
    return chosen


def _first_line(fault: Exception) -> str:
    return str(fault).strip().partition("\n")[0]
