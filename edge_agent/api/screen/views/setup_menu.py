"""The menu as a list: each item with what the camera can say of it."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.api.screen.texts import Texts
from edge_agent.domain.menu import HandedAt, Menu, MenuItem, Visibility

MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class MenuRow:
    """One item; `checked` says how the camera checks it, `by_camera` whether it does."""

    sku: str
    name: str
    also: tuple[str, ...]
    checked: str
    by_camera: bool


def menu_rows(texts: Texts, menu: Menu) -> tuple[MenuRow, ...]:
    """The items in the menu's order, what the camera checks first."""
    rows = [_row(texts, menu, item) for item in menu.items[:MOST_ROWS]]
    return tuple(sorted(rows, key=lambda row: not row.by_camera))


def _row(texts: Texts, menu: Menu, item: MenuItem) -> MenuRow:
    kind = _kind(menu, item)
    said = texts(f"setup_item.{kind}", of=item.detects_as or "")
    return MenuRow(item.sku, item.shown_name, item.aliases, said, kind not in ("hidden", "elsewhere"))


def _kind(menu: Menu, item: MenuItem) -> str:
    if item.handed_at is HandedAt.ELSEWHERE:
        return "elsewhere"
    if item.visibility is Visibility.HIDDEN:
        return "hidden"
    if item.any_of:
        return "any_of"
    if item.detects_as is None:
        return "combo"
    if len(menu.items_seen_as(item.detects_as)) > 1:
        return "look_alike"
    return str(item.visibility.value)
