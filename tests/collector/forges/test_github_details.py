"""What GitHub's fields mean: merges, people, reverts, tickets, branches, times."""

from datetime import UTC, datetime

import pytest

from domain.people import SamePerson, Strength
from domain.tickets import TicketMoved, TicketSeen, TicketState
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CheckSeen,
    CheckState,
    CommitSeen,
    DeploymentSeen,
    SessionTrailer,
)
from tests.delivering import (
    RECEIVED_AT,
    Json,
    at,
    change,
    committed,
    email,
    load,
    login,
    named,
    parse,
    person,
    pull_request,
    push,
    pushed,
    touched,
)


@pytest.mark.parametrize(
    ("told", "state", "merge_sha"),
    [
        ({"state": "open"}, ChangeState.OPEN, None),
        ({"state": "closed"}, ChangeState.CLOSED, None),
        ({"state": "closed", "merged": None}, ChangeState.CLOSED, None),
        ({"state": "closed", "merged": True}, ChangeState.MERGED, "a" * 40),
        ({"state": "open", "merged": True}, ChangeState.MERGED, "a" * 40),
        ({"state": "closed", "merged_at": "2026-02-01T00:00:00Z"}, ChangeState.MERGED, "a" * 40),
    ],
)
def test_the_merge_commit_counts_only_once_merged(
    told: Json, state: ChangeState, merge_sha: str | None
) -> None:
    fact = change(merge_commit_sha="a" * 40, **told)
    assert (fact.state, fact.merge_sha) == (state, merge_sha)


def test_a_deleted_account_and_a_deleted_fork_leave_gaps() -> None:
    head = pull_request()["pull_request"]["head"] | {"repo": None}
    fact = change(user=None, head=head, body=None)
    assert (fact.author, fact.head_repository) == (Actor(identities=()), None)


def test_a_revert_names_what_it_reverts() -> None:
    fact = change(
        number=12,
        title='Revert "Refunds"',
        body="Reverts Codertocat/Hello-World#7\n\nFixes #9",
        head=pull_request()["pull_request"]["head"] | {"ref": "revert-7-refunds"},
    )
    assert (fact.reverts, fact.tasks) == ((7,), ("#9",))


def test_a_change_cannot_revert_a_later_one() -> None:
    assert change(number=7, body="Reverts #7\nReverts #8\nReverts #6").reverts == (6,)


def test_tasks_of_a_change_come_from_title_body_and_branch() -> None:
    fact = change(
        title="PAY-7: refunds, fixes #1",
        body="Closes acme/web#3, closes Codertocat/Hello-World#1 <!-- closes #4 -->",
        head=pull_request()["pull_request"]["head"] | {"ref": "me/PAY-7-PAY-8"},
    )
    assert fact.tasks == ("#1", "PAY-7", "acme/web#3", "PAY-8")


def test_a_commit_message_is_read_for_references() -> None:
    fact = committed(
        message="PAY-7: refunds (#8)\r\n\r\n* one, see PAY-9\r\n\r\n"
        "Agent-Session: claude-code/0b1f\r\n\r\n* two\r\n\r\nFixes #3\r\n"
        "This reverts commit 0d1a26e.\r\n"
    )
    assert fact == CommitSeen(
        sha=fact.sha,
        author=fact.author,
        authored_at=fact.authored_at,
        files=fact.files,
        sessions=(SessionTrailer(tool="claude-code", session_id="0b1f"),),
        reverts=("0d1a26e",),
        tasks=("#3", "PAY-7"),
    )


def test_texts_and_names_of_people_go_no_further() -> None:
    author = {"name": "Name-Of-Mine", "email": "mine@example.com", "username": "login-of-mine"}
    facts = (
        change(body="Body-Of-Mine fixes #1", user={"login": "login-of-mine"}),
        committed(message="Message-Of-Mine fixes #1", author=author, added=["src/of-mine.py"]),
    )
    assert "-of-mine" not in repr(facts).lower()
    assert "mine@" not in repr(facts)


@pytest.mark.parametrize(
    ("author", "identities", "bot"),
    [
        ({}, [], False),
        ({"name": "A[bot]", "email": None, "username": None}, [], True),
        ({"email": "A@Example.com"}, [email("a@example.com")], False),
        ({"email": "a@example.com", "username": "a"}, [login("a"), email("a@example.com")], False),
        (
            {"email": "1234+Octo-Cat@users.noreply.github.com"},
            [email("1234+octo-cat@users.noreply.github.com"), login("octo-cat")],
            False,
        ),
        (
            {"email": "octocat@users.noreply.github.com", "username": "renamed"},
            [login("renamed"), email("octocat@users.noreply.github.com"), login("octocat")],
            False,
        ),
        (
            {"email": "49699333+dependabot[bot]@users.noreply.github.com"},
            [email("49699333+dependabot[bot]@users.noreply.github.com"), login("dependabot[bot]")],
            True,
        ),
        ({"name": "ci[bot]", "email": "ci@example.com"}, [email("ci@example.com")], True),
        ({"name": "GitHub", "email": "noreply@github.com", "username": "web-flow"}, [], False),
        ({"email": "root"}, [], False),
        (
            {"email": "a@users.noreply.github.com.example.com"},
            [email("a@users.noreply.github.com.example.com")],
            False,
        ),
    ],
)
def test_who_wrote_a_commit(author: Json, identities: list[str], bot: bool) -> None:
    assert committed(author=author).author == Actor(identities=tuple(identities), bot=bot)


