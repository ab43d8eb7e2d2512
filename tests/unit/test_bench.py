"""The benchmark: both sides run alike, and what it says can be read by a person and by a program."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from edge_agent.evaluation.bench import WARM_UP_ROUNDS, Measured, alternate, cpu_flags, pictures_or_noise

MEASURED = Measured(
    bare_ms=10.0,
    detect_ms=10.4,
    precision="fp32",
    provider="cpu",
    input_shape=(1, 3, 64, 64),
    pictures=1,
    rounds=3,
    cpu_flags=(),
)


def test_both_sides_run_equally_often_on_the_same_pictures_and_take_turns_in_going_first() -> None:
    """Whoever goes first finds the cache cold; that must not always be the same side."""
    ran: list[tuple[str, int]] = []
    told: list[tuple[int, int]] = []
    bare_ms, whole_ms = alternate(
        lambda n: ran.append(("bare", n)), lambda n: ran.append(("whole", n)), 4, lambda *step: told.append(step)
    )
    assert bare_ms >= 0
    assert whole_ms >= 0
    assert [n for _, n in ran] == [n for n in range(WARM_UP_ROUNDS + 4) for _ in range(2)]
    first = [side for side, _ in ran[::2]]
    assert abs(first.count("bare") - first.count("whole")) <= 1
    assert told == [*[(0, 4)] * WARM_UP_ROUNDS, (1, 4), (2, 4), (3, 4), (4, 4)]


def test_what_the_agent_adds_is_a_share_of_the_bare_session() -> None:
    said = MEASURED.as_json()
    assert (said["bare_fp32_ms"], said["detect_ms"], said["added_share"]) == (10.0, {"fp32": 10.4}, 0.04)
    assert json.loads(json.dumps(said, allow_nan=False)) == said


def test_people_read_the_same_numbers() -> None:
    text = "\n".join(MEASURED.as_lines())
    assert "+4.0%" in text
    assert "instruction sets not known" in text


def test_the_instruction_sets_are_read_where_the_system_says_them(tmp_path: Path) -> None:
    """A measurement without them cannot be compared with one from another machine."""
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nflags\t: fpu avx2 avx512f avx2x\n")
    assert cpu_flags(info) == ("avx2", "avx512f")
    info.write_bytes(b"Features : fp asimd \xff\n")
    assert cpu_flags(info) == ("asimd",)
    assert cpu_flags(tmp_path / "none") == ()


def test_without_pictures_it_runs_on_the_same_noise_every_time() -> None:
    [first], [second] = pictures_or_noise([]), pictures_or_noise([])
    assert np.array_equal(first, second)
    assert first.shape == (480, 640, 3)
    assert pictures_or_noise([first])[0] is first
