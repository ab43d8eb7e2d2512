"""Which function builds which kind of `catalogue`."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType

import bpy

from edge_agent.training.synth import prints
from edge_agent.training.synth.stage import burgers, cold, drinks, fried, things

Builder = Callable[[random.Random, prints.Edition], list[bpy.types.Object]]

BUILDERS: Mapping[str, Builder] = MappingProxyType(
    {
        "burger": burgers.open_burger,
        "burger_wrapped": burgers.wrapped_burger,
        "burger_box": burgers.burger_box,
        "fries_small": fried.small_fries,
        "fries_large": fried.large_fries,
        "nuggets": fried.nuggets,
        "cup_small": drinks.small_cup,
        "cup_large": drinks.large_cup,
        "cup_open": drinks.open_cup,
        "bottle": drinks.bottle,
        "salad": cold.salad,
        "sauce_cup": cold.sauce,
        "sundae": cold.sundae,
        "cookie": cold.cookie,
        "pie_sleeve": cold.pie,
        "napkin": things.napkin,
        "cutlery": things.cutlery,
        "phone": things.phone,
        "keys": things.keys,
        "sachet": things.sachet,
        "crumpled": things.rough_ball,
    }
)
"""All but the receipt, which needs to know its order."""
