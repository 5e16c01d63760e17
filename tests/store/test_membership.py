"""Which changes a commit belongs to, whatever came first: the push or the change."""

from typing import Any

import pytest

from domain.work import ChangeCommits, CommitsPushed, Repository, WorkFact
from store.engine import Database
from store.evidence import commits_of_changes
from store.membership import branch_windows, changes_of_commits
from tests.store.working import (
    FORK,
    REPO,
    apply,
    at,
    change,
    closed,
    commit,
    listed,
    merged,
    push,
    sha,
)

BRANCH = "feature/shop"


def members(database: Database, *numbers: int, repo: Repository = REPO) -> dict[int, set[int]]:
    """Of each of these commits that belongs to any: the numbers of its changes."""
    wanted = {(repo.name, sha(number)): number for number in numbers}
    with database.reading() as connection:
        found = changes_of_commits(connection, wanted)
    assert {of for changes in found.values() for of, _ in changes} <= {REPO.name}
    return {wanted[key]: {number for _, number in changes} for key, changes in found.items()}


def pushed(minute: float, *numbers: int, branch: str = BRANCH, **told: Any) -> CommitsPushed:
    return push(branch, minute, *(commit(number) for number in numbers), **told)


both_ways = pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])


def tell(database: Database, backwards: bool, *story: WorkFact) -> None:
    apply(database, *(reversed(story) if backwards else story))


@both_ways
def test_commits_pushed_before_and_after_a_change_was_opened_are_its_own(
    database: Database, backwards: bool
) -> None:
    tell(
        database,
        backwards,
        pushed(-30, 1, 2),
        change(7, 0, head_sha=sha(2)),
        pushed(10, 3),
        merged(7, 30),
    )
    assert members(database, 1, 2, 3, 4) == {1: {7}, 2: {7}, 3: {7}}


@both_ways
def test_a_push_that_is_told_after_the_end_is_the_changes_whose_head_it_brings(
    database: Database, backwards: bool
) -> None:
    tell(
        database,
        backwards,
        merged(7, 30, head_sha=sha(2)),
        pushed(31, 1, 2),
        pushed(40, 3),
        change(8, 50, created_at=at(45), head_sha=sha(3)),
    )
    assert members(database, 1, 2, 3) == {1: {7}, 2: {7}, 3: {8}}
    with database.reading() as connection:
        held = commits_of_changes(connection, [(REPO.name, 7), (REPO.name, 8)])
    assert held == {(REPO.name, 7): {sha(1), sha(2), sha(207)}, (REPO.name, 8): {sha(3)}}


@both_ways
def test_the_commit_that_a_merge_made_belongs_to_the_change(
    database: Database, backwards: bool
) -> None:
    tell(database, backwards, merged(7, 30, merge_sha=sha(50)), pushed(30, 50, branch="main"))
    assert members(database, 50) == {50: {7}}


def test_every_head_that_a_change_ever_had_is_its_own(database: Database) -> None:
    apply(database, *(change(7, minute, head_sha=sha(minute)) for minute in (1, 2, 3)))
    assert members(database, 1, 2, 3) == {1: {7}, 2: {7}, 3: {7}}


@both_ways
def test_what_its_forge_did_not_list_came_to_the_branch_from_elsewhere(
    backwards: bool, database: Database
) -> None:
    listed = ChangeCommits(repository=REPO, number=1, seen_at=at(10), commits=(commit(1),))
    story: list[WorkFact] = [change(minute=1), pushed(5, 1, 2), listed, pushed(12, 3)]
    apply(database, *(story[::-1] if backwards else story))
    assert members(database, 1, 2, 3) == {1: {1}, 3: {1}}


@both_ways
def test_what_is_pushed_after_the_end_is_not_the_changes(
    database: Database, backwards: bool
) -> None:
    tell(
        database,
        backwards,
        change(7, 0, head_sha=sha(1)),
        closed(7, 20, head_sha=sha(1)),
        pushed(20, 2),
        pushed(21, 3),
    )
    assert members(database, 1, 2, 3) == {1: {7}, 2: {7}}


def test_what_is_pushed_after_a_change_was_reopened_is_its_own_again(database: Database) -> None:
    apply(database, closed(7, 20), pushed(25, 3))
    assert members(database, 3) == {}
    apply(database, change(7, 30))
    assert members(database, 3) == {3: {7}}


@both_ways
def test_a_branch_name_used_again_belongs_to_the_next_change(
    database: Database, backwards: bool
) -> None:
    tell(
        database,
        backwards,
        pushed(-5, 1),
        merged(7, 10, head_sha=sha(1)),
        pushed(15, 2),
        change(8, 20, created_at=at(20), head_sha=sha(2)),
        pushed(25, 3),
        merged(8, 30, created_at=at(20), head_sha=sha(3)),
        pushed(35, 4),
        change(9, 40, created_at=at(40), head_sha=sha(4)),
    )
    assert members(database, 1, 2, 3, 4) == {1: {7}, 2: {8}, 3: {8}, 4: {9}}


def test_the_windows_of_a_branch_follow_each_other(database: Database) -> None:
    apply(database, merged(7, 10), change(8, 20, created_at=at(20)))
    key = (REPO.name, BRANCH)
    with database.reading() as connection:
        windows = branch_windows(connection, [key])[key]
    first, second = windows
    assert (first.change, first.until) == ((REPO.name, 7), at(10))
    assert (second.change, second.since) == ((REPO.name, 8), at(10))
    assert first.since < at(-10_000)
    assert second.until > at(10_000)


