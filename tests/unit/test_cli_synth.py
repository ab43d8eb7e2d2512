"""synth: what is typed wrongly, or cannot be done here, is said in a sentence."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge_agent.cli import app
from edge_agent.errors import BadInput

MENU = Path(__file__).resolve().parent.parent.parent / "configs" / "menus" / "fastfood.yaml"


def refusal(*words: str) -> str:
    result = CliRunner().invoke(app, ["synth", *words, "--menu", str(MENU)])
    assert isinstance(result.exception, BadInput), result.output
    return str(result.exception)


@pytest.mark.skipif(importlib.util.find_spec("bpy") is not None, reason="Blender is here")
def test_without_blender_rendering_says_what_to_install(tmp_path: Path) -> None:
    said = refusal("scenes", "--into", str(tmp_path / "new"))
    assert "the extra 'synth'" in said or "Python 3.11" in said
    assert not (tmp_path / "new").exists()


def test_another_python_than_blenders_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of it pip would find no package, and say so in a way that helps nobody."""
    from edge_agent.training.synth.making import need_blender

    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(BadInput, match=r"needs Python 3\.11, for which Blender is built; this is 3\.10"):
        need_blender()


@pytest.mark.parametrize("size", ["640", "640*480", "0x480", "640x99999", "63x64", "-640x480"])
def test_a_size_that_no_picture_has_is_refused(tmp_path: Path, size: str) -> None:
    said = refusal("compose", "--library", str(tmp_path), "--into", str(tmp_path / "new"), "--size", size)
    assert "as in 640x480" in said
    assert size in said


def test_a_library_that_is_not_there_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    said = refusal("compose", "--library", str(tmp_path), "--into", str(tmp_path / "new"))
    assert "edge-agent synth cutouts" in said
    assert not (tmp_path / "new").exists()
