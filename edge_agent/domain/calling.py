"""What people call a thing that the camera sees: by the menu, never by the model's own word for it."""

from __future__ import annotations

from collections.abc import Iterable

from edge_agent.domain.matching import CheckedLine
from edge_agent.domain.menu import Menu


def names_of_class(menu: Menu, class_name: str, lines: Iterable[CheckedLine] = ()) -> tuple[str, ...]:
    """The items that a thing of this class may be: those of the order's lines, else all that look so; none for none.

    A name stands there once, however many items have it.

    Args:
        menu: the menu.
        class_name: a class of the model.
        lines: of the verdict on the tray that it lies on.
    """
    items = menu.items_seen_as(class_name)
    ordered = {sku for line in lines if line.expected for sku in line.skus}
    named = [item for item in items if item.sku in ordered] or items
    return tuple(dict.fromkeys(item.shown_name for item in named))
