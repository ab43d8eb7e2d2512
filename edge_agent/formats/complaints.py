"""What pydantic says of a value, in the words of a file rather than of Python, each sentence with its name."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from edge_agent.domain.said import Said, named, said_of, say

_PLAIN = {
    "missing": "is missing",
    "model_type": "should be a group of keys",
    "dict_type": "should be a group of keys",
    "mapping_type": "should be a group of keys",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "path_type": "should be a path",
    "too_short": "should have {min_length} or more entries",
    "too_long": "should have at most {max_length} entries",
}
"""What pydantic says in the words of Python, in the words of a file or a message; by the type of its error."""


def what_is_wrong(detail: ErrorDetails) -> str:
    """What is wrong with one value, without its place: a `Said`, unless a validator refused with a text of its own."""
    context: dict[str, Any] = detail.get("ctx", {})
    if detail["type"] in ("value_error", "assertion_error"):
        error = context.get("error")
        return said_of(error) if isinstance(error, Exception) else detail["msg"].partition(", ")[2]
    name, values = f"value_{detail['type']}", _values(context)
    if detail["type"] in _PLAIN:
        return say(name, _PLAIN[detail["type"]], **values)
    return named(name, re.sub(r"^\w+ (?=should)", "", detail["msg"]), values)


def complaint_of(error: ValidationError) -> str:
    """The first thing that is wrong, without its place."""
    return what_is_wrong(error.errors(include_url=False, include_input=False)[0])


def _values(context: dict[str, Any]) -> dict[str, object]:
    """What pydantic filled in; a list of what is allowed comes joined in English."""
    return {
        place: value.replace(" or ", ", ") if place == "expected" and isinstance(value, str) else value
        for place, value in context.items()
        if not isinstance(value, Said)
    }
