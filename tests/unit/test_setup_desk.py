"""The desk behind the Set-up pages: what it takes is kept and holds, what makes no sense changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from edge_agent.adapters.photograph import read_photograph
from edge_agent.adapters.picture_meter import PictureMeter
from edge_agent.app.camera import meter_for
from edge_agent.app.setting_up import SetupDesk
from edge_agent.checking.eagerness import shifted
from edge_agent.domain.drawing import Corners, DrawnSlot
from edge_agent.domain.record import StaffRole
from edge_agent.domain.unknown_skus import Known, Meaning
from edge_agent.domain.voting import Thresholds
from edge_agent.errors import BadConfig, BadInput, Conflict, StoreBusy, Unknown
from edge_agent.formats.menu import load_menu
from edge_agent.ports import Choice, LiveFrame, Picture
from edge_agent.settings import Settings, load_settings
from edge_agent.settings.setup import load_laid_over
from tests.fakes_store import FakeClock

CONFIG = """menu: menu.yaml
store: {path: state/edge.sqlite}
stations:
- id: pass
  camera: {file: .}
- id: window
  slots: [{id: window}]
"""
BY = StaffRole.ADMIN
CLASSES = ("plate", "cup")
MIDDLE: Corners = ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))
NEARLY_ALL: Corners = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.99), (0.0, 0.99))


def speckled(seed: int = 1) -> Picture:
    """A picture with edges everywhere."""
    coarse = np.random.default_rng(seed).integers(0, 255, (24, 32, 1), dtype=np.uint8)
    return np.ascontiguousarray(np.repeat(np.repeat(coarse, 20, axis=0), 20, axis=1).repeat(3, axis=2))


class Box:
    """A configuration in a folder, and a desk over it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / "edge.yaml"
        self.config.write_text(CONFIG)
        (root / "menu.yaml").write_text("items:\n- {sku: plate, detects_as: plate}\n")
        self.folder = root / "state" / "setup"
        self.picture: Picture | None = speckled()
        self.served: list[Settings] = []
        self.restarts = 0
        self.busy: type[Exception] | None = None
        self.desk = self.made(restart=self.restart)

    def made(self, *, restart: Callable[[], None] | None) -> SetupDesk:
        return SetupDesk(
            read=partial(load_laid_over, self.config),
            running=load_settings(self.config),
            classes=CLASSES,
            thresholds=lambda eagerness: shifted(Thresholds(), eagerness),
            newest=lambda _station: self.picture,
            take_effect=self.serve,
            restart=restart,
            clock=FakeClock(),
        )

    def serve(self, settings: Settings) -> None:
        if self.busy is not None:
            raise self.busy
        self.served.append(settings)

    def restart(self) -> None:
        self.restarts += 1

    def draw(self, corners: Corners, slot_id: str = "slot", station: str = "pass") -> None:
        self.desk.draw(station, [DrawnSlot(slot_id, corners)], by=BY)

    def files(self) -> set[str]:
        return {path.name.partition("-")[0] for path in self.folder.iterdir()} if self.folder.exists() else set()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_drawn_slots_are_kept_and_wait_for_a_new_start(box: Box) -> None:
    assert box.desk.shown().waiting == frozenset()
    box.draw(MIDDLE)
    shown = box.desk.shown()
    assert (shown.stations[0].slots, shown.waiting) == ((DrawnSlot("slot", MIDDLE),), frozenset({Choice.SLOTS}))
    assert shown.stations[0].drawn_at is not None
    assert load_settings(box.config).stations[0].slots[0].polygon == MIDDLE
    assert box.made(restart=None).shown().waiting == frozenset()
    box.desk.forget(Choice.SLOTS, "pass")
    assert box.desk.shown().waiting == frozenset()


