"""Labels from orders: what is believed, what is left out, and what boxes of coarser names become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.errors import BadInput
from edge_agent.formats.recordings import open_trays
from edge_agent.formats.tray_block import TrayBlock
from edge_agent.training.boxed import BoxedPhotograph, read_boxed
from edge_agent.training.labelling import (
    Acceptance,
    CountedTray,
    Naming,
    PixelBox,
    Taught,
    counted_trays,
    label_trays,
    names_given,
    rename_boxes,
)
from edge_agent.training.sightings import Sighting, overlaps

CLASSES = ("dish", "drink")
ITEMS = ("can", "drink", "salad", "soup")
LOOK = {"soup": 0, "salad": 1, "drink": 2, "can": 3, "hand": 4}
CALLED = {"soup": (0, 0.9), "salad": (0, 0.8), "drink": (1, 0.9), "can": (1, 0.04), "hand": (1, 0.02)}
FAINT_ELSE = 0.01
"""What the teacher thinks of all other names."""
SIZE_PX = (640, 480)


class Shelf:
    """Photographs that are only names: what lies where is in the name, as `soup.can.hand` (`_`: nothing).

    `called` says under which of `classes` classes who looks knows each thing, and how loud.
    """

    def __init__(self, called: Mapping[str, tuple[int, float]] = CALLED, classes: int = len(CLASSES)) -> None:
        self.called, self.classes = called, classes

    def look(self, photograph: Path, *, also: Sequence[PixelBox] = ()) -> Sighting:
        things = photograph.stem.split("-")[-1].split(".")
        own = [(40.0 + 120 * place, 40.0, 120.0 + 120 * place, 120.0) for place in range(len(things))]
        boxes: list[PixelBox] = []
        scores: list[list[float]] = []
        looks = []
        for box, name in [*((box, self._at(box, own, things)) for box in also), *zip(own, things, strict=True)]:
            if name == "_" or (box in own and also and self._taken(box, also)):
                continue
            dice = np.random.default_rng([LOOK[name], len(boxes), len(things)])
            look = dice.normal(0, 0.2, 6)
            look[LOOK[name]] += 2
            named, loud = self.called[name]
            boxes.append(box)
            scores.append([loud if column == named else FAINT_ELSE for column in range(self.classes)])
            looks.append(look)
        return Sighting(np.array(boxes, np.float32), np.array(scores, np.float32), np.array(looks, np.float32), SIZE_PX)

    @staticmethod
    def _at(box: PixelBox, own: Sequence[PixelBox], things: Sequence[str]) -> str:
        return things[int(overlaps(np.array(box, np.float32), np.array(own, np.float32)).argmax())]

    @staticmethod
    def _taken(box: PixelBox, also: Sequence[PixelBox]) -> bool:
        return bool(overlaps(np.array(box, np.float32), np.array(also, np.float32)).max() > 0.5)


def tray(number: int, things: str) -> CountedTray:
    """A tray of two photographs on which these things lie; hands are not ordered."""
    counts = {name: things.split(".").count(name) for name in things.split(".") if name != "hand"}
    return CountedTray(f"t-{number}", (Path(f"a-{things}.jpg"), Path(f"b-{things}.jpg")), counts)


KINDS = ("soup.hand", "salad.hand", "drink.soup", "can.salad.hand", "can.soup", "salad.drink.hand", "can", "hand.drink")
TRAYS = [tray(number, KINDS[number % len(KINDS)]) for number in range(40)]


def teach(into: Path, trays: Sequence[CountedTray] = TRAYS, accept: Acceptance | None = None) -> Taught:
    return label_trays(trays, ITEMS, into, look=Shelf().look, accept=accept or Acceptance())


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    return teach(tmp_path_factory.mktemp("taught"))


def named(labels: str) -> list[str]:
    return [ITEMS[int(line.split()[0])] for line in labels.splitlines()]


def test_every_photograph_gets_the_boxes_of_its_order(usual: Taught) -> None:
    assert len(usual.photographs) == 80
    for photograph in usual.photographs:
        things = photograph.path.stem.split("-")[-1].split(".")
        assert sorted(named(photograph.label_path.read_text())) == sorted(t for t in things if t != "hand")


def test_a_box_is_written_as_shares_of_the_picture(usual: Taught) -> None:
    [first, *_] = usual.photographs
    assert first.label_path.read_text() == "3 0.125000 0.166667 0.125000 0.166667\n", "soup, 40 to 120 of 640 by 480"


def test_a_photograph_on_which_an_item_cannot_be_found_is_left_out(tmp_path: Path) -> None:
    gone = CountedTray("t-99", (Path("a-hand.jpg"), Path("b-hand.jpg")), {"soup": 1})
    taught = teach(tmp_path, [*TRAYS, gone])
    assert not any(photograph.label_path.name.startswith("t-99") for photograph in taught.photographs)


def test_a_tray_with_something_nobody_ordered_is_left_out(tmp_path: Path) -> None:
    """Its order is wrong, or late, or another's: whatever it teaches would be wrong."""
    more = CountedTray("t-99", (Path("a-soup.drink.jpg"), Path("b-soup.drink.jpg")), {"soup": 1})
    taught = teach(tmp_path, [*TRAYS, more])
    assert not any(photograph.label_path.name.startswith("t-99") for photograph in taught.photographs)


