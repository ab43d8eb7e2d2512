"""The journal of which model pack was in service: one JSON object per line, only ever added to.

The pointer says what is active; the journal says what was before, and why each came. A line is written before the
pointer moves, so a power cut between the two leaves a line that never took effect; `standing` recognises it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue, StringConstraints, ValidationError

from edge_agent.errors import BadInput
from edge_agent.formats.orders import first_complaint, parse_json
from edge_agent.formats.pack import FileName, Sha256
from edge_agent.formats.yaml_file import FileModel

MAX_REASON = 500
"""Characters of a reason: a sentence or two, not a report."""

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_REASON)]


class Activation(FileModel):
    """One change of the active pack. Packs are named by their folder; their hash is that of `model.yaml`.

    `model.yaml` holds the hashes of the pack's files, so its own names the whole pack, thresholds included.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    at: AwareDatetime
    """UTC."""
    kind: Literal["activate", "rollback"]
    from_pack: FileName | None = Field(alias="from")
    from_sha256: Sha256 | None
    to_pack: FileName = Field(alias="to")
    to_sha256: Sha256
    gate: Mapping[str, JsonValue] | None = None
    """What the gate said, with the counts of both packs and what they were scored on; None for a rollback."""
    override: Reason | None = None
    """Why the pack was activated although the gate was not passed."""


def activation_line(activation: Activation) -> str:
    """The activation as one line, its end included."""
    return json.dumps(activation.model_dump(mode="json", by_alias=True), ensure_ascii=False) + "\n"


def read_activation(raw: bytes, *, path: Path, line: int) -> Activation:
    """Read one line of the journal.

    Raises:
        BadInput: the line is torn or says something else; names file and line.
    """
    try:
        return Activation.model_validate(parse_json(raw.decode().rstrip(), path=path, line=line, error=BadInput))
    except UnicodeDecodeError as error:
        raise BadInput("the line is not UTF-8", path=path, line=line) from error
    except ValidationError as error:
        raise BadInput(first_complaint(error), path=path, line=line) from error


def standing(activations: Iterable[Activation], active: str | None) -> tuple[str, ...]:
    """The packs in service, one after the other, the active one last: what rolling back step by step would go through.

    An activation adds a pack; a rollback takes the last away, so a second one goes a step further back instead of
    forth again. What the journal does not know (a pointer written by hand) is added where it shows.

    Args:
        activations: the journal, oldest first.
        active: what the pointer says; None where it says nothing.
    """
    now: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    for entry in activations:
        earlier = _as_found(entry.from_pack, now, earlier)
        if entry.kind == "rollback" and earlier[-2:-1] == (entry.to_pack,):
            now = earlier[:-1]
        else:
            now = _put_on(earlier, entry.to_pack)
    return _as_found(active, now, earlier)


def _as_found(name: str | None, now: tuple[str, ...], earlier: tuple[str, ...]) -> tuple[str, ...]:
    """What stood when `name` was found active: the last entry may not have taken effect, or one may be lacking."""
    if name is not None and now[-1:] != (name,) and earlier[-1:] == (name,):
        return earlier
    return now if name is None else _put_on(now, name)


def _put_on(packs: tuple[str, ...], name: str) -> tuple[str, ...]:
    return packs if packs[-1:] == (name,) else (*packs, name)
