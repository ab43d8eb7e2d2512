"""What the till sent: orders, their lines, their identity and their life."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from edge_agent.errors import BadOrder

MAX_QUANTITY = 999
MAX_LINES = 200
MAX_DEPTH = 4
MAX_ID = 64
MAX_TEXT = 200
MAX_NOTES = 2_000
MAX_REVISION = 2**31
MAX_PARTS = 20

_ALLERGY = re.compile(
    r"allerg|anaphyla|epi-?pen|c(o)?eliac|z(ö|oe)liakie|intoleran|unvertr(ä|ae)glich|alerg|gluten|nut[- ]free",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, order=True)
class OrderKey:
    """The identity of an order: tills count anew each business day, and a restaurant may have several of them."""

    source: str
    business_day: str
    order_id: str

    def __str__(self) -> str:
        return "/".join(part for part in (self.source, self.business_day, self.order_id) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of an order.

    `quantity` of a child counts per piece of its parent: two menus with one burger each are two burgers.

    Raises:
        BadOrder: a quantity or a text is out of bounds.
    """

    sku: str
    quantity: int = 1
    line_id: str = ""
    name: str = ""
    modifiers: tuple[str, ...] = ()
    children: tuple[OrderLine, ...] = ()
    voided: bool = False

    def __post_init__(self) -> None:
        _check_text("sku", self.sku, MAX_ID, required=True)
        _check_text("line_id", self.line_id, MAX_ID)
        _check_text("name", self.name, MAX_TEXT)
        for modifier in self.modifiers:
            _check_text("modifier", modifier, MAX_TEXT, required=True)
        _check_number(f"the quantity of '{self.sku}'", self.quantity, 1, MAX_QUANTITY)

    def walk(self, depth: int = 1) -> Iterator[tuple[int, OrderLine]]:
        """This line and all lines below it, each with its depth (1 is the top)."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A full snapshot of one order; a later revision replaces an earlier one.

    `parts` is the number of trays the order comes on, where the till knows it; `placed_at` is the till's own time stamp
    and is shown, never computed with.

    Raises:
        BadOrder: a field is out of bounds, the order has too many lines or they are nested too deep.
    """

    order_id: str
    lines: tuple[OrderLine, ...]
    source: str = "till"
    business_day: str = ""
    revision: int = 1
    display_number: str = ""
    placed_at: str = ""
    channel: str = ""
    station: str | None = None
    parts: int = 1
    notes: str = ""
    test: bool = False

    def __post_init__(self) -> None:
        _check_text("order_id", self.order_id, MAX_ID, required=True)
        _check_text("source", self.source, MAX_ID, required=True)
        for name in ("business_day", "display_number", "placed_at", "channel"):
            _check_text(name, getattr(self, name), MAX_ID)
        _check_text("station", self.station or "", MAX_ID)
        _check_text("notes", self.notes, MAX_NOTES)
        _check_number(f"the revision of order '{self.order_id}'", self.revision, 0, MAX_REVISION)
        _check_number(f"the number of parts of order '{self.order_id}'", self.parts, 1, MAX_PARTS)
        self._check_lines()

    def _check_lines(self) -> None:
        """Stop at the first line too many or too deep: what is nested without end is never walked to its end."""
        for number, (depth, _) in enumerate((entry for line in self.lines for entry in line.walk()), start=1):
            if depth > MAX_DEPTH:
                raise BadOrder(f"the lines of order '{self.order_id}' are nested deeper than {MAX_DEPTH}")
            if number > MAX_LINES:
                raise BadOrder(f"order '{self.order_id}' has too many lines; at most {MAX_LINES} are taken")

    @property
    def key(self) -> OrderKey:
        return OrderKey(self.source, self.business_day, self.order_id)

    @property
    def number(self) -> str:
        """What the crew calls it."""
        return self.display_number or self.order_id

    @property
    def mentions_allergy(self) -> bool:
        """Whether a note or modifier smells of an allergy, which no camera can check; errs on the side of saying so."""
        modifiers = (m for line in self.lines for _, below in line.walk() for m in below.modifiers)
        return any(_ALLERGY.search(text) for text in (self.notes, *modifiers))


class OrderState(str, Enum):
    """Where an order stands.

    `PRESENTED` means that a tray lies, or lay, in front of the camera as this order and did not leave as a match.
    """

    OPEN = "open"
    PRESENTED = "presented"
    HANDED_OUT = "handed_out"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


_SURROGATE = re.compile("[\ud800-\udfff]")


def _check_number(field: str, number: int, lowest: int, highest: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int):
        raise BadOrder(f"{field} must be a whole number, not {number!r}")
    if not lowest <= number <= highest:
        raise BadOrder(f"{field} must lie between {lowest} and {highest}, not {number}")


def _check_text(field: str, text: str, longest: int, *, required: bool = False) -> None:
    if required and not text.strip():
        raise BadOrder(f"'{field}' is empty")
    if not text.isascii() and _SURROGATE.search(text):
        raise BadOrder(f"'{field}' holds half a character (a lone surrogate), which nothing can store or show")
    if len(text) > longest:
        raise BadOrder(
            f"'{field}' is {len(text)} characters long; at most {longest} are taken (it begins '{text[:20]}')"
        )