def test_one_branch_may_be_the_head_of_two_changes(database: Database) -> None:
    apply(database, change(7, 0), change(8, 0, base_ref="release"), pushed(5, 3))
    assert members(database, 3) == {3: {7, 8}}


@both_ways
def test_a_change_from_the_default_branch_owns_nobodys_work(
    database: Database, backwards: bool
) -> None:
    # A release: from main, that everybody's work lands on, into another branch.
    release = change(7, 0, head_ref="main", base_ref="production", head_sha=sha(3))
    tell(database, backwards, release, pushed(-5, 3, branch="main"), pushed(5, 4, branch="main"))
    assert members(database, 3, 4) == {}


@both_ways
@pytest.mark.parametrize("told", ["by lists", "by pushes"])
def test_a_release_only_carries_on_what_changes_brought_to_its_branch(
    database: Database, backwards: bool, told: str
) -> None:
    feature = merged(7, 30, base_ref="develop", merge_sha=sha(50), head_sha=sha(1))
    release = merged(8, 60, head_ref="develop", created_at=at(10), head_sha=sha(50))
    story: list[WorkFact] = [feature, release, pushed(20, 3, branch="develop")]
    if told == "by lists":
        story += [
            listed(7, 31, commit(1)),
            listed(8, 61, commit(1), commit(3), commit(50)),
        ]
    else:
        story += [pushed(-5, 1), pushed(30, 1, 50, branch="develop")]
    tell(database, backwards, *story)
    assert members(database, 1, 3, 50) == {1: {7}, 3: {8}, 50: {7}}


@both_ways
def test_a_stack_belongs_to_the_changes_that_began_it(database: Database, backwards: bool) -> None:
    child = merged(7, 30, base_ref="parent", head_ref="child", head_sha=sha(1), merge_sha=sha(50))
    parent = merged(8, 60, head_ref="parent", head_sha=sha(50))
    lists = (listed(7, 31, commit(1)), listed(8, 61, commit(1), commit(2), commit(50)))
    tell(database, backwards, child, parent, *lists)
    assert members(database, 1, 2, 50) == {1: {7}, 2: {8}, 50: {7}}


def test_a_change_that_is_not_merged_yet_brings_nothing(database: Database) -> None:
    apply(
        database,
        change(7, 30, base_ref="develop", head_sha=sha(1)),
        change(8, 60, head_ref="develop", head_sha=sha(1)),
    )
    assert members(database, 1) == {1: {7, 8}}
    # Nor does one into the branch of that name in another repository, or one merged afterwards.
    apply(
        database,
        merged(7, 90, base_ref="develop", head_sha=sha(1)),
        merged(8, 80, head_ref="develop", head_sha=sha(1)),
        merged(9, 99, head_ref="develop", head_sha=sha(1), head_repository=FORK.name),
    )
    assert members(database, 1) == {1: {7, 8, 9}}


@both_ways
def test_of_branches_merged_into_each_other_the_first_change_keeps_its_commits(
    database: Database, backwards: bool
) -> None:
    out = merged(7, 30, head_ref="a", base_ref="b", head_sha=sha(1))
    back = merged(8, 60, head_ref="b", base_ref="a", head_sha=sha(2))
    tell(database, backwards, out, back, listed(7, 31, commit(1)), listed(8, 61, commit(1)))
    assert members(database, 1) == {1: {7}}


@both_ways
def test_the_default_branch_of_a_fork_is_its_owners(database: Database, backwards: bool) -> None:
    opened = change(7, 0, head_ref="main", head_sha=sha(4), head_repository=FORK.name)
    own = pushed(5, 4, branch="main", repository=FORK)
    tell(database, backwards, opened, own, pushed(5, 3, branch="main"))
    assert members(database, 3, 4) == {4: {7}}
    assert members(database, 4, repo=FORK) == {4: {7}}


@both_ways
def test_a_fork_has_branches_of_its_own(database: Database, backwards: bool) -> None:
    tell(
        database,
        backwards,
        change(7, 0, head_repository=FORK.name),
        pushed(5, 3),
        pushed(5, 4, repository=FORK),
    )
    assert members(database, 3) == {}
    assert members(database, 4, repo=FORK) == {4: {7}}


@both_ways
def test_a_fork_that_is_deleted_later_still_was_where_the_change_came_from(
    database: Database, backwards: bool
) -> None:
    tell(
        database,
        backwards,
        change(7, 0, head_repository=FORK.name),
        merged(7, 30, head_repository=None),
        pushed(5, 3),
        pushed(5, 4, repository=FORK),
    )
    assert members(database, 3) == {}
    assert members(database, 4, repo=FORK) == {4: {7}}


def test_a_commit_of_the_same_name_in_another_repository_is_another_commit(
    database: Database,
) -> None:
    apply(database, change(7, 0), pushed(5, 3))
    assert members(database, 3, repo=FORK) == {}


def test_more_commits_than_fit_one_statement(database: Database) -> None:
    numbers = range(1, 256)
    apply(database, change(7, 0, head_sha=sha(1)), pushed(5, *numbers))
    assert members(database, *numbers) == {number: {7} for number in numbers}
