"""What the benchmark of the running agent says of its figures."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edge_agent.app.live_measured import LiveMeasured, Load

WELL = Load(core_share=0.5, resident_mb=240.0, decided_ms=600.0, dropped_share=0.01, stale_share=0.0)
MEASURED = LiveMeasured(
    verdict_ms=(590.0, 650.0),
    alert_ms=None,
    trays=26,
    alerts=0,
    idle_core_share=0.04,
    loads={1: WELL, 2: WELL, 4: replace(WELL, decided_ms=1_600.0)},
    answer_ms=1_900.0,
    first_verdict_ms=2_400.0,
    cores=2,
)


@pytest.mark.parametrize(
    ("load", "is_sustained"),
    [
        (WELL, True),
        (replace(WELL, decided_ms=1_500.0), True),
        (replace(WELL, decided_ms=1_501.0), False),
        (replace(WELL, decided_ms=None), False),
        (replace(WELL, dropped_share=0.03, stale_share=0.03), False),
    ],
)
def test_stations_are_sustained_while_verdicts_come_in_time_and_hardly_a_picture_is_lost(
    load: Load, *, is_sustained: bool
) -> None:
    assert load.is_sustained == is_sustained


def test_the_largest_number_of_stations_that_went_well_counts() -> None:
    assert MEASURED.sustained == 2
    assert replace(MEASURED, loads={1: replace(WELL, decided_ms=None)}).sustained == 0


def test_every_figure_stands_beside_its_budget_and_what_was_not_measured_is_called_so() -> None:
    said = MEASURED.as_lines()
    assert [line for line in said if "budget" not in line] == [
        "tray still -> alert at a subscriber: not measured (0 alerts, each after 700 ms)",
        "start of the process -> first answer of the API: 1900 ms",
    ]
    assert any("4.0% of one core (budget 5 %)" in line for line in said)
    assert any("4 station(s)" in line and "240 MB (budget 530)" in line for line in said)
    assert "stations sustained on 2 core(s): 2 of 1, 2, 4 " in said[-1]


def test_programs_are_given_the_same() -> None:
    read = json.loads(json.dumps(MEASURED.as_json()))
    assert read["loads"]["4"]["decided_ms"] == 1_600.0
    assert (read["alert_ms"], read["sustained"], read["first_verdict_ms"]) == (None, 2, 2_400.0)
