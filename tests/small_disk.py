"""A disk of its own for a test, to be filled or broken: it needs root, and is taken away again for sure."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import missing

PAGE_BYTES = 4096


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True)


@contextlib.contextmanager
def small_disk(folder: Path, *, size_mb: int) -> Iterator[Path]:
    """A disk in memory, mounted at a new folder."""
    folder.mkdir(parents=True)
    mounted = _run("mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=700", "tmpfs", str(folder))
    if mounted.returncode:
        missing(f"a disk of its own needs root: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        unmount(folder)


@contextlib.contextmanager
def breakable_disk(folder: Path, image: Path, *, size_mb: int) -> Iterator[Path]:
    """An ext4 disk in a file, mounted at a new folder; it turns read-only at its first fault, as ext4 does."""
    folder.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(size_mb * 1024 * 1024)
    made = _run("mkfs.ext4", "-q", str(image))
    mounted = made if made.returncode else _run("mount", "-o", "loop,errors=remount-ro", str(image), str(folder))
    if mounted.returncode:
        missing(f"a disk in a file needs root and loop devices: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        unmount(folder)


def break_disk(folder: Path) -> None:
    """The disk has a fault: from now on it cannot be written to. Only mending and mounting it anew helps."""
    device = _run("findmnt", "--noheadings", "--output=SOURCE", str(folder)).stdout.strip()
    trigger = Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error"
    try:
        trigger.write_text("made for a test")
    except OSError as error:
        missing(f"a fault of ext4 cannot be had here: {error}")


def mend_disk(folder: Path, image: Path) -> None:
    """Check the disk, and mount it anew; nobody may have a file of it open."""
    unmount(folder)
    assert _run("e2fsck", "-fy", str(image)).returncode <= 1
    assert _run("mount", "-o", "loop,errors=remount-ro", str(image), str(folder)).returncode == 0


def unmount(folder: Path) -> None:
    """Take the disk away, whoever still uses it."""
    if _run("umount", str(folder)).returncode:
        _run("umount", "--lazy", str(folder))


def fill(folder: Path) -> Path:
    """Leave no page free on the disk of the folder; the file that takes the room."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (64 * PAGE_BYTES, PAGE_BYTES, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass
    return filler
