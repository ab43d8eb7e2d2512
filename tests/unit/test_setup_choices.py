"""What was chosen on the Set-up pages lies over the configuration, until a person changes the configuration."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from edge_agent.adapters.setup_folder import SetupFolder
from edge_agent.app.configuration import check_config
from edge_agent.domain.record import StaffRole
from edge_agent.domain.unknown_skus import Meaning
from edge_agent.errors import BadConfig, BadInput
from edge_agent.settings import SlotSettings, load_plain_settings, load_settings
from edge_agent.settings.setup import (
    FOLDER,
    EagernessChosen,
    KnownEntry,
    MenuChosen,
    ReferenceTaken,
    SetupFile,
    ShadowEnded,
    SlotsChosen,
    TrialMade,
    load_choices,
    load_laid_over,
    menu_print,
    reference_print,
    slots_print,
    value_print,
)
from tests.builders_onnx import constant_model, raw_output, write_pack

AT = datetime(2026, 1, 31, 12, 0, tzinfo=timezone.utc)
CONFIG = """detector: {pack: pack, provider: cpu}
menu: menu.yaml
store: {path: state/edge.sqlite}
stations:
- id: pass
  camera: {file: ., reference: old.png}
"""
DRAWN = SlotSettings(id="drawn", polygon=((0.1, 0.1), (0.6, 0.1), (0.6, 0.9), (0.1, 0.9)))
SHA = st.binary(max_size=3).map(lambda raw: hashlib.sha256(raw).hexdigest())


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A folder with a configuration; gives the configuration's path."""
    (tmp_path / "menu.yaml").write_text("items:\n  - {sku: plate, detects_as: plate}\n")
    config = tmp_path / "edge.yaml"
    config.write_text(CONFIG)
    return config


def choose(config: Path, **choices: object) -> None:
    """Write these choices, laid over the configuration as it is now."""
    SetupFolder(config.parent / "state" / FOLDER).write(SetupFile.model_validate(choices))


def everything(config: Path) -> dict[str, object]:
    written = load_laid_over(config).written
    stamp: dict[str, Any] = {"at": AT, "by": StaffRole.ADMIN}
    station = written.stations[0]
    return {
        "slots": {"pass": SlotsChosen(**stamp, over=slots_print(station), slots=(DRAWN,))},
        "references": {"pass": ReferenceTaken(**stamp, over=reference_print(station), file="reference-pass-0.png")},
        "menu": MenuChosen(**stamp, over=menu_print(config.parent / "menu.yaml"), file="menu-0.yaml"),
        "eagerness": EagernessChosen(**stamp, over=value_print(0), eagerness=2),
        "shadow_ended": ShadowEnded(**stamp, over=value_print(True), audited_right=301, high=0.01),
        "trial": TrialMade(**stamp, station="pass"),
    }


def test_without_choices_the_configuration_decides(box: Path) -> None:
    assert load_settings(box) == load_plain_settings(box)


def test_choices_hold_over_the_configuration_which_stays_as_it_is(box: Path) -> None:
    before = box.read_bytes()
    choose(box, **everything(box))
    settings, folder = load_settings(box), box.parent / "state" / FOLDER
    assert box.read_bytes() == before
    assert settings.stations[0].slots == (DRAWN,)
    assert settings.stations[0].camera is not None
    assert settings.stations[0].camera.reference == folder / "reference-pass-0.png"
    assert (settings.menu, settings.detector.eagerness, settings.shadow) == (folder / "menu-0.yaml", 2, False)
    assert load_plain_settings(box).shadow is True


@pytest.mark.parametrize(
    ("mended", "aside"),
    [
        (CONFIG.replace("id: pass\n", "id: pass\n  slots: [{id: mine}]\n"), "slots of pass"),
        (CONFIG.replace("old.png", "new.png"), "reference of pass"),
        (CONFIG.replace("provider: cpu", "provider: cpu, eagerness: 1"), "slider"),
        (CONFIG + "shadow: false\n", "end of the trial"),
    ],
)
def test_what_a_person_changes_afterwards_wins_and_is_said(box: Path, mended: str, aside: str) -> None:
    """Nobody who edits a file may wonder why it has no effect."""
    choose(box, **everything(box))
    box.write_text(mended)
    laid = load_laid_over(box)
    assert laid.set_aside == (aside,)
    assert len([name for name in laid.choices.named() if name not in laid.set_aside]) == 4


