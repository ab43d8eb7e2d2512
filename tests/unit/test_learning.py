"""learn: the labelled trays of a store become a folder that training and evaluation read, and nothing else happens."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from edge_agent.adapters.sqlite_history import SqliteHistory
from edge_agent.adapters.sqlite_store import SqliteStore
from edge_agent.app import candidate, candidate_start
from edge_agent.app.comparing import PackScored
from edge_agent.app.learning import Collected, collect
from edge_agent.app.own_checks import MADE_UP
from edge_agent.checking.labels import LabelKind, NoLabel
from edge_agent.domain.alert import Resolution
from edge_agent.domain.events import AlertResolved, OrderAccepted
from edge_agent.domain.matching import CheckedLine, LineResult, VerdictKind
from edge_agent.domain.order import Order
from edge_agent.domain.record import Audit, Confirmation, Run, StaffRole
from edge_agent.errors import BadConfig, BadInput
from edge_agent.formats.pack import MANIFEST_NAME, load_manifest
from edge_agent.formats.recordings import open_trays
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.ports import Evidence
from tests.builders import line, order
from tests.fakes_store import FakeClock
from tests.store_builders import left, raised, reached
from tests.unit import test_cli
from tests.unit.test_cli import Run as RunCommand

run = test_cli.run
here = test_cli.here

MENU = """
items:
  - {sku: plate, detects_as: plate}
  - {sku: bread, detects_as: bread}
  - {sku: roll, detects_as: bread}
  - {sku: soup, detects_as: soup}
  - {sku: sauce, detects_as: sauce, visibility: presence}
modifiers:
  - {name: extra bread, adds: bread}
