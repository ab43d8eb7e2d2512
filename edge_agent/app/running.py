"""What the running agent is made of, for the parts that are built upon it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_agent.adapters.token_file import TokenFile
from edge_agent.api.live_feed import LiveFeed
from edge_agent.app.eyes import Eyes
from edge_agent.app.keeping import Kept
from edge_agent.app.serving_now import ServingNow
from edge_agent.ports import Clock
from edge_agent.runtime.capture import CameraCapture
from edge_agent.runtime.checker_thread import CheckerThread
from edge_agent.runtime.live_alerts import LiveAlerts
from edge_agent.runtime.numbers import Numbers
from edge_agent.runtime.order_desk import OrderDesk
from edge_agent.runtime.telling import Teller
from edge_agent.runtime.till_watch import TillWatch
from edge_agent.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What the agent is made of.

    Attributes:
        config: the configuration's file; None where there is none.
        tellers: who tells by MQTT; none where no broker is named.
        restart: ends the agent so that it is started anew; None where nobody would start it.
    """

    settings: Settings
    config: Path | None
    clock: Clock
    eyes: Eyes
    serving: ServingNow
    kept: Kept
    thread: CheckerThread
    captures: Mapping[str, CameraCapture]
    orders: OrderDesk
    alerts: LiveAlerts
    till: TillWatch
    tellers: Sequence[Teller]
    feed: LiveFeed
    numbers: Numbers
    tokens: TokenFile
    restart: Callable[[], None] | None
