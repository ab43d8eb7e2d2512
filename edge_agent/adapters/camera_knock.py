"""Whether anybody is at home at a camera's address, asked without OpenCV.

OpenCV opens one stream of the process at a time (a lock in its FFmpeg backend): while it waits for a camera that never
answers, no other camera can be connected to. So a camera that is silent is found out here first.

It is not asked for its stream: some cameras prepare one then, and refuse whoever comes next while they clear it away.
So one that answers here and falls silent later still holds the lock, each time for its `open_timeout_s` at most; the
others wait that long, and are not taken to hang (`app.camera.stuck_after_s`).
"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def answers_at(address: str, *, timeout_s: float) -> bool:
    """Whether the address takes a connection and, of RTSP, says anything at all; waits at most twice `timeout_s`.

    A refusal is an answer. An address that cannot be understood counts as one too: OpenCV may know better.
    """
    try:
        url = urlsplit(address)
        host, port = url.hostname, url.port or PORTS.get(url.scheme)
    except ValueError:
        return True
    if host is None or port is None:
        return True
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as door:
            if url.scheme != "rtsp":
                return True
            # RFC 2326, section 10.1; `*` asks for nothing in particular, and needs no password.
            door.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: edge-agent\r\n\r\n")
            return door.recv(1) != b""
    except (OSError, UnicodeError):
        return False
