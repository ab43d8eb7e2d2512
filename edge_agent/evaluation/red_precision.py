"""How far a red can be believed: of all reds, the share that is right, with an interval.

By Bayes' rule it follows from how often a wrong order is called wrong, how often a right one is, and how many orders
are wrong. It rises with the first and falls with the second, so its lowest value within intervals of the two is where
the first is lowest and the second highest. Each of the two intervals (Clopper-Pearson) leaves out half of the 5 %, so
both hold together with at least 95 % (Bonferroni's inequality), and so does what follows: a cautious interval.
"""

from __future__ import annotations

from edge_agent.checking.scoring import CONFIDENCE, Outcome, Scores, Share

TAIL = (1 - CONFIDENCE) / 4
"""What each of the two intervals leaves out on each side."""


def red_precision(scores: Scores, wrong_share: float) -> Share:
    """Of all reds, the share that is right, in a kitchen where this share of the orders is wrong (0 to 1, both beyond).

    Without a wrong order, or without a right one, nothing can be said. Without any red only the interval can.
    """
    wrong, right = scores.wrong.total(), scores.right.total()
    if not wrong or not right:
        return Share(None, None, None)
    rightly = _bounds(scores.wrong[Outcome.CAUGHT] + scores.wrong[Outcome.MISNAMED], wrong)
    wrongly = _bounds(scores.right[Outcome.FALSE_ALARM], right)
    return Share(
        scores.red_precision(wrong_share),
        _of_reds(wrong_share, rightly[0], wrongly[1]),
        _of_reds(wrong_share, rightly[1], wrongly[0]),
    )


def _of_reds(wrong_share: float, rightly: float, wrongly: float) -> float:
    reds = wrong_share * rightly + (1 - wrong_share) * wrongly
    return wrong_share * rightly / reds


def _bounds(hits: int, total: int) -> tuple[float, float]:
    from scipy.special import betaincinv  # here: it takes long to load, and most commands do without

    low = 0.0 if hits == 0 else float(betaincinv(hits, total - hits + 1, TAIL))
    high = 1.0 if hits == total else float(betaincinv(hits + 1, total - hits, 1 - TAIL))
    return low, high
