"""What a series of daily amounts will come to, and how wrong the same was before.

A week has a shape, from the last eight weeks without their wildest days, and a level: the mean of
the last four weeks, moved on by the median of all slopes between two weeks (Theil and Sen), which
is damped by a fifth each week so that no trend runs for ever. How far off that is, is not assumed:
the same is forecast from every earlier day, and the interval is what eight of ten of these errors
stayed within. All of it is pure: days in, days out.
"""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import accumulate
from math import ceil, sqrt
from statistics import fmean, median

from domain.budgets import Backtest, Outlook, Range, Unsaid

WEEK = 7
LEAST_DAYS = 2 * WEEK
MOST_DAYS = 26 * WEEK
LONGEST_HORIZON = 366
_SHAPE_WEEKS = 8
_LEVEL_WEEKS = 4
_TREND_WEEKS = 4
_DAMPING = 0.8
# A week never differs from the level by more than this because of a trend alone.
_TREND_LIMIT = 0.5
# Days beyond so many deviations of their weekday are cut to that.
_WILD, _MAD_TO_SIGMA, _LEAST_SPREAD = 5.0, 1.4826, 0.1
_TRIMMED_FROM = 5
_INSIDE = 0.8
_LEAST_ORIGINS = 10
_TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Miss:
    """One forecast of the past: of the days after ``origin``, what was said and what came."""

    origin: int
    said: tuple[float, ...]
    came: tuple[float, ...]

    def error(self, days: int) -> float | None:
        """How far the total of so many days was off, as a share of what was said."""
        if days > len(self.came):
            return None
        said, came = self.said[days - 1], self.came[days - 1]
        if abs(came - said) < _TINY:
            return 0.0
        return (came - said) / max(said, came * 0.05)


def forecast(series: Sequence[int], first: date, horizon: int) -> Outlook | Unsaid:
    """The ``horizon`` days from ``first`` on, from the amounts of the days before it.

    ``series`` has one amount for each complete day up to the one before ``first``. Days before the
    first usage are no history.
    """
    begun = next((number for number, amount in enumerate(series) if amount), len(series))
    history = tuple(series[begun:][-MOST_DAYS:])
    if len(history) < LEAST_DAYS:
        days = f"{len(history)} day{'' if len(history) == 1 else 's'}"
        return Unsaid(reason=f"a forecast takes {LEAST_DAYS} days of history; there are {days}")
    return _forecast(history, first, horizon)


@lru_cache(maxsize=1024)
def _forecast(history: tuple[int, ...], first: date, horizon: int) -> Outlook:
    daily = _path(history, horizon)
    misses = _misses(history, horizon)
    totals = [
        _range(expected, days, misses) for days, expected in enumerate(accumulate(daily), start=1)
    ]
    return Outlook(
        first=first,
        history_days=len(history),
        daily=tuple(daily),
        totals=tuple(totals),
        backtest=_backtest(misses, horizon),
    )


