"""What guests order, as the till sends it, and what the kitchen makes of it: rightly, or with one mistake."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import Any

from edge_agent.domain.menu import Menu, wanted
from edge_agent.domain.order import Order
from edge_agent.formats.orders import order_from_json
from edge_agent.training.synth.catalogue import CLASSES

Line = Mapping[str, Any]


def _line(sku: str, quantity: int = 1, **more: Any) -> Line:
    return {"sku": sku, "quantity": quantity, **more}


def _with(sku: str, *children: str) -> Line:
    """A combo whose parts the guest chose, so that the till sends them."""
    return _line(sku, children=[_line(child) for child in children])


MEALS: tuple[tuple[Line, ...], ...] = (
    (_line("menu-hamburger"), _line("cookie")),
    (_line("menu-hamburger", modifiers=["large fries", "add cheese"]),),
    (_line("menu-hamburger", modifiers=["salad instead of fries", "water instead of soda"]),),
    (_line("menu-hamburger", modifiers=["no onions"]), _line("apple-pie")),
    (_line("menu-cheeseburger-l"), _line("sundae")),
    (_with("menu-cheeseburger-l", "chickenburger", "fries-l", "water"),),
    (_line("menu-big"),),
    (_line("menu-big"), _line("small-dessert")),
    (_line("menu-kids"), _line("sundae")),
    (_with("menu-kids", "nuggets-6", "fries-s", "iced-tea", "toy"),),
    (_line("menu-kids"), _line("cheeseburger"), _line("coffee")),
    (_line("burger"), _line("fries-s"), _line("iced-tea")),
    (_line("burger", 2), _line("fries-l"), _line("soda-l")),
    (_line("burger"), _line("salad"), _line("lemonade"), _line("cookie")),
    (_line("salad"), _line("water"), _line("apple-pie")),
    (_line("nuggets-9"), _line("dip-curry"), _line("fries-s"), _line("soda-s")),
    (_line("nuggets-9"), _line("dip-bbq", 2), _line("lemonade"), _line("small-dessert")),
    (_line("cheeseburger"), _line("chickenburger"), _line("fries-l"), _line("soda-s")),
    (_line("hamburger", 2), _line("fries-s"), _line("mayonnaise"), _line("small-drink")),
    (_line("veggieburger"), _line("nuggets-6"), _line("soda-s"), _line("cookie")),
    (_line("big-box"), _line("fries-s"), _line("apple-pie"), _line("coffee")),
    (_line("big-box"), _line("nuggets-6"), _line("mayonnaise"), _line("soda-l")),
    (_line("sundae"), _line("cookie", 2), _line("iced-tea")),
    (_line("burger"), _line("big-box"), _line("fries-l"), _line("soda-l"), _line("soda-s")),
)
"""Meals that a till rings up: single items, combos with and without their parts, modifiers, toys, free choice."""


class Mistake(str, Enum):
    """What the kitchen can get wrong."""

    NONE = "none"
    MISSING = "missing"
    EXTRA = "extra"
    SIZE = "size"


SIZES = {
    "fries_small": "fries_large",
    "fries_large": "fries_small",
    "cup_small": "cup_large",
    "cup_large": "cup_small",
}


def order_for(meal: tuple[Line, ...], number: int) -> dict[str, Any]:
    """An order for this meal, as the till sends it."""
    return {"order_id": f"B-{number}", "display_number": f"{number % 100:02d}", "lines": [dict(line) for line in meal]}


def read(order: Mapping[str, Any]) -> Order:
    """The order as a domain value."""
    return order_from_json(order)


def pieces(menu: Menu, order: Order, rng: random.Random) -> Counter[str]:
    """What should lie on its tray, by the names of the catalogue; where the guest left the choice, one is made."""
    needed: Counter[str] = Counter()
    for want in wanted(menu, order):
        if want.left_to_crew is None:
            choices = sorted(want.classes & set(CLASSES))
            needed.update(rng.choice(choices) for _ in range(want.quantity))
    return needed


def spoiled(right: Counter[str], mistake: Mistake, menu: Menu, rng: random.Random) -> Counter[str] | None:
    """The same with one mistake; None where that mistake cannot be made.

    Only what the menu counts goes wrong: of a sauce that is merely present, one more is no mistake.
    """
    counted = [name for name in sorted(right) if menu.counts_pieces(name)]
    if mistake is Mistake.NONE:
        return right
    if mistake is Mistake.EXTRA:
        return right + Counter([rng.choice([name for name in CLASSES if menu.counts_pieces(name)])])
    if mistake is Mistake.SIZE:
        counted = [name for name in counted if name in SIZES]
    if not counted:
        return None
    name = rng.choice(counted)
    less = right - Counter([name])
    return less + Counter([SIZES[name]]) if mistake is Mistake.SIZE else less
