"""Write a file as a whole or not at all, also where a disk is full or the power goes."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write text (UTF-8) beside the file, force it to the disk, then put it in the file's place.

    Raises:
        OSError: the disk is full, or the folder cannot be written to; the file is what it was before.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
