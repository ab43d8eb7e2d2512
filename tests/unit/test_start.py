"""What starting the agent loads, and what it leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

STARTED = "import sys, edge_agent.cli, edge_agent.app.serving; print(*sorted(sys.modules))"

COUNTS_ONLY = ("scipy", "edge_agent.evaluation.report", "edge_agent.training")


def test_the_agent_starts_without_what_only_counts_and_without_telling_anybody(tmp_path: Path) -> None:
    """Statistics would take a third of the start; and ONNX Runtime reports to its maker, except in CI, unless told."""
    quiet = {"CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "XDG_CACHE_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in quiet}
    started = subprocess.run(
        [sys.executable, "-c", STARTED],
        env={**environment, "HOME": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = set(started.stdout.split())
    assert "onnxruntime" in loaded
    assert [name for name in COUNTS_ONLY if name in loaded] == []
    assert not list(tmp_path.rglob("*"))