@pytest.mark.parametrize(
    ("slot_id", "corners", "station", "error"),
    [
        ("slot", ((0.1, 0.1), (0.11, 0.1), (0.11, 0.11)), "pass", BadInput),
        ("Slot 1", MIDDLE, "pass", BadInput),
        ("window", MIDDLE, "pass", BadInput),
        ("slot", MIDDLE, "none", Unknown),
    ],
)
def test_a_drawing_that_makes_no_sense_changes_nothing(
    box: Box, slot_id: str, corners: Corners, station: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        box.draw(corners, slot_id, station)
    assert box.files() == set()


def test_the_reference_is_small_and_grey_and_says_as_much_to_the_meter(box: Box) -> None:
    box.draw(MIDDLE)
    box.desk.take_reference("pass", by=BY)
    station = load_settings(box.config).stations[0]
    assert station.camera is not None
    assert station.camera.reference is not None
    kept = read_photograph(station.camera.reference)
    assert kept.shape == (240, 320, 3)
    assert box.picture is not None
    frame = LiveFrame(picture=box.picture, at_s=0.0)
    slots = [slot.slot(640, 480).polygon for slot in station.slots]
    whole = PictureMeter(reference=box.picture, slots=slots).measure(frame)
    assert meter_for(station).measure(frame).similarity == whole.similarity == 1.0
    assert meter_for(station).measure(LiveFrame(picture=speckled(2), at_s=0.1)).similarity != 1.0
    assert Choice.REFERENCE in box.desk.shown().waiting


def test_a_reference_needs_a_camera_with_a_picture_and_something_around_the_slots(box: Box) -> None:
    for station, picture, said in (("window", speckled(), "no camera"), ("pass", None, "no picture")):
        box.picture = picture
        with pytest.raises(Conflict, match=said):
            box.desk.take_reference(station, by=BY)
    box.picture = speckled()
    with pytest.raises(Conflict, match="too little of the picture"):
        box.desk.take_reference("pass", by=BY)
    assert box.files() == set()


def test_slots_that_leave_nothing_to_compare_drop_the_reference(box: Box) -> None:
    """Else the agent would refuse to start."""
    box.draw(MIDDLE)
    box.desk.take_reference("pass", by=BY)
    box.draw(NEARLY_ALL)
    assert box.desk.shown().stations[0].has_reference is False
    assert box.files() == {"setup.yaml"}


def test_a_reference_that_the_agent_was_started_with_stays_until_the_next_start(box: Box) -> None:
    box.draw(MIDDLE)
    box.desk.take_reference("pass", by=BY)
    first = load_settings(box.config).stations[0].camera
    box.desk = box.made(restart=None)
    box.picture = speckled(2)
    box.desk.take_reference("pass", by=BY)
    assert first is not None
    assert first.reference is not None
    assert first.reference.exists()
    box.desk = box.made(restart=None)
    box.draw(MIDDLE)
    assert not first.reference.exists()


def test_a_menu_is_taken_at_once(box: Box) -> None:
    box.desk.use_menu(b"sku,detects_as\n7,cup\n", "Karte.csv", by=BY)
    assert (box.desk.shown().menu.file, box.desk.shown().menu.uploaded) == ("Karte.csv", True)
    assert load_menu(box.served[-1].menu).menu.find("7") is not None
    box.desk.forget(Choice.MENU)
    assert box.served[-1].menu == box.root / "menu.yaml"
    assert box.files() == {"setup.yaml"}


def test_a_menu_that_does_not_read_changes_nothing(box: Box) -> None:
    with pytest.raises(BadConfig, match="knows only"):
        box.desk.use_menu(b"sku,detects_as\n7,soup\n", "menu.csv", by=BY)
    assert (box.served, box.files()) == ([], set())


def test_the_menu_learns_and_remembers_what_it_was_told(box: Box) -> None:
    box.desk.know([Known(sku="7", means=Meaning.BY_HAND, name="Ketchup")], by=BY)
    box.desk.know([Known(sku="8", means=Meaning.LOOKS, of="cup")], by=BY)
    menu = load_menu(box.served[-1].menu).menu
    assert [menu.find(sku) is not None for sku in ("plate", "7", "8")] == [True, True, True]
    assert [known.sku for known in box.desk.shown().menu.known] == ["7", "8"]
    with pytest.raises(BadInput, match="knows '7' already"):
        box.desk.know([Known(sku="7", means=Meaning.BY_HAND)], by=BY)
    assert len(list(box.folder.glob("menu-*"))) == 1


def test_what_was_said_of_skus_can_be_said_again_of_a_menu_that_was_changed(box: Box) -> None:
    box.desk.know([Known(sku=sku, means=Meaning.BY_HAND) for sku in ("7", "8")], by=BY)
    (box.root / "menu.yaml").write_text(
        "items:\n- {sku: plate, detects_as: plate}\n- {sku: '8', detects_as: cup}\n- {sku: new, detects_as: cup}\n"
    )
    assert box.desk.shown().set_aside == ("menu",)
    assert box.desk.shown().menu.known == ()
    box.desk.know([], by=BY)
    menu = load_menu(box.served[-1].menu).menu
    assert [menu.find(sku) is not None for sku in ("7", "8", "new")] == [True, True, True]
    assert (box.desk.shown().set_aside, [k.sku for k in box.desk.shown().menu.known]) == ((), ["7"])


def test_the_slider_is_taken_at_once_and_bounded(box: Box) -> None:
    box.desk.move_slider(-2, by=BY)
    assert box.served[-1].detector.eagerness == -2
    assert box.desk.shown().moved_at is not None
    with pytest.raises(BadInput):
        box.desk.move_slider(4, by=BY)
    box.desk.forget(Choice.SLIDER)
    assert (box.served[-1].detector.eagerness, box.desk.shown().moved_at) == (0, None)
    assert box.desk.thresholds(99) == box.desk.thresholds(3)


def test_a_checker_that_is_busy_does_not_undo_what_was_chosen(box: Box) -> None:
    box.busy = TimeoutError
    with pytest.raises(StoreBusy, match="from the next start on"):
        box.desk.move_slider(1, by=BY)
    assert box.desk.shown().eagerness == 1


def test_the_end_of_the_trial_is_kept_with_what_the_audits_said(box: Box) -> None:
    box.desk.end_trial(audited_right=12, high=None, early=True, by=BY)
    shown = box.desk.shown()
    assert (shown.shadow, shown.waiting) == (False, frozenset({Choice.TRIAL_MODE}))
    assert shown.ended is not None
    assert (shown.ended.audited_right, shown.ended.early, shown.ended.by) == (12, True, BY)
    with pytest.raises(Conflict):
        box.desk.end_trial(audited_right=12, high=None, early=True, by=BY)
    box.desk.forget(Choice.TRIAL_MODE)
    assert (box.desk.shown().shadow, box.desk.shown().ended) == (True, None)


def test_a_test_is_remembered(box: Box) -> None:
    box.desk.note_tried("pass", by=BY)
    assert box.desk.shown().tried_at is not None
    with pytest.raises(Unknown):
        box.desk.note_tried("none", by=BY)


def test_only_what_would_be_started_again_is_ended(box: Box) -> None:
    box.desk.restart()
    assert (box.restarts, box.desk.shown().can_restart) == (1, True)
    alone = box.made(restart=None)
    assert alone.shown().can_restart is False
    with pytest.raises(Conflict):
        alone.restart()


def test_a_configuration_that_does_not_read_refuses_every_change(box: Box) -> None:
    box.draw(MIDDLE)
    box.config.write_text("stations: x\n")
    for change in (box.desk.shown, lambda: box.draw(NEARLY_ALL), lambda: box.desk.move_slider(1, by=BY)):
        with pytest.raises(BadConfig):
            change()
    box.config.write_text(CONFIG)
    assert box.desk.shown().stations[0].slots == (DrawnSlot("slot", MIDDLE),)
