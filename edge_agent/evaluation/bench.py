"""Measure the detector beside the bare session: alternating, in one run, on the same pictures, threads and shape."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.ports import Picture

WARM_UP_ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Medians in milliseconds per picture, and what they were measured on."""

    bare_ms: float
    detect_ms: float
    precision: str
    provider: str
    input_shape: tuple[int, ...]
    pictures: int
    rounds: int
    cpu_flags: tuple[str, ...]

    @property
    def added_share(self) -> float:
        """What the agent adds to the bare session (letterbox, decode, NMS), as a share of it."""
        return self.detect_ms / self.bare_ms - 1

    def as_json(self) -> dict[str, Any]:
        """The object that `bench --json` prints."""
        return {
            "bare_fp32_ms": round(self.bare_ms, 3),
            "detect_ms": {self.precision: round(self.detect_ms, 3)},
            "added_share": round(self.added_share, 4),
            "provider": self.provider,
            "input_shape": list(self.input_shape),
            "pictures": self.pictures,
            "rounds": self.rounds,
            "cpu_flags": list(self.cpu_flags),
        }

    def as_lines(self) -> list[str]:
        """The same for people."""
        return [
            f"bare session    {self.bare_ms:7.2f} ms",
            f"agent detect()  {self.detect_ms:7.2f} ms   adds {self.added_share:+.1%} (letterbox, decode, NMS)",
            f"medians of {self.rounds} alternating rounds, {self.pictures} pictures",
            f"input {self.input_shape}, {self.precision} on {self.provider}",
            f"CPU: {' '.join(self.cpu_flags) or 'instruction sets not known'}",
        ]


def alternate(
    bare: Callable[[int], object], whole: Callable[[int], object], rounds: int, on_round: Callable[[int, int], None]
) -> tuple[float, float]:
    """Median milliseconds of both, run in turn: what disturbs the machine disturbs both alike."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(WARM_UP_ROUNDS + rounds):
        sides = (0, 1) if number % 2 else (1, 0)
        for side in sides:
            began_s = time.perf_counter()
            (bare, whole)[side](number)
            if number >= WARM_UP_ROUNDS:
                times[side].append((time.perf_counter() - began_s) * 1000)
        on_round(max(0, number + 1 - WARM_UP_ROUNDS), rounds)
    return statistics.median(times[0]), statistics.median(times[1])


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, ...]:
    """The vector instruction sets that decide how fast a network runs here; empty where the system does not say."""
    telling = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_tile", "asimd")
    try:
        text = cpuinfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ()
    line = next((x for x in text.splitlines() if x.lower().startswith(("flags", "features"))), "")
    return tuple(flag for flag in telling if flag in line.split())


def pictures_or_noise(pictures: Sequence[Picture]) -> Sequence[Picture]:
    """The pictures, or one of grey noise where there are none."""
    if pictures:
        return pictures
    import numpy as np

    return [np.random.default_rng(0).integers(90, 160, (480, 640, 3), dtype=np.uint8)]
