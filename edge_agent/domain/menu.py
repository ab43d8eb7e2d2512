"""The items the till can sell, and how each looks to the camera."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from edge_agent.domain.order import Order, OrderLine
from edge_agent.domain.said import say


class Visibility(str, Enum):
    """What the camera can say about an item: a number, whether there is at least one, or nothing."""

    COUNTABLE = "countable"
    PRESENCE = "presence"
    HIDDEN = "hidden"


class HandedAt(str, Enum):
    """Where the guest gets the item: on this tray, or elsewhere (a self-service drink)."""

    HERE = "here"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """So many of one item, as part of a combo."""

    sku: str
    quantity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """One thing the till can sell.

    One of these says what the camera looks for: `detects_as` (a detector class), `any_of` (any of these SKUs will do),
    `contains` (a combo that is its parts); none of them is needed by what is hidden or handed elsewhere.
    """

    sku: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    detects_as: str | None = None
    visibility: Visibility = Visibility.COUNTABLE
    handed_at: HandedAt = HandedAt.HERE
    contains: tuple[Portion, ...] = ()
    any_of: tuple[str, ...] = ()

    @property
    def shown_name(self) -> str:
        return self.name or self.sku


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifierRule:
    """What a modifier does to the items of its line: adds one, removes one, or puts one in the place of another.

    For a replacement `removes` names the item that goes and `adds` the one that comes.
    """

    name: str
    adds: str | None = None
    removes: str | None = None


class MenuFault(ValueError):
    """A menu that makes no sense; `at` is the item or the modifier at fault."""

    def __init__(self, message: str, at: MenuItem | ModifierRule) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True)
class Menu:
    """All items and modifier rules.

    Raises:
        MenuFault: an identifier stands twice, a reference leads nowhere, a combo contains itself, or an item says
            neither how it looks nor that it cannot be seen. The text names the item.
    """

    items: tuple[MenuItem, ...]
    modifiers: tuple[ModifierRule, ...] = ()
    _by_id: Mapping[str, MenuItem] = field(init=False, repr=False, compare=False)
    _rules: Mapping[str, ModifierRule] = field(init=False, repr=False, compare=False)
    _looks: Mapping[str, tuple[MenuItem, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_id: dict[str, MenuItem] = {}
        for item in self.items:
            for identifier in (item.sku, *item.aliases):
                if identifier in by_id:
                    raise MenuFault(
                        say(
                            "menu_two_items",
                            "'{identifier}' names two items: '{one}' and '{other}'",
                            identifier=identifier,
                            one=by_id[identifier].sku,
                            other=item.sku,
                        ),
                        item,
                    )
                by_id[identifier] = item
        object.__setattr__(self, "_by_id", MappingProxyType(by_id))
        object.__setattr__(self, "_rules", MappingProxyType(self._checked_rules()))
        looks: dict[str, tuple[MenuItem, ...]] = {}
        for item in self.items:
            if item.detects_as:
                looks[item.detects_as] = (*looks.get(item.detects_as, ()), item)
        object.__setattr__(self, "_looks", MappingProxyType(looks))
        for item in self.items:
            self._check_item(item)

    def _checked_rules(self) -> dict[str, ModifierRule]:
        rules: dict[str, ModifierRule] = {}
        for rule in self.modifiers:
            if _folded(rule.name) in rules:
                raise MenuFault(say("menu_modifier_twice", "the modifier '{name}' stands twice", name=rule.name), rule)
            rules[_folded(rule.name)] = rule
            for sku in (rule.adds, rule.removes):
                if sku is not None and sku not in self._by_id:
                    raise MenuFault(
                        say(
                            "menu_modifier_of",
                            "the modifier '{name}' names '{of}', which is no item of the menu",
                            name=rule.name,
                            of=sku,
                        ),
                        rule,
                    )
        return rules

    def _check_item(self, item: MenuItem) -> None:
        references = (*(p.sku for p in item.contains), *item.any_of)
        for sku in references:
            if sku not in self._by_id:
                raise MenuFault(
                    say("menu_no_item", "'{sku}' names '{of}', which is no item of the menu", sku=item.sku, of=sku),
                    item,
                )
        if item.detects_as and item.any_of:
            raise MenuFault(
                say(
                    "menu_seen_twice",
                    "'{sku}' has both 'detects_as' and 'any_of'; a choice is seen as the items it names",
                    sku=item.sku,
                ),
                item,
            )
        if item.any_of and item.contains:
            raise MenuFault(
                say(
                    "menu_choice_of_combo",
                    "'{sku}' has both 'any_of' and 'contains'; make the choice an item of its own",
                    sku=item.sku,
                ),
                item,
            )
        self._check_parts(item)
        unseen = item.visibility is Visibility.HIDDEN or item.handed_at is HandedAt.ELSEWHERE
        if not (item.detects_as or references or unseen):
            raise MenuFault(
                say(
                    "menu_unseen",
                    "'{sku}' needs 'detects_as', or 'visibility: hidden' if the camera cannot see it",
                    sku=item.sku,
                ),
                item,
            )
        self._check_no_cycle(item, ())

    def _check_parts(self, item: MenuItem) -> None:
        for sku in item.any_of:
            if not self._by_id[sku].detects_as:
                raise MenuFault(
                    say(
                        "menu_offers_unseen",
                        "'{sku}' offers '{of}', which has no 'detects_as' of its own",
                        sku=item.sku,
                        of=sku,
                    ),
                    item,
                )
            if self._by_id[sku].visibility is Visibility.HIDDEN:
                raise MenuFault(
                    say(
                        "menu_offers_hidden",
                        "'{sku}' offers '{of}', which is hidden and cannot be checked",
                        sku=item.sku,
                        of=sku,
                    ),
                    item,
                )
        for portion in item.contains:
            if portion.quantity < 1:
                raise MenuFault(
                    say(
                        "menu_too_few",
                        "'{sku}' contains {quantity} of '{of}'; at least one is needed",
                        sku=item.sku,
                        quantity=portion.quantity,
                        of=portion.sku,
                    ),
                    item,
                )

    def _check_no_cycle(self, item: MenuItem, path: tuple[str, ...]) -> None:
        if item.sku in path:
            raise MenuFault(
                say(
                    "menu_cycle",
                    "the combo '{sku}' contains itself: {path}",
                    sku=item.sku,
                    path=" > ".join((*path, item.sku)),
                ),
                item,
            )
        for portion in item.contains:
            self._check_no_cycle(self._by_id[portion.sku], (*path, item.sku))

    def find(self, sku_or_alias: str) -> MenuItem | None:
        """The item of that SKU or alias, or None if the menu does not know it."""
        return self._by_id.get(sku_or_alias)

    def rule_for(self, modifier: str) -> ModifierRule | None:
        """The rule of that modifier, letter case and outer blanks aside, or None: then it is checked by hand."""
        return self._rules.get(_folded(modifier))

    @property
    def classes(self) -> tuple[str, ...]:
        """Every detector class that the menu relies on, in the order of the items."""
        return tuple(self._looks)

    def items_seen_as(self, class_name: str) -> tuple[MenuItem, ...]:
        """The items that look like this class; more than one are look-alikes."""
        return self._looks.get(class_name, ())

    def counts_pieces(self, class_name: str) -> bool:
        """Whether pieces of the class can be counted; one item of mere presence makes the whole class so."""
        return all(i.visibility is Visibility.COUNTABLE for i in self.items_seen_as(class_name))

    def is_checked(self, class_name: str) -> bool:
        """Whether pieces of the class can be wrong; not where everything that looks like it is hidden, by the menu."""
        return any(i.visibility is not Visibility.HIDDEN for i in self.items_seen_as(class_name))

    def classes_of(self, item: MenuItem) -> frozenset[str]:
        """The detector classes that satisfy the item; empty for combos that are their parts."""
        if item.any_of:
            return frozenset(c for sku in item.any_of if (c := self._by_id[sku].detects_as))
        return frozenset((item.detects_as,)) if item.detects_as else frozenset()


class NotChecked(str, Enum):
    """Why a wanted item is left to the crew."""

    HIDDEN = "hidden"
    UNKNOWN_SKU = "unknown_sku"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One SKU that should lie on the tray, all its lines merged: how many, and which classes count as it.

    `left_to_crew` is set where the camera does not check it; its `classes`, if it has any, are tolerated only.
    """

    sku: str
    name: str
    quantity: int
    classes: frozenset[str] = frozenset()
    left_to_crew: NotChecked | None = None


