"""Reading Azure DevOps over HTTP: all of a project's story, whatever happens on the way."""

import base64
from datetime import datetime

import pytest

from collector.forges.azure_devops_sync import SOURCE
from collector.source import Access, Page, Scope
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
    WorkFact,
)
from tests.capturing import PSEUDONYMS
from tests.collector.forges.azure_devops_story import (
    PROJECT,
    REPO,
    AzureDevOpsStory,
    build,
    change,
    commit,
    item,
    push,
    record,
    said,
    sha,
    stamp,
    thread,
)
from tests.collector.reading_streams import client_of, facts, last_cursor, pages
from tests.collector.sync_server import Request, Response, SyncServer, conforms
from tests.conftest import Fresh
from tests.recorded import at

OF = Repository(forge="azure-devops", name="acme/pay team/web", default_branch="main")
SCOPE = Scope(name=OF.name, key=f"repository {REPO} {PROJECT}", default_branch="main")
PAY = Scope(name="acme/pay team", key=f"project {PROJECT} {PROJECT}")


def moment(days: float) -> datetime:
    return at(stamp(days)[:26] + "Z")


def person(name: str) -> Actor:
    address = f"{name}@example.test"
    return Actor(
        identities=(PSEUDONYMS("azure_login", address), PSEUDONYMS("email", address)),
        name=PSEUDONYMS("name", name.title()),
    )


def file(path: str) -> FileTouched:
    name = PSEUDONYMS.file(path)
    assert name is not None
    return FileTouched(file=name)


def seen(name: str, days: float, *parents: str, files: bool = True) -> CommitSeen:
    return CommitSeen(
        sha=sha(name),
        author=Actor(
            identities=(PSEUDONYMS("email", "dev@example.test"),), name=PSEUDONYMS("name", "Dev")
        ),
        authored_at=moment(days),
        committed_at=moment(days),
        parents=tuple(map(sha, parents)),
        files=(file(f"src/{sha(name)[:4]}.py"),) if files else None,
        # The end of a message that lists cut.
        tasks=("AB#9",) if name.startswith("c") else (),
    )


def numbers(told: list[Page]) -> list[int]:
    return [fact.number for fact in facts(told) if isinstance(fact, ChangeSeen)]


def test_it_conforms(fresh: Fresh) -> None:
    conforms(SOURCE, AzureDevOpsStory().respond, fresh)


def read_whole() -> list[WorkFact]:
    """Read the third pull request, whose description lists cut."""
    story = AzureDevOpsStory()
    story.changes = [change(3, 1, "completed", description="x" * 400 + " AB#7\nReverts !2")]
    with SyncServer(story.respond) as server:
        return facts(pages(SOURCE, server, "changes", SCOPE))


def test_a_merged_pull_request_its_commits_and_files() -> None:
    assert read_whole()[:3] == [
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
            head_repository=OF.name,
            merge_sha=sha("merge 3"),
            created_at=moment(3),
            updated_at=moment(1),
            merged_at=moment(1),
            closed_at=moment(1),
            changed_files=2,
            commit_count=1,
            reverts=(2,),
            tasks=("AB#7",),
            labels=("hotfix",),
        ),
        ChangeCommits(
            repository=OF, number=3, seen_at=moment(1), commits=(seen("c3.2", 9, "root"),)
        ),
        ChangeFiles(
            repository=OF,
            number=3,
            seen_at=moment(1),
            files=(file("src/3.py"), file("README.md")),
        ),
    ]


def review(review_id: str, state: ReviewState, who: str, days: float) -> ReviewSeen:
    return ReviewSeen(
        repository=OF,
        number=3,
        review_id=review_id,
        state=state,
        reviewer=person(who),
        submitted_at=moment(days),
    )


def test_its_comments_and_votes_with_their_times() -> None:
    voted = f"vote:{person('reviewer').identities[0]}"
    assert [fact for fact in read_whole() if isinstance(fact, ReviewSeen)] == [
        review("comment:1.1", ReviewState.COMMENTED, "reviewer", 9),
        review("comment:1.2", ReviewState.COMMENTED, "dev", 8.9),
        review(f"{voted}:-5", ReviewState.CHANGES_REQUESTED, "reviewer", 8),
        review(f"{voted}:-5:4", ReviewState.CHANGES_REQUESTED, "reviewer", 7.4),
        review(f"{voted}:10", ReviewState.APPROVED, "reviewer", 7),
    ]


