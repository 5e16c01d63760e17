"""Whether something helped, by weeks made by hand."""

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.effects import (
    Difference,
    EffectState,
    WeekShare,
    difference,
    effect,
    student,
    window,
)
from domain.weeks import WEEK, monday_of

TRIED = date(2026, 9, 16)
OWN = date(2026, 9, 14)
UNTIL = date(2026, 10, 26)


def weeks(first: date, *percent: float, spent: int = 1_000_000) -> dict[date, WeekShare]:
    return {
        first + WEEK * number: WeekShare(lost=round(share / 100 * spent), spent=spent)
        for number, share in enumerate(percent)
    }


BEFORE = weeks(OWN - 4 * WEEK, 20, 22, 18, 20)


def test_the_week_of_the_trial_belongs_to_neither_side() -> None:
    asked = window(TRIED, UNTIL, None)
    assert asked.before == (*(OWN - WEEK * n for n in (4, 3, 2, 1)),)
    assert asked.since == (*(OWN + WEEK * n for n in (1, 2, 3, 4, 5)),)
    assert window(TRIED, UNTIL, date(2026, 10, 7)).since == (OWN + WEEK, OWN + 2 * WEEK)
    assert window(UNTIL, UNTIL, None).since == ()


def test_a_leak_that_has_become_smaller() -> None:
    own = BEFORE | weeks(OWN + WEEK, 5, 7, 6, 6, 6)
    told = effect(window(TRIED, UNTIL, None), own, [])
    assert (told.state, told.weeks_before, told.weeks_since) == (EffectState.MEASURED, 4, 5)
    assert told.before_share == pytest.approx(0.2)
    assert told.since_share == pytest.approx(0.06)
    assert told.change is not None
    # By hand: variances 0.000267 and 0.00005, error 0.00876, 3.9 degrees of freedom: t is 3.182.
    assert told.change.estimate == pytest.approx(-0.14)
    assert told.change.low == pytest.approx(-0.14 - 3.182 * 0.008756, abs=1e-5)
    assert told.change.high == pytest.approx(-0.14 + 3.182 * 0.008756, abs=1e-5)
    assert told.saved_nanousd is not None
    assert told.saved_nanousd.estimate == pytest.approx(140_000)
    assert told.saved_nanousd.low < 140_000 < told.saved_nanousd.high
    assert told.beside is None


def test_what_changed_everywhere_was_not_the_fix() -> None:
    own = BEFORE | weeks(OWN + WEEK, 5, 7, 6, 6, 6)
    other = weeks(OWN - 4 * WEEK, 30, 31, 29, 30, 30, 16, 17, 15, 16, 16)
    told = effect(window(TRIED, UNTIL, None), own, [other, other])
    assert told.beside is not None
    assert told.beside.groups == 2
    assert told.beside.before_share == pytest.approx(0.3)
    assert told.beside.since_share == pytest.approx(0.16)
    assert told.beside.change is not None
    assert told.beside.change.estimate == pytest.approx(0, abs=1e-9)
    assert told.beside.change.low < 0 < told.beside.change.high


def test_too_early_to_say() -> None:
    own = BEFORE | weeks(OWN + WEEK, 5)
    told = effect(window(TRIED, OWN + 2 * WEEK, None), own, [])
    assert (told.state, told.weeks_since, told.change) == (EffectState.TOO_EARLY, 1, None)
    # Weeks without spend say nothing.
    idle = own | weeks(OWN + 2 * WEEK, 0, 0, spent=0)
    assert effect(window(TRIED, UNTIL, None), idle, []).state is EffectState.TOO_EARLY


def test_nothing_to_compare_with() -> None:
    told = effect(window(TRIED, UNTIL, None), weeks(OWN - WEEK, 20, 20, 5, 5, 5), [])
    assert (told.state, told.weeks_before) == (EffectState.NOTHING_BEFORE, 1)


@example(before=[0.0, 0.0], since=[0.0, 1e-119])
@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=8),
    st.lists(st.floats(0, 1), min_size=2, max_size=8),
)
def test_a_difference_lies_in_its_interval_and_turns_round(
    before: list[float], since: list[float]
) -> None:
    told = difference(before, since)
    assert told.low <= told.estimate <= told.high
    back = difference(since, before)
    assert back.estimate == pytest.approx(-told.estimate)
    assert back.low == pytest.approx(-told.high)


def test_weeks_that_are_all_alike_have_no_spread() -> None:
    assert difference([0.5, 0.5], [0.25, 0.25]) == Difference(low=-0.25, estimate=-0.25, high=-0.25)


@given(st.floats(0.1, 1000), st.floats(0.1, 1000))
def test_more_freedom_is_never_wider(one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert student(less) >= student(more) >= 1.96


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_week_begins_on_its_monday(day: date) -> None:
    first = monday_of(day)
    assert first.isoweekday() == 1
    assert timedelta(0) <= day - first < WEEK
