"""The report of a replay: one page, for the shift lead who has ten seconds and the ML engineer who has ten minutes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_agent.checking.scoring import Outcome, Scores
from edge_agent.evaluation.replay import Replayed
from edge_agent.evaluation.report_charts import heat_tables
from edge_agent.evaluation.report_page import Used, write_page
from edge_agent.evaluation.report_views import (
    TrayView,
    orders_without_tray,
    rate_cards,
    replay_timeline,
    score_rows,
    tray_views,
    truth_views,
)
from edge_agent.evaluation.wording import NO_ORDER, NOT_JUDGED, OUTCOME_SIGNS, VERDICT_SIGNS, Sign, Tone

LOOK_FIRST = (Outcome.ESCAPED, Outcome.FALSE_ALARM, Outcome.MISNAMED)


def write_replay_report(
    directory: Path,
    replayed: Replayed,
    evidence: Mapping[str, str],
    *,
    used: Used,
    video_name: str | None = None,
) -> Path:
    """Write `directory/index.html` and return its path.

    Args:
        directory: the report's folder; made if it is not there.
        replayed: what came of the recording.
        evidence: session id → path of its picture, relative to the folder (`EvidenceKeeper.pictures`).
        used: what it was made with.
        video_name: the annotated video's path relative to the folder, if there is one.

    Raises:
        BadInput: the page cannot be written.
    """
    values = _values(replayed, evidence)
    return write_page(directory, "replay.html", {**values, "facts": _facts(replayed, used), "video": video_name})


def _facts(replayed: Replayed, used: Used) -> tuple[tuple[str, str], ...]:
    return (
        *used.facts,
        ("speed", f"{replayed.frames_per_s:.0f} frames/s, {replayed.times_real_time:.1f} × real time"),  # noqa: RUF001
        ("length", f"{replayed.duration_s:.1f} s, {replayed.frames} frames"),
    )


def _values(replayed: Replayed, evidence: Mapping[str, str]) -> dict[str, Any]:
    held = replayed.held
    trays = tray_views(replayed, held, evidence)
    return {
        "recording": replayed.recording.video.name,
        "problem": replayed.problem,
        "summary": _summary(replayed, trays),
        "has_truth": bool(held),
        "rates": rate_cards(replayed.scores),
        "verdict_counts": _verdict_counts(trays),
        "look_first": _look_first(trays),
        "timeline": replay_timeline(replayed, trays, held),
        "trays": trays,
        "slots": len({tray.slot_id for tray in trays}),
        "lost": truth_views(held, {order.order_id: order.number for order in replayed.orders}),
        "orders_left": orders_without_tray(replayed),
        "ignored": replayed.ignored,
        "scores": score_rows(replayed.scores),
        "heats": heat_tables(replayed.scores.confusion),
    }


def scores_summary(scores: Scores) -> str:
    """The scores in one breath; what was not there is not mentioned."""
    wrong, right = scores.wrong, scores.right
    sentences = []
    if wrong.total():
        parts = [f"{wrong[Outcome.CAUGHT]} caught", f"{wrong[Outcome.ESCAPED]} escaped"]
        parts += [f"{wrong[Outcome.AMBER]} left open"] if wrong[Outcome.AMBER] else []
        parts += [f"{wrong[Outcome.MISNAMED]} misnamed"] if wrong[Outcome.MISNAMED] else []
        sentences.append(f"{_many(wrong.total(), 'wrong order')}: {', '.join(parts)}.")
    if right.total():
        parts = [f"{right[Outcome.MATCH]} called right", _many(right[Outcome.FALSE_ALARM], "false alarm")]
        parts += [f"{right[Outcome.AMBER]} left open"] if right[Outcome.AMBER] else []
        sentences.append(f"{_many(right.total(), 'right order')}: {', '.join(parts)}.")
    if scores.nobodys.total():
        alarms = scores.nobodys[Outcome.FALSE_ALARM]
        sentences.append(f"{_many(scores.nobodys.total(), 'tray')} without an order: {_many(alarms, 'false alarm')}.")
    return " ".join(sentences)


def _summary(replayed: Replayed, trays: Sequence[TrayView]) -> str:
    truth = len(replayed.recording.truth)
    of = f" of {truth}" if truth and truth != len(trays) else ""
    seen = f"{len(trays)}{of} {'tray' if len(trays) == 1 and not of else 'trays'} seen."
    if truth:
        return f"{seen} {scores_summary(replayed.scores)}"
    alerts = sum(bool(tray.alerts) for tray in trays)
    return f"{seen} {_many(alerts, 'tray')} raised an alert."


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _verdict_counts(trays: Sequence[TrayView]) -> tuple[tuple[Sign, int], ...]:
    counts = Counter(tray.sign.word for tray in trays)
    signs = (*VERDICT_SIGNS.values(), NO_ORDER, NOT_JUDGED)
    always = set(VERDICT_SIGNS.values())
    return tuple((sign, counts[sign.word]) for sign in signs if counts[sign.word] or sign in always)


def _look_first(trays: Sequence[TrayView]) -> tuple[tuple[Sign, TrayView], ...]:
    """What went wrong, the worst kind first; where the truth is not known, what was called wrong."""
    if all(tray.truth is None for tray in trays):
        return tuple((tray.sign, tray) for tray in trays if tray.sign.tone is Tone.BAD)
    ranked = [OUTCOME_SIGNS[outcome] for outcome in LOOK_FIRST]
    bad = [(tray.truth.outcome, tray) for tray in trays if tray.truth is not None and tray.truth.outcome in ranked]
    return tuple(sorted(bad, key=lambda entry: ranked.index(entry[0])))
