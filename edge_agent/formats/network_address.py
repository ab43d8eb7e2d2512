"""What the address that something listens on says: who can reach it."""

from __future__ import annotations

import ipaddress

_LOOPBACK_NAMES = ("localhost", "ip6-localhost", "localhost.localdomain")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there. A name other than localhost may lead anywhere."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host.lower().rstrip(".") in _LOOPBACK_NAMES
