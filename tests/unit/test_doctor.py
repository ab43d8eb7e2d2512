"""What the doctor finds, and what it says to do: each piece whole, odd and broken; and never a secret."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.adapters.system_clock import SystemClock
from edge_agent.adapters.this_box import disk_of
from edge_agent.app.doctor import examinations
from edge_agent.app.doctor_box import look_at_clock, look_at_database, look_at_disk, service_findings
from edge_agent.app.doctor_seeing import look_at_camera, look_at_model
from edge_agent.app.doctor_talking import look_at_api, look_at_broker, look_at_tokens
from edge_agent.app.finding import Finding, State
from edge_agent.app.tokens import open_tokens
from edge_agent.domain.access import Role
from edge_agent.formats.tuning import write_tuned
from edge_agent.settings import ApiSettings, CameraSettings, MqttSettings, Settings, StationSettings, StoreSettings
from tests.builders_onnx import constant_model, raw_output, write_pack
from tests.builders_tuned import pack_in, tuned_for, with_bfloat16
from tests.fakes_store import FakeClock

SECRET = "hunter2-hunter2"


def only(found: list[Finding]) -> Finding:
    """The one finding; whatever is not ok says what to do."""
    [finding] = found
    assert bool(finding.do) == (finding.state is not State.OK)
    return finding


# Model and cameras


def test_a_model_that_runs_says_on_what_and_how_fast(tmp_path: Path) -> None:
    write_pack(tmp_path / "pack", constant_model(raw_output([])), "ultralytics_raw")
    settings = Settings().model_copy(
        update={"detector": Settings().detector.model_copy(update={"pack": tmp_path / "pack"})}
    )
    found = only(look_at_model(settings, clock=SystemClock()))
    assert found.state is State.OK
    assert "runs on cpu" in found.said
    assert found.said.endswith("ms for one picture")


def test_a_provider_that_was_asked_for_and_not_taken_is_wrong(tmp_path: Path) -> None:
    """A fall-back to the CPU that nobody notices is what the design forbids."""
    write_pack(tmp_path / "pack", constant_model(raw_output([])), "ultralytics_raw")
    detector = Settings().detector.model_copy(update={"pack": tmp_path / "pack", "provider": "tensorrt"})
    found = only(look_at_model(Settings().model_copy(update={"detector": detector}), clock=SystemClock()))
    assert (found.state, "tensorrt was asked for" in found.said) == (State.WRONG, True)


def test_a_pack_with_several_precisions_that_nobody_measured_here_needs_a_look(tmp_path: Path) -> None:
    """It would run twice as slowly as it can, and nobody would know."""
    folder = pack_in(tmp_path / "pack")
    detector = Settings().detector.model_copy(update={"pack": folder})
    settings = Settings().model_copy(update={"detector": detector})
    found = only(look_at_model(settings, clock=SystemClock()))
    assert (found.state, found.said.endswith("which of fp32, int8 is fastest here was never measured")) == (
        State.ATTENTION,
        True,
    )
    assert "edge-agent tune" in found.do
    write_tuned(tuned_for(folder), folder)
    found = only(look_at_model(settings, clock=SystemClock()))
    assert (found.state, ", int8, runs on cpu" in found.said) == (State.OK, True)


def test_a_form_that_is_not_computed_here_as_it_was_asked_for_needs_a_look(tmp_path: Path) -> None:
    """The log alone would know it, and nobody reads that while all is green."""
    folder = with_bfloat16(pack_in(tmp_path / "pack"))
    asked = {"pack": folder, "provider": "cpu", "precision": "bf16"}
    detector = Settings().detector.model_copy(update=asked)
    found = only(look_at_model(Settings().model_copy(update={"detector": detector}), clock=SystemClock()))
    assert (found.state, found.code) == (State.ATTENTION, "model_otherwise")
    assert "but here it is fp32" in found.said
    assert "detector.precision" in found.do


def pictures(folder: Path, level: int, *, noise: bool = True) -> CameraSettings:
    """A folder of pictures in place of a camera."""
    folder.mkdir()
    random = np.random.default_rng(7)
    for number in range(4):
        picture = np.full((120, 160, 3), level, dtype=np.uint8)
        if noise:
            picture += random.integers(0, 60, picture.shape, dtype=np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    return CameraSettings(file=folder, fps=100)


def test_a_camera_says_what_its_pictures_are_like(tmp_path: Path) -> None:
    found = only(look_at_camera(StationSettings(), pictures(tmp_path / "p", 90), clock=SystemClock()))
    assert (found.state, found.what) == (State.OK, "camera pass")
    assert found.said.startswith("160 x 120, ")
    assert "pictures/s, brightness 1" in found.said


def test_a_dark_camera_needs_light(tmp_path: Path) -> None:
    found = only(look_at_camera(StationSettings(), pictures(tmp_path / "p", 0, noise=False), clock=SystemClock()))
    assert (found.state, found.said.endswith(": dark")) == (State.ATTENTION, True)


@pytest.mark.parametrize(
    ("camera", "said"),
    [
        (CameraSettings(file=Path("none.mp4")), "none.mp4"),
        (CameraSettings(device=99), "device 99"),
        (CameraSettings(pipeline="videotestsrc ! appsink"), "without GStreamer"),
    ],
)
def test_a_camera_that_gives_no_pictures_is_wrong(camera: CameraSettings, said: str) -> None:
    found = only(look_at_camera(StationSettings(), camera, clock=SystemClock()))
    assert (found.state, said in found.said) == (State.WRONG, True)


# Broker, API, tokens


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server on this machine that answers every request so; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "state"),
    [(401, State.OK), (429, State.ATTENTION), (200, State.WRONG), (404, State.WRONG), (500, State.WRONG)],
)
def test_the_api_must_keep_out_who_has_no_token(status: int, state: State) -> None:
    with answering(status) as port:
        assert only(look_at_api(ApiSettings(port=port))).state is state


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_api_that_nobody_serves_needs_a_look() -> None:
    found = only(look_at_api(ApiSettings(port=closed_port())))
    assert (found.state, "nothing listens" in found.said) == (State.ATTENTION, True)


def test_a_broker_that_is_not_there_is_wrong(tmp_path: Path) -> None:
    password = tmp_path / "p"
    password.write_text(SECRET)
    settings = MqttSettings(broker="127.0.0.1", port=closed_port(), username="box", password_file=password)
    found = only(look_at_broker(settings))
    assert (found.state, "cannot be reached" in found.said, SECRET in found.said) == (State.WRONG, True, False)


def test_tokens_are_counted_by_role_and_their_file_must_be_private(tmp_path: Path) -> None:
    settings = Settings().model_copy(update={"api": ApiSettings(tokens=tmp_path / "tokens.json")})

    def look() -> Finding:
        return only(look_at_tokens(settings, clock=SystemClock()))

    assert look().state is State.ATTENTION
    tokens = open_tokens(settings.api.tokens)
    for name, role in (("till 1", Role.POS), ("till 2", Role.POS), ("office", Role.ADMIN)):
        tokens.create(name=name, role=role)
    assert (look().state, look().said) == (State.OK, "1 of role admin, 2 of role pos")
    settings.api.tokens.chmod(0o644)
    assert look().do == f"sudo chmod 600 {settings.api.tokens}"
    settings.api.tokens.write_text("[]")
    assert look().state is State.WRONG


# Disk, database, clock


def test_a_small_or_odd_disk_is_named(tmp_path: Path) -> None:
    def look(**store: float) -> Finding:
        kept = StoreSettings(path=tmp_path / "edge.sqlite", **store)
        return only(look_at_disk(Settings().model_copy(update={"store": kept})))

    assert look(spare_mb=1_000_000).state is State.WRONG
    assert "store.most_gb" in look(most_gb=10_000).do
    assert look(most_gb=0.001, spare_mb=1).said.startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("folder", "kind"), [("/a/b", "ext4"), ("/a/b c/d", "nfs4"), ("/x", "overlay"), ("/a/bc", "overlay")]
)
def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path, folder: str, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 0:1 / / rw - overlay overlay rw\n"
        "2 1 0:2 / /a/b rw shared:1 - ext4 /dev/sda1 rw\n"
        "3 1 0:3 / /a/b\\040c rw - nfs4 host:/x rw\n"
        "damaged\n"
    )
    from edge_agent.adapters.this_box import _kind_of

    assert _kind_of(Path(folder), mounts) == kind
    assert disk_of(tmp_path).free_bytes > 0


def _fresh(path: Path) -> None:
    SqliteStore(path=path, clock=FakeClock()).close()


def _newer(path: Path) -> None:
    _fresh(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('edge_agent', 'm999', '')"
        )


def _damaged(path: Path) -> None:
    _fresh(path)
    raw = path.read_bytes()
    path.write_bytes(raw[:8192] + b"\xff" * (len(raw) - 8192))


def _text(path: Path) -> None:
    path.write_text("shopping list\n" * 100)


@pytest.mark.parametrize(
    ("make", "state"),
    [
        (lambda _: None, State.OK),
        (_fresh, State.OK),
        (_newer, State.WRONG),
        (_damaged, State.WRONG),
        (_text, State.WRONG),
    ],
)
def test_the_database_is_whole_or_wrong(tmp_path: Path, make: Callable[[Path], None], state: State) -> None:
    path = tmp_path / "edge.sqlite"
    make(path)
    assert only(look_at_database(path)).state is state


@pytest.mark.parametrize(
    ("state", "do"),
    [
        ({"LoadState": "not-found"}, "deploy/install.sh installs it, if the agent is to run unattended"),
        ({"ActiveState": "failed"}, "sudo journalctl -u edge-agent.service -e says why"),
        ({"ActiveState": "inactive"}, "sudo systemctl start edge-agent.service"),
        ({"ActiveState": "active", "UnitFileState": "disabled"}, "sudo systemctl enable edge-agent.service"),
        ({"ActiveState": "active", "UnitFileState": "enabled"}, ""),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_service_that_does_not_run_or_start_says_the_command(state: dict[str, str], do: str) -> None:
    assert only(service_findings(state)).do == do


def test_a_clock_of_1970_is_wrong() -> None:
    early = FakeClock(now=datetime(1970, 1, 1, tzinfo=timezone.utc))
    assert only(look_at_clock(Settings(timezone="Europe/Berlin"), clock=early)).state is State.WRONG
    assert only(look_at_clock(Settings(timezone="UTC"), clock=FakeClock())).state is State.ATTENTION


# All of it


def test_a_configuration_that_does_not_read_is_the_only_finding(tmp_path: Path) -> None:
    (tmp_path / "edge.yaml").write_text(f"mqtt: {{username: box, password: {SECRET}}}\n")
    found = [finding for each in examinations(tmp_path / "edge.yaml") for finding in each.look()]
    assert {finding.what for finding in found} == {"configuration"}
    assert SECRET not in json.dumps([finding.said for finding in found])
