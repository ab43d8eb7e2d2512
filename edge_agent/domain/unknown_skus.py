"""What the till sells and the menu does not know, and what somebody says about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from edge_agent.domain.menu import Menu, MenuItem, Visibility
from edge_agent.domain.order import MAX_ID, MAX_TEXT, Order
from edge_agent.domain.said import say
from edge_agent.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownSku:
    """A SKU that stood on orders and on no menu.

    Attributes:
        name: what the till calls it, on the newest order that names it; empty where it does not.
        orders: on how many orders it stood.
    """

    sku: str
    name: str
    orders: int


class Meaning(str, Enum):
    """What an unknown SKU is.

    Attributes:
        ITEM: another name of an item that is on the menu.
        LOOKS: an item of its own, which looks like a class of the model.
        BY_HAND: something that the camera cannot check, and that is left to the crew.
    """

    ITEM = "item"
    LOOKS = "looks"
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What somebody said about one SKU; `of` names the item, or the class, where the meaning needs one.

    Raises:
        BadInput: a text is empty, too long, or begins or ends with a blank.
    """

    sku: str
    means: Meaning
    of: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if not 0 < len(self.sku) <= MAX_ID or self.sku != self.sku.strip():
            raise BadInput(say("sku_length", "a SKU has 1 to {most} characters, and no blank at its ends", most=MAX_ID))
        if len(self.name) > MAX_TEXT or len(self.of) > MAX_ID:
            raise BadInput(
                say(
                    "sku_name_length",
                    "the name of '{sku}' is longer than {most} characters",
                    sku=self.sku,
                    most=MAX_TEXT,
                )
            )
        if (self.means is Meaning.BY_HAND) == bool(self.of):
            raise BadInput(
                say(
                    "sku_of_what",
                    "say of '{sku}' which item or class it is, or that it is checked by hand",
                    sku=self.sku,
                )
            )


def unknown_skus(menu: Menu, orders: Iterable[Order]) -> tuple[UnknownSku, ...]:
    """What the menu does not know of what was ordered, most often ordered first; test orders and voided lines aside.

    Args:
        menu: the menu.
        orders: the newest first.
    """
    found: dict[str, UnknownSku] = {}
    for order in orders:
        if order.test:
            continue
        for sku, name in _named(order).items():
            if menu.find(sku) is None:
                before = found.get(sku, UnknownSku(sku=sku, name="", orders=0))
                found[sku] = replace(before, name=before.name or name, orders=before.orders + 1)
    return tuple(sorted(found.values(), key=lambda each: (-each.orders, each.sku)))


def _named(order: Order) -> dict[str, str]:
    """The SKUs of one order with what it calls them."""
    found: dict[str, str] = {}
    for line in order.lines:
        if line.voided:
            continue
        for _, below in line.walk():
            if not below.voided:
                found[below.sku] = found.get(below.sku) or below.name
    return found


def menu_knowing(menu: Menu, said: Sequence[Known], *, classes: Sequence[str]) -> Menu:
    """The menu with what somebody said of SKUs that it did not know.

    Args:
        menu: the menu.
        said: one thing per SKU.
        classes: the model's.

    Raises:
        BadInput: the menu knows such a SKU already, an item or class is not there, or an item cannot have another name.
        MenuFault: together they make no sense.
    """
    items = list(menu.items)
    for known in said:
        if any(known.sku in (item.sku, *item.aliases) for item in items):
            raise BadInput(say("sku_known", "the menu knows '{sku}' already", sku=known.sku))
        if known.means is Meaning.ITEM:
            number = next((n for n, item in enumerate(items) if known.of in (item.sku, *item.aliases)), None)
            if number is None:
                raise BadInput(say("sku_no_item", "there is no '{of}' on the menu", of=known.of))
            items[number] = replace(items[number], aliases=(*items[number].aliases, known.sku))
        elif known.means is Meaning.LOOKS:
            if known.of not in classes:
                raise BadInput(say("sku_no_class", "the model knows no '{of}'", of=known.of))
            items.append(MenuItem(sku=known.sku, name=known.name, detects_as=known.of))
        else:
            items.append(MenuItem(sku=known.sku, name=known.name, visibility=Visibility.HIDDEN))
    return Menu(tuple(items), menu.modifiers)
