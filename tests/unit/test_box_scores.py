"""Average precision on drawn boxes: what a pack scores, and how sure that is with so few trays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.domain.detection import Detection
from edge_agent.domain.geometry import Box
from edge_agent.errors import BadInput
from edge_agent.formats.pack import PackManifest
from edge_agent.training.box_scores import OVERLAPS, BoxScores, Found, average_precisions, hits_of, score_boxes, scored
from tests.builders_onnx import constant_model, raw_output, write_pack

Floats = npt.NDArray[np.float64]

SIDE_PX = 100
Sides = tuple[float, float, float, float]
LEFT: Sides = (10, 10, 40, 40)
RIGHT: Sides = (60, 60, 90, 90)
AWAY: Sides = (10, 60, 20, 70)


def found(*rows: tuple[float, bool, int], drawn: Sequence[int]) -> Found:
    """Things found, as score, whether it meets a box at every overlap, and tray."""
    best_first = sorted(rows, key=lambda row: -row[0])
    return Found(
        scores=np.array([score for score, _, _ in best_first]),
        hits=np.array([[hit] * len(OVERLAPS) for _, hit, _ in best_first], np.bool_).reshape(-1, len(OVERLAPS)),
        trays=np.array([tray for _, _, tray in best_first], np.intp),
        drawn=np.array(drawn, np.intp),
    )


def ap50(seen: Found, weights: Sequence[float] | None = None) -> float:
    each = np.ones(len(seen.drawn)) if weights is None else np.array(weights, np.float64)
    return float(average_precisions(seen, each)[0])


def test_a_drawn_box_is_met_once_and_by_the_best() -> None:
    hits = hits_of(np.array([LEFT, LEFT, RIGHT]), np.array([LEFT, RIGHT], np.float64))
    assert hits.all(axis=1).tolist() == [True, False, True]


def test_of_two_drawn_boxes_the_nearer_one_is_met() -> None:
    """Else the second thing found would have none left."""
    shifted: Sides = (14, 10, 44, 40)
    hits = hits_of(np.array([shifted, LEFT]), np.array([LEFT, shifted], np.float64))
    assert hits.all()


def test_a_box_that_is_too_wide_meets_at_small_overlaps_alone() -> None:
    wide: Sides = (10, 10, 50, 40)  # 30 x 30 of 40 x 30 pixels: 0.75
    assert hits_of(np.array([wide]), np.array([LEFT], np.float64))[0].tolist() == [True] * 6 + [False] * 4


def test_nothing_drawn_is_met_by_nothing() -> None:
    assert not hits_of(np.array([LEFT]), np.zeros((0, 4))).any()


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (found((0.9, True, 0), (0.8, True, 0), drawn=[2]), 1.0),
        (found((0.9, True, 0), drawn=[2]), 51 / 101),
        (found((0.9, False, 0), (0.8, True, 0), drawn=[1]), 0.5),
        (found((0.9, True, 0), (0.8, False, 0), drawn=[1]), 1.0),
        (found((0.9, False, 0), drawn=[1]), 0.0),
        (found(drawn=[1]), 0.0),
    ],
    ids=["all", "half of them", "something else first", "something else last", "only something else", "nothing"],
)
def test_the_average_precision_is_that_of_coco(seen: Found, expected: float) -> None:
    assert ap50(seen) == pytest.approx(expected)


ROWS = st.lists(
    st.tuples(st.floats(0.01, 0.99), st.booleans(), st.integers(0, 2)), max_size=12, unique_by=lambda r: r[0]
)


@given(rows=ROWS, weights=st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_a_tray_that_is_drawn_twice_counts_as_if_it_lay_there_twice(
    rows: list[tuple[float, bool, int]], weights: list[int]
) -> None:
    drawn = [max(1, sum(hit for _, hit, tray in rows if tray == at)) for at in range(3)]
    repeated = [row for row in rows for _ in range(weights[row[2]])]
    as_if = found(*repeated, drawn=[count * weight for count, weight in zip(drawn, weights, strict=True)])
    once = average_precisions(found(*rows, drawn=drawn), np.array(weights))
    assert once == pytest.approx(average_precisions(as_if, np.ones(3)), nan_ok=True, abs=0.5 / 101)


@given(rows=ROWS)
def test_what_is_wrong_and_fainter_than_all_else_costs_nothing_and_in_front_of_all_it_does_no_good(
    rows: list[tuple[float, bool, int]],
) -> None:
    drawn = [max(1, sum(hit for _, hit, tray in rows if tray == at)) for at in range(3)]
    before = ap50(found(*rows, drawn=drawn))
    assert 0 <= before <= 1
    assert ap50(found(*rows, (0.001, False, 0), drawn=drawn)) == pytest.approx(before)
    assert ap50(found(*rows, (0.999, False, 0), drawn=drawn)) <= before + 1e-12


def test_a_class_that_is_missed_on_some_trays_has_an_interval_and_one_that_never_is_has_none() -> None:
    trays = 6
    some = found(*((0.9, True, at) for at in range(4)), drawn=[1] * trays)
    always = found(*((0.9, True, at) for at in range(trays)), drawn=[1] * trays)
    told = scored({"some": some, "always": always}, photographs=12, trays=trays).as_metrics("boxed photographs (val)")
    assert told["boxed_on"] == "boxed photographs (val): 12 of 6 trays"
    assert told["boxed_ap50_always"] == "1.000, 6 boxes on 6 trays"
    share, _, rest = str(told["boxed_ap50_some"]).partition(" [")
    low, high = (float(each) for each in rest.partition("]")[0].split(", "))
    assert low < float(share) < high
    assert (share, rest.partition("], ")[2]) == ("0.663", "6 boxes on 6 trays")


def test_draws_of_trays_on_which_nothing_lies_tell_nothing() -> None:
    """One tray in two has a box: one draw of two trays in four has none at all."""
    told = scored({"plate": found((0.9, True, 0), drawn=[1, 0])}, photographs=2, trays=2)
    assert (told.map50.low, told.map50.high) == (1.0, 1.0)


def test_where_trays_are_drawn_without_a_class_the_others_make_the_mean() -> None:
    """Five draws in six of seven trays leave a class out that lies on one of them about one time in three."""
    rare = found((0.9, True, 0), drawn=[1, 0, 0, 0, 0, 0, 0])
    never = found(drawn=[1] * 7)
    told = scored({"rare": rare, "never": never}, photographs=7, trays=7)
    assert (told.classes["rare"].ap50.low, told.classes["never"].ap50.high) == (1.0, 0.0)
    assert (told.map50.value, told.map50.low, told.map50.high) == (0.5, 0.0, 0.5)


# --- of a pack -------------------------------------------------------------------------------------------------------


class Fixed:
    """A detector that sees the same on every picture."""

    classes = ("plate", "bread")

    def __init__(self, *seen: tuple[str, float, Sides]) -> None:
        self._seen = tuple(Detection(name, score, Box(*sides)) for name, score, sides in seen)

    def detect(self, picture: npt.NDArray[Any]) -> tuple[Detection, ...]:
        assert picture.shape == (SIDE_PX, SIDE_PX, 3)
        return self._seen


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    """Two trays with two photographs each; on each a cup, which no pack knows, and a plate."""
    for folder in ("images", "labels"):
        (tmp_path / "boxes" / folder / "val").mkdir(parents=True)
    for name in ("a-1", "a-2", "b-1", "b-2"):
        cv2.imwrite(str(tmp_path / "boxes" / "images" / "val" / f"{name}.png"), np.zeros((SIDE_PX, SIDE_PX, 3)))
        lines = ["0 0.75 0.75 0.3 0.3", "1 0.25 0.25 0.3 0.3"]
        (tmp_path / "boxes" / "labels" / "val" / f"{name}.txt").write_text("\n".join(lines))
    return tmp_path / "boxes"


def score(boxes: Path, detector: Fixed, drawn_as: tuple[str, ...] = ("cup", "plate")) -> tuple[BoxScores, PackManifest]:
    opened: list[PackManifest] = []

    def open_detector(_: Path, manifest: PackManifest) -> Fixed:
        opened.append(manifest)
        return detector

    pack = boxes.parent / "pack"
    limits = {"default": {"present": 0.6, "possible": 0.4}}
    write_pack(pack, constant_model(raw_output([])), "ultralytics_raw", thresholds=limits)
    looked: list[tuple[int, int]] = []
    told = score_boxes(
        pack,
        boxes,
        drawn_as,
        open_detector=open_detector,
        read_photograph=lambda path: np.asarray(cv2.imread(str(path)), np.uint8),
        on_photograph=lambda done, total: looked.append((done, total)),
    )
    assert looked == [(number, 4) for number in range(1, 5)]
    return told, opened[0]


def test_a_pack_is_held_against_what_was_drawn_of_its_classes(boxes: Path) -> None:
    """The cup that it does not know, and the bread that nobody drew, are no business of these scores."""
    seen = Fixed(("plate", 0.9, LEFT), ("bread", 0.8, RIGHT), ("plate", 0.3, AWAY))
    told, manifest = score(boxes, seen)
    assert (told.photographs, told.trays, list(told.classes)) == (4, 2, ["plate"])
    plate = told.classes["plate"]
    assert (plate.boxes, plate.trays, plate.ap50.value, told.map50_95.value) == (4, 2, 1.0, 1.0)
    assert manifest.score_floor < 0.01, "its own thresholds cut off what the curve needs"


def test_what_is_wrong_in_front_costs_precision(boxes: Path) -> None:
    told, _ = score(boxes, Fixed(("plate", 0.9, AWAY), ("plate", 0.8, LEFT)))
    assert told.map50.value == pytest.approx(0.5)


def test_boxes_of_nothing_that_the_pack_knows_are_refused(boxes: Path) -> None:
    with pytest.raises(BadInput, match=r"labels/val: nothing was drawn there that .* reports \(plate, bread"):
        score(boxes, Fixed(), drawn_as=("cup", "spoon"))
