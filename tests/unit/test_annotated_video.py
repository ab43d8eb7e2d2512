"""The annotated video: plays, keeps the frames' own times, and leaves nothing half-written behind."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from edge_agent.domain.detection import Observation
from edge_agent.errors import BadInput
from edge_agent.evaluation.annotated_video import AnnotatedVideoWriter
from edge_agent.evaluation.painter import banner_px
from edge_agent.ports import Frame
from tests.builders_replay import HEIGHT, WHOLE, WIDTH, Shown, order, replayed


def writer(
    path: Path, *, frames_per_s: float = 10.0, width_px: int = WIDTH, height_px: int = HEIGHT
) -> AnnotatedVideoWriter:
    return AnnotatedVideoWriter(path, frames_per_s=frames_per_s, width_px=width_px, height_px=height_px, slots=[WHOLE])


def show(video: AnnotatedVideoWriter, times_s: Sequence[float], *, size: tuple[int, int] = (HEIGHT, WIDTH)) -> None:
    noise = np.random.default_rng(7)
    for at_s in times_s:
        picture = noise.integers(0, 255, (*size, 3), dtype=np.uint8)
        video.saw(Frame(at_s, picture), Observation(at_s), ())


def read_back(path: Path) -> tuple[list[float], tuple[int, int], str]:
    """The times in seconds, the size (width, height) and the codec of a written video."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [float(frame.time or 0.0) for frame in container.decode(stream)]
        return times, (stream.width, stream.height), stream.codec_context.name


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """A disk that is full after so many bytes (the kernel's own limit; Python ignores the signal)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_video_holds_every_frame_and_its_banner(tmp_path: Path) -> None:
    path = tmp_path / "report" / "annotated.mp4"
    with writer(path) as video:
        show(video, [k / 10 for k in range(12)])
    times, size, codec = read_back(path)
    assert video.is_written
    assert codec == "h264"
    assert size == (WIDTH, HEIGHT + banner_px(WIDTH))
    assert times == pytest.approx([k / 10 for k in range(12)], abs=0.002)
    assert [p.name for p in path.parent.iterdir()] == ["annotated.mp4"]


def test_a_variable_frame_rate_is_kept(tmp_path: Path) -> None:
    """A link in the report jumps to a second of the recording: the video must agree with its clock."""
    moments = [0.0, 0.1, 0.15, 0.9, 3.0, 3.04, 7.5]
    with writer(tmp_path / "v.mp4") as video:
        show(video, moments)
    assert read_back(tmp_path / "v.mp4")[0] == pytest.approx(moments, abs=0.002)


def test_times_that_stand_still_do_not_stop_the_video(tmp_path: Path) -> None:
    """A broken container gives two frames one time; H.264 wants them to rise."""
    with writer(tmp_path / "v.mp4") as video:
        show(video, [0.0, 0.0, 0.0, 0.1])
    times, _, _ = read_back(tmp_path / "v.mp4")
    assert len(times) == 4
    assert times == sorted(set(times))


@pytest.mark.parametrize("frames_per_s", [0.0, 29.97, 1000.0])
def test_any_declared_frame_rate_will_do(tmp_path: Path, frames_per_s: float) -> None:
    with writer(tmp_path / "v.mp4", frames_per_s=frames_per_s) as video:
        show(video, [0.0, 0.5, 1.0])
    assert read_back(tmp_path / "v.mp4")[0] == pytest.approx([0.0, 0.5, 1.0], abs=0.002)


def test_odd_sides_and_changing_sizes_are_taken(tmp_path: Path) -> None:
    with writer(tmp_path / "v.mp4", width_px=161, height_px=121) as video:
        show(video, [0.0, 0.1], size=(121, 161))
        show(video, [0.2], size=(240, 320))
    times, size, _ = read_back(tmp_path / "v.mp4")
    assert len(times) == 3
    assert size == (162, 121 + banner_px(161) + 1)


def test_what_ends_by_an_error_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> None:
        with writer(tmp_path / "v.mp4") as video:
            show(video, [0.0, 0.1])
            raise RuntimeError("the detector died")

    with pytest.raises(RuntimeError, match="detector died"):
        broken()
    assert list(tmp_path.iterdir()) == []


def test_an_older_video_stays_when_the_new_one_fails(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(b"the old one")
    with pytest.raises(BadInput), files_no_larger_than(60_000), writer(path) as video:
        show(video, [k / 10 for k in range(200)])
    assert path.read_bytes() == b"the old one"


def test_a_video_without_a_frame_is_not_written(tmp_path: Path) -> None:
    with writer(tmp_path / "v.mp4") as video:
        pass
    assert not video.is_written
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_none_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match=r"file/v\.mp4: the annotated video cannot be written here"):
        writer(tmp_path / "file" / "v.mp4").__enter__()


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    with pytest.raises(BadInput, match="cannot be written here"), files_no_larger_than(60_000), writer(path) as video:
        show(video, [k / 10 for k in range(200)])
    assert list(tmp_path.iterdir()) == []


def test_a_replay_can_be_watched(tmp_path: Path) -> None:
    with writer(tmp_path / "v.mp4") as video:
        done = replayed([Shown(1.0, 4.0, {"plate": 1})], [order("7", "plate")], length_s=5.0, watchers=[video])
    assert len(read_back(tmp_path / "v.mp4")[0]) == done.frames
