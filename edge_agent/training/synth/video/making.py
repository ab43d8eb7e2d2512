"""From a seed to a recording: the film, the till's orders, the truth, and a configuration to play it with."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.menu import Menu
from edge_agent.training.synth.conditions import Finish
from edge_agent.training.synth.cutouts import Library, open_library
from edge_agent.training.synth.dice import dice
from edge_agent.training.synth.video.courses import ASPECT
from edge_agent.training.synth.video.film_camera import FilmCamera
from edge_agent.training.synth.video.film_file import film_file
from edge_agent.training.synth.video.film_set import FilmSet
from edge_agent.training.synth.video.plot import write_story
from edge_agent.training.synth.video.rehearsal import slot_corners, view_of
from edge_agent.training.synth.video.story import FRAMES_PER_S, Story, Trouble, Visit

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoMade:
    """A recording that was made: its film, how many pictures and bytes it has, how many trays come."""

    film: Path
    frames: int
    size_bytes: int
    trays: int


def make_video(name: str, *, seed: int, library: Path, into: Path, menu: Menu, width_px: int, told: Told) -> VideoMade:
    """Write the story of that name and film it.

    Raises:
        BadInput: there is no such story, the library lacks something, or a file cannot be written.
    """
    opened = open_library(library)
    return film_story(write_story(name, seed=seed, menu=menu), opened, into, width_px=width_px, told=told)


def film_story(story: Story, library: Library, into: Path, *, width_px: int, told: Told) -> VideoMade:
    """Write NAME.mp4, NAME.orders.jsonl, NAME.truth.jsonl and NAME.plan.yaml.

    Raises:
        BadInput: the library lacks something, or a file cannot be written.
    """
    film = into / f"{story.name}.mp4"
    seen = _filmed(story, library, film, width_px, told)
    write_lines(into / f"{story.name}.orders.jsonl", [said.as_json() for said in story.till])
    numbered = enumerate(story.visits, start=1)
    write_lines(into / f"{story.name}.truth.jsonl", [_truth(visit, number, seen) for number, visit in numbered])
    (into / f"{story.name}.plan.yaml").write_text(plan_text(story), encoding="utf-8")
    return VideoMade(film=film, frames=story.frames, size_bytes=film.stat().st_size, trays=len(story.visits))


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture (height, width, 3; uint8; blue-green-red), its time, and the numbers of the trays that it shows."""

    at_s: float
    picture: NDArray[np.uint8]
    trays: frozenset[int]


def shots(story: Story, library: Library, *, width_px: int) -> Iterator[Shot]:
    """The pictures of a story, before they are packed: the same on every machine that reckons alike.

    Trays are numbered from 1, in the order of the story's visits.

    Raises:
        BadInput: the library lacks something.
    """
    rng = dice("camera", story.name, story.seed)
    camera = FilmCamera(
        width_px=width_px,
        height_px=round(width_px * ASPECT),
        faults=_camera_of(rng),
        frames_per_s=FRAMES_PER_S,
        barrel=-rng.uniform(0.02, 0.06),
    )
    stage = FilmSet(library, story, width_px=width_px)
    frozen = [mishap for mishap in story.mishaps if mishap.trouble is Trouble.FREEZE]
    shot: Shot | None = None
    for frame in range(story.frames):
        at_s = frame / FRAMES_PER_S
        if shot is not None and any(mishap.from_s <= at_s < mishap.to_s for mishap in frozen):
            shot = replace(shot, at_s=at_s)
        else:
            moment = stage.at(at_s)
            shown = frozenset(np.unique(moment.index).tolist()) - {0}
            shot = Shot(at_s, camera.shoot(moment.light), shown)
        yield shot


@dataclass(slots=True)
class _Seen:
    """When each tray, by its number, was first and last to be seen."""

    first_s: dict[int, float] = field(default_factory=dict)
    last_s: dict[int, float] = field(default_factory=dict)

    def note(self, shot: Shot) -> None:
        for number in shot.trays:
            self.first_s.setdefault(number, shot.at_s)
            self.last_s[number] = shot.at_s


def _filmed(story: Story, library: Library, path: Path, width_px: int, told: Told) -> _Seen:
    seen = _Seen()
    size = {"width_px": width_px, "height_px": round(width_px * ASPECT)}
    with film_file(path, frames_per_s=FRAMES_PER_S, **size) as take:
        for done, shot in enumerate(shots(story, library, width_px=width_px)):
            told(done, story.frames)
            seen.note(shot)
            take(shot.picture)
    told(story.frames, story.frames)
    return seen


def _camera_of(rng: random.Random) -> Finish:
    """A camera of the cheaper sort, in order and in focus."""
    return Finish(
        exposure=rng.uniform(0.0, 0.25),
        warmth=rng.gauss(0, 0.03),
        contrast=rng.uniform(1.1, 1.35),
        saturation=rng.uniform(0.9, 1.15),
        defocus_px=rng.uniform(0.45, 0.7),
        motion_px=0.0,
        motion_rad=0.0,
        noise=rng.uniform(0.006, 0.011),
        sharpen=rng.uniform(0.4, 0.8),
        vignette=rng.uniform(0.1, 0.25),
        jpeg=90,
        noise_seed=rng.randrange(1 << 30),
    )


def _truth(visit: Visit, number: int, seen: _Seen) -> dict[str, Any]:
    """A line of `NAME.truth.jsonl`: the times are those of the first and the last picture that shows the tray."""
    enter_s, leave_s = seen.first_s.get(number, visit.comes_s), seen.last_s.get(number, visit.gone_s)
    said: dict[str, Any] = {
        "order_id": visit.order_id,
        "tray_id": visit.tray_id,
        "enter_s": round(enter_s, 2),
        "leave_s": round(leave_s, 2),
        "contents": dict(sorted(visit.sold.items())),
    }
    if visit.put_right_s is not None:
        before = visit.sold_at(visit.put_right_s - 1e-6)
        said["was"] = {"until_s": round(visit.put_right_s, 2), "contents": dict(sorted(before.items()))}
    return said


def plan_text(story: Story) -> str:
    """A configuration that plays the recording: its station with the slots, the menu, the model."""
    filmed = story.filmed
    view = view_of(filmed)
    lines = [
        f"# Plays {story.name}.mp4: edge-agent replay {story.name}.mp4 --config {story.name}.plan.yaml",
        "shadow: false",
        "detector:",
        "  pack: ../models/fastfood",
        "menu: ../configs/menus/fastfood.yaml",
        "stations:",
        f"  - id: {filmed.station_id}",
        f"    kind: {filmed.kind.value}",
        "    slots:",
    ]
    for place in filmed.places:
        corners = ", ".join(f"[{x}, {y}]" for x, y in slot_corners(place, view))
        lines += [f"      - id: {place.slot_id}", f"        polygon: [{corners}]"]
    return "\n".join(lines) + "\n"


def write_lines(path: Path, entries: list[dict[str, Any]]) -> None:
    """Write JSON lines."""
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
