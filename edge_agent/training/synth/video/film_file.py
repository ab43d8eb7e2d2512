"""A film as H.264 in MP4, by PyAV."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import BadInput

OPTIONS = {"preset": "slow", "crf": "22", "g": "48"}
"""Of what a camera over a pass sends; a picture to jump to every four seconds."""

THREADS = 1
"""With more, the file would depend on the machine."""

Picture = NDArray[np.uint8]


@contextmanager
def film_file(path: Path, *, frames_per_s: int, width_px: int, height_px: int) -> Iterator[Callable[[Picture], None]]:
    """Yields what takes the next picture (height, width, 3; uint8; blue-green-red). All of the file or none is kept.

    Raises:
        BadInput: it cannot be written.
    """
    beside = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(beside), "w", format="mp4", options={"movflags": "+faststart"}) as film:
            stream = film.add_stream("libx264", rate=Fraction(frames_per_s), options=OPTIONS)
            stream.width, stream.height, stream.pix_fmt, stream.thread_count = width_px, height_px, "yuv420p", THREADS

            def take(picture: Picture) -> None:
                # Converted here: what PyAV converts by itself is not packed the same way every time.
                planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
                film.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))

            yield take
            film.mux(stream.encode(None))
        beside.replace(path)
    except (OSError, av.FFmpegError) as error:
        raise BadInput(f"the film cannot be written: {error}", path=path) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
