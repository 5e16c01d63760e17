"""Reading Bitbucket Cloud over HTTP: all of a repository's story, whatever happens on the way."""

from dataclasses import replace

import pytest

from collector.forges.bitbucket_cloud_sync import SOURCE
from collector.source import Page, Scope
from domain.work import (
    Actor,
    ChangeCommits,
    ChangeFiles,
    ChangeSeen,
    ChangeState,
    CheckSeen,
    CheckState,
    CommitSeen,
    CommitsPushed,
    DeploymentSeen,
    DeploymentState,
    FileTouched,
    Repository,
    ReviewSeen,
    ReviewState,
    WorkFact,
)
from tests.capturing import PSEUDONYMS
from tests.collector.forges.bitbucket_cloud_story import (
    BitbucketCloudStory,
    change,
    commit,
    deployment,
    sha,
    stamp,
)
from tests.collector.reading_streams import client_of, facts, last_cursor, pages
from tests.collector.sync_server import Request, Response, SyncServer, conforms
from tests.conftest import Fresh
from tests.recorded import at

OF = Repository(forge="bitbucket-cloud", name="acme/payments", default_branch="main")
HOME = replace(OF, default_branch=None)
SCOPE = Scope(name="acme/payments", default_branch="main")


def person(name: str, *, bot: bool = False) -> Actor:
    return Actor(
        identities=(PSEUDONYMS("jira_account", f"557058:{name}"),),
        bot=bot,
        name=PSEUDONYMS("name", name),
    )


def file(path: str, additions: int | None = 1, deletions: int | None = 0) -> FileTouched:
    name = PSEUDONYMS.file(path)
    assert name is not None
    return FileTouched(file=name, additions=additions, deletions=deletions)


def seen(name: str, days: float, *parents: str, files: bool = True) -> CommitSeen:
    when = at(stamp(days))
    return CommitSeen(
        sha=sha(name),
        author=Actor(
            identities=(*person("dev").identities, PSEUDONYMS("email", "dev@example.test")),
            name=PSEUDONYMS("name", "Dev Eloper"),
        ),
        authored_at=when,
        committed_at=when,
        parents=tuple(map(sha, parents)),
        files=(file(f"src/{sha(name)[:4]}.py"), file("docs/a.md")) if files else None,
    )


def test_it_conforms(fresh: Fresh) -> None:
    conforms(SOURCE, BitbucketCloudStory().respond, fresh)


def read_whole() -> tuple[WorkFact, ...]:
    """Read the third pull request."""
    story = BitbucketCloudStory()
    story.changes = [change(3, 10, "MERGED")]
    with SyncServer(story.respond) as server:
        [page, _] = pages(SOURCE, server, "changes", SCOPE)
    return page.facts


def test_a_merged_pull_request_its_commits_and_files() -> None:
    ended = at(stamp(10.01))
    assert read_whole()[:3] == (
        ChangeSeen(
            repository=OF,
            number=3,
            state=ChangeState.MERGED,
            draft=False,
            title="feat: change 3",
            author=person("dev"),
            head_ref="topic-3",
            head_sha=sha("c3.2"),
            base_ref="main",
            head_repository="acme/payments",
            merge_sha=sha("merge 3"),
            created_at=at(stamp(11)),
            updated_at=at(stamp(10)),
            merged_at=ended,
            closed_at=ended,
            additions=4,
            deletions=1,
            changed_files=2,
            commit_count=2,
        ),
        ChangeCommits(
            repository=OF,
            number=3,
            seen_at=at(stamp(10)),
            commits=(seen("c3.2", 10.2, "c3.1"), seen("c3.1", 11, "root")),
        ),
        ChangeFiles(
            repository=OF,
            number=3,
            seen_at=at(stamp(10)),
            files=(file("src/3.py", 3, 1), file("README.md", 1, 0)),
        ),
    )


def review(review_id: str, state: ReviewState, who: Actor, days: float) -> ReviewSeen:
    return ReviewSeen(
        repository=OF,
        number=3,
        review_id=review_id,
        state=state,
        reviewer=who,
        submitted_at=at(stamp(days)),
    )


def pushed(of: Repository, branch: str, tip: CommitSeen | str, before: str, days: float) -> object:
    whole = isinstance(tip, CommitSeen)
    return CommitsPushed(
        repository=of,
        branch=branch,
        before=sha(before),
        after=tip.sha if isinstance(tip, CommitSeen) else sha(tip),
        forced=False,
        pushed_at=at(stamp(days)),
        commits=(tip,) if whole else (),  # type: ignore[arg-type]
    )


