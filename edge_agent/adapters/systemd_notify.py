"""Tell systemd how the service fares, by the protocol of sd_notify(3): one datagram per message, nothing awaited.

Own code, since the protocol is these few lines; the small packages for it are untyped and know neither `RELOADING=1`
nor the watchdog's time, or they bind libsystemd in C.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

logger = logging.getLogger(__name__)

SEND_TIMEOUT_S = 1.0
"""A system manager that does not read for so long must not hang the agent."""

MAX_STATUS = 300
"""Characters of a status; systemd shows one line."""

_MICROSECONDS = 1_000_000


class SystemdNotify:
    """Speaks to the socket in `NOTIFY_SOCKET`; without systemd every call does nothing.

    No call raises: a service that cannot be reported on still serves. May be called by any thread.

    Args:
        address: the socket's path, or `@name` for one in the abstract namespace; None: nobody listens.
        watchdog_s: after so long without `alive` systemd kills the service; None: it does not watch.
    """

    def __init__(self, *, address: str | None, watchdog_s: float | None = None) -> None:
        self.watchdog_s = watchdog_s
        self._address = _usable(address)
        self._failing = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, *, pid: int | None = None) -> SystemdNotify:
        """As systemd asks for in the environment of the service's main process."""
        own_pid = os.getpid() if pid is None else pid
        return cls(address=environment.get("NOTIFY_SOCKET"), watchdog_s=_watchdog_s(environment, own_pid))

    @property
    def is_listening(self) -> bool:
        """Whether there is anybody to tell."""
        return self._address is not None

    def ready(self, status: str = "") -> None:
        """The service is up, or up again after `reloading`."""
        self._tell("READY=1", *_status(status))

    def status(self, text: str) -> None:
        """What `systemctl status` shows, in one line."""
        self._tell(*_status(text))

    def alive(self) -> None:
        """Feed the watchdog; call it at least twice in `watchdog_s`."""
        self._tell("WATCHDOG=1")

    def reloading(self) -> None:
        """The configuration is read anew; `ready` follows. systemd 253 and later wants the time with it."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self, status: str = "") -> None:
        """The service ends."""
        self._tell("STOPPING=1", *_status(status))

    def _tell(self, *lines: str) -> None:
        if self._address is None or not lines:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.settimeout(SEND_TIMEOUT_S)
                out.connect(self._address)
                out.sendall("\n".join(lines).encode())
        except OSError as refusal:
            level = logging.DEBUG if self._failing else logging.WARNING
            self._failing = True
            logger.log(level, "systemd could not be told '%s': %s", lines[0], refusal)
        else:
            self._failing = False


def _status(text: str) -> tuple[str, ...]:
    """As one line: a second one would be another message."""
    return (f"STATUS={' '.join(text.split())[:MAX_STATUS]}",) if text else ()


def _usable(address: str | None) -> str | None:
    if not address:
        return None
    if address.startswith("@"):
        return "\0" + address[1:]
    if address.startswith("/"):
        return address
    logger.warning("systemd is to be told by '%s', which is no socket of this machine: it is not told", address)
    return None


def _watchdog_s(environment: Mapping[str, str], pid: int) -> float | None:
    """The time that systemd waits; None where it does not, or waits for another process."""
    asked = environment.get("WATCHDOG_USEC", "")
    of_pid = environment.get("WATCHDOG_PID", "")
    if not asked.isdecimal() or int(asked) == 0 or (of_pid and of_pid != str(pid)):
        return None
    return int(asked) / _MICROSECONDS
