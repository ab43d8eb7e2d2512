"""What a benchmark shows the running agent: an empty counter and a tray, as a camera sends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from edge_agent.adapters.video_file import VideoFileSource
from edge_agent.app.eyes import Eyes, open_eyes
from edge_agent.app.live_process import FPS, Setting
from edge_agent.domain.contents import Contents
from edge_agent.errors import BadInput
from edge_agent.evaluation.photo_checks import contents_of
from edge_agent.ports import Picture
from edge_agent.settings import Settings

LOOK_EVERY_S, LONGEST_S = 0.5, 150.0
"""The recording is searched for its pictures so often, and no further than that."""

NOISE_SIGMA = 2.0
"""Of the pictures of a camera that looks at something still, in grey levels: without it, nothing is left to decode."""

X264_OPTIONS = {"preset": "veryfast", "tune": "zerolatency", "g": "50"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes:
    """Two pictures of a recording.

    Attributes:
        empty: on which nothing is seen.
        tray: on which the most is seen of those that leave no doubt.
        lying: what lies there, by SKU.
        short: the same and one piece more, which the agent is sure to miss.
    """

    empty: Picture
    tray: Picture
    lying: dict[str, int]
    short: dict[str, int]


def scenes_of(video: Path, setting: Setting) -> Scenes:
    """Search a recording for them.

    Raises:
        BadRecording: the recording does not read.
        BadInput: nothing of it will do.
    """
    eyes = open_eyes(Settings.model_validate({"detector": {"pack": setting.pack}, "menu": setting.menu}))
    empty: Picture | None = None
    tray: Picture | None = None
    best = Contents()
    due_s = 0.0
    for frame in VideoFileSource(video).frames():
        if frame.at_s < due_s:
            continue
        due_s = frame.at_s + LOOK_EVERY_S
        if frame.at_s > LONGEST_S:
            break
        contents = contents_of([eyes.detector.detect(frame.picture)], eyes.thresholds, eyes.occluders)
        if empty is None and not contents.counts:
            empty = frame.picture
        if _leaves_no_doubt(contents) and _pieces(contents) > _pieces(best):
            tray, best = frame.picture, contents
    if empty is None or tray is None:
        raise BadInput("the recording shows no empty counter, or no tray without doubt", path=video)
    lying = {eyes.menu.menu.items_seen_as(c.class_name)[0].sku: c.surely for c in best.counts}
    return Scenes(empty=empty, tray=tray, lying=lying, short=_one_more(lying, best, eyes))


def _leaves_no_doubt(contents: Contents) -> bool:
    return contents.unclear is None and all(count.surely == count.possibly for count in contents.counts)


def _pieces(contents: Contents) -> int:
    return sum(count.surely for count in contents.counts)


def _one_more(lying: dict[str, int], contents: Contents, eyes: Eyes) -> dict[str, int]:
    told = (c.class_name for c in contents.counts if c.class_name not in contents.overlooked)
    sku = eyes.menu.menu.items_seen_as(next(told))[0].sku
    return {**lying, sku: lying[sku] + 1}


def write_film(path: Path, pictures: Sequence[Picture]) -> Path:
    """Pictures as a camera sends them, `live_process.FPS` a second: H.264, with a sensor's noise."""
    draw = np.random.default_rng(1)
    noise = [draw.normal(0, NOISE_SIGMA, pictures[0].shape) for _ in range(7)]
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=Fraction(FPS), options=X264_OPTIONS)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for number, picture in enumerate(pictures):
            noisy = np.clip(picture + noise[number % len(noise)], 0, 255).astype(np.uint8)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="bgr24")))
        film.mux(stream.encode(None))
    return path
