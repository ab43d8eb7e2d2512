"""All about one check, for whoever must answer for it: what was visible, what was not, what was left to the crew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.history_rows import (
    channels_of,
    ended_in_words,
    look_of,
    numbers_of,
    verdict_in_words,
)
from edge_agent.api.screen.views.moments import Moment, later, moment_of
from edge_agent.api.screen.views.tickets import Ticket, ticket_of
from edge_agent.api.screen.views.wording import (
    absent,
    counted,
    doubt_in_words,
    faults_in_words,
    line_in_words,
    name_of,
)
from edge_agent.domain.contents import Contents
from edge_agent.domain.detection import Sighting
from edge_agent.domain.geometry import Box
from edge_agent.domain.matching import CheckedLine, LineResult
from edge_agent.domain.menu import Menu
from edge_agent.domain.order import Order, OrderState
from edge_agent.domain.record import AuditAnswer, StoredAlert, StoredRun
from edge_agent.domain.search import CheckEvidence
from edge_agent.ports import OrderStanding

MOST_LIKE = 2
"""So many items that look alike are named for one class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineShown:
    """A line of the order: how much was wanted, how much of it was visible, and what came of it.

    `visible` is empty where the camera does not look; `look` is a sign of `templates/sign.html`, or `by_hand`.
    """

    name: str
    wanted: int
    visible: str
    look: str
    result: str
    why: str


@dataclass(frozen=True, slots=True)
class Named:
    """A box in a picture, in its pixels, and what it holds; `perhaps` where that is in doubt."""

    box: Box
    name: str
    perhaps: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureShown:
    """A picture of the check. `sighting` says where things were seen in it; None where that was not kept."""

    number: int
    sighting: Sighting | None
    boxes: tuple[Named, ...]

    @property
    def label_px(self) -> float:
        """How large the names are written: readable in a picture of half an A4 page's width."""
        return 0.0 if self.sighting is None else round(self.sighting.slot.width_px / 32, 1)


@dataclass(frozen=True, slots=True)
class Step:
    """Something in the tray's story; `check_id` leads to another check of it."""

    at: Moment
    said: str
    check_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceShown:
    """The evidence page.

    Attributes:
        numbers, orders: of its orders, as the crew calls them, and in full.
        how: how it was found whose tray it is.
        checked, wanted: how many pieces the camera checked, of how many.
        seen: all that the camera took the tray to hold.
        ended: how each alert of the tray ended.
    """

    check_id: int
    at: Moment
    numbers: tuple[str, ...]
    orders: tuple[str, ...]
    channels: tuple[str, ...]
    station: str
    slot: str
    how: str
    look: str
    word: str
    checked: int
    wanted: int
    not_visible: tuple[str, ...]
    too_many: tuple[str, ...]
    not_sure: tuple[str, ...]
    by_hand: tuple[str, ...]
    allergy: bool
    seen: tuple[str, ...]
    pictures: tuple[PictureShown, ...]
    lines: tuple[LineShown, ...]
    tickets: tuple[Ticket, ...]
    ended: tuple[str, ...]
    story: tuple[Step, ...]
    run: StoredRun
    test: bool


def evidence_shown(texts: Texts, evidence: CheckEvidence, menu: Menu, zone: tzinfo) -> EvidenceShown:
    """What the page of one check shows."""
    check, reached = evidence.check, evidence.check.reached
    verdict = reached.verdict
    tells = evidence.run.run.tells
    known = [order for order in evidence.orders if order is not None]
    lines = [_line(texts, line) for line in verdict.lines]
    return EvidenceShown(
        check_id=check.check_id,
        at=moment_of(check.recorded_at, zone),
        numbers=numbers_of(reached.orders, evidence.orders),
        orders=tuple(str(key) for key in reached.orders),
        channels=channels_of(evidence.orders),
        station=evidence.station,
        slot=reached.slot_id,
        how=texts(f"found_by.{reached.association.value}"),
        look=look_of(check),
        word=verdict_in_words(texts, check),
        checked=verdict.checked_pieces,
        wanted=verdict.wanted_pieces,
        not_visible=_missing(texts, verdict.lines),
        too_many=_surplus(texts, verdict.lines),
        not_sure=tuple(_with_reason(texts, line) for line in verdict.lines if line.result is LineResult.UNSURE),
        by_hand=tuple(_with_reason(texts, line) for line in verdict.by_hand),
        allergy=verdict.allergy,
        seen=tuple(counted(texts, n, _class_name(texts, menu, name)) for name, n in reached.contents.likely.items()),
        pictures=_pictures(texts, evidence, menu),
        lines=tuple(lines),
        tickets=tuple(_ticket(order, menu) for order in known),
        ended=tuple(ended_in_words(texts, alert, tells=tells) for alert in evidence.session.alerts),
        story=_story(texts, evidence, zone),
        run=evidence.run,
        test=any(order.test for order in known),
    )


def _line(texts: Texts, line: CheckedLine) -> LineShown:
    looks = {LineResult.OK: "right", LineResult.UNSURE: "unsure", LineResult.NOT_CHECKED: "by_hand"}
    return LineShown(
        name=name_of(texts, line),
        wanted=line.expected,
        visible=_visible(texts, line),
        look=looks.get(line.result, "wrong"),
        result=texts(f"result.{line.result.value}"),
        why=doubt_in_words(texts, line),
    )