def wanted(menu: Menu, *orders: Order) -> tuple[Wanted, ...]:
    """What should lie on one tray with these orders: combos expanded, modifiers applied, lines of one SKU merged.

    The sequence is that of first mention. A modifier that takes away more than there is takes away what there is.
    """
    pieces: Counter[str] = Counter()
    names: dict[str, str] = {}
    by_hand: Counter[str] = Counter()
    for order in orders:
        for line in order.lines:
            _expand(menu, line, 1, pieces, names, by_hand)
    wants = [_want(menu, sku, names.get(sku, ""), quantity) for sku, quantity in pieces.items() if quantity > 0]
    wants += [
        Wanted(sku=text, name=text, quantity=quantity, left_to_crew=NotChecked.HIDDEN)
        for text, quantity in by_hand.items()
    ]
    return tuple(want for want in wants if want is not None)


def _want(menu: Menu, sku: str, name: str, quantity: int) -> Wanted | None:
    item = menu.find(sku)
    if item is None:
        return Wanted(sku=sku, name=name or sku, quantity=quantity, left_to_crew=NotChecked.UNKNOWN_SKU)
    classes = menu.classes_of(item)
    reason: NotChecked | None = None
    if item.handed_at is HandedAt.ELSEWHERE:
        reason = NotChecked.ELSEWHERE
    elif item.visibility is Visibility.HIDDEN:
        reason = NotChecked.HIDDEN
    elif not classes:
        return None
    return Wanted(sku=item.sku, name=item.shown_name, quantity=quantity, classes=classes, left_to_crew=reason)


