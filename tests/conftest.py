"""What every test gets: the shared data, programs from Debian, and a check that nothing is left running."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if IN_CI else "dev")

# Threads that libraries keep for the whole process, by the start of their name.
LASTING_THREADS = ("asyncio_", "AnyIO worker thread", "pytest_timeout")
GRACE_S = 2.0

WAITING = ("integration", "browser")
"""Tests below these folders mostly wait. They are begun first, all by one worker: meanwhile another one computes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by what a test asks for and where it stands, so that `-m 'not real_data'` never misses one."""
    for item in items:
        if "real_data" in getattr(item, "fixturenames", ()):
            item.add_marker("real_data")
        if "integration" in item.path.relative_to(REPOSITORY).parts:
            item.add_marker("integration")
        elif item.get_closest_marker("alone"):
            raise pytest.UsageError(f"{item.nodeid}: `make test` looks for what is to run alone in tests/integration")
    items.sort(key=lambda item: not set(WAITING) & set(item.path.relative_to(REPOSITORY).parts))


def missing(what: str) -> None:
    """Skip the test on a developer's machine; in CI, where nothing may be missing, fail it."""
    if IN_CI:
        pytest.fail(what)
    pytest.skip(what)


def data_folder() -> Path:
    """Where the real photographs and recordings are looked for; they are in no repository."""
    return Path(os.environ.get("EDGE_AGENT_DATA") or REPOSITORY.parent / "shared" / "data")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real photographs and recordings (`mealtray/`, `videos/`)."""
    folder = data_folder()
    if not (folder / "videos").is_dir():
        missing(f"no shared data at {folder}: set EDGE_AGENT_DATA")
    return folder


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """The path of a program that `.ci/run` installs: `program("ffmpeg")`."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            missing(f"{name} is not installed (.ci/run installs it)")
            raise AssertionError(name)
        return path

    return find


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Fail a test that leaks a thread, a socket or a child process: a box that runs for months cannot afford one.

    Files and connections that are merely dropped show up as ResourceWarning, and warnings are errors.
    """
    threads, sockets, children = set(threading.enumerate()), _sockets(), _children()
    yield
    deadline = time.monotonic() + GRACE_S
    while (left := _left(threads, sockets, children)) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    if left:
        pytest.fail(f"the test left behind: {', '.join(left)}")


def _left(threads: set[threading.Thread], sockets: set[str], children: set[str]) -> list[str]:
    new = set(threading.enumerate()) - threads
    return [
        *sorted(f"thread {thread.name!r}" for thread in new if not thread.name.startswith(LASTING_THREADS)),
        *sorted(_sockets() - sockets),
        *sorted(f"child process {child}" for child in _children() - children),
    ]


def _sockets() -> set[str]:
    """The open sockets of this process, as `socket:[inode]` (none where there is no /proc)."""
    found = set()
    for link in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):
            found.add(str(link.readlink()))
    return {target for target in found if target.startswith("socket:")}


def _children() -> set[str]:
    """The child processes of this process (none where there is no /proc)."""
    found: set[str] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(task.read_text().split())
    return found
