"""How many lines of a change somebody wrote, as far as that is told; on both databases."""

import pytest

from domain.work import FileTouched, WorkFact
from store.engine import Database
from store.sizes import lines_of
from tests.store.working import (
    REPO,
    apply,
    change,
    commit,
    files,
    listed,
    merged,
    push,
    sha,
    touching,
)

# As ``collector.forges.touching`` tells a lock file of which, or beside which, no lines are told.
LOCK = FileTouched(file="f_lock", additions=0, deletions=0)
WIDE = commit(1, files=(*files("a"), LOCK))
COUNTED = {"additions": 5_000, "deletions": 20, "changed_files": 2}


def lines(database: Database) -> int | None:
    with database.reading() as connection:
        return lines_of(connection, [(REPO.name, 1)])[REPO.name, 1].written


def most(database: Database) -> int:
    with database.reading() as connection:
        return lines_of(connection, [(REPO.name, 1)])[REPO.name, 1].most


@pytest.mark.parametrize(
    "told",
    [
        [push("feature/shop", 1, WIDE)],
        [push("feature/shop", 1, WIDE, commit(2, files=files("a")))],
        [listed(1, 1, WIDE)],
        [push("main", 5, commit(77, files=WIDE.files))],
    ],
    ids=["pushed", "pushed first", "listed", "squashed"],
)
def test_a_total_with_a_lock_file_in_it_tells_nothing(
    database: Database, told: list[WorkFact]
) -> None:
    apply(database, merged(1, 5, merge_sha=sha(77), **COUNTED))
    assert lines(database) == 5_020
    apply(database, *told)
    assert lines(database) is None
    assert most(database) == 5_020


def test_once_its_files_are_listed_the_others_count(database: Database) -> None:
    apply(database, merged(1, 5, **COUNTED), push("feature/shop", 1, WIDE))
    told = touching(1, 6, "a", lines=30)
    apply(database, told, merged(1, 7, additions=30, deletions=20, changed_files=1))
    assert lines(database) is None
    counted = FileTouched(file="f_a", additions=30, deletions=5)
    apply(
        database,
        type(told)(repository=REPO, number=1, seen_at=told.seen_at, files=(counted, LOCK)),
        change(1, 8, **COUNTED),
    )
    assert (lines(database), most(database)) == (35, 35)


@pytest.mark.parametrize("elsewhere", ["another branch", "long before", "counted"])
def test_other_commits_leave_a_total_as_it_is(database: Database, elsewhere: str) -> None:
    apply(database, merged(1, 5, **COUNTED))
    wide = commit(50, files=WIDE.files)
    pushes = {
        "another branch": push("feature/other", 1, wide),
        "long before": push("feature/shop", -60 * 24 * 8, wide),
        "counted": push("feature/shop", 1, commit(50, files=(*files("a", lines=3), LOCK))),
    }
    apply(database, pushes[elsewhere])
    assert lines(database) == 5_020
