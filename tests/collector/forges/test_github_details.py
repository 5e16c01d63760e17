"""What GitHub's fields mean: merges, people, reverts, tickets, branches, times."""

from datetime import UTC, datetime

import pytest

from domain.work import Actor, ChangeSeen, ChangeState, CommitSeen, SessionTrailer
from tests.delivering import (
    RECEIVED_AT,
    Json,
    at,
    change,
    committed,
    email,
    load,
    login,
    parse,
    person,
    pull_request,
    push,
    pushed,
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
        sessions=(SessionTrailer(tool="claude-code", session_id="0b1f"),),
        reverts=("0d1a26e",),
        tasks=("#3", "PAY-7"),
    )


def test_texts_and_names_of_people_go_no_further() -> None:
    author = {"name": "Name-Of-Mine", "email": "mine@example.com", "username": "login-of-mine"}
    facts = (
        change(body="Body-Of-Mine fixes #1", user={"login": "login-of-mine"}),
        committed(message="Message-Of-Mine fixes #1", author=author),
    )
    assert "-of-mine" not in repr(facts).lower()
    assert "mine@" not in repr(facts)


@pytest.mark.parametrize(
    ("author", "identities", "bot"),
    [
        ({}, [], False),
        ({"name": "A", "email": None, "username": None}, [], False),
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
