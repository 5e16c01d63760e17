from domain.work import CommitRewritten
from store.engine import Database
from store.shas import same_work
from tests.store.working import REPO, apply, at, commit, push, sha


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
