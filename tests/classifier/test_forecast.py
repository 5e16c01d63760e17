"""Forecasts: what follows from a series of days, and what is said of their errors."""

from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.forecast import LEAST_DAYS, forecast
from domain.budgets import Outlook, Unsaid

FIRST = date(2026, 11, 23)
_WORKDAYS = (10, 12, 14, 12, 10, 1, 0)


def said(series: list[int], horizon: int = 30) -> Outlook:
    told = forecast(series, FIRST, horizon)
    assert isinstance(told, Outlook)
    return told


def weekly(days: int, scale: int = 1_000) -> list[int]:
    """So many days of the same week, the last one before a Monday."""
    return [scale * _WORKDAYS[(number - days) % 7] for number in range(days)]


@pytest.mark.parametrize("days", [0, 1, LEAST_DAYS - 1])
def test_too_little_history_says_nothing(days: int) -> None:
    told = forecast([5] * days, FIRST, 30)
    assert isinstance(told, Unsaid)
    assert str(LEAST_DAYS) in told.reason


def test_days_before_the_first_usage_are_no_history() -> None:
    assert isinstance(forecast([0] * 100 + [5] * 10, FIRST, 30), Unsaid)
    assert said([0] * 100 + [5] * LEAST_DAYS).history_days == LEAST_DAYS


def test_the_same_week_again_and_again_is_foretold_exactly() -> None:
    told = said(weekly(70), 14)
    assert told.daily == pytest.approx([1_000 * each for each in _WORKDAYS * 2])
    assert told.totals[-1].expected == pytest.approx(2_000 * sum(_WORKDAYS))
    assert told.totals[-1].low == pytest.approx(told.totals[-1].high)
    assert told.backtest.wape == pytest.approx(0)
    assert told.backtest.interval_coverage == 1


def test_the_shape_of_the_week_keeps_its_days_wherever_the_history_begins() -> None:
    whole = weekly(63)
    for cut in range(7):
        assert said(whole[cut:], 7).daily == pytest.approx([1_000 * each for each in _WORKDAYS])


def test_one_wild_day_moves_little() -> None:
    calm = weekly(70)
    wild = list(calm)
    wild[-10] *= 100
    assert said(wild).totals[-1].expected < 1.5 * said(calm).totals[-1].expected


def test_a_rising_series_rises_further_but_not_for_ever() -> None:
    rising = [1_000 + 20 * number for number in range(84)]
    told = said(rising, 90)
    assert told.daily[7] > rising[-7] * 1.02
    assert told.daily[-1] < 2 * max(rising)


def test_where_nothing_was_used_lately_nothing_is_to_be_expected() -> None:
    assert said([5_000] * 20 + [0] * 60).totals[-1].expected == 0


def test_intervals_hold_what_they_say() -> None:
    """Of totals to come as many lie inside as the interval claims, give or take."""
    inside = tried = 0
    for seed in range(40):
        chance = Random(seed)
        days = [round(each * chance.lognormvariate(0, 0.5)) for each in weekly(126 + 14)]
        total = said(days[:126], 14).totals[-1]
        assert total.low is not None
        assert total.high is not None
        inside += total.low <= sum(days[126:]) <= total.high
        tried += 1
    assert inside / tried > 0.7


def test_errors_are_those_of_totals_forecast_before() -> None:
    chance = Random(7)
    days = [round(each * chance.lognormvariate(0, 0.4)) for each in weekly(100)]
    told = said(days, 10).backtest
    assert (told.origins, told.horizon_days) == (100 - LEAST_DAYS - 10 + 1, 10)
    assert told.wape is not None
    assert 0.02 < told.wape < 0.5
    assert told.bias is not None
    assert abs(told.bias) <= told.wape
    assert told.interval_coverage is not None


def test_a_horizon_longer_than_anything_tried_has_a_wider_interval() -> None:
    chance = Random(3)
    days = [round(each * chance.lognormvariate(0, 0.4)) for each in weekly(35)]
    told = said(days, 60)
    assert told.backtest.horizon_days < 60
    near, far = told.totals[told.backtest.horizon_days - 1], told.totals[-1]
    assert near.high is not None
    assert far.high is not None
    assert far.high / far.expected > near.high / near.expected


@given(
    st.lists(st.integers(0, 10**15), min_size=LEAST_DAYS, max_size=80),
    st.integers(1, 40),
)
def test_whatever_was_used_a_forecast_is_whole(series: list[int], horizon: int) -> None:
    told = forecast([1, *series], FIRST, horizon)
    assert isinstance(told, Outlook)
    assert (len(told.daily), len(told.totals)) == (horizon, horizon)
    assert all(each >= 0 for each in told.daily)
    expected = [each.expected for each in told.totals]
    assert expected == sorted(expected)
    for total in told.totals:
        if total.low is not None and total.high is not None:
            assert 0 <= total.low <= total.expected <= total.high


@given(st.lists(st.integers(0, 10**9), min_size=30, max_size=60), st.integers(2, 1_000))
def test_a_forecast_does_not_depend_on_the_currency(series: list[int], factor: int) -> None:
    one, other = said([1, *series], 14), said([factor, *(factor * each for each in series)], 14)
    for a, b in zip(one.totals, other.totals, strict=True):
        assert b.expected == pytest.approx(factor * a.expected, rel=1e-6, abs=1e-3)
