"""Repositories of which not all is known: what happened there unseen is never called wasteful."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from classifier.run import classify, label_as_of
from domain.folded import Folded
from domain.labels import Label
from domain.unlinked import Unlinked
from domain.work import ChangeSeen, ChangeState, Repository, RepositoryRenamed, WorkFact
from store import sessions
from store.engine import Database
from tests.classifier.test_join import REPO, at, push, session, sha
from tests.classifier.test_join import tell as tell_together
from tests.filling import rows

DAY = 24.0
ELSEWHERE = Repository(forge="gitlab", name=REPO.name, default_branch="main")
STORE = replace(REPO, name="acme/store")
NOW = at(100 * DAY)
SAID = "labels WHERE current"


def fold(database: Database, name: str, begun: float, **traced: str) -> None:
    """A session of an hour that edited a file in the repository."""
    key, sums = session(name, begun, begun + 1, "src/pay.py", repository=REPO.name, **traced)
    with database.writing() as connection:
        sessions.apply(connection, Folded({key: sums}))


def tell(database: Database, *facts: WorkFact) -> None:
    for fact in facts:
        tell_together(database, fact)


def settle(database: Database, now: datetime = NOW) -> None:
    while classify(database, now):
        pass


def said(database: Database) -> list[tuple[Any, ...]]:
    """The labels that stand, with their rules."""
    return rows(database, SAID, "label, rule")


def as_of(database: Database, moment: datetime) -> Label:
    [(pk,)] = rows(database, "sessions", "pk")
    with database.reading() as connection:
        label = label_as_of(connection, pk, moment)
    assert label
    return label.label


def elsewhere(number: int, hours: float) -> WorkFact:
    """A push to the repository of this name at another forge."""
    return replace(push(number, hours, "src/pay.py"), repository=ELSEWHERE)


def opened(hours: float, **told: Any) -> ChangeSeen:
    values: dict[str, Any] = {"state": ChangeState.OPEN, "merged_at": None, "closed_at": None}
    return ChangeSeen(
        **{
            "repository": REPO,
            "number": 7,
            "draft": False,
            "title": "feat: pay",
            "author": push(1, 0).commits[0].author,
            "head_ref": "feature/pay",
            "head_sha": sha(1),
            "base_ref": "main",
            "head_repository": REPO.name,
            "merge_sha": None,
            "created_at": at(hours),
            "updated_at": at(hours),
            **values,
            **told,
        }
    )


def test_where_another_forge_tells_what_came_of_it_can_not_be_seen(database: Database) -> None:
    tell(database, push(1, -DAY, "README.md"))
    fold(database, "s", 0)
    settle(database)
    assert said(database) == [("wasteful", "nothing_came_of_it")]
    tell(database, elsewhere(2, 2))
    settle(database)
    assert said(database) == [("unknown", "no_forge")]
    assert rows(database, "unlinked", "reason") == [(Unlinked.REPOSITORY_NOT_CONNECTED.value,)]
    # A moment before, nobody knew of the other forge.
    assert as_of(database, at(1.5)) is Label.PENDING
    assert as_of(database, NOW) is Label.UNKNOWN


def test_what_was_final_before_stays(database: Database) -> None:
    tell(database, push(1, -DAY, "README.md"), elsewhere(2, 40 * DAY))
    fold(database, "s", 0)
    settle(database)
    assert said(database) == [("wasteful", "nothing_came_of_it")]


def test_other_repositories_are_none_the_worse(database: Database) -> None:
    tell(database, push(1, -DAY, "README.md"))
    other = Repository(forge="gitlab", name="acme/other")
    tell(database, replace(push(2, 2, "src/pay.py"), repository=other))
    fold(database, "s", 0)
    settle(database)
    assert said(database) == [("wasteful", "nothing_came_of_it")]


def test_what_landed_before_stands(database: Database) -> None:
    tell(database, push(1, 1.2, "src/pay.py"))
    fold(database, "s", 0)
    tell(database, elsewhere(2, 3))
    settle(database)
    assert said(database) == [("productive", "landed_and_stands")]


@pytest.mark.parametrize(("days", "label"), [(20, "unknown"), (60, "wasteful")])
def test_a_change_that_was_open_when_sight_was_lost_is_not_abandoned(
    database: Database, days: int, label: str
) -> None:
    fold(database, "s", 0, branch="feature/pay")
    tell(
        database,
        replace(push(1, 1.2, "src/pay.py"), branch="feature/pay"),
        opened(2),
        elsewhere(2, days * DAY),
    )
    settle(database)
    assert [each for each, _ in said(database)] == [label]


def test_a_change_that_failed_before_has_failed(database: Database) -> None:
    fold(database, "s", 0, branch="feature/pay")
    tell(
        database,
        replace(push(1, 1.2, "src/pay.py"), branch="feature/pay"),
        opened(3, state=ChangeState.CLOSED, closed_at=at(3), created_at=at(2)),
    )
    settle(database)
    before = said(database)
    tell(database, elsewhere(2, 4))
    settle(database)
    assert said(database) == before


def renamed(hours: float) -> RepositoryRenamed:
    """The repository has another name since then."""
    return RepositoryRenamed(repository=STORE, before=REPO.name, at=at(hours))


def under(repository: Repository, fact: Any) -> WorkFact:
    """The fact as it is told while the repository has this name."""
    told: WorkFact = replace(fact, repository=repository)
    return replace(told, head_repository=repository.name) if isinstance(told, ChangeSeen) else told


@pytest.mark.parametrize("first", ["the name", "the rest"])
def test_work_of_a_clone_of_the_old_name_is_found_under_the_new_one(
    database: Database, first: str
) -> None:
    told = [push(1, -DAY, "README.md"), renamed(1), under(STORE, push(2, 1.5, "src/pay.py"))]
    fold(database, "s", 0)
    tell(database, *(reversed(told) if first == "the name" else told))
    settle(database)
    assert said(database) == [("productive", "landed_and_stands")]
    assert rows(database, "links WHERE kind = 'commit'", "repo") == [(STORE.name,)]


@pytest.mark.parametrize("first", ["the session", "the name"])
def test_a_change_that_was_open_when_its_repository_was_renamed_goes_on(
    database: Database, first: str
) -> None:
    if first == "the session":
        fold(database, "s", 0, branch="feature/pay")
    tell(database, replace(push(1, 1.2, "src/pay.py"), branch="feature/pay"), opened(2))
    settle(database)
    ended = opened(
        3, state=ChangeState.MERGED, merged_at=at(30), closed_at=at(30), updated_at=at(30)
    )
    tell(database, under(STORE, ended), renamed(24))
    settle(database)
    if first == "the name":
        fold(database, "s", 0, branch="feature/pay")
        settle(database)
    assert said(database) == [("productive", "landed_and_stands")]
    [(seen,)] = rows(database, SAID, "facts")
    assert f"{STORE.name}#7" in str(seen)
    assert rows(database, "landed_changes", "repo") == [(STORE.name,)]


def test_what_comes_to_nothing_is_wasteful_whatever_the_clone_is_called(
    database: Database,
) -> None:
    fold(database, "s", 0)
    tell(database, push(1, -DAY, "README.md"), renamed(2))
    settle(database)
    assert said(database) == [("wasteful", "nothing_came_of_it")]
    assert rows(database, "unlinked", "reason") != [(Unlinked.REPOSITORY_NOT_CONNECTED.value,)]


def test_a_name_that_differs_in_case_only_is_the_same(database: Database) -> None:
    tell(database, push(1, -DAY, "README.md"), replace(renamed(2), repository=REPO))
    assert rows(database, "repository_names") == []