def test_its_reviews_pushes_and_builds() -> None:
    reviewer = person("reviewer")
    who, made = reviewer.identities[0], seen("merge 3", 10, "direct", "c3.2", files=False)
    spelled = "%Y%m%dT%H%M%S.%f"
    assert read_whole()[3:] == (
        review(f"approved:{who}:{at(stamp(10.1)):{spelled}}", ReviewState.APPROVED, reviewer, 10.1),
        review(
            f"changes_requested:{who}:{at(stamp(10.3)):{spelled}}",
            ReviewState.CHANGES_REQUESTED,
            reviewer,
            10.3,
        ),
        review("comment:1003", ReviewState.COMMENTED, person("ci", bot=True), 10.4),
        pushed(HOME, "topic-3", "c3.1", "c3.1", 11),
        pushed(HOME, "topic-3", "c3.2", "c3.2", 10.2),
        pushed(OF, "main", made, "direct", 10.01),
        CheckSeen(
            repository=OF,
            sha=sha("c3.2"),
            name="ci",
            state=CheckState.SUCCESS,
            at=at(stamp(10.1)),
        ),
    )


def test_the_next_reading_takes_only_what_changed() -> None:
    story = BitbucketCloudStory()
    with SyncServer(story.respond) as server:
        first = pages(SOURCE, server, "changes", SCOPE)
        story.changes[3] |= {"updated_on": stamp(1)}
        again = pages(SOURCE, server, "changes", SCOPE, last_cursor(first))
        nothing = pages(SOURCE, server, "changes", SCOPE, last_cursor(again))
    assert numbers(first) == [1, 2, 3, 4, 5]
    assert numbers(again) == [4]
    assert numbers(nothing) == []


def numbers(told: list[Page]) -> list[int]:
    return [fact.number for fact in facts(told) if isinstance(fact, ChangeSeen)]


def test_a_first_reading_since_a_day() -> None:
    with SyncServer(BitbucketCloudStory().respond) as server:
        told = pages(SOURCE, server, "changes", SCOPE, since=at(stamp(15)))
    assert numbers(told) == [3, 4, 5]


def test_a_commit_that_is_gone_leaves_its_twelve_digits() -> None:
    story = BitbucketCloudStory()
    story.changes = [change(3, 10, "MERGED")]
    story.landed, story.commits[3] = [], []
    with SyncServer(story.respond) as server:
        change_seen = facts(pages(SOURCE, server, "changes", SCOPE))[0]
    assert isinstance(change_seen, ChangeSeen)
    short = (sha("c3.2")[:12], sha("merge 3")[:12])
    assert (change_seen.head_sha, change_seen.merge_sha) == short


def test_one_that_can_not_be_read_does_not_stop_the_others() -> None:
    story = BitbucketCloudStory()
    story.changes[1] |= {"state": "NEW ONE"}
    story.changes[2]["source"]["commit"] = {"hash": "no"}
    with SyncServer(story.respond) as server:
        told = pages(SOURCE, server, "changes", SCOPE)
    assert numbers(told) == [1, 4, 5]
    assert [code for page in told for code in page.unreadable] == [
        "unknown_value",
        "unreadable_field",
    ]


@pytest.mark.parametrize("part", ["commits", "diffstat"])
def test_a_list_with_something_unreadable_is_not_told_as_complete(part: str) -> None:
    story = BitbucketCloudStory()
    story.changes = story.changes[:1]

    def respond(request: Request) -> Response:
        if request.path.endswith(f"/pullrequests/1/{part}"):
            return Response({"values": [{"hash": 1, "new": 1}]})
        return story.respond(request)

    with SyncServer(respond) as server:
        told = pages(SOURCE, server, "changes", SCOPE)
    kinds = {type(fact) for fact in facts(told)}
    missing = ChangeCommits if part == "commits" else ChangeFiles
    assert {ChangeCommits, ChangeFiles} - kinds == {missing}
    assert told[0].unreadable == ("unreadable_field",)


