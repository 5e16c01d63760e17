"""What forges say, however late, often and disordered: the same books in the end."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from domain.work import Actor, ChangeSeen, ChangeState, ReviewState, SessionTrailer, WorkFact
from store import work
from store.engine import Database
from tests import forging
from tests.delivering import parse
from tests.filling import Fresh, rows
from tests.store.working import (
    DEV,
    FORK,
    REPO,
    REVIEWER,
    apply,
    at,
    change,
    closed,
    commit,
    merged,
    push,
    review,
    sha,
    written,
)

GHOST, BOT = Actor(identities=()), Actor(identities=("p_dev",), bot=True)
SIZE = {"additions": 10, "deletions": 3, "changed_files": 2}
BRANCHES = ("main", "feature/shop", "fix/shop")


@st.composite
def changes(draw: st.DrawFn, number: int) -> list[WorkFact]:
    """The states of one change at different moments, some told without an author or a size."""
    minutes = draw(st.lists(st.integers(0, 50), unique=True, max_size=4))
    return [
        draw(st.sampled_from([change, closed, merged]))(
            number,
            minute,
            title=draw(st.sampled_from(["feat: a", "fix: b"])),
            draft=draw(st.booleans()),
            author=draw(st.sampled_from([DEV, BOT, GHOST])),
            head_sha=sha(draw(st.integers(1, 4))),
            reverts=draw(st.sampled_from([(), (1,)])),
            tasks=draw(st.sampled_from([(), ("PAY-1", "PAY-2")])),
            **draw(st.sampled_from([{}, SIZE])),
        )
        for minute in minutes
    ]


@st.composite
def pushes(draw: st.DrawFn) -> WorkFact:
    numbers = draw(st.lists(st.integers(1, 5), unique=True, max_size=3))
    commits = [
        commit(
            number,
            sessions=(SessionTrailer(tool="claude-code", session_id=f"s{number}"),),
            reverts=(sha(1)[:7],) if number == 3 else (),
        )
        for number in numbers
    ]
    return push(
        draw(st.sampled_from(BRANCHES)),
        draw(st.integers(0, 50)),
        *commits,
        after=sha(draw(st.integers(1, 5))),
        repository=draw(st.sampled_from([REPO, FORK])),
    )


@st.composite
def reviews(draw: st.DrawFn) -> list[WorkFact]:
    told: list[WorkFact] = []
    for number in range(draw(st.integers(0, 2))):
        state = draw(st.sampled_from([ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED]))
        told.append(review(f"r{number}", state, number))
        if draw(st.booleans()):
            told.append(review(f"r{number}", ReviewState.DISMISSED, number))
    return told


@st.composite
def stories(draw: st.DrawFn) -> list[WorkFact]:
    told = draw(changes(1)) + draw(changes(2)) + draw(reviews())
    told += draw(st.lists(pushes(), max_size=4))
    return told


@settings(max_examples=60)
@given(stories(), st.data())
def test_any_order_grouping_and_repetition_writes_the_same(
    fresh: Fresh, story: list[WorkFact], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(story), max_size=4)) if story else []
    shuffled = data.draw(st.permutations([*story, *again]))
    size = data.draw(st.sampled_from([1, 2, 100]))
    with fresh() as one, fresh() as other:
        apply(one, *story)
        for start in range(0, len(shuffled), size):
            with other.writing() as connection:
                work.apply(connection, shuffled[start : start + size])
        assert written(other) == written(one)


def standing(database: Database) -> dict[str, Any]:
    """The one change as it stands."""
    with database.reading() as connection:
        return dict(connection.execute(text("SELECT * FROM changes")).mappings().one())


def test_the_later_state_stands_whenever_it_came(database: Database) -> None:
    apply(database, merged(1, 30, title="new"), change(1, 10, title="old"))
    told = standing(database)
    assert (told["state"], told["title"]) == ("merged", "new")


def test_a_reopened_change_is_open_though_its_closing_comes_late(database: Database) -> None:
    apply(database, change(1, 5), change(1, 30), closed(1, 20))
    told = standing(database)
    assert (told["state"], told["closed_at"], told["merged_at"]) == ("open", None, None)
    apply(database, merged(1, 40))
    assert standing(database)["state"] == "merged"


@pytest.mark.parametrize("late", [True, False])
def test_of_two_states_of_one_second_the_further_one_stands(database: Database, late: bool) -> None:
    # GitHub's times are whole seconds: a change that is opened and merged by a bot has one.
    story: list[WorkFact] = [change(1, 5), closed(1, 5), merged(1, 5)]
    apply(database, *(reversed(story) if late else story))
    assert standing(database)["state"] == "merged"


def test_a_review_tells_a_change_without_its_size_and_takes_nothing_away(
    database: Database,
) -> None:
    opened, reviewed = at(0), at(20)
    full = forging.pull_request("opened", 7, "topic", sha(1), opened, opened)
    partial = forging.review(7, "topic", sha(1), "approved", opened, reviewed)
    for field in ("additions", "deletions", "changed_files"):
        partial["pull_request"].pop(field, None)
    [seen] = parse("pull_request", full)
    assert isinstance(seen, ChangeSeen)
    assert seen.additions is not None
    apply(database, seen, *parse("pull_request_review", partial))
    told = standing(database)
    assert told["additions"] == seen.additions
    assert told["deletions"] == seen.deletions
    assert told["changed_files"] == seen.changed_files
    assert told["state"] == "open"
    assert [row[3] for row in rows(database, "reviews")] == ["approved"]


def test_an_account_that_is_gone_takes_no_author_away(database: Database) -> None:
    apply(database, change(1, 1, author=BOT), change(1, 9, author=GHOST))
    told = standing(database)
    assert (told["author"], bool(told["author_is_bot"])) == ("p_dev", True)


def test_who_was_told_late_is_known(database: Database) -> None:
    apply(database, change(1, 9, author=GHOST), change(1, 1, author=BOT))
    told = standing(database)
    assert (told["author"], bool(told["author_is_bot"])) == ("p_dev", True)


@pytest.mark.parametrize("dismissed_first", [True, False])
def test_a_dismissed_review_stays_dismissed(database: Database, dismissed_first: bool) -> None:
    approval = review("r", ReviewState.APPROVED, 5)
    dismissal = review("r", ReviewState.DISMISSED, 5)
    apply(database, *((dismissal, approval) if dismissed_first else (approval, dismissal)))
    assert [row[3] for row in rows(database, "reviews")] == ["dismissed"]


def test_a_merge_without_a_time_is_timed_by_its_closing_or_its_update(database: Database) -> None:
    state = ChangeState.MERGED
    apply(
        database,
        change(1, 30, state=state, closed_at=at(20)),
        change(2, 40, state=state),
        change(3, 50, state=state, merged_at=at(10), closed_at=at(20)),
    )
    with database.reading() as connection:
        told = connection.execute(text("SELECT merged_at FROM changes ORDER BY number")).scalars()
        minutes = [(moment - at(0).timestamp() * 1e6) / 60e6 for moment in told]
    assert minutes == [20, 40, 10]


def test_a_push_without_commits_still_tells_the_tip(database: Database) -> None:
    apply(database, push("main", 5, after=sha(9)))
    assert [row[1:3] for row in rows(database, "pushes")] == [("main", sha(9))]
    assert rows(database, "commits") == []


def test_what_is_touched_is_marked_to_be_concluded_anew(database: Database) -> None:
    apply(
        database,
        change(2, 1, reverts=(1,)),
        push("main", 5, commit(3, reverts=(sha(1)[:7],))),
        review("r", ReviewState.APPROVED, 9, reviewer=REVIEWER),
    )
    marked = {(kind, target) for kind, _, target in written(database)["dirty_work"]}
    assert marked == {
        ("change", "1"),
        ("change", "2"),
        ("commit", sha(3)),
        ("revert", sha(1)[:7]),
    }