def test_the_display_name_is_kept_beside_the_identities() -> None:
    author = {"name": " Ada  LOVELACE", "email": "ada@example.com"}
    ada = Actor(identities=(email("ada@example.com"),), name=named("ada lovelace"))
    assert committed(author=author).author == ada
    # Nobody but a name is nobody that could be found again.
    assert committed(author={"name": "Ada"}).author == Actor(identities=())


@pytest.mark.parametrize(
    ("author", "same"),
    [
        ({"email": "a@example.com", "username": "a"}, (login("a"), email("a@example.com"))),
        ({"email": "a@example.com"}, None),
        ({"username": "a"}, None),
        ({"email": "b@example.com", "username": "ci[bot]"}, None),
        ({"email": "noreply@github.com", "username": "web-flow"}, None),
    ],
)
def test_who_a_push_says_are_one_person(author: Json, same: tuple[str, str] | None) -> None:
    commit = push()["commits"][0] | {"author": author}
    _, *people = parse("push", push(commits=[commit, commit]))
    assert people == (
        [SamePerson(one=same[0], other=same[1], strength=Strength.STRONG, source="github")]
        if same
        else []
    )


def test_files_of_a_commit_are_told_once_each() -> None:
    paths = {"added": ["src/new.py"], "modified": ["src/old.py", "src/new.py"], "removed": ["x"]}
    assert committed(**paths).files == touched("src/new.py", "src/old.py", "x")
    nothing: Json = {"added": [], "modified": [], "removed": []}
    assert committed(**nothing).files == ()
    assert committed(added=None, modified=None, removed=None).files is None


def test_a_commit_names_the_tool_that_made_it() -> None:
    trailer = "feat: x\n\nCo-Authored-By: Claude Opus 4.5 <noreply@anthropic.com>"
    assert committed(message=trailer).tools == ("claude-code",)
    assert committed(message="feat: x\n\nCo-Authored-By: Claude <c@d.fr>").tools == ()


def test_a_change_names_tools_labels_and_what_took_its_place() -> None:
    fact = change(
        body="Superseded by #9\n\nGenerated with [Claude Code](https://claude.com/claude-code)",
        labels=[{"name": "bug"}, {"name": "P1"}],
        number=7,
    )
    assert (fact.tools, fact.labels, fact.superseded_by) == (("claude-code",), ("bug", "P1"), (9,))
    assert change(labels=None).labels is None


@pytest.mark.parametrize(
    ("user", "actor"),
    [
        ({"login": "a", "type": "User"}, person("a")),
        ({"login": "a"}, person("a")),
        ({"login": "Copilot", "type": "Bot"}, Actor(identities=(login("copilot"),), bot=True)),
        ({"login": "x[bot]", "type": "User"}, Actor(identities=(login("x[bot]"),), bot=True)),
        (
            {"login": "a", "email": "a@example.com"},
            Actor(identities=(login("a"), email("a@example.com"))),
        ),
    ],
)
def test_who_opened_a_pull_request(user: Json, actor: Actor) -> None:
    assert change(user=user).author == actor


@pytest.mark.parametrize(
    "changed",
    [
        {"ref": "refs/tags/v1"},
        {"ref": "refs/tags/refs/heads/v1"},
        {"ref": "refs/notes/ai"},
        {"deleted": True, "after": "0" * 40, "commits": []},
    ],
)
def test_tags_notes_and_deletions_give_nothing(changed: Json) -> None:
    assert parse("push", push(**changed)) == ()


@pytest.mark.parametrize(
    ("branch", "shas"),
    [("refs/heads/feature/x", ["a" * 40]), ("refs/heads/main", ["b" * 40, "a" * 40])],
)
def test_commits_of_other_branches_count_where_they_land(branch: str, shas: list[str]) -> None:
    commit = push()["commits"][0]
    commits = [commit | {"id": "b" * 40, "distinct": False}, commit | {"id": "a" * 40}]
    fact = pushed(push(ref=branch, commits=commits, forced=True))
    assert fact.branch == branch.removeprefix("refs/heads/")
    assert fact.forced
    assert [commit.sha for commit in fact.commits] == shas


