"""Read a photograph from a file, by OpenCV."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge_agent.errors import BadRecording
from edge_agent.ports import Picture

MAX_BYTES = 50_000_000
MAX_PIXELS = 50_000_000
"""More than any camera over a pass gives; a picture of terapixels in a few bytes must not fill the memory."""


def read_photograph(path: Path) -> Picture:
    """The picture in the file: shape (height, width, 3), uint8, BGR, turned as its EXIF flag says.

    Raises:
        BadRecording: there is no such file, or it is no picture.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadRecording(f"the photograph is larger than {MAX_BYTES // 1_000_000} MB", path=path)
        raw = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise BadRecording(f"the photograph cannot be read: {error.strerror}", path=path) from error
    try:
        picture = cv2.imdecode(raw, cv2.IMREAD_COLOR) if raw.size else None
    except cv2.error:
        picture = None
    if picture is None:
        raise BadRecording("this is no picture that can be read (JPEG and PNG are)", path=path)
    if picture.shape[0] * picture.shape[1] > MAX_PIXELS:
        raise BadRecording(f"the picture has more than {MAX_PIXELS // 1_000_000} million pixels", path=path)
    return np.asarray(picture, dtype=np.uint8)
