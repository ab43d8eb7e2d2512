"""The process that serves: what stays from the start on is not walked over again and again."""

from __future__ import annotations

import gc

from edge_agent.app.serving import keep_for_good


def test_what_the_start_made_is_out_of_the_garbage_collectors_sight() -> None:
    """A full collection stops every thread: a tenth of a second in which nothing is answered and nothing is checked."""
    try:
        keep_for_good()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 5_000
    finally:
        gc.unfreeze()
