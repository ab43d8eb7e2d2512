"""What a tray session saw, fused over its frames: per class how many there surely are and how many there may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

MOST_OF_A_CLASS = 50
"""More of one class lies on no tray; a larger count is a slip, and one such tray would spoil thresholds and scores."""


class Doubt(str, Enum):
    """Why the camera cannot tell."""

    FAINT = "faint"
    COVERED = "covered"
    LOOK_ALIKE = "look_alike"
    TOO_FEW_FRAMES = "too_few_frames"
    NOTHING_SEEN = "nothing_seen"
    OVERLOOKED = "overlooked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCount:
    """How many of one class lie on the tray: at least `surely`, at most `possibly`; `likely` is the best guess.

    `confidence` (0 to 1) is the fused score of the weakest piece that counts. `doubt` says why the bounds differ.

    Raises:
        ValueError: not 0 <= surely <= likely <= possibly.
    """

    class_name: str
    surely: int
    possibly: int
    likely: int
    confidence: float = 1.0
    doubt: Doubt | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.surely <= self.likely <= self.possibly:
            raise ValueError(
                f"the bounds of '{self.class_name}' are out of order: {self.surely}, {self.likely}, {self.possibly}"
            )

    @classmethod
    def exactly(cls, class_name: str, count: int) -> ClassCount:
        """A count without any doubt."""
        return cls(class_name=class_name, surely=count, possibly=count, likely=count)

    def __add__(self, other: ClassCount) -> ClassCount:
        """The counts of two trays that carry one order together."""
        return ClassCount(
            class_name=self.class_name,
            surely=self.surely + other.surely,
            possibly=self.possibly + other.possibly,
            likely=self.likely + other.likely,
            confidence=min(self.confidence, other.confidence),
            doubt=self.doubt or other.doubt,
        )


@dataclass(frozen=True, slots=True)
class Contents:
    """The counts of every class that was or may have been seen; a class that does not stand here is surely absent.

    Of a class in `overlooked` nothing is missing beyond doubt either: the model does not see it often enough.

    `unclear` is set where the view as a whole allows no "it is not there" (nothing seen at all, too few frames): then
    nothing is missing beyond doubt.
    """

    counts: tuple[ClassCount, ...] = ()
    unclear: Doubt | None = None
    overlooked: frozenset[str] = frozenset()

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Contents:
        """Contents without any doubt."""
        return cls(tuple(ClassCount.exactly(name, n) for name, n in counts.items() if n > 0))

    def of_class(self, class_name: str) -> ClassCount:
        """The count of one class, zero where it was not seen."""
        for count in self.counts:
            if count.class_name == class_name:
                return count
        return ClassCount.exactly(class_name, 0)

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(c.class_name for c in self.counts)

    @property
    def likely(self) -> dict[str, int]:
        """The best guess, for people to read."""
        return {c.class_name: c.likely for c in self.counts if c.likely}


def added(parts: Iterable[Contents]) -> Contents:
    """The contents of several trays together; unclear if any of them is."""
    total: dict[str, ClassCount] = {}
    unclear: Doubt | None = None
    overlooked: frozenset[str] = frozenset()
    for part in parts:
        unclear = unclear or part.unclear
        overlooked |= part.overlooked
        for count in part.counts:
            known = total.get(count.class_name)
            total[count.class_name] = known + count if known else count
    return Contents(tuple(total.values()), unclear, overlooked)
