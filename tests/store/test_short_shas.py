"""Pull requests that name commits by twelve digits: in the end the whole SHA stands there."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.work import ChangeSeen, CommitSeen, CommitsPushed, Repository, WorkFact
from store.engine import Database
from tests.filling import Fresh, rows
from tests.store.working import DEV, at, merged, push
from tests.store.working import apply as apply_facts

CLOUD = Repository(forge="bitbucket-cloud", name="acme/shop", default_branch="main")
FORK = Repository(forge="bitbucket-cloud", name="dev/shop")
HEAD, MERGE = "0704fc5beccc" + "a" * 28, "4f8f6de9d0ff" + "b" * 28
TABLES = ("changes", "change_commits", "commits", "pushes")


def short(minute: float = 5, **told: object) -> ChangeSeen:
    named = {"head_sha": HEAD[:12], "merge_sha": MERGE[:12], "head_repository": CLOUD.name}
    return merged(1, minute, repository=CLOUD, **{**named, **told})


def pushed(sha: str, branch: str, minute: float, of: Repository = CLOUD) -> CommitsPushed:
    return push(branch, minute, CommitSeen(sha=sha, author=DEV, authored_at=at(1)), repository=of)


def books(database: Database, facts: Sequence[WorkFact]) -> dict[str, list[tuple[object, ...]]]:
    for fact in facts:
        apply_facts(database, fact)
    told = {}
    for table in TABLES:
        columns = "repo, number, head_sha, merge_sha, state" if table == "changes" else "*"
        told[table] = rows(database, table, columns)
    return told


WHOLE = short(6, head_sha=HEAD, merge_sha=MERGE)
STORY: tuple[WorkFact, ...] = (
    short(),
    short(6),
    pushed(HEAD, "feature/shop", 1),
    pushed(MERGE, "main", 5),
)


@given(st.permutations(STORY), st.integers(0, 3))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_first_the_whole_sha_is_written(
    fresh: Fresh, story: list[WorkFact], again: int
) -> None:
    with fresh() as disordered, fresh() as plain:
        told = books(disordered, [*story, story[again]])
        assert told["changes"] == [(CLOUD.name, 1, HEAD, MERGE, "merged")]
        assert told == books(plain, [short(head_sha=HEAD, merge_sha=MERGE), WHOLE, *STORY[2:]])


def test_on_both_databases(database: Database) -> None:
    told = books(database, STORY)
    assert told["changes"] == [(CLOUD.name, 1, HEAD, MERGE, "merged")]
    assert [row[2] for row in told["change_commits"]] == [HEAD]


def test_what_is_told_later_is_concluded_anew(embedded: Database) -> None:
    books(embedded, [short()])
    with embedded.writing() as connection:
        connection.exec_driver_sql("DELETE FROM dirty_work")
    books(embedded, [pushed(MERGE, "main", 5)])
    marks = {tuple(row) for row in rows(embedded, "dirty_work", "kind, repo, target_id")}
    assert {("change", CLOUD.name, "1"), ("commit", CLOUD.name, MERGE)} <= marks


def test_the_head_of_a_forks_change_was_pushed_to_the_fork(embedded: Database) -> None:
    seen = short(head_repository=FORK.name)
    told = books(embedded, [seen, pushed(HEAD, "feature/shop", 1, FORK)])
    assert told["changes"] == [(CLOUD.name, 1, HEAD, MERGE[:12], "merged")]


def test_one_that_begins_two_commits_stays_short(embedded: Database) -> None:
    other = MERGE[:12] + "c" * 28
    told = books(embedded, [pushed(MERGE, "main", 5), pushed(other, "main", 6), short()])
    assert told["changes"] == [(CLOUD.name, 1, HEAD[:12], MERGE[:12], "merged")]


def test_other_repositories_have_no_part_in_it(embedded: Database) -> None:
    other = replace(CLOUD, name="acme/other")
    told = books(embedded, [pushed(MERGE, "main", 5, other), short()])
    assert told["changes"] == [(CLOUD.name, 1, HEAD[:12], MERGE[:12], "merged")]