def test_a_menu_that_was_edited_afterwards_wins(box: Path) -> None:
    choose(box, **everything(box))
    (box.parent / "menu.yaml").write_text("items:\n  - {sku: soup, detects_as: plate}\n")
    laid = load_laid_over(box)
    assert laid.set_aside == ("menu",)
    assert laid.settings.menu == box.parent / "menu.yaml"


def test_choices_for_a_station_that_is_gone_are_set_aside(box: Path) -> None:
    choose(box, **everything(box))
    box.write_text(CONFIG.replace("id: pass", "id: window"))
    assert load_laid_over(box).set_aside == ("slots of pass", "reference of pass")


@pytest.mark.parametrize(
    ("text", "line"),
    [("schema: 2\n", 1), ("schema: 1\nslot: {}\n", 2), ("eagerness: {at: x}\n", 1), ("{", 1), ("", None)],
)
def test_a_damaged_file_is_refused_with_its_line(box: Path, text: str, line: int | None) -> None:
    folder = box.parent / "state" / FOLDER
    folder.mkdir(parents=True)
    (folder / "setup.yaml").write_text(text)
    with pytest.raises(BadConfig) as refusal:
        load_settings(box)
    assert (refusal.value.path, refusal.value.line) == (folder / "setup.yaml", line)


def test_choices_that_do_not_fit_the_configuration_are_refused(box: Path) -> None:
    box.write_text(CONFIG + "- {id: other, slots: [{id: drawn}]}\n")
    choose(box, slots=everything(box)["slots"])
    with pytest.raises(BadConfig, match="a slot of the same id"):
        load_settings(box)


def test_config_check_says_what_was_chosen_and_whether_it_holds(box: Path) -> None:
    write_pack(box.parent / "pack", constant_model(raw_output([])), "ultralytics_raw")
    choices = everything(box)
    choose(box, slots=choices["slots"], eagerness=choices["eagerness"])
    box.write_text(CONFIG.replace("provider: cpu", "provider: cpu, eagerness: -1"))
    notes = [note for note in check_config(box).notes if "Set-up page" in note]
    assert [note.partition(" (")[0] for note in notes] == [
        "slots of pass: chosen on the Set-up page on 2026-01-31 by admin",
        "slider: chosen on the Set-up page on 2026-01-31 by admin",
    ]
    assert [note.rpartition("): ")[2] for note in notes] == [
        "it holds",
        "set aside, since the configuration was changed after it",
    ]


def test_a_folder_that_cannot_be_written_to_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "setup").write_text("a file")
    with pytest.raises(BadInput, match="cannot be written"):
        SetupFolder(tmp_path / "setup").write(SetupFile())


def test_only_files_that_nothing_names_are_removed(tmp_path: Path) -> None:
    folder = SetupFolder(tmp_path)
    for name in ("menu-1.yaml", "menu-2.yaml", "reference-pass-1.png", "setup.yaml", "notes.txt"):
        folder.put(name, b"x")
    folder.keep_only(["menu-2.yaml"])
    assert {path.name for path in tmp_path.iterdir()} == {"menu-2.yaml", "setup.yaml", "notes.txt"}


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
KNOWN = st.builds(
    KnownEntry, sku=TEXTS, means=st.sampled_from(Meaning), of=TEXTS | st.just(""), name=TEXTS | st.just("")
)
CHOICES = st.builds(
    SetupFile,
    slots=st.just({"pass": SlotsChosen(at=AT, by=StaffRole.ADMIN, over="0" * 64, slots=(DRAWN,))}) | st.just({}),
    menu=st.none()
    | st.builds(
        MenuChosen,
        at=st.just(AT),
        by=st.sampled_from(StaffRole),
        over=SHA,
        file=st.just("menu-0.yaml"),
        uploaded=TEXTS | st.just(""),
        known=st.lists(KNOWN, max_size=3).map(tuple),
    ),
    shadow_ended=st.none()
    | st.builds(
        ShadowEnded,
        at=st.just(AT),
        by=st.sampled_from(StaffRole),
        over=SHA,
        audited_right=st.integers(0, 9),
        high=st.none() | st.floats(0, 1),
        early=st.booleans(),
    ),
)


@given(CHOICES)
@given_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_written_is_read_back(tmp_path: Path, choices: SetupFile) -> None:
    SetupFolder(tmp_path / "setup").write(choices)
    assert load_choices(tmp_path / "setup") == choices
