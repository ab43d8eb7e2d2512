"""What an auditor sees: pictures of one tray, and what may lie there. No verdict, no order, no reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.api.screen.texts import Texts
from edge_agent.checking.audit_desk import AuditDay, Question
from edge_agent.domain.detection import Sighting
from edge_agent.domain.menu import Menu

MOST_PIECES = 99
MOST_LIKE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Countable:
    """One kind of thing that the camera can see. `most` is 1 where it cannot be counted: it is there, or not."""

    class_name: str
    name: str
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One tray to look at.

    Attributes:
        pictures: where the tray lies in each of them; None where that is not known.
        then: the one after it, in the order of asking.
    """

    day: str
    number: int
    pictures: tuple[Sighting | None, ...]
    items: tuple[Countable, ...]
    then: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditShown:
    """The page: where the day stands, and the tray to look at.

    `saved` is the tray that was just answered; `is_empty` asks whether nothing lies there, since nothing was counted.
    """

    stands: AuditDay
    sheet: Sheet | None
    saved: int | None = None
    is_empty: bool = False


def countables(texts: Texts, menu: Menu) -> tuple[Countable, ...]:
    """What the menu has that can be seen, in its order. Items that look alike are one: nobody can tell them apart."""
    found = []
    for class_name in menu.classes:
        if not menu.is_checked(class_name):
            continue
        names = [item.shown_name for item in menu.items_seen_as(class_name)]
        shown = names[:MOST_LIKE]
        name = f" {texts('word.or')} ".join(shown)
        if len(names) > len(shown):
            name = f"{name} {texts('word.more', n=len(names) - len(shown))}"
        most = MOST_PIECES if menu.counts_pieces(class_name) else 1
        found.append(Countable(class_name=class_name, name=name, most=most))
    return tuple(found)


def next_tray(day: AuditDay, wanted: int | None) -> int | None:
    """The tray to ask about: the wanted one if it still waits, else the first that does."""
    if wanted is not None and wanted in day.open:
        return wanted
    return day.open[0] if day.open else None


def tray_after(waiting: Sequence[int], number: int) -> int | None:
    """The one that is asked about after this; after the last the first again, which was skipped."""
    others = [each for each in waiting if each != number]
    if number in waiting:
        place = waiting.index(number)
        return [*waiting[place + 1 :], *waiting[:place], None][0]
    return others[0] if others else None


def sheet(texts: Texts, menu: Menu, day: AuditDay, question: Question) -> Sheet:
    """The sheet of one tray."""
    return Sheet(
        day=day.day,
        number=question.number,
        pictures=question.places,
        items=countables(texts, menu),
        then=tray_after(day.open, question.number),
    )