def _expand(
    menu: Menu, line: OrderLine, factor: int, pieces: Counter[str], names: dict[str, str], by_hand: Counter[str]
) -> None:
    """Add a line's pieces; a line that brings children uses them, `contains` serves only a childless line."""
    if line.voided:
        return
    quantity = factor * line.quantity
    item = menu.find(line.sku)
    sku = item.sku if item else line.sku
    own: Counter[str] = Counter({sku: quantity})
    names[sku] = names.get(sku) or line.name
    pieces.setdefault(sku, 0)
    for child in line.children:
        _expand(menu, child, quantity, own, names, by_hand)
    if item is not None and not line.children:
        _add_contents(menu, item, quantity, own)
    for modifier in line.modifiers:
        rule = menu.rule_for(modifier)
        if rule is None or (rule.adds is None and rule.removes is None):
            by_hand[modifier.strip()] += quantity
            continue
        if idle := quantity - _apply(menu, rule, quantity, own):
            by_hand[modifier.strip()] += idle
    for own_sku, own_quantity in own.items():
        pieces[own_sku] += own_quantity


def _add_contents(menu: Menu, item: MenuItem, quantity: int, own: Counter[str]) -> None:
    for portion in item.contains:
        part = menu.find(portion.sku)
        if part is not None:
            own[part.sku] += quantity * portion.quantity
            _add_contents(menu, part, quantity * portion.quantity, own)


def _apply(menu: Menu, rule: ModifierRule, quantity: int, own: Counter[str]) -> int:
    """Apply a rule to `quantity` pieces; a replacement happens only where there is something to replace.

    Returns:
        how many pieces it changed; the crew looks after the rest.
    """
    affected = quantity
    if rule.removes is not None and (gone := menu.find(rule.removes)) is not None:
        affected = min(quantity, own[gone.sku])
        own[gone.sku] -= affected
    if rule.adds is not None and (comes := menu.find(rule.adds)) is not None:
        own[comes.sku] += affected
    return affected


def _folded(text: str) -> str:
    return text.strip().casefold()
