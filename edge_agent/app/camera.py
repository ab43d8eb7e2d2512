"""Put together what a station's camera needs, from its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from edge_agent.adapters.opencv_camera import OpenCvCamera
from edge_agent.adapters.photograph import read_photograph
from edge_agent.adapters.photograph_folder import PhotographFolderSource
from edge_agent.adapters.picture_meter import PictureMeter
from edge_agent.adapters.played_source import PlayedSource
from edge_agent.adapters.video_file import VideoFileSource
from edge_agent.checking.camera_watch import CameraLimits
from edge_agent.domain.said import say
from edge_agent.errors import BadInput
from edge_agent.ports import Clock, FrameSource, LiveSource
from edge_agent.settings import CameraSettings, StationSettings

STUCK_MARGIN_S = 5.0
"""A call that outlasts the source's own time-outs by so much hangs."""


def source_maker(camera: CameraSettings, clock: Clock) -> Callable[[], LiveSource]:
    """What makes a source of the camera's pictures, as often as one is needed."""
    if camera.file is not None:
        frames = partial(_recorded, camera.file, camera.fps)
        return partial(PlayedSource, frames, clock=clock, loop=camera.loop, gap_s=1 / camera.fps)
    return partial(OpenCvCamera, camera, clock=clock)


def stuck_after_s(camera: CameraSettings, others: Iterable[CameraSettings] = ()) -> float:
    """After so long a call of the source hangs; a connection that fails is tried twice, to learn why it failed.

    OpenCV connects to one stream of the process at a time: before this one, each of the `others` may take its time.
    """
    before_s = sum(other.open_timeout_s for other in others if other.url is not None) if camera.url is not None else 0
    return 2 * max(camera.open_timeout_s, camera.read_timeout_s) + before_s + STUCK_MARGIN_S


def limits_of(camera: CameraSettings) -> CameraLimits:
    """When the camera is called what. A recording has no noise of its own: its frames may be identical."""
    limits = CameraLimits(**camera.limits.model_dump())
    return limits if camera.file is None else replace(limits, identical_s=None)


def meter_for(station: StationSettings) -> PictureMeter:
    """What measures the station's frames, against its reference picture if it has one.

    Raises:
        BadRecording: the reference picture does not read.
        BadInput: it shows too little around the slots to tell that the camera was moved.
    """
    path = None if station.camera is None else station.camera.reference
    if path is None:
        return PictureMeter()
    picture = read_photograph(path)
    height_px, width_px = picture.shape[:2]
    slots = [each.slot(width_px, height_px).polygon for each in station.slots]
    meter = PictureMeter(reference=picture, slots=slots)
    if not meter.can_compare:
        raise BadInput(
            say(
                "reference_too_little",
                "the reference picture shows too little outside the slots to tell that the camera was moved; "
                "draw the slots closer around the trays, or leave 'reference' out",
            ),
            path=path,
        )
    return meter


def _recorded(path: Path, frames_per_s: float) -> FrameSource:
    if path.is_dir():
        return PhotographFolderSource(path, frames_per_s=frames_per_s)
    return VideoFileSource(path, threads=1)  # played in real time: there is nothing to be quick for
