"""Cross-validation: what thresholds do on trays that did not set them, and less than they promise on their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_agent.training.calibrate import calibrate
from edge_agent.training.cross_validation import cross_validate
from tests.unit.test_calibrate import NAMES, trays


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("blur", [0.01, 0.3])
def test_it_promises_less_than_thresholds_do_where_they_come_from(seed: int, blur: float) -> None:
    of = trays(30, seed, blur)
    flattered = calibrate(of, NAMES, false_alarms=0.05)
    honest = cross_validate(of, NAMES, false_alarms=0.05, folds=3)
    assert honest.trays == 30
    assert 0 < honest.decided < 30 * flattered.decided
    assert honest.false_alarms >= 30 * flattered.false_alarms


def test_a_tray_with_a_slip_in_its_label_is_contradicted_by_the_others() -> None:
    """On its own it would move the thresholds until they agree with it."""
    of = trays(20, 1, blur=0.01)
    plain = cross_validate(of, NAMES, false_alarms=0.0, folds=5)
    of[3] = replace(of[3], counts={**of[3].counts, "bread": of[3].counts.get("bread", 0) + 1})
    slip = cross_validate(of, NAMES, false_alarms=0.0, folds=5)
    assert calibrate(of, NAMES, false_alarms=0.0).false_alarms == 0.0
    assert slip.false_alarms == 1.0
    assert slip.surprise > plain.surprise


def test_a_detector_that_tells_things_apart_less_well_surprises_more() -> None:
    surprises = [cross_validate(trays(24, 2, blur), NAMES, false_alarms=0.05, folds=4).surprise for blur in (0.05, 0.3)]
    assert surprises[0] < surprises[1]


@pytest.mark.parametrize("folds", [1, 17])
def test_parts_without_a_tray_are_refused(folds: int) -> None:
    with pytest.raises(ValueError, match="16 trays make no"):
        cross_validate(trays(16, 3, blur=0.2), NAMES, false_alarms=0.05, folds=folds)
