"""Tiny real videos, written by PyAV: what each of their frames shows, and when, is known exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

WIDTH_PX, HEIGHT_PX = 64, 48
IDENTITY = bytes.fromhex("00010000 00000000 00000000 00000000 00010000 00000000 00000000 00000000 40000000")
QUARTER_TURN = bytes.fromhex("00000000 00010000 00000000 ffff0000 00000000 00000000 00000000 00000000 40000000")
"""The display matrix in the header of an MP4's track: as it is, and turned by 90 degrees."""


def write_video(
    path: Path,
    times: Sequence[float],
    *,
    size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX),
    options: dict[str, str] | None = None,
    noise: bool = False,
    still: npt.NDArray[np.uint8] | None = None,
    pictures: Sequence[npt.NDArray[np.uint8]] = (),
) -> Path:
    """A video with one frame at each of these times (seconds): grey of brightness 20 n, noise, `still`, or a picture.

    `still` is uint8, (height, width, 3), blue, green, red; so are `pictures`, one for each time.
    """
    width, height = size
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, at_s in enumerate(times):
            picture = np.full((height, width, 3), 20 * number % 250, dtype=np.uint8)
            if noise:
                picture = np.random.default_rng(number).integers(0, 255, (height, width, 3), dtype=np.uint8)
            if still is not None:
                picture = still
            if pictures:
                picture = pictures[number]
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = round(at_s * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """A file with sound and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000)
        for number in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, number * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def times_of(path: Path) -> list[float]:
    """When each frame is to be shown, counted from the first, read back with a decoder that is not ours."""
    with av.open(str(path)) as container:
        shown = [float(frame.pts * frame.time_base) for frame in container.decode(video=0) if frame.pts is not None]
    return [at_s - shown[0] for at_s in shown]


def cut(path: Path, share: float = 0.5) -> Path:
    """The beginning of the file, as a power cut or a broken copy leaves it."""
    raw = path.read_bytes()
    short = path.with_name(f"cut-{path.name}")
    short.write_bytes(raw[: int(len(raw) * share)])
    return short


def turn(path: Path) -> Path:
    """Set the flag that says "show this turned by 90 degrees", as a phone does."""
    raw = path.read_bytes()
    track = raw.index(b"tkhd")
    at = raw.index(IDENTITY, track)
    path.write_bytes(raw[:at] + QUARTER_TURN + raw[at + len(IDENTITY) :])
    return path
