"""The benchmark: all sides run alike, and what it says can be read by a person and by a program."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest

from edge_agent.evaluation.bench import TURN, WARM_UP_ROUNDS, Measured, Timing, alternate, pictures_or_noise

MEASURED = Measured(
    bare_ms=10.0,
    detect_ms={"fp32": 10.4, "int8": 5.0, "int8_convs on openvino": 4.0},
    ultralytics_ms={"pt": 20.8, "onnx": None},
    notes={"ultralytics .onnx": "ultralytics is not installed (extra 'train')"},
    scores={"fp32": {"caught": 0.9}, "int8": None, "ultralytics .pt": {"caught": 0.8}},
    provider="cpu",
    threads=2,
    input_shape=(1, 3, 64, 64),
    pictures=1,
    rounds=3,
    runtime="1.31",
    cpu="a processor",
    cpu_flags=(),
)


def test_all_sides_run_equally_often_on_the_same_pictures_and_take_turns_in_going_first() -> None:
    """Whoever goes first finds the cache cold; that must not always be the same side."""
    ran: list[tuple[str, int]] = []
    told: list[tuple[int, int]] = []

    sides = {name: lambda n, name=name: ran.append((name, n)) for name in ("bare", "fp32", "int8")}
    times = alternate(sides, 12, lambda *step: told.append(step), rest_s=0)
    assert list(times) == ["bare", "fp32", "int8"]
    assert all(timing.median_ms >= 0 and timing.spread >= 1 for timing in times.values())
    assert all([n for each, n in ran if each == name] == [*range(WARM_UP_ROUNDS + 12)] for name in sides)
    turns = [[name for name, _ in group] for _, group in groupby(ran, key=lambda run: (run[0], run[1] // TURN))]
    assert [len(turn) for turn in turns] == [*[TURN] * 9, *[2] * 3]
    assert [turn[0] for turn in turns[::3]] == ["bare", "fp32", "int8", "bare"]
    assert told == [(0, 12), (5, 12), (10, 12), (12, 12)]


@pytest.mark.parametrize(("slow_ms", "is_said"), [(11.0, False), (16.0, True)])
def test_a_machine_that_was_busy_meanwhile_is_told_of(slow_ms: float, is_said: bool) -> None:
    """Its medians are of whatever else ran there, and one would choose a form by them for a year."""
    timing = Timing.of([10.0, 10.0, 10.0, slow_ms, slow_ms, slow_ms])
    said = "\n".join(replace(MEASURED, spreads={"bare": 1.0, "int8": timing.spread}).as_lines())
    assert ("this machine was busy with something else: the slower quarter of 'int8'" in said) == is_said


def test_what_the_agent_adds_is_a_share_of_the_bare_session() -> None:
    said = MEASURED.as_json()
    assert (said["bare_fp32_ms"], said["detect_ms"]["fp32"], said["added_share"]) == (10.0, 10.4, 0.04)
    assert replace(MEASURED, detect_ms={"int8": 5.0}).as_json()["added_share"] is None
    assert json.loads(json.dumps(said, allow_nan=False)) == said


def test_how_much_faster_the_agent_is_is_told_beside_what_it_is_compared_with() -> None:
    assert MEASURED.as_json()["times_faster"] == {
        "fp32 / bare_fp32": 0.962,
        "int8 / bare_fp32": 2.0,
        "int8_convs on openvino / bare_fp32": 2.5,
        "fp32 / ultralytics_pt": 2.0,
    }
    elsewhere = replace(MEASURED, detect_ms={"fp32": 10.4, "fp32 on openvino": 8.0}).as_json()["times_faster"]
    assert elsewhere["fp32 on openvino / ultralytics_pt"] == 2.6


def test_what_was_not_measured_is_null_and_has_its_reason() -> None:
    """Zero would be a number, and a missing key a mistake."""
    said = MEASURED.as_json()
    assert said["ultralytics_ms"] == {"pt": 20.8, "onnx": None}
    assert said["scores"]["int8"] is None
    assert said["notes"] == {"ultralytics .onnx": "ultralytics is not installed (extra 'train')"}


def test_people_read_the_same_numbers() -> None:
    text = "\n".join(MEASURED.as_lines())
    assert "+4.0%" in text
    assert "10.40 ms  caught 0.9" in text
    assert "20.80 ms  caught 0.8" in text
    assert "not measured: ultralytics .onnx: ultralytics is not installed" in text
    assert "instruction sets not known" in text


def test_without_pictures_it_runs_on_the_same_noise_every_time() -> None:
    [first], [second] = pictures_or_noise([]), pictures_or_noise([])
    assert np.array_equal(first, second)
    assert first.shape == (480, 640, 3)
    assert pictures_or_noise([first])[0] is first
