"""Verdicts, replays and scores as tables on the terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from edge_agent.checking.item_scores import ItemScores
from edge_agent.checking.scoring import Scores, Share
from edge_agent.cli.common import screen
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.evaluation.replay import Replayed
from edge_agent.evaluation.report_items import macro_phrase

SIGNS = {
    VerdictKind.MATCH: "[green]● match[/]",
    VerdictKind.MISMATCH: "[bold red]■ mismatch[/]",
    VerdictKind.UNSURE: "[yellow]▲ unsure[/]",
}


def show_verdict(verdict: Verdict) -> None:
    """One verdict, line by line."""
    screen.print(f"{SIGNS[verdict.kind]}  {verdict.checked_pieces} of {verdict.wanted_pieces} checked")
    table = Table("line", "ordered", "seen", "result", "why", box=None)
    for line in verdict.lines:
        why = line.reason.replace("_", " ")
        table.add_row(escape(line.name), str(line.expected), _seen(line), line.result.value, why)
    screen.print(table)
    if verdict.by_hand:
        screen.print("by hand: " + escape(", ".join(line.name for line in verdict.by_hand)))
    if verdict.allergy:
        screen.print("[bold yellow]The order speaks of an allergy: the camera cannot check that.[/]")


def _seen(line: CheckedLine) -> str:
    return "-" if line.result is LineResult.NOT_CHECKED else str(line.seen)


def show_replay(replayed: Replayed) -> None:
    """A replay, tray by tray, and its scores where the truth is known."""
    table = Table("tray", "settled", "left", "order", "association", "verdict", "what (seen/ordered)", box=None)
    for tray in replayed.trays:
        verdict = tray.reached.verdict if tray.reached else None
        plain = (LineResult.OK, LineResult.NOT_CHECKED)
        told = [line for line in verdict.lines if line.result not in plain] if verdict else []
        table.add_row(
            tray.session_id,
            "never" if tray.settled_s is None else f"{tray.settled_s:.1f} s",
            "" if tray.left_s is None else f"{tray.left_s:.1f} s",
            escape(" + ".join(tray.order_ids)) or "-",
            tray.association.replace("_", " "),
            SIGNS[tray.verdict],
            escape(", ".join(f"{x.name} {x.result.value} ({x.seen}/{x.expected})" for x in told)),
        )
    screen.print(table)
    if replayed.recording.truth:
        show_scores(replayed.scores)
    screen.print(
        f"{len(replayed.trays)} trays in {replayed.duration_s:.0f} s of video, {replayed.frames_per_s:.0f} frames/s "
        f"({replayed.times_real_time:.1f} x real time) on {replayed.provider}"
    )


def show_scores(scores: Scores) -> None:
    """Counts, and shares with their intervals."""
    said = scores.as_json()
    for name in ("wrong_orders", "right_orders", "no_order"):
        counts = ", ".join(f"{kind.replace('_', ' ')} {n}" for kind, n in said[name].items() if kind != "n")
        if said[name]["n"]:
            screen.print(f"{name.replace('_', ' ')}: {said[name]['n']} ({counts})", highlight=False)
    table = Table("share", "value", "95 % interval", box=None)
    for name, (value, low, high) in said["rates"].items():
        if value is not None:
            table.add_row(name.replace("_", " "), f"{value:.3f}", f"{low:.3f} to {high:.3f}")
    screen.print(table)


def show_items(items: ItemScores) -> None:
    """Per class what was found and what was rightly seen, and the macro recall; nothing where no tray was sure."""
    if not items.classes:
        return
    averaged = {each.class_name for each in items.in_macro}
    table = Table("class", box=None)
    for name in ("trays", "items", "recall"):
        table.add_column(name, justify="right")
    table.add_column("95 % interval")
    for name in ("precision", "exact"):
        table.add_column(name, justify="right")
    for each in items.classes:
        low, high = each.recall.low, each.recall.high
        table.add_row(
            escape(each.class_name),
            str(each.trays),
            str(each.items),
            _share(each.recall),
            "" if low is None or high is None else f"{low:.3f} to {high:.3f}",
            _share(each.precision),
            _share(each.exact),
            style="" if each.class_name in averaged else "dim",
        )
    screen.print(table)
    screen.print(escape(macro_phrase(items)), highlight=False, soft_wrap=True)


def _share(share: Share) -> str:
    return "-" if share.value is None else f"{share.value:.3f}"
