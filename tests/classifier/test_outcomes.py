from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.outcomes import lands_on, last_active, review_rounds
from domain.default_branches import ToldDefault, default_branches
from domain.labels import Feedback
from domain.work import ReviewState

DAY_0 = datetime(2026, 3, 2, tzinfo=UTC)


def day(number: float) -> datetime:
    return DAY_0 + timedelta(days=number)


LATE = day(100)


@pytest.mark.parametrize(
    ("branch", "told", "expected"),
    [
        ("main", ["main"], True),
        ("feature", ["main"], False),
        ("develop", ["develop"], True),
        ("main", ["develop"], False),
        ("master", [], True),
        ("develop", [], False),
        ("release/2.1", ["main"], True),
        ("releases", ["main"], False),
        ("master", ["master", "main"], True),
    ],
)
def test_landing_is_on_the_default_branch_or_on_one_for_releases(
    branch: str, told: list[str], expected: bool
) -> None:
    defaults = default_branches(ToldDefault(each, day(n), day(n)) for n, each in enumerate(told))
    assert lands_on(branch, defaults, ["release/*"], LATE) is expected


def test_the_last_activity_is_at_least_the_opening() -> None:
    assert last_active(day(0), [day(1), day(3)], day(2)) == day(1)
    assert last_active(day(0), [], day(2)) == day(0)


def said(
    at: float,
    state: ReviewState = ReviewState.COMMENTED,
    *,
    human: bool = True,
    author: bool = False,
) -> Feedback:
    return Feedback(state=state, submitted_at=day(at), by_human=human, by_author=author)


@pytest.mark.parametrize(
    ("feedback", "pushes", "rounds"),
    [
        ([], [1, 2], 0),
        ([said(1)], [], 0),
        ([said(1)], [0.5], 0),
        ([said(1)], [1], 0),
        ([said(1)], [2], 1),
        ([said(1)], [2, 3, 4], 1),
        ([said(1), said(1.5, ReviewState.CHANGES_REQUESTED)], [2], 1),
        ([said(1), said(3)], [2, 4], 2),
        ([said(3), said(1)], [4, 2], 2),
        ([said(1), said(3)], [2], 1),
        ([said(1, ReviewState.APPROVED), said(1, ReviewState.DISMISSED)], [2], 0),
        ([said(1, human=False)], [2], 0),
        ([said(1, author=True)], [2], 0),
    ],
)
def test_a_round_is_feedback_and_the_push_that_follows(
    feedback: list[Feedback], pushes: list[float], rounds: int
) -> None:
    assert review_rounds(feedback, map(day, pushes), LATE) == rounds


def test_rounds_see_nothing_later() -> None:
    feedback, pushes = [said(1), said(3)], [day(2), day(4)]
    assert [review_rounds(feedback, pushes, day(n)) for n in range(6)] == [0, 0, 1, 1, 2, 2]


@given(st.lists(st.integers(0, 30).map(said)), st.lists(st.integers(0, 30).map(day)))
def test_rounds_are_bounded_by_what_was_said_and_pushed(
    feedback: list[Feedback], pushes: list[datetime]
) -> None:
    rounds = review_rounds(feedback, pushes, LATE)
    assert 0 <= rounds <= min(len(feedback), len(set(pushes)))
