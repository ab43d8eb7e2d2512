"""What touches pictures: figures, motion, tags, recordings played in place of a camera, addresses with passwords."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_agent.adapters.camera_address import pipeline_of, url_of
from edge_agent.adapters.opencv_camera import OpenCvCamera, has_gstreamer
from edge_agent.adapters.photograph_folder import PhotographFolderSource
from edge_agent.adapters.picture_meter import PictureMeter
from edge_agent.adapters.played_source import PlayedSource
from edge_agent.adapters.qr_marker_reader import QrMarkerReader
from edge_agent.adapters.slot_motion import SlotMotion
from edge_agent.adapters.video_file import VideoFileSource
from edge_agent.app.camera import limits_of, meter_for, source_maker
from edge_agent.checking.camera_watch import CameraLimits
from edge_agent.domain.geometry import Box, Polygon
from edge_agent.domain.tray import Slot
from edge_agent.errors import BadConfig, BadInput, BadRecording, CameraEnded, CameraLost, CameraUnusable
from edge_agent.formats.marker import read_marker
from edge_agent.ports import LiveFrame, Picture
from edge_agent.settings import CameraSettings, StationSettings, load_settings
from tests.fakes_camera import HandClock
from tests.videos import write_video

SECRET = "s3cret/p@ss word"
SLOT = Slot(slot_id="slot", polygon=Polygon.rectangle(200, 120, 440, 360))
LIMITS = CameraLimits()


def counter(seed: int = 1) -> Picture:
    """A counter of boxes of all sizes and shades, 640 x 480."""
    draw = np.random.default_rng(seed)
    picture = np.full((480, 640, 3), 100, dtype=np.uint8)
    for _ in range(250):
        x, y, w, h = (int(n) for n in draw.integers((0, 0, 8, 8), (640, 480, 60, 60)))
        cv2.rectangle(picture, (x, y), (x + w, y + h), [int(n) for n in draw.integers(0, 255, 3)], -1)
    return picture


def noisy(picture: Picture, seed: int, sigma: float = 2.0) -> Picture:
    draw = np.random.default_rng(seed)
    return np.asarray(np.clip(picture + draw.normal(0, sigma, picture.shape), 0, 255), dtype=np.uint8)


def shifted(picture: Picture, pixels: int) -> Picture:
    return np.asarray(np.roll(picture, pixels, axis=1), dtype=np.uint8)


def trays(picture: Picture) -> Picture:
    """Another picture altogether in the slot."""
    covered = picture.copy()
    covered[120:360, 200:440] = counter(9)[:240, :240]
    return np.asarray(covered, dtype=np.uint8)


def figures(picture: Picture, meter: PictureMeter | None = None) -> Any:
    return (meter or PictureMeter()).measure(LiveFrame(picture, 1.0, 0.5))


def test_a_sharp_picture_is_told_from_a_blurred_one_at_any_contrast() -> None:
    for contrast in (0.3, 0.6, 1.0):
        dimmed = cv2.convertScaleAbs(counter(), alpha=contrast)
        assert figures(np.asarray(dimmed, dtype=np.uint8)).sharpness > 2 * LIMITS.blurred_sharpness
        blurred = np.asarray(cv2.GaussianBlur(dimmed, (0, 0), 4), dtype=np.uint8)
        assert figures(blurred).sharpness < LIMITS.blurred_sharpness


def test_of_a_plain_counter_nobody_can_say_whether_it_is_sharp() -> None:
    assert figures(noisy(np.full((480, 640, 3), 90, dtype=np.uint8), 1)).sharpness is None


def test_light_is_measured() -> None:
    black = figures(np.zeros((480, 640, 3), dtype=np.uint8))
    assert (black.luminance, black.clipped) == (0.0, 1.0)
    grey = figures(np.full((480, 640, 3), 90, dtype=np.uint8))
    assert (grey.luminance, grey.clipped, grey.source_s) == (pytest.approx(90, abs=0.5), 0.0, 0.5)
    half = np.full((480, 640, 3), 255, dtype=np.uint8)
    half[:120], half[120:240] = 0, 90
    lit = figures(half)
    assert (lit.luminance, lit.white, lit.clipped) == (pytest.approx(150, abs=0.5), 0.5, 0.75)


def test_sharpness_is_the_variance_of_the_laplacian_over_that_of_a_coarser_copy() -> None:
    picture = counter()[:240, :320]
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    coarse = cv2.resize(grey, (80, 60), interpolation=cv2.INTER_AREA)
    fine_variance, coarse_variance = (np.var(cv2.Laplacian(each, cv2.CV_64F)) for each in (grey, coarse))
    assert figures(picture).sharpness == pytest.approx(fine_variance / coarse_variance)


def test_a_repeated_frame_is_told_from_a_sensor_that_sees_nothing_new() -> None:
    meter = PictureMeter()
    frames = [noisy(counter(), 1), noisy(counter(), 1), noisy(counter(), 2, sigma=0.7)]
    changes = [figures(frame, meter).change for frame in frames]
    assert changes[:2] == [None, 0.0]
    assert changes[2] is not None
    assert changes[2] > 0


def test_a_camera_that_was_pushed_is_told_from_trays_light_and_an_arm() -> None:
    """Only what lies outside the slots is compared: there nothing comes and goes."""
    meter = PictureMeter(reference=counter(), slots=[SLOT.polygon])
    arm = counter()
    arm[:, 500:580] = 30
    for still in (counter(), trays(counter()), noisy(counter(), 3), arm, shifted(counter(), 2)):
        assert figures(still, meter).similarity > 2 * LIMITS.moved_similarity
    dim = np.asarray(cv2.convertScaleAbs(counter(), alpha=0.4), dtype=np.uint8)
    assert figures(dim, meter).similarity > 2 * LIMITS.moved_similarity
    for pushed in (shifted(counter(), 16), shifted(trays(counter()), 40), np.ascontiguousarray(np.rot90(counter(), 2))):
        assert figures(pushed, meter).similarity < LIMITS.moved_similarity


def test_slots_that_fill_the_picture_leave_nothing_to_compare(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "pass.png"), counter())
    whole = StationSettings(camera=CameraSettings(device=0, reference=tmp_path / "pass.png"))
    with pytest.raises(BadInput, match="too little outside the slots"):
        meter_for(whole)
    assert not meter_for(StationSettings()).can_compare


def test_a_change_in_a_slot_is_seen_noise_and_what_happens_outside_are_not() -> None:
    motion = SlotMotion(slots=[SLOT])
    assert motion.changes(noisy(counter(), 1)) is None
    motion.keep()
    [noise] = motion.changes(noisy(counter(), 2)) or ()
    outside = counter()
    outside[0:100] = 0
    [beside] = motion.changes(outside) or ()
    straw = counter()
    straw[200:300, 300:308] = 255 - straw[200:300, 300:308]
    [thing] = motion.changes(straw) or ()
    assert max(noise, beside) <= 12.0 < thing
    assert motion.changes(counter()[:240]) is None


def tagged(text: str, *, x: int = 250, y: int = 180, pixels: int = 3) -> Picture:
    """The counter with a QR tag in the slot."""
    code = cv2.copyMakeBorder(cv2.QRCodeEncoder.create().encode(text), 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255,))
    big = cv2.resize(code, None, fx=pixels, fy=pixels, interpolation=cv2.INTER_NEAREST)
    picture = counter()
    picture[y : y + big.shape[0], x : x + big.shape[1]] = np.asarray(big, dtype=np.uint8)[..., None]
    return picture


def test_a_tag_is_read_with_its_place_in_the_whole_picture() -> None:
    [marker] = QrMarkerReader().read(noisy(tagged("order:pos-1/2026-01-31/A-101"), 1), SLOT.polygon.bounds)
    assert marker.text == "pos-1/2026-01-31/A-101"
    assert SLOT.polygon.contains(marker.box.centre)
    assert [marker.box.left, marker.box.top] == pytest.approx([268, 198], abs=3)


@pytest.mark.parametrize("within", [Box(0, 0, 100, 100), Box(-50, -50, 5, 5), Box(700, 500, 900, 900)])
def test_where_there_is_no_tag_none_is_read(within: Box) -> None:
    assert QrMarkerReader().read(tagged("A-101"), within) == ()


def test_the_codes_on_packages_are_no_order_tags() -> None:
    assert QrMarkerReader().read(tagged("https://example.com/cola")) == ()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("order:pos-1/2026-01-31/A-101", "pos-1/2026-01-31/A-101"),
        ("ORDER: A-101 ", "A-101"),
        ("A-101", "A-101"),
        ("#42", "#42"),
        ("order:", None),
        ("order:a/b/c/d", None),
        ("order:a//c", None),
        ("WIFI:S:guest;P:secret;;", None),
        ("A" * 33, None),
        ("order:" + "A" * 500, None),
        ("", None),
    ],
)
def test_what_a_tag_names(text: str, named: str | None) -> None:
    assert read_marker(text) == named


def test_a_recording_is_played_at_its_times_and_ends(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", [0.0, 0.1, 1.5])
    clock = HandClock()
    player = PlayedSource(lambda: VideoFileSource(path), clock=clock, sleep=clock.sleep)
    player.open()
    frames = [player.read() for _ in range(3)]
    assert [frame.at_s for frame in frames] == pytest.approx([100.0, 100.1, 101.5], abs=0.002)
    assert [frame.source_s for frame in frames] == pytest.approx([0.0, 0.1, 1.5], abs=0.002)
    assert clock.now_s == pytest.approx(101.5, abs=0.002)
    with pytest.raises(CameraEnded):
        player.read()
    player.close()


def test_a_reader_that_was_slow_sees_all_of_a_recording_later(tmp_path: Path) -> None:
    """A box that was busy for a while must not call the camera frozen for ever."""
    path = write_video(tmp_path / "v.mp4", [0.0, 0.1, 0.2, 0.3])
    clock = HandClock()
    player = PlayedSource(lambda: VideoFileSource(path), clock=clock, sleep=clock.sleep)
    player.open()
    player.read()
    clock.now_s += 30
    frames = [player.read() for _ in range(3)]
    assert [frame.at_s for frame in frames] == pytest.approx([130.0, 130.1, 130.2], abs=0.002)
    player.close()


def test_a_loop_goes_on_without_a_jump_of_time(tmp_path: Path) -> None:
    for name in ("b.png", "a.png"):
        cv2.imwrite(str(tmp_path / name), counter())
    clock = HandClock()
    source = PhotographFolderSource(tmp_path, frames_per_s=2)
    player = PlayedSource(lambda: source, clock=clock, loop=True, gap_s=0.5, sleep=clock.sleep)
    player.open()
    assert [player.read().at_s for _ in range(5)] == pytest.approx([100, 100.5, 101, 101.5, 102])
    player.close()


def test_a_recording_that_is_not_there_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(BadRecording):
        PhotographFolderSource(tmp_path, frames_per_s=10)
    settings = CameraSettings(file=tmp_path / "none.mp4")
    with pytest.raises(CameraUnusable, match="none"):
        source_maker(settings, HandClock())().open()
    assert limits_of(settings).identical_s is None


def camera_yaml(tmp_path: Path, text: str) -> CameraSettings:
    (tmp_path / "edge.yaml").write_text(f"stations:\n- camera:\n{text}")
    camera = load_settings(tmp_path / "edge.yaml").station().camera
    assert camera is not None
    return camera


def test_the_password_comes_from_a_file_and_is_nowhere_to_be_seen(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "camera.password").write_text(SECRET + "\n")
    camera = camera_yaml(
        tmp_path,
        "    url: rtsp://viewer:{password}@127.0.0.1:9/stream\n    password_file: camera.password\n"
        "    open_timeout_s: 1\n",
    )
    assert url_of(camera) == "rtsp://viewer:s3cret%2Fp%40ss%20word@127.0.0.1:9/stream"
    source = OpenCvCamera(camera, clock=HandClock())
    with caplog.at_level(logging.DEBUG), pytest.raises(CameraLost) as caught:
        source.open()
    output = capfd.readouterr()
    told = "".join(traceback.format_exception(caught.value)) + repr(vars(source)) + repr(camera) + caplog.text
    for secret in (SECRET, "s3cret"):
        assert secret not in told + output.out + output.err
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "address",
    [
        "url: rtsp://viewer:hunter2@10.0.0.5/s",
        "url: rtsp://viewer:hun/ter2@10.0.0.5/s",
        "url: rtsp://10.0.0.5/user=admin&password=hunter2&channel=1",
        "pipeline: rtspsrc location=rtsp://10.0.0.5 user-pw=hunter2 ! appsink",
        "pipeline: rtspsrc location=rtsp://viewer:{password}@10.0.0.5 ! appsink",
    ],
)
def test_a_password_in_the_configuration_is_refused_without_being_repeated(tmp_path: Path, address: str) -> None:
    with pytest.raises(BadConfig, match=r"edge\.yaml:2: ") as caught:
        camera_yaml(tmp_path, f"    {address}\n")
    assert "ter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("    fps: 5\n", "exactly one of url, device, pipeline and file"),
        ("    device: 0\n    file: a.mp4\n", "exactly one of"),
        ("    url: ftp://10.0.0.5/a\n", "must begin with rtsp://"),
        ("    url: rtsp://v:{password}@10.0.0.5/a\n", "belong together"),
        ("    device: 0\n    password_env: CAMERA\n", "belong together"),
        ("    device: video0\n", "device"),
        ("    device: 0\n    widht: 640\n", "did you mean 'width'"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadConfig, match=said):
        camera_yaml(tmp_path, text)


def test_a_password_cannot_leave_its_place_in_a_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA", 'a" ! filesink location="x\\')
    camera = CameraSettings(pipeline="rtspsrc user-pw={password} ! appsink", password_env="CAMERA")
    assert pipeline_of(camera) == 'rtspsrc user-pw="a\\" ! filesink location=\\"x\\\\" ! appsink'


@pytest.mark.parametrize("content", [None, "", "two\nlines", "\n"])
def test_a_password_that_cannot_be_read_is_said(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "camera.password"
    if content is not None:
        path.write_text(content)
    camera = CameraSettings(url="rtsp://v:{password}@127.0.0.1/s", password_file=path)
    with pytest.raises(CameraUnusable, match=r"camera\.password"):
        url_of(camera)


def test_a_pipeline_without_gstreamer_is_refused_with_a_sentence() -> None:
    if has_gstreamer():
        pytest.skip("this OpenCV has GStreamer")
    camera = OpenCvCamera(CameraSettings(pipeline="videotestsrc ! appsink"), clock=HandClock())
    with pytest.raises(CameraUnusable, match="without GStreamer"):
        camera.open()


def test_a_device_that_is_not_there_may_come_back() -> None:
    """A USB camera that was unplugged is plugged in again one day."""
    camera = OpenCvCamera(CameraSettings(device="/dev/video98"), clock=HandClock())
    with pytest.raises(CameraLost, match="plugged in"):
        camera.open()
    with pytest.raises(CameraLost):
        camera.read()
    camera.close()
