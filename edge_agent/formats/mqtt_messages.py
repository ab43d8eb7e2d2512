"""What goes over MQTT, and what comes back: topics, payloads, answers. `docs/reference/mqtt.md` describes them.

Facts that a lamp or a relay can use are bare words; what a program reads is JSON. Its fields are those of the HTTP API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from edge_agent.domain.alert import Resolution, in_words
from edge_agent.domain.events import VerdictReached
from edge_agent.domain.matching import CheckedLine
from edge_agent.domain.order import OrderKey
from edge_agent.errors import BadInput
from edge_agent.ports import AlertNews, Message

SCHEMA = 1
ONLINE, OFFLINE = b"online", b"offline"

LATE_AFTER_S = 10.0
"""A step that is delivered later than this after it happened is `late`: nobody can act on it any more."""

MAX_ANSWER_BYTES = 256
"""A longer message to `alerts/<id>/set` is no answer."""

ANSWERS = (Resolution.FIXED, Resolution.SYSTEM_WRONG, Resolution.ACCEPTED)
"""What a person may answer."""

_TOLD_ID = re.compile(r"[A-Za-z0-9._:-]{1,200}")


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one restaurant, below `edge-agent/<site>`."""

    site: str

    @property
    def base(self) -> str:
        return f"edge-agent/{self.site}"

    @property
    def status(self) -> str:
        return f"{self.base}/status"

    @property
    def stats(self) -> str:
        return f"{self.base}/stats"

    @property
    def alert_feed(self) -> str:
        return f"{self.base}/events/alerts"

    @property
    def every_alert(self) -> str:
        """A filter: the alerts that the broker keeps."""
        return self.alert("+")

    @property
    def every_answer(self) -> str:
        """A filter: the answers to all alerts."""
        return self.answer("+")

    def camera(self, station_id: str) -> str:
        return f"{self.base}/stations/{station_id}/camera"

    def state(self, station_id: str) -> str:
        return f"{self.base}/stations/{station_id}/state"

    def checks(self, station_id: str) -> str:
        return f"{self.base}/stations/{station_id}/checks"

    def alert(self, told_id: str) -> str:
        return f"{self.base}/alerts/{told_id}"

    def answer(self, told_id: str) -> str:
        return f"{self.base}/alerts/{told_id}/set"

    def told_id(self, topic: str) -> str | None:
        """The alert that a topic of `every_alert` or `every_answer` names; None if it names none that we gave."""
        found = topic.removeprefix(f"{self.base}/alerts/").removesuffix("/set")
        return found if _TOLD_ID.fullmatch(found) else None

    def is_answer(self, topic: str) -> bool:
        return topic.endswith("/set")


def last_will(topics: Topics) -> Message:
    """What the broker says for an agent that is gone without a word."""
    return Message(topic=topics.status, payload=OFFLINE, retained=True)


def alert_payload(news: AlertNews, *, now: datetime) -> bytes:
    """One step of an alert. `late`: it was too late for anybody to act when it was raised, or when it was sent."""
    stored, alert = news.stored, news.stored.alert
    delay_s = (now - datetime.fromisoformat(news.at)).total_seconds()
    late = alert.late or delay_s > LATE_AFTER_S
    standing = not news.resolved and stored.resolution is None
    return _json(
        {
            "schema": SCHEMA,
            "id": news.told_id,
            "seq": news.seq,
            "step": "resolved" if news.resolved else "raised",
            "at": news.at,
            "sent_at": _utc(now),
            "late": late,
            "station": news.station,
            "session_id": alert.session_id,
            "orders": [_key(key) for key in alert.orders],
            "text": in_words(alert.lines),
            "severity": alert.severity.value,
            "sounds": stored.sounds and standing and not late,
            "leaving": alert.late,
            "swapped": alert.swapped,
            "lines": [_line(line) for line in alert.lines],
            "resolution": None if stored.resolution is None else stored.resolution.value,
            "by_staff": stored.by_staff,
        }
    )


def check_payload(reached: VerdictReached, *, station_id: str, final: bool, now: datetime) -> bytes:
    """A verdict; `final` is the last word on a tray."""
    verdict = reached.verdict
    return _json(
        {
            "schema": SCHEMA,
            "id": reached.session_id,
            "at": _utc(now),
            "station": station_id,
            "slot_id": reached.slot_id,
            "session_id": reached.session_id,
            "orders": [_key(key) for key in reached.orders],
            "association": reached.association.value,
            "verdict": verdict.kind.value,
            "text": in_words(verdict.faults),
            "final": final,
            "late": reached.late,
            "allergy": verdict.allergy,
            "checked_pieces": verdict.checked_pieces,
            "wanted_pieces": verdict.wanted_pieces,
            "lines": [_line(line) for line in verdict.lines],
        }
    )


def stats_payload(
    stations: Mapping[str, Mapping[str, Any]], *, outbox_pending: int, uptime_s: float, now: datetime
) -> bytes:
    """How the box fares; `stations` has, by their ids, the camera's word and the trays by their last verdict."""
    return _json(
        {
            "schema": SCHEMA,
            "at": _utc(now),
            "uptime_s": round(uptime_s),
            "outbox_pending": outbox_pending,
            "stations": {name: dict(said) for name, said in stations.items()},
        }
    )


def read_answer(payload: bytes) -> Resolution:
    """What a person answers: one of `ANSWERS`, as a bare word or as `{"resolution": word}`.

    Raises:
        BadInput: it is none of them; the sentence does not repeat what came.
    """
    if len(payload) > MAX_ANSWER_BYTES:
        raise BadInput(f"an answer of {len(payload)} bytes; at most {MAX_ANSWER_BYTES} are read")
    try:
        text = payload.decode("utf-8").strip()
        said = json.loads(text) if text.startswith("{") else {"resolution": text}
    except ValueError as error:
        raise BadInput("an answer that is neither a word nor JSON") from error
    for answer in ANSWERS:
        if said == {"resolution": answer.value}:
            return answer
    known = ", ".join(answer.value for answer in ANSWERS)
    raise BadInput(f'an answer that is none of {known}, nor {{"resolution": one of them}}')


def _line(line: CheckedLine) -> dict[str, Any]:
    return {
        "skus": list(line.skus),
        "name": line.name,
        "expected": line.expected,
        "seen": line.seen,
        "result": line.result.value,
        "off_by": line.off_by,
        "reason": line.reason,
    }


def _key(key: OrderKey) -> dict[str, str]:
    return {"source": key.source, "business_day": key.business_day, "order_id": key.order_id}


def _utc(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
