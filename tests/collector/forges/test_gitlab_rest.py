"""Recorded answers of GitLab's REST API, read into facts as a whole."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges import gitlab_rest as rest
from collector.forges.reading import read
from domain.tickets import TicketSeen, TicketState
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CheckState,
    CommitSeen,
    DeploymentSeen,
    DeploymentState,
    FileTouched,
    Repository,
    ReviewState,
)
from tests.recorded import (
    PSEUDONYMS,
    at,
    named,
    parses_or_refuses,
    recorded,
    with_one_value_replaced,
)

SPEND = Repository(forge="gitlab", name="gitlab-data/snowflake_spend", default_branch="master")
EMILIE = Actor(
    identities=(named("gitlab_login", "emilie"), named("gitlab_id", "2295562")),
    name=named("name", "Emilie Schario"),
)


def devlake(name: str) -> list[Any]:
    """The objects of a recorded table."""
    return [row["data"] for row in recorded(f"gitlab/devlake/{name}.json")]


def change(told: Any, *commits: rest.Commit) -> ChangeSeen | None:
    request = read(told, rest.MergeRequest, "GitLab")
    return rest.change(SPEND, request, commits, None, SPEND.name, PSEUDONYMS)


def test_a_merge_request() -> None:
    assert change(devlake("merge_requests_for_mr_notes_test")[0]) == ChangeSeen(
        repository=SPEND,
        number=1,
        state=ChangeState.MERGED,
        draft=False,
        title='Resolve "Add documentation to snowflake spend package"',
        author=EMILIE,
        head_ref="1-add-documentation-to-snowflake-spend-package",
        head_sha="ad25fcda15e310a7eb34b3e38ff9b962b54f0e03",
        base_ref="master",
        head_repository="gitlab-data/snowflake_spend",
        merge_sha="da1d6dea48f5972ffc683da6cff30934e7d6c52c",
        created_at=at("2019-06-28T05:21:43.743Z"),
        updated_at=at("2019-06-28T14:32:05.270Z"),
        merged_at=at("2019-06-28T14:32:06.192Z"),
        closed_at=None,
        commit_count=0,
        tasks=("#1",),
        labels=(),
    )


def test_all_recorded_merge_requests() -> None:
    told = devlake("merge_requests_for_mr_notes_test") + devlake(
        "merge_requests_for_mr_commit_test"
    )
    seen = [change(each) for each in told]
    states = Counter(each.state for each in seen if each)
    assert states == {ChangeState.MERGED: 15, ChangeState.OPEN: 5, ChangeState.CLOSED: 1}


def test_one_that_was_closed_long_ago() -> None:
    told = recorded("gitlab/go-scm/rest/merge.json")
    seen = change(told)
    assert seen is not None
    assert (seen.state, seen.merge_sha, seen.draft) == (ChangeState.CLOSED, None, False)
    assert (seen.labels, seen.merged_at, seen.closed_at) == (("bug", "documentation"), None, None)


@pytest.mark.parametrize(
    ("changed", "commits", "merge_sha"),
    [
        ({"merge_commit_sha": "a" * 40, "squash_commit_sha": "b" * 40}, 2, "a" * 40),
        ({"squash_commit_sha": "b" * 40, "squash": True}, 2, "b" * 40),
        # Fast forward: the branch's own commits landed,
        ({"squash": False}, 2, "c" * 40),
        # also where a single one was to be squashed;
        ({"squash": True}, 1, "c" * 40),
        # of several, what they were squashed to is not told.
        ({"squash": True}, 2, None),
        ({"state": "opened", "merge_commit_sha": "a" * 40}, 2, None),
    ],
)
def test_the_commit_that_landed(
    changed: dict[str, Any], commits: int, merge_sha: str | None
) -> None:
    told = devlake("merge_requests_for_mr_notes_test")[0] | {
        "sha": "c" * 40,
        "merge_commit_sha": None,
        "squash_commit_sha": None,
    }
    held = [read(each, rest.Commit, "GitLab") for each in devlake("merge_request_commits")]
    seen = change(told | changed, *held[:commits])
    assert seen is not None
    assert seen.merge_sha == merge_sha
    # Beside a merge commit only: else what it was squashed to is what landed.
    beside = merge_sha == "a" * 40 and changed.get("squash_commit_sha")
    assert seen.squash_sha == (beside or None)


def test_without_a_commit_there_is_no_change() -> None:
    assert change(devlake("merge_requests_for_mr_notes_test")[0] | {"sha": None}) is None


def test_a_commit() -> None:
    told = read(devlake("merge_request_commits")[0], rest.Commit, "GitLab")
    assert rest.commit_seen(SPEND, told, None, PSEUDONYMS) == CommitSeen(
        sha="ad25fcda15e310a7eb34b3e38ff9b962b54f0e03",
        author=Actor(
            identities=(named("email", "person@example.invalid"),), name=named("name", "emilie")
        ),
        authored_at=at("2019-06-28T11:03:52Z"),
        committed_at=at("2019-06-28T11:03:52Z"),
        parents=(),
    )


def test_all_recorded_commits() -> None:
    told = [*devlake("merge_request_commits"), *recorded("gitlab/go-scm/rest/commits.json")]
    for each in told:
        commit = rest.commit_seen(SPEND, read(each, rest.Commit, "GitLab"), None, PSEUDONYMS)
        assert (commit.sha, commit.author.identities != ()) == (each["id"], True)


def test_lines_are_counted_inside_of_hunks_only() -> None:
    [told] = recorded("gitlab/go-scm/rest/commit_diff.json")
    [file] = rest.touched([read(told, rest.Diff, "GitLab")], PSEUDONYMS)
    path = PSEUDONYMS.file("doc/update/5.4-to-6.0.md") or ""
    # The text begins with "--- a/…" and "+++ b/…", which are no lines of the file.
    assert file == FileTouched(file=path, additions=2, deletions=0)


@pytest.mark.parametrize("cut", [{"too_large": True}, {"collapsed": True}])
def test_lines_of_a_text_that_is_left_out_are_not_known(cut: dict[str, bool]) -> None:
    diff = read({"new_path": "a.py", "diff": "", **cut}, rest.Diff, "GitLab")
    [file] = rest.touched([diff], PSEUDONYMS)
    assert (file.additions, file.deletions) == (None, None)


def test_a_note() -> None:
    [told] = recorded("gitlab/go-scm/rest/merge_notes.json")
    note = read(told, rest.Note, "GitLab")
    [review] = rest.reviews(SPEND, 2, [note], rest.Approvals(), PSEUDONYMS)
    assert (review.review_id, review.state) == ("comment:301", ReviewState.COMMENTED)
    assert review.submitted_at == at("2013-10-02T08:57:14Z")


def test_an_issue() -> None:
    told = devlake("issues")[0]
    assert rest.ticket(SPEND, read(told, rest.Issue, "GitLab"), PSEUDONYMS) == TicketSeen(
        tracker="gitlab",
        key="gitlab-data/snowflake_spend#1",
        project="gitlab-data/snowflake_spend",
        kind="issue",
        title="Add documentation to snowflake spend package",
        state=TicketState.DONE,
        state_name="closed",
        created_at=at("2019-06-20T15:04:58.946Z"),
        updated_at=at("2019-06-28T14:32:05.434Z"),
        closed_at=at("2019-06-28T14:32:05.376Z"),
        assignee=EMILIE.identities,
    )


def test_all_recorded_issues() -> None:
    told = [*devlake("issues"), recorded("gitlab/go-scm/rest/issue.json")]
    seen = [rest.ticket(SPEND, read(each, rest.Issue, "GitLab"), PSEUDONYMS) for each in told]
    states = Counter(each.state for each in seen)
    assert states == {TicketState.DONE: 12, TicketState.OPEN: 4, TicketState.DROPPED: 1}


def test_an_issue_that_says_what_another_says_is_dropped() -> None:
    told = devlake("issues")[0]
    told["_links"]["closed_as_duplicate_of"] = (
        "https://gitlab.example.com/api/v4/projects/1/issues/2"
    )
    seen = rest.ticket(SPEND, read(told, rest.Issue, "GitLab"), PSEUDONYMS)
    assert seen.state is TicketState.DROPPED
    event = read({"created_at": "2026-01-01T00:00:00Z", "state": "closed"}, rest.StateEvent, "")
    assert [move.to_state for move in rest.moves(seen, [event])] == [TicketState.DROPPED]


def test_all_recorded_pipelines() -> None:
    seen = [rest.check(SPEND, read(each, rest.Pipeline, "GitLab")) for each in devlake("pipeline")]
    states = Counter(each.state for each in seen if each)
    assert states == {
        CheckState.FAILURE: 17,
        CheckState.RUNNING: 8,
        CheckState.NEUTRAL: 3,
        CheckState.SUCCESS: 1,
    }


def test_all_recorded_deployments() -> None:
    told = devlake("deployments")
    seen = [rest.deployment(SPEND, read(each, rest.Deployment, "GitLab"), None) for each in told]
    assert seen[0] == DeploymentSeen(
        repository=SPEND,
        deployment_id="13426753",
        sha="add237f6852e6108ee8e0246780a54ce909c6087",
        environment="staging",
        production=False,
        state=DeploymentState.SUCCESS,
        at=at("2019-03-13T14:17:47.647Z"),
    )
    # Two of these states are none of GitLab's.
    assert sum(each is None for each in seen) == 2


TABLES: dict[str, type[Any]] = {
    "merge_requests_for_mr_notes_test": rest.MergeRequest,
    "merge_request_commits": rest.Commit,
    "issues": rest.Issue,
    "pipeline": rest.Pipeline,
    "deployments": rest.Deployment,
}


@given(st.data(), st.sampled_from(sorted(TABLES)))
def test_an_answer_with_any_one_value_replaced_is_read_or_refused(
    data: st.DataObject, table: str
) -> None:
    told = with_one_value_replaced(data, data.draw(st.sampled_from(devlake(table))))

    def reading() -> tuple[Any, ...]:
        match read(told, TABLES[table], "GitLab"):
            case rest.MergeRequest() as request:
                return (rest.change(SPEND, request, (), None, None, PSEUDONYMS),)
            case rest.Commit() as commit:
                return (rest.commit_seen(SPEND, commit, None, PSEUDONYMS, "revert-78a76ee6"),)
            case rest.Issue() as issue:
                return (rest.ticket(SPEND, issue, PSEUDONYMS),)
            case rest.Pipeline() as pipeline:
                return (rest.check(SPEND, pipeline),)
            case rest.Deployment() as deployment:
                return (rest.deployment(SPEND, deployment, None),)
        raise AssertionError

    parses_or_refuses(reading)
