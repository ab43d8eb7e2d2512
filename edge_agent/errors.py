"""Every error that the agent raises on purpose, drawn as a tree. What one catches is how one reacts.

    EdgeAgentError
    ├── BadInput              somebody gave us something wrong: say where and what to do; the CLI exits with 2
    │   ├── BadConfig         a configuration, menu or manifest does not read: names file and line
    │   ├── BadOrder          an order that no till can have meant
    │   ├── BadRecording      a video, a photograph or one of the files beside it does not read
    │   └── BadModelPack      the pack does not fit: hash, layout, classes, menu
    ├── StoreError            the database refused
    │   ├── StoreTooNew       written by a newer version of the agent: upgrade, do not touch
    │   └── StoreBusy         its queue is full or its writer is gone: retry later
    └── DetectorError         the model could not be run on a picture

A tray that differs from its order is a value (`domain.matching.Verdict`), never an error.
"""

from __future__ import annotations

from pathlib import Path


class EdgeAgentError(Exception):
    """Base of every error raised on purpose; its text is a sentence for the person who reads it."""


class BadInput(EdgeAgentError):
    """Something given to the agent cannot be used.

    `path` and `line` (counted from 1) name the place where that is known; the text begins with them.
    """

    def __init__(self, message: str, *, path: Path | str | None = None, line: int | None = None) -> None:
        self.message = message
        self.path = None if path is None else Path(path)
        self.line = line
        place = "" if path is None else f"{path}:{line}: " if line is not None else f"{path}: "
        super().__init__(place + message)


class BadConfig(BadInput):
    """A configuration, menu or manifest file does not read."""


class BadOrder(BadInput):
    """An order that no till can have meant: a quantity of zero, a name of a megabyte."""


class BadRecording(BadInput):
    """A video, a photograph or one of the files beside it does not read."""


class BadModelPack(BadInput):
    """A model pack does not fit: its hash, its layout, its classes."""


class StoreError(EdgeAgentError):
    """The database refused."""


class StoreTooNew(StoreError):
    """The database was written by a newer version of the agent."""


class StoreBusy(StoreError):
    """The writer's queue is full, or the writer has ended."""


class DetectorError(EdgeAgentError):
    """The model could not be run on a picture."""
