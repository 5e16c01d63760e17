from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.outcomes import lands_on, last_active, reverted_at, review_rounds
from domain.default_branches import ToldDefault, default_branches
from domain.labels import Feedback, Revert, Target, TargetKind
from domain.work import ReviewState

DAY_0 = datetime(2026, 3, 2, tzinfo=UTC)


def day(number: float) -> datetime:
    return DAY_0 + timedelta(days=number)


def change(number: int) -> Target:
    return Target(kind=TargetKind.CHANGE, repo="acme/shop", id=str(number))


def revert(reverting: int, reverted: int, landed_at: datetime | None) -> Revert:
    return Revert(reverting=change(reverting), reverted=change(reverted), landed_at=landed_at)


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


def test_a_revert_counts_from_its_landing() -> None:
    reverts = [revert(2, 1, day(5))]
    assert reverted_at(reverts, LATE) == {change(1): day(5)}
    assert reverted_at(reverts, day(4)) == {}


def test_a_revert_that_never_landed_undoes_nothing() -> None:
    assert reverted_at([revert(2, 1, None)], LATE) == {}


def test_the_revert_of_a_revert_lands_it_again() -> None:
    reverts = [revert(2, 1, day(5)), revert(3, 2, day(8))]
    assert reverted_at(reverts, LATE) == {change(1): None, change(2): day(8)}
    assert reverted_at(reverts, day(7)) == {change(1): day(5)}


def test_parity_decides_a_chain() -> None:
    reverts = [revert(2, 1, day(5)), revert(3, 2, day(8)), revert(4, 3, day(9))]
    assert reverted_at(reverts, LATE) == {change(1): day(5), change(2): None, change(3): day(9)}


def test_a_second_revert_after_a_relanding_counts() -> None:
    reverts = [revert(2, 1, day(5)), revert(3, 2, day(6)), revert(4, 1, day(9))]
    assert reverted_at(reverts, LATE)[change(1)] == day(9)


def test_of_two_reverts_in_force_the_earlier_gives_the_time() -> None:
    reverts = [revert(3, 1, day(7)), revert(2, 1, day(5)), revert(2, 1, day(6))]
    assert reverted_at(reverts, LATE) == {change(1): day(5)}
    # Here the earlier one is known to be in force only once its own chain is followed to the end.
    chain = [revert(2, 1, day(5)), revert(3, 2, day(6)), revert(4, 3, day(7))]
    assert reverted_at([*chain, revert(5, 1, day(8))], LATE)[change(1)] == day(5)


def test_one_revert_in_force_is_enough_beside_one_that_is_not() -> None:
    twice = [revert(4, 3, day(5)), revert(5, 3, day(6)), revert(6, 4, day(7))]
    reverts = [revert(2, 1, day(3)), revert(3, 2, day(4)), *twice]
    assert reverted_at(reverts, LATE) == {
        change(1): day(3),
        change(2): None,
        change(3): day(6),
        change(4): day(7),
    }


def test_a_circle_contradicts_itself_and_undoes_nothing() -> None:
    circle = [revert(1, 2, day(5)), revert(2, 1, day(5)), revert(1, 3, day(5))]
    assert reverted_at(circle, LATE) == {change(1): None, change(2): None, change(3): None}
    assert reverted_at([revert(1, 1, day(5))], LATE) == {change(1): None}


REVERTS = st.lists(
    st.builds(
        revert,
        st.integers(1, 6),
        st.integers(1, 6),
        st.none() | st.integers(0, 9).map(day),
    ),
    max_size=12,
)


@given(REVERTS, st.integers(0, 9).map(day), st.randoms(use_true_random=False))
def test_reverts_are_order_free_and_see_nothing_later(
    reverts: list[Revert], as_of: datetime, random: Random
) -> None:
    answer = reverted_at(reverts, as_of)
    known = [r for r in reverts if r.landed_at is not None and r.landed_at <= as_of]
    assert reverted_at(random.sample(known, len(known)), LATE) == answer
    assert answer.keys() == {r.reverted for r in known}


# Whatever reverts has a higher number, so nothing goes in circles.
FORWARD = st.lists(
    st.lists(st.integers(1, 7), min_size=2, max_size=2, unique=True).flatmap(
        lambda pair: st.builds(
            revert,
            st.just(max(pair)),
            st.just(min(pair)),
            st.none() | st.integers(0, 9).map(day),
        )
    ),
    max_size=15,
)


@given(FORWARD)
def test_without_circles_the_definition_holds_word_by_word(forward: list[Revert]) -> None:
    def undone(target: Target) -> datetime | None:
        by = [r for r in forward if r.reverted == target and r.landed_at is not None]
        return min((r.landed_at for r in by if not undone(r.reverting)), default=None)  # type: ignore[type-var]

    expected = {r.reverted: undone(r.reverted) for r in forward if r.landed_at is not None}
    assert reverted_at(forward, LATE) == expected


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
