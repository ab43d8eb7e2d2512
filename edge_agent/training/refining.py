"""Finer counts from coarser ones: of each thing on a tray, which of the classes behind a merged one it is.

A pack that was merged (`training/merging.py`) reports a fruit, and its weights know a banana. Trays that say "a fruit"
would teach these weights to forget what they tell apart. Which box is the fruit is found from the counts of all trays;
which fruit it is the weights themselves say. Where they are wrong in that, the candidate still reports a fruit.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edge_agent.errors import BadInput
from edge_agent.ports.steps import OnStep, nobody_looks
from edge_agent.training.alignment import FOLDS, SeenTray, Story, align
from edge_agent.training.labelling import CountedTray, Looks
from edge_agent.training.sightings import Sighting

logger = logging.getLogger(__name__)

Counts = tuple[tuple[str, int], ...]


def finer_counts(
    trays: Sequence[CountedTray],
    groups: Mapping[str, Sequence[str]],
    names: Sequence[str],
    *,
    look: Looks,
    on_tray: OnStep = nobody_looks,
) -> tuple[CountedTray, ...]:
    """The trays counted by finer classes; without those of which no photograph shows all that lies there.

    Args:
        trays: counted by the coarser classes.
        groups: the finer classes of each coarser one; a group of one may be new to the teacher.
        names: the teacher's classes, in the order of its scores.
        look: the teacher.
        on_tray: told how many trays were looked at.

    Raises:
        BadInput: too few trays are left to learn from, or none that has a class which is new to the teacher.
        BadRecording: a photograph does not read.
        ValueError: the trays are too few.
    """
    seen: list[SeenTray] = []
    for tray in trays:
        seen.append(SeenTray(tray.tray_id, tuple(map(look, tray.photographs)), tray.counts))
        on_tray(len(seen), len(trays))
    told = align(seen, tuple(groups)).stories
    finer = []
    for tray, shots, stories in zip(trays, seen, told, strict=True):
        votes = Counter(
            counts
            for shot, story in zip(shots.shots, stories, strict=True)
            if (counts := _counts(shot, story, groups, names)) is not None
        )
        if votes:
            finer.append(replace(tray, counts=dict(votes.most_common(1)[0][0])))
    logger.info("on %d of %d trays it is known which of the finer classes lie there", len(finer), len(trays))
    if len(finer) < FOLDS:
        said = f"of {len(trays)} trays {len(finer)} show all that their counts name"
        raise BadInput(f"{said}, too few to learn from: the weights know too little of what lies there")
    _refuse_lost(trays, finer, {name for name, group in groups.items() if not set(group) <= set(names)})
    return tuple(finer)


def _refuse_lost(trays: Sequence[CountedTray], left: Sequence[CountedTray], new: Collection[str]) -> None:
    """Of a class that no tray would teach the weights could know nothing in the end."""
    for name in sorted(new):
        having = [tray.tray_id for tray in trays if tray.counts.get(name)]
        if having and not any(tray.counts.get(name) for tray in left):
            on = f"{having[0]} and {len(having) - 1} more" if len(having) > 1 else having[0]
            said = f"the class '{name}' is new, and on no photograph of the trays that have it could it be found ({on})"
            raise BadInput(f"{said}: collect more trays with it, or take it off the menu and out of their counts")


def _counts(shot: Sighting, story: Story, groups: Mapping[str, Sequence[str]], names: Sequence[str]) -> Counts | None:
    """What one photograph says lies there; None where something is hidden."""
    counts: Counter[str] = Counter()
    for item in story.chosen:
        if item.candidate is None:
            return None
        group = groups[item.name]
        likeliest = group[0]
        if len(group) > 1:
            likeliest = group[int(np.argmax(shot.scores[item.candidate][[names.index(name) for name in group]]))]
        counts[likeliest] += 1
    return tuple(sorted(counts.items()))
