"""The process that serves: what stays from the start on is not walked over again and again."""

from __future__ import annotations

import gc
import subprocess
import sys

from edge_agent.app.serving import keep_for_good


def test_what_the_start_made_is_out_of_the_garbage_collectors_sight() -> None:
    """A full collection stops every thread: a tenth of a second in which nothing is answered and nothing is checked."""
    try:
        keep_for_good()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 5_000
    finally:
        gc.unfreeze()


def test_what_answers_over_http_is_not_imported_before_the_cameras_begin() -> None:
    """Its libraries take as long to import as a tray to lie still."""
    late = ("edge_agent.api.app", "fastapi", "jinja2", "uvicorn")
    asked = f"import sys, edge_agent.app.serving; print([name for name in {late!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
