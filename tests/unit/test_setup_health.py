"""The cameras and the parts of a box as the Set-up pages ask for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_agent.app.health import BoxHealth
from edge_agent.domain.camera import FrameFigures
from edge_agent.domain.camera_advice import Focus, Light
from edge_agent.errors import Unknown
from edge_agent.formats.tuning import write_tuned
from edge_agent.ports import LiveFrame, ModelInUse, ReadinessReport, StationStatus
from edge_agent.runtime.checker_thread import NewestPicture
from edge_agent.runtime.live_cameras import CameraFacts, LiveCameras
from edge_agent.settings import Settings
from tests.builders_tuned import pack_in, tuned_for
from tests.fakes_api import FakeInUse, FakeReadiness
from tests.fakes_setup import LOOK, FakeCameras
from tests.fakes_store import FakeClock

PICTURE = np.zeros((480, 640, 3), dtype=np.uint8)
FIGURES = FrameFigures(at_s=99.9, luminance=3.0, sharpness=0.3, similarity=0.4)


class Seen:
    """What the checker's thread shows of two stations, of which only one has had a picture."""

    def __init__(self) -> None:
        self.statuses = (
            StationStatus(station_id="pass", camera="dark", can_decide=False),
            StationStatus(station_id="window", camera="offline", can_decide=False),
        )
        frame = LiveFrame(picture=PICTURE, at_s=99.9)
        self.newest = {"pass": NewestPicture(frame=frame, slots=(), figures=FIGURES)}


@pytest.fixture
def seen() -> Seen:
    return Seen()


def cameras(seen: Seen, clock: FakeClock) -> LiveCameras:
    return LiveCameras(
        seen,
        facts={"pass": CameraFacts(source="device 0"), "window": CameraFacts()},
        captures={},
        encode=lambda picture: f"{picture.shape}".encode(),
        clock=clock,
    )


def test_a_camera_is_told_with_its_size_and_what_to_do(seen: Seen) -> None:
    here, none = cameras(seen, FakeClock()).looks()
    assert (here.source, here.status, here.width_px, here.height_px) == ("device 0", "dark", 640, 480)
    assert here.advice is not None
    assert (here.advice.light, here.advice.focus, here.similarity) == (Light.DARK, Focus.SHARP, 0.4)
    assert (none.source, none.status, none.advice) == ("", "offline", None)


def test_the_whole_picture_is_shown_while_it_is_new(seen: Seen) -> None:
    clock = FakeClock()
    found = cameras(seen, clock).picture("pass")
    assert found is not None
    assert (found.jpeg, round(found.age_s, 3)) == (b"(480, 640, 3)", 0.1)
    assert cameras(seen, clock).picture("window") is None
    clock.advance(2.0)
    assert cameras(seen, clock).picture("pass") is None
    assert cameras(seen, clock).looks()[0].width_px == 0
    with pytest.raises(Unknown):
        cameras(seen, clock).picture("none")


@pytest.fixture
def health(tmp_path: Path) -> Callable[..., BoxHealth]:
    def made(**changed: object) -> BoxHealth:
        settings = Settings().relative_to(tmp_path / "configs")
        parts = {
            "settings": settings,
            "config": None,
            "cameras": FakeCameras(),
            "in_use": FakeInUse(),
            "readiness": FakeReadiness(),
            "clock": FakeClock(),
        }
        return BoxHealth(**{**parts, **changed})  # type: ignore[arg-type]

    return made


def test_each_part_is_looked_at_by_its_name(health: Callable[..., BoxHealth], tmp_path: Path) -> None:
    asked = health(config=tmp_path / "edge.yaml")
    assert asked.parts() == (
        "agent",
        "cameras",
        "model",
        "configuration",
        "disk",
        "database",
        "clock",
        "tokens",
        "service",
    )
    assert "configuration" not in health().parts()
    assert [found.state for found in asked.look("agent")] == ["ok"]
    assert "canteen 2" in asked.look("model")[0].said
    (missing,) = asked.look("configuration")
    assert (missing.state, "no such file" in missing.said) == ("wrong", True)
    with pytest.raises(Unknown):
        asked.look("kitchen")


@pytest.mark.parametrize(
    ("status", "source", "state"),
    [
        ("online", "device 0", "ok"),
        ("offline", "device 0", "wrong"),
        ("moved", "device 0", "attention"),
        ("offline", "", "attention"),
    ],
)
def test_a_camera_that_is_not_well_says_what_to_do(
    health: Callable[..., BoxHealth], status: str, source: str, state: str
) -> None:
    look = replace(LOOK, status=status, source=source)
    (found,) = health(cameras=FakeCameras(look=look)).look("cameras")
    assert (found.state, bool(found.do)) == (state, state != "ok")


def test_what_is_not_well_in_the_agent_is_wrong_once_it_cannot_decide(health: Callable[..., BoxHealth]) -> None:
    report = ReadinessReport(ready=False, problems=("the checker does not run any more",))
    assert [f.state for f in health(readiness=FakeReadiness(now=report)).look("agent")] == ["wrong"]
    report = replace(report, ready=True)
    assert [f.state for f in health(readiness=FakeReadiness(now=report)).look("agent")] == ["attention"]


def test_a_model_whose_fastest_form_nobody_measured_here_needs_a_look(
    health: Callable[..., BoxHealth], tmp_path: Path
) -> None:
    folder = pack_in(tmp_path / "pack")
    detector = Settings().detector.model_copy(update={"pack": folder})
    asked = health(settings=Settings().model_copy(update={"detector": detector}))
    (found,) = asked.look("model")
    assert (found.state, found.code) == ("attention", "model_unmeasured")
    assert found.said.startswith("canteen 2, fp32, runs on cpu; which of fp32, int8")
    write_tuned(tuned_for(folder), folder)
    assert [found.state for found in asked.look("model")] == ["ok"]


def test_a_form_that_is_not_computed_as_it_was_asked_for_needs_a_look(health: Callable[..., BoxHealth]) -> None:
    """Green would say that it is bfloat16."""

    class InBfloat16(FakeInUse):
        def models(self) -> tuple[ModelInUse, ...]:
            return (replace(super().models()[0], precision="bf16", provider="cpu"),)

    (found,) = health(in_use=InBfloat16()).look("model")
    assert (found.state, found.code) == ("attention", "model_otherwise")
