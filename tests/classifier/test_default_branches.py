"""A repository's default branch: told or not, renamed, or given to another; on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from classifier.change_outcomes import change_outcomes
from classifier.fates import Fate, fates
from classifier.outcomes import Landing
from classifier.thresholds import Thresholds
from domain.outcomes import Deployed, Route
from domain.work import DeploymentState, Repository
from store.default_branches import defaults_of
from store.engine import Database
from store.landing import on_default_branch
from store.membership import changes_of_commits
from store.touches import merges_of
from tests.filling import rows
from tests.store.working import (
    REPO,
    apply,
    at,
    change,
    commit,
    deployment,
    merged,
    push,
    sha,
)

DAY = 24 * 60
LATE = at(400 * DAY)
UNTOLD = Repository(forge="bitbucket-cloud", name=REPO.name)
MASTER = Repository(forge="github", name=REPO.name, default_branch="master")
DEVELOP = Repository(forge="github", name=REPO.name, default_branch="develop")
MOMENT = timedelta(microseconds=1)


def fate(database: Database, number: int = 1, minute: float = 400 * DAY) -> Fate:
    with database.reading() as connection:
        return fates(connection, [(REPO.name, number)], Thresholds(), at(minute))[REPO.name, number]


@pytest.mark.parametrize("branch", ["main", "master"])
def test_where_nobody_told_it_main_and_master_are_the_default_branch(
    database: Database, branch: str
) -> None:
    apply(
        database,
        merged(1, 5, repository=UNTOLD, base_ref=branch),
        push(branch, 8, commit(7), repository=UNTOLD),
        push("release/1", 8, commit(8), repository=UNTOLD),
    )
    assert fate(database).landing == Landing(at=at(5), route=Route.MERGED)
    with database.reading() as connection:
        commits = [(REPO.name, sha(7)), (REPO.name, sha(8))]
        assert on_default_branch(connection, commits) == {commits[0]: at(8)}


def test_where_nobody_told_it_reverts_count_on_main_and_master_only(database: Database) -> None:
    apply(
        database,
        merged(1, 5, repository=UNTOLD, base_ref="master"),
        merged(2, 9, repository=UNTOLD, base_ref="release/1", head_ref="out", reverts=(1,)),
        push("release/1", 9, commit(8, reverts=(sha(201),)), repository=UNTOLD),
    )
    assert fate(database).reverted.at is None
    apply(database, push("master", 12, commit(8, reverts=(sha(201),)), repository=UNTOLD))
    assert fate(database).reverted.at == at(12)


def test_where_nobody_told_it_other_branches_touch_no_files(database: Database) -> None:
    apply(
        database,
        merged(1, 5, repository=UNTOLD, base_ref="master"),
        merged(2, 9, repository=UNTOLD, base_ref="develop", head_ref="two"),
    )
    with database.reading() as connection:
        assert merges_of(connection, [(REPO.name, 1), (REPO.name, 2)]) == {(REPO.name, 1): at(5)}


def test_where_nobody_told_it_a_change_from_main_owns_nobodys_work(database: Database) -> None:
    apply(
        database,
        change(7, 0, repository=UNTOLD, head_ref="main", base_ref="production", head_sha=sha(3)),
        push("main", 5, commit(3), repository=UNTOLD),
    )
    with database.reading() as connection:
        assert changes_of_commits(connection, [(REPO.name, sha(3))]) == {}


def test_what_is_told_at_last_takes_the_place_of_what_was_guessed(database: Database) -> None:
    apply(database, merged(1, 5, repository=UNTOLD, base_ref="master"))
    told = Repository(forge=UNTOLD.forge, name=REPO.name, default_branch="trunk")
    _forget_marks(database)
    apply(database, push("trunk", 9, commit(9), repository=told))
    assert fate(database).landing is None
    assert ("change", "1") in _marks(database)


def test_a_renamed_default_branch_takes_no_history_back(database: Database) -> None:
    apply(
        database,
        merged(1, 5, repository=MASTER, base_ref="master"),
        push("master", 8, commit(7), repository=MASTER),
    )
    before = fate(database)
    # Renamed some time between: GitHub leaves the old name in whatever was merged.
    apply(
        database,
        merged(2, 50 * DAY, head_ref="two"),
        push("main", 50 * DAY, commit(9)),
    )
    assert before.landing == Landing(at=at(5), route=Route.MERGED)
    assert fate(database).landing == before.landing
    assert fate(database, 1, 6).landing == before.landing
    assert fate(database, 2).landing == Landing(at=at(50 * DAY), route=Route.MERGED)
    with database.reading() as connection:
        commits = [(REPO.name, sha(7)), (REPO.name, sha(9))]
        assert on_default_branch(connection, commits) == dict(
            zip(commits, [at(8), at(50 * DAY)], strict=True)
        )
        changes = [(REPO.name, 1), (REPO.name, 2)]
        assert merges_of(connection, changes) == dict(
            zip(changes, [at(5), at(50 * DAY)], strict=True)
        )


def test_a_revert_on_the_renamed_branch_counts(database: Database) -> None:
    apply(database, merged(1, 5, repository=MASTER, base_ref="master"))
    apply(database, merged(2, 50 * DAY, head_ref="revert-1", reverts=(1,)))
    assert fate(database).reverted.at == at(50 * DAY)


def test_a_deployment_from_before_the_renaming_still_contains_its_merge(
    database: Database,
) -> None:
    apply(
        database,
        merged(1, 5, repository=MASTER, base_ref="master", merge_sha=sha(77)),
        push("master", 5, commit(77), repository=MASTER),
        push("master", 6, commit(78), repository=MASTER),
        deployment("d1", DeploymentState.SUCCESS, 9, of=78, repository=MASTER),
        push("main", 50 * DAY, commit(9)),
    )
    with database.reading() as connection:
        known = change_outcomes(connection, [(REPO.name, 1)], Thresholds(), LATE)
    told = known[REPO.name, 1].deployment
    assert told
    assert told.state is Deployed.YES


def test_what_a_branch_held_lands_when_it_becomes_the_default_one(database: Database) -> None:
    apply(
        database,
        push("main", 1, commit(1)),
        merged(1, 5, base_ref="develop"),
        push("develop", 6, commit(7)),
        push("main", 20, commit(3)),
    )
    assert fate(database).landing is None
    apply(
        database,
        merged(2, 30 * DAY, base_ref="develop", head_ref="two", repository=DEVELOP),
    )
    landed = Landing(at=at(20) + MOMENT, route=Route.STACKED)
    assert fate(database).landing == landed
    # At a moment before it had not landed, and that stays so.
    assert fate(database, 1, 20).landing is None
    assert fate(database, 2).landing == Landing(at=at(30 * DAY), route=Route.MERGED)
    with database.reading() as connection:
        commit_ = (REPO.name, sha(7))
        assert on_default_branch(connection, [commit_]) == {commit_: landed.at}
        assert merges_of(connection, [(REPO.name, 1)]) == {(REPO.name, 1): landed.at}


def test_what_came_from_or_to_a_new_default_branch_is_looked_at_again(
    database: Database,
) -> None:
    apply(
        database,
        push("main", 1, commit(1)),
        merged(1, 5, base_ref="develop"),
        merged(2, 6, base_ref="main", head_ref="two"),
        merged(3, 7, head_ref="develop"),
        push("develop", 6, commit(7)),
    )
    _forget_marks(database)
    apply(database, push("feature", 40, commit(9), repository=DEVELOP))
    assert _marks(database) >= {("change", "1"), ("change", "3"), ("commit", sha(7))}
    assert ("change", "2") not in _marks(database)
    # Told again it changes nothing.
    _forget_marks(database)
    apply(database, push("feature", 41, commit(10), repository=DEVELOP))
    assert {each for each in _marks(database) if each[0] == "change"} == set()


def test_another_forge_of_that_name_tells_no_default_branch(database: Database) -> None:
    apply(database, push("main", 1, commit(1)))
    other = Repository(forge="gitlab", name=REPO.name, default_branch="trunk")
    apply(database, push("trunk", 2, commit(2), repository=other))
    assert rows(database, "default_branches", "branch") == [("main",)]


def test_each_repository_has_its_own(database: Database) -> None:
    apply(database, push("main", 1, commit(1)), push("main", 2, commit(2), repository=DEVELOP))
    with database.reading() as connection:
        known = defaults_of(connection, [REPO.name, "acme/unknown"])
    assert set(known[REPO.name].since) == {"main", "develop"}
    assert set(known["acme/unknown"].since) == {"main", "master"}


def _forget_marks(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("DELETE FROM dirty_work"))


def _marks(database: Database) -> set[tuple[str, str]]:
    return {(kind, of) for kind, of in rows(database, "dirty_work", "kind, target_id")}
