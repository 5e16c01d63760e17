"""How work goes on from branch to branch: laws for any branches, in any order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from domain.onward import Way, carrying, landings

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


@dataclass(frozen=True)
class Merge:
    branch: str
    into: str
    at: datetime


NAMES = st.sampled_from(["a", "b", "c", "main"])
MERGES = st.lists(st.builds(Merge, NAMES, NAMES, MOMENTS), max_size=8)


def landed(merges: Sequence[Merge]) -> set[datetime]:
    """When what was on a branch in the beginning came to the default one."""

    def onward(branch: str) -> list[Merge]:
        return [each for each in merges if each.branch == branch]

    def lands(branch: str, at: datetime) -> datetime | None:
        return at if branch == "main" else None

    return {at for at, _ in landings("a", START, onward, lands)}


@given(MERGES, st.randoms(use_true_random=False))
def test_the_order_in_which_merges_are_told_makes_no_difference(
    merges: list[Merge], random: Random
) -> None:
    assert landed(random.sample(merges, len(merges))) == landed(merges)


@given(MERGES, MERGES)
def test_more_merges_take_no_landing_away(merges: list[Merge], more: list[Merge]) -> None:
    assert landed(merges) <= landed([*merges, *more])


def test_each_merge_into_the_default_branch_is_a_landing() -> None:
    later = START + timedelta(hours=1)
    merges = [Merge("a", "main", START), Merge("a", "main", later)]
    assert landed(merges) == landed(merges[::-1]) == {START, later}
