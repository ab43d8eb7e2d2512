"""Show photographs of rare items, and hard ones, more often, so that a student does not learn them last and worst.

Repeat factor sampling (Gupta, Dollar, Girshick 2019, "LVIS"): an item that lies on a share f of the photographs below a
share t asks for its photographs sqrt(t / f) times, and a photograph is shown as often as its rarest item asks.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from edge_agent.training.boxed import BoxedPhotograph

RARE = 0.3
"""Items on fewer of the photographs than this share are shown more often: twice at a quarter of it."""

MOST = 4
"""So often at most: what lies on three photographs is rather learned by heart than learned."""

HARD = 2
"""So many times as often a photograph is shown that the model was wrong about."""


def evened(photographs: Sequence[BoxedPhotograph], *, hard: Collection[Path] = ()) -> tuple[BoxedPhotograph, ...]:
    """The photographs, those with rare items and the hard ones several times; their order stays."""
    on = Counter(name for photograph in photographs for name, count in photograph.counts.items() if count)
    asks = {name: min(MOST, math.sqrt(RARE * len(photographs) / many)) for name, many in on.items()}

    def times(photograph: BoxedPhotograph) -> int:
        rarest = max((asks[name] for name, count in photograph.counts.items() if count), default=1.0)
        return min(MOST, max(1, round(rarest)) * (HARD if photograph.path in hard else 1))

    return tuple(photograph for photograph in photographs for _ in range(times(photograph)))