def test_its_pushes_its_merge_and_its_work_items() -> None:
    home = Repository(forge="azure-devops", name=OF.name)
    tips = (
        CommitsPushed(
            repository=home,
            branch="topic-3",
            before=sha("c3.1"),
            after=sha(tip),
            forced=forced,
            pushed_at=moment(days),
            commits=(),
        )
        for tip, days, forced in (("c3.1", 11, False), ("c3.2", 9, True))
    )
    assert read_whole()[-4:] == [
        *tips,
        CommitsPushed(
            repository=OF,
            branch="main",
            before=sha("direct"),
            after=sha("merge 3"),
            forced=False,
            pushed_at=moment(1),
            commits=(seen("merge 3", 10, "direct", "c3.2", files=False),),
        ),
        TicketTied(
            tracker="azure-devops",
            key="AB#7",
            kind=TieKind.CHANGE,
            repo=OF.name,
            value="3",
            relation="Pull Request",
            seen_at=moment(1),
        ),
    ]


def test_the_next_reading_takes_only_what_changed() -> None:
    story = AzureDevOpsStory()
    with SyncServer(story.respond) as server:
        first = pages(SOURCE, server, "changes", SCOPE)
        story.threads[4].append(thread(7, 1, comments=[said(1, 1, "reviewer")]))
        story.changes[4] |= {"status": "completed", "closedDate": stamp(1)}
        story.changes.append(change(6, 0.5, "abandoned"))
        story.commits[sha("c6.2")] = commit("c6.2", 0.5)
        story.threads[6] = []
        again = pages(SOURCE, server, "changes", SCOPE, last_cursor(first))
        nothing = pages(SOURCE, server, "changes", SCOPE, last_cursor(again))
    assert sorted(numbers(first)) == [1, 2, 3, 4, 5]
    assert sorted(set(numbers(again))) == [4, 5, 6]
    assert numbers(nothing) == []


def test_one_that_can_not_be_read_does_not_stop_the_others() -> None:
    story = AzureDevOpsStory()
    story.changes[1] |= {"status": "new one"}
    story.changes[2] |= {"title": None}
    with SyncServer(story.respond) as server:
        told = pages(SOURCE, server, "changes", SCOPE)
    assert sorted(numbers(told)) == [1, 4, 5]
    assert {code for page in told for code in page.unreadable} == {
        "unknown_value",
        "unreadable_field",
    }


def test_pushes_to_the_default_branch_oldest_first() -> None:
    story = AzureDevOpsStory()
    with SyncServer(story.respond) as server:
        first = pages(SOURCE, server, "commits", SCOPE)
        story.commits[sha("later")] = commit("later", 1, "fix", ("merge 3",))
        story.pushes.insert(0, push(14, 0.9, "later", "merge 3"))
        again = pages(SOURCE, server, "commits", SCOPE, last_cursor(first))
    assert facts(first) == [
        CommitsPushed(
            repository=OF,
            branch="main",
            before=sha(before),
            after=sha(name),
            forced=False,
            pushed_at=moment(days),
            commits=(seen_as,),
        )
        for name, days, before, seen_as in (
            ("merge 1", 30, "root", seen("merge 1", 30, "root", "c1.2", files=False)),
            ("direct", 12, "merge 1", seen("direct", 12, "merge 1")),
            ("merge 3", 10, "direct", seen("merge 3", 10, "direct", "c3.2", files=False)),
        )
    ]
    assert [fact.after for fact in facts(again) if isinstance(fact, CommitsPushed)] == [
        sha("later")
    ]


def test_builds() -> None:
    story = AzureDevOpsStory()
    with SyncServer(story.respond) as server:
        first = pages(SOURCE, server, "checks", SCOPE)
        story.builds.append(build(24, 1, "failed"))
        again = pages(SOURCE, server, "checks", SCOPE, last_cursor(first))
    assert [(fact.at, fact.state) for fact in facts(first) if isinstance(fact, CheckSeen)] == [
        (moment(29), CheckState.SUCCESS),
        (moment(9), CheckState.SUCCESS),
        (moment(8), CheckState.SUCCESS),
    ]
    assert facts(again)[-1] == CheckSeen(
        repository=OF, sha=sha("merge 3"), name="ci", state=CheckState.FAILURE, at=moment(1)
    )


def test_work_items() -> None:
    story = AzureDevOpsStory()
    with SyncServer(story.respond) as server:
        first = pages(SOURCE, server, "work items", PAY)
        story.revisions.append(item(7, 1, "New", 5))
        again = pages(SOURCE, server, "work items", PAY, last_cursor(first))
    told = facts(first)
    assert [
        (fact.key, fact.state, fact.updated_at) for fact in told if isinstance(fact, TicketSeen)
    ] == [
        ("AB#7", TicketState.OPEN, moment(50)),
        ("AB#7", TicketState.DONE, moment(40)),
        ("AB#7", TicketState.DONE, moment(35)),
        ("AB#7", TicketState.DONE, moment(30)),
        ("AB#9", TicketState.DROPPED, moment(20)),
    ]
    assert [fact for fact in told if isinstance(fact, TicketMoved)] == [
        TicketMoved(
            tracker="azure-devops",
            key="AB#7",
            from_state=TicketState.OPEN,
            to_state=TicketState.DONE,
            at=moment(40),
        )
    ]
    assert {fact for fact in told if isinstance(fact, TicketTied)} == {
        TicketTied(
            tracker="azure-devops",
            key="AB#7",
            kind=TieKind.CHANGE,
            repo=OF.name,
            value="1",
            relation="Pull Request",
            seen_at=moment(30),
        )
    }
    # What it was before was told to an earlier reading.
    assert [fact for fact in facts(again) if isinstance(fact, TicketMoved)] == [
        TicketMoved(
            tracker="azure-devops",
            key="AB#7",
            from_state=None,
            to_state=TicketState.OPEN,
            at=moment(1),
        )
    ]


