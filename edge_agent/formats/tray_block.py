"""A block of trays in time, by which data is split: trays of one noon are too much alike to stand on both sides."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.errors import BadInput

MAX_DIGITS = 40
"""A longer number is none that anyone meant, and one of thousands of digits Python refuses to read."""


@dataclass(frozen=True, slots=True)
class TrayBlock:
    """Trays from one to another, both included; ids are NAME-NUMBER, and numbers rise with time."""

    name: str
    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> TrayBlock:
        """Read `noon-2585:noon-2730`.

        Raises:
            BadInput: the text is no block.
        """
        ends = [end.rpartition("-") for end in text.split(":")]
        names = {name for name, _, _ in ends}
        numbers = [number for _, _, number in ends]
        if len(ends) != 2 or len(names) != 1 or "" in names or not all(map(_is_number, numbers)):  # noqa: PLR2004
            raise BadInput(f"'{text}' is no block of trays; write it like noon-2585:noon-2730")
        block = cls(names.pop(), int(numbers[0]), int(numbers[1]))
        if block.first > block.last:
            raise BadInput(f"'{text}' is no block of trays; its first number is higher than its last")
        return block

    def __str__(self) -> str:
        return f"{self.name}-{self.first}:{self.name}-{self.last}"

    def overlaps(self, other: TrayBlock) -> bool:
        """Whether a tray can lie in both."""
        return self.name == other.name and self.first <= other.last and other.first <= self.last

    def lies_in(self, other: TrayBlock) -> bool:
        """Whether all of its trays lie in the other."""
        return self.name == other.name and other.first <= self.first and self.last <= other.last

    def __contains__(self, tray_id: str) -> bool:
        name, _, number = tray_id.rpartition("-")
        return name == self.name and _is_number(number) and self.first <= int(number) <= self.last


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= MAX_DIGITS
