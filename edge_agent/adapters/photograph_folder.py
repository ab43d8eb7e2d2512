"""A folder of pictures as a source of frames: for demonstrations, and for trying a camera's settings without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge_agent.adapters.photograph import read_photograph
from edge_agent.errors import BadRecording
from edge_agent.ports import Frame

ENDINGS = frozenset({".jpg", ".jpeg", ".png"})


class PhotographFolderSource:
    """A FrameSource of the pictures in a folder, in the order of their names, so many a second.

    Raises:
        BadRecording: there is no such folder, or no JPEG or PNG in it.
    """

    def __init__(self, folder: Path, *, frames_per_s: float) -> None:
        self._frames_per_s = frames_per_s
        try:
            self._paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
        except OSError as error:
            raise BadRecording(f"the folder cannot be read: {error.strerror}", path=folder) from error
        if not self._paths:
            raise BadRecording("there is no JPEG or PNG in this folder", path=folder)

    def frames(self) -> Iterator[Frame]:
        for number, path in enumerate(self._paths):
            yield Frame(number / self._frames_per_s, read_photograph(path))
