"""Read a photograph (JPEG or PNG) from a file, and make one, by OpenCV."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np

from edge_agent.errors import BadRecording
from edge_agent.ports import Picture

MAX_BYTES = 50_000_000
MAX_PIXELS = 50_000_000
"""More than any camera over a pass gives; a picture of gigapixels in a few bytes must not fill the memory."""

_NOT_A_SIZE = (0xC4, 0xC8, 0xCC)
"""JPEG segments numbered like frame headers (C0 to CF) that are none."""


def read_photograph(path: Path) -> Picture:
    """The picture in the file: shape (height, width, 3), uint8, BGR, turned as its EXIF flag says.

    Raises:
        BadRecording: there is no such file, it is no picture, or only the beginning of one.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadRecording(f"the photograph cannot be read: {error.strerror}", path=path) from error
    return picture_from(raw, path=path)


def picture_from(raw: bytes, *, path: Path | None = None) -> Picture:
    """The picture in the bytes of a file; see `read_photograph`. Raises BadRecording."""
    if len(raw) > MAX_BYTES:
        raise BadRecording(f"the photograph is larger than {MAX_BYTES // 1_000_000} MB", path=path)
    size = _png_size(raw) or _jpeg_size(raw)
    if size is None:
        raise BadRecording("this is no picture that can be read; JPEG and PNG are, if they are whole", path=path)
    if size[0] * size[1] > MAX_PIXELS:
        raise BadRecording(
            f"the picture has {size[0]} x {size[1]} pixels; {MAX_PIXELS // 1_000_000} million can be read", path=path
        )
    try:
        picture = cv2.imdecode(np.frombuffer(raw, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        raise BadRecording("the picture is damaged; it cannot be decoded", path=path)
    return np.asarray(picture, dtype=np.uint8)


def jpeg_of(picture: Picture, *, quality: int = 80) -> bytes:
    """A picture as JPEG."""
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()


def _png_size(raw: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG that has its end; read before a byte of it is decoded."""
    if not raw.startswith(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR") or b"IEND" not in raw[33:]:
        return None
    width, height = struct.unpack(">II", raw[16:24])
    return (width, height) if width and height else None


def _jpeg_size(raw: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG that has its end: without one, OpenCV fills the rest with grey and says nothing."""
    if not raw.startswith(b"\xff\xd8"):
        return None
    at, size = 2, None
    while at + 4 <= len(raw) and raw[at] == 0xFF:  # noqa: PLR2004  the byte that begins every marker
        marker = raw[at + 1]
        if marker == 0xFF:  # noqa: PLR2004  filling
            at += 1
            continue
        if marker == 0xDA:  # noqa: PLR2004  the picture itself begins
            return size if raw.find(b"\xff\xd9", at) > 0 else None
        if 0xC0 <= marker <= 0xCF and marker not in _NOT_A_SIZE and at + 9 <= len(raw):  # noqa: PLR2004
            height, width = struct.unpack(">HH", raw[at + 5 : at + 9])
            size = (width, height) if width and height else None
        at += 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
    return None
