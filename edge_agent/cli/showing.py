"""Verdicts, replays and scores as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.markup import escape

from edge_agent.checking.item_scores import ItemScores
from edge_agent.checking.scoring import Scores, Share
from edge_agent.cli.common import say, screen, table_of, warn
from edge_agent.domain.matching import CheckedLine, LineResult, Verdict, VerdictKind
from edge_agent.evaluation.replay import Replayed
from edge_agent.evaluation.report_items import macro_phrase
from edge_agent.formats.pack import PackManifest, Precision, PrecisionGate, Provider
from edge_agent.formats.shares import in_digits, interval

SIGNS = {
    VerdictKind.MATCH: "[green]● match[/]",
    VerdictKind.MISMATCH: "[bold red]■ mismatch[/]",
    VerdictKind.UNSURE: "[yellow]▲ unsure[/]",
}


def show_verdict(verdict: Verdict) -> None:
    """One verdict, line by line."""
    screen.print(f"{SIGNS[verdict.kind]}  {verdict.checked_pieces} of {verdict.wanted_pieces} checked")
    table = table_of("line", "ordered", "seen", "result", "why")
    for line in verdict.lines:
        why = line.reason.replace("_", " ")
        table.add_row(escape(line.name), str(line.expected), _seen(line), line.result.value, why)
    screen.print(table)
    if verdict.by_hand:
        say("by hand: " + ", ".join(line.name for line in verdict.by_hand))
    if verdict.allergy:
        screen.print("[bold yellow]The order speaks of an allergy: the camera cannot check that.[/]")


def _seen(line: CheckedLine) -> str:
    return "-" if line.result is LineResult.NOT_CHECKED else str(line.seen)


def show_replay(replayed: Replayed, *, precision: Precision | None = None) -> None:
    """A replay, tray by tray, and its scores where the truth is known."""
    table = table_of("tray", "settled", "left", "order", "association", "verdict", "what (seen/ordered)")
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
    ran = f"{precision} on {replayed.provider}" if precision else replayed.provider
    say(
        f"{len(replayed.trays)} trays in {replayed.duration_s:.0f} s of video, {replayed.frames_per_s:.0f} frames/s "
        f"({replayed.times_real_time:.1f} x real time), {ran}"
    )


def show_scores(scores: Scores) -> None:
    """Counts, and shares with their intervals."""
    said = scores.as_json()
    for name in ("wrong_orders", "right_orders", "no_order"):
        counts = ", ".join(f"{kind.replace('_', ' ')} {n}" for kind, n in said[name].items() if kind != "n")
        if said[name]["n"]:
            say(f"{name.replace('_', ' ')}: {said[name]['n']} ({counts})")
    table = table_of("share", "value", "95 % interval")
    for name, share in scores.rates.items():
        if share.value is not None:
            table.add_row(name.replace("_", " "), in_digits(share.value), escape(interval(share)))
    screen.print(table)


def show_gates(manifest: PackManifest) -> None:
    """How the 8-bit forms of a pack did beside fp32, and which were kept."""
    for name, gate in manifest.gates.items():
        say(f"{name}: {'passed' if gate.passed else 'not passed, left out of the pack'}")
        for count, before in gate.fp32.items():
            say(f"    {count.replace('_', ' ')}: {before} in fp32, {gate.scores[count]} now")
    if manifest.gates and not any(gate.fp32.get("right_match") for gate in manifest.gates.values()):
        warn("in fp32 no right order is called match: that a form does no worse says nothing of it yet")
    if all(file.quantised is None for file in manifest.files.values()):
        warn("no 8-bit form keeps the score: the pack runs in fp32")


def show_gates_on(provider: Provider, manifest: PackManifest, gates: Mapping[Precision, PrecisionGate]) -> None:
    """How the forms of a pack did on a provider beside its first form on the CPU, and which verdict is not kept."""
    for name, gate in gates.items():
        say(f"{name} on {provider}: {'passed' if gate.passed else 'not passed, will not be chosen there'}")
        for count, before in gate.fp32.items():
            say(f"    {count.replace('_', ' ')}: {before} in the first form, {gate.scores[count]} there")
        if (kept := manifest.files[name].gate_on(provider)) != gate and kept is not None:
            where = "cuts sums of bytes off" if kept.bytes_saturated else "adds bytes exactly"
            say(f"    the pack keeps the gate that was held on a CPU that {where}: it tells more")


def show_items(items: ItemScores) -> None:
    """Per class what was found and what was rightly seen, and the macro recall; nothing where no tray was sure."""
    if not items.classes:
        return
    averaged = {each.class_name for each in items.in_macro}
    numbers = ("trays", "items", "recall", "precision", "exact")
    table = table_of("class", *numbers[:3], "95 % interval", *numbers[3:], right=numbers)
    for each in items.classes:
        table.add_row(
            escape(each.class_name),
            str(each.trays),
            str(each.items),
            _digits(each.recall),
            escape(interval(each.recall)),
            _digits(each.precision),
            _digits(each.exact),
            style="" if each.class_name in averaged else "dim",
        )
    screen.print(table)
    say(macro_phrase(items))


def _digits(share: Share) -> str:
    return "-" if share.value is None else in_digits(share.value)
