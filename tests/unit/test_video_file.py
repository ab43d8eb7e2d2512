"""Recorded videos: every frame at its own time, and what breaks off says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.adapters.video_file import MAX_PIXELS, VideoFileSource
from edge_agent.errors import BadRecording
from tests.videos import cut, times_of, turn, write_sound, write_video

STEADY = [n / 25 for n in range(50)]
UNSTEADY = [0, 0.04, 0.08, 0.5, 0.54, 1.9, 2.0, 3.0, 3.01, 3.5]


def times(source: VideoFileSource) -> list[float]:
    return [frame.at_s for frame in source.frames()]


@pytest.mark.parametrize("container", ["mp4", "mkv", "avi", "mov"])
@pytest.mark.parametrize("wanted", [STEADY, UNSTEADY], ids=["steady", "variable"])
def test_every_frame_has_its_own_time_whatever_the_frame_rate(
    tmp_path: Path, container: str, wanted: list[float]
) -> None:
    """Half a second of stillness settles a tray; counted at a guessed rate, a phone's video would settle it never."""
    path = write_video(tmp_path / f"v.{container}", wanted)
    source = VideoFileSource(path)
    assert times(source) == pytest.approx(times_of(path), abs=0.002)
    assert times(source) == pytest.approx(wanted, abs=0.002)
    assert source.problem is None
    assert source.frames_read == len(wanted)


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
def test_time_counts_from_the_first_frame(tmp_path: Path, container: str) -> None:
    """The orders beside a recording count from its start, not from when the camera was switched on."""
    source = VideoFileSource(write_video(tmp_path / f"v.{container}", [at_s + 1.4 for at_s in STEADY]))
    assert times(source) == pytest.approx(STEADY, abs=0.002)
    assert source.problem is None


def test_frames_can_be_read_again_from_the_beginning(tmp_path: Path) -> None:
    source = VideoFileSource(write_video(tmp_path / "v.mp4", STEADY))
    first = times(source)
    assert times(source) == first
    assert source.frames_read == len(STEADY)


def test_frames_show_what_was_filmed(tmp_path: Path) -> None:
    source = VideoFileSource(write_video(tmp_path / "v.mp4", STEADY[:12]))
    for number, frame in enumerate(source.frames()):
        assert frame.picture.shape == (48, 64, 3)
        assert frame.picture.mean() == pytest.approx(20 * number, abs=9)


def test_a_rotation_flag_is_obeyed(tmp_path: Path) -> None:
    """The slots are drawn on the picture as people see it."""
    source = VideoFileSource(turn(write_video(tmp_path / "v.mp4", STEADY[:5])))
    assert (source.width_px, source.height_px) == (48, 64)
    assert {frame.picture.shape for frame in source.frames()} == {(64, 48, 3)}


@pytest.mark.parametrize(
    ("container", "options"),
    [("mp4", {"movflags": "faststart"}), ("mkv", {})],
    ids=["mp4 with its index first", "mkv"],
)
def test_of_a_video_that_breaks_off_the_beginning_is_read_and_the_rest_is_named(
    tmp_path: Path, container: str, options: dict[str, str]
) -> None:
    """A recorder that lost power has the trays of the morning; they are not thrown away, nor passed off as the day."""
    path = cut(write_video(tmp_path / f"v.{container}", STEADY, options=options, noise=True, size=(160, 128)))
    source = VideoFileSource(path)
    read = times(source)
    assert 10 < len(read) < 45
    assert source.problem is not None
    assert source.problem.startswith(f"{path}: the video breaks off after ")
    assert "2.0 s" in source.problem


def test_whoever_stops_looking_early_is_not_told_that_the_video_breaks_off(tmp_path: Path) -> None:
    source = VideoFileSource(write_video(tmp_path / "v.mp4", STEADY))
    frames = source.frames()
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert source.problem is None


@pytest.mark.parametrize("name", ["14:05.mp4", "http:x.mp4", "%03d.mp4", "a b.mp4", "Küche.mp4", "-i.mp4"])
def test_a_video_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """FFmpeg takes what stands before a colon for a protocol, and a percent sign for a row of pictures."""
    write_video(tmp_path / name, STEADY[:5])
    monkeypatch.chdir(tmp_path)
    assert len(times(VideoFileSource(Path(name)))) == 5


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """OpenCV would end the whole process with a segmentation fault."""
    path = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    path.write_bytes(b"")
    with pytest.raises(BadRecording, match="not UTF-8"):
        VideoFileSource(path)


def unreadable(tmp_path: Path, what: str) -> Path:
    path = tmp_path / "v.mp4"
    if what == "sound":
        return write_sound(path)
    if what == "an index that comes last":
        return cut(write_video(path, STEADY, noise=True))
    if what == "a folder":
        path.mkdir()
    elif what != "nothing":
        raw = {"garbage": bytes(range(256)) * 40, "empty": b"", "text": b"hello\n" * 200}
        path.write_bytes(raw[what])
    return path


UNREADABLE = ["sound", "garbage", "empty", "text", "nothing", "a folder", "an index that comes last"]


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_is_no_video_is_refused_in_one_sentence(tmp_path: Path, what: str) -> None:
    path = unreadable(tmp_path, what)
    with pytest.raises(BadRecording) as caught:
        VideoFileSource(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_the_libraries_below_say_nothing_on_standard_error(tmp_path: Path) -> None:
    """The one clear sentence must not drown in theirs."""
    paths = []
    for what in UNREADABLE:
        (tmp_path / what).mkdir()
        paths.append(str(unreadable(tmp_path / what, what)))
    script = (
        "import sys; from pathlib import Path\n"
        "from edge_agent.adapters.video_file import VideoFileSource\n"
        "from edge_agent.errors import BadRecording\n"
        "for path in sys.argv[1:]:\n"
        "    try: VideoFileSource(Path(path))\n"
        "    except BadRecording: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *paths], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_a_picture_too_small_to_see_anything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="16 x 16 pixels cannot be checked"):
        VideoFileSource(write_video(tmp_path / "v.mp4", STEADY[:3], size=(16, 16)))
    assert MAX_PIXELS > 7680 * 4320, "an 8K camera is none of those that are refused"


def test_a_video_of_one_frame_is_a_video(tmp_path: Path) -> None:
    assert times(VideoFileSource(write_video(tmp_path / "v.mp4", [0]))) == [0]
