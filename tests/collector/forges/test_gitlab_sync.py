"""Reading a GitLab over HTTP: all that belongs to a merge request, once, whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from assay.reading import client_of
from collector.client import Client, Surroundings
from collector.forges.gitlab_sync import SOURCE
from collector.source import Page, Reading, Scope
from domain.people import SamePerson, Strength
from domain.tickets import TicketMoved, TicketSeen, TicketState, TicketTied, TieKind
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
    SessionTrailer,
    WorkFact,
)
from tests.collector.forges.played_gitlab import PlayedGitLab, commit, merge_request, sha
from tests.collector.sync_server import (
    NOW,
    TOKEN,
    SyncServer,
    conforms,
    errors,
    settings,
    synced,
    work,
)
from tests.recorded import PSEUDONYMS, at, named

APP = Repository(forge="gitlab", name="group/sub/app", default_branch="main")
SCOPE = Scope(name="group/sub/app", key="11", default_branch="main")
ADA = Actor(
    identities=(named("gitlab_login", "ada"), named("gitlab_id", "7")),
    name=named("name", "Ada Lovelace"),
)
BOB = Actor(
    identities=(named("gitlab_login", "bob"), named("gitlab_id", "8")), name=named("name", "Bob")
)
COMMITTER = Actor(
    identities=(named("email", "ada@example.com"),), name=named("name", "Ada Lovelace")
)


@contextmanager
def client(server: SyncServer) -> Iterator[Client]:
    around = Surroundings(sleep=lambda _seconds: None)
    with client_of(SOURCE, settings(server), around) as opened:
        yield opened


def pages(server: SyncServer, stream: str, cursor: str | None = None) -> list[Page]:
    [read] = [each.read for each in SOURCE.streams if each.name == stream]
    with client(server) as opened:
        reading = Reading(
            client=opened,
            scope=SCOPE,
            cursor=cursor,
            since=None,
            pseudonyms=PSEUDONYMS,
            now=NOW,
        )
        return list(read(reading))


def facts(stream: str) -> list[WorkFact]:
    with SyncServer(PlayedGitLab().respond) as server:
        return [fact for page in pages(server, stream) for fact in page.facts]


def of(kind: type, number: int) -> list[Any]:
    return [
        fact
        for fact in facts("changes")
        if isinstance(fact, kind) and getattr(fact, "number", number) == number
    ]


def touched(path: str, added: int | None, removed: int | None) -> FileTouched:
    return FileTouched(file=PSEUDONYMS.file(path) or "", additions=added, deletions=removed)


def test_it_is_read_to_its_end_whatever_goes_wrong(fresh: Any) -> None:
    conforms(SOURCE, PlayedGitLab().respond, fresh, wanted=("group/*",))


# What a merge request is


def test_a_merged_merge_request() -> None:
    assert of(ChangeSeen, 1) == [
        ChangeSeen(
            repository=APP,
            number=1,
            state=ChangeState.MERGED,
            draft=False,
            title="Pay refunds",
            author=ADA,
            head_ref="branch-1",
            head_sha=sha("c3"),
            base_ref="main",
            head_repository="group/sub/app",
            merge_sha=sha("m1"),
            created_at=at("2026-01-05T09:00:00Z"),
            updated_at=at("2026-01-06T12:00:00.123Z"),
            merged_at=at("2026-01-06T12:00:00.100Z"),
            closed_at=None,
            # The lines of one file are not told, so the sum is not known.
            additions=None,
            deletions=None,
            changed_files=3,
            commit_count=2,
            tasks=("#4",),
            labels=("bug",),
        )
    ]


def test_its_commits_and_what_they_touch() -> None:
    first = CommitSeen(
        sha=sha("c1"),
        author=COMMITTER,
        authored_at=at("2026-01-05T10:00:00Z"),
        committed_at=at("2026-01-05T10:00:00Z"),
        parents=(sha("base"),),
        files=(touched(f"src/{sha('c1')[:4]}.py", 2, 1),),
        sessions=(SessionTrailer(tool="codex", session_id="s-1"),),
    )
    second = CommitSeen(
        sha=sha("c3"),
        author=COMMITTER,
        authored_at=at("2026-01-05T10:00:00Z"),
        committed_at=at("2026-01-05T10:00:00Z"),
        parents=(sha("c1"),),
        files=(touched(f"src/{sha('c3')[:4]}.py", 2, 1),),
    )
    assert of(ChangeCommits, 1) == [
        ChangeCommits(
            repository=APP,
            number=1,
            seen_at=at("2026-01-06T12:00:00.123Z"),
            commits=(second, first),
        )
    ]


def test_its_files_with_the_lines_that_are_told() -> None:
    [seen] = of(ChangeFiles, 1)
    assert seen.files == (
        touched("src/refunds.py", 2, 1),
        touched("big.json", None, None),
        touched("logo.png", 0, 0),
    )


def test_its_pushes_are_the_versions_of_its_diff_and_the_second_was_forced() -> None:
    pushes = [push for push in of(CommitsPushed, 1) if push.branch == "branch-1"]
    assert [
        (push.before, push.after, push.forced, push.pushed_at, [each.sha for each in push.commits])
        for push in pushes
    ] == [
        ("0" * 40, sha("c2"), False, at("2026-01-05T09:00:00Z"), [sha("c2"), sha("c1")]),
        (sha("c2"), sha("c3"), True, at("2026-01-05T12:00:00Z"), [sha("c3"), sha("c1")]),
    ]


def test_comments_of_people_and_verdicts_each_once() -> None:
    def verdict(state: ReviewState, minute: str, second: str) -> ReviewSeen:
        return ReviewSeen(
            repository=APP,
            number=1,
            review_id=f"{state.value}:{BOB.identities[0]}:{minute}",
            state=state,
            reviewer=BOB,
            submitted_at=at(f"{minute}:{second}Z"),
        )

    approved = verdict(ReviewState.APPROVED, "2026-01-06T11:00", "20")
    assert of(ReviewSeen, 1) == [
        ReviewSeen(
            repository=APP,
            number=1,
            review_id="comment:71",
            state=ReviewState.COMMENTED,
            reviewer=BOB,
            submitted_at=at("2026-01-05T11:00:00Z"),
        ),
        verdict(ReviewState.CHANGES_REQUESTED, "2026-01-05T11:05", "30"),
        approved,
        # The list of approvals tells the same, a second later: the same review.
        verdict(ReviewState.APPROVED, "2026-01-06T11:00", "21.5"),
    ]
    # An approval without a time is none that could be placed.
    assert of(ReviewSeen, 2) == []


def test_the_issues_it_closes_here_and_in_jira() -> None:
    assert of(TicketTied, 1) == [
        TicketTied(
            tracker=tracker,
            key=key,
            kind=TieKind.CHANGE,
            repo="group/sub/app",
            value="1",
            relation="closes",
            seen_at=at("2026-01-06T12:00:00.123Z"),
        )
        for tracker, key in (("gitlab", "group/sub/app#4"), ("jira", "PAY-7"))
    ]


def test_numbers_and_logins_are_one_person() -> None:
    tie = SamePerson(
        one=named("gitlab_login", "ada"),
        other=named("gitlab_id", "7"),
        strength=Strength.STRONG,
        source="gitlab",
    )
    assert tie in of(SamePerson, 1)


def test_a_fork_is_named_and_its_pushes_are_not_this_repositorys() -> None:
    assert [seen.head_repository for seen in of(ChangeSeen, 2)] == ["ada/app"]
    assert [seen.head_repository for seen in of(ChangeSeen, 4)] == [None]
    branches = {push.branch for push in of(CommitsPushed, 0)}
    assert branches == {"branch-1", "branch-3"}


def test_a_fast_forward_landed_with_its_own_head() -> None:
    assert [seen.merge_sha for seen in of(ChangeSeen, 3)] == [sha("head-3")]


# What changed


def test_what_changes_while_it_is_read_is_read_again(fresh: Any) -> None:
    played = PlayedGitLab()
    with fresh() as database, SyncServer(played.respond) as server:
        assert errors(synced(database, SOURCE, server, wanted=("Group/Sub/App",))) == []
        played.now(2, "08T09:00:00.000", state="closed", closed_at="2026-01-08T09:00:00.000Z")
        server.requests.clear()
        assert errors(synced(database, SOURCE, server, wanted=("Group/Sub/App",))) == []
        states = {row[1]: row[2] for row in work(database)["changes"]}
        asked = [request.path for request, _ in server.requests]
    assert states == {1: "merged", 2: "closed", 3: "merged", 4: "closed"}
    assert not [path for path in asked if "/merge_requests/1/" in path]
    assert [path for path in asked if "/merge_requests/2/" in path]


def test_many_of_one_moment_are_all_read_once() -> None:
    played = PlayedGitLab()
    played.requests = [merge_request(n, "07T08:00:00.000") for n in range(1, 6)]
    played.commits = {n: [commit(f"head-{n}", "base")] for n in range(1, 6)}
    with SyncServer(played.respond) as server:
        first = pages(server, "changes")
        cursors = [page.cursor for page in first if page.cursor]
        again = pages(server, "changes", cursors[-1])
        resumed = pages(server, "changes", cursors[1])

    def read(told: list[Page]) -> list[int]:
        return [fact.number for page in told for fact in page.facts if isinstance(fact, ChangeSeen)]

    assert (read(first), read(again), read(resumed)) == ([1, 2, 3, 4, 5], [], [3, 4, 5])


def test_one_that_cannot_be_read_stops_none_of_the_others() -> None:
    played = PlayedGitLab()
    played.requests = [
        merge_request(1, "06T08:00:00.000") | {"iid": "one"},
        merge_request(2, "06T09:00:00.000"),
    ]
    with SyncServer(played.respond) as server:
        told = pages(server, "changes")
    assert [page.unreadable for page in told if page.unreadable] == [("unreadable_field",)]
    [seen] = [fact for page in told for fact in page.facts if isinstance(fact, ChangeSeen)]
    assert seen.number == 2


def test_a_list_that_cannot_be_read_whole_is_not_told_as_whole() -> None:
    played = PlayedGitLab()
    played.commits[1][0] = commit("c3") | {"id": "no sha"}
    with SyncServer(played.respond) as server:
        told = [page for page in pages(server, "changes") if page.unreadable]
    [page] = told
    assert page.unreadable == ("unreadable_field",)
    assert not [fact for fact in page.facts if isinstance(fact, ChangeCommits)]
    assert [fact for fact in page.facts if isinstance(fact, ChangeFiles)]


# The default branch


def landed(played: PlayedGitLab, cursor: str | None = None) -> tuple[list[str], str | None]:
    with SyncServer(played.respond) as server:
        told = pages(server, "commits", cursor)
    pushes = [fact for page in told for fact in page.facts]
    assert all(isinstance(push, CommitsPushed) and push.branch == "main" for push in pushes)
    last = told[-1].cursor if told else None
    return [push.after for push in pushes if isinstance(push, CommitsPushed)], last


def test_the_default_branch_is_read_from_the_tip_that_was_read_last() -> None:
    played = PlayedGitLab()
    first, cursor = landed(played)
    assert first == [sha("head-3"), sha("m1"), sha("base")]
    assert landed(played, cursor) == ([], None)
    played.main.insert(0, commit("direct", "head-3"))
    again, cursor = landed(played, cursor)
    assert again == [sha("direct")]
    # What was read last is gone: all of it is read again.
    played.main = [commit("new", "base"), *played.main[-1:]]
    assert landed(played, cursor)[0] == [sha("new"), sha("base")]


def test_a_merge_on_the_default_branch_is_not_asked_for_files() -> None:
    pushes = [fact for fact in facts("commits") if isinstance(fact, CommitsPushed)]
    files = {push.after: push.commits[0].files for push in pushes}
    assert files[sha("m1")] == ()
    assert files[sha("head-3")] is not None


# Issues, pipelines, deployments, people


def test_an_issue_with_all_its_moves() -> None:
    key = "group/sub/app#4"
    opened, done = TicketState.OPEN, TicketState.DONE
    seen, *moves = [fact for fact in facts("issues") if not isinstance(fact, SamePerson)]
    assert seen == TicketSeen(
        tracker="gitlab",
        key=key,
        project="group/sub/app",
        kind="incident",
        title="refunds are late",
        state=done,
        state_name="closed",
        created_at=at("2026-01-01T10:00:00Z"),
        updated_at=at("2026-01-06T12:00:01Z"),
        closed_at=at("2026-01-06T12:00:00.900Z"),
        labels=("bug",),
        assignee=ADA.identities,
    )
    assert moves == [
        TicketMoved(tracker="gitlab", key=key, from_state=start, to_state=end, at=at(moment))
        for start, end, moment in (
            (opened, done, "2026-01-02T10:00:00Z"),
            (done, opened, "2026-01-03T10:00:00Z"),
            (opened, done, "2026-01-06T12:00:00Z"),
        )
    ]


def test_pipelines() -> None:
    assert facts("checks") == [
        CheckSeen(
            repository=APP,
            sha=sha("c2"),
            name="pipeline/push",
            state=CheckState.FAILURE,
            at=at("2026-01-05T12:01:00Z"),
        ),
        CheckSeen(
            repository=APP,
            sha=sha("c3"),
            name="pipeline/merge_request_event",
            state=CheckState.SUCCESS,
            at=at("2026-01-05T12:09:00Z"),
        ),
    ]


def test_deployments_are_of_production_by_the_tier_of_their_environment() -> None:
    def deployment(number: str, where: str, state: DeploymentState, hour: int) -> DeploymentSeen:
        return DeploymentSeen(
            repository=APP,
            deployment_id=number,
            sha=sha("m1"),
            environment=where,
            production=where == "eu-1",
            state=state,
            at=at(f"2026-01-06T{hour}:00:00Z"),
        )

    assert facts("deployments") == [
        deployment("31", "eu-1", DeploymentState.SUCCESS, 13),
        deployment("32", "prod-like", DeploymentState.FAILURE, 14),
    ]


def test_addresses_that_the_mailmap_joins() -> None:
    assert facts("people") == [
        SamePerson(
            one=named("email", "ada@example.com"),
            other=named("email", "ada@old.example.com"),
            strength=Strength.STRONG,
            source="mailmap",
        )
    ]


# What can be read


def scopes(*wanted: str) -> list[Scope]:
    with SyncServer(PlayedGitLab().respond) as server, client(server) as opened:
        return list(SOURCE.scopes(opened, wanted))


def test_projects_by_membership_by_group_and_by_name() -> None:
    lib = Scope(name="group/lib", key="12")
    assert scopes() == [SCOPE, lib]
    assert scopes("group/*") == [SCOPE, lib]
    assert scopes("Group/Sub/App") == [SCOPE]
    # It fails by itself when it is read.
    assert scopes("group/none") == [Scope(name="group/none", key="group%2Fnone")]


def test_a_project_without_a_repository_or_issues_is_no_failure(fresh: Any) -> None:
    with fresh() as database, SyncServer(PlayedGitLab(off=True).respond) as server:
        results = synced(database, SOURCE, server, wanted=("group/*",))
    of_lib = [result for result in results if result.scope == "group/lib"]
    without = {"issues", "checks", "deployments", "people"}
    assert {result.stream for result in of_lib if result.skipped} == without
    assert not [result for result in of_lib if result.error and not result.skipped]


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://gitlab.com", "https://gitlab.com/api/v4"),
        ("https://git.example.com/gitlab/", "https://git.example.com/gitlab/api/v4"),
        ("https://gitlab.com/api/v4/", "https://gitlab.com/api/v4"),
    ],
)
def test_the_address_of_the_api(url: str, root: str) -> None:
    assert SOURCE.root(url) == root


def findings(played: PlayedGitLab, *wanted: str) -> list[tuple[bool, str]]:
    with SyncServer(played.respond) as server, client(server) as opened:
        return [(each.ok, each.text) for each in SOURCE.check(opened, wanted)]


def test_what_a_token_can_see_and_lacks() -> None:
    played = PlayedGitLab()
    assert findings(played) == [
        (True, "GitLab accepts the token, as ada"),
        (True, "it ends on 2027-01-01"),
        (True, "2 projects can be read"),
    ]
    played.tokens = {"scopes": ["read_user"]}
    assert findings(played, "group/none") == [
        (True, "GitLab accepts the token, as ada"),
        (False, "the token has only the scopes read_user"),
        (False, "group/none can't be seen"),
        (False, "0 projects can be read"),
    ]


def test_a_token_goes_as_bearer() -> None:
    with SyncServer(PlayedGitLab().respond) as server:
        pages(server, "changes")
        told = {request.headers["authorization"] for request, _ in server.requests}
    assert told == {f"Bearer {TOKEN}"}