def test_the_main_branch() -> None:
    story = BitbucketCloudStory()
    with SyncServer(story.respond) as server:
        first = pages(SOURCE, server, "commits", SCOPE)
        story.landed.insert(0, commit("later", 1, parents=("merge 3",)))
        again = pages(SOURCE, server, "commits", SCOPE, last_cursor(first))
    assert facts(first) == [
        CommitsPushed(
            repository=OF,
            branch="main",
            before=sha(before),
            after=sha(name),
            forced=False,
            pushed_at=at(stamp(days)),
            commits=(seen_as,),
        )
        for name, days, before, seen_as in (
            ("merge 3", 10, "direct", seen("merge 3", 10, "direct", "c3.2", files=False)),
            ("direct", 12, "merge 1", seen("direct", 12, "merge 1")),
            ("merge 1", 30, "root", seen("merge 1", 30, "root", "c1.2", files=False)),
            ("root", 60, "root", seen("root", 60)),
        )
    ]
    assert [fact.after for fact in facts(again) if isinstance(fact, CommitsPushed)] == [
        sha("later")
    ]


def test_a_branch_that_was_rewritten_is_read_anew() -> None:
    story = BitbucketCloudStory()
    with SyncServer(story.respond) as server:
        first = pages(SOURCE, server, "commits", SCOPE)

        def respond(request: Request) -> Response:
            gone = request.query.get("exclude") == sha("merge 3")
            return Response({}, 404) if gone else story.respond(request)

        server.respond = respond
        story.landed[0] = commit("rewritten", 9, parents=("direct",))
        again = pages(SOURCE, server, "commits", SCOPE, last_cursor(first))
    assert [fact.after for fact in facts(again) if isinstance(fact, CommitsPushed)] == [
        sha("rewritten"),
        sha("direct"),
        sha("merge 1"),
        sha("root"),
    ]


def test_deployments_are_read_down_to_the_oldest_that_ran() -> None:
    story = BitbucketCloudStory()
    with SyncServer(story.respond) as server:
        first = pages(SOURCE, server, "deployments", SCOPE)
        story.deployments[0] = deployment(3, 1, "COMPLETED", "SUCCESSFUL")
        again = pages(SOURCE, server, "deployments", SCOPE, last_cursor(first))
    assert facts(first) == [
        DeploymentSeen(
            repository=OF,
            deployment_id=f"d{number}",
            sha=sha(f"merge {number}"),
            environment="Live EU",
            production=True,
            state=state,
            at=at(stamp(days)),
        )
        for number, state, days in (
            (3, DeploymentState.RUNNING, 1.1),
            (2, DeploymentState.SUCCESS, 9.9),
            (1, DeploymentState.FAILURE, 29.9),
        )
    ]
    assert DeploymentState.SUCCESS in {
        fact.state
        for fact in facts(again)
        if isinstance(fact, DeploymentSeen) and fact.deployment_id == "d3"
    }


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ((), ["acme/payments"]),
        (("acme/*",), ["acme/payments"]),
        (("Acme/Payments", "acme/gone"), ["acme/payments", "acme/gone"]),
    ],
)
def test_what_can_be_read(wanted: tuple[str, ...], names: list[str]) -> None:
    with SyncServer(BitbucketCloudStory().respond) as server, client_of(SOURCE, server) as client:
        assert [scope.name for scope in SOURCE.scopes(client, wanted)] == names


def test_workspaces_of_servers_that_have_not_moved_yet() -> None:
    story = BitbucketCloudStory()

    def respond(request: Request) -> Response:
        if request.path == "/2.0/user/workspaces":
            return Response({}, 404)
        if request.path == "/2.0/workspaces":
            return Response({"values": [{"slug": "acme"}]})
        return story.respond(request)

    with SyncServer(respond) as server, client_of(SOURCE, server) as client:
        assert [scope.name for scope in SOURCE.scopes(client, ())] == ["acme/payments"]


def test_the_token_is_tested() -> None:
    story = BitbucketCloudStory()

    def respond(request: Request) -> Response:
        forbidden = request.path.endswith("/commits")
        return Response({}, 403) if forbidden else story.respond(request)

    with SyncServer(respond) as server, client_of(SOURCE, server) as client:
        found = list(SOURCE.check(client, ()))
    assert [(each.ok, bool(each.advice)) for each in found] == [
        (True, False),
        (True, False),
        (False, True),
    ]


def test_the_address_of_the_api() -> None:
    assert SOURCE.root("https://api.bitbucket.org") == "https://api.bitbucket.org/2.0"
    assert SOURCE.root("https://api.bitbucket.org/2.0") == "https://api.bitbucket.org/2.0"