@pytest.mark.parametrize(
    ("pushed_at", "understood"),
    [
        (1430869217, at("2015-05-05T23:40:17Z")),
        (0, at("1970-01-01T00:00:00Z")),
        ("2015-05-05T19:40:17-04:00", at("2015-05-05T23:40:17Z")),
        (None, RECEIVED_AT),
    ],
)
def test_the_time_of_a_push(pushed_at: object, understood: datetime) -> None:
    repository = push()["repository"] | {"pushed_at": pushed_at}
    fact = pushed(push(repository=repository))
    assert (fact.pushed_at, fact.pushed_at.tzinfo) == (understood, UTC)


def test_a_review_not_yet_submitted_is_none() -> None:
    payload = load("octokit/pull_request_review.submitted.json")
    payload["review"] |= {"state": "pending", "submitted_at": None}
    assert [type(fact) for fact in parse("pull_request_review", payload)] == [ChangeSeen]
    assert parse("pull_request_review", payload | {"action": "unheard_of"}) == ()


def issue(**changed: object) -> Json:
    """An issue's delivery with these of its fields changed."""
    payload = load("recorded/issues.closed.1.json")
    payload["issue"] |= changed
    return payload


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (None, TicketState.DONE),
        ("completed", TicketState.DONE),
        ("not_planned", TicketState.DROPPED),
        ("duplicate", TicketState.DROPPED),
    ],
)
def test_what_a_closed_issue_is(reason: str | None, state: TicketState) -> None:
    seen, moved = parse("issues", issue(state_reason=reason))
    assert isinstance(seen, TicketSeen)
    assert isinstance(moved, TicketMoved)
    assert (seen.state, moved.from_state, moved.to_state) == (state, TicketState.OPEN, state)


def test_an_issue_that_is_reopened_moves_from_whatever_it_was() -> None:
    told = issue(state="open", state_reason="reopened", closed_at=None) | {"action": "reopened"}
    seen, moved = parse("issues", told)
    assert isinstance(seen, TicketSeen)
    assert isinstance(moved, TicketMoved)
    assert (seen.state, moved.from_state, moved.to_state, moved.at) == (
        TicketState.OPEN,
        None,
        TicketState.OPEN,
        seen.updated_at,
    )


def test_an_issue_tells_its_type_labels_and_whose_it_is() -> None:
    told = issue(type={"name": "Bug"}, labels=[{"name": "bug"}, "p1"], assignees=[{"login": "a"}])
    seen, _ = parse("issues", told)
    assert isinstance(seen, TicketSeen)
    assert (seen.kind, seen.labels, seen.assignee) == ("Bug", ("bug", "p1"), (login("a"),))


def test_a_bots_comment_is_no_feedback() -> None:
    told = load("go-scm/issue_comment.created.json")
    told["comment"]["user"] |= {"type": "Bot"}
    assert parse("issue_comment", told) == ()
    assert parse("issue_comment", told | {"action": "deleted"}) == ()


@pytest.mark.parametrize(
    ("environment", "flag", "production"),
    [
        ("production", None, True),
        ("Prod-eu", None, True),
        ("Prod-eu", False, False),
        ("prod", False, True),
        ("Live", False, True),
        ("production", False, False),
        ("product-docs", None, False),
        ("product-docs", False, False),
        ("livestream", None, False),
        ("prod_2", None, True),
        ("prod2", None, True),
        ("live", None, True),
        ("blue", True, True),
        ("staging", False, False),
        ("reproduction", None, False),
    ],
)
def test_what_production_is(environment: str, flag: bool | None, production: bool) -> None:
    told = load("hub4j/deployment_status.created.json")
    told["deployment"] |= {"environment": environment, "production_environment": flag}
    [seen] = parse("deployment_status", told)
    assert isinstance(seen, DeploymentSeen)
    assert seen.production == production


@pytest.mark.parametrize(
    ("status", "conclusion", "state"),
    [
        ("queued", None, CheckState.RUNNING),
        ("completed", "success", CheckState.SUCCESS),
        ("completed", "timed_out", CheckState.FAILURE),
        ("completed", "startup_failure", CheckState.FAILURE),
        ("completed", "cancelled", CheckState.NEUTRAL),
        ("completed", "action_required", CheckState.NEUTRAL),
        ("completed", None, CheckState.NEUTRAL),
    ],
)
def test_how_a_check_stands(status: str, conclusion: str | None, state: CheckState) -> None:
    told = load("octokit/check_run.completed.json")
    told["check_run"] |= {"status": status, "conclusion": conclusion}
    [seen] = parse("check_run", told)
    assert isinstance(seen, CheckSeen)
    assert seen.state == state


def test_a_check_without_a_time_is_none() -> None:
    told = load("octokit/check_run.completed.json")
    told["check_run"] |= {"started_at": None, "completed_at": None}
    assert parse("check_run", told) == ()
