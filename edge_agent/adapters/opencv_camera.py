"""A camera by OpenCV: network streams (RTSP over TCP), USB cameras (V4L2) and GStreamer pipelines."""

from __future__ import annotations

import math
import os
import re

import av
import cv2
import numpy as np

from edge_agent.adapters.camera_address import pipeline_of, url_of
from edge_agent.adapters.camera_knock import answers_at
from edge_agent.checking.source_clock import SourceClock
from edge_agent.domain.said import say
from edge_agent.errors import CameraError, CameraLost, CameraRefused, CameraUnusable
from edge_agent.ports import Clock, LiveFrame
from edge_agent.settings import CameraSettings

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # silent: what it writes to standard error, we say

MOST_PILED_UP = 300
"""So many frames at most are thrown away after connecting; more is no pile, but a stream that runs too fast."""

SAID_NO = (
    av.error.HTTPUnauthorizedError,
    av.error.HTTPForbiddenError,
    av.error.HTTPNotFoundError,
    av.error.HTTPBadRequestError,
    av.error.HTTPOtherClientError,
)
"""Errors of FFmpeg that mean that the camera was reached and refused (RTSP shares these codes with HTTP)."""


class OpenCvCamera:
    """A LiveSource for `url`, `device` and `pipeline` of the settings. Not for several threads.

    OpenCV asks RTSP cameras for TCP first, unless OPENCV_FFMPEG_CAPTURE_OPTIONS in the environment says otherwise; that
    is left alone here, since it would hold for every camera of the process.
    """

    def __init__(self, camera: CameraSettings, *, clock: Clock) -> None:
        self._camera = camera
        self._clock = clock
        self._capture: cv2.VideoCapture | None = None
        self._times = SourceClock(delay_s=camera.delay_s)

    def open(self) -> None:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it would write addresses with passwords
        self.close()
        self._times = SourceClock(delay_s=self._camera.delay_s)
        if self._camera.url is not None:
            capture = self._open_url(self._camera.url)
        elif self._camera.pipeline is not None:
            capture = self._open_pipeline()
        else:
            capture = self._open_device(self._camera.device)
        self._capture = capture

    def read(self) -> LiveFrame:
        capture = self._capture
        if capture is None:
            raise CameraLost(say("camera_not_open", "{source} is not open", source=self._camera.shown))
        try:
            got, picture = capture.read()
        except cv2.error:
            got, picture = False, None
        arrived_s = self._clock.monotonic_s()
        if not got or picture is None or picture.ndim != 3 or picture.shape[2] != 3:  # noqa: PLR2004  three colours
            raise CameraLost(
                say(
                    "camera_no_more",
                    "{source} sends no pictures any more, or none within {seconds} s",
                    source=self._camera.shown,
                    seconds=self._wait,
                )
            )
        source_s = _seconds(capture.get(cv2.CAP_PROP_POS_MSEC))
        at_s = self._times.at_s(arrived_s, source_s)
        return LiveFrame(np.asarray(picture, dtype=np.uint8), at_s, source_s)

    def close(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    @property
    def _wait(self) -> str:
        return f"{self._camera.read_timeout_s:g}"

    def _open_url(self, shown: str) -> cv2.VideoCapture:
        address = url_of(self._camera)
        if not answers_at(address, timeout_s=self._camera.open_timeout_s):
            raise _silent(shown, self._camera.open_timeout_s)
        capture = _opened(
            address,
            cv2.CAP_FFMPEG,
            [
                *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(self._camera.open_timeout_s * 1000)),
                *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(self._camera.read_timeout_s * 1000)),
                *(cv2.CAP_PROP_N_THREADS, 1),  # each further thread of the decoder keeps a frame back
            ],
        )
        if capture is None:
            raise _why(address, shown, self._camera.open_timeout_s)
        if shown.startswith("rtsp"):
            self._drop_piled_up(capture)
        return capture

    def _drop_piled_up(self, capture: cv2.VideoCapture) -> None:
        """Throw away what came while FFmpeg studied the stream: seconds of it, and nothing tells how old the first is.

        A frame is live when the wait for it was at least half of what it is younger than the one before.
        """
        before_s: float | None = None
        for _ in range(MOST_PILED_UP):
            asked_s = self._clock.monotonic_s()
            if not capture.grab():
                return  # the first read will say so
            source_s = _seconds(capture.get(cv2.CAP_PROP_POS_MSEC))
            waited_s = self._clock.monotonic_s() - asked_s
            if source_s is not None and before_s is not None and waited_s >= (source_s - before_s) / 2:
                return
            before_s = source_s

    def _open_device(self, device: int | str | None) -> cv2.VideoCapture:
        wished = [
            *((cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")) if self._camera.mjpg else ()),
            *((cv2.CAP_PROP_FRAME_WIDTH, self._camera.width) if self._camera.width else ()),
            *((cv2.CAP_PROP_FRAME_HEIGHT, self._camera.height) if self._camera.height else ()),
        ]
        capture = _opened(_device_number(device), cv2.CAP_V4L2, [])
        if capture is None:
            raise CameraLost(
                say(
                    "camera_device",
                    "device {device} cannot be opened; is it plugged in, and may the agent's user read it?",
                    device=device,
                )
            )
        for name, value in zip(wished[::2], wished[1::2], strict=True):  # a camera that lacks it gives what it has
            capture.set(name, value)
        capture.set(cv2.CAP_PROP_FPS, self._camera.fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return capture

    def _open_pipeline(self) -> cv2.VideoCapture:
        if not has_gstreamer():
            raise CameraUnusable(
                say(
                    "camera_no_gstreamer",
                    "this OpenCV was built without GStreamer, so a pipeline cannot run; use the "
                    "OpenCV of the system (Debian: python3-opencv), or give the camera by url",
                )
            )
        capture = _opened(pipeline_of(self._camera), cv2.CAP_GSTREAMER, [])
        if capture is None:
            raise CameraLost(
                say("camera_pipeline", "the GStreamer pipeline does not start; try it with gst-launch-1.0")
            )
        return capture


def has_gstreamer() -> bool:
    """Whether the installed OpenCV can run GStreamer pipelines."""
    return re.search(r"^\s*GStreamer:\s*YES", cv2.getBuildInformation(), re.MULTILINE) is not None


def _opened(source: str | int, backend: int, parameters: list[int]) -> cv2.VideoCapture | None:
    try:
        capture = cv2.VideoCapture(source, backend, parameters)
    except cv2.error:
        return None
    if capture.isOpened():
        return capture
    capture.release()
    return None


def _why(address: str, shown: str, timeout_s: float) -> CameraError:
    """Why a stream does not open. OpenCV only says that it does not; PyAV, asked once more, tells what FFmpeg met."""
    refused = False
    try:
        av.open(address, options={"rtsp_flags": "prefer_tcp"}, timeout=timeout_s).close()
    except SAID_NO:
        refused = True
    except (av.error.FFmpegError, OSError, ValueError):
        pass
    if refused:  # raised out here, so that FFmpeg's error, which holds the password, hangs on nothing
        return CameraRefused(
            say(
                "camera_refuses",
                "{source}: the camera refuses; are the user, the password and the path right?",
                source=shown,
            )
        )
    return _silent(shown, timeout_s)


def _silent(shown: str, timeout_s: float) -> CameraLost:
    return CameraLost(
        say(
            "camera_silent",
            "{source}: the camera does not answer within {seconds:g} s, or sends no video",
            source=shown,
            seconds=timeout_s,
        )
    )


def _device_number(device: int | str | None) -> int | str:
    """V4L2 wants a number or `/dev/videoN`; a link such as `/dev/v4l/by-id/...` is followed each time anew."""
    return os.path.realpath(device) if isinstance(device, str) else device or 0


def _seconds(milliseconds: float) -> float | None:
    """The source's own time; None where it says none, which OpenCV reports as 0, a negative number or nonsense."""
    return milliseconds / 1000 if math.isfinite(milliseconds) and milliseconds > 0 else None
