"""Ultralytics' own `predict`, to measure the agent against (extra `train`)."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from edge_agent.domain.detection import Detection
from edge_agent.domain.geometry import Box
from edge_agent.errors import BadInput
from edge_agent.formats.pack import PackManifest
from edge_agent.ports import Picture
from edge_agent.training.sightings import UNREADABLE

os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("YOLO_AUTOINSTALL", "false")


def called_by(manifest: PackManifest, names: Sequence[str], weights: Path) -> tuple[str | None, ...]:
    """What the pack calls each class of a checkpoint: where it was merged (`edge-agent merge`), those are finer.

    Returns:
        One name per class of the weights; None where the merged pack leaves the class out.

    Raises:
        BadInput: the weights are of another pack.
    """
    if tuple(names) == manifest.classes:
        return manifest.classes
    groups = manifest.provenance.get("groups")
    merged = groups if isinstance(groups, dict) else {}
    coarse = {fine: name for name, group in merged.items() if isinstance(group, list) for fine in group}
    if not coarse or not coarse.keys() <= set(names):
        said = f"these weights know {', '.join(names)}, and {manifest.name} {', '.join(manifest.classes)}"
        raise BadInput(f"{said}: they are of another pack", path=weights)
    return tuple(coarse.get(name) for name in names)


class UltralyticsDetector:
    """Fulfils `ports.Detector` by Ultralytics, with the input size, the score floor and the NMS of a pack."""

    def __init__(self, *, weights: Path, manifest: PackManifest, threads: int) -> None:
        """Load a checkpoint or a plain export, and look once, so that the first look is not what is measured.

        Args:
            weights: `.pt` or `.onnx`.
            manifest: of the pack that was made of them.
            threads: Torch's threads. Those of ONNX Runtime cannot be given: Ultralytics takes all cores.

        Raises:
            BadInput: they do not read, or the weights are of another pack.
            ModuleNotFoundError: the extra `train` is not installed.
        """
        import numpy as np
        import torch

        # It logs to standard output, where `--json` promises one object and nothing else; on a machine where it was
        # never used it does so while it is imported.
        with redirect_stdout(sys.stderr):
            from ultralytics import YOLO
        logging.getLogger("ultralytics").setLevel(logging.ERROR)
        try:
            self._model: Any = YOLO(weights, task="detect")
        except UNREADABLE as error:
            raise BadInput("these are no weights that Ultralytics reads", path=weights) from error
        self._manifest = manifest
        # The pack's own plain export keeps no names; Ultralytics invents a thousand for it.
        is_export = weights.suffix == ".onnx"
        names = manifest.classes if is_export else tuple(self._model.names.values())
        self._called = called_by(manifest, names, weights)
        self._options = {
            "imgsz": [manifest.input.height, manifest.input.width],
            "conf": manifest.score_floor,
            "iou": manifest.nms.iou,
            "max_det": manifest.nms.max_detections,
            "device": "cpu",
            "verbose": False,
        }
        self.predict(np.full((480, 640, 3), manifest.input.fill, dtype=np.uint8))
        # Ultralytics gives Torch all cores but one when it first looks.
        torch.set_num_threads(threads)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, as the pack has them."""
        return self._manifest.classes

    def predict(self, picture: Picture) -> Any:
        """Ultralytics' result for one picture (uint8, BGR); this is what is timed."""
        return self._model.predict(picture, **self._options)[0]

    def detect(self, picture: Picture) -> tuple[Detection, ...]:
        """The result as detections, best first; this is what is scored."""
        boxes = self.predict(picture).boxes
        sides, scores, classes = boxes.xyxy.tolist(), boxes.conf.tolist(), boxes.cls.int().tolist()
        found = [
            Detection(name, min(score, 1.0), Box(*corners))
            for index, score, corners in zip(classes, scores, sides, strict=True)
            if (name := self._called[index]) is not None and corners[0] < corners[2] and corners[1] < corners[3]
        ]
        return tuple(sorted(found, key=lambda detection: -detection.score))
