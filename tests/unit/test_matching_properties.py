"""What holds for every order, every tray and every menu of its kind."""

from __future__ import annotations

from collections import Counter
from itertools import permutations, product

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.domain.contents import ClassCount, Contents
from edge_agent.domain.matching import LineResult, Verdict, VerdictKind, compare
from edge_agent.domain.menu import Menu, MenuItem, ModifierRule, Portion, wanted
from edge_agent.domain.order import Order, OrderLine
from tests.builders import contents, elsewhere, hidden, item, line, menu, order, presence, results

few = settings(max_examples=60)

PLAIN = menu("a", "b", "c", "d", "e")
PLAIN_SKUS = ("a", "b", "c", "d", "e")

RICH = menu(
    "a",
    "b",
    item("c1", "c"),
    item("c2", "c"),
    presence("p"),
    hidden("h"),
    elsewhere("e"),
    MenuItem(sku="a-or-b", any_of=("a", "b")),
    MenuItem(sku="b-or-c", any_of=("b", "c1")),
    MenuItem(sku="combo", contains=(Portion(sku="a"), Portion(sku="p"))),
    modifiers=[ModifierRule(name="no a", removes="a"), ModifierRule(name="b for a", removes="a", adds="b")],
)
RICH_SKUS = ("a", "b", "c1", "c2", "p", "h", "e", "a-or-b", "b-or-c", "combo", "unknown")
RICH_CLASSES = ("a", "b", "c", "p", "e")

plain_lines = st.lists(st.builds(line, st.sampled_from(PLAIN_SKUS), st.integers(1, 4)), min_size=1, max_size=6)
rich_lines = st.lists(
    st.builds(
        lambda sku, quantity, modifiers: line(sku, quantity, modifiers=tuple(modifiers)),
        st.sampled_from(RICH_SKUS),
        st.integers(1, 3),
        st.lists(st.sampled_from(("no a", "b for a", "well done")), max_size=1),
    ),
    min_size=1,
    max_size=6,
)
bounds = st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)).map(
    lambda t: (t[0], t[0] + min(t[1], t[2]), t[0] + t[2])
)
rich_contents = st.dictionaries(st.sampled_from(RICH_CLASSES), bounds, max_size=5).map(
    lambda counts: Contents(
        tuple(ClassCount(class_name=n, surely=s, likely=m, possibly=p) for n, (s, m, p) in counts.items())
    )
)


def check(of: Menu, asked: Order, saw: Contents) -> Verdict:
    return compare(of, wanted(of, asked), saw)


def pieces_of(lines: list[OrderLine]) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for each in lines:
        pieces[each.sku] += each.quantity
    return pieces


