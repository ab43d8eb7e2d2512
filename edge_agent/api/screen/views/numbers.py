"""The three honest numbers in words: what each is, how sure it is, what it rests on, or that it is not measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_agent.api.screen.texts import Texts
from edge_agent.api.screen.views.spoken import Figure, Spoken, number, percent, speak
from edge_agent.checking.honest_numbers import FEWEST_TRAYS, STOPPED, Checked, FalseAlarms, HonestNumbers, Stopped
from edge_agent.checking.scoring import Share
from edge_agent.domain.tally import ToldEnd

PER = 100
"""False alarms are told per so many right trays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberShown:
    """One number.

    Attributes:
        title: what it is.
        good: which way is better.
        value: the number itself; None where it is not measured.
        unit: what it counts; where it is not measured, that.
        notes: how sure it is, and what it rests on.
        parts: what it is made of, or what became of the rest: a count and a word each.
        ask_audit: whether an audit would measure it.
    """

    title: str
    good: str
    value: Figure | None
    unit: str | Spoken
    notes: tuple[Spoken, ...] = ()
    parts: tuple[tuple[int, str], ...] = ()
    ask_audit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersShown:
    """All three; `withheld` says why there is none."""

    trays: int | None = None
    withheld: str = ""
    trial: str = ""
    numbers: tuple[NumberShown, ...] = ()


def numbers_shown(texts: Texts, found: HonestNumbers) -> NumbersShown:
    """The three numbers of a span of time."""
    if found.is_withheld or found.stopped is None or found.false_alarms is None or found.checked is None:
        return NumbersShown(withheld=texts("numbers.withheld", fewest=FEWEST_TRAYS))
    silent = found.shadow_alerts or 0
    return NumbersShown(
        trays=found.trays,
        trial=texts("numbers.trial", n=silent) if silent else "",
        numbers=(
            _stopped(texts, found.stopped, is_trial=bool(silent)),
            _false_alarms(texts, found.false_alarms),
            _checked(texts, found.checked),
        ),
    )


def _stopped(texts: Texts, found: Stopped, *, is_trial: bool) -> NumberShown:
    nobody = texts("numbers.nobody_yet") if is_trial else texts("numbers.nobody_told")
    notes = [_share(texts, "numbers.stopped_share", found.share, n=found.told)] if found.told else []
    return NumberShown(
        title=texts("numbers.stopped"),
        good=texts("numbers.stopped_good"),
        value=number(found.count) if found.told else None,
        unit=texts("numbers.stopped_unit", n=found.count) if found.told else nobody,
        notes=tuple(notes),
        parts=tuple(
            (n, texts(f"end.{end.value}")) for end, n in _sorted(found.ends).items() if end not in STOPPED and n
        ),
    )


def _sorted(ends: Mapping[ToldEnd, int]) -> dict[ToldEnd, int]:
    return dict(sorted(ends.items(), key=lambda item: -item[1]))


def _false_alarms(texts: Texts, found: FalseAlarms) -> NumberShown:
    title, good = texts("numbers.false_alarms"), texts("numbers.false_alarms_good")
    if found.rate.value is None:
        notes: list[Spoken] = [speak(texts, "numbers.audit_first")]
        if found.reds_judged + found.others_judged:
            notes = [speak(texts, "numbers.audit_more")]
        return NumberShown(
            title=title, good=good, value=None, unit=texts("numbers.not_measured"), notes=tuple(notes), ask_audit=True
        )
    low, high = found.rate.low or 0.0, found.rate.high or 0.0
    judged = found.reds_judged + found.others_judged
    return NumberShown(
        title=title,
        good=good,
        value=number(found.rate.value * PER),
        unit=texts("numbers.false_alarms_unit"),
        notes=(
            speak(texts, "numbers.between", low=number(low * PER), high=number(high * PER)),
            speak(texts, "numbers.audited", n=judged, measured=found.days_measured, days=found.days),
        ),
        parts=((found.cannot_tell, texts("numbers.cannot_tell")),) if found.cannot_tell else (),
    )


def _checked(texts: Texts, found: Checked) -> NumberShown:
    title, good = texts("numbers.checked"), texts("numbers.checked_good")
    if found.share.value is None:
        return NumberShown(title=title, good=good, value=None, unit=texts("numbers.no_orders"))
    return NumberShown(
        title=title,
        good=good,
        value=percent(found.share.value),
        unit=speak(texts, "numbers.checked_unit", n=found.orders),
        notes=(_share(texts, "numbers.between", found.share),),
        parts=tuple((n, reason_in_words(texts, reason)) for reason, n in found.reasons.items()),
    )


def _share(texts: Texts, text_id: str, share: Share, **more: int) -> Spoken:
    given = {"share": percent(share.value or 0.0), "low": percent(share.low or 0.0), "high": percent(share.high or 0.0)}
    wanted = texts.places(text_id)
    return speak(texts, text_id, **{name: value for name, value in given.items() if name in wanted}, **more)


def reason_in_words(texts: Texts, reason: str) -> str:
    """Why an order was not decided; a reason of a later version stands as it is."""
    for known in (f"why.{reason}", f"doubt.{reason}"):
        if known in texts.sentences:
            return texts(known)
    return reason.replace("_", " ")
