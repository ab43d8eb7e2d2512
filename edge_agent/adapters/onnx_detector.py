"""A detector in a model pack, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.adapters import detector_decode
from edge_agent.adapters.letterbox import Letterbox, Letterboxer, Tensor
from edge_agent.adapters.model_pack import ModelPack
from edge_agent.adapters.onnx_binding import runner_of
from edge_agent.adapters.onnx_session import (
    INSTALLED,
    RUNTIME_ERRORS,
    Runtime,
    Session,
    SessionPlan,
    Wish,
    open_session,
)
from edge_agent.domain.detection import Detection
from edge_agent.domain.said import say
from edge_agent.errors import BadModelPack, DetectorError
from edge_agent.formats.pack import Provider
from edge_agent.ports import Picture

_ONNX_TYPES = {"float32": "tensor(float)", "uint8": "tensor(uint8)"}


class OnnxDetector:
    """Fulfils `ports.Detector`. For one thread: the input buffer is used again for every picture.

    `detect` is `prepare`, `run` and `decode` in turn; the three are public for benchmarks.
    """

    def __init__(
        self,
        *,
        pack: ModelPack,
        provider: Wish = "auto",
        threads: int | None = None,
        cache_dir: Path | None = None,
        runtime: Runtime = INSTALLED,
    ) -> None:
        """Open the pack's model and run it once on grey, so that a model that does not fit fails here.

        Args:
            pack: the model.
            provider: what it should run on; `auto` takes the best that works.
            threads: CPU threads; None: as many as this process may use.
            cache_dir: where providers that compile the model keep the result.
            runtime: what lists providers and opens sessions; tests give another one.

        Raises:
            BadModelPack: the file is no ONNX model, or not one that the manifest describes.
        """
        self._pack = pack
        self._letterboxer = Letterboxer(spec=pack.manifest.input)
        plan = SessionPlan(
            wish=provider, threads=threads, precision=pack.precision, cache_dir=cache_dir, runtime=runtime
        )
        self._session, self._provider = open_session(pack.model_path, plan, self._try_out)
        self._run_once = runner_of(self._session, self._provider, pack.manifest.input)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names that it can report, occluders included."""
        return self._pack.manifest.classes

    @property
    def provider(self) -> Provider:
        """What the model really runs on, read back from the session."""
        return self._provider

    @property
    def pack(self) -> ModelPack:
        """The model."""
        return self._pack

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        """Everything seen with at least the pack's score floor, best first, in pixels of the given picture.

        Args:
            picture: uint8, shape (height, width, 3), channels blue, green, red.

        Raises:
            DetectorError: the picture is none, or the model could not be run on it.
        """
        tensor, letterbox = self.prepare(picture)
        return self.decode(self.run(tensor), letterbox)

    def prepare(self, picture: Picture) -> tuple[Tensor, Letterbox]:
        """The input tensor (valid until the next call) and where the picture lies in it.

        Raises:
            DetectorError: the picture is none.
        """
        _refuse_no_picture(picture)
        return self._letterboxer.prepare(picture)

    def run(self, tensor: Tensor) -> npt.NDArray[Any]:
        """The network's output for an input tensor.

        Raises:
            DetectorError: ONNX Runtime refused.
        """
        try:
            return self._run_once(tensor)
        except RUNTIME_ERRORS as fault:
            raise DetectorError(
                say(
                    "detector_failed",
                    "{path} failed on {provider}: {why}",
                    path=self._pack.model_path,
                    provider=self._provider,
                    why=fault,
                )
            ) from fault

    def decode(self, output: npt.NDArray[Any], letterbox: Letterbox) -> tuple[Detection, ...]:
        """What an output of `run` says, best first, in pixels of the letterbox's picture.

        Raises:
            DetectorError: the output makes no sense; see `detector_decode.decode`.
        """
        return detector_decode.decode(output, self._pack.manifest, letterbox)

    def _try_out(self, session: Session) -> None:
        """Hold a session against the manifest: its description, and one run, as the file may leave shapes open."""
        manifest = self._pack.manifest
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            said = f"the model has {len(inputs)} inputs and {len(outputs)} outputs, but a detector has one of each"
            raise BadModelPack(said, path=self._pack.model_path)
        wanted, given = manifest.input, inputs[0]
        if given.type != _ONNX_TYPES[wanted.dtype] or not _same_shape(given.shape, wanted.shape):
            said = f"the model takes {_shown(given.shape)} as {given.type}, but model.yaml says {wanted.shape}"
            raise BadModelPack(f"{said} as {_ONNX_TYPES[wanted.dtype]}", path=self._pack.model_path)
        described = tuple(side for side in outputs[0].shape if isinstance(side, int))
        if len(described) == len(outputs[0].shape):
            self._refuse_layout(described)
        grey = np.full((wanted.height, wanted.width, 3), wanted.fill, dtype=np.uint8)
        output = session.run(None, {given.name: self._letterboxer.prepare(grey)[0]})[0]
        self._refuse_layout(tuple(np.shape(output)))

    def _refuse_layout(self, shape: tuple[int, ...]) -> None:
        complaint = detector_decode.complaint_about(shape, self._pack.manifest)
        if complaint is not None:
            raise BadModelPack(complaint, path=self._pack.model_path)


def _refuse_no_picture(picture: object) -> None:
    if not isinstance(picture, np.ndarray):
        raise DetectorError(f"a picture must be an array, not {type(picture).__name__}")
    if picture.dtype != np.uint8 or picture.shape[2:] != (3,) or not picture.size:
        shape = " x ".join(str(side) for side in picture.shape)
        raise DetectorError(f"a picture must be height x width x 3 of uint8 (BGR), not {shape} of {picture.dtype}")


def _same_shape(described: Sequence[int | str | None], wanted: tuple[int, ...]) -> bool:
    """Whether the file's shape allows the wanted one; a side that the file leaves open (a name) fits any."""
    return len(described) == len(wanted) and all(
        not isinstance(side, int) or side == want for side, want in zip(described, wanted, strict=True)
    )


def _shown(shape: Sequence[int | str | None]) -> str:
    return "(" + ", ".join("any" if side is None else str(side) for side in shape) + ")"
