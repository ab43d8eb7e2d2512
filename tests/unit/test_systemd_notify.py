"""What systemd hears of the service, on a real socket of either kind; and that nothing happens without systemd."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge_agent.adapters.systemd_notify import MAX_STATUS, SystemdNotify

Hear = Callable[[], list[str]]


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Hear]]:
    """The address of a socket as systemd writes it, and what was heard there."""
    path = str(tmp_path / "notify")
    name = f"@{path}" if request.param == "abstract" else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + path if request.param == "abstract" else path)
        listening.settimeout(5)
        yield name, lambda: listening.recv(4096).decode().split("\n")


def test_a_life_is_told_in_the_words_of_the_protocol(manager: tuple[str, Hear]) -> None:
    address, hear = manager
    notify = SystemdNotify.from_environment({"NOTIFY_SOCKET": address})
    notify.ready("two stations")
    assert hear() == ["READY=1", "STATUS=two stations"]
    notify.status("camera pass is dark")
    assert hear() == ["STATUS=camera pass is dark"]
    notify.alive()
    assert hear() == ["WATCHDOG=1"]
    notify.stopping()
    assert hear() == ["STOPPING=1"]


def test_a_reload_says_when_it_began(manager: tuple[str, Hear]) -> None:
    """By the clock that systemd reads; without the time it takes an old message for a new one."""
    address, hear = manager
    before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    SystemdNotify(address=address).reloading()
    word, stamp = hear()
    assert word == "RELOADING=1"
    assert stamp.startswith("MONOTONIC_USEC=")
    assert before_us <= int(stamp.partition("=")[2]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_a_status_cannot_smuggle_in_another_message(manager: tuple[str, Hear]) -> None:
    """It may hold a camera's name or an error's text."""
    address, hear = manager
    SystemdNotify(address=address).status("all well\nSTOPPING=1" + "x" * 1_000)
    [line] = hear()
    assert line.startswith("STATUS=all well STOPPING=1x")
    assert len(line) == len("STATUS=") + MAX_STATUS


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}])
def test_without_systemd_nothing_is_said(environment: dict[str, str]) -> None:
    notify = SystemdNotify.from_environment(environment)
    assert not notify.is_listening
    notify.ready()
    notify.alive()
    notify.stopping()


@pytest.mark.parametrize(
    ("environment", "expected_s"),
    [
        ({"WATCHDOG_USEC": "20000000"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "77"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "78"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdogs_time_is_read(environment: dict[str, str], expected_s: float | None) -> None:
    """A child process inherits the environment, and must not believe that it is watched."""
    assert SystemdNotify.from_environment(environment, pid=77).watchdog_s == expected_s


def test_a_manager_that_is_gone_costs_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The agent serves on; a watchdog fed every second must not fill the log."""
    notify = SystemdNotify(address=str(tmp_path / "gone"))
    with caplog.at_level(logging.DEBUG):
        notify.alive()
        notify.alive()
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.DEBUG]


def test_a_manager_that_does_not_read_does_not_hang_the_agent(tmp_path: Path) -> None:
    """Its socket's queue is full: the message is given up after the time-out."""
    with ExitStack() as stack:
        deaf = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        deaf.bind(str(tmp_path / "deaf"))
        filler = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        filler.setblocking(False)
        with contextlib.suppress(BlockingIOError):  # the kernel queues a few datagrams, then no more
            while True:
                filler.sendto(b"x", str(tmp_path / "deaf"))
        SystemdNotify(address=str(tmp_path / "deaf")).alive()
