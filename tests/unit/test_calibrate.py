"""Calibration: the operator's budget of false alarms is kept on the trays it was found on, and decides the rest."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from edge_agent.domain.detection import Detection
from edge_agent.domain.matching import compare
from edge_agent.domain.menu import wanted
from edge_agent.domain.voting import contents_of
from edge_agent.training.calibrate import HIGHEST, LOWEST, Calibrated, LabelledTray, calibrate
from tests.builders import line, menu, order, seen

NAMES = ("plate", "bread", "drink")


def trays(number: int, seed: int, blur: float) -> list[LabelledTray]:
    """Trays as a detector sees them that is right by and large: the more blur, the less."""
    dice = random.Random(seed)
    made = []
    for _ in range(number):
        counts = {name: dice.choice((0, 1, 1, 2)) for name in NAMES}
        shots: list[tuple[Detection, ...]] = []
        for _ in range(dice.choice((1, 4))):
            shot: list[Detection] = []
            for row, (name, count) in enumerate(counts.items()):
                scores = [min(0.99, max(0.02, dice.gauss(0.8, blur))) for _ in range(count)]
                scores += [min(0.99, max(0.02, dice.gauss(0.2, blur))) for _ in range(dice.choice((0, 0, 1)))]
                shot += [seen(name, 60 + 80 * n, 60 + 80 * row, each) for n, each in enumerate(scores)]
            shots.append(tuple(shot))
        made.append(LabelledTray(seen=tuple(shots), counts={name: n for name, n in counts.items() if n}))
    return made


def verdicts(found: Calibrated, of: list[LabelledTray]) -> Counter[str]:
    """What the checker says of the trays, each held against the very order that it was made from."""
    plain = menu(*NAMES)
    orders = [order("A", *(line(name, count) for name, count in tray.counts.items())) for tray in of]
    return Counter(
        compare(plain, wanted(plain, each), contents_of(tray.fused, found.thresholds)).kind.value
        for each, tray in zip(orders, of, strict=True)
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("budget", [0.0, 0.02, 0.1, 0.3])
def test_the_budget_is_kept_on_the_trays_it_was_found_on(seed: int, budget: float) -> None:
    """Nought means nought: with scores that overlap, everything doubtful is left amber."""
    of = trays(40, seed, blur=0.15)
    found = calibrate(of, NAMES, false_alarms=budget)
    assert found.false_alarms <= budget
    said = verdicts(found, of)
    assert (said["mismatch"], said["match"]) == (round(found.false_alarms * 40), round(found.decided * 40))


@pytest.mark.parametrize("seed", range(2))
def test_a_larger_budget_never_decides_less(seed: int) -> None:
    of = trays(30, seed, blur=0.2)
    found = [calibrate(of, NAMES, false_alarms=budget) for budget in (0.0, 0.05, 0.1, 0.3, 1.0)]
    decided = [each.decided for each in found]
    assert decided == sorted(decided)


def test_it_is_told_whether_a_larger_budget_would_be_bolder() -> None:
    """Else an operator turns at a number that does nothing."""
    of = trays(30, 4, blur=0.2)
    found = {budget: calibrate(of, NAMES, false_alarms=budget) for budget in (0.0, 1.0)}
    assert found[0.0].thresholds != found[1.0].thresholds
    assert (found[0.0].is_at_budget, found[1.0].is_at_budget) == (True, False)
    assert not calibrate(trays(30, 2, blur=0.02), NAMES, false_alarms=0.0).is_at_budget


@pytest.mark.parametrize("blur", [0.01, 0.2, 0.5])
def test_thresholds_rise_and_stay_within_reason(blur: float) -> None:
    found = calibrate(trays(30, 1, blur), NAMES, false_alarms=0.1)
    assert set(found.thresholds.by_class) == set(NAMES)
    for limits in found.thresholds.by_class.values():
        assert LOWEST <= limits.possible <= limits.present <= HIGHEST
        assert (round(limits.possible, 4), round(limits.present, 4)) == (limits.possible, limits.present)


def test_clear_scores_are_all_decided() -> None:
    of = [tray for tray in trays(30, 2, blur=0.02) if tray.counts]
    found = calibrate(of, NAMES, false_alarms=0.0)
    assert (found.false_alarms, found.decided) == (0.0, 1.0)


def test_a_tray_that_is_seen_blank_is_open() -> None:
    """The checker says that it saw nothing, whatever was ordered: no false alarm, no catch, and nothing decided."""
    right = LabelledTray(seen=((seen("plate", score=0.9),),), counts={"plate": 1})
    blank = LabelledTray(seen=((),), counts={"plate": 1})
    of = [*[right] * 30, blank]
    found = calibrate(of, NAMES, false_alarms=0.0)
    assert verdicts(found, of) == {"match": 30, "unsure": 1}
    assert (found.false_alarms, found.unavoidable) == (0.0, 0.0)
    assert found.decided == pytest.approx(30 / 31)
    only_blank = calibrate([LabelledTray(seen=((),), counts={})] * 3, NAMES, false_alarms=0.0)
    assert (only_blank.decided, only_blank.caught) == (0.0, 0.0)


def test_a_class_that_no_tray_holds_gets_cautious_thresholds() -> None:
    """What was never seen is never called missing or extra for certain on a whim."""
    found = calibrate([LabelledTray(seen=((seen("plate", score=0.9),),), counts={"plate": 1})], NAMES, false_alarms=0.0)
    assert found.false_alarms == 0
    assert LOWEST <= found.thresholds.of("bread").possible <= found.thresholds.of("bread").present


def test_a_class_that_the_model_never_sees_is_never_called_missing() -> None:
    """Bread lies on every tray and is seen on none: that it is not seen says nothing, and each red would be false."""
    blind = [LabelledTray(seen=((seen("plate", score=0.9),),), counts={"plate": 1, "bread": 1})] * 5
    found = calibrate(blind, NAMES, false_alarms=0.0)
    assert (found.false_alarms, found.decided) == (0.0, 0.0)
    assert "bread" in found.thresholds.overlooked
    assert "plate" not in found.thresholds.overlooked


def test_one_wrong_label_does_not_push_a_threshold_to_an_extreme() -> None:
    """Photographs are boxed by people: one forgotten box among twenty must not make the class unbelievable."""
    right = LabelledTray(seen=((seen("plate", score=0.9),),), counts={"plate": 1})
    empty = LabelledTray(seen=((),), counts={})
    unboxed = LabelledTray(seen=((seen("plate", score=0.94),),), counts={})
    found = calibrate([*[right] * 20, *[empty] * 10, unboxed], ("plate",), false_alarms=0.1)
    assert found.thresholds.of("plate").present < 0.9


def test_trays_without_photographs_or_without_any_tray() -> None:
    assert calibrate([LabelledTray(seen=(), counts={})], NAMES, false_alarms=0.1).false_alarms == 0
    with pytest.raises(ValueError, match="without a labelled tray"):
        calibrate([], NAMES, false_alarms=0.1)


def test_the_same_trays_give_the_same_thresholds() -> None:
    of = trays(20, 3, blur=0.2)
    assert calibrate(of, NAMES, false_alarms=0.1) == calibrate(of, NAMES, false_alarms=0.1)


@pytest.mark.parametrize("blur", [0.1, 0.25])
def test_no_budget_buys_what_is_likelier_than_one_in_five_to_be_wrong(blur: float) -> None:
    """A few dozen trays without a false alarm do not prove that there will be none."""
    assert max(calibrate(trays(34, 5, blur), NAMES, false_alarms=1.0).doubts) <= 0.2