"""
MISSING = CheckedLine(skus=("plate",), name="Plate", expected=1, seen=0, result=LineResult.MISSING, off_by=1)


@dataclass(slots=True)
class Restaurant:
    """A store that fills with trays, and people who say something about them."""

    folder: Path
    store: SqliteStore
    clock: FakeClock
    run_id: int = 0
    trays: int = 0
    checks: list[int] = field(default_factory=list)

    @property
    def db(self) -> Path:
        return self.store.path

    def tray(self, *orders: Order, kind: VerdictKind = VerdictKind.MATCH, pictures: int = 1) -> str:
        """A tray comes, is checked and leaves; returns its session."""
        self.run_id = self.run_id or self.store.begin_run(Run())
        self.trays += 1
        session_id = f"left-{self.trays:04d}"
        verdict = reached(session_id, orders=tuple(each.key for each in orders), kind=kind, lines=(MISSING,))
        evidence = [
            Evidence(session_id=session_id, at_s=2.0 + n, jpeg=f"{session_id} {n}".encode()) for n in range(pictures)
        ]
        known = [OrderAccepted(at_s=0.0, order=each) for each in orders]
        stored = self.store.commit(self.run_id, [*known, verdict], evidence=evidence)
        self.checks += stored.check_ids
        if kind is VerdictKind.MISMATCH:
            self.store.commit(self.run_id, [raised(f"{session_id}-alert-1", session_id=session_id)])
        self.store.commit(self.run_id, [left(verdict)])
        return session_id

    def confirmed(self, *orders: Order, pictures: int = 1) -> str:
        session_id = self.tray(*orders, pictures=pictures)
        said = Confirmation(run_id=self.run_id, session_id=session_id, check_id=self.checks[-1], role=StaffRole.CREW)
        self.store.confirm(said)
        return session_id

    def system_wrong(self) -> str:
        session_id = self.tray(order("A-1", "plate", business_day="2026-01-31"), kind=VerdictKind.MISMATCH)
        answer = AlertResolved(
            at_s=8.0, alert_id=f"{session_id}-alert-1", resolution=Resolution.SYSTEM_WRONG, by_staff=True
        )
        self.store.commit(self.run_id, [answer])
        return session_id

    def audited(self, *orders: Order, **contents: int) -> str:
        session_id = self.tray(*orders)
        self.store.audit(Audit(run_id=self.run_id, session_id=session_id, role=StaffRole.MANAGER, contents=contents))
        return session_id

    def collect(self, into: str | None = "trays", **more: Any) -> Collected:
        return collect(self.db, self.folder / "menu.yaml", None if into is None else self.folder / into, **more)


@pytest.fixture
def restaurant(tmp_path: Path) -> Iterator[Restaurant]:
    (tmp_path / "menu.yaml").write_text(MENU)
    clock = FakeClock()
    with ExitStack() as stack:
        store = stack.enter_context(SqliteStore(path=tmp_path / "edge.sqlite", clock=clock))
        yield Restaurant(tmp_path, store, clock)


def test_the_folder_reads_as_trays_with_their_checks(restaurant: Restaurant) -> None:
    restaurant.tray(order("A-9", "plate"))
    restaurant.confirmed(order("B-1", "plate", line("bread", 2)), pictures=2)
    restaurant.system_wrong()
    restaurant.audited(order("C-1", "plate", "bread"), plate=1)
    collected = restaurant.collect()
    folder = open_trays(restaurant.folder / "trays")
    assert {name: dict(tray.contents) for name, tray in folder.trays.items()} == {
        "own-2": {"plate": 1, "bread": 2},
        "own-3": {"plate": 1},
        "own-4": {"plate": 1},
    }
    assert all(tray.sure for tray in folder.trays.values())
    assert [tray.note for tray in folder.trays.values()] == ["confirmed", "system_wrong", "audited"]
    assert [tray.hard for tray in folder.trays.values()] == [False, True, False]
    assert [(c.check_id, c.expected) for c in folder.checks if MADE_UP not in c.check_id] == [
        ("own-2-own", "match"),
        ("own-3-own", "match"),
        ("own-4-own", "mismatch"),
    ]
    shown = [(folder.root / image).read_bytes() for image in folder.trays["own-2"].images]
    assert shown == [b"left-0002 0", b"left-0002 1"]
    assert collected.trays == {LabelKind.AUDITED: 1, LabelKind.SYSTEM_WRONG: 1, LabelKind.CONFIRMED: 1}
    assert collected.passed_over == {NoLabel.SYSTEM_ONLY: 1}
    assert collected.classes == {"plate": 3, "bread": 1}
    assert (collected.sessions, collected.photographs, collected.hard) == (4, 4, 1)
    assert (collected.checks, collected.made_up) == (len(folder.checks), len(folder.checks) - 3)


def test_wrong_orders_are_made_up_for_trays_that_are_right(restaurant: Restaurant) -> None:
    """Nobody confirms a wrong tray: without them a gate would have no wrong order that could be caught."""
    restaurant.confirmed(order("A", "plate", line("bread", 2)))
    restaurant.confirmed(order("B", "plate"))
    collected = restaurant.collect()
    checks = open_trays(restaurant.folder / "trays").checks
    wanted = {c.check_id: ({each.sku: each.quantity for each in c.order.lines}, c.expected) for c in checks}
    assert wanted == {
        "own-1-own": ({"plate": 1, "bread": 2}, "match"),
        "own-1-made-up-forgotten": ({"plate": 2, "bread": 2}, "mismatch"),
        "own-1-made-up-surplus": ({"bread": 2}, "mismatch"),
        "own-2-own": ({"plate": 1}, "match"),
        "own-2-made-up-forgotten": ({"plate": 1, "soup": 1}, "mismatch"),
    }, "one thing that does not lie there, or one too much; nobody orders nothing"
    assert all(MADE_UP in c.order.order_id for c in checks if MADE_UP in c.check_id)
    assert collected.made_up == 3


def test_the_same_wrong_orders_are_made_up_when_it_is_collected_again(restaurant: Restaurant) -> None:
    """A gate that is held again must ask the same."""
    restaurant.confirmed(order("A", "plate", "bread"))
    restaurant.collect("first")
    restaurant.confirmed(order("B", "plate"))
    restaurant.collect("second")
    first, second = (open_trays(restaurant.folder / name).checks for name in ("first", "second"))
    assert first == second[: len(first)]


def test_nothing_is_made_up_where_a_tray_holds_what_cannot_be_ordered_by_number(restaurant: Restaurant) -> None:
    restaurant.confirmed(order("A", "plate"))
    restaurant.audited(plate=1, sauce=1)
    restaurant.audited()
    restaurant.collect()
    checks = [check.check_id for check in open_trays(restaurant.folder / "trays").checks]
    assert {name.partition("-made-up")[0] for name in checks if MADE_UP in name} == {"own-1"}


def test_tray_numbers_rise_with_time_and_stay_when_it_is_collected_again(restaurant: Restaurant) -> None:
    """A block of trays that was held out once must name the same trays for ever."""
    restaurant.confirmed(order("A", "plate"))
    restaurant.collect("first")
    for n in range(3):
        restaurant.confirmed(order(f"B-{n}", "plate"))
    restaurant.collect("second")
    first, second = (open_trays(restaurant.folder / name) for name in ("first", "second"))
    assert list(second.trays) == ["own-1", "own-2", "own-3", "own-4"]
    assert first.trays["own-1"] == second.trays["own-1"]
    assert list(second.only([TrayBlock.parse("own-2:own-3")]).trays) == ["own-2", "own-3"]


def test_more_trays_than_a_page_are_all_looked_at_in_their_order(
    restaurant: Restaurant,
) -> None:
    for n in range(5):
        restaurant.confirmed(order(f"B-{n}", "plate"))
    seen: list[tuple[int, int]] = []
    collected = restaurant.collect(page=2, on_tray=lambda done, total: seen.append((done, total)))
    assert list(open_trays(restaurant.folder / "trays").trays) == [f"own-{n}" for n in range(1, 6)]
    assert collected.sessions == 5
    assert seen == [(2, 5), (4, 5), (5, 5)]


def test_trays_before_a_day_can_be_left_out(restaurant: Restaurant) -> None:
    restaurant.confirmed(order("A", "plate"))
    restaurant.clock.advance(86_400)
    restaurant.confirmed(order("B", "plate"))
    assert restaurant.collect(None, since=date(2026, 2, 1)).labelled == 1
    assert restaurant.collect(None, since=date(2026, 1, 31)).labelled == 2
    with pytest.raises(BadInput, match="it has no tray of 2030-01-01 or later"):
        restaurant.collect(since=date(2030, 1, 1))


def test_a_dry_run_counts_and_writes_nothing(restaurant: Restaurant) -> None:
    restaurant.confirmed(order("A", "plate"))
    before = sorted(restaurant.folder.iterdir())
    collected = restaurant.collect(None)
    assert (collected.labelled, collected.into) == (1, None)
    assert sorted(restaurant.folder.iterdir()) == before


def test_the_store_is_not_changed(restaurant: Restaurant) -> None:
    restaurant.confirmed(order("A", "plate"))
    history = SqliteHistory(path=restaurant.db)
    before = history.sessions(), sorted(restaurant.store.pictures.folder.rglob("*"))
    restaurant.collect()
    assert (history.sessions(), sorted(restaurant.store.pictures.folder.rglob("*"))) == before


def test_what_the_till_wrote_about_a_guest_stays_in_the_store(restaurant: Restaurant) -> None:
    """The folder may be taken to another machine to train on; it needs what was ordered, not for whom."""
    asked = order(
        "A",
        line("plate", name="for Ms Miller", modifiers=("extra bread", "table of Ms Miller")),
        notes="Miller, nut allergy",
        display_number="Miller",
    )
    restaurant.confirmed(asked)
    restaurant.collect()
    assert "Miller" not in "".join(path.read_text() for path in (restaurant.folder / "trays").glob("*.jsonl"))
    check = open_trays(restaurant.folder / "trays").checks[0]
    assert check.order.lines[0].modifiers == ("extra bread",)
    assert check.expected == "match"


def test_a_combo_whose_parts_were_all_voided_does_not_grow_them_again(restaurant: Restaurant) -> None:
    """Without its children the line would stand for all that the menu says it contains."""
    menu = restaurant.folder / "menu.yaml"
    menu.write_text(MENU.replace("items:", "items:\n  - {sku: box, detects_as: box, contains: [{sku: bread}]}"))
    restaurant.confirmed(order("A", line("box", children=(line("bread", voided=True),))))
    restaurant.collect()
    check = open_trays(restaurant.folder / "trays").checks[0]
    assert check.expected == "match"


def test_an_audited_tray_of_nobody_gets_an_order_of_what_lies_there(restaurant: Restaurant) -> None:
    restaurant.audited(plate=1, roll=2)
    restaurant.audited(plate=1, sauce=1)
    collected = restaurant.collect()
    check = open_trays(restaurant.folder / "trays").checks[0]
    assert [(each.sku, each.quantity) for each in check.order.lines] == [("plate", 1), ("bread", 2)]
    assert check.expected == "match"
    assert (collected.labelled, collected.checks - collected.made_up) == (2, 1), "of a sauce no number can be ordered"


def test_several_orders_on_one_tray_make_one_check(restaurant: Restaurant) -> None:
    restaurant.confirmed(order("A", "plate"), order("B", "plate", "bread"))
    restaurant.collect()
    folder = open_trays(restaurant.folder / "trays")
    assert folder.trays["own-1"].contents == {"plate": 2, "bread": 1}
    assert [(len(c.order.lines), c.expected) for c in folder.checks[:1]] == [(3, "match")]


def test_pictures_that_were_deleted_are_left_out(restaurant: Restaurant) -> None:
    restaurant.confirmed(order("A", "plate"), pictures=2)
    restaurant.confirmed(order("B", "plate"))
    names = [check.pictures for check in reversed(SqliteHistory(path=restaurant.db).checks())]
    for name in (names[0][0], names[1][0]):
        restaurant.store.pictures.path_of(name).unlink()
    collected = restaurant.collect()
    assert (collected.labelled, collected.photographs) == (1, 1)
    assert collected.passed_over == {NoLabel.NO_PICTURE: 1}


def test_of_very_many_pictures_the_latest_are_taken(restaurant: Restaurant) -> None:
    """The format of trays has a bound, and one tray that lay for an hour must not spoil the folder."""
    restaurant.confirmed(order("A", "plate"), pictures=70)
    assert restaurant.collect().photographs == 64
    (tray,) = open_trays(restaurant.folder / "trays").trays.values()
    assert (restaurant.folder / "trays" / tray.images[-1]).read_bytes() == b"left-0001 69"


def test_classes_that_the_model_has_never_seen_are_named(restaurant: Restaurant) -> None:
    restaurant.confirmed(order("A", "plate", "soup"))
    restaurant.confirmed(order("B", "soup"))
    assert restaurant.collect(None, known={"plate", "bread"}).new_classes == {"soup": 2}
    assert restaurant.collect(None).new_classes is None


def test_without_any_label_it_is_said_what_makes_one(restaurant: Restaurant) -> None:
    for n in range(3):
        restaurant.tray(order(f"A-{n}", "plate"))
    with pytest.raises(BadInput, match=r"edge\.sqlite: none of its 3 trays.*3 x only the system.*blind audit.*fixed"):
        restaurant.collect()
    assert not (restaurant.folder / "trays").exists()


def test_a_store_without_trays_is_said_to_have_none(restaurant: Restaurant) -> None:
    with pytest.raises(BadInput, match="it has no tray"):
        restaurant.collect()


def test_a_folder_that_holds_something_is_not_touched(restaurant: Restaurant) -> None:
    restaurant.confirmed(order("A", "plate"))
    into = restaurant.folder / "trays"
    into.mkdir()
    restaurant.collect()
    before = (into / "trays.jsonl").read_bytes()
    with pytest.raises(BadInput, match="there already"):
        restaurant.collect()
    assert (into / "trays.jsonl").read_bytes() == before
    with pytest.raises(BadInput, match=r"nowhere does not exist"):
        restaurant.collect("nowhere/trays")


def test_a_folder_that_cannot_be_written_is_named_and_leaves_nothing(restaurant: Restaurant) -> None:
    restaurant.confirmed(order("A", "plate"))
    name = SqliteHistory(path=restaurant.db).checks()[0].pictures[0]
    picture = restaurant.store.pictures.path_of(name)
    before = sorted(restaurant.folder.iterdir())
    with pytest.raises(BadInput, match="cannot be written"):
        restaurant.collect("x" * 250)
    assert sorted(restaurant.folder.iterdir()) == before
    assert picture.is_file()


def test_a_database_or_menu_that_does_not_read_is_named(restaurant: Restaurant) -> None:
    with pytest.raises(BadInput, match=r"other\.sqlite"):
        collect(restaurant.folder / "other.sqlite", restaurant.folder / "menu.yaml", None)
    with pytest.raises(BadConfig, match=r"other\.yaml"):
        collect(restaurant.db, restaurant.folder / "other.yaml", None)


# The command


def test_the_command_prints_what_there_is_to_learn(run: RunCommand, here: Path, restaurant: Restaurant) -> None:
    (here / "menu.yaml").write_text(MENU)
    restaurant.confirmed(order("A", "plate", "soup"))
    restaurant.tray(order("B", "plate"))
    eyes = ("--pack", "pack", "--menu", "menu.yaml")
    told = run("learn", "--db", "edge.sqlite", "--into", "mine", *eyes)
    assert told.status == 0
    assert "1 of 2 trays have a label (0 hard), with 1 photographs and 3 checks, " in told.out
    assert "2 of them wrong orders that were made up." in told.out
    assert "only the system said so" in told.out
    assert "soup" in told.err
    counted = run("learn", "--db", "edge.sqlite", "--dry-run", "--json", *eyes).json
    assert counted == {
        "into": None,
        "sessions": 2,
        "labelled": 1,
        "hard": 0,
        "photographs": 1,
        "checks": 3,
        "made_up": 2,
        "trays": {"confirmed": 1},
        "passed_over": {"system_only": 1},
        "classes": {"plate": 1, "soup": 1},
        "new_classes": {"soup": 1},
    }
    entries = [json.loads(text) for text in (here / "mine" / "trays.jsonl").read_text().splitlines()]
    assert [entry["tray_id"] for entry in entries] == ["own-1"]


def test_a_dry_run_tells_of_a_store_that_has_nothing_to_teach_yet(
    run: RunCommand, here: Path, restaurant: Restaurant
) -> None:
    """Whoever only asks how far it is gets an answer, and no error."""
    (here / "menu.yaml").write_text(MENU)
    restaurant.tray(order("A", "plate"))
    eyes = ("--pack", "pack", "--menu", "menu.yaml")
    told = run("learn", "--db", "edge.sqlite", "--dry-run", *eyes)
    assert (told.status, told.err) == (0, "")
    for said in ("0 of 1 trays have a label", "only the system said so", "What makes a label: a blind audit"):
        assert said in " ".join(told.out.split())
    counted = run("learn", "--db", "edge.sqlite", "--dry-run", "--json", *eyes).json
    assert (counted["labelled"], counted["passed_over"]) == (0, {"system_only": 1})


def test_the_command_refuses_in_one_sentence(run: RunCommand, here: Path, restaurant: Restaurant) -> None:
    eyes = ("--pack", "pack", "--menu", "menu.yaml")
    run("learn", "--db", "edge.sqlite", *eyes).refused("--into")
    for more in (("--checkpoint", "w.pt"), ("--epochs", "3")):
        run("learn", "--db", "edge.sqlite", "--into", "mine", *more, *eyes).refused("name the model pack to write with")
    run("learn", "--into", "mine", *eyes).refused("mine holds no trays", "with --db")
    run("learn", "--db", "edge.sqlite", "--into", "mine", "--since", "soon", *eyes).refused("like 2026-01-31")
    run("learn", "--db", "none.sqlite", "--into", "mine", *eyes).refused("none.sqlite")
    run("learn", "--db", "edge.sqlite", "--into", "mine", *eyes).refused("What makes a label")


def test_the_command_for_8_bit_forms_can_be_typed_as_it_is_told_wherever_the_folders_lie(
    run: RunCommand, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with a space in its name would be two."""
    active = load_manifest(here / "pack" / MANIFEST_NAME)
    made = candidate.Candidate(
        scored=PackScored(manifest=active), judged_by=TrayBlock("own", 3, 4), comparison=None, untaught=()
    )
    start = candidate_start.Start(active=active, names=active.classes, is_certain=True)
    monkeypatch.setattr(candidate_start, "start_from", lambda *_: start)
    monkeypatch.setattr(candidate, "make_candidate", lambda *_, **__: made)
    (here / "my trays").mkdir()
    (here / "my trays" / "trays.jsonl").touch()
    given = ("--into", "my trays", "--candidate", "new pack", "--checkpoint", "w.pt", "--menu", "menu.yaml")
    told = run("learn", *given, "--pack", "pack").out
    typed = told.partition("It runs in fp32; '")[2].rpartition("' makes 8-bit forms.")[0]
    wanted = ["new pack", "--trays", "my trays", "--held-out", "own-3:own-4", "--menu", "menu.yaml"]
    assert shlex.split(typed) == ["edge-agent", "quantize", *wanted]
