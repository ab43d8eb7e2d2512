"""Where a station's pictures come from, and when its camera is called what."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from edge_agent.checking.camera_watch import CameraLimits
from edge_agent.domain.said import say
from edge_agent.formats.yaml_file import FileModel
from edge_agent.settings.bounds import Fraction, Seconds

_LIMITS = CameraLimits()


class CameraLimitSettings(FileModel):
    """The limits of `checking.camera_watch.CameraLimits`; each is explained there."""

    offline_s: Seconds = _LIMITS.offline_s
    frozen_s: Seconds = _LIMITS.frozen_s
    identical_s: Seconds | None = _LIMITS.identical_s
    dark_luminance: Annotated[float, Field(ge=0, le=255)] = _LIMITS.dark_luminance
    blurred_sharpness: Annotated[float, Field(ge=0, le=10)] = _LIMITS.blurred_sharpness
    moved_similarity: Fraction = _LIMITS.moved_similarity
    bad_for_s: Seconds = _LIMITS.bad_for_s
    moved_for_s: Seconds = _LIMITS.moved_for_s
    good_for_s: Seconds = _LIMITS.good_for_s


PASSWORD = "{password}"  # noqa: S105  the place of one
"""Stands in a camera's address for what `password_file` or `password_env` holds."""

_WRITTEN_OUT = re.compile(
    r"//(?![^\s/@:]+(?::\{password\})?@)\S*@|(?:pass\w*|pwd|pw|token|secret)\s*=(?!\{password\})", re.IGNORECASE
)
"""A password in an address: `//user:secret@`, or `password=secret`, as some cameras want it."""

_URL = re.compile(r"(?:rtsps?|https?)://[^\s/?#]+\S*")

Address = Annotated[str, Field(min_length=1, max_length=2000)]


class CameraSettings(FileModel):
    """Where a station's pictures come from: one of url, device, pipeline and file.

    A password never stands here: `{password}` in an address stands for what a file or the environment holds.

    Attributes:
        url: `rtsp://viewer:{password}@10.0.0.5/stream1`; RTSP goes over TCP.
        device: a USB camera, by its number or its path, `/dev/v4l/by-id/...`.
        pipeline: a GStreamer pipeline that ends in `appsink`.
        file: a video, or a folder of pictures, played in real time.
        password_file: a file with the password and nothing else; beside this file unless its path is absolute.
        password_env: the name of an environment variable that holds it.
        width, height: asked of a device, in pixels.
        fps: asked of a device; a folder of pictures is played at so many a second.
        mjpg: ask a device for compressed pictures: uncompressed ones fill a USB 2 bus.
        loop: play a file again and again.
        delay_s: how old a picture is at best when it arrives: exposure, encoding, network.
        open_timeout_s: how long the camera may take to connect.
        read_timeout_s: ... and to send the next picture.
        reference: a picture taken at set-up; without one nobody notices that the camera was moved.
        limits: when the camera is called dark, frozen and so on; `checking.camera_watch` explains each.
    """

    url: Address | None = None
    device: Annotated[int, Field(ge=0, le=99)] | Annotated[str, Field(pattern=r"^/dev/\S+$")] | None = None
    pipeline: Address | None = None
    file: Path | None = None
    password_file: Path | None = None
    password_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    width: Annotated[int, Field(ge=32, le=10_000)] | None = None
    height: Annotated[int, Field(ge=32, le=10_000)] | None = None
    fps: Annotated[float, Field(gt=0, le=240)] = 10.0
    mjpg: bool = True
    loop: bool = False
    delay_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    open_timeout_s: Annotated[float, Field(ge=0.1, le=60)] = 10.0
    read_timeout_s: Annotated[float, Field(ge=0.1, le=60)] = 5.0
    reference: Path | None = None
    limits: CameraLimitSettings = CameraLimitSettings()

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str | None) -> str | None:
        if url is not None and not _URL.fullmatch(url):
            raise ValueError(
                say("camera_scheme", "the camera's address must begin with rtsp://, rtsps://, http:// or https://")
            )
        return url

    @model_validator(mode="after")
    def _fits_together(self) -> CameraSettings:
        if sum(kind is not None for kind in (self.url, self.device, self.pipeline, self.file)) != 1:
            raise ValueError(say("camera_one_of", "a camera needs exactly one of url, device, pipeline and file"))
        address = self.url or self.pipeline or ""
        if _WRITTEN_OUT.search(address):
            said = say(
                "camera_written_out",
                "a password must not stand in this file; write {sign} in its place, and name a password_file",
                sign=PASSWORD,
            )
            raise ValueError(said)
        if self.pipeline is not None and PASSWORD in self.pipeline.replace("=" + PASSWORD, ""):
            raise ValueError(
                say(
                    "camera_pipeline_password",
                    "in a pipeline {sign} is a value of its own: user-id=viewer user-pw={sign}",
                    sign=PASSWORD,
                )
            )
        secrets = sum(secret is not None for secret in (self.password_file, self.password_env))
        if secrets != (PASSWORD in address):
            raise ValueError(
                say(
                    "camera_password_pair",
                    "{sign} in the address and one of password_file and password_env belong together",
                    sign=PASSWORD,
                )
            )
        return self

    @property
    def shown(self) -> str:
        """What people may see of the address."""
        if self.device is not None:
            return f"device {self.device}"
        return self.url or self.pipeline or str(self.file)

    def relative_to(self, folder: Path) -> CameraSettings:
        """The same settings with every path resolved against `folder`."""
        names = ("file", "password_file", "reference")
        paths = {name: folder / path for name in names if (path := getattr(self, name)) is not None}
        return self.model_copy(update=paths)
