"""Counts wrong tokens per peer: a bounded table, and time is what it is told."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass

MAX_PEERS = 1_024
_V6_NETWORK_BITS = 64


@dataclass(slots=True)
class _Window:
    began_s: float
    failures: int = 0


class FailureThrottle:
    """So many failures of a peer are answered within a window; what comes then is put off until the window ends.

    Used within one thread. The table forgets the peer that has failed least recently once it is full.
    """

    def __init__(self, *, failures: int = 10, window_s: float = 60.0, peers: int = MAX_PEERS) -> None:
        self._limit = failures
        self._window_s = window_s
        self._peers = peers
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def wait_s(self, peer: str, now_s: float) -> int | None:
        """The whole seconds that a peer with too many failures has to wait; None where it may try."""
        window = self._windows.get(peer)
        if window is None or now_s - window.began_s >= self._window_s or window.failures < self._limit:
            return None
        return max(1, math.ceil(window.began_s + self._window_s - now_s))

    def failed(self, peer: str, now_s: float) -> int | None:
        """Count a failure; gives the whole seconds to wait where there were too many, else None."""
        window = self._windows.get(peer)
        if window is None or now_s - window.began_s >= self._window_s:
            window = self._windows[peer] = _Window(now_s)
        window.failures += 1
        self._windows.move_to_end(peer)
        while len(self._windows) > self._peers:
            self._windows.popitem(last=False)
        if window.failures <= self._limit:
            return None
        return max(1, math.ceil(window.began_s + self._window_s - now_s))


def peer_of(client: tuple[str, int] | None) -> str:
    """The address that failures are counted under; all of an IPv6 network count as one. A local socket has none."""
    if client is None:
        return "local"
    try:
        address = ipaddress.ip_address(client[0].partition("%")[0])
    except ValueError:
        return client[0][:64]
    if address.version == 4:  # noqa: PLR2004  the Internet's
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _V6_NETWORK_BITS), strict=False))
