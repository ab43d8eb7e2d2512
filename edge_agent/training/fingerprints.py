"""What a run is made of, as hashes; and a folder that was begun with anything else is not gone on in.

Checkpoints say nothing of the photographs, the classes and the settings that made them. A command typed again with
other ones would hand out old weights as new, under an account of what never taught them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_agent.errors import BadInput
from edge_agent.formats.whole_file import write_whole
from edge_agent.training.boxed import BoxedPhotograph
from edge_agent.training.labelling import CountedTray

SHOWN = 40
"""So many characters of a value are told."""
MOST_TOLD = 6
"""So many differences are told; a folder of an older version may differ in all that it never noted."""


def hash_of(splits: Mapping[str, Sequence[BoxedPhotograph]]) -> dict[str, str]:
    """One sha256 per split over photographs and labels: the same data gives the same hash wherever it lies."""
    return {
        split: _sha256(path for each in photographs for path in (each.path, each.label_path))
        for split, photographs in splits.items()
    }


def hash_of_trays(trays: Iterable[CountedTray]) -> str:
    """The sha256 over the trays that teach: their photographs and their counts."""
    digest = hashlib.sha256()
    for tray in trays:
        told = [tray.tray_id, sorted(tray.counts.items()), tray.hard]
        digest.update(json.dumps(told).encode() + _sha256(tray.photographs).encode())
    return digest.hexdigest()


def hash_of_photographs(trays: Iterable[CountedTray]) -> str:
    """The sha256 over the photographs of trays alone, by which they are known however finely they are counted."""
    digest = hashlib.sha256()
    for tray in trays:
        digest.update(json.dumps(tray.tray_id).encode() + _sha256(tray.photographs).encode())
    return digest.hexdigest()


def _sha256(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def begin_or_go_on(path: Path, asked: Mapping[str, Any]) -> None:
    """Note in a file what a folder is begun with; where that is noted already, it must be the same.

    Raises:
        BadInput: the folder was begun with something else; the text says with what.
    """
    if path.exists():
        refuse_other(path.parent, json.loads(path.read_text(encoding="utf-8")), asked)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(asked, indent=2) + "\n")


def refuse_other(folder: Path, before: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Hold what is asked for against what a folder was begun with.

    Raises:
        BadInput: they differ; the text says in what.
    """
    was, wanted = dict(_leaves(before)), dict(_leaves(asked))
    if not was.keys() & wanted.keys():
        told = "an older version of the agent, which did not note of what"
    else:
        names = [name for name in {**was, **wanted} if was.get(name) != wanted.get(name)]
        if not names:
            return
        changes = [_change(name, was.get(name), wanted.get(name)) for name in names]
        more = f", and {len(changes) - MOST_TOLD} more" if len(changes) > MOST_TOLD else ""
        told = f"something else: {', '.join(changes[:MOST_TOLD])}{more}"
    said = f"this run was begun with {told}"
    raise BadInput(f"{said}. Name another folder for a new run, or delete this one to begin it anew", path=folder)


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, f"{name}.{key}" if name else str(key))
    else:
        yield name, list(value) if isinstance(value, tuple) else value


def _change(name: str, was: Any, now: Any) -> str:
    if isinstance(was, list) and isinstance(now, list):
        gone, new = ([each for each in one if each not in other] for one, other in ((was, now), (now, was)))
        if not gone and not new:
            return f"{name} came in another order"
        return f"{name} had {_short(gone)} where it has {_short(new)} now"
    return f"{name} was {_short(was)} and is {_short(now)} now"


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if value is None or not text:
        return "nothing"
    return text if len(text) <= SHOWN else f"...{text[-SHOWN:]}"  # paths and hashes differ at their ends too
