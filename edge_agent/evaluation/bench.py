"""Measure ways to run a network side by side: alternating, in one run, on the same pictures, threads and shape."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edge_agent.checking.scoring import Scores
from edge_agent.ports import Picture

WARM_UP_ROUNDS = 5

TURN = 5
"""So many rounds a side runs in its turn, one after the other: between them its caches stay as warm as in use."""

REST_S = 0.1
"""A pause before each turn: threads that spin after their work would slow the side that comes next. Those of ONNX
Runtime, as it comes, take 100 ms of CPU time for a run of 25 ms that is followed by a pause (docs/benchmarks.md)."""

Side = Callable[[int], object]
"""Runs one way on the picture of a round."""

RESTLESS = 1.5
"""With a larger spread something else ran on the machine. On a host that others share it was 1.15 to 1.32 in a run that
nothing of ours disturbed (docs/benchmarks.md)."""

SHOWN_RATES = ("caught", "escaped", "false_alarm", "right_match")


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one way took in its rounds: the median in milliseconds, and the upper quartile by the lower one."""

    median_ms: float
    spread: float

    @classmethod
    def of(cls, times_ms: Sequence[float]) -> Timing:
        """Of the times of two rounds or more."""
        low, median, high = statistics.quantiles(times_ms, n=4, method="inclusive")
        return cls(median, high / low if low else 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Medians in milliseconds per picture, and what they were measured on.

    Attributes:
        bare_ms: the bare session on the plain fp32 export.
        detect_ms: the agent's `detect`, by the way it ran: the precision, and the provider where it is another one.
        ultralytics_ms: Ultralytics' `predict` on the weights (`pt`) and the plain export (`onnx`); None: not measured.
        spreads: the upper quartile of the times by the lower one, by way and for `bare`.
        notes: why something was not measured.
        scores: shares of the order checks by way; None: not measured.
    """

    bare_ms: float
    detect_ms: Mapping[str, float]
    ultralytics_ms: Mapping[str, float | None] = field(default_factory=lambda: {"pt": None, "onnx": None})
    spreads: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, float | None] | None] = field(default_factory=dict)
    provider: str
    threads: int
    input_shape: tuple[int, ...]
    pictures: int
    rounds: int
    runtime: str
    cpu: str
    cpu_flags: tuple[str, ...]

    @property
    def added_share(self) -> float | None:
        """What the agent adds to the bare session in the same precision, as a share of it; below 0 it is faster."""
        return None if "fp32" not in self.detect_ms else self.detect_ms["fp32"] / self.bare_ms - 1

    @property
    def ratios(self) -> dict[str, float]:
        """By how much the agent is faster: each way than the bare session, fp32 on any provider than Ultralytics."""
        ratios = {f"{way} / bare_fp32": self.bare_ms / ms for way, ms in self.detect_ms.items()}
        theirs = {kind: ms for kind, ms in self.ultralytics_ms.items() if ms is not None}
        for way, ours_ms in self.detect_ms.items():
            if way.split()[0] == "fp32":
                ratios |= {f"{way} / ultralytics_{kind}": ms / ours_ms for kind, ms in theirs.items()}
        return {name: round(ratio, 3) for name, ratio in ratios.items()}

    def as_json(self) -> dict[str, Any]:
        """The object that `bench --json` prints."""
        return {
            "bare_fp32_ms": round(self.bare_ms, 3),
            "detect_ms": {way: round(ms, 3) for way, ms in self.detect_ms.items()},
            "ultralytics_ms": {k: None if ms is None else round(ms, 3) for k, ms in self.ultralytics_ms.items()},
            "spreads": {way: round(spread, 3) for way, spread in self.spreads.items()},
            "times_faster": self.ratios,
            "added_share": None if self.added_share is None else round(self.added_share, 4),
            "scores": {way: None if scores is None else dict(scores) for way, scores in self.scores.items()},
            "notes": dict(self.notes),
            "provider": self.provider,
            "threads": self.threads,
            "input_shape": list(self.input_shape),
            "pictures": self.pictures,
            "rounds": self.rounds,
            "runtime": self.runtime,
            "cpu": self.cpu,
            "cpu_flags": list(self.cpu_flags),
        }

    def as_lines(self) -> list[str]:
        """The same for people."""
        rows: list[tuple[str, float | None, str]] = [("bare session, plain fp32 export", self.bare_ms, "bare")]
        rows += [(f"agent's detect(), {way}", ms, way) for way, ms in self.detect_ms.items()]
        rows += [(f"Ultralytics' predict, .{k}", ms, f"ultralytics .{k}") for k, ms in self.ultralytics_ms.items()]
        width = max(len(name) for name, _, _ in rows)
        lines = [f"{name:{width}}  {self._row(ms, key)}" for name, ms, key in rows]
        if self.added_share is not None:
            lines.append(f"detect() in fp32 adds {self.added_share:+.1%} to the bare session")
        lines += [f"{name} times faster: {ratio:.2f}" for name, ratio in self.ratios.items()]
        lines += [f"not measured: {name}: {why}" for name, why in self.notes.items()]
        lines += restlessness(self.spreads)
        return [
            *lines,
            f"medians of {self.rounds} rounds, in turns of {TURN}, {self.pictures} pictures, {self.threads} threads",
            f"input {self.input_shape}, {self.provider} where nothing else is said, ONNX Runtime {self.runtime}",
            f"CPU: {self.cpu}" if self.cpu_flags else f"CPU: {self.cpu}; instruction sets not known",
        ]

    def _row(self, ms: float | None, way: str) -> str:
        if ms is None:
            return "not measured"
        scores = self.scores.get(way)
        told = "" if scores is None else "  " + ", ".join(f"{n} {v}" for n, v in scores.items())
        return f"{ms:7.2f} ms{told}"


def restlessness(spreads: Mapping[str, float]) -> list[str]:
    """What is to be said where something else ran on the machine meanwhile; empty where nothing did."""
    way, most = max(spreads.items(), key=lambda each: each[1], default=("", 1.0))
    if most <= RESTLESS:
        return []
    said = f"this machine was busy with something else: the slower quarter of '{way}' took {most:.1f} times as long as"
    return [f"{said} the faster one; measure again when it rests"]


def alternate(
    sides: Mapping[str, Side], rounds: int, on_round: Callable[[int, int], None], *, rest_s: float = REST_S
) -> dict[str, Timing]:
    """The times of each side; they take turns, so what disturbs the machine disturbs all alike."""
    names = list(sides)
    times: dict[str, list[float]] = {name: [] for name in names}
    every = range(WARM_UP_ROUNDS + rounds)
    for turn, numbers in enumerate(every[start : start + TURN] for start in every[::TURN]):
        first = turn % len(names)
        for name in (*names[first:], *names[:first]):
            time.sleep(rest_s)
            for number in numbers:
                began_s = time.perf_counter()
                sides[name](number)
                if number >= WARM_UP_ROUNDS:
                    times[name].append((time.perf_counter() - began_s) * 1000)
        on_round(max(0, numbers[-1] + 1 - WARM_UP_ROUNDS), rounds)
    return {name: Timing.of(each) for name, each in times.items()}


def rates_of(scores: Scores) -> dict[str, float | None]:
    """The four shares that decide, without their intervals."""
    rates = scores.as_json()["rates"]
    return {name: None if rates[name][0] is None else round(rates[name][0], 4) for name in SHOWN_RATES}


def pictures_or_noise(pictures: Sequence[Picture]) -> Sequence[Picture]:
    """The pictures, or one of grey noise where there are none."""
    if pictures:
        return pictures
    import numpy as np

    return [np.random.default_rng(0).integers(90, 160, (480, 640, 3), dtype=np.uint8)]
