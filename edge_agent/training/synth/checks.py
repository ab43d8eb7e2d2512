"""Orders for made trays: one that is right, one for which something is missing, one that something goes beyond."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

from edge_agent.domain.menu import HandedAt, Menu, MenuItem, Visibility

Check = dict[str, Any]


def checks_for(tray_id: str, contents: Mapping[str, int], menu: Menu, rng: random.Random) -> list[Check]:
    """The order checks of one tray (lines of `orders.jsonl`), in SKUs of the menu.

    Only classes of which the menu counts pieces go wrong: of a sauce that is merely present, one more is no mistake.
    """
    right = Counter({name: n for name, n in contents.items() if _sold_as(menu, name)})
    if not right:
        return []
    counted = [name for name in menu.classes if menu.counts_pieces(name) and _sold_as(menu, name)]
    lacking = right + Counter([rng.choice(counted)])
    checks = [
        _check(tray_id, "right", right, menu, rng, "match"),
        _check(tray_id, "missing", lacking, menu, rng, "mismatch"),
    ]
    there = [name for name in right if name in counted]
    if there and (fewer := right - Counter([rng.choice(there)])):
        checks.append(_check(tray_id, "extra", fewer, menu, rng, "mismatch"))
    return checks


def _sold_as(menu: Menu, class_name: str) -> list[MenuItem]:
    return [
        item
        for item in menu.items_seen_as(class_name)
        if item.visibility is not Visibility.HIDDEN and item.handed_at is HandedAt.HERE
    ]


def _check(tray_id: str, kind: str, wants: Counter[str], menu: Menu, rng: random.Random, expected: str) -> Check:
    skus: Counter[str] = Counter()
    for name, count in sorted(wants.items()):
        for _ in range(count):
            skus[rng.choice(_sold_as(menu, name)).sku] += 1
    lines = [{"sku": sku, "quantity": n} for sku, n in skus.items()]
    check_id = f"{tray_id}-{kind}"
    return {
        "check_id": check_id,
        "tray_id": tray_id,
        "order": {"order_id": check_id, "lines": lines},
        "expected": expected,
    }
