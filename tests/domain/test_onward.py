"""How work goes on from branch to branch: laws for any branches, in any order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.onward import Way, carrying

START = datetime(2026, 3, 2, tzinfo=UTC)
BRANCHES = st.sampled_from([("acme/shop", name) for name in ("a", "b", "main")])
MOMENTS = st.integers(0, 5).map(lambda hours: START + timedelta(hours=hours))


@st.composite
def ways(draw: st.DrawFn) -> Way:
    merged_at = draw(st.none() | MOMENTS)
    ended_at = merged_at or draw(st.none() | MOMENTS)
    head, base = draw(BRANCHES), draw(BRANCHES)
    return Way(head=head, base=base, merged_at=merged_at, ended_at=ended_at)


@given(st.dictionaries(st.integers(), ways(), min_size=1))
def test_somebody_always_keeps_the_work(held: dict[int, Way]) -> None:
    carriers = carrying(held)
    assert carriers < held.keys()
    merged = [way.merged_at for way in held.values() if way.merged_at]
    first = {number for number, way in held.items() if merged and way.merged_at == min(merged)}
    assert not carriers & first


@given(st.dictionaries(st.integers(), ways()), ways())
def test_what_another_change_does_later_takes_no_work_from_it(
    held: dict[int, Way], further: Way
) -> None:
    # One more change that holds the commit may carry it on, or leave it to fewer: never to more.
    assert carrying(held) <= carrying(held | {max(held, default=0) + 1: further})
