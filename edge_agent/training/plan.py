"""What a training is to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training.fit import FitRecipe
from edge_agent.training.labelling import Acceptance

ROUNDS = (24,)
"""How many passes each round takes. More than one round pays where the first teacher is weak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningFromOrders:
    """Trays with counts but without boxes, and how to learn from them.

    Attributes:
        trays: the folder.
        apart: blocks that take no part: held out for scores, or kept for thresholds.
        rounds: how many passes each round takes.
        teacher: weights that label in the first round, instead of those fitted on boxes.
        keep: classes that stay in the model, also where no tray has them and another item looks like them.
        accept: when a photograph's labels are believed.
        groups: the classes of the teacher that each item of the trays is made of, where its pack was merged; the pack
            to write is then merged by them too.
    """

    trays: Path
    apart: tuple[TrayBlock, ...] = ()
    rounds: tuple[int, ...] = ROUNDS
    teacher: Path | None = None
    keep: tuple[str, ...] = ()
    accept: Acceptance = field(default_factory=Acceptance)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """What `edge-agent train` is to do; without boxes it goes on from the teacher of the orders.

    `start_held_out` are blocks of trays known to have taught nothing to the weights that it begins with.
    """

    boxes: Path | None
    classes: tuple[str, ...]
    run: Path
    pack: Path
    recipe: FitRecipe
    width_px: int
    height_px: int
    version: str
    orders: LearningFromOrders | None = None
    start_held_out: tuple[TrayBlock, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether the weights to begin with know the items already, and no fit on the boxes goes before the rounds."""
        return self.boxes is not None and not self.recipe.epochs

    @property
    def start(self) -> Path | None:
        """The weights that it begins with; None where they are random."""
        if self.boxes is not None:
            named = Path(self.recipe.architecture)
            return named if named.suffix == ".pt" else None
        return None if self.orders is None else self.orders.teacher
