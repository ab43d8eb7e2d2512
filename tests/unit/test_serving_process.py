"""The process that serves: what stays from the start on is not walked over again and again."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.app.serving import keep_for_good
from tests.running_agent import RunningAgent

LATE = ("edge_agent.api.app", "fastapi", "jinja2", "uvicorn")


def test_what_the_start_made_is_out_of_the_garbage_collectors_sight() -> None:
    """A full collection stops every thread: a tenth of a second in which nothing is answered and nothing is checked."""
    try:
        keep_for_good()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 5_000
    finally:
        gc.unfreeze()


UNTIL_CAMERAS_BEGIN = f"""
import os, signal, sys, threading
from pathlib import Path
from edge_agent.app import living
from edge_agent.app.serving import serve_agent

imports = living._import_answering

def late():
    threading.Event().wait(float(sys.argv[2]))
    imports()

living._import_answering = late
here_already = [name for name in {LATE!r} if name in sys.modules]
begin = living.capturing

def begun(*given):
    captures = begin(*given)
    print(here_already, all(name in sys.modules for name in {LATE!r}), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    return captures

living.capturing = begun
serve_agent(Path(sys.argv[1]), strict=True)
"""


@pytest.mark.parametrize("slower_s", [0, 3])
def test_what_answers_is_imported_while_the_model_is_opened_and_a_signal_in_the_start_ends_all(
    tmp_path: Path, slower_s: int
) -> None:
    """Not before, which would take longer; nor when the cameras have begun: trays would come, and no order could.

    Also where the import takes longer than all else.
    """
    config = RunningAgent(tmp_path).config
    done = subprocess.run(
        [sys.executable, "-c", UNTIL_CAMERAS_BEGIN, str(config), str(slower_s)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "[] True\n")
    assert "Traceback" not in done.stderr
