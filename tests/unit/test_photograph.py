"""Photographs: whole JPEG and PNG files are read, turned upright; everything else is refused before it does harm."""

from __future__ import annotations

import resource
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.adapters.photograph import MAX_BYTES, read_photograph
from edge_agent.errors import BadRecording

HEIGHT_PX, WIDTH_PX = 48, 64
PICTURE = np.random.default_rng(7).integers(0, 255, (HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)


def encoded(kind: str = ".jpg", *options: int, picture: object = PICTURE) -> bytes:
    done, raw = cv2.imencode(kind, np.asarray(picture), list(options))
    assert done
    return raw.tobytes()


def put(tmp_path: Path, raw: bytes) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(raw)
    return path


def refusal(tmp_path: Path, raw: bytes) -> str:
    path = put(tmp_path, raw)
    with pytest.raises(BadRecording) as caught:
        read_photograph(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def png(width: int, height: int) -> bytes:
    """A black-and-white PNG of any size in a few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def turned(raw: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF flag that says how to turn it."""
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0" + tiff
    return raw[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + raw[2:]


@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_a_picture_is_read_in_colour(tmp_path: Path, kind: str) -> None:
    read = read_photograph(put(tmp_path, encoded(kind)))
    assert read.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert read.dtype == np.uint8


def test_a_png_is_read_exactly_and_blue_comes_first(tmp_path: Path) -> None:
    assert np.array_equal(read_photograph(put(tmp_path, encoded(".png"))), PICTURE)


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_transparent_pictures_become_three_channels(tmp_path: Path, channels: int) -> None:
    picture = np.zeros((HEIGHT_PX, WIDTH_PX, channels), dtype=np.uint8)
    assert read_photograph(put(tmp_path, encoded(".png", picture=picture))).shape == (HEIGHT_PX, WIDTH_PX, 3)


def test_a_progressive_jpeg_is_read(tmp_path: Path) -> None:
    raw = encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert read_photograph(put(tmp_path, raw)).shape == (HEIGHT_PX, WIDTH_PX, 3)


def test_what_a_phone_appends_to_a_jpeg_does_not_matter(tmp_path: Path) -> None:
    assert read_photograph(put(tmp_path, encoded() + b"MotionPhoto" * 100)).shape == (HEIGHT_PX, WIDTH_PX, 3)


def test_the_exif_flag_is_obeyed(tmp_path: Path) -> None:
    """A phone held upright writes a picture that lies on its side, and a flag."""
    assert read_photograph(put(tmp_path, turned(encoded(), 6))).shape == (WIDTH_PX, HEIGHT_PX, 3)


@pytest.mark.parametrize("kind", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.97])
def test_the_beginning_of_a_picture_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str, share: float
) -> None:
    """Some decoders fill the rest with grey and say nothing: whatever lay there would then be missing."""
    raw = encoded(kind)
    assert "if they are whole" in refusal(tmp_path, raw[: int(len(raw) * share)])
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        bytes(range(256)) * 9,
        b"\xff\xd8",
        b"\xff\xd8\xff" * 50,
        b"\xff\xd8" + b"\xff" * 500,
        png(1, 1)[:33],
    ],
    ids=["empty", "text", "garbage", "a JPEG's first bytes", "markers only", "filling only", "a PNG's header"],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, raw: bytes) -> None:
    assert "JPEG and PNG are, if they are whole" in refusal(tmp_path, raw)


def test_a_damaged_picture_is_refused(tmp_path: Path) -> None:
    raw = encoded(".png")
    assert "damaged" in refusal(tmp_path, raw[:60] + bytes(200) + raw[260:])


def test_a_picture_of_gigapixels_in_a_few_bytes_is_refused_unread(tmp_path: Path) -> None:
    """48 kB of it would take 2.4 GB of memory: the box would go down, and every station with it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "20000 x 20000 pixels" in refusal(tmp_path, png(20_000, 20_000))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "in kB"


def test_a_jpeg_that_claims_to_be_huge_is_refused_unread(tmp_path: Path) -> None:
    raw = bytearray(encoded())
    at = raw.index(b"\xff\xc0") + 5
    raw[at : at + 4] = struct.pack(">HH", 60_000, 60_000)
    assert "60000 x 60000 pixels" in refusal(tmp_path, bytes(raw))


def test_a_file_too_large_is_refused_whatever_it_says_of_its_size() -> None:
    """A device file says that it has no bytes."""
    with pytest.raises(BadRecording, match=f"larger than {MAX_BYTES // 1_000_000} MB"):
        read_photograph(Path("/dev/zero"))


@pytest.mark.parametrize("path", ["/nowhere/photo.jpg", "/"])
def test_a_file_that_cannot_be_read_says_why(path: str) -> None:
    with pytest.raises(BadRecording, match="the photograph cannot be read: "):
        read_photograph(Path(path))
