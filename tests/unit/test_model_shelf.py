"""Which pack is active survives whatever breaks in between; the way back is known, step by step."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.adapters.model_shelf import ModelShelf, follows_pointer, led_to, shelf_folder
from edge_agent.errors import BadInput, BadModelPack
from edge_agent.formats.activations import Activation, activation_line, read_activation, standing
from edge_agent.formats.pack import MANIFEST_NAME

NOON = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)


def change(before: str | None, after: str, kind: str = "activate") -> Activation:
    return Activation.model_validate(
        {
            "at": NOON,
            "kind": kind,
            "from": before,
            "from_sha256": None if before is None else "a" * 64,
            "to": after,
            "to_sha256": "b" * 64,
            "gate": {"passed": False, "why": "crème"},
            "override": "the old one does not know the new bowls",
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three packs, as far as the shelf looks at them, and something that is none."""
    for name in ("one", "two", "three"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / MANIFEST_NAME).touch()
    (tmp_path / "models" / "checkpoints").mkdir()
    return tmp_path / "models"


@pytest.fixture
def shelf(folder: Path) -> ModelShelf:
    return ModelShelf(folder=folder)


def history(shelf: ModelShelf) -> tuple[str, ...]:
    return standing(shelf.activations(), shelf.pointed_at())


def test_nothing_is_active_at_first(shelf: ModelShelf) -> None:
    assert (shelf.active(), shelf.activations(), history(shelf)) == (None, (), ())
    with pytest.raises(BadModelPack, match="no pack is active yet"):
        shelf.active_pack()


def test_only_folders_with_a_manifest_are_packs(shelf: ModelShelf) -> None:
    shelf.switch(change(None, "one"))
    assert [path.name for path in shelf.packs()] == ["one", "three", "two"]


def test_an_activation_moves_the_pointer_and_stands_in_the_journal(shelf: ModelShelf) -> None:
    changes = (change(None, "one"), change("one", "two"))
    for each in changes:
        shelf.switch(each)
    assert shelf.active_pack() == shelf.folder / "two"
    assert shelf.pointer_path.read_text() == "two\n"
    assert shelf.activations() == changes
    assert sorted(path.name for path in shelf.folder.iterdir() if path.is_file()) == ["activations.jsonl", "active"]


class PowerCut(Exception):
    """Nothing after this point happens."""


def cut(fresh: Path, pointer: Path) -> None:
    raise PowerCut


