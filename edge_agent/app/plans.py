"""What thresholds and 8-bit forms are to be made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_agent.formats.tray_block import TrayBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdPlan:
    """Which labelled trays thresholds are found on, and for which budget.

    Attributes:
        boxes: a folder of boxed photographs, of which `val` is used where the trays in `blocks` are too few.
        trays: a folder of counted trays, of which those in `blocks` are used.
        false_alarms: the budget, as a share of right orders.
    """

    boxes: Path | None = None
    trays: Path | None = None
    blocks: tuple[TrayBlock, ...] = ()
    false_alarms: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantisingPlan:
    """What `edge-agent quantize` is to do.

    Attributes:
        pack: the pack, with a plain fp32 export.
        trays: photographed trays; some calibrate, the checks on the others are the gate.
        held_out: blocks of trays that are not looked at.
        menu: the menu of the checks.
        calibrate_with: so many trays calibrate, with one photograph each.
        tolerance: by so many per 100 right orders each count of the gate may be worse.
        copy: a faster copy of the pack, of whose network the 8-bit forms are made; None: of the pack's own.
    """

    pack: Path
    trays: Path
    held_out: tuple[TrayBlock, ...]
    menu: Path
    calibrate_with: int = 96
    tolerance: float = 1.0
    copy: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillingPlan:
    """What `edge-agent distil` is to do.

    Attributes:
        source: the pack of which a faster copy is to be made.
        weights: the checkpoint that it was made of.
        trays: photographed trays, which are shown.
        boxes: a folder of boxed photographs, of which `train` is shown too, without its boxes.
        held_out: blocks of trays that are not shown, kept for scores.
        calibrate_on: blocks of trays that are not shown, kept for thresholds.
        steps: so many batches are shown.
        seed: of everything random.
        begin_with: the folder of a finished run whose copy learns further; None for a new copy.
        run: where the state of the work and the run card lie.
        pack: the pack to write.
        version: its version.
    """

    source: Path
    weights: Path
    trays: Path
    boxes: Path | None
    held_out: tuple[TrayBlock, ...]
    calibrate_on: tuple[TrayBlock, ...]
    steps: int
    seed: int
    run: Path
    pack: Path
    version: str
    begin_with: Path | None = None

    @property
    def apart(self) -> tuple[TrayBlock, ...]:
        """The blocks of trays that are not shown."""
        return (*self.held_out, *self.calibrate_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragingPlan:
    """What `edge-agent average` is to do.

    Attributes:
        source: the pack of a training.
        weights: the checkpoint that it was made of.
        began_with: the checkpoint that its training began with.
        share: so much of the average is of `weights`, the rest of `began_with`; above 0 and below 1.
        chosen_on: blocks of trays by which the share was chosen among others.
        run: where the averaged checkpoint and the run card go.
        pack: the pack to write.
        version: its version.
    """

    source: Path
    weights: Path
    began_with: Path
    share: float
    run: Path
    pack: Path
    version: str
    chosen_on: tuple[TrayBlock, ...] = ()