def _visible(texts: Texts, line: CheckedLine) -> str:
    if line.result is LineResult.NOT_CHECKED:
        return ""
    if line.result is LineResult.UNSURE:
        return texts("evidence.perhaps", n=line.seen)
    # Of what the camera does not count it only says that there is some.
    is_uncounted = line.result is LineResult.OK and line.seen < line.expected
    return texts("evidence.some") if is_uncounted else str(line.seen)


def _missing(texts: Texts, lines: Sequence[CheckedLine]) -> tuple[str, ...]:
    """What was not visible: all that was wanted where nothing of it was seen, else what is missing beyond doubt."""
    return tuple(
        counted(texts, absent(line), name_of(texts, line)) for line in lines if line.result is LineResult.MISSING
    )


def _surplus(texts: Texts, lines: Sequence[CheckedLine]) -> tuple[str, ...]:
    return tuple(counted(texts, line.off_by, name_of(texts, line)) for line in lines if line.result is LineResult.EXTRA)


def _with_reason(texts: Texts, line: CheckedLine) -> str:
    said = counted(texts, max(line.expected, line.seen), name_of(texts, line))
    why = doubt_in_words(texts, line)
    return texts("evidence.because", said=said, why=why) if why else said


def _class_name(texts: Texts, menu: Menu, class_name: str) -> str:
    """What people call what the camera sees; look-alikes are called by what they may be."""
    names = [item.shown_name for item in menu.items_seen_as(class_name)][:MOST_LIKE]
    return f" {texts('word.or')} ".join(names or [class_name])


def _pictures(texts: Texts, evidence: CheckEvidence, menu: Menu) -> tuple[PictureShown, ...]:
    shown = []
    for number, name in enumerate(evidence.check.pictures):
        sighting = evidence.sightings.get(name)
        boxes = () if sighting is None else _boxes(texts, sighting, evidence.check.reached.contents, menu)
        shown.append(PictureShown(number=number, sighting=sighting, boxes=boxes))
    return tuple(shown)


def _boxes(texts: Texts, sighting: Sighting, contents: Contents, menu: Menu) -> tuple[Named, ...]:
    """Of each class the likeliest boxes, as many as the verdict took to lie there, and those that it left in doubt."""
    boxes = []
    for count in contents.counts:
        name = _class_name(texts, menu, count.class_name)
        seen = [each for each in sighting.seen if each.class_name == count.class_name]
        seen.sort(key=lambda each: -each.score)
        for place, each in enumerate(seen[: count.possibly]):
            perhaps = place >= count.likely
            said = texts("evidence.perhaps_box", name=name) if perhaps else name
            boxes.append(Named(each.box, said, perhaps))
    return tuple(boxes)


def _ticket(order: Order, menu: Menu) -> Ticket:
    """The order as the till sent it; where it stands today is not what the tray was held against."""

    def name_of_sku(sku: str) -> str:
        item = menu.find(sku)
        return sku if item is None else item.shown_name

    return ticket_of(OrderStanding(order=order, state=OrderState.OPEN, received_at=""), name_of=name_of_sku, at="")


def _story(texts: Texts, evidence: CheckEvidence, zone: tzinfo) -> tuple[Step, ...]:
    """What happened to the tray, in the order of time."""
    session, own = evidence.session, evidence.check
    steps = [Step(moment_of(session.recorded_at, zone), texts("story.arrived"))]
    for check in session.checks:
        faults = ", ".join(faults_in_words(texts, check.reached.verdict))
        said = " \N{EN DASH} ".join(part for part in (verdict_in_words(texts, check), faults) if part)
        other = None if check.check_id == own.check_id else check.check_id
        steps.append(Step(moment_of(check.recorded_at, zone), said, other))
    for alert in session.alerts:
        steps += _alert_steps(texts, evidence, alert, zone)
    for audit in session.audits:
        if audit.audit.answer is not AuditAnswer.SKIPPED:
            said = texts(f"story.audit_{audit.audit.answer.value}")
            steps.append(Step(moment_of(audit.recorded_at, zone), said))
    for confirmed in session.confirmations:
        steps.append(Step(moment_of(confirmed.recorded_at, zone), texts("story.confirmed")))
    if session.left_at_s is not None:
        steps.append(Step(_at(evidence, session.left_at_s, zone), texts("story.left")))
    return tuple(sorted(steps, key=lambda step: step.at.iso))


def _alert_steps(texts: Texts, evidence: CheckEvidence, stored: StoredAlert, zone: tzinfo) -> list[Step]:
    tells = evidence.run.run.tells
    lines = ", ".join(line_in_words(texts, line) for line in stored.alert.lines)
    raised = texts("story.told" if tells else "story.not_told", said=lines)
    steps = [Step(moment_of(stored.recorded_at, zone), raised)]
    if tells and stored.resolved_at_s is not None and stored.resolved_run == evidence.check.run_id:
        ended = ended_in_words(texts, stored, tells=tells)
        steps.append(Step(_at(evidence, stored.resolved_at_s, zone), texts("story.ended", said=ended)))
    return steps


def _at(evidence: CheckEvidence, at_s: float, zone: tzinfo) -> Moment:
    """The wall time of a moment of the stream, by that of the check: to the second, unless the clock was put right."""
    return later(evidence.check.recorded_at, at_s - evidence.check.reached.at_s, zone)
