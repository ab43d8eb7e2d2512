"""The times and shares by which the checker decides; every default with its source."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edge_agent.domain.association import AssociationRule


class StationKind(str, Enum):
    """Whether trays arrive complete, or are filled in front of the camera."""

    HANDOUT = "handout"
    ASSEMBLY = "assembly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a station decides. Times are stream time in seconds; the defaults are those of DESIGN section 5.

    Attributes:
        settle_s: a tray is settled when its things have kept their places for so long.
        still_share: ... that is, shifted by less than this share of the slot's width.
        present_score: a thing this likely makes a tray; lower than what counts, since a session only opens the eyes.
        frozen_s: after a silence of the stream so long, the still window begins anew.
        gone_s: a tray is gone when nothing was seen for so long (a detector misses single frames).
        resume_s: a tray that comes back within this time goes on with its session.
        vote_half_life_s: the age at which a frame weighs half; the last one to two seconds decide.
        alert_after_s: a mismatch is told of when it has stood so long.
        clear_after_s: an alert is put right when its order has matched for so long.
        dwell_s: at an assembly station, a mismatch that nobody works on any more is told of after this time.
        late_order_s: an order may come so long after its tray left and still be judged, silently.
        expire_s: an order that nobody collected leaves the queue.
    """

    kind: StationKind = StationKind.HANDOUT
    association: AssociationRule = AssociationRule.CONTENTS
    settle_s: float = 0.5
    still_share: float = 0.02
    present_score: float = 0.35
    frozen_s: float = 1.0
    gone_s: float = 0.4
    resume_s: float = 3.0
    vote_half_life_s: float = 1.0
    alert_after_s: float = 0.7
    clear_after_s: float = 1.5
    dwell_s: float = 20.0
    late_order_s: float = 10.0
    expire_s: float = 20 * 60.0
