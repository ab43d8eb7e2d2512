"""Every error that the agent raises on purpose, drawn as a tree. What one catches is how one reacts.

    EdgeAgentError
    ├── BadInput              somebody gave us something wrong: say where and what to do; the CLI exits with 2
    │   ├── BadConfig         a configuration, menu or manifest does not read: names file and line
    │   ├── BadOrder          an order that no till can have meant
    │   ├── BadRecording      a video, a photograph or one of the files beside it does not read
    │   └── BadModelPack      the pack does not fit: hash, layout, classes, menu
    ├── Unknown               what was named is not here
    ├── Conflict              what was asked for cannot be, as things stand
    │   └── StaleRevision     an order that is older than the one known, or the same with other contents
    ├── Overloaded            too much of this is going on already: retry later
    ├── FellBehind            a watcher was too slow: read the state anew, then watch again
    ├── StoreError            the database refused
    │   ├── StoreTooNew       written by a newer version of the agent: upgrade, do not touch
    │   ├── StoreBusy         its queue is full or its writer is gone: retry later
    │   ├── RowRefused        what was to be stored does not fit what is: trying again does not help
    │   └── OrderVolatile     an order is checked, but from memory only: send it again
    ├── BrokerError           the MQTT broker takes no messages
    │   ├── BrokerLost        it does not answer, or no more: try again, with growing waits
    │   └── BrokerRefused     it says no (user, password, certificate): the settings must change
    ├── DetectorError         the model could not be run on a picture
    └── CameraError           a camera gives no pictures
        ├── CameraLost        for now: try again, with growing waits
        ├── CameraRefused     it says no (password, path): back off at once, it may lock the account
        ├── CameraUnusable    this machine or these settings cannot work it: give up until they change
        └── CameraEnded       a recording played in place of a camera is over: nothing more will come

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
        super().__init__(f"{self.place}: {message}" if self.place else message)

    @property
    def place(self) -> str:
        """The file, and the line in it; empty where they are not known."""
        if self.path is None:
            return ""
        return str(self.path) if self.line is None else f"{self.path}:{self.line}"


class BadConfig(BadInput):
    """A configuration, menu or manifest file does not read."""


class BadOrder(BadInput):
    """An order that no till can have meant: a quantity of zero, a name of a megabyte."""


class BadRecording(BadInput):
    """A video, a photograph or one of the files beside it does not read."""


class BadModelPack(BadInput):
    """A model pack does not fit: its hash, its layout, its classes."""


class Unknown(EdgeAgentError):
    """An order, an alert, a station or another thing that was named is not here."""


class Conflict(EdgeAgentError):
    """What was asked for cannot be, as things stand: an alert that ended otherwise, an order that was cancelled."""


class StaleRevision(Conflict):
    """A snapshot of an order that is older than the one known, or that has its revision and says something else."""

    def __init__(self, *, number: str, revision: int, known_revision: int) -> None:
        self.revision = revision
        self.known_revision = known_revision
        why = "with other contents" if revision == known_revision else "which is newer"
        super().__init__(
            f"order '{number}' is known with revision {known_revision} {why}; "
            f"revision {revision} is not taken, send what has changed with a higher one"
        )


class Overloaded(EdgeAgentError):
    """Too much of this is going on already; nothing was begun."""


class FellBehind(EdgeAgentError):
    """A watcher of the feed was too slow, or asked for what is no longer kept."""


class StoreError(EdgeAgentError):
    """The database refused."""


class StoreTooNew(StoreError):
    """The database was written by a newer version of the agent."""


class StoreBusy(StoreError):
    """The writer's queue is full, or the writer has ended."""


class RowRefused(StoreError):
    """What was to be stored does not fit what is stored: a fault of the program, which no second try mends."""


class OrderVolatile(StoreError):
    """The change was taken into memory, and trays are checked by it, but it could not be committed: send it again."""


class BrokerError(EdgeAgentError):
    """The MQTT broker takes no messages. The text never holds a password."""


class BrokerLost(BrokerError):
    """The broker does not answer, not in time, or the connection broke: try again."""


class BrokerRefused(BrokerError):
    """The broker says no: a wrong password, a certificate that does not verify. That must be put right first."""


class DetectorError(EdgeAgentError):
    """The model could not be run on a picture."""


class CameraError(EdgeAgentError):
    """A camera gives no pictures. The text never holds a password."""


class CameraLost(CameraError):
    """The camera does not answer, or not in time, or with nothing that can be decoded: try again."""


class CameraRefused(CameraError):
    """The camera answers and says no: a wrong password, a wrong path. Trying again soon may lock the account."""


class CameraUnusable(CameraError):
    """This machine, or these settings, cannot work the camera: trying again does not help."""


class CameraEnded(CameraError):
    """A recording that is played in place of a camera is over."""
