"""Ratios of spend can't be raised by how work is cut up; intervals hold what they say."""

from math import isclose
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from classifier.efficiency import usual_by_type
from classifier.fences import fence_of
from classifier.intervals import difference, effective, share_of
from classifier.tally import Tally, tally
from domain.contributions import Counts, Standing, squared

PRODUCTIVE = Standing(label="productive", maturity="final", rule="so")
WASTEFUL = Standing(label="wasteful", maturity="final", rule="so")
COSTS = st.lists(st.integers(10**7, 10**11), max_size=20)


def sums(costs: dict[Standing, list[int]]) -> Tally:
    told: dict[Standing, Counts] = {
        standing: {
            "sessions": len(of),
            "priced": len(of),
            "cost_nanousd": sum(of),
            "cost_squares": sum(map(squared, of)),
        }
        for standing, of in costs.items()
    }
    return tally(told)


@given(COSTS, COSTS, st.integers(2, 9))
def test_chopping_sessions_leaves_the_ratio_of_spend_as_it_is(
    good: list[int], bad: list[int], parts: int
) -> None:
    assume(good or bad)
    whole = sums({PRODUCTIVE: good, WASTEFUL: bad}).ratio
    chopped = [each // parts for each in good for _ in range(parts - 1)]
    chopped += [each - each // parts * (parts - 1) for each in good]
    cut = sums({PRODUCTIVE: chopped, WASTEFUL: bad}).ratio
    assert whole is not None
    assert cut is not None
    assert whole.value == cut.value


@given(COSTS, COSTS, st.integers(1, 500), st.integers(1, 10**6))
def test_trivial_work_raises_the_ratio_by_no_more_than_its_own_spend(
    good: list[int], bad: list[int], count: int, trivial: int
) -> None:
    assume(good or bad)
    before = sums({PRODUCTIVE: good, WASTEFUL: bad}).ratio
    after = sums({PRODUCTIVE: [*good, *[trivial] * count], WASTEFUL: bad}).ratio
    assert before is not None
    assert after is not None
    assert after.value - before.value <= count * trivial / sum(good + bad) + 1e-12


@given(COSTS, COSTS)
def test_a_share_lies_in_its_interval_and_rests_on_no_more_than_its_sessions(
    good: list[int], bad: list[int]
) -> None:
    assume(good or bad)
    told = sums({PRODUCTIVE: good, WASTEFUL: bad})
    by_spend, by_sessions = told.ratio, told.ratio_by_sessions
    assert by_spend is not None
    assert by_sessions is not None
    for share in (by_spend, by_sessions):
        assert 0 <= share.low <= share.value <= share.high <= 1
        assert share.weight <= len(good) + len(bad) + 1e-9
    assert by_sessions.weight == len(good) + len(bad)


def test_intervals_hold_the_truth_nineteen_times_of_twenty() -> None:
    luck = Random(3)
    for truth in (0.2, 0.5, 0.9):
        held = 0
        for _ in range(2_000):
            part = sum(luck.random() < truth for _ in range(60))
            share = share_of(part, 60, 60)
            assert share is not None
            held += share.low <= truth <= share.high
        assert 0.92 < held / 2_000 < 0.98


def test_equal_parts_count_in_full_and_one_large_one_as_one() -> None:
    assert effective(10.0, 10.0) == 10.0
    assert isclose(effective(1_000 + 9, 1_000**2 + 9), 1.018, abs_tol=1e-3)
    assert effective(0.0, 0.0) == 0.0
    assert share_of(0, 0, 0) is None


def test_a_difference_of_the_same_shares_holds_none() -> None:
    share = share_of(30, 60, 60)
    assert share is not None
    low, high = difference(share, share)
    assert isclose(low, -high)
    assert low < 0 < high


def test_the_company_over_its_own_mix_is_the_company() -> None:
    by_type = {
        "bug": sums({PRODUCTIVE: [5], WASTEFUL: [5]}),
        "docs": sums({PRODUCTIVE: [30]}),
        "": sums({PRODUCTIVE: [4], WASTEFUL: [16]}),
    }
    usual = usual_by_type(by_type)
    assert set(usual) == {"bug", "docs"}
    assert isclose((10 * usual["bug"] + 30 * usual["docs"]) / 40, 39 / 60)
    assert usual_by_type({"": by_type[""]}) == {}


def test_what_is_out_of_the_ordinary_lies_far_beyond_most() -> None:
    assert fence_of({0: 19}) is None
    assert fence_of({0: 20}) == 0 + 3 * 4
    assert fence_of({0: 10, 10: 10}) == 10 + 3 * 10
