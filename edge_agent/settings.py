"""The configuration, `configs/edge.yaml`: frozen values, unknown keys refused, no I/O beyond reading the file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from edge_agent.checking.camera_watch import CameraLimits
from edge_agent.checking.policy import Policy, StationKind
from edge_agent.domain.association import AssociationRule
from edge_agent.domain.geometry import Point, Polygon
from edge_agent.domain.tray import Slot
from edge_agent.formats.pack import Precision
from edge_agent.formats.yaml_file import FileModel, load_yaml

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Corners = Annotated[tuple[tuple[Fraction, Fraction], ...], Field(max_length=64)]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]

SMALLEST_SLOT = 0.01
"""A slot takes at least this share of the picture; a tray does."""

_GRID = 1_000
"""The shares are held against a picture of so many pixels on each side."""

_POLICY = Policy()
_LIMITS = CameraLimits()


class SlotSettings(FileModel):
    """A place for one tray: a polygon whose corners are shares of the picture's width and height, (0, 0) upper left."""

    id: Identifier = "slot"
    polygon: Corners = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))

    @field_validator("polygon")
    @classmethod
    def _has_area(cls, corners: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        area = Polygon(tuple(Point(x * _GRID, y * _GRID) for x, y in corners)).area_px / _GRID**2
        if area < SMALLEST_SLOT:
            raise ValueError(f"the slot takes {area:.2%} of the picture; it needs {SMALLEST_SLOT:.0%} at least")
        return corners

    def slot(self, width_px: int, height_px: int) -> Slot:
        """The slot in pixels of a picture of this size."""
        return Slot(
            slot_id=self.id, polygon=Polygon(tuple(Point(x * width_px, y * height_px) for x, y in self.polygon))
        )


class TimingSettings(FileModel):
    """The times of `checking.policy.Policy`; each is explained there. Seconds."""

    settle_s: Seconds = _POLICY.settle_s
    gone_s: Seconds = _POLICY.gone_s
    resume_s: Annotated[float, Field(ge=0, le=600)] = _POLICY.resume_s
    vote_half_life_s: Seconds = _POLICY.vote_half_life_s
    alert_after_s: Seconds = _POLICY.alert_after_s
    clear_after_s: Seconds = _POLICY.clear_after_s
    dwell_s: Seconds = _POLICY.dwell_s
    late_order_s: Annotated[float, Field(ge=0, le=600)] = _POLICY.late_order_s
    expire_s: Seconds = _POLICY.expire_s


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
            raise ValueError("the camera's address must begin with rtsp://, rtsps://, http:// or https://")
        return url

    @model_validator(mode="after")
    def _fits_together(self) -> CameraSettings:
        if sum(kind is not None for kind in (self.url, self.device, self.pipeline, self.file)) != 1:
            raise ValueError("a camera needs exactly one of url, device, pipeline and file")
        address = self.url or self.pipeline or ""
        if _WRITTEN_OUT.search(address):
            said = f"a password must not stand in this file; write {PASSWORD} in its place, and name a password_file"
            raise ValueError(said)
        if self.pipeline is not None and PASSWORD in self.pipeline.replace("=" + PASSWORD, ""):
            raise ValueError(f"in a pipeline {PASSWORD} is a value of its own: user-id=viewer user-pw={PASSWORD}")
        secrets = sum(secret is not None for secret in (self.password_file, self.password_env))
        if secrets != (PASSWORD in address):
            raise ValueError(f"{PASSWORD} in the address and one of password_file and password_env belong together")
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


class StationSettings(FileModel):
    """One camera over one pass."""

    id: Identifier = "pass"
    kind: StationKind = StationKind.HANDOUT
    association: AssociationRule = AssociationRule.CONTENTS
    slots: Annotated[tuple[SlotSettings, ...], Field(min_length=1, max_length=6)] = (SlotSettings(),)
    timing: TimingSettings = TimingSettings()
    camera: CameraSettings | None = None

    @field_validator("slots")
    @classmethod
    def _ids_differ(cls, slots: tuple[SlotSettings, ...]) -> tuple[SlotSettings, ...]:
        if len({slot.id for slot in slots}) < len(slots):
            raise ValueError("two slots have the same id; give each its own")
        return slots

    @property
    def policy(self) -> Policy:
        """How this station decides."""
        return Policy(kind=self.kind, association=self.association, **self.timing.model_dump())


class DetectorSettings(FileModel):
    """Which model runs, and on what. What is `auto`, or 0, is as `edge-agent tune` measured it.

    Without a measurement: the pack's first precision, the best provider that works, all cores.

    `pack` is a pack's folder, or `models/active`: then `edge-agent models activate` decides which pack runs.
    """

    pack: Path = Path("../models/active")
    precision: Literal["auto"] | Precision = "auto"
    provider: Literal["auto", "tensorrt", "cuda", "openvino", "cpu"] = "auto"
    threads: Annotated[int, Field(ge=0, le=64)] = 0


class TlsSettings(FileModel):
    """The certificate that the API shows, and its key: PEM files; the key is readable by the agent alone."""

    certificate: Path
    key: Path


class ApiSettings(FileModel):
    """Where the HTTP API listens, and who is let in.

    Anything but this machine itself (`host: 127.0.0.1`) needs a token in the file `tokens`, which
    `edge-agent tokens create` writes; without one the agent refuses to listen there.
    """

    host: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_%-]+$")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8080
    tokens: Path = Path("../state/tokens.json")
    tls: TlsSettings | None = None

    def relative_to(self, folder: Path) -> ApiSettings:
        """The same settings with every path resolved against `folder`."""
        tls = self.tls and TlsSettings(certificate=folder / self.tls.certificate, key=folder / self.tls.key)
        return self.model_copy(update={"tokens": folder / self.tokens, "tls": tls})


class OrderFolderSettings(FileModel):
    """A folder that a till drops orders into as files. A file is taken once it has not changed for `settle_s`."""

    path: Path
    settle_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0


class Settings(FileModel, hide_input_in_errors=True):
    """The whole configuration. Paths are read from the folder of the file that names them."""

    detector: DetectorSettings = DetectorSettings()
    menu: Path = Path("menus/canteen.yaml")
    station: StationSettings = StationSettings()
    api: ApiSettings = ApiSettings()
    order_folder: OrderFolderSettings | None = None

    def relative_to(self, folder: Path) -> Settings:
        """The same settings with every path resolved against `folder`."""
        detector = self.detector.model_copy(update={"pack": folder / self.detector.pack})
        orders = self.order_folder and self.order_folder.model_copy(update={"path": folder / self.order_folder.path})
        api = self.api.relative_to(folder)
        camera = self.station.camera and self.station.camera.relative_to(folder)
        station = self.station.model_copy(update={"camera": camera})
        resolved = {"detector": detector, "menu": folder / self.menu, "station": station}
        return self.model_copy(update={**resolved, "api": api, "order_folder": orders})


def load_settings(path: Path) -> Settings:
    """Read a configuration.

    Raises:
        BadConfig: one sentence with file and line.
    """
    return load_yaml(path, Settings).relative_to(path.parent)
