"""Recorded answers of the REST APIs of Bitbucket and Azure DevOps, as their readers see them."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges import azure_devops_builds as builds
from collector.forges import azure_devops_rest, azure_devops_words
from collector.forges import bitbucket_cloud_rest as cloud_rest
from collector.forges import bitbucket_cloud_words as cloud
from collector.forges import bitbucket_dc_rest as dc_rest
from collector.forges import bitbucket_dc_words as dc
from collector.forges.errors import UnreadablePayload
from collector.forges.reading import read
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CheckSeen,
    CheckState,
    CommitSeen,
    FileTouched,
    Repository,
    ReviewSeen,
    ReviewState,
)
from tests.recorded import PSEUDONYMS, at, named, recorded, with_one_value_replaced

_Told = TypeVar("_Told")


def rows(name: str) -> list[Any]:
    return [row["data"] for row in recorded(name)]


def shaped(told: Iterable[Any], shape: type[_Told]) -> list[_Told]:
    return [read(each, shape, "test") for each in told]


def files(*told: tuple[str, int | None, int | None]) -> tuple[FileTouched, ...]:
    found = []
    for path, additions, deletions in told:
        file = PSEUDONYMS.file(path)
        assert file is not None
        found.append(FileTouched(file=file, additions=additions, deletions=deletions))
    return tuple(found)


# Bitbucket Cloud


def test_pull_requests_of_bitbucket_cloud() -> None:
    told = shaped(rows("bitbucket-cloud/devlake/pull_requests.json"), cloud.PullRequest)
    of = Repository(forge="bitbucket-cloud", name="likyh/likyhphp", default_branch="master")
    [repository] = shaped(rows("bitbucket-cloud/devlake/repositories.json"), cloud.RepositoryTold)
    assert cloud.repository(repository) == of
    seen = [cloud.change(of, each, cloud.state(each), PSEUDONYMS) for each in told]
    assert [(each.number, each.state) for each in seen] == [
        (40, ChangeState.OPEN),
        (54, ChangeState.OPEN),
        (24, ChangeState.MERGED),
        (23, ChangeState.MERGED),
        (22, ChangeState.MERGED),
    ]
    assert seen[2] == ChangeSeen(
        repository=of,
        number=24,
        state=ChangeState.MERGED,
        draft=False,
        title="Test17",
        author=Actor(
            identities=(named("jira_account", "62abf394192edb006fa0e8cf"),),
            name=named("name", "teoiaoe"),
        ),
        head_ref="test17",
        head_sha="2bfd29a17665",
        base_ref="master",
        head_repository="likyh/likyhphp",
        merge_sha="c0e12b61e44b",
        created_at=at("2022-08-12T15:00:34.399272+00:00"),
        updated_at=at("2022-08-12T15:10:43.930663+00:00"),
        merged_at=None,
        closed_at=None,
    )


def test_commits_and_comments_of_bitbucket_cloud() -> None:
    commits = shaped(rows("bitbucket-cloud/devlake/pull_request_commits.json"), cloud.CommitTold)
    first = cloud.commit_seen(commits[0], "likyh/likyhphp", PSEUDONYMS)
    assert first == CommitSeen(
        sha="11115d276440bc1263c194fa164c061b91df9144",
        author=Actor(
            identities=(
                named("jira_account", "557058:de34a04f-99e2-4e9d-a952-c9be660a2379"),
                named("email", "person@example.invalid"),
            ),
            name=named("name", "孙婉译"),
        ),
        authored_at=at("2015-09-12T08:53:47+00:00"),
        committed_at=at("2015-09-12T08:53:47+00:00"),
    )
    comments = shaped(rows("bitbucket-cloud/devlake/pullrequest_comments.json"), cloud.Comment)
    of = Repository(forge="bitbucket-cloud", name="likyh/likyhphp")
    said = cloud.comment(of, 31, comments[0], comments[0].user, PSEUDONYMS)
    assert said == ReviewSeen(
        repository=of,
        number=31,
        review_id="comment:323120278",
        state=ReviewState.COMMENTED,
        reviewer=Actor(
            identities=(named("jira_account", "62abf394192edb006fa0e8cf"),),
            name=named("name", "teoiaoe"),
        ),
        submitted_at=at("2022-08-12T15:40:01.755214+00:00"),
    )


def test_files_of_bitbucket_cloud() -> None:
    told = recorded("bitbucket-cloud/go-scm/rest/pr_diffstat.json")["values"]
    changed = shaped(told, cloud_rest.FileChange)
    assert cloud_rest.touched(changed, PSEUDONYMS) == files(("CONTRIBUTING.md", 15, 15))


# Bitbucket Data Center


def test_commits_of_bitbucket_data_center() -> None:
    told = shaped(rows("bitbucket-dc/devlake/pull_request_commits.json"), dc.CommitTold)
    assert len(told) == 22
    assert dc.commit_seen(told[0], PSEUDONYMS) == CommitSeen(
        sha="3fc042b494b75032c29ae39d7f1059f52584e690",
        author=Actor(
            identities=(
                named("bitbucket_login", "usr123"),
                named("email", "person@example.invalid"),
            ),
            name=named("name", "full Name"),
        ),
        authored_at=at("2023-12-18T08:29:34+00:00"),
        committed_at=at("2023-12-18T08:29:34+00:00"),
        parents=("938e0d13f71df1786a90dc4c6602819b1baa0789",),
    )


def test_a_pull_request_files_and_comments_of_bitbucket_data_center() -> None:
    told = read(recorded("bitbucket-dc/go-scm/rest/pr_iso_dates.json"), dc.PullRequest, "test")
    seen = dc.change(told, PSEUDONYMS, None)
    assert (seen.repository.name, seen.number, seen.head_ref, seen.created_at) == (
        "prj/my-repo",
        1,
        "feature/x",
        at("2018-07-05T05:01:10+00:00"),
    )
    changed = shaped(
        recorded("bitbucket-dc/go-scm/rest/changes.json")["values"], dc_rest.FileChange
    )
    assert dc_rest.touched(changed, PSEUDONYMS) == files(
        *((path, None, None) for path in (".gitignore", "COPYING", "README.md", "main.go"))
    )
    activities = shaped(
        recorded("bitbucket-dc/go-scm/rest/pr_comments.json")["values"], dc_rest.Activity
    )
    said = [each for one in activities if one.comment for each in one.comment.all()]
    assert said
    assert all(dc.comment(seen, each, PSEUDONYMS).submitted_at.year == 2018 for each in said)


# Azure DevOps


def test_a_pull_request_of_azure_devops() -> None:
    [told] = shaped(rows("azure-devops/devlake/pull_requests.json"), azure_devops_words.PullRequest)
    johndoe = Actor(
        identities=(
            named("azure_login", "person@example.invalid"),
            named("email", "person@example.invalid"),
        ),
        name=named("name", "JohnDoe"),
    )
    assert azure_devops_words.change(told, PSEUDONYMS, told.creation_date) == ChangeSeen(
        repository=Repository(forge="azure-devops", name="johndoe/test-project/test-repo2"),
        number=1,
        state=ChangeState.OPEN,
        draft=False,
        title="ticket-2PR",
        author=johndoe,
        head_ref="ticket-2",
        head_sha="85ede91717145a1e6e2bdab4cab689ac8f2fa3a2",
        base_ref="main",
        head_repository="johndoe/test-project/test-repo2",
        merge_sha=None,
        created_at=at("2023-02-07T04:41:26.642431Z"),
        updated_at=at("2023-02-07T04:41:26.642431Z"),
        merged_at=None,
        closed_at=None,
        labels=("feature",),
    )


def test_builds_of_azure_devops_judge_commits_of_github_too() -> None:
    told = shaped(rows("azure-devops/devlake/builds.json"), builds.Build)
    seen = [builds.check(each) for each in told]
    assert seen[0] == CheckSeen(
        repository=Repository(forge="github", name="johndoe/test-repo"),
        sha="40c59264e73fc5e1a6cab192f1622d26b7bd5c2a",
        name="deploy_to_prod",
        state=CheckState.SUCCESS,
        at=at("2023-02-25T06:23:04.006188Z"),
    )
    assert [each.state for each in seen if each] == [
        *[CheckState.SUCCESS] * 4,
        *[CheckState.RUNNING] * 2,
        CheckState.NEUTRAL,
    ]


def test_commits_of_azure_devops() -> None:
    listed = shaped(
        recorded("azure-devops/go-scm/rest/commits.json")["value"], azure_devops_rest.CommitListed
    )
    assert [azure_devops_words.commit_seen(each, PSEUDONYMS).sha[:7] for each in listed] == [
        "e0aee6a",
        "1fe4567",
        "dc49e8e",
    ]
    one = read(
        recorded("azure-devops/go-scm/rest/commit.json"), azure_devops_rest.CommitListed, "test"
    )
    assert azure_devops_words.commit_seen(one, PSEUDONYMS) == CommitSeen(
        sha="14897f4465d2d63508242b5cbf68aa2865f693e7",
        author=Actor(identities=(named("email", "tp@harness.io"),), name=named("name", "tp")),
        authored_at=at("2022-03-15T17:08:22Z"),
        committed_at=at("2022-03-15T17:08:22Z"),
        parents=("0e969a16c531c2a6961e5dcf9f82f4456c7bbe68",),
    )


# Anything else is refused


def _cloud_change(told: cloud.PullRequest) -> object:
    of = Repository(forge="bitbucket-cloud", name="a/b")
    return cloud.change(of, told, cloud.state(told), PSEUDONYMS)


READERS: dict[str, tuple[Callable[[], Any], type[Any], Callable[[Any], object]]] = {
    "cloud change": (
        lambda: rows("bitbucket-cloud/devlake/pull_requests.json")[2],
        cloud.PullRequest,
        _cloud_change,
    ),
    "cloud commit": (
        lambda: rows("bitbucket-cloud/devlake/pull_request_commits.json")[0],
        cloud.CommitTold,
        lambda told: cloud.commit_seen(told, "a/b", PSEUDONYMS),
    ),
    "dc change": (
        lambda: recorded("bitbucket-dc/go-scm/rest/pr_iso_dates.json"),
        dc.PullRequest,
        lambda told: dc.change(told, PSEUDONYMS, None),
    ),
    "dc commit": (
        lambda: rows("bitbucket-dc/devlake/pull_request_commits.json")[0],
        dc.CommitTold,
        lambda told: dc.commit_seen(told, PSEUDONYMS),
    ),
    "azure change": (
        lambda: rows("azure-devops/devlake/pull_requests.json")[0],
        azure_devops_words.PullRequest,
        lambda told: azure_devops_words.change(told, PSEUDONYMS, told.creation_date),
    ),
    "azure build": (
        lambda: rows("azure-devops/devlake/builds.json")[0],
        builds.Build,
        builds.check,
    ),
}


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_an_answer_with_any_one_value_replaced_is_read_or_refused(
    name: str, data: st.DataObject
) -> None:
    payload, shape, convert = READERS[name]
    changed = with_one_value_replaced(data, payload())
    try:
        repr(convert(read(changed, shape, "test"))).encode()
    except UnreadablePayload as refusal:
        assert refusal.code in ("unreadable_field", "unknown_value", "bad_repository")  # noqa: PT017
