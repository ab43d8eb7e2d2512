"""Randomness that a seed decides."""

from __future__ import annotations

import random


def dice(*about: object) -> random.Random:
    """Numbers that follow from what they are drawn for, such as ("scene", seed, number): the same on every machine."""
    return random.Random("/".join(str(part) for part in about))  # noqa: S311 (pictures, not secrets)
