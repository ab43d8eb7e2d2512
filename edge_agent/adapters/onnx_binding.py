"""Run a session on one picture after the other; on a GPU through a buffer there that is bound once (I/O binding).

It spares ONNX Runtime finding a place there for every picture; a picture is copied once either way. No GPU was at hand
when this was written, so what that gains is not measured, and it proves itself at every start beside the plain way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from edge_agent.adapters.letterbox import Tensor
from edge_agent.adapters.onnx_session import RUNTIME_ERRORS, Session
from edge_agent.formats.pack import PackInput, Provider

logger = logging.getLogger(__name__)

Output = npt.NDArray[Any]
RunOnce = Callable[[Tensor], Output]
"""The network's output for an input tensor; what it gave before stays as it is."""

DEVICES: Mapping[Provider, str] = {"tensorrt": "cuda", "cuda": "cuda"}
"""Whose memory a provider runs in, by the names that ONNX Runtime gives it; the others run in the processor's own."""

CLOSE = 1e-2
"""So far two ways to run one network on one GPU may lie apart, beside one part in a hundred: its sums have no fixed
order. Scores reach 1 and coordinates the width of the input; a picture that was not taken over differs by far more."""


def runner_of(session: Session, provider: Provider, wanted: PackInput) -> RunOnce:
    """The way to run a session of such an input on this provider."""
    device = DEVICES.get(provider)
    plain = _plain(session)
    if device is None or not isinstance(session, onnxruntime.InferenceSession):
        return plain
    try:
        black = np.zeros(wanted.shape, wanted.dtype)
        bound = _bound(session, black.copy(), device)
        if all(_agree(bound, plain, tensor) for tensor in (black, _noise(wanted))):
            return bound
        why = "it gives other results"
    except RUNTIME_ERRORS as fault:
        why = str(fault).strip().partition("\n")[0]
    logger.warning("no buffer of %s is bound, every picture is handed over anew: %s", provider, why)
    return plain


def _plain(session: Session) -> RunOnce:
    name = session.get_inputs()[0].name

    def run(tensor: Tensor) -> Output:
        output: Output = session.run(None, {name: tensor})[0]
        return output

    return run


def _bound(session: onnxruntime.InferenceSession, begins: Tensor, device: str) -> RunOnce:
    """The input lies in a buffer on the device; the output comes back to the processor, where it is decoded.

    In the processor's own memory the buffer is the tensor that it begins as.
    """
    buffer = onnxruntime.OrtValue.ortvalue_from_numpy(begins, device, 0)
    binding = session.io_binding()
    binding.bind_ortvalue_input(session.get_inputs()[0].name, buffer)
    binding.bind_output(session.get_outputs()[0].name, "cpu")

    def run(tensor: Tensor) -> Output:
        buffer.update_inplace(tensor)
        session.run_with_iobinding(binding)
        output: Output = binding.copy_outputs_to_cpu()[0]
        return output

    return run


def _noise(wanted: PackInput) -> Tensor:
    """Noise in the range of the input: a network answers it otherwise than black."""
    brightest = 1.0 if wanted.scale == "0-1" else 255.0
    return np.random.default_rng(0).uniform(0, brightest, wanted.shape).astype(wanted.dtype)


def _agree(one: RunOnce, other: RunOnce, tensor: Tensor) -> bool:
    return np.allclose(one(tensor), other(tensor), rtol=CLOSE, atol=CLOSE)
