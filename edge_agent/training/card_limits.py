"""What a model card says of where its model ends: for all, and by the pack's own numbers."""

from __future__ import annotations

from edge_agent.formats.pack import PackManifest
from edge_agent.training.provenance import DISTILLED, all_made_up

SCORED_NUMBER = "scored_number_"
"""Begins the names of the scores that say how many of a class lay on the scored trays."""

FEW_ITEMS = 10
"""Of fewer items a recall says little: where all ten were found, its 95 % interval still begins at 0.69."""

LIMITS = (
    "It knows the crockery, the light and the camera height of its photographs, and no item that is not in the list",
    "above: what it was never shown it calls nothing, or something else. Hands and bottles over an item hide it.",
)
SYNTHETIC_LIMITS = (
    "It has never seen a photograph of a real tray. It is a stand-in for demonstrations and tests, until a",
    "restaurant's own trays teach a model of its own (`edge-agent learn`). What it scores on made-up pictures says",
    "nothing about real ones.",
)


def limits_of(manifest: PackManifest) -> list[str]:
    """The lines of the card."""
    return [*(SYNTHETIC_LIMITS if knows_no_photograph(manifest) else LIMITS), *_own_limits(manifest)]


def knows_no_photograph(manifest: PackManifest) -> bool:
    """Whether it was never shown a photograph of a real tray, nor was what it is a faster copy of."""
    distilled = manifest.provenance.get(DISTILLED)
    return all_made_up(manifest.provenance) and (not isinstance(distilled, dict) or all_made_up(distilled))


def _own_limits(manifest: PackManifest) -> list[str]:
    """What this pack's own numbers do not show, so that nobody takes them for more."""
    metrics = manifest.metrics
    countable = [name for name in manifest.classes if name not in manifest.occluders]
    limits: list[str] = []
    if any(name.startswith(SCORED_NUMBER) for name in metrics):
        items = {name: int(metrics.get(f"{SCORED_NUMBER}{name}", 0)) for name in countable}
        if absent := [name for name, number in items.items() if not number]:
            limits.append(f"On none of the scored trays lay: {', '.join(absent)}.")
        if few := [f"{name} ({number})" for name, number in items.items() if 0 < number < FEW_ITEMS]:
            limits.append(f"Fewer than {FEW_ITEMS} lay there of: {', '.join(few)}. Their recall says little.")
    if silent := [name for name in countable if not manifest.thresholds.of(name).absence_tells]:
        limits.append(f"Never called missing, as it is overlooked too often: {', '.join(silent)}.")
    if trays := metrics.get("calibration_trays"):
        limits.append(f"Thresholds rest on {trays} trays; a class rare there has nearly those of all classes together.")
    return ["", *(f"- {limit}" for limit in limits)] if limits else []