def _path(history: Sequence[int], horizon: int) -> list[float]:
    """The days that follow, each at its weekday's share of its week's level."""
    recent = _tamed(history[-_SHAPE_WEEKS * WEEK :])
    shape = _shape(recent)
    weeks = [
        sum(recent[start : start + WEEK])
        for start in range(len(recent) % WEEK, len(recent) - WEEK + 1, WEEK)
    ]
    level = fmean(weeks[-_LEVEL_WEEKS:])
    slope = _slope(weeks) if len(weeks) >= _TREND_WEEKS else 0.0
    # The mean of some weeks lies in their middle: bring it to the last of them.
    level = max(level + slope * (min(len(weeks), _LEVEL_WEEKS) - 1) / 2, 0.0)
    limit = _TREND_LIMIT * level
    told: list[float] = []
    trend = 0.0
    for number in range(horizon):
        if number % WEEK == 0:
            trend += slope * _DAMPING ** (number // WEEK + 1)
        expected = level + min(max(trend, -limit), limit)
        told.append(max(expected, 0.0) * shape[number % WEEK])
    return told


def _tamed(days: Sequence[int]) -> list[float]:
    """The days, the wildest of each weekday cut to what is just believable for it."""
    tamed = [float(amount) for amount in days]
    for start in range(WEEK):
        of = tamed[start::WEEK]
        if len(of) < _TREND_WEEKS:
            continue
        middle = median(of)
        spread = _MAD_TO_SIGMA * median(abs(each - middle) for each in of)
        most = middle + _WILD * max(spread, _LEAST_SPREAD * middle)
        if most > 0:
            tamed[start::WEEK] = [min(each, most) for each in of]
    return tamed


def _shape(days: Sequence[float]) -> list[float]:
    """Each of the next seven days' share of a week, without the highest and lowest of each."""
    start = len(days) % WEEK
    means = []
    for offset in range(WEEK):
        of = sorted(days[start + offset :: WEEK])
        if len(of) >= _TRIMMED_FROM:
            of = of[1:-1]
        means.append(fmean(of))
    whole = sum(means)
    return [each / whole for each in means] if whole > 0 else [1 / WEEK] * WEEK


def _slope(weeks: Sequence[float]) -> float:
    """The median of the slopes between any two weeks."""
    return median(
        (weeks[later] - weeks[earlier]) / (later - earlier)
        for earlier in range(len(weeks))
        for later in range(earlier + 1, len(weeks))
    )


def _misses(history: Sequence[int], horizon: int) -> list[_Miss]:
    """The same forecast from each earlier day, beside what then came."""
    return [
        _Miss(
            origin=origin,
            said=tuple(accumulate(_path(history[:origin], min(horizon, len(history) - origin)))),
            came=tuple(accumulate(map(float, history[origin : origin + horizon]))),
        )
        for origin in range(LEAST_DAYS, len(history))
    ]


def _range(expected: float, days: int, misses: Sequence[_Miss]) -> Range:
    """The total with its interval, from errors over as many days or, where too few, over fewer.

    Errors over fewer days are widened by the square root of how many times longer this is. Totals
    over many days from one day and from the next share most of their days, so that a hundred such
    errors tell little more than the few of them that share none: with so many fewer it is wider.
    """
    tried = days
    errors = _errors(misses, tried)
    while len(errors) < _LEAST_ORIGINS and tried > 1:
        tried -= 1
        errors = _errors(misses, tried)
    if len(errors) < _LEAST_ORIGINS:
        return Range(expected=expected)
    return _within(expected, sorted(map(abs, errors)), days, tried)


def _within(expected: float, ordered: Sequence[float], days: int, tried: int) -> Range:
    """The total with its interval; ``ordered`` is how far off totals of ``tried`` days were."""
    apart = max(len(ordered) / tried, 1.0)
    off = _usual(ordered) * sqrt(days / tried) * (1 + 1 / apart)
    return Range(expected=expected, low=max(expected * (1 - off), 0.0), high=expected * (1 + off))


def _errors(misses: Sequence[_Miss], days: int) -> list[float]:
    told = (miss.error(days) for miss in misses)
    return [error for error in told if error is not None]


def _usual(ordered: Sequence[float]) -> float:
    """What eight of ten further errors of the kind stay within, above or below."""
    return ordered[min(ceil(_INSIDE * (len(ordered) + 1)), len(ordered)) - 1]


def _backtest(misses: Sequence[_Miss], horizon: int) -> Backtest:
    """How wrong totals were, over the whole horizon or the longest that enough days were tried."""
    days = horizon
    while days > 1 and len(_errors(misses, days)) < _LEAST_ORIGINS:
        days -= 1
    tried = [miss for miss in misses if len(miss.came) >= days]
    came = sum(miss.came[days - 1] for miss in tried)
    off = [miss.said[days - 1] - miss.came[days - 1] for miss in tried]
    return Backtest(
        origins=len(tried),
        horizon_days=days,
        wape=sum(map(abs, off)) / came if came else None,
        bias=sum(off) / came if came else None,
        interval_coverage=_coverage(tried, days),
    )


def _coverage(tried: Sequence[_Miss], days: int) -> float | None:
    """The share of totals inside the interval that errors known by then gave."""
    inside = []
    known: list[float] = []
    ended = 0
    for miss in tried:
        while tried[ended].origin + days <= miss.origin:
            insort(known, abs(tried[ended].error(days) or 0.0))
            ended += 1
        if len(known) < _LEAST_ORIGINS:
            continue
        told = _within(miss.said[days - 1], known, days, days)
        came = miss.came[days - 1]
        if told.low is not None and told.high is not None:
            inside.append(told.low <= came <= told.high)
    return fmean(inside) if len(inside) >= _LEAST_ORIGINS else None
