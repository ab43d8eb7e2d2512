"""Whether a camera answers is found out without holding the others up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from edge_agent.adapters.camera_knock import answers_at


def door(answer: Callable[[socket.socket], object]) -> tuple[str, threading.Thread]:
    """A listener that takes one caller, and does so much for it; its address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def wait_for_caller() -> None:
        with listening, listening.accept()[0] as caller:
            answer(caller)

    thread = threading.Thread(target=wait_for_caller)
    thread.start()
    return f"127.0.0.1:{listening.getsockname()[1]}", thread


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_camera_that_answers_is_at_home_also_when_it_refuses(scheme: str) -> None:
    said: list[bytes] = []

    def refuse(caller: socket.socket) -> None:
        said.append(caller.recv(4096))
        caller.sendall(b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n")

    address, thread = door(refuse)
    assert answers_at(f"{scheme}://viewer:secret@{address}/stream", timeout_s=30.0)
    thread.join()
    assert b"secret" not in said[0]


def test_one_that_takes_the_call_and_hangs_up_is_not() -> None:
    address, thread = door(lambda caller: caller.recv(4096))
    assert not answers_at(f"rtsp://{address}/stream", timeout_s=30.0)
    thread.join()


def test_one_that_takes_the_call_and_never_says_a_word_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not answers_at(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/stream", timeout_s=0.05)


def test_where_nobody_listens_nobody_is_at_home() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert not answers_at(f"rtsp://127.0.0.1:{taken.getsockname()[1]}/stream", timeout_s=30.0)


@pytest.mark.parametrize("address", ["rtsp://[::1/stream", "rtsp://box:port/stream", "udp://box/stream", "file.mp4"])
def test_an_address_that_is_not_understood_is_left_to_opencv(address: str) -> None:
    assert answers_at(address, timeout_s=0.01)
