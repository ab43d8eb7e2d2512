"""Domain values as the JSON in the database's columns, and back. Unknown keys are let pass: a later agent adds some."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from edge_agent.domain.contents import ClassCount, Contents, Doubt
from edge_agent.domain.detection import Detection, Sighting
from edge_agent.domain.geometry import Box
from edge_agent.domain.matching import CheckedLine, LineResult
from edge_agent.domain.order import Order
from edge_agent.formats.orders import order_from_json

MOST_SNAPSHOTS = 1_024
"""So many of the orders that were read last are kept, a few kB each: pages ask for the latest over and over."""

LONGEST_KEPT = 8_000
"""Characters; a longer snapshot is read anew each time. An order as large as the API takes is two megabytes once it is
read: kept by the thousand, they would take the memory of the box. Forty lines are 4,000 characters."""

MOST_SKUS = 4_096


def order_to_text(order: Order) -> str:
    """A snapshot as the till's own format has it (`formats.orders`)."""
    return _text(dataclasses.asdict(order))


def order_from_text(text: str) -> Order:
    """The snapshot; raises BadOrder if it is none. A text is always the same order, so a short one is read once."""
    return _read_once(text) if len(text) <= LONGEST_KEPT else _read_order(text)


def _read_order(text: str) -> Order:
    return order_from_json(json.loads(text))


_read_once = lru_cache(maxsize=MOST_SNAPSHOTS)(_read_order)


def contents_to_text(contents: Contents) -> str:
    """What was seen, each class with its bounds."""
    return _text({**dataclasses.asdict(contents), "overlooked": sorted(contents.overlooked)})


def contents_from_text(text: str) -> Contents:
    """What was seen."""
    value = json.loads(text)
    counts = tuple(
        ClassCount(
            class_name=count["class_name"],
            surely=count["surely"],
            possibly=count["possibly"],
            likely=count["likely"],
            confidence=count["confidence"],
            doubt=_doubt(count["doubt"]),
        )
        for count in value["counts"]
    )
    return Contents(counts, unclear=_doubt(value["unclear"]), overlooked=frozenset(value["overlooked"]))


def skus_to_text(skus: Iterable[str]) -> str:
    """A list, since a SKU may contain any separator."""
    return _text(list(skus))


@lru_cache(maxsize=MOST_SKUS)
def skus_from_text(text: str) -> tuple[str, ...]:
    """The SKUs of a line."""
    return tuple(json.loads(text))


def lines_to_text(lines: Iterable[CheckedLine]) -> str:
    """The lines that an alert is about."""
    return _text([dataclasses.asdict(line) for line in lines])


def lines_from_text(text: str) -> tuple[CheckedLine, ...]:
    """The lines that an alert is about."""
    return tuple(
        CheckedLine(
            skus=tuple(line["skus"]),
            name=line["name"],
            expected=line["expected"],
            seen=line["seen"],
            result=LineResult(line["result"]),
            off_by=line["off_by"],
            reason=line["reason"],
        )
        for line in json.loads(text)
    )


def sighting_to_text(sighting: Sighting) -> str:
    """What was seen in a picture; pixels to a tenth."""
    return _text(
        {
            "size": [sighting.width_px, sighting.height_px],
            "slot": _sides(sighting.slot),
            "seen": [[each.class_name, round(each.score, 3), *_sides(each.box)] for each in sighting.seen],
        }
    )


def sighting_from_text(text: str) -> Sighting:
    """What was seen in a picture."""
    value = json.loads(text)
    width_px, height_px = value["size"]
    seen = tuple(Detection(name, score, Box(*sides)) for name, score, *sides in value["seen"])
    return Sighting(width_px=width_px, height_px=height_px, slot=Box(*value["slot"]), seen=seen)


def _sides(box: Box) -> list[float]:
    return [round(side, 1) for side in (box.left, box.top, box.right, box.bottom)]


def counts_to_text(counts: Mapping[str, int]) -> str:
    """How many of what an auditor saw."""
    return _text(dict(counts))


def counts_from_text(text: str) -> dict[str, int]:
    """How many of what an auditor saw."""
    return {str(name): int(count) for name, count in json.loads(text).items()}


def _doubt(value: str | None) -> Doubt | None:
    return None if value is None else Doubt(value)


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
