"""A verdict that is remembered is the one that would be reached anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.checking.known_verdicts import KnownVerdicts
from edge_agent.domain.association import Candidate, judged
from edge_agent.domain.contents import ClassCount, Contents
from tests.builders import menu, order

MENU, OTHER = menu("plate", "drink"), menu("plate", "drink")
COUNTS = st.builds(
    lambda name, surely, more, confidence: ClassCount(
        class_name=name, surely=surely, likely=surely, possibly=surely + more, confidence=confidence
    ),
    st.sampled_from(["plate", "drink"]),
    st.integers(0, 2),
    st.integers(0, 1),
    st.floats(0, 1),
)
CONTENTS = st.builds(
    lambda counts: Contents(tuple({each.class_name: each for each in counts}.values())), st.lists(COUNTS, max_size=2)
)
CANDIDATES = st.builds(
    lambda order_id, skus, before: Candidate(order=order(order_id, *skus), before=before, parts_before=0),
    st.sampled_from(["A", "B"]),
    st.lists(st.sampled_from(["plate", "drink"]), min_size=1, max_size=3),
    CONTENTS,
)


@given(st.lists(st.tuples(st.sampled_from([MENU, OTHER]), CONTENTS, CANDIDATES), max_size=12))
def test_whatever_changes_meanwhile(asked: list[tuple[object, Contents, Candidate]]) -> None:
    known = KnownVerdicts()
    for served, contents, candidate in asked:
        assert known.on(served, contents)(candidate) == judged(served, contents, candidate)  # type: ignore[arg-type]
