"""Fit a detector on boxed photographs, from random weights, with Ultralytics (extra `train`).

The recipe is deliberately small: a few hundred photographs, two cores, about an hour. Every update counts then, so
gradients are not accumulated over the nominal 64 photographs of the library's default (`nbs`), and the strong
augmentations (mosaic, flips, rotation) stand in for the photographs that nobody took.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("YOLO_AUTOINSTALL", "false")


@dataclass(frozen=True, slots=True, kw_only=True)
class FitRecipe:
    """What a fit is made of; written into the run card as it is."""

    architecture: str = "yolo11n.yaml"
    epochs: int = 90
    image_size_px: int = 320
    batch: int = 16
    learning_rate: float = 1e-3
    seed: int = 20
    close_mosaic: int = 15

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of `ultralytics.YOLO.train` for this recipe."""
        return {
            "epochs": self.epochs,
            "imgsz": self.image_size_px,
            "batch": self.batch,
            "nbs": self.batch,
            "optimizer": "AdamW",
            "lr0": self.learning_rate,
            "lrf": 0.02,
            "cos_lr": True,
            "warmup_epochs": 3,
            "weight_decay": 5e-4,
            "close_mosaic": self.close_mosaic,
            "degrees": 12.0,
            "flipud": 0.5,
            "fliplr": 0.5,
            "scale": 0.4,
            "mixup": 0.1,
            "patience": self.epochs,
            "seed": self.seed,
            "deterministic": True,
            "cache": "ram",
            "workers": 1,
            "plots": False,
            "save_period": -1,
            "amp": False,
        }


def lay_out(boxes: Path, names: list[str], into: Path) -> Path:
    """Lay the boxed photographs out as Ultralytics reads them, beside a place it may write to; returns `data.yaml`."""
    for split in ("train", "val"):
        images = into / "images" / split
        labels = into / "labels" / split
        images.mkdir(parents=True, exist_ok=True)
        labels.mkdir(parents=True, exist_ok=True)
        for photo in sorted((boxes / "images" / split).glob("*.jpg")):
            link = images / photo.name
            if not link.exists():
                link.symlink_to(photo.resolve())
            shutil.copyfile(boxes / "labels" / split / f"{photo.stem}.txt", labels / f"{photo.stem}.txt")
    data = into / "data.yaml"
    data.write_text(
        json.dumps(
            {"path": str(into.resolve()), "train": "images/train", "val": "images/val", "names": dict(enumerate(names))}
        )
    )
    return data


def fit(boxes: Path, names: list[str], run: Path, recipe: FitRecipe) -> Path:
    """Train (or go on with a run that was cut off); returns the path of the best weights, as chosen on `val`."""
    from ultralytics import YOLO

    data = lay_out(boxes, names, run / "data")
    (run / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2))
    last = run / "fit" / "weights" / "last.pt"
    if last.exists():
        YOLO(last).train(resume=True)
    else:
        YOLO(recipe.architecture).train(
            data=str(data), project=str(run.resolve()), name="fit", exist_ok=True, **recipe.arguments()
        )
    return run / "fit" / "weights" / "best.pt"


if __name__ == "__main__":
    import sys

    fit(Path(sys.argv[1]), sys.argv[3].split(","), Path(sys.argv[2]), FitRecipe())
