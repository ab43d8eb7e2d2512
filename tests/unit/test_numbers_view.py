"""The honest numbers in words: how sure each is, and where it is not measured, that."""

from __future__ import annotations

import pytest

from edge_agent.api.screen.texts import Texts, catalogue
from edge_agent.api.screen.views.numbers import NumberShown, numbers_shown, reason_in_words
from edge_agent.api.screen.views.spoken import Figure, Spoken, number, percent, speak
from edge_agent.checking.honest_numbers import HonestNumbers, honest_numbers
from edge_agent.domain.contents import Doubt
from edge_agent.domain.menu import NotChecked
from edge_agent.domain.tally import NO_TRAY, NOTHING_VISIBLE, PARTS, Counted, Tally, ToldEnd

ENGLISH, GERMAN = catalogue()["en"], catalogue()["de"]


def day(**counts: dict[str, int]) -> Tally:
    """What was counted on a day."""
    return Tally(key="2026-01-31", counts={Counted(name): items for name, items in counts.items()})


def said(spoken: str | Spoken) -> str:
    return "".join(piece if isinstance(piece, str) else piece.text for piece in spoken)


def three(texts: Texts, **counts: dict[str, int]) -> tuple[NumberShown, NumberShown, NumberShown]:
    counts.setdefault("tray", {"match": 40})
    stopped, false_alarms, checked = numbers_shown(texts, honest_numbers([day(**counts)])).numbers
    return stopped, false_alarms, checked


def test_too_few_trays_are_no_number_and_it_is_said() -> None:
    shown = numbers_shown(ENGLISH, HonestNumbers())
    assert (shown.trays, shown.numbers) == (None, ())
    assert "fewer than 20 trays" in shown.withheld


def test_stopped_is_a_count_with_its_share_and_what_became_of_the_rest() -> None:
    ends = {
        ToldEnd.FIXED_CREW.value: 11,
        ToldEnd.FIXED_AUDIT.value: 1,
        ToldEnd.LEFT.value: 2,
        ToldEnd.FIXED_SEEN.value: 6,
    }
    stopped, _, _ = three(ENGLISH, told=ends)
    assert stopped.value == Figure(12, "number", "12")
    assert stopped.unit == "wrong trays were put right before they left"
    assert said(stopped.notes[0]).startswith("60 % of the 20 trays")
    assert "between 36 % and 81 %" in said(stopped.notes[0]), "Clopper and Pearson for 12 of 20"
    assert stopped.parts == ((6, "put right as the camera saw, not confirmed"), (2, "left as it was"))


def test_nobody_told_is_no_share_of_nothing() -> None:
    stopped, _, _ = three(ENGLISH)
    assert (stopped.value, stopped.notes) == (None, ())
    assert stopped.unit == "Nobody had to be told of a wrong tray."
    silent, _, _ = three(ENGLISH, alert={"shadow": 3})
    assert silent.unit == "Trial run: nobody is told yet."


def test_unaudited_is_not_measured_and_never_zero() -> None:
    _, unaudited, _ = three(ENGLISH, frame={"red": 3, "random": 30})
    assert unaudited.value is None
    assert unaudited.unit == "Not measured yet"
    assert "Audit 20 trays" in said(unaudited.notes[0])
    assert unaudited.ask_audit
    _, begun, _ = three(ENGLISH, frame={"red": 3, "random": 30}, audit={"random:match": 5})
    assert begun.value is None
    assert "An audit has begun" in said(begun.notes[0])


def test_false_alarms_are_told_per_hundred_with_their_interval_and_ground() -> None:
    _, found, _ = three(
        ENGLISH,
        frame={"red": 2, "random": 20},
        audit={"red:match": 1, "red:mismatch": 1, "random:match": 20, "random:unjudged": 1},
    )
    assert found.value == Figure(4.8, "number", "4.8"), "1 of 21 right trays"
    assert found.unit == "of 100 right trays"
    assert not found.ask_audit
    between, audited = map(said, found.notes)
    assert between.startswith("The true value lies between 0.1 and ")
    assert audited == "From the audit of 22 trays. Days audited: 1 of 1."
    assert found.parts == ((1, "could not be told"),)


def test_none_found_among_many_is_zero_with_an_upper_end() -> None:
    _, found, _ = three(ENGLISH, frame={"random": 20}, audit={"random:match": 20})
    assert found.value == Figure(0.0, "number", "0")
    assert "between 0 and" in said(found.notes[0])
    assert not said(found.notes[0]).endswith("and 0 (95\N{NO-BREAK SPACE}% sure).")


def test_checked_is_a_share_with_the_reasons_for_the_rest() -> None:
    _, _, checked = three(ENGLISH, order={"decided": 90, NO_TRAY: 4, "covered": 6})
    assert checked.value == Figure(0.9, "percent", "90 %")
    assert said(checked.unit) == "of 100 orders"
    assert checked.parts == ((6, "covered"), (4, "no tray of it was seen"))
    _, _, none = three(ENGLISH)
    assert (none.value, none.unit) == (None, "No order went out.")


def test_a_trial_says_how_much_it_kept_silent() -> None:
    found = honest_numbers([day(tray={"match": 20}, alert={"shadow": 1})])
    assert numbers_shown(ENGLISH, found).trial == "Trial run: 1 alert was kept silent."
    assert numbers_shown(GERMAN, found).trial == "Probelauf: 1 Alarm blieb still."


@pytest.mark.parametrize("texts", [ENGLISH, GERMAN])
def test_every_reason_and_every_end_is_worded(texts: Texts) -> None:
    reasons = [*(d.value for d in Doubt), NotChecked.UNKNOWN_SKU.value, NO_TRAY, PARTS, NOTHING_VISIBLE]
    worded = {reason_in_words(texts, reason) for reason in reasons}
    assert len(worded) == len(reasons)
    assert not worded & {reason.replace("_", " ") for reason in reasons} - {"covered", "faint"}
    assert reason_in_words(texts, "of_a_later_version") == "of a later version"
    stopped, _, _ = three(texts, told={end.value: 1 for end in ToldEnd})
    assert len({word for _, word in stopped.parts}) == len(ToldEnd) - 2


def test_a_sentence_keeps_its_figures_for_the_browser() -> None:
    spoken = speak(GERMAN, "numbers.between", low=percent(0.124), high=number(2.25))
    assert [piece for piece in spoken if isinstance(piece, Figure)] == [
        Figure(0.12, "percent", "12 %"),
        Figure(2.2, "number", "2.2"),
    ]
    assert said(spoken).startswith("Der wahre Wert liegt zwischen 12 % und 2.2")
    with pytest.raises(KeyError):
        speak(ENGLISH, "numbers.between", low=1)
