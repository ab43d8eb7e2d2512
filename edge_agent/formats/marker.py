"""What the text of an order tag (a QR code on the tray or the ticket) means.

`order:<source>/<day>/<id>` names an order for good; `order:<id>` and the bare `<id>` name the newest order of that id,
or of that display number. Anything else is no order tag: packages bear codes as well.
"""

from __future__ import annotations

import re

MAX_CHARACTERS = 200
"""A longer text is no order tag, whatever it says."""

_PREFIX = "order:"
_PART = r"[^\s/\x00-\x1f\x7f](?:[^/\x00-\x1f\x7f]{0,62}[^\s/\x00-\x1f\x7f])?"
_NAMED = re.compile(rf"{_PART}(?:/{_PART}){{0,2}}")
_BARE = re.compile(r"[A-Za-z0-9#](?:[A-Za-z0-9 ._#-]{0,30}[A-Za-z0-9])?")


def read_marker(text: str) -> str | None:
    """What the tag calls its order, as `OrderChecker` takes it; None where it is no order tag."""
    if len(text) > MAX_CHARACTERS:
        return None
    told = text.strip()
    if told[: len(_PREFIX)].lower() == _PREFIX:
        named = told[len(_PREFIX) :].strip()
        return named if _NAMED.fullmatch(named) else None
    return told if _BARE.fullmatch(told) else None
