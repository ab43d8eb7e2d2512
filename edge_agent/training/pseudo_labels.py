"""Boxes from orders: on a photograph whose contents are known, take per class the best boxes, as many as there must be.

A restaurant never draws boxes, but for every tray it knows how many of what should lie there. A photograph is believed
when each class has that many good boxes, the next one is clearly worse, and nothing that the detector is sure of is
left over; a tray is believed when enough of its photographs are. The count settles what a thing is called: where an
order says "dessert" and the detector hesitates between dessert and starter, the box becomes a dessert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge_agent.domain.detection import Detection


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """When a photograph's boxes are believed.

    Attributes:
        worst: the weakest box taken has at least this score.
        margin: the next box of the class has at most this share of the weakest taken.
        unexplained: a thing left over has at most this score.
        same_spot: from this overlap on, two boxes are one thing.
        agreeing: so many photographs of the tray must be believed, for any of them to be.
    """

    worst: float = 0.15
    margin: float = 0.6
    unexplained: float = 0.5
    same_spot: float = 0.5
    agreeing: int = 2


def boxes_by_count(
    seen: Sequence[Detection], counts: Mapping[str, int], accept: Acceptance
) -> tuple[Detection, ...] | None:
    """The boxes of one photograph that the counts select, or None where it is not believed."""
    taken: list[Detection] = []
    for name, count in sorted(counts.items()):
        ranked = _apart([d for d in seen if d.class_name == name], accept.same_spot)
        if len(ranked) < count or (count and ranked[count - 1].score < accept.worst):
            return None
        taken += ranked[:count]
    if _clash(taken, accept.same_spot):
        return None
    for name, count in counts.items():
        weakest = min((d.score for d in taken if d.class_name == name), default=1.0)
        rest = _apart([d for d in seen if d.class_name == name], accept.same_spot)[count:]
        if any(d.score > accept.margin * weakest and not _explained(d, taken, accept.same_spot) for d in rest):
            return None
    left_over = (d for d in seen if not _explained(d, taken, accept.same_spot))
    return None if any(d.score > accept.unexplained for d in left_over) else tuple(taken)


def believed(
    photographs: Sequence[Sequence[Detection]], counts: Mapping[str, int], accept: Acceptance
) -> tuple[tuple[Detection, ...] | None, ...]:
    """For each photograph of a tray its boxes, or None; all None where too few of them are believed."""
    boxes = tuple(boxes_by_count(seen, counts, accept) for seen in photographs)
    if sum(b is not None for b in boxes) < min(accept.agreeing, len(boxes)):
        return (None,) * len(boxes)
    return boxes


def _apart(detections: Sequence[Detection], same_spot: float) -> list[Detection]:
    """Best first, without those that lie on a better one of the class."""
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda d: -d.score):
        if not _explained(detection, kept, same_spot):
            kept.append(detection)
    return kept


def _explained(detection: Detection, by: Sequence[Detection], same_spot: float) -> bool:
    return any(detection.box.iou(other.box) >= same_spot for other in by)


def _clash(taken: Sequence[Detection], same_spot: float) -> bool:
    """Whether two of the boxes taken are one thing, given two names."""
    return any(
        a.box.iou(b.box) >= same_spot
        for i, a in enumerate(taken)
        for b in taken[i + 1 :]
        if a.class_name != b.class_name
    )
