"""What forges say, however late, often and disordered: the same books in the end."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from domain.folded import CoverageKey
from domain.people import SamePerson, Strength
from domain.tickets import TicketState, TieKind
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CheckState,
    CommitSeen,
    DeploymentState,
    Repository,
    ReviewState,
    SessionTrailer,
    WorkFact,
)
from store import tables as t
from store import work
from store.engine import Database
from tests import forging
from tests.companies import conclude
from tests.delivering import parse
from tests.filling import Fresh, rows
from tests.store.working import (
    DEV,
    FORK,
    RENAMED,
    REPO,
    REVIEWER,
    TABLES,
    apply,
    at,
    change,
    check,
    closed,
    commit,
    deployment,
    files,
    listed,
    merged,
    moved,
    push,
    review,
    rewritten,
    sha,
    ticket,
    tied,
    touching,
    written,
)

GHOST, BOT = Actor(identities=()), Actor(identities=("p_dev",), bot=True)
NAMED = Actor(identities=("p_dev", "p_mail"), name="n_dev")
SIZE = {"additions": 10, "deletions": 3, "changed_files": 2}
GROWN = {"additions": 12, "deletions": 4, "changed_files": 2, "commit_count": 3}
BRANCHES = ("main", "feature/shop", "fix/shop")
# Few, so that facts meet in the same second.
MINUTES = st.integers(0, 8)
SHAS = st.integers(1, 4)
FILES = st.lists(st.sampled_from("abc"), unique=True, max_size=3)
TICKETS = st.sampled_from(["PAY-1", "PAY-2"])
STATES = st.sampled_from(TicketState)


@st.composite
def changes(draw: st.DrawFn) -> WorkFact:
    """A change at some moment, sometimes told without an author, a size or its labels."""
    told: WorkFact = draw(st.sampled_from([change, closed, merged]))(
        draw(st.integers(1, 2)),
        draw(MINUTES),
        repository=draw(st.sampled_from([REPO, RENAMED])),
        title=draw(st.sampled_from(["feat: a", "fix: b"])),
        draft=draw(st.booleans()),
        author=draw(st.sampled_from([DEV, BOT, GHOST, NAMED])),
        head_sha=sha(draw(SHAS)),
        head_repository=draw(st.sampled_from([None, REPO.name, FORK.name])),
        reverts=draw(st.sampled_from([(), (1,)])),
        tasks=draw(st.sampled_from([(), ("PAY-1", "#2")])),
        superseded_by=draw(st.sampled_from([(), (2,)])),
        tools=draw(st.sampled_from([(), ("codex",)])),
        labels=draw(st.sampled_from([None, (), ("bug", "ui")])),
        **draw(st.sampled_from([{}, SIZE, GROWN])),
    )
    return told


@st.composite
def commits(draw: st.DrawFn) -> CommitSeen:
    """One of a few commits; some payloads tell more of it than others."""
    number = draw(SHAS)
    sessions = (SessionTrailer(tool="claude-code", session_id=f"s{number}"),)
    return commit(
        number,
        author=draw(st.sampled_from([DEV, NAMED])),
        authored_at=at(number + draw(st.integers(0, 1))),
        committed_at=draw(st.sampled_from([None, at(9)])),
        parents=draw(st.sampled_from([None, (sha(number - 1),)])),
        files=draw(st.none() | FILES.map(lambda names: files(*names, lines=number))),
        sessions=draw(st.sampled_from([(), sessions])),
        reverts=(sha(1)[:7],) if number == 3 else (),
        tasks=draw(st.sampled_from([(), ("PAY-2",)])),
        tools=draw(st.sampled_from([(), ("codex",)])),
    )


PUSHES = st.builds(
    lambda branch, minute, told, tip, forced, repository: push(
        branch, minute, *told, after=sha(tip), forced=forced, repository=repository
    ),
    st.sampled_from(BRANCHES),
    MINUTES,
    st.lists(commits(), min_size=1, max_size=3),
    SHAS,
    st.booleans(),
    st.sampled_from([REPO, FORK]),
)
REVIEWS = st.builds(review, st.sampled_from(["r1", "r2"]), st.sampled_from(ReviewState), MINUTES)
LISTS = st.builds(
    lambda number, minute, told: listed(number, minute, *told),
    st.integers(1, 2),
    MINUTES,
    st.lists(commits(), min_size=1, max_size=3),
) | st.builds(
    lambda number, minute, names, lines: touching(number, minute, *names, lines=lines),
    st.integers(1, 2),
    MINUTES,
    FILES,
    st.sampled_from([None, 1, 2]),
)
CHECKS = st.builds(check, st.sampled_from(["unit", "lint"]), st.sampled_from(CheckState), MINUTES)
DEPLOYMENTS = st.builds(
    deployment, st.sampled_from(["d1", "d2"]), st.sampled_from(DeploymentState), MINUTES, SHAS
)
TICKETED = (
    st.builds(ticket, TICKETS, MINUTES, STATES, kind=st.sampled_from([None, "Bug"]))
    | st.builds(moved, TICKETS, st.none() | STATES, STATES, MINUTES)
    | st.builds(tied, TICKETS, st.sampled_from(TieKind), st.sampled_from(["1", "2"]), MINUTES)
)
SAME = st.builds(
    SamePerson,
    one=st.sampled_from(["p_dev", "p_mail"]),
    other=st.sampled_from(["p_dev", "p_login"]),
    strength=st.just(Strength.STRONG),
    source=st.just("github"),
)
REWRITES = st.builds(rewritten, SHAS, SHAS, MINUTES)
# Facts that meet in the same tables, and all together.
FAMILIES: tuple[st.SearchStrategy[WorkFact], ...] = (
    changes() | REVIEWS | CHECKS,
    LISTS,
    PUSHES | LISTS,
    CHECKS | DEPLOYMENTS | REWRITES,
    TICKETED | changes(),
    st.one_of(changes(), PUSHES, REVIEWS, LISTS, CHECKS, DEPLOYMENTS, REWRITES, TICKETED, SAME),
)
STORIES = st.sampled_from(FAMILIES).flatmap(
    lambda family: st.lists(family, min_size=5, max_size=12)
)


def disordered(data: st.DataObject, story: list[WorkFact]) -> list[list[WorkFact]]:
    """The same facts in another order, in other groups, some of them again."""
    again = data.draw(st.lists(st.sampled_from(story), max_size=4)) if story else []
    shuffled = data.draw(st.permutations([*story, *again]))
    size = data.draw(st.sampled_from([1, 2, 100]))
    return [shuffled[start : start + size] for start in range(0, len(shuffled), size)]


@settings(max_examples=120)
@given(STORIES, st.data())
def test_any_order_grouping_and_repetition_writes_the_same(
    fresh: Fresh, story: list[WorkFact], data: st.DataObject
) -> None:
    with fresh() as one, fresh() as other:
        apply(one, *story)
        for group in disordered(data, story):
            with other.writing() as connection:
                work.apply(connection, group)
        assert written(other) == written(one)


def forget(database: Database) -> None:
    """Empty all tables of work."""
    with database.writing() as connection:
        for table in TABLES:
            connection.execute(text(f"DELETE FROM {table}"))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STORIES, st.data())
def test_both_databases_write_the_same_in_any_order(
    database: Database, fresh: Fresh, story: list[WorkFact], data: st.DataObject
) -> None:
    forget(database)
    for group in disordered(data, story):
        with database.writing() as connection:
            work.apply(connection, group)
    with fresh() as other:
        apply(other, *story)
        assert written(database) == written(other)


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
    assert rows(database, "reviews", "state") == [("approved",)]


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
    assert rows(database, "reviews", "state") == [("dismissed",)]


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


@pytest.mark.parametrize("backwards", [False, True])
def test_what_only_tells_that_it_was_merged_gives_way_to_what_tells_when(
    database: Database, *, backwards: bool
) -> None:
    told = [merged(1, 20), merged(1, 50, merged_at=None, closed_at=None, title="Edited since")]
    apply(database, *(reversed(told) if backwards else told))
    stands = standing(database)
    assert (stands["merged_at"], stands["title"]) == (at(20).timestamp() * 1e6, "Edited since")


def test_a_push_without_commits_still_tells_the_tip(database: Database) -> None:
    apply(database, push("main", 5, after=sha(9)))
    assert [row[1:3] for row in rows(database, "pushes")] == [("main", sha(9))]
    assert rows(database, "commits") == []


def test_of_two_lists_of_files_the_later_one_stands(database: Database) -> None:
    apply(database, touching(1, 9, "a", "b", lines=2), touching(1, 3, "b", "c", lines=1))
    assert rows(database, "change_files", "file, additions") == [("f_a", 2), ("f_b", 2)]
    apply(database, touching(1, 12, "c"))
    assert rows(database, "change_files", "file, additions") == [("f_c", None)]


def test_dates_at_the_ends_of_the_calendar_keep_no_commit_from_being_concluded(
    database: Database,
) -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    odd = [
        commit(1, authored_at=first, committed_at=first),
        commit(2, authored_at=last, committed_at=last),
    ]
    apply(database, push("main", 3, *odd, commit(3, committed_at=at(3))))
    conclude(database, at(10))
    assert rows(database, "set_aside") == []
    dates = {row[0]: row[1:] for row in rows(database, "commits", "sha, authored_at, committed_at")}
    assert dates[sha(1)] < dates[sha(3)] < dates[sha(2)]


def test_every_commit_that_a_change_ever_held_is_kept_with_its_last_list(
    database: Database,
) -> None:
    apply(database, listed(1, 5, commit(1), commit(2)), listed(1, 9, commit(2), commit(3)))
    apply(database, change(1, 12, head_sha=sha(4)))
    with database.reading() as connection:
        query = select(t.change_commits).order_by(t.change_commits.c.sha)
        kept = [(row.sha, row.seen_at, row.listed_at) for row in connection.execute(query)]
    assert kept == [
        (sha(1), at(5), at(5)),
        (sha(2), at(5), at(9)),
        (sha(3), at(9), at(9)),
        (sha(4), at(12), None),
    ]


def test_a_change_that_is_partly_told_loses_nothing(database: Database) -> None:
    apply(database, change(1, 5, **GROWN, labels=("bug",)), change(1, 9), change(1, 1, **SIZE))
    told = standing(database)
    assert {name: told[name] for name in (*GROWN, "labels")} == GROWN | {"labels": "bug"}
    apply(database, change(1, 12, labels=()))
    assert standing(database)["labels"] == ""


def test_a_second_forge_can_not_tell_of_a_repository_of_the_first(database: Database) -> None:
    other = Repository(forge="gitlab", name=REPO.name, default_branch="trunk")
    apply(database, change(1, 5))
    before = written(database)
    with database.writing() as connection:
        told: list[WorkFact] = [
            change(2, 9, repository=other),
            push("trunk", 9, repository=other),
        ]
        refused = work.apply(connection, told)
    assert refused == {CoverageKey("gitlab", "webhook", REPO.name, "other_forge"): 2}
    assert written(database) == before


def test_one_delivery_of_two_forges_belongs_to_the_first(database: Database) -> None:
    other = Repository(forge="gitlab", name=REPO.name)
    with database.writing() as connection:
        refused = work.apply(connection, [change(2, 9, repository=other), change(1, 5)])
    assert refused == {CoverageKey("github", "webhook", REPO.name, "other_forge"): 1}
    assert rows(database, "changes", "number") == [(2,)]


def test_what_a_check_and_a_ticket_matter_to_is_marked(database: Database) -> None:
    apply(
        database,
        closed(1, 5, head_sha=sha(1), tasks=("PAY-1",)),
        change(2, 5, head_sha=sha(2), tasks=("#7",)),
        closed(3, 5, head_sha=sha(3)),
    )
    with database.writing() as connection:
        connection.execute(text("DELETE FROM dirty_work"))
    apply(
        database,
        check("unit", CheckState.FAILURE, 6, of=1),
        check("unit", CheckState.FAILURE, 6, of=2),
        check("unit", CheckState.RUNNING, 6, of=3),
    )
    assert marked(database) == {("change", "1")}
    apply(
        database,
        ticket("PAY-1", 6),
        moved("acme/shop#7", TicketState.OPEN, TicketState.DONE, 7),
        tied("PAY-9", TieKind.CHANGE, "3"),
    )
    assert marked(database) == {
        *(("change", "1"), ("change", "2"), ("change", "3")),
        *(("ticket", "PAY-1"), ("ticket", "PAY-9"), ("ticket", "acme/shop#7")),
    }


def marked(database: Database) -> set[tuple[str, str]]:
    """Kind and id of all that is marked."""
    return {(kind, target) for kind, _, target in written(database)["dirty_work"]}


def test_what_is_touched_is_marked_to_be_concluded_anew(database: Database) -> None:
    apply(
        database,
        change(2, 1, reverts=(1,)),
        push("main", 5, commit(3, reverts=(sha(1)[:7],))),
        review("r", ReviewState.APPROVED, 9, reviewer=REVIEWER),
    )
    assert marked(database) == {
        ("change", "1"),
        ("change", "2"),
        ("commit", sha(3)),
        ("revert", sha(1)[:7]),
    }
