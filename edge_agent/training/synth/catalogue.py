"""What can lie on a tray, as data: sizes, how often, how many. How it looks is built in `stage`, by the same name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemKind:
    """One kind of thing.

    `width_cm` and `depth_cm` are its footprint unturned (equal and `is_round`: a circle); `tall_cm` its height, which
    decides how much it hides of what is behind it; `weight` how often it is taken; `flat` things may lie under others;
    `bears` says that small things may lie upon it.
    """

    name: str
    width_cm: float
    depth_cm: float
    tall_cm: float
    is_round: bool = False
    weight: float = 1.0
    at_most: int = 3
    flat: bool = False
    bears: bool = False
    small: bool = False


ITEMS = (
    ItemKind(name="burger", width_cm=12.4, depth_cm=12.4, tall_cm=8, is_round=True),
    ItemKind(name="burger_wrapped", width_cm=12.0, depth_cm=12.0, tall_cm=6, is_round=True, weight=1.9, at_most=4),
    ItemKind(name="burger_box", width_cm=12.2, depth_cm=12.2, tall_cm=7.5, weight=1.3, bears=True),
    ItemKind(name="fries_small", width_cm=9.0, depth_cm=12.0, tall_cm=10, weight=1.3),
    ItemKind(name="fries_large", width_cm=12.4, depth_cm=17.4, tall_cm=14, weight=1.3),
    ItemKind(name="nuggets", width_cm=13.2, depth_cm=12.6, tall_cm=8, weight=1.6),
    ItemKind(name="cup_small", width_cm=8.8, depth_cm=8.8, tall_cm=15, is_round=True, weight=1.4),
    ItemKind(name="cup_large", width_cm=10.6, depth_cm=10.6, tall_cm=20, is_round=True, weight=1.3),
    ItemKind(name="cup_open", width_cm=9.0, depth_cm=9.0, tall_cm=11, is_round=True, weight=1.3),
    ItemKind(name="bottle", width_cm=7.0, depth_cm=7.0, tall_cm=21, is_round=True, weight=0.9, at_most=2),
    ItemKind(name="salad", width_cm=15.6, depth_cm=15.6, tall_cm=7, is_round=True, weight=1.6, at_most=2),
    ItemKind(
        name="sauce_cup", width_cm=6.4, depth_cm=6.4, tall_cm=2.6, is_round=True, weight=1.6, at_most=4, small=True
    ),
    ItemKind(name="sundae", width_cm=9.6, depth_cm=9.6, tall_cm=12, is_round=True, weight=0.9, at_most=2),
    ItemKind(name="cookie", width_cm=9.6, depth_cm=9.6, tall_cm=1.3, is_round=True, weight=1.1, small=True),
    ItemKind(name="pie_sleeve", width_cm=15.0, depth_cm=6.0, tall_cm=3, weight=1.1, bears=True),
)
"""What is sold. Their names are the classes of the detector, in this order."""

CLASSES = tuple(kind.name for kind in ITEMS)

LYING_BOTTLE = ItemKind(name="bottle", width_cm=7.0, depth_cm=21.8, tall_cm=6.6)
"""A bottle's look decides whether it stands; see `footprint_of` in `composition`."""

THINGS = (
    ItemKind(name="receipt", width_cm=8.2, depth_cm=15.2, tall_cm=0.3, weight=0.0, at_most=1, flat=True),
    ItemKind(name="napkin", width_cm=13.0, depth_cm=13.0, tall_cm=0.3, weight=1.4, at_most=2, flat=True),
    ItemKind(name="cutlery", width_cm=16.2, depth_cm=3.0, tall_cm=0.7, weight=0.9, flat=True),
    ItemKind(name="phone", width_cm=7.4, depth_cm=15.4, tall_cm=1.0, weight=0.5, at_most=1),
    ItemKind(name="keys", width_cm=13.0, depth_cm=13.0, tall_cm=0.8, is_round=True, weight=0.35, at_most=1),
    ItemKind(name="sachet", width_cm=4.4, depth_cm=7.8, tall_cm=0.6, weight=1.2, flat=True, small=True),
    ItemKind(
        name="crumpled", width_cm=5.4, depth_cm=5.4, tall_cm=3.0, is_round=True, weight=0.5, at_most=2, small=True
    ),
)
"""What lies there and is not sold: the camera must not take it for something."""

KINDS = {kind.name: kind for kind in (*ITEMS, *THINGS)}