@few
@given(rich_lines, rich_contents, st.randoms(use_true_random=False))
def test_permuting_the_lines_of_an_order_changes_nothing(lines: list[OrderLine], saw: Contents, random: object) -> None:
    """Tills sort as they like; a verdict that depends on it is a coin toss."""
    shuffled = list(lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, two = check(RICH, order("A", *lines), saw), check(RICH, order("A", *shuffled), saw)
    assert one.kind is two.kind
    assert set(one.lines) == set(two.lines)
    assert len(one.lines) == len(two.lines)


@few
@given(plain_lines)
def test_an_order_made_from_the_contents_matches(lines: list[OrderLine]) -> None:
    """One countable SKU per class: a right tray is green, always."""
    verdict = check(PLAIN, order("A", *lines), Contents.of(pieces_of(lines)))
    assert verdict.kind is VerdictKind.MATCH


@few
@given(plain_lines, st.data())
def test_taking_one_item_away_yields_exactly_that_missing_line(lines: list[OrderLine], data: st.DataObject) -> None:
    pieces = pieces_of(lines)
    taken = data.draw(st.sampled_from(sorted(pieces)))
    pieces[taken] -= 1
    verdict = check(PLAIN, order("A", *lines), Contents.of(pieces))
    assert [(each.sku, each.result, each.off_by) for each in verdict.faults] == [(taken, LineResult.MISSING, 1)]
    assert all(each.result is LineResult.OK for each in verdict.lines if each.sku != taken)


@few
@given(st.lists(st.sampled_from(("c1", "c2", "a")), min_size=1, max_size=6), st.integers(0, 6))
def test_skus_that_share_a_class_give_one_group_line(skus: list[str], seen: int) -> None:
    wrapped = [sku for sku in skus if sku != "a"]
    verdict = check(RICH, order("A", *skus), contents(a=skus.count("a"), c=seen))
    groups = [each for each in verdict.lines if set(each.skus) & {"c1", "c2"}]
    assert len(groups) == (1 if wrapped or seen else 0)
    assert all(each.expected == len(wrapped) for each in groups)


@few
@given(plain_lines, rich_contents, st.sampled_from(PLAIN_SKUS), st.integers(1, 3))
def test_more_of_another_class_never_removes_a_missing_line(
    lines: list[OrderLine], saw: Contents, grown: str, by: int
) -> None:
    """A second cola is no fries."""
    before = check(PLAIN, order("A", *lines), saw)
    more = {c.class_name: c for c in saw.counts}
    extra = ClassCount.exactly(grown, by)
    more[grown] = more[grown] + extra if grown in more else extra
    after = results(check(PLAIN, order("A", *lines), Contents(tuple(more.values()))))
    for each in before.faults:
        if each.result is LineResult.MISSING and each.sku != grown:
            assert after[each.sku] == "missing"


@settings(max_examples=150)
@given(rich_lines, rich_contents, st.dictionaries(st.sampled_from(RICH_CLASSES), st.tuples(*[st.integers(0, 2)] * 2)))
def test_more_uncertainty_never_turns_amber_or_green_into_red(
    lines: list[OrderLine], saw: Contents, wider: dict[str, tuple[int, int]]
) -> None:
    """A red must rest on what is sure; less certainty can only take reds away. Nor does it ever make a green."""
    counts = {c.class_name: c for c in saw.counts}
    for name, (down, up) in wider.items():
        old = counts.get(name, ClassCount.exactly(name, 0))
        counts[name] = ClassCount(
            class_name=name, surely=max(0, old.surely - down), likely=old.likely, possibly=old.possibly + up
        )
    before = check(RICH, order("A", *lines), saw)
    after = check(RICH, order("A", *lines), Contents(tuple(counts.values())))
    if after.kind is VerdictKind.MISMATCH:
        assert before.kind is VerdictKind.MISMATCH
    if after.kind is VerdictKind.MATCH:
        assert before.kind is VerdictKind.MATCH


@few
@given(rich_lines, rich_contents, st.data())
def test_merged_and_split_lines_are_the_same_order(lines: list[OrderLine], saw: Contents, data: st.DataObject) -> None:
    """One till rings up two fries, another fries twice."""
    split = [line(x.sku, modifiers=x.modifiers) for x in lines for _ in range(x.quantity)]
    one, two = check(RICH, order("A", *lines), saw), check(RICH, order("A", *split), saw)
    assert set(one.lines) == set(two.lines)
    assert one.kind is two.kind


CHOICES = menu("a", "b", "c", MenuItem(sku="ab", any_of=("a", "b")), MenuItem(sku="bc", any_of=("b", "c")))
ACCEPTS = {"a": "a", "b": "b", "c": "c", "ab": "ab", "bc": "bc"}


def most_filled(wants: list[str], supply: dict[str, int]) -> int:
    """How many wants the pieces can fill at most, by trying every assignment."""
    best = 0
    for assignment in product(*[[*ACCEPTS[w], ""] for w in wants]):
        used = Counter(c for c in assignment if c)
        if all(used[c] <= supply.get(c, 0) for c in used):
            best = max(best, sum(used.values()))
    return best


@settings(max_examples=120)
@given(
    st.lists(st.sampled_from(sorted(ACCEPTS)), min_size=1, max_size=4),
    st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=3),
)
def test_choices_agree_with_trying_every_assignment(wants: list[str], spans: dict[str, tuple[int, int]]) -> None:
    """Missing only if no assignment fills the order; extra only if none uses up what surely lies there."""
    low = {c: s for c, (s, _) in spans.items()}
    high = {c: s + more for c, (s, more) in spans.items()}
    verdict = check(CHOICES, order("A", *wants), contents(**{c: (low[c], high[c]) for c in spans}))
    missing = sum(each.off_by for each in verdict.faults if each.result is LineResult.MISSING)
    extra = sum(each.off_by for each in verdict.faults if each.result is LineResult.EXTRA)
    assert missing == len(wants) - most_filled(wants, high)
    assert extra == sum(low.values()) - most_filled(wants, low)
    green = most_filled(wants, low) == len(wants) and sum(high.values()) == len(wants)
    assert (verdict.kind is VerdictKind.MATCH) == green


def test_equal_choices_are_named_alike_in_every_sequence() -> None:
    """One piece for two choices that both want it: which one goes short is the menu's say, not the till's."""
    said = {
        frozenset(results(check(CHOICES, order("A", *p), contents(b=1))).items()) for p in permutations(("ab", "bc"))
    }
    assert len(said) == 1
