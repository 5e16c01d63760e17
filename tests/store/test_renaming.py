"""A repository's history is one, whatever it was called, in whatever order that is told."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from domain.work import ChangeSeen, Repository, RepositoryRenamed, ReviewState, WorkFact
from store import renamed, work
from store.engine import Database
from tests.filling import Fresh, rows
from tests.store.working import (
    REPO,
    TABLES,
    apply,
    at,
    change,
    commit,
    files,
    listed,
    merged,
    push,
    review,
    sha,
    touching,
)

STORE = replace(REPO, name="acme/store")
MARKET = replace(REPO, name="acme/market")


def called(name: Repository, fact: Any) -> WorkFact:
    """The fact as it is told while the repository has this name."""
    told: WorkFact = replace(fact, repository=name)
    return replace(told, head_repository=name.name) if isinstance(told, ChangeSeen) else told


def renaming(before: Repository, now: Repository, minute: float) -> RepositoryRenamed:
    return RepositoryRenamed(repository=now, before=before.name, at=at(minute))


BEFORE: list[WorkFact] = [
    change(1, 1),
    push("feature/shop", 2, commit(1, files=files("pay", lines=3)), commit(2)),
    listed(1, 3, commit(1), commit(2)),
    review("r1", ReviewState.COMMENTED, 4),
    merged(2, 5, head_ref="two", head_sha=sha(9)),
    push("main", 6, commit(9, reverts=(sha(8),))),
]
AFTER: list[WorkFact] = [
    touching(1, 21, "pay", "tax", lines=3),
    push("feature/shop", 22, commit(3)),
    merged(1, 23, head_sha=sha(3)),
    push("main", 24, commit(1), commit(2), commit(3)),
]
TOLD = [called(REPO, each) for each in BEFORE] + [called(STORE, each) for each in AFTER]
RENAMING = renaming(REPO, STORE, 20)


def state(database: Database) -> dict[str, list[object]]:
    return {
        table: sorted(rows(database, table, columns), key=repr) for table, columns in TABLES.items()
    }


def of_one_name(fresh: Fresh) -> dict[str, list[object]]:
    """What is kept where the repository was called so all the time."""
    with fresh() as database:
        apply(database, *(called(STORE, each) for each in BEFORE + AFTER))
        return state(database)


@pytest.mark.parametrize("seed", range(8))
def test_a_history_is_one_in_whatever_order_it_is_told(fresh: Fresh, seed: int) -> None:
    facts = [*TOLD, RENAMING, RENAMING]
    Random(seed).shuffle(facts)
    with fresh() as other:
        apply(other, *facts)
        assert state(other) == of_one_name(fresh)
        assert rows(other, "lost_repositories") == []


def test_told_at_once_it_is_the_same(fresh: Fresh) -> None:
    with fresh() as other:
        with other.writing() as connection:
            work.apply(connection, [*TOLD, RENAMING])
        assert state(other) == of_one_name(fresh)


@pytest.mark.parametrize("late", [True, False])
def test_a_name_given_up_twice_means_the_last(database: Database, late: bool) -> None:
    names = [renaming(REPO, STORE, 20), renaming(STORE, MARKET, 40)]
    apply(database, called(REPO, change(1, 1)))
    for each in reversed(names) if late else names:
        apply(database, each)
    apply(database, called(REPO, change(2, 2)), called(STORE, change(3, 30)))
    assert rows(database, "changes", "repo, number") == [(MARKET.name, n) for n in (1, 2, 3)]
    assert rows(database, "repositories", "repo") == [(MARKET.name,)]


def test_a_repository_that_gets_its_name_back_has_it(database: Database) -> None:
    apply(database, called(REPO, change(1, 1)), renaming(REPO, STORE, 20))
    apply(database, called(STORE, change(2, 21)), renaming(STORE, REPO, 40))
    apply(database, called(STORE, change(3, 30)), called(REPO, change(4, 50)))
    assert rows(database, "changes", "repo, number") == [(REPO.name, n) for n in (1, 2, 3, 4)]
    with database.reading() as connection:
        assert set(renamed.names(connection)) == {STORE.name}


def test_who_takes_a_name_that_was_given_up_is_another_repository(database: Database) -> None:
    apply(database, called(REPO, change(1, 1)), renaming(REPO, STORE, 20))
    apply(database, called(REPO, change(1, 90, created_at=at(85))))
    assert rows(database, "changes", "repo, number") == [(REPO.name, 1), (STORE.name, 1)]
    with database.reading() as connection:
        assert renamed.called(connection, {REPO.name}) == {
            REPO.name: frozenset({REPO.name, STORE.name})
        }


def test_where_the_name_was_taken_before_it_is_told_the_old_one_is_lost(database: Database) -> None:
    apply(
        database,
        called(REPO, change(1, 1)),
        called(REPO, change(2, 900, created_at=at(900))),
        called(STORE, change(3, 30)),
    )
    apply(database, renaming(REPO, STORE, 20))
    assert rows(database, "changes", "repo, number") == [
        (REPO.name, 1),
        (REPO.name, 2),
        (STORE.name, 3),
    ]
    assert rows(database, "lost_repositories", "repo") == [(REPO.name,)]


def test_the_name_of_a_repository_of_another_forge_is_not_taken_away(database: Database) -> None:
    elsewhere = replace(STORE, forge="gitlab")
    apply(database, called(REPO, change(1, 1)), replace(RENAMING, repository=elsewhere))
    assert rows(database, "changes", "repo") == [(REPO.name,)]
    assert rows(database, "repository_names") == []
    assert rows(database, "lost_repositories") == []


def test_a_branch_in_a_fork_that_was_renamed_is_the_same(database: Database) -> None:
    told = change(1, 1, head_repository="dev/shop")
    apply(
        database,
        told,
        RepositoryRenamed(repository=replace(REPO, name="dev/store"), before="dev/shop", at=at(5)),
    )
    apply(database, change(2, 2, head_repository="dev/shop"))
    assert rows(database, "changes", "head_repo") == [("dev/store",), ("dev/store",)]
