"""demo: play a recording through the running agent, and see what the crew would see."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from edge_agent.cli import common
from edge_agent.cli.common import notes, plan_beside, print_json, say, screen, settings_from
from edge_agent.cli.showing import SIGNS, show_replay
from edge_agent.domain.matching import VerdictKind
from edge_agent.errors import BadInput
from edge_agent.evaluation.replay import replay_as_json

if TYPE_CHECKING:
    from edge_agent.app.demo import Stage
    from edge_agent.app.demo_parts import Heard, News, Sent
    from edge_agent.domain.order import Order, OrderLine

SAMPLE = Path("sample_videos") / "lunch-rush.mp4"


def demo(
    video: Annotated[
        Path | None, typer.Argument(help=f"A recording and its orders ({SAMPLE} if left out).", show_default=False)
    ] = None,
    *,
    fast: Annotated[
        bool, typer.Option("--fast", help="As fast as the pictures can be looked at, instead of in real time.")
    ] = False,
    config: common.ConfigOption = None,
    pack: common.PackOption = None,
    menu: common.MenuOption = None,
    provider: common.ProviderOption = None,
    report: common.ReportOption = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Standard output gets one JSON object, the scores; all else goes to the other."),
    ] = False,
) -> None:
    """Play a recording through the running agent: real orders over HTTP, real alerts over MQTT, a screen, a score."""
    from edge_agent.app.demo import play_demo

    played = video or _sample()
    settings = settings_from(config or plan_beside(played), pack=pack, menu=menu, provider=provider)
    lines = LiveLines(notes if as_json else screen)
    done = play_demo(
        settings,
        played,
        report=report or Path("report"),
        fast=fast,
        on_stage=lambda stage: lines.begin(stage, played, fast=fast),
        on_news=lines.tell,
    )
    if as_json:
        lines.end(done.report_page)
        print_json({**replay_as_json(done.replayed), **done.as_json()})
        return
    say("")
    show_replay(done.replayed)
    say(
        f"over HTTP: {done.orders_sent} messages of the till; over MQTT: {done.checks_heard} checks, "
        f"{done.alerts_heard} steps of alerts; pictures lost: {done.dropped}"
    )
    lines.end(done.report_page)


def _sample() -> Path:
    """The sample here, or beside the package in a checkout.

    Raises:
        BadInput: it is not there.
    """
    for sample in (SAMPLE, Path(__file__).resolve().parents[2] / SAMPLE):
        if sample.is_file():
            return sample
    raise BadInput(f"there is no {SAMPLE} here: name a recording, NAME.mp4 with NAME.orders.jsonl beside it")


class LiveLines:
    """What happens, line by line as it happens: the time in the recording, what it is, and of which order."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._names: dict[str, str] = {}
        self._numbers: dict[str, str] = {}

    def begin(self, stage: Stage, video: Path, *, fast: bool) -> None:
        """Say what is played, and where to look on."""
        self._names = {item.sku: item.shown_name for item in stage.menu.items}
        pace = "as fast as it can" if fast else "in real time"
        self._print(f"[bold]{escape(video.name)}[/] plays {pace} through the agent.")
        self._print(f"Kitchen screen: [bold]{stage.address}[/]  (sign in with {stage.token})")
        self._print("")

    def end(self, report_page: Path) -> None:
        """Say where the report lies."""
        self._print(f"The report: {escape(str(report_page))}")

    def tell(self, at_s: float, news: News) -> None:
        """Say what was sent or heard."""
        from edge_agent.app.demo_parts import Sent

        what, text = self._sent(news) if isinstance(news, Sent) else self._heard(news)
        self._print(f"{at_s:6.1f} s  {what}  {text}")

    def _print(self, text: str) -> None:
        self._console.print(text, soft_wrap=True, highlight=False)

    def _sent(self, sent: Sent) -> tuple[str, str]:
        event = sent.event
        if event.order is not None:
            self._numbers[event.order.order_id] = event.order.number
            return (
                f"[cyan]{'order':10}[/]",
                f"{self._named([event.order.order_id])}  {escape(self._in_short(event.order))}",
            )
        word, which = ("ready", event.ready) if event.ready is not None else ("cancelled", event.cancel)
        return f"[cyan]{word:10}[/]", self._named([str(which)])

    def _heard(self, heard: Heard) -> tuple[str, str]:
        body = heard.body
        named = self._named([order["order_id"] for order in body["orders"]])
        if heard.is_alert:
            return self._alert(body, named)
        if body["final"]:
            return f"[dim]{'tray left':10}[/]", f"[dim]{named}  {escape(body['verdict'])}[/]"
        checked = f"{body['checked_pieces']} of {body['wanted_pieces']} checked"
        sign = SIGNS[VerdictKind(body["verdict"])] + " " * (8 - len(body["verdict"]))
        return sign, f"{named}  {escape(body['text'] or checked)}"

    @staticmethod
    def _alert(body: Mapping[str, Any], named: str) -> tuple[str, str]:
        if body["step"] == "resolved":
            return f"[green]{'resolved':10}[/]", f"{named}  {escape(str(body['resolution']).replace('_', ' '))}"
        loud = "critical, sounds" if body["sounds"] else body["severity"]
        return "[bold white on red]  ALERT   [/]", f"{named}  [bold]{escape(body['text'])}[/] ({escape(loud)})"

    def _named(self, order_ids: list[str]) -> str:
        numbers = " + ".join(self._numbers.get(each, each) for each in order_ids)
        return escape(f"#{numbers}" if numbers else "no order")

    def _in_short(self, order: Order) -> str:
        said = ", ".join(self._line(line) for line in order.lines)
        return f"{said} - {order.notes}" if order.notes else said

    def _line(self, line: OrderLine) -> str:
        more = [*line.modifiers, *(self._line(child) for child in line.children)]
        count = f"{line.quantity} " if line.quantity > 1 else ""
        name = line.name or self._names.get(line.sku, line.sku)
        return f"{count}{name}" + (f" ({', '.join(more)})" if more else "")
