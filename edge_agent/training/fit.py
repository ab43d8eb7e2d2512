"""Fit a detector on boxed photographs, from random weights or from given ones, with Ultralytics (extra `train`).

A few hundred photographs on two cores allow about an hour. Every update counts then, so gradients are not accumulated
over the library's nominal 64 photographs (`nbs`), and strong augmentation (mosaic, flips, sizes) stands in for the
photographs that nobody took.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edge_agent.formats.pack import sha256_of
from edge_agent.ports.cores import usable_cores
from edge_agent.training.boxed import BoxedPhotograph
from edge_agent.training.checkpoints import drop_copy, forget_places, keep_whole, last_weights, passes_in
from edge_agent.training.fingerprints import begin_or_go_on

os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("YOLO_AUTOINSTALL", "false")


MEASURE_EVERY = 10
"""After how many passes `val` is measured again, and after the last. It decides nothing, and after each pass it took a
third of the time on 224 boxed photographs (4 of 13 s, two cores)."""


RECIPE_NAME = "recipe.json"
"""Lies in the folder of a fit, and says what it was begun with."""


EVERY_FIT: Mapping[str, Any] = MappingProxyType(
    {
        "optimizer": "AdamW",
        "lrf": 0.02,
        "cos_lr": True,
        "weight_decay": 5e-4,
        # Not turned: the library takes the upright box around a turned box, which is larger than the thing in it.
        # What a student sees labels for the next, and boxes grew by an eighth with every round (docs/experiments.md).
        "degrees": 0.0,
        "flipud": 0.5,
        "fliplr": 0.5,
        "scale": 0.4,
        "mixup": 0.1,
        "deterministic": True,
        "cache": "ram",
        "workers": 1,
        "plots": False,
        "amp": False,
    }
)
"""What no recipe changes. It makes the weights too, so a folder that was begun with another is not gone on in."""


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
    warmup_epochs: int = 3

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of `ultralytics.YOLO.train` for this recipe."""
        return {
            "epochs": self.epochs,
            "imgsz": self.image_size_px,
            "batch": self.batch,
            "nbs": self.batch,
            "lr0": self.learning_rate,
            "warmup_epochs": self.warmup_epochs,
            "close_mosaic": min(self.close_mosaic, self.epochs // 2),
            "patience": self.epochs,
            "seed": self.seed,
            **EVERY_FIT,
        }


def fit(
    splits: Mapping[str, Sequence[BoxedPhotograph]],
    names: Sequence[str],
    run: Path,
    recipe: FitRecipe,
    *,
    start_from: Path | None = None,
    pictures: Mapping[str, Any] | None = None,
) -> Path:
    """Train, or go on with a run that was cut off; returns the weights of the last pass.

    Without `start_from` the weights begin at random, or are those of a checkpoint that the recipe names as its
    architecture. Checkpoints lie in `run/fit/weights` and are written after every pass, so a run survives Ctrl-C, a
    kill and a power cut with the loss of one pass. `pictures` says how those that teach were made, where they are no
    plain photographs.

    Raises:
        BadInput: the folder was begun with another recipe (also by a version of the agent that augments otherwise),
            other classes, other weights to start from, or pictures that were made otherwise.
    """
    from ultralytics import YOLO

    began = None if start_from is None else sha256_of(start_from)
    asked = {"recipe": asdict(recipe), "every_fit": dict(EVERY_FIT), "classes": list(names), "start_from": began}
    if pictures is not None:
        asked["pictures"] = dict(pictures)
    begin_or_go_on(run / RECIPE_NAME, asked)
    weights = last_weights(run)
    done = passes_in(run, recipe.epochs)
    data = _lay_out(splits, names, run / "data")
    if not done:
        _ready(YOLO(start_from or recipe.architecture)).train(
            data=str(data), project=str(run.resolve()), name="fit", exist_ok=True, **recipe.arguments()
        )
    elif done < recipe.epochs:
        # Written in place like the other, and looked at only at the end: torn, it would end the fit there.
        weights.with_name("best.pt").unlink(missing_ok=True)
        _ready(YOLO(weights)).train(resume=True)
    drop_copy(run)
    if done < recipe.epochs:
        forget_places(weights)
    # Taken as it is at rest: the epoch that `val` liked best lay in the middle of the fit twice, and was much worse on
    # trays (docs/model.md, docs/synthetic.md). How tightly boxes sit, which decides there, matters less to counts.
    return weights


def _ready(model: Any) -> Any:
    """The model with what this project changes of Ultralytics' way to train it."""
    model.add_callback("on_train_start", _at_full_speed)
    model.add_callback("on_train_epoch_start", _measure_now_and_then)
    model.add_callback("on_model_save", keep_whole)
    return model


def _measure_now_and_then(trainer: Any) -> None:
    trainer.args.val = (trainer.epoch + 1) % MEASURE_EVERY == 0  # the last pass is always measured


def _at_full_speed(trainer: Any) -> None:
    """What Ultralytics leaves lying of a CPU's speed; a GPU gets these from the library itself.

    It trains on all cores but one: of two cores that costs a third. And it lays pictures out channel by channel in
    float32: one batch of sixteen at 320 pixels took 0.66 s so, 0.38 s with the channels of a pixel side by side, and
    0.26 s with bfloat16 in the convolutions too (YOLO11n, two cores with AVX-512 BF16; docs/benchmarks.md). Weights,
    their averages and the optimizer stay in float32.
    """
    import torch

    if trainer.device.type != "cpu":
        return
    torch.set_num_threads(usable_cores())
    network = trainer.model.to(memory_format=torch.channels_last)
    if not _has_bfloat16():
        return
    forward = network.forward

    def forward_in_bfloat16(*args: Any, **kwargs: Any) -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return forward(*args, **kwargs)

    network.forward = forward_in_bfloat16


def _has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; where it is only emulated, float32 is faster."""
    import torch

    has: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # older ones do not say
    return bool(has.get("avx512_bf16") or has.get("amx_bf16"))


def measure(weights: Path, run: Path, image_size_px: int) -> dict[str, float]:
    """Ultralytics' own mAP of the weights on `val`, over all classes and per class."""
    from ultralytics import YOLO

    results = YOLO(weights).val(
        data=str(run / "data" / "data.yaml"),
        imgsz=image_size_px,
        plots=False,
        verbose=False,
        device="cpu",
        workers=0,
        project=str(run.resolve()),
        name="val",
        exist_ok=True,
    )
    box = results.box
    by_class = {f"val_map50_{results.names[int(c)]}": box.class_result(i)[2] for i, c in enumerate(box.ap_class_index)}
    measured = {"val_map50": box.map50, "val_map50_95": box.map, **by_class}
    return {name: round(float(value), 4) for name, value in measured.items()}


def curve(run: Path) -> list[dict[str, float]]:
    """The run's losses, pass by pass, and its val scores where they were measured."""
    with (run / "fit" / "results.csv").open(newline="") as file:
        whole = [row for row in csv.DictReader(file) if None not in row and all(row.values())]
    read = [{key.strip(): float(value) for key, value in row.items()} for row in whole]
    # A pass that was cut off was begun anew, and may stand there twice, or torn.
    rows = list({row["epoch"]: row for row in read}.values())
    for row in rows[:-1]:
        if row["epoch"] % MEASURE_EVERY:  # between two measurements the library writes the last one again
            for column in [each for each in row if each.startswith(("metrics/", "val/"))]:
                del row[column]
    return rows


def _lay_out(splits: Mapping[str, Sequence[BoxedPhotograph]], names: Sequence[str], into: Path) -> Path:
    """Lay the photographs out as Ultralytics reads them, in a place that it may write to; returns `data.yaml`."""
    for left_over in (into / "images", into / "labels"):
        # Only links and copies; what was laid out before by other rules must not teach too.
        shutil.rmtree(left_over, ignore_errors=True)
    for split, photographs in splits.items():
        images, labels = into / "images" / split, into / "labels" / split
        images.mkdir(parents=True, exist_ok=True)
        labels.mkdir(parents=True, exist_ok=True)
        laid = Counter[str]()
        for photograph in photographs:
            stem = photograph.label_path.stem
            name = f"{stem}-again-{laid[stem]}" if laid[stem] else stem
            laid[stem] += 1
            (images / f"{name}{photograph.path.suffix}").symlink_to(photograph.path.resolve())
            shutil.copyfile(photograph.label_path, labels / f"{name}.txt")
    data = into / "data.yaml"
    described = {"path": str(into.resolve()), "names": dict(enumerate(names))}
    data.write_text(json.dumps(described | {split: f"images/{split}" for split in splits}))
    return data
