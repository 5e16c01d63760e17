"""Compares routes by the tasks that they did: each task with itself, where both did it.

Tasks differ far more than routes do, so differences are taken within tasks. The interval is of a
bootstrap over tasks with a fixed seed. One route is better by a measure only where the interval
leaves zero out and the sign test, which asks nothing of how differences are spread, does not speak
against it. With few tasks the answer is that it can't be said.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import comb

from classifier.posterior import interval
from domain.evaluations import Attempt, Comparison, Mean, Measure, RouteResult

LEAST_PAIRS = 8
"""Tasks that both did, before anything is said: with fewer not even all of one sign is rare."""

SURE = 0.05
"""How likely so one-sided a result may be if neither were better."""

_DRAWS = 2_000
_MORE_IS_BETTER = frozenset({Measure.LANDED, Measure.SURVIVES})
_NANO = 1e9


def results(attempts: Sequence[Attempt]) -> tuple[RouteResult, ...]:
    """What each route did, by name."""
    by_route: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_route[attempt.route].append(attempt)
    return tuple(
        RouteResult(
            route=route,
            tasks=len(theirs),
            sessions=sum(each.sessions for each in theirs),
            means={m: _mean(f"{route} {m.value}", _values(theirs, m).values()) for m in Measure},
            labels=sum((Counter(each.labels) for each in theirs), Counter()),
        )
        for route, theirs in sorted(by_route.items())
    )


def comparisons(attempts: Sequence[Attempt]) -> tuple[Comparison, ...]:
    """Every two routes by every measure."""
    by_route: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_route[attempt.route].append(attempt)
    return tuple(
        _compared(measure, one, other, by_route)
        for one, other in combinations(sorted(by_route), 2)
        for measure in Measure
    )


def _compared(
    measure: Measure, one: str, other: str, by_route: Mapping[str, Sequence[Attempt]]
) -> Comparison:
    mine, theirs = _values(by_route[one], measure), _values(by_route[other], measure)
    pairs = [mine[task] - theirs[task] for task in sorted(mine.keys() & theirs.keys())]
    found = Comparison(
        measure=measure,
        one=one,
        other=other,
        tasks=len(pairs),
        difference=None,
        interval=None,
        sign_test=None,
        better=None,
        reason=f"Only {len(pairs)} tasks of {LEAST_PAIRS} were done by both and tell it.",
    )
    if len(pairs) < LEAST_PAIRS:
        return found
    low, high = interval(_drawn(f"{one} {other} {measure.value}", pairs))
    chance = sign_test(pairs)
    mean = sum(pairs) / len(pairs)
    better, reason = _verdict(measure, one, other, (low, high), chance)
    return Comparison(
        measure=measure,
        one=one,
        other=other,
        tasks=len(pairs),
        difference=mean,
        interval=(low, high),
        sign_test=chance,
        better=better,
        reason=reason,
    )


def _verdict(
    measure: Measure, one: str, other: str, span: tuple[float, float], chance: float
) -> tuple[str | None, str]:
    low, high = span
    if low <= 0 <= high:
        return None, "The difference may as well be none."
    if chance > SURE:
        return None, "A few tasks alone make the difference."
    better = one if (low > 0) is (measure in _MORE_IS_BETTER) else other
    return better, f"{better} is better by this measure."


def sign_test(differences: Iterable[float]) -> float:
    """The probability of so one-sided signs, either way, if both were as likely; ties left out."""
    signs = [each > 0 for each in differences if each]
    number = len(signs)
    fewer = min(sum(signs), number - sum(signs))
    tail = sum(comb(number, k) for k in range(fewer + 1))
    return min(1.0, 2.0 * tail / float(2**number))


def _mean(name: str, values: Iterable[float]) -> Mean:
    told = sorted(values)
    if len(told) < LEAST_PAIRS:
        return Mean(tasks=len(told), mean=None, interval=None)
    span = interval(_drawn(name, told))
    return Mean(tasks=len(told), mean=sum(told) / len(told), interval=span)


def _drawn(name: str, values: Sequence[float]) -> list[float]:
    drawing = random.Random(f"evaluation of {name}")  # noqa: S311
    number = len(values)
    return [sum(drawing.choices(values, k=number)) / number for _ in range(_DRAWS)]


def _values(attempts: Iterable[Attempt], measure: Measure) -> dict[int, float]:
    """The measure by task, of those that tell it."""
    told = {attempt.task: _value(attempt, measure) for attempt in attempts}
    return {task: value for task, value in told.items() if value is not None}


def _value(attempt: Attempt, measure: Measure) -> float | None:
    told: Mapping[Measure, float | None] = {
        Measure.COST_USD: None if attempt.cost_nanousd is None else attempt.cost_nanousd / _NANO,
        Measure.MINUTES: attempt.minutes,
        Measure.LANDED: attempt.landed,
        Measure.SURVIVES: attempt.survives,
        Measure.REVIEW_ROUNDS: attempt.review_rounds,
    }
    return told[measure]