def test_a_power_cut_before_the_rename_leaves_the_old_pack_active(
    shelf: ModelShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the line that never took effect leads nobody back to a pack that never ran."""
    shelf.switch(change(None, "one"))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", cut)
        with pytest.raises(PowerCut):
            shelf.switch(change("one", "two"))
    assert shelf.active() == "one"
    assert len(shelf.activations()) == 2
    assert history(shelf) == ("one",)
    shelf.switch(change("one", "three"))
    assert shelf.active() == "three"
    assert history(shelf) == ("one", "three")


def test_a_journal_with_a_torn_last_line_is_read_with_a_warning(
    shelf: ModelShelf, caplog: pytest.LogCaptureFixture
) -> None:
    """The cut came while the line was written: the pointer had not moved, and the next line stands on its own."""
    shelf.switch(change(None, "one"))
    torn = activation_line(change("one", "two")).encode()
    with shelf.journal_path.open("ab") as journal:
        journal.write(torn[: len(torn) // 2])
    with caplog.at_level(logging.WARNING):
        assert history(shelf) == ("one",)
    assert "activations.jsonl:2: " in caplog.text
    shelf.switch(change("one", "three"))
    assert [entry.to_pack for entry in shelf.activations()] == ["one", "three"]
    assert history(shelf) == ("one", "three")


def test_no_beginning_of_a_line_passes_for_the_whole() -> None:
    line = activation_line(change("one", "two")).encode()
    for length in range(len(line) - 1):  # all but the end of the line, which says nothing
        with pytest.raises(BadInput, match=r"^journal:7: "):
            read_activation(line[:length], path=Path("journal"), line=7)


def test_a_line_of_the_journal_reads_back() -> None:
    one = change("one", "two")
    assert read_activation(activation_line(one).encode(), path=Path("journal"), line=1) == one


def test_an_activation_against_a_pack_that_is_active_no_more_is_refused(shelf: ModelShelf) -> None:
    """A comparison takes minutes; in between somebody else may have activated a better pack."""
    shelf.switch(change(None, "one"))
    shelf.switch(change("one", "three"))
    with pytest.raises(BadInput, match="meanwhile 'three' was activated"):
        shelf.switch(change("one", "two"))
    assert shelf.active() == "three"
    assert len(shelf.activations()) == 2


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"../one\n", b"/etc\n", b"one\ntwo\n", b"\xff\xfe", b"one\0", b"a" * 5000, b".hidden\n"]
)
def test_a_damaged_pointer_is_one_sentence_and_an_activation_mends_it(shelf: ModelShelf, raw: bytes) -> None:
    shelf.switch(change(None, "one"))
    shelf.pointer_path.write_bytes(raw)
    with pytest.raises(BadModelPack, match=r"active: it should hold one line.*models activate"):
        led_to(shelf.pointer_path)
    assert history(shelf) == ("one",)
    shelf.switch(change("one", "two"))
    assert shelf.active() == "two"


def test_a_pointer_to_a_pack_that_is_gone_is_one_sentence(shelf: ModelShelf) -> None:
    shelf.switch(change(None, "one"))
    (shelf.folder / "one" / MANIFEST_NAME).unlink()
    with pytest.raises(BadModelPack, match=r"names 'one', but .*one holds no model.yaml.*rollback"):
        led_to(shelf.pointer_path)


def test_a_pointer_copied_through_another_system_still_reads(shelf: ModelShelf) -> None:
    """Git and zip may change the end of the line, an editor may leave it out."""
    for raw in (b"one", b"one\r\n", b" one \n"):
        shelf.pointer_path.write_bytes(raw)
        assert shelf.active() == "one"


def test_a_configured_path_leads_to_a_pack_directly_or_by_the_pointer(shelf: ModelShelf) -> None:
    shelf.switch(change(None, "two"))
    assert led_to(shelf.folder / "one") == shelf.folder / "one"
    assert led_to(shelf.folder / "active") == shelf.folder / "two"
    assert led_to(shelf.folder) == shelf.folder / "two"
    assert led_to(shelf.folder / "nowhere") == shelf.folder / "nowhere"


def test_a_pack_in_a_folder_called_active_is_a_pack(tmp_path: Path) -> None:
    """What a path meant before there were pointers, it means still."""
    (tmp_path / "active").mkdir()
    (tmp_path / "active" / MANIFEST_NAME).touch()
    assert led_to(tmp_path / "active") == tmp_path / "active"
    assert not follows_pointer(tmp_path / "active", tmp_path)


def test_the_shelf_of_a_configured_path_is_found(shelf: ModelShelf) -> None:
    shelf.switch(change(None, "two"))
    for path, follows in ((shelf.folder / "one", False), (shelf.folder / "active", True), (shelf.folder, True)):
        assert shelf_folder(path) == shelf.folder
        assert follows_pointer(path, shelf.folder) is follows
    assert not follows_pointer(shelf.folder / "active", shelf.folder / "one")


def test_a_pack_that_lies_elsewhere_has_no_name_here(shelf: ModelShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shelf.folder / "one")
    assert shelf.name_of(Path()) == "one"
    assert shelf.name_of(Path("../two")) == "two"
    with pytest.raises(BadModelPack, match="copy the folder there first"):
        shelf.name_of(shelf.folder.parent / "one")
    with pytest.raises(BadModelPack, match="rename it"):
        shelf.name_of(shelf.folder / "my pack")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written"):
        ModelShelf(folder=tmp_path / "nowhere").switch(change(None, "one"))
    with pytest.raises(BadModelPack, match="cannot be read"):
        ModelShelf(folder=tmp_path / "nowhere").packs()


def test_rolling_back_twice_goes_two_steps_back() -> None:
    there = [change(None, "one"), change("one", "two"), change("two", "three")]
    back = [change("three", "two", "rollback"), change("two", "one", "rollback")]
    assert standing(there, "three") == ("one", "two", "three")
    assert standing([*there, back[0]], "two") == ("one", "two")
    assert standing([*there, *back], "one") == ("one",)
    assert standing([*there, back[0], change("two", "three")], "three") == ("one", "two", "three")


def test_a_pointer_written_by_hand_is_a_step_of_its_own() -> None:
    assert standing([change(None, "one")], "two") == ("one", "two")
    assert standing([change(None, "one"), change("two", "three")], "three") == ("one", "two", "three")
    assert standing([], "two") == ("two",)


@dataclass
class Told:
    """What a box really did, beside what its journal says."""

    stack: list[str] = field(default_factory=lambda: ["one"])
    journal: list[Activation] = field(default_factory=lambda: [change(None, "one")])

    def do(self, name: str, has_effect: bool) -> None:
        """Activate `name`, or roll back where it is empty; without effect, only the line is written."""
        if name in ("", self.stack[-1]) and len(self.stack) < 2:
            return
        if name in ("", self.stack[-1]):
            self.journal.append(change(self.stack[-1], self.stack[-2], "rollback"))
            self.stack = self.stack[:-1] if has_effect else self.stack
        else:
            self.journal.append(change(self.stack[-1], name))
            self.stack = [*self.stack, name] if has_effect else self.stack


@given(st.lists(st.tuples(st.sampled_from(["", "one", "two", "three"]), st.booleans())))
def test_the_journal_tells_what_really_happened_wherever_the_power_was_cut(steps: list[tuple[str, bool]]) -> None:
    told = Told()
    for name, has_effect in steps:
        told.do(name, has_effect)
    assert standing(told.journal, told.stack[-1]) == tuple(told.stack)
