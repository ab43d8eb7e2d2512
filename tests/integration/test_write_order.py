"""What is promised is on the disk before it is promised: the kernel's own record of the calls says so.

A kill does not test that: what a process has written survives it, synced or not. A power cut does not ask.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.blinking_tray import WRONG, blinking
from tests.mosquitto import Mosquitto, Subscriber
from tests.running_agent import RunningAgent

CALLS = "trace=recvfrom,read,write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync"
LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. )?(?P<call>\w+)(?P<rest>.*)")
FEED = "edge-agent/restaurant/events/alerts"


class Calls:
    """What strace wrote down, one line per call; a call that took a while has two, where it began and where it ended.

    A number is a place in the record: of two calls the one with the smaller number came first.
    """

    def __init__(self, path: Path) -> None:
        self._lines = [found for line in path.read_text().splitlines() if (found := LINE.match(line))]

    def first(self, calls: tuple[str, ...], *holding: str, after: int = -1) -> int:
        """The first of these calls, after another one, whose line holds all of these texts."""
        for number, line in enumerate(self._lines):
            if number > after and line["call"] in calls and all(text in line["rest"] for text in holding):
                return number
        raise AssertionError(f"never: {calls} with {holding} after {after}")

    def ended(self, number: int) -> int:
        """Where a call ended well."""
        line = self._lines[number]
        if "<unfinished" in line["rest"]:
            same = (line["thread"], line["call"])
            later = enumerate(self._lines[number + 1 :], number + 1)
            number, line = next((n, each) for n, each in later if (each["thread"], each["call"]) == same)
        assert " = -1 " not in line["rest"], line[0]
        return number


def test_an_order_is_on_the_disk_before_it_is_acknowledged_and_an_alert_before_it_is_told(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    record = tmp_path / "calls.txt"
    # Its tracer is no parent of it: so it is ended as ever, and its number is its own.
    strace = [program("strace"), "-D", "-f", "-y", "-s", "9000", "-e", CALLS, "-e", "signal=none", "-o", str(record)]
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker.port) as screen:
        more = {**blinking(tmp_path / "made"), "mqtt": {"broker": "127.0.0.1", "port": broker.port}}
        with RunningAgent(tmp_path / "agent", more=more, before=strace) as agent:
            assert agent.put("order-to-be-synced", WRONG) == 200
            screen.until(lambda: bool(screen.feed(FEED)))
            told_id = screen.feed(FEED)[0]["id"]
            assert agent.end() == 0
    calls = Calls(record)
    asked = calls.first(("recvfrom", "read"), "PUT /api/v1/orders/order-to-be-synced")
    answered = calls.first(("sendto", "sendmsg", "write", "writev"), "HTTP/1.1 ", after=asked)
    is_synced(calls, "order-to-be-synced", after=asked, before=answered)
    told = calls.first(("sendto", "sendmsg", "write", "writev"), "socket:", told_id)
    is_synced(calls, told_id, after=answered, before=told)


def is_synced(calls: Calls, text: str, *, after: int, before: int) -> None:
    """The log of the database got the text, and then was forced to the disk, all of it in between."""
    written = calls.ended(calls.first(("pwrite64", "write", "pwritev"), "edge.sqlite-wal>", text, after=after))
    synced = calls.ended(calls.first(("fsync", "fdatasync"), "edge.sqlite-wal>", after=written))
    assert after < written < synced < before
