"""The three numbers: what counts, what is withheld, and that the interval holds in kitchens whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from edge_agent.checking.honest_numbers import NOTHING, false_alarms, honest_numbers
from edge_agent.checking.scoring import Share
from edge_agent.domain.tally import Counted, Tally, ToldEnd


def day(key: str = "2026-01-31", **counts: Mapping[str, int]) -> Tally:
    return Tally(key=key, counts={Counted(name): dict(items) for name, items in counts.items()})


def audited(
    *, reds: tuple[int, int, int] = (0, 0, 0), others: tuple[int, int, int] = (0, 0, 0), cannot_tell: int = 0
) -> Tally:
    """A day by its strata: all of them, those judged, and of these the right ones."""
    return day(
        frame={"red": reds[0], "random": others[0]},
        audit={
            "red:match": reds[2],
            "red:mismatch": reds[1] - reds[2],
            "random:match": others[2],
            "random:mismatch": others[1] - others[2],
            "random:unjudged": cannot_tell,
        },
    )


# False alarms


@pytest.mark.parametrize(
    "days",
    [
        [],
        [audited(reds=(5, 0, 0), others=(500, 0, 0))],
        [audited(reds=(5, 5, 2), others=(500, 0, 0))],
        [audited(reds=(5, 0, 0), others=(500, 20, 20))],
        [audited(reds=(5, 0, 0), others=(500, 0, 0), cannot_tell=9)],
        [audited(reds=(3, 3, 0), others=(500, 20, 0))],
    ],
    ids=["no day", "no audit", "reds alone", "others alone", "nobody could tell", "nothing was right"],
)
def test_without_what_it_needs_the_rate_is_not_measured_and_never_zero(days: Sequence[Tally]) -> None:
    numbers = false_alarms(days)
    assert not numbers.is_measured
    assert numbers.rate == NOTHING


def test_the_others_stand_for_all_right_trays_of_the_day() -> None:
    """Two false alarms among 1,000 trays of which 19 of 20 were right: not 2 of 22."""
    numbers = false_alarms([audited(reds=(10, 10, 2), others=(1_000, 20, 19))])
    assert numbers.right_trays == pytest.approx(952)
    assert numbers.rate.value == pytest.approx(2 / 952)
    assert numbers.rate.low is not None
    assert numbers.rate.high is not None
    assert numbers.rate.low < 2 / 952 < numbers.rate.high
    assert numbers.audited_right == 21


def test_reds_that_nobody_looked_at_do_not_count_as_rightly_told() -> None:
    """Half of the reds were judged, so the false alarms found stand for half of the right trays."""
    numbers = false_alarms([audited(reds=(10, 5, 1), others=(1_000, 20, 20))])
    assert numbers.rate.value == pytest.approx(1 / (1 + 500))


def test_a_day_without_a_red_is_measured_by_its_others_and_says_none() -> None:
    numbers = false_alarms([audited(others=(300, 20, 20))])
    assert (numbers.rate.value, numbers.rate.low) == (0.0, 0.0)
    assert numbers.rate.high is not None
    assert 0 < numbers.rate.high < 0.05, "that none was found does not prove that there is none"


def test_a_day_with_reds_alone_is_measured_by_them() -> None:
    numbers = false_alarms([audited(reds=(4, 4, 1))])
    assert numbers.rate.value == 1.0


def test_days_that_were_not_audited_are_left_out_and_said() -> None:
    good = audited(reds=(2, 2, 1), others=(400, 20, 20))
    alone, with_idle = false_alarms([good]), false_alarms([good, audited(reds=(50, 0, 0), others=(400, 0, 0)), day()])
    assert with_idle.rate == alone.rate
    assert (with_idle.days, with_idle.days_measured) == (2, 1)
    assert (with_idle.reds, with_idle.others, with_idle.reds_judged) == (52, 800, 2)


def test_a_busy_day_weighs_more_than_a_quiet_one() -> None:
    """The same twenty looks stand for ten times as many trays."""
    busy = audited(others=(1_000, 20, 10), reds=(1, 1, 1))
    quiet = audited(others=(100, 20, 20), reds=(1, 1, 1))
    assert false_alarms([busy, quiet]).right_trays == pytest.approx(2 + 500 + 100)


def test_more_audits_of_the_same_kind_narrow_the_interval() -> None:
    one, many = (false_alarms([audited(reds=(5, 5, 2), others=(500, 20, 19))] * n).rate for n in (1, 30))
    assert one.value == pytest.approx(many.value)
    assert _width(many) < _width(one)


def test_the_interval_is_the_one_that_is_described() -> None:
    """Reckoned once more by quantiles of the beta distribution, for two days of unequal weight."""
    rate = false_alarms(
        [audited(reds=(4, 2, 1), others=(1_000, 20, 15)), audited(reds=(3, 3, 2), others=(100, 20, 18))]
    ).rate
    weights, found = (500.0, 100.0), 3
    effective = sum(weights) ** 2 / sum(weight**2 / 20 for weight in weights)
    share = (500 * 15 / 20 + 100 * 18 / 20) / 600
    hits, misses = share * effective, (1 - share) * effective
    fewest = found + 600 * beta.ppf(0.0125, hits, misses + 1)
    most = found + 600 * beta.ppf(0.9875, hits + 1, misses)
    assert rate.value == pytest.approx(found / (found + 600 * share))
    assert rate.low == pytest.approx(beta.ppf(0.0125, found, most - found + 1))
    assert rate.high == pytest.approx(beta.ppf(0.9875, found + 1, fewest - found))


def test_what_nobody_could_tell_is_counted_apart() -> None:
    assert false_alarms([audited(others=(300, 19, 19), cannot_tell=1)]).cannot_tell == 1


counts = st.integers(0, 2_000)


@st.composite
def strata(draw: st.DrawFn) -> tuple[int, int, int]:
    everything = draw(counts)
    judged = draw(st.integers(0, min(everything, 40)))
    return everything, judged, draw(st.integers(0, judged))


@given(st.lists(st.builds(lambda r, o: audited(reds=r, others=o), strata(), strata()), max_size=6))
def test_an_estimate_lies_in_its_interval_whatever_was_counted(days: list[Tally]) -> None:
    rate = false_alarms(days).rate
    if rate.value is not None:
        assert rate.low is not None
        assert rate.high is not None
        assert 0 <= rate.low <= rate.value + 1e-9
        assert rate.value <= rate.high + 1e-9 <= 1 + 2e-9


@pytest.mark.parametrize(("alarm", "right", "answered"), [(0.01, 0.93, 1.0), (0.03, 0.8, 0.6), (0.002, 0.97, 1.0)])
def test_the_interval_holds_the_truth_in_at_least_95_of_100_kitchens(
    alarm: float, right: float, answered: float
) -> None:
    """Made-up kitchens, three days each: so many right trays are told of, so many trays are right."""
    dice = Random(f"{alarm} {right}")
    kitchens, held = 300, 0
    for _ in range(kitchens):
        rate = false_alarms([_kitchen(dice, alarm, right, answered) for _ in range(3)]).rate
        held += rate.low is not None and rate.high is not None and rate.low <= alarm <= rate.high
    assert held >= 0.95 * kitchens


def _kitchen(dice: Random, alarm: float, right: float, answered: float) -> Tally:
    reds: list[bool] = []
    others: list[bool] = []
    for _ in range(dice.randint(200, 500)):
        is_right = dice.random() < right
        is_red = dice.random() < (alarm if is_right else 0.7)
        (reds if is_red else others).append(is_right)
    looked = [is_right for is_right in reds if dice.random() < answered]
    drawn = dice.sample(others, 20)
    return audited(reds=(len(reds), len(looked), sum(looked)), others=(len(others), 20, sum(drawn)))


def _width(share: Share) -> float:
    assert share.low is not None
    assert share.high is not None
    return share.high - share.low


# All three


def test_fewer_than_twenty_trays_are_not_told_of() -> None:
    few = honest_numbers([day(tray={"match": 19}, told={"fixed_crew": 5}, order={"decided": 19})])
    assert few.is_withheld
    assert (few.trays, few.stopped, few.false_alarms, few.checked, few.shadow_alerts) == (None,) * 5
    enough = honest_numbers([day(tray={"match": 10}), day(tray={"unsure": 4, "no_order": 6})])
    assert (enough.is_withheld, enough.trays) == (False, 20)


def test_stopped_are_those_that_crew_or_audit_confirmed() -> None:
    ends = {end.value: n for n, end in enumerate(ToldEnd, start=1)}
    numbers = honest_numbers([day(tray={"match": 100}, told=ends)])
    assert numbers.stopped is not None
    assert numbers.stopped.count == ends["fixed_crew"] + ends["fixed_audit"]
    assert numbers.stopped.told == sum(ends.values())
    assert numbers.stopped.share == Share.of(numbers.stopped.count, numbers.stopped.told)
    assert numbers.stopped.ends[ToldEnd.FIXED_SEEN] == ends["fixed_seen"]


def test_in_shadow_mode_nothing_can_be_stopped_and_that_is_no_zero() -> None:
    numbers = honest_numbers([day(tray={"match": 100}, alert={"shadow": 7, "critical": 0})])
    assert numbers.stopped is not None
    assert (numbers.stopped.told, numbers.stopped.share, numbers.shadow_alerts) == (0, NOTHING, 7)


def test_checked_says_why_the_rest_was_not() -> None:
    numbers = honest_numbers(
        [day(tray={"match": 100}, order={"decided": 60, "covered": 5}), day(order={"no_tray": 25, "covered": 10})]
    )
    assert numbers.checked is not None
    assert (numbers.checked.decided, numbers.checked.orders) == (60, 100)
    assert list(numbers.checked.reasons.items()) == [("no_tray", 25), ("covered", 15)]
    assert numbers.checked.share == Share.of(60, 100)
