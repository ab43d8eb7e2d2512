"""The house itself: what every tracked file keeps to, and that the import rule is a check that can fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
LARGEST_FILE_BYTES = 12 * 1024 * 1024

# Written in pieces, so that this file does not match itself.
REGISTRY = re.compile(
    "|".join(
        [
            "py" + r"pi\.(org|python)",
            "python" + "hosted",
            "registry" + r"\.(npmjs|yarnpkg)",
            r"--(extra-)?" + r"index-url\b",
            r"^\s*(extra-)?" + r"index[-_]url\s*=",
        ]
    ),
    re.MULTILINE,
)


def tracked_files() -> list[Path]:
    """What git tracks, and what it would take in if asked now."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := REPOSITORY / name).is_file()]


def requirements(extra: str | None = None) -> list[str]:
    """The names that the installed agent asks for: always, or with an extra."""
    lines = [re.sub(r"[\"' ]", "", line) for line in requires("edge-agent") or []]
    chosen = [line for line in lines if (f"extra=={extra}" in line if extra else "extra==" not in line)]
    names = [re.match(r"[A-Za-z0-9._-]+", line) for line in chosen]
    return [re.sub(r"[-_.]+", "-", name.group()).lower() for name in names if name]


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the installer's own setting: a restaurant's box may have a mirror or a folder."""
    found = [
        f"{path.relative_to(REPOSITORY)}: {match.group()}"
        for path in tracked_files()
        if (match := REGISTRY.search(path.read_text(errors="ignore")))
    ]
    assert found == []


def test_no_file_is_too_large_for_git() -> None:
    too_large = [path for path in tracked_files() if path.stat().st_size > LARGEST_FILE_BYTES]
    assert too_large == []


def test_ci_run_can_be_started() -> None:
    assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)


def test_every_direct_dependency_has_a_tested_pin() -> None:
    """An agent installed next year is the agent that was tested."""
    pinned = {line.split("==")[0] for line in pin_lines()}
    wanted = {*requirements(), *requirements("cpu"), *requirements("dev"), *requirements("train")}
    assert wanted - pinned == set()


def test_every_pin_is_exact() -> None:
    inexact = [line for line in pin_lines() if not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*( ; .+)?", line)]
    assert inexact == []


def test_only_one_extra_at_a_time_brings_onnxruntime() -> None:
    """Each build of ONNX Runtime overwrites the others, so the choice is the installer's, by an extra."""
    assert [name for name in requirements() if "onnxruntime" in name] == []
    assert requirements("cpu") == ["onnxruntime"]
    assert requirements("gpu") == ["onnxruntime-gpu"]
    assert requirements("openvino") == ["onnxruntime-openvino"]


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("domain/stray.py", "import time", "know no technology"),
        ("domain/stray.py", "import threading", "know no technology"),
        ("checking/stray.py", "import pydantic", "know no technology"),
        ("domain/stray.py", "from edge_agent import ports", "Upper rooms"),
        ("evaluation/stray.py", "from edge_agent import adapters", "Upper rooms"),
        ("adapters/stray.py", "import torch", "Only training"),
        ("attic.py", "", "not listed as layers"),
    ],
)
def test_a_breach_of_the_import_rule_is_found(tmp_path: Path, module: str, statement: str, contract: str) -> None:
    """A rule that cannot fail is no rule: break it on a copy, and import-linter must say so."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "edge_agent", tmp_path / "edge_agent", ignore=ignored)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    (tmp_path / "edge_agent" / module).write_text(statement + "\n")
    lint = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert lint.returncode == 1, lint.stdout + lint.stderr
    assert contract in lint.stdout.partition("Broken contracts")[2]


def pin_lines() -> list[str]:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]
