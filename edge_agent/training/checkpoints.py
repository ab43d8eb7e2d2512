"""The weights of a fit, pass by pass, so that a cut costs one pass and no more (extra `train`).

Ultralytics writes `last.pt` in place after every pass: a cut in the middle leaves half a file, from which nothing goes
on. So a whole copy is kept beside it.
"""

from __future__ import annotations

import logging
import pickle
import shutil
from pathlib import Path
from typing import Any

from edge_agent.formats.whole_file import whole_file

logger = logging.getLogger(__name__)

KEPT_NAME = "whole.pt"

PLACES = frozenset({"project", "name", "save_dir", "data", "model", "resume", "cfg"})
"""The settings of Ultralytics that name files and folders."""


def last_weights(run: Path) -> Path:
    """Where a fit keeps the weights of its last pass."""
    return run / "fit" / "weights" / "last.pt"


def keep_whole(trainer: Any) -> None:
    """A callback of Ultralytics, for `on_model_save`: keep a whole copy of what was just written."""
    last = Path(trainer.last)
    _copy_whole(last, last.with_name(KEPT_NAME))


def passes_in(run: Path, wanted: int) -> int:
    """How many of the wanted passes the weights in `last_weights` have been through; 0 where there are none yet.

    Where the file is torn, the whole copy is put in its place first.
    """
    last = last_weights(run)
    if not last.exists():
        return 0
    found = _read(last)
    if found is None:
        kept = last.with_name(KEPT_NAME)
        found = _read(kept) if kept.exists() else None
        if found is None:
            logger.warning("%s is torn, and no whole copy is there: the fit begins anew", last)
            return 0
        logger.warning("%s is torn; the fit goes on from the whole copy beside it", last)
        _copy_whole(kept, last)
    # At its end the library takes the optimizer out, and writes -1 as the pass.
    return wanted if found["epoch"] < 0 else int(found["epoch"]) + 1


def drop_copy(run: Path) -> None:
    """Delete the whole copy of a fit that is done."""
    last_weights(run).with_name(KEPT_NAME).unlink(missing_ok=True)


def forget_places(path: Path) -> None:
    """Take out of the checkpoint of a fit that is done where it was made."""
    import torch

    checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    take_places_out(checkpoint)
    with whole_file(path) as file:
        torch.save(checkpoint, file)


def take_places_out(checkpoint: dict[str, Any]) -> None:
    """Take out of a checkpoint, in place, where it was made: folders, and the repository around them.

    Whoever is given the weights of a restaurant should not read there how its machine is laid out.
    """
    model = checkpoint["model"]
    for settings in (checkpoint["train_args"], model.args):
        for name in PLACES.intersection(settings):
            del settings[name]
    for name in ("pt_path", "criterion"):  # the loss holds the settings once more, and is made anew for a fit
        vars(model).pop(name, None)
    checkpoint.pop("git", None)


def _read(path: Path) -> dict[str, Any] | None:
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=False)
    except (RuntimeError, EOFError, pickle.UnpicklingError, KeyError):  # all that half a file was seen to raise
        return None
    return found if isinstance(found, dict) and "epoch" in found else None


def _copy_whole(source: Path, target: Path) -> None:
    with source.open("rb") as given, whole_file(target) as taken:
        shutil.copyfileobj(given, taken)