def test_deployments_to_environments() -> None:
    story = AzureDevOpsStory()
    with SyncServer(story.respond) as server:
        first = pages(SOURCE, server, "deployments", PAY)
        story.records[0] = record(3, 1, "succeeded", 22)
        again = pages(SOURCE, server, "deployments", PAY, last_cursor(first))
    home = Repository(forge="azure-devops", name=OF.name)
    assert facts(first) == [
        DeploymentSeen(
            repository=home,
            deployment_id=f"environment:{number}",
            sha=sha("merge 3"),
            environment="Production-EU",
            production=True,
            state=state,
            at=moment(days),
        )
        for number, state, days in (
            (3, DeploymentState.RUNNING, 1.1),
            (2, DeploymentState.SUCCESS, 9),
            (1, DeploymentState.FAILURE, 29),
        )
    ]
    assert [
        (fact.deployment_id, fact.state)
        for fact in facts(again)
        if isinstance(fact, DeploymentSeen)
    ] == [("environment:3", DeploymentState.SUCCESS)]


@pytest.mark.parametrize(
    ("stream", "scope"),
    [
        ("work items", SCOPE),
        ("deployments", SCOPE),
        ("changes", PAY),
        ("commits", PAY),
        ("checks", PAY),
    ],
)
def test_a_repository_is_no_project(stream: str, scope: Scope) -> None:
    with SyncServer(AzureDevOpsStory().respond) as server:
        assert pages(SOURCE, server, stream, scope) == []
        assert server.requests == []


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ((), ["acme/pay team/web", "acme/pay team"]),
        (("acme/pay%20team/web",), ["acme/pay team/web", "acme/pay team"]),
        (("Pay%20Team/*",), ["acme/pay team/web", "acme/pay team"]),
        (("acme/*",), ["acme/pay team/web", "acme/pay team"]),
        (("acme/pay/gone",), ["acme/pay/gone"]),
    ],
)
def test_what_can_be_read(wanted: tuple[str, ...], names: list[str]) -> None:
    with SyncServer(AzureDevOpsStory().respond) as server, client_of(SOURCE, server) as client:
        assert [scope.name for scope in SOURCE.scopes(client, wanted)] == names


def test_a_disabled_repository_is_left_out() -> None:
    story = AzureDevOpsStory()

    def respond(request: Request) -> Response:
        answer = story.respond(request)
        if request.path == "/_apis/git/repositories":
            answer.body["value"][0]["isDisabled"] = True
        return answer

    with SyncServer(respond) as server, client_of(SOURCE, server) as client:
        assert list(SOURCE.scopes(client, ())) == []


def test_the_token_is_tested() -> None:
    story = AzureDevOpsStory()

    def respond(request: Request) -> Response:
        forbidden = request.path.endswith("/environments")
        return Response({}, 403) if forbidden else story.respond(request)

    with SyncServer(respond) as server, client_of(SOURCE, server) as client:
        found = list(SOURCE.check(client, ()))
        assert [(each.ok, bool(each.advice)) for each in found] == [
            (True, False),
            (True, False),
            (True, False),
            (False, True),
        ]
        server.respond = lambda _request: Response(b"<html>", 203)
        [asked] = SOURCE.check(client, ())
    assert not asked.ok


def test_a_personal_token_is_a_password_and_one_of_entra_is_not() -> None:
    def authorised(token: str, user: str | None = None) -> object:
        access = Access(url="https://dev.azure.com/acme", token=token, user=user)
        return SOURCE.authorise(access, lambda _: pytest.fail("no other client is needed"))("")

    plain = base64.b64encode(b":secret").decode()
    named = base64.b64encode(b"me:secret").decode()
    assert authorised("secret") == {"Authorization": f"Basic {plain}"}
    assert authorised("secret", "me") == {"Authorization": f"Basic {named}"}
    assert authorised("eyJ0.eyJh.c2ln") == {"Authorization": "Bearer eyJ0.eyJh.c2ln"}
