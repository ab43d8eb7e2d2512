"""The menu file (`configs/menus/NAME.yaml`), read strictly into `domain.menu.Menu`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from edge_agent.domain.menu import HandedAt, Menu, MenuFault, MenuItem, ModifierRule, Portion, Visibility
from edge_agent.domain.said import said_of, say
from edge_agent.errors import BadConfig
from edge_agent.formats.yaml_file import FileModel, Loc, dump_yaml, find_line, load_yaml

Identifier = Annotated[str, Field(min_length=1, max_length=64)]

LineOf = Callable[[Loc], int | None]
"""The line (from 1) of a place in a file; None where it has none."""

MAX_COMBO_DEPTH = 8
MAX_COMBO_PIECES = 10_000


class PortionEntry(FileModel):
    """A part of a combo."""

    sku: str = Field(description="The SKU of the part.")
    quantity: int = Field(default=1, ge=1, le=999, description="How many of it one combo brings.")


class ItemEntry(FileModel):
    """One item of the menu file."""

    sku: str = Field(min_length=1, max_length=64, description="The identifier that the till sends.")
    name: str = Field(default="", max_length=200, description="What the crew calls it; the SKU if left out.")
    aliases: tuple[Identifier, ...] = Field(default=(), description="Other identifiers of the same item.")
    detects_as: str | None = Field(default=None, description="The detector class it looks like; look-alikes share one.")
    visibility: Visibility = Field(
        default=Visibility.COUNTABLE,
        description="countable: the numbers must agree; presence: at least one; hidden: never checked, and said so.",
    )
    handed_at: HandedAt = Field(default=HandedAt.HERE, description="elsewhere: the guest gets it somewhere else.")
    contains: tuple[PortionEntry, ...] = Field(
        default=(), description="A combo's parts, used where the till sends the combo without children."
    )
    any_of: tuple[str, ...] = Field(default=(), description="SKUs of which any will do.")


class ModifierEntry(FileModel):
    """What a modifier does to the tray."""

    name: str = Field(min_length=1, max_length=200, description="The text that the till sends; letter case is ignored.")
    adds: str | None = Field(default=None, description="The SKU that comes in addition.")
    removes: str | None = Field(default=None, description="The SKU that is left out.")
    replaces: dict[str, str] | None = Field(default=None, max_length=1, description="{SKU that goes: SKU that comes}.")


class MenuFile(FileModel):
    """A whole menu file."""

    items: tuple[ItemEntry, ...] = Field(min_length=1, description="Everything the till sells.")
    modifiers: tuple[ModifierEntry, ...] = Field(default=(), description="Modifiers that change what lies on the tray.")


@dataclass(frozen=True, slots=True)
class LoadedMenu:
    """A menu, where it came from, and its sha256: verdicts are stored with the menu they were reached by."""

    menu: Menu
    path: Path
    sha256: str


def load_menu(path: Path, *, model_classes: Iterable[str] | None = None) -> LoadedMenu:
    """Read a menu.

    Args:
        path: the YAML file.
        model_classes: the classes of the model that will be used with it; every `detects_as` must be among them.

    Raises:
        BadConfig: one sentence with file and line.
    """
    entries = load_yaml(path, MenuFile)
    menu = menu_of(entries, path=path, line_of=lambda loc: find_line(path, loc), model_classes=model_classes)
    return LoadedMenu(menu, path, hashlib.sha256(path.read_bytes()).hexdigest())


def menu_of(entries: MenuFile, *, path: Path, line_of: LineOf, model_classes: Iterable[str] | None = None) -> Menu:
    """The menu that a file's entries make.

    Args:
        entries: what the file says.
        path: the file, for complaints.
        line_of: the line of a place in the file.
        model_classes: as for `load_menu`.

    Raises:
        BadConfig: one sentence with file and line.
    """
    place = _Place(path, line_of)
    _refuse_endless_combos(entries, place)
    classes = None if model_classes is None else tuple(model_classes)
    for index, entry in enumerate(entries.items):
        _refuse_unknown_class(entry, classes, place, index)
        _refuse_blanks(entry, place, index)
    items = tuple(_item(entry) for entry in entries.items)
    rules = tuple(_rule(entry, place, index) for index, entry in enumerate(entries.modifiers))
    try:
        return Menu(items, rules)
    except MenuFault as fault:
        group = "items" if isinstance(fault.at, MenuItem) else "modifiers"
        at = next(i for i, each in enumerate(items if group == "items" else rules) if each is fault.at)
        raise place.fault(said_of(fault), group, at) from fault


def menu_as_yaml(menu: Menu) -> str:
    """A menu as a file that `load_menu` reads back to the same value; what is as by default is left out."""
    items = [_entry_of(item).model_dump(mode="json", exclude_defaults=True) for item in menu.items]
    rules = [_rule_entry_of(rule).model_dump(mode="json", exclude_defaults=True) for rule in menu.modifiers]
    return dump_yaml({"items": items, **({"modifiers": rules} if rules else {})})


def _entry_of(item: MenuItem) -> ItemEntry:
    return ItemEntry(
        sku=item.sku,
        name=item.name,
        aliases=item.aliases,
        detects_as=item.detects_as,
        visibility=item.visibility,
        handed_at=item.handed_at,
        contains=tuple(PortionEntry(sku=part.sku, quantity=part.quantity) for part in item.contains),
        any_of=item.any_of,
    )


def _rule_entry_of(rule: ModifierRule) -> ModifierEntry:
    if rule.adds is not None and rule.removes is not None:
        return ModifierEntry(name=rule.name, replaces={rule.removes: rule.adds})
    return ModifierEntry(name=rule.name, adds=rule.adds, removes=rule.removes)


@dataclass(frozen=True, slots=True)
class _Place:
    """A file that is read, for complaints about places in it."""

    path: Path
    line_of: LineOf

    def fault(self, said: str, *loc: str | int) -> BadConfig:
        return BadConfig(said, path=self.path, line=self.line_of(loc))


def _refuse_unknown_class(entry: ItemEntry, classes: tuple[str, ...] | None, place: _Place, index: int) -> None:
    if classes is not None and entry.detects_as is not None and entry.detects_as not in classes:
        said = say(
            "menu_class",
            "'{sku}' is to look like '{looks}', but the model knows only {classes}",
            sku=entry.sku,
            looks=entry.detects_as,
            classes=", ".join(classes),
        )
        raise place.fault(said, "items", index, "detects_as")


def _refuse_blanks(entry: ItemEntry, place: _Place, index: int) -> None:
    for identifier in (entry.sku, *entry.aliases):
        if identifier != identifier.strip():
            said = say(
                "menu_blank",
                "the identifier '{identifier}' begins or ends with a blank; take it away",
                identifier=identifier,
            )
            raise place.fault(said, "items", index, "sku" if identifier == entry.sku else "aliases")


def _refuse_endless_combos(entries: MenuFile, place: _Place) -> None:
    """Combos of combos multiply: forty that each hold the next one twice are more pieces than there are atoms."""
    by_id = {name: (i, entry) for i, entry in enumerate(entries.items) for name in (entry.sku, *entry.aliases)}
    known: dict[str, int] = {}

    def pieces(sku: str, above: tuple[str, ...]) -> int:
        index, entry = by_id[sku]
        if entry.sku in above or len(above) >= MAX_COMBO_DEPTH:
            whole, path = above[0], " > ".join((*above, entry.sku))
            said = (
                say("menu_cycle", "the combo '{sku}' contains itself: {path}", sku=whole, path=path)
                if entry.sku in above
                else say(
                    "menu_combo_deep",
                    "the combo '{sku}' contains combos in combos deeper than {most}",
                    sku=whole,
                    most=MAX_COMBO_DEPTH,
                )
            )
            raise place.fault(said, "items", by_id[whole][0])
        if entry.sku not in known:
            below = (p.quantity * pieces(p.sku, (*above, entry.sku)) for p in entry.contains if p.sku in by_id)
            known[entry.sku] = 1 + sum(below)
            if known[entry.sku] > MAX_COMBO_PIECES:
                said = say(
                    "menu_combo_large",
                    "the combo '{sku}' comes to more than {most:,} pieces",
                    sku=entry.sku,
                    most=MAX_COMBO_PIECES,
                )
                raise place.fault(said, "items", index)
        return known[entry.sku]

    for entry in entries.items:
        pieces(entry.sku, ())


def _item(entry: ItemEntry) -> MenuItem:
    return MenuItem(
        sku=entry.sku,
        name=entry.name,
        aliases=entry.aliases,
        detects_as=entry.detects_as,
        visibility=entry.visibility,
        handed_at=entry.handed_at,
        contains=tuple(Portion(sku=p.sku, quantity=p.quantity) for p in entry.contains),
        any_of=entry.any_of,
    )


def _rule(entry: ModifierEntry, place: _Place, index: int) -> ModifierRule:
    if entry.replaces:
        if entry.adds or entry.removes:
            said = say(
                "menu_replaces",
                "the modifier '{name}' has 'replaces' beside 'adds' or 'removes'; use one",
                name=entry.name,
            )
            raise place.fault(said, "modifiers", index)
        ((goes, comes),) = entry.replaces.items()
        return ModifierRule(name=entry.name, adds=comes, removes=goes)
    if not (entry.adds or entry.removes):
        said = say(
            "menu_does_nothing",
            "the modifier '{name}' does nothing; leave it out, it is then checked by hand",
            name=entry.name,
        )
        raise place.fault(said, "modifiers", index)
    return ModifierRule(name=entry.name, adds=entry.adds, removes=entry.removes)
