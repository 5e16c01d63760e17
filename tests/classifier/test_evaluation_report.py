import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.evaluation_report import LEAST_PAIRS, comparisons, results, sign_test
from domain.evaluations import Attempt, Comparison, Measure


def attempt(
    route: str, task: int, dollars: float | None = 1.0, landed: bool | None = None
) -> Attempt:
    return Attempt(
        route=route,
        task=task,
        sessions=2,
        cost_nanousd=None if dollars is None else round(dollars * 1e9),
        minutes=30.0,
        landed=landed,
        survives=landed,
        review_rounds=None if landed is None else 1,
        labels={"neutral": 2},
    )


def compared(attempts: list[Attempt], measure: Measure = Measure.COST_USD) -> Comparison:
    [found] = [each for each in comparisons(attempts) if each.measure is measure]
    return found


def test_tasks_are_compared_with_themselves() -> None:
    """Tasks cost from 1 to 100 dollars; one route is a tenth cheaper at each of them."""
    tasks = [1.0 + 99 * n / 19 for n in range(20)]
    attempts = [attempt("usual", n, cost) for n, cost in enumerate(tasks)]
    attempts += [attempt("new", n, cost * 0.9) for n, cost in enumerate(tasks)]
    told = compared(attempts)
    assert (told.one, told.other, told.better) == ("new", "usual", "new")
    assert told.difference == pytest.approx(-sum(tasks) / 200)
    assert told.sign_test == pytest.approx(2 / 2**20)
    assert told.interval is not None
    assert told.interval[1] < 0
    # Route by route the two can't be told apart.
    new, usual = (each.means[Measure.COST_USD].interval for each in results(attempts))
    assert new is not None
    assert usual is not None
    assert new[1] > usual[0]


def test_more_is_better_of_what_landed() -> None:
    attempts = [attempt("a", n, landed=True) for n in range(12)]
    attempts += [attempt("b", n, landed=n % 4 == 0) for n in range(12)]
    assert compared(attempts, Measure.LANDED).better == "a"
    assert compared(attempts, Measure.REVIEW_ROUNDS).better is None


def test_few_tasks_or_tasks_that_only_one_did_say_nothing() -> None:
    attempts = [attempt("a", n, 1.0) for n in range(30)]
    attempts += [attempt("b", 100 + n, 9.0) for n in range(30)]
    attempts += [attempt("b", n, 9.0) for n in range(LEAST_PAIRS - 1)]
    told = compared(attempts)
    assert (told.tasks, told.difference, told.better) == (LEAST_PAIRS - 1, None, None)
    assert told.reason == "Only 7 tasks of 8 were done by both and tell it."


def test_what_is_not_told_is_left_out_and_not_zero() -> None:
    attempts = [attempt("a", n, None if n % 2 else 4.0) for n in range(40)]
    attempts += [attempt("b", n, 4.0) for n in range(40)]
    told = compared(attempts)
    assert (told.tasks, told.difference) == (20, 0.0)
    [a, _] = results(attempts)
    assert (a.means[Measure.COST_USD].tasks, a.means[Measure.COST_USD].mean) == (20, 4.0)
    assert a.means[Measure.LANDED].mean is None
    assert (a.tasks, a.sessions, a.labels) == (40, 80, {"neutral": 80})


def test_one_task_alone_decides_nothing() -> None:
    attempts = [attempt("a", n, 1.0) for n in range(12)]
    attempts += [attempt("b", n, 1_000.0 if n == 0 else 1.0) for n in range(12)]
    assert compared(attempts).better is None


def test_two_equal_routes_are_told_apart_rarely() -> None:
    luck = random.Random(11)
    apart = 0
    for _ in range(60):
        attempts = [attempt(r, n, luck.lognormvariate(0, 1)) for r in "ab" for n in range(24)]
        apart += compared(attempts).better is not None
    # One in twenty by the sign test alone, and the interval must agree.
    assert apart <= 6


@pytest.mark.parametrize(
    ("signs", "chance"),
    [([], 1.0), ([0.0] * 9, 1.0), ([1.0] * 8, 2 / 256), ([1.0] * 7 + [-1.0], 18 / 256)],
)
def test_the_sign_test_by_hand(signs: list[float], chance: float) -> None:
    assert sign_test(signs) == pytest.approx(chance)


@given(st.lists(st.floats(-5, 5), max_size=40))
def test_the_sign_test_is_a_probability_and_has_no_side(differences: list[float]) -> None:
    chance = sign_test(differences)
    assert 0 < chance <= 1
    assert sign_test([-each for each in differences]) == chance