def test_a_tray_is_believed_only_if_its_photographs_agree(tmp_path: Path) -> None:
    half = CountedTray("t-99", (Path("a-soup.jpg"), Path("b-_.hand.jpg")), {"soup": 1})
    alone = CountedTray("t-98", (Path("a-soup.jpg"),), {"soup": 1})
    names = {
        photograph.label_path.stem.split("-")[1] for photograph in teach(tmp_path, [*TRAYS, half, alone]).photographs
    }
    assert "99" not in names
    assert "98" in names, "a tray with one photograph has no others to ask"


def test_what_the_teacher_calls_each_item_is_counted(usual: Taught) -> None:
    calls = names_given(usual, CLASSES)
    assert calls["soup"].most_common(1)[0][0] == "dish"
    assert calls["can"].most_common(1)[0][0] == "?", "it has no name for a can"


def boxed(tmp_path: Path, stem: str, labels: str) -> BoxedPhotograph:
    """A boxed photograph in the classes `dish` and `drink`."""
    for kind in ("images", "labels"):
        (tmp_path / kind / "train").mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(tmp_path / "images/train" / f"{stem}.jpg"), np.zeros((48, 64, 3), np.uint8))
    (tmp_path / "labels/train" / f"{stem}.txt").write_text(labels)
    return read_boxed(tmp_path, "train", CLASSES)[0]


PLACES = ("0.125 0.1667 0.125 0.1667", "0.3125 0.1667 0.125 0.1667")


def renamed(tmp_path: Path, photograph: BoxedPhotograph, taught: Taught) -> list[list[str]]:
    found = rename_boxes(
        [photograph],
        Naming.of(taught, CLASSES, ITEMS),
        tmp_path / "renamed",
        look=Shelf().look,
        taught=taught,
    )
    return [named(each.label_path.read_text()) for each in found]


def test_a_box_of_a_coarser_name_becomes_the_item_it_looks_like(tmp_path: Path, usual: Taught) -> None:
    photograph = boxed(tmp_path, "x-soup.salad", f"0 {PLACES[0]}\n0 {PLACES[1]}\n")
    assert renamed(tmp_path, photograph, usual) == [["soup", "salad"]]


def test_a_box_whose_name_is_an_item_keeps_it(tmp_path: Path, usual: Taught) -> None:
    photograph = boxed(tmp_path, "x-drink", f"1 {PLACES[0]}\n")
    assert renamed(tmp_path, photograph, usual) == [["drink"]]


def test_a_class_that_no_order_names_stays_what_it_is(usual: Taught) -> None:
    """Else its boxes would be given the name of whatever is new."""
    naming = Naming.of(usual, (*CLASSES, "spoon"), ITEMS)
    assert naming.stands_for["spoon"] == ("spoon",)
    assert naming.stands_for["dish"] == ("salad", "soup")
    assert naming.items == (*ITEMS, "spoon"), "the items keep their numbers"


