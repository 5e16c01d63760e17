"""Reading a Gitea over HTTP: all that belongs to a pull request, once, whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.reading import client_of
from collector.client import Client, Surroundings
from collector.forges import gitea_rest as rest
from collector.forges import gitea_words as words
from collector.forges.gitea_sync import SOURCE
from collector.forges.reading import read
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
    FileTouched,
    Repository,
    ReviewSeen,
    ReviewState,
    WorkFact,
)
from tests.collector.forges.played_gitea import PlayedGitea, commit, pull_request, sha
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
from tests.recorded import (
    PSEUDONYMS,
    at,
    named,
    parses_or_refuses,
    recorded,
    with_one_value_replaced,
)

APP = Repository(forge="gitea", name="acme/app", default_branch="main")
SCOPE = Scope(name="acme/app", key="Acme/App", default_branch="main")
ADA = Actor(
    identities=(named("gitea_login", "ada"), named("email", "ada@example.com")),
    name=named("name", "Ada Lovelace"),
)
BOB = Actor(identities=(named("gitea_login", "bob"), named("email", "bob@noreply.git.example.com")))
COMMITTER = Actor(
    identities=(named("gitea_login", "ada"), named("email", "ada@home.example.com")),
    name=named("name", "Ada"),
)


@contextmanager
def client(server: SyncServer) -> Iterator[Client]:
    around = Surroundings(sleep=lambda _seconds: None)
    with client_of(SOURCE, settings(server), around) as opened:
        yield opened


def pages(
    server: SyncServer, stream: str, cursor: str | None = None, since: str | None = None
) -> list[Page]:
    [read_pages] = [each.read for each in SOURCE.streams if each.name == stream]
    with client(server) as opened:
        reading = Reading(
            client=opened,
            scope=SCOPE,
            cursor=cursor,
            since=at(since) if since else None,
            pseudonyms=PSEUDONYMS,
            now=NOW,
        )
        return list(read_pages(reading))


def facts(stream: str) -> list[WorkFact]:
    with SyncServer(PlayedGitea().respond) as server:
        return [fact for page in pages(server, stream) for fact in page.facts]


def of(kind: type, number: int) -> list[Any]:
    told = [fact for fact in facts("changes") if isinstance(fact, kind)]
    return [fact for fact in told if getattr(fact, "number", number) == number]


def touched(path: str, added: int | None = None, removed: int | None = None) -> FileTouched:
    return FileTouched(file=PSEUDONYMS.file(path) or "", additions=added, deletions=removed)


def test_it_is_read_to_its_end_whatever_goes_wrong(fresh: Any) -> None:
    conforms(SOURCE, PlayedGitea().respond, fresh, wanted=("acme/*",))


# What a pull request is


def test_a_merged_pull_request() -> None:
    assert of(ChangeSeen, 1) == [
        ChangeSeen(
            repository=APP,
            number=1,
            state=ChangeState.MERGED,
            draft=False,
            title="Pay refunds",
            author=ADA,
            head_ref="branch-1",
            head_sha=sha("head-1"),
            base_ref="main",
            head_repository="acme/app",
            merge_sha=sha("m1"),
            created_at=at("2026-01-05T09:00:00Z"),
            updated_at=at("2026-01-06T12:00:00Z"),
            merged_at=at("2026-01-06T12:00:00Z"),
            closed_at=at("2026-01-06T12:00:00Z"),
            additions=5,
            deletions=5,
            changed_files=3,
            commit_count=2,
            tasks=("#4",),
            labels=("bug",),
        )
    ]


def test_its_commits_and_what_they_touch() -> None:
    def held(name: str, parent: str, **more: Any) -> CommitSeen:
        return CommitSeen(
            sha=sha(name),
            author=COMMITTER,
            authored_at=at("2026-01-05T10:00:00Z"),
            committed_at=at("2026-01-05T10:00:00Z"),
            parents=(sha(parent),),
            files=(touched(f"src/{name}.py"),),
            **more,
        )

    assert of(ChangeCommits, 1) == [
        ChangeCommits(
            repository=APP,
            number=1,
            seen_at=at("2026-01-06T12:00:00Z"),
            commits=(held("head-1", "c1"), held("c1", "base", tasks=("#5",))),
        )
    ]


def test_its_files() -> None:
    [seen] = of(ChangeFiles, 1)
    assert seen.files == (
        touched("src/refunds.py", 3, 1),
        touched("src/a.py", 2, 0),
        touched("src/b.py", 0, 4),
    )


def test_reviews_and_comments_of_people() -> None:
    def review(name: str, state: ReviewState, moment: str) -> ReviewSeen:
        return ReviewSeen(
            repository=APP,
            number=1,
            review_id=name,
            state=state,
            reviewer=BOB,
            submitted_at=at(moment),
        )

    bob = BOB.identities[0]
    assert of(ReviewSeen, 1) == [
        review(
            f"changes_requested:{bob}:2026-01-05T11:05",
            ReviewState.DISMISSED,
            "2026-01-05T11:05:30Z",
        ),
        review(f"approved:{bob}:2026-01-06T11:00", ReviewState.APPROVED, "2026-01-06T11:00:20Z"),
        review("comment:71", ReviewState.COMMENTED, "2026-01-05T11:00:00Z"),
    ]


def test_the_checks_of_its_head() -> None:
    assert of(CheckSeen, 1) == [
        CheckSeen(repository=APP, sha=sha("head-1"), name="ci / test", state=state, at=at(moment))
        for state, moment in (
            (CheckState.SUCCESS, "2026-01-05T12:09:00Z"),
            (CheckState.RUNNING, "2026-01-05T12:01:00Z"),
        )
    ]


# What changed


def changes(told: list[Page]) -> list[int]:
    return [fact.number for page in told for fact in page.facts if isinstance(fact, ChangeSeen)]


def test_a_pass_goes_down_to_where_the_last_one_ended() -> None:
    played = PlayedGitea()
    with SyncServer(played.respond) as server:
        first = pages(server, "changes")
        # What stands at the end of the last pass is read again: moments are whole seconds.
        again = pages(server, "changes", first[-1].cursor)
        played.now(1, "08T09:00:00")
        after = pages(server, "changes", again[-1].cursor)
    assert changes(first) == [2, 3, 1]
    assert (changes(again), changes(after)) == ([2, 3], [1, 2, 3])


def test_a_pass_that_was_interrupted_goes_on_where_it_stopped() -> None:
    played = PlayedGitea()
    played.pulls = [pull_request(n, f"{n:02}T08:00:00") for n in range(1, 6)]
    played.commits = {n: [commit(f"head-{n}", "base")] for n in range(1, 6)}
    with SyncServer(played.respond) as server:
        first = pages(server, "changes")
        resumed = pages(server, "changes", first[3].cursor)
    assert changes(first) == [5, 4, 3, 2, 1]
    # What stands at either end of what was read is read once more: seconds may be shared.
    assert changes(resumed) == [5, 2, 1]


def test_the_first_pass_is_bounded() -> None:
    with SyncServer(PlayedGitea().respond) as server:
        assert changes(pages(server, "changes", since="2026-01-07T00:00:00Z")) == [2, 3]


def test_what_changed_is_known_after_the_next_sync(fresh: Any) -> None:
    played = PlayedGitea()
    with fresh() as database, SyncServer(played.respond) as server:
        assert errors(synced(database, SOURCE, server, wanted=("acme/app",))) == []
        played.now(2, "08T09:00:00", state="closed", closed_at="2026-01-08T09:00:00Z")
        assert errors(synced(database, SOURCE, server, wanted=("acme/app",))) == []
        states = {row[1]: row[2] for row in work(database)["changes"]}
    assert states == {1: "merged", 2: "closed", 3: "open"}


def test_one_that_cannot_be_read_stops_none_of_the_others() -> None:
    played = PlayedGitea()
    played.pulls[1] |= {"number": "two"}
    with SyncServer(played.respond) as server:
        told = pages(server, "changes")
    assert [page.unreadable for page in told if page.unreadable] == [("unreadable_field",)]
    assert changes(told) == [3, 1]


# The default branch


def landed(played: PlayedGitea, cursor: str | None = None, **more: Any) -> tuple[list[str], Any]:
    with SyncServer(played.respond) as server:
        told = pages(server, "commits", cursor, **more)
    pushes = [fact for page in told for fact in page.facts]
    assert all(isinstance(push, CommitsPushed) and push.branch == "main" for push in pushes)
    last = [page.cursor for page in told]
    return [push.after for push in pushes if isinstance(push, CommitsPushed)], last


def test_the_default_branch_by_its_first_parents() -> None:
    played = PlayedGitea()
    first, cursors = landed(played)
    # What the merge brought in is its pull request's.
    assert first == [sha("direct"), sha("m1"), sha("base")]
    # Interrupted after a page, it goes on where the first parents led.
    assert landed(played, cursors[0])[0] == [sha("base")]
    assert landed(played, cursors[-1]) == ([], [])
    played.main.insert(0, commit("newer", "direct"))
    assert landed(played, cursors[-1])[0] == [sha("newer")]
    # What was read last is gone: all of it is read again.
    played.main = [commit("new", "base"), *played.main[-1:]]
    assert landed(played, cursors[-1])[0] == [sha("new"), sha("base")]


def test_the_first_reading_of_the_default_branch_is_bounded() -> None:
    told, _ = landed(PlayedGitea(), since="2026-01-05T09:00:00Z")
    # Whole pages are read; the one that is older than asked for is the last.
    assert told == [sha("direct"), sha("m1"), sha("base")]
    assert landed(PlayedGitea(), since="2026-01-08T00:00:00Z")[0] == [sha("direct"), sha("m1")]


# Issues, people


def test_an_issue_with_its_moves_and_what_closes_it() -> None:
    key = "acme/app#4"
    told = [fact for fact in facts("issues") if getattr(fact, "key", "") == key]
    assert told == [
        TicketSeen(
            tracker="gitea",
            key=key,
            project="acme/app",
            kind=None,
            title="refunds are late",
            state=TicketState.DONE,
            state_name="closed",
            created_at=at("2026-01-01T10:00:00Z"),
            updated_at=at("2026-01-06T12:00:01Z"),
            closed_at=at("2026-01-06T12:00:00Z"),
            labels=("bug",),
            assignee=(*ADA.identities, *BOB.identities),
        ),
        TicketTied(
            tracker="gitea",
            key=key,
            kind=TieKind.CHANGE,
            repo="acme/app",
            value="1",
            relation="closes",
            seen_at=at("2026-01-05T09:00:00Z"),
        ),
        TicketMoved(
            tracker="gitea",
            key=key,
            from_state=TicketState.OPEN,
            to_state=TicketState.DONE,
            at=at("2026-01-06T12:00:00Z"),
        ),
    ]


def test_issues_are_asked_for_from_the_last_change_on() -> None:
    with SyncServer(PlayedGitea().respond) as server:
        first = pages(server, "issues")
        resumed = pages(server, "issues", first[0].cursor)
        pages(server, "issues", first[-1].cursor)
        asked = [request.query.get("since") for request, _ in server.requests]

    def keys(told: list[Page]) -> list[str]:
        return [fact.key for page in told for fact in page.facts if isinstance(fact, TicketSeen)]

    assert keys(first) == ["acme/app#6", "acme/app#5", "acme/app#4"]
    assert keys(resumed) == ["acme/app#4"]
    assert {each for each in asked if each} == {"2026-01-06T12:00:01+00:00"}


def test_addresses_that_the_mailmap_joins() -> None:
    assert facts("people") == [
        SamePerson(
            one=named("email", "ada@example.com"),
            other=named("email", "ada@home.example.com"),
            strength=Strength.STRONG,
            source="mailmap",
        )
    ]


# What can be read


def scopes(*wanted: str) -> list[Scope]:
    with SyncServer(PlayedGitea().respond) as server, client(server) as opened:
        return list(SOURCE.scopes(opened, wanted))


def test_repositories_by_access_by_owner_and_by_name() -> None:
    empty = Scope(name="acme/empty", key="acme/empty")
    assert scopes() == [SCOPE, empty]
    assert scopes("acme/*") == [SCOPE, empty]
    assert scopes("acme/app") == [SCOPE]
    # It fails by itself when it is read.
    assert scopes("acme/none") == [Scope(name="acme/none")]


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://git.example.com", "https://git.example.com/api/v1"),
        ("https://example.com/git/", "https://example.com/git/api/v1"),
        ("https://git.example.com/api/v1/", "https://git.example.com/api/v1"),
    ],
)
def test_the_address_of_the_api(url: str, root: str) -> None:
    assert SOURCE.root(url) == root


def test_what_a_token_can_see() -> None:
    with SyncServer(PlayedGitea().respond) as server, client(server) as opened:
        told = [(each.ok, each.text) for each in SOURCE.check(opened, ("acme/app", "acme/none"))]
        sent = {request.headers["authorization"] for request, _ in server.requests}
    assert told == [
        (True, "the server accepts the token, as ada"),
        (False, "acme/none can't be seen"),
        (True, "1 repositories can be read"),
    ]
    assert sent == {f"Bearer {TOKEN}"}


# Recorded answers


def test_recorded_pull_requests() -> None:
    [told] = recorded("gitea/go-scm/rest/prs.json")
    for each in (told, recorded("gitea/go-scm/rest/pr.json")):
        seen = rest.change(APP, read(each, words.PullRequest, "Gitea"), None, None, PSEUDONYMS)
        assert seen is not None
        assert (seen.number, seen.state, seen.head_ref) == (1, ChangeState.OPEN, "feature")
        assert seen.author.identities == (
            named("gitea_login", "jcitizen"),
            named("email", "jcitizen@example.com"),
        )


def test_recorded_commits() -> None:
    [told] = recorded("gitea/go-scm/rest/commits.json")
    for each in (told, recorded("gitea/go-scm/rest/commit.json")):
        assert rest.commit_seen(APP, read(each, rest.Commit, "Gitea"), PSEUDONYMS) == CommitSeen(
            sha="c43399cad8766ee521b873a32c1652407c5a4630",
            author=Actor(
                identities=(named("email", "lewiscowles@me.com"),),
                name=named("name", "Lewis Cowles"),
            ),
            authored_at=at("2018-09-09T03:36:08Z"),
            committed_at=at("2018-09-09T03:36:08Z"),
            parents=("d293a2b9d6722dffde7998c953c3087e47a38a83",),
        )


def test_recorded_issues_statuses_and_comments() -> None:
    issue = read(recorded("gitea/go-scm/rest/issue.json"), words.Issue, "Gitea")
    assert words.ticket(APP, issue, PSEUDONYMS).key == "acme/app#1"
    told = [recorded("gitea/go-scm/rest/status.json"), *recorded("gitea/go-scm/rest/statuses.json")]
    checks = [rest.check(APP, "a" * 40, read(each, rest.Status, "Gitea")) for each in told]
    assert {check.state for check in checks if check} == {CheckState.SUCCESS}
    for each in recorded("gitea/go-scm/rest/comments.json"):
        seen = words.comment(APP, 1, read(each, words.Comment, "Gitea"), NOW, PSEUDONYMS)
        assert seen is not None
        assert seen.review_id == "comment:74"


@given(st.data(), st.sampled_from(["pr", "commit", "issue", "status"]))
def test_an_answer_with_any_one_value_replaced_is_read_or_refused(
    data: st.DataObject, name: str
) -> None:
    told = with_one_value_replaced(data, recorded(f"gitea/go-scm/rest/{name}.json"))

    def reading() -> tuple[Any, ...]:
        match name:
            case "pr":
                request = read(told, words.PullRequest, "Gitea")
                return (rest.change(APP, request, None, None, PSEUDONYMS),)
            case "commit":
                return (rest.commit_seen(APP, read(told, rest.Commit, "Gitea"), PSEUDONYMS),)
            case "issue":
                return (words.ticket(APP, read(told, words.Issue, "Gitea"), PSEUDONYMS),)
            case _:
                return (rest.check(APP, "a" * 40, read(told, rest.Status, "Gitea")),)

    parses_or_refuses(reading)
