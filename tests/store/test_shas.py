import pytest

from domain.work import CommitRewritten
from store.engine import Database
from store.shas import maybe_same_work, same_work
from tests.store.working import REPO, apply, at, commit, files, push, sha


def rewritten(old: int, new: int) -> CommitRewritten:
    return CommitRewritten(repository=REPO, old_sha=sha(old), new_sha=sha(new), seen_at=at(9))


def test_a_line_of_rewrites_is_one_piece_of_work_from_every_end(database: Database) -> None:
    apply(database, rewritten(1, 2), rewritten(2, 3), rewritten(8, 9))
    all_of_it = {sha(1), sha(2), sha(3)}
    ids = [(REPO.name, sha(number)) for number in (1, 2, 3)]
    with database.reading() as connection:
        found = same_work(connection, ids)
    assert found == {commit: all_of_it - {commit[1]} for commit in ids}


def test_copies_of_one_person_and_second_are_one(database: Database) -> None:
    apply(
        database,
        push("feature/shop", 20, commit(10)),
        push("main", 30, commit(11, authored_at=at(10)), commit(12)),
    )
    with database.reading() as connection:
        found = same_work(connection, [(REPO.name, sha(10)), (REPO.name, sha(12))])
    assert found == {(REPO.name, sha(10)): {sha(11)}}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("abc", "abc", True),
        ("a", "abc", True),
        ("ab", "bcd", True),
        ("abc", "cde", False),
        ("a", "b", False),
        ("a", "", True),
    ],
)
def test_copies_share_half_of_the_smaller_ones_files(
    one: str, other: str, *, same: bool, database: Database
) -> None:
    apply(
        database,
        push("one", 20, commit(10, files=files(*one))),
        push("other", 20, commit(11, authored_at=at(10), files=files(*other) or None)),
    )
    asked, copy = (REPO.name, sha(10)), {sha(11)}
    with database.reading() as connection:
        assert same_work(connection, [asked]) == ({asked: copy} if same else {})
        assert maybe_same_work(connection, [asked]) == {asked: copy}
