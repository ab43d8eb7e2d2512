"""The names under which the manifest of a pack says how it was made (`provenance`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_agent.formats.pack import PackManifest
from edge_agent.training.synth.scene_folder import made_by

WEIGHTS_SHA256 = "weights_sha256"
"""From which weights learning goes on, as `weights.pt` of its run has them; a faster copy was made of others, which its
`distilled` names in the same way."""

PHOTOGRAPHS_SHA256 = "photographs_sha256"
"""Which photographs of trays taught it, however those are counted."""

START_HELD_OUT = "start_held_out"
"""Which blocks of trays taught nothing to the weights that it began with; only where these were not random."""

CALIBRATED_ON = "calibrated_on"
"""On which trays its thresholds were found."""

THRESHOLDS_OF = "thresholds_of"
"""From which pack it has taken them over, name and version; only where they were not found with its own scores."""

DISTILLED = "distilled"
"""How its network learned from the one that it is a faster copy of; only there."""

COPY = "copy"
"""In what a file says of how it was quantised: of which faster copy it is a form; only where it is none of the pack's
own network."""

BEGUN_WITH = "begun_with"
"""In that account: what the copy was made by that learned further; only where it did not begin as the detector."""

AVERAGED = "averaged"
"""How much of its weights is what its training ended with, the rest being what that began with; only there."""

CHOSEN_ON = "chosen_on"
"""Which blocks of trays told, beside the judge of the rounds, that these weights be taken and no others."""

SYNTHETIC, ALL_SYNTHETIC = "synthetic", "all_synthetic"
"""What made the pictures that taught it, where some were made up, and whether all were; only there."""


def start_sha256(provenance: Mapping[str, Any]) -> object:
    """The hash of the weights that training began with; None where they were random, or it is not said.

    Without boxed photographs it goes on from what labels the trays.
    """
    return provenance.get("start_sha256", None if "data_sha256" in provenance else provenance.get("teacher_sha256"))


def named(manifest: PackManifest) -> dict[str, str]:
    """As what a pack is called where another one says that it comes from it."""
    return {"name": manifest.name, "version": manifest.version}


def made_up(folders: Sequence[Path]) -> dict[str, Any]:
    """What the folders that teach say of themselves, as these two: nothing, where none holds made-up pictures."""
    generators = [generator for folder in folders if (generator := made_by(folder)) is not None]
    if not generators:
        return {}
    return {SYNTHETIC: list(dict.fromkeys(generators)), ALL_SYNTHETIC: len(generators) == len(folders)}


def all_made_up(told: Mapping[str, Any]) -> bool:
    """Whether all pictures that taught were made up, by such an account.

    Packs of before it was told of trays too say what made their boxed pictures; who learned from orders as well may
    have been shown photographs.
    """
    return bool(told.get(SYNTHETIC)) and told.get(ALL_SYNTHETIC, not told.get("rounds")) is True


def without_thresholds(manifest: PackManifest) -> dict[str, Any]:
    """What a manifest says of how the pack was made, but for its thresholds: for a pack that gets other ones."""
    return {key: value for key, value in manifest.provenance.items() if key not in (CALIBRATED_ON, THRESHOLDS_OF)}
