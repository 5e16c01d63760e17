"""Work on a release branch alone, and what is taken back there; on both databases."""

import pytest

from classifier.fates import reverts_at
from classifier.thresholds import Thresholds
from domain.labels import Target
from domain.work import WorkFact
from store.engine import Database
from tests.classifier.fating import LATE, affected, fate
from tests.store.working import REPO, apply, at, commit, listed, merged, push, sha

RELEASE = "release/1.0"


def on_release(number: int, minute: float, **told: object) -> WorkFact:
    return merged(number, minute, **({"base_ref": RELEASE, "merge_sha": sha(76 + number)} | told))


@pytest.mark.parametrize("how", ["push", "change", "number"])
def test_what_landed_on_a_release_alone_falls_with_a_revert_there(
    database: Database, how: str
) -> None:
    apply(database, on_release(1, 5))
    if how == "push":
        apply(database, push(RELEASE, 9, commit(8, reverts=(sha(77),))))
    elif how == "change":
        apply(
            database,
            listed(2, 8, commit(8, reverts=(sha(77),))),
            on_release(2, 9, head_ref="revert-1", head_sha=sha(8)),
        )
    else:
        apply(database, on_release(2, 9, head_ref="revert-1", reverts=(1,)))
        assert affected(database, 2) == {1}
    assert fate(database).reverted.at == at(9)
    assert fate(database, as_of=at(8)).reverted.at is None


def test_a_revert_on_a_release_that_is_taken_back_there_lands_it_again(database: Database) -> None:
    apply(
        database,
        on_release(1, 5),
        push(RELEASE, 9, commit(8, reverts=(sha(77),))),
        push(RELEASE, 12, commit(11, reverts=(sha(8),))),
    )
    assert (fate(database).reverted.at, fate(database).reverted.ever) == (None, True)
    assert fate(database, as_of=at(11)).reverted.at == at(9)


def test_what_is_on_the_default_branch_by_then_stands(database: Database) -> None:
    apply(
        database,
        on_release(1, 5),
        push(RELEASE, 9, commit(8, reverts=(sha(77),))),
    )
    assert fate(database).reverted.at == at(9)
    apply(database, merged(3, 7, head_ref=RELEASE, merge_sha=sha(90)))
    assert fate(database).reverted.at is None


def test_a_release_that_comes_home_after_the_revert_brings_nothing_of_it(
    database: Database,
) -> None:
    apply(
        database,
        on_release(1, 5),
        push(RELEASE, 9, commit(8, reverts=(sha(77),))),
        merged(3, 20, head_ref=RELEASE, merge_sha=sha(90)),
    )
    assert fate(database).reverted.at == at(9)


def test_a_revert_on_another_release_or_an_open_one_undoes_nothing(database: Database) -> None:
    apply(
        database,
        on_release(1, 5),
        push("release/2.0", 9, commit(8, reverts=(sha(77),))),
        push("try", 9, commit(9, reverts=(sha(77),))),
    )
    assert (fate(database).reverted.at, fate(database).reverted.ever) == (None, False)


def test_what_landed_on_the_default_branch_does_not_fall_with_its_pick(
    database: Database,
) -> None:
    apply(
        database,
        listed(1, 4, commit(3)),
        merged(1, 5, merge_sha=sha(77)),
        push("main", 5, commit(77)),
        listed(2, 8, commit(13, authored_at=at(3))),
        merged(2, 9, base_ref=RELEASE, head_ref="backport-1", merge_sha=sha(79)),
        push(RELEASE, 12, commit(11, reverts=(sha(79),))),
    )
    assert fate(database).reverted.at is None
    assert fate(database, 2).reverted.at == at(12)


def test_a_commit_on_the_default_branch_does_not_fall_with_its_pick(database: Database) -> None:
    apply(
        database,
        push("main", 5, commit(3)),
        listed(2, 8, commit(13, authored_at=at(3))),
        merged(2, 9, base_ref=RELEASE, head_ref="backport-1", merge_sha=sha(79)),
        push(RELEASE, 12, commit(11, reverts=(sha(79),))),
    )
    assert fate(database, 2).reverted.at == at(12)
    target = Target(kind="commit", repo=REPO.name, id=sha(3))
    with database.reading() as connection:
        found = reverts_at(connection, [target], Thresholds(), LATE)
    assert target not in found or found[target].at is None
