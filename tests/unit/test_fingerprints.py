"""A folder that was begun with something else is not gone on in."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.errors import BadInput
from edge_agent.training.fingerprints import begin_or_go_on, hash_of_photographs, hash_of_trays
from edge_agent.training.labelling import CountedTray

ASKED = {"recipe": {"epochs": 90, "seed": 20}, "classes": ("plate", "fruit"), "start_from": None}


def test_the_same_again_goes_on(tmp_path: Path) -> None:
    begin_or_go_on(tmp_path / "run" / "plan.json", ASKED)
    begin_or_go_on(tmp_path / "run" / "plan.json", ASKED)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["plan.json"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"recipe": {"epochs": 120, "seed": 20}}, "recipe.epochs was 90 and is 120 now"),
        ({"classes": ("plate", "drink")}, "classes had fruit where it has drink now"),
        ({"classes": ("fruit", "plate")}, "classes came in another order"),
        ({"start_from": "ab" * 32}, r"start_from was nothing and is \.\.\.abab"),
        ({"trays_sha256": "cd" * 32}, r"trays_sha256 was nothing and is \.\.\.cdcd"),
    ],
)
def test_anything_else_is_refused_and_names_the_folder(tmp_path: Path, other: dict[str, object], said: str) -> None:
    begin_or_go_on(tmp_path / "run" / "plan.json", ASKED)
    before = (tmp_path / "run" / "plan.json").read_bytes()
    with pytest.raises(BadInput, match=said) as refused:
        begin_or_go_on(tmp_path / "run" / "plan.json", {**ASKED, **other})
    assert refused.value.path == tmp_path / "run"
    assert (tmp_path / "run" / "plan.json").read_bytes() == before


def test_of_many_differences_some_are_told_and_the_rest_is_counted(tmp_path: Path) -> None:
    begin_or_go_on(tmp_path / "plan.json", ASKED)
    settings = {f"setting_{n}": n for n in range(20)}
    with pytest.raises(BadInput, match=r"setting_5 was nothing and is 5 now, and 14 more\. Name another folder"):
        begin_or_go_on(tmp_path / "plan.json", {**ASKED, "every_fit": settings})


def test_the_note_of_an_older_version_is_not_taken_apart(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"epochs": 90, "seed": 20}')
    with pytest.raises(BadInput, match="begun with an older version of the agent"):
        begin_or_go_on(tmp_path / "plan.json", ASKED)


def test_trays_hash_alike_wherever_they_lie_and_otherwise_when_anything_of_them_changes(tmp_path: Path) -> None:
    def tray(
        folder: str, picture: bytes = b"a picture", count: int = 1, *, hard: bool = False, tray_id: str = "noon-1"
    ) -> CountedTray:
        path = tmp_path / folder / "0.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(picture)
        return CountedTray(tray_id, (path,), {"plate": count}, hard)

    here = hash_of_trays([tray("here")])
    assert hash_of_trays([tray("there")]) == here
    others = [tray("a", b"another"), tray("b", count=2), tray("c", hard=True)]
    assert len({here, *(hash_of_trays([each]) for each in others), hash_of_trays([])}) == 5
    coarser = hash_of_photographs([tray("d", count=3, hard=True)])
    assert hash_of_photographs([tray("e")]) == coarser, "what lies there may be counted otherwise"
    others = [tray("f", b"another"), tray("g", tray_id="noon-2")]
    assert len({coarser, *(hash_of_photographs([each]) for each in others), hash_of_photographs([])}) == 4