def test_a_class_that_must_stay_does_although_an_item_looks_like_it(usual: Taught) -> None:
    """A restaurant's candidate must serve its whole menu, also what lay on none of the trays that teach."""
    naming = Naming.of(usual, CLASSES, ITEMS, keep=("dish",))
    assert naming.items == (*ITEMS, "dish")
    assert naming.stands_for["dish"] == ("dish",)


def test_photographs_of_one_name_in_two_folders_keep_a_label_file_each(tmp_path: Path) -> None:
    named_alike = CountedTray("t-99", (Path("a/x-soup.jpg"), Path("b/x-soup.jpg")), {"soup": 1})
    taught = teach(tmp_path, [*TRAYS, named_alike])
    files = [each.label_path.name for each in taught.photographs if each.label_path.name.startswith("t-99")]
    assert files == ["t-99-0.txt", "t-99-1.txt"]


def test_a_thing_that_nobody_boxed_gets_its_box_where_orders_taught_its_look(tmp_path: Path, usual: Taught) -> None:
    """Left without, it would teach the student that a can is nothing."""
    photograph = boxed(tmp_path, "x-drink.can", f"1 {PLACES[0]}\n")
    assert renamed(tmp_path, photograph, usual) == [["drink", "can"]]


KNOWN = {"can": (0, 0.9), "drink": (1, 0.9), "salad": (2, 0.9), "soup": (3, 0.2), "hand": (1, 0.02)}
"""How a teacher sees things that knows the items, but soup."""


def test_a_teacher_that_knows_the_items_says_which_of_them_were_drawn_under_a_class(tmp_path: Path) -> None:
    look = Shelf(KNOWN, len(ITEMS)).look
    drawn = [
        boxed(tmp_path, "w-can.drink", f"1 {PLACES[0]}\n1 {PLACES[1]}\n"),
        boxed(tmp_path, "x-salad.soup", f"0 {PLACES[0]}\n0 {PLACES[1]}\n"),
    ]
    photographs = read_boxed(tmp_path, "train", CLASSES)
    assert len(photographs) == len(drawn)
    naming = Naming.of_boxes(photographs, (*CLASSES, "spoon"), ITEMS, ITEMS, look=look)
    assert naming.stands_for == {"dish": ("salad",), "drink": ("drink",), "spoon": ("spoon",)}, "a name stays a name"
    assert naming.items == (*ITEMS, "spoon"), "what the teacher knows keeps its numbers"
    assert naming.new == ("soup",), "that it hardly sees: what looks like it gets a box"


def test_trays_kept_apart_or_not_sure_teach_nothing(tmp_path: Path) -> None:
    rows = [
        '{"tray_id": "noon-1", "images": ["1.jpg"], "contents": {"soup": 1}, "sure": true}',
        '{"tray_id": "noon-2", "images": ["2.jpg"], "contents": {"soup": 1}, "sure": true}',
        '{"tray_id": "noon-3", "images": ["3.jpg"], "contents": {"soup": 1}, "sure": false}',
    ]
    (tmp_path / "trays.jsonl").write_text("\n".join(rows) + "\n")
    order = '{"order_id": "a", "lines": [{"sku": "soup", "quantity": 1}]}'
    check = f'{{"check_id": "a", "tray_id": "noon-1", "order": {order}, "expected": "match"}}'
    (tmp_path / "orders.jsonl").write_text(check + "\n")
    for name in ("1", "2", "3"):
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), np.zeros((48, 64, 3), np.uint8))
    kept = counted_trays(open_trays(tmp_path), apart=[TrayBlock.parse("noon-2:noon-9")])
    assert [tray.tray_id for tray in kept] == ["noon-1"]
    with pytest.raises(BadInput, match="lies in the block eve-1:eve-9"):
        counted_trays(open_trays(tmp_path), apart=[TrayBlock.parse("eve-1:eve-9")])
