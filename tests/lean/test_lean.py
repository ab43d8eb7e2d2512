"""The agent runs without the extras that train and test it; `make lean` proves the same in an environment alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SMOKE = Path(__file__).with_name("smoke.py")

pytestmark = pytest.mark.lean


def test_the_agent_works_with_the_train_and_dev_extras_blocked() -> None:
    """A box in a restaurant has no torch: 6 GB that it would never use."""
    done = subprocess.run([sys.executable, SMOKE, "--block"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_proof_notices_an_environment_that_is_not_lean() -> None:
    """This environment has pytest, so without blocking the smoke script must refuse it."""
    done = subprocess.run([sys.executable, SMOKE], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "not lean" in done.stderr
