"""The files beside a recording or a set of photographs: orders, truth, trays, checks (JSON lines, DESIGN section 6)."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, StrictBool, ValidationError, field_validator, model_validator

from edge_agent.domain.contents import MOST_OF_A_CLASS
from edge_agent.domain.order import Order
from edge_agent.errors import BadRecording
from edge_agent.formats.orders import first_complaint, order_from_json, parse_json
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.formats.yaml_file import FileModel

TRAYS_NAME, CHECKS_NAME = "trays.jsonl", "orders.jsonl"

MAX_LINE_BYTES = 1_000_000
"""A longer line is no record but a file of another kind."""

MAX_ENTRIES = 100_000
"""More records than a month of a busy till, and what fits into the memory of a small box."""

MAX_PHOTOGRAPHS = 64
"""So many photographs one tray has at most."""

Seconds = Annotated[float, Field(ge=0, le=10_000_000, strict=True)]
Count = Annotated[int, Field(ge=0, le=MOST_OF_A_CLASS, strict=True)]

Entry = TypeVar("Entry", bound=FileModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """What the till sent at stream time `at_s` (seconds): exactly one of an order, a cancellation, a bump."""

    at_s: float
    order: Order | None = None
    cancel: str | None = None
    ready: str | None = None


class _OrderEventLine(FileModel):
    at_s: Seconds
    order: dict[str, Any] | None = None
    cancel: str | None = None
    ready: str | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> _OrderEventLine:
        if sum(x is not None for x in (self.order, self.cancel, self.ready)) != 1:
            raise ValueError("needs exactly one of 'order', 'cancel' and 'ready'")
        return self


class EarlierContents(FileModel):
    """What lay on a tray until somebody put it right."""

    until_s: Seconds
    contents: dict[str, Count]


class TrayTruth(FileModel):
    """What really lay on one tray of a video, between which times, and whose it was (`order_id` None: nobody's).

    `contents` is what it left with; `was` is what it came with, where people could be told that this was wrong, and it
    was put right.
    """

    order_id: str | None
    tray_id: str
    enter_s: Seconds
    leave_s: Seconds
    contents: dict[str, Count]
    was: EarlierContents | None = None

    @model_validator(mode="after")
    def _leaves_after_it_enters(self) -> TrayTruth:
        if self.leave_s < self.enter_s:
            raise ValueError(f"the tray '{self.tray_id}' leaves at {self.leave_s} s, before it enters")
        return self


class PhotographedTray(FileModel):
    """One tray with its photographs, the settled frames of one session."""

    tray_id: str = Field(min_length=1, max_length=200)
    images: tuple[str, ...] = Field(min_length=1, max_length=MAX_PHOTOGRAPHS)
    contents: dict[str, Count]
    dishes: tuple[str, ...] = ()
    sure: StrictBool = True
    hard: StrictBool = False
    """The agent is known to have been wrong about it; such trays are shown twice as often in training."""
    note: str = ""

    @field_validator("tray_id")
    @classmethod
    def _names_files(cls, tray_id: str) -> str:
        if any(mark in tray_id for mark in "/\\\0"):
            raise ValueError(f"the 'tray_id' {tray_id!r} is to name files: write it without / and \\")
        return tray_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TrayCheck:
    """One order held against one photographed tray; `expected` is "match" or "mismatch"."""

    check_id: str
    tray_id: str
    order: Order
    expected: str


class _CheckLine(FileModel):
    check_id: str
    tray_id: str
    order: dict[str, Any]
    expected: Literal["match", "mismatch"]


@dataclass(frozen=True, slots=True)
class Recording:
    """A video with the files beside it; `truth` is empty where there is none."""

    video: Path
    orders: tuple[OrderEvent, ...] = ()
    truth: tuple[TrayTruth, ...] = ()
    orders_path: Path | None = None
    truth_path: Path | None = None
    truth_lines: tuple[int, ...] = ()

    def refuse_unknown(self, is_known: Callable[[str], bool], *, said: str, advice: str) -> None:
        """Hold the names of what truly lay on the trays against those that somebody knows, as a `TrayFolder` does.

        Raises:
            BadRecording: a name is not known; names the line where it first stands, and on how many trays.
        """
        if self.truth_path is not None:
            lying = [(true.contents, line) for true, line in zip(self.truth, self.truth_lines, strict=True)]
            _refuse_unknown(lying, is_known, said=said, advice=advice, path=self.truth_path)


@dataclass(frozen=True, slots=True)
class TrayFolder:
    """A folder of photographed trays and the order checks on them.

    Attributes:
        root: the folder.
        trays: the trays by their ids.
        checks: the checks on them.
        part_of: the whole, of which this is a part.
        lines: where each tray stands in `trays.jsonl`, counted from 1.
    """

    root: Path
    trays: dict[str, PhotographedTray] = field(default_factory=dict)
    checks: tuple[TrayCheck, ...] = ()
    part_of: TrayFolder | None = None
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def trays_path(self) -> Path:
        return self.root / TRAYS_NAME

    def refuse_empty(self, blocks: Sequence[TrayBlock]) -> None:
        """Hold blocks that somebody typed against the trays: with a slip in one, the wrong trays would be taken.

        Raises:
            BadRecording: a block holds no tray.
        """
        for block in blocks:
            if not any(tray_id in block for tray_id in self.trays):
                raise BadRecording(
                    f"no tray lies in the block {block}; is it spelt as in the file?", path=self.trays_path
                )

    def refuse_unknown(self, is_known: Callable[[str], bool], *, said: str, advice: str) -> None:
        """Hold the names of what lies on the trays against those that somebody knows.

        The sentence begins with `said`, such as "the model does not know", and ends with the advice.

        Raises:
            BadRecording: a name is not known; names the line where it first stands, and on how many trays.
        """
        lying = [(tray.contents, self.lines.get(tray_id)) for tray_id, tray in self.trays.items()]
        _refuse_unknown(lying, is_known, said=said, advice=advice, path=self.trays_path)

    def only(self, blocks: Sequence[TrayBlock]) -> TrayFolder:
        """The part of it that lies in the blocks; the whole where there are none.

        Raises:
            BadRecording: a block holds no tray.
        """
        if not blocks:
            return self
        self.refuse_empty(blocks)
        return self.part(lambda tray: any(tray.tray_id in block for block in blocks))

    def part(self, chosen: Callable[[PhotographedTray], bool]) -> TrayFolder:
        """The part of it that is chosen, with the checks on those trays."""
        trays = {tray_id: tray for tray_id, tray in self.trays.items() if chosen(tray)}
        checks = tuple(check for check in self.checks if check.tray_id in trays)
        return TrayFolder(self.root, trays, checks, self.part_of or self, self.lines)


def open_recording(video: Path) -> Recording:
    """Find and read the files beside a video: `NAME.orders.jsonl` and, for scoring, `NAME.truth.jsonl`.

    Raises:
        BadRecording: there is no such video, or a line does not read; names file and line.
        BadOrder: an order does not read; names file and line.
    """
    if not _is_file(video):
        raise BadRecording("there is no such video", path=video)
    orders_path, truth_path = video.with_suffix(".orders.jsonl"), video.with_suffix(".truth.jsonl")
    orders = tuple(_order_events(orders_path)) if _is_file(orders_path) else ()
    truth = tuple(_entries(truth_path, TrayTruth)) if _is_file(truth_path) else ()
    return Recording(
        video,
        tuple(sorted(orders, key=lambda event: event.at_s)),
        tuple(true for _, true in truth),
        orders_path if _is_file(orders_path) else None,
        truth_path if _is_file(truth_path) else None,
        tuple(line for line, _ in truth),
    )


def open_trays(root: Path) -> TrayFolder:
    """Read a folder with `trays.jsonl` and `orders.jsonl`; every photograph named must be there.

    Raises:
        BadRecording: a file or a photograph is missing, or a line does not read; names file and line.
        BadOrder: an order does not read; names file and line.
    """
    checks_path = root / CHECKS_NAME
    for path in (root / TRAYS_NAME, checks_path):
        if not _is_file(path):
            raise BadRecording("there is no such file; a folder of trays needs trays.jsonl and orders.jsonl", path=path)
    counted = open_counted(root)
    checks = tuple(_checks(checks_path, counted.trays))
    if not checks:
        raise BadRecording("the file lists no check", path=checks_path)
    return replace(counted, checks=checks)


def open_counted(root: Path) -> TrayFolder:
    """Read `trays.jsonl` of a folder, and no check: enough for who asks what lay on the trays.

    Raises:
        BadRecording: the file or a photograph is missing, or a line does not read; names file and line.
    """
    trays_path = root / TRAYS_NAME
    if not _is_file(trays_path):
        raise BadRecording("there is no such file; it says what lies on which tray", path=trays_path)
    trays, lines = _trays(root, trays_path)
    return TrayFolder(root, trays, lines=lines)


def _trays(root: Path, trays_path: Path) -> tuple[dict[str, PhotographedTray], dict[str, int]]:
    """The trays by their ids, and the lines on which they stand."""
    trays: dict[str, PhotographedTray] = {}
    lines: dict[str, int] = {}
    for line, tray in _entries(trays_path, PhotographedTray):
        if tray.tray_id in trays:
            raise BadRecording(f"the tray '{tray.tray_id}' stands twice", path=trays_path, line=line)
        for image in tray.images:
            if not _is_file(root / image):
                raise BadRecording(f"the photograph '{image[:200]}' is not there", path=trays_path, line=line)
        trays[tray.tray_id], lines[tray.tray_id] = tray, line
    if not trays:
        raise BadRecording("the file lists no tray", path=trays_path)
    return trays, lines


def _checks(checks_path: Path, trays: dict[str, PhotographedTray]) -> Iterator[TrayCheck]:
    seen = set[str]()
    for line, check in _entries(checks_path, _CheckLine):
        if check.check_id in seen:
            raise BadRecording(f"the check '{check.check_id}' stands twice", path=checks_path, line=line)
        seen.add(check.check_id)
        if check.tray_id not in trays:
            raise BadRecording(f"the tray '{check.tray_id}' is not in trays.jsonl", path=checks_path, line=line)
        order = order_from_json(check.order, path=checks_path, line=line)
        yield TrayCheck(check_id=check.check_id, tray_id=check.tray_id, order=order, expected=check.expected)


def _refuse_unknown(
    lying: Sequence[tuple[Mapping[str, int], int | None]],
    is_known: Callable[[str], bool],
    *,
    said: str,
    advice: str,
    path: Path,
) -> None:
    """Refuse the first name that nobody knows, of what lies on trays; each with the line where it stands."""
    trays = Counter(name for contents, _ in lying for name, count in contents.items() if count)
    for name, count in trays.items():
        if not is_known(name):
            line = next(line for contents, line in lying if contents.get(name))
            where = f"which lies on {count} tray{'s' if count > 1 else ''}"
            raise BadRecording(f"{said} '{name[:100]}', {where}: {advice}", path=path, line=line)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have, a folder that may not be entered
        return False


def _order_events(path: Path) -> Iterator[OrderEvent]:
    for line, entry in _entries(path, _OrderEventLine):
        order = None if entry.order is None else order_from_json(entry.order, path=path, line=line)
        yield OrderEvent(at_s=entry.at_s, order=order, cancel=entry.cancel, ready=entry.ready)


def _entries(path: Path, model: type[Entry]) -> Iterator[tuple[int, Entry]]:
    """The records of a JSON lines file with their line numbers; empty lines are passed over."""
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), start=1):
                if len(raw) > MAX_LINE_BYTES:
                    raise BadRecording(f"the line is longer than {MAX_LINE_BYTES:,} bytes", path=path, line=number)
                if number > MAX_ENTRIES:
                    raise BadRecording(f"the file has more than {MAX_ENTRIES:,} lines", path=path, line=number)
                if raw.removeprefix(BOM_UTF8).strip():
                    yield number, _entry(raw, model, path, number)
    except OSError as error:
        raise BadRecording(f"the file cannot be read: {error.strerror}", path=path) from error


def _entry(raw: bytes, model: type[Entry], path: Path, number: int) -> Entry:
    try:
        value = parse_json(raw.decode("utf-8-sig").rstrip(), path=path, line=number, error=BadRecording)
        return model.model_validate(value)
    except UnicodeDecodeError as error:
        raise BadRecording("the line is not UTF-8", path=path, line=number) from error
    except ValidationError as error:
        raise BadRecording(first_complaint(error), path=path, line=number) from error
