"""Bitbucket Data Center's deliveries: whose they are, and recorded ones understood as a whole."""

import hmac
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges import FORGES, bitbucket_dc
from collector.forges.errors import UnreadablePayload
from domain.repository import repository_name
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CommitSeen,
    CommitsPushed,
    Repository,
    ReviewSeen,
    ReviewState,
    SessionTrailer,
    WorkFact,
)
from tests.recorded import (
    PSEUDONYMS,
    RECEIVED_AT,
    Json,
    at,
    named,
    names,
    parses_or_refuses,
    recorded,
    with_one_value_replaced,
)

WIP = Repository(forge="bitbucket-dc", name="~gopher/webhook-test")
MINE = Repository(forge="bitbucket-dc", name="prj/my-repo")


def person(login: str, email: str, name: str) -> Actor:
    return Actor(
        identities=(named("bitbucket_login", login), named("email", email)),
        name=named("name", name),
    )


GOPHER = person("gopher", "gopher@foo.bar", "Foo Bar")
TUX = person("tux", "cain.piper@foo.bar", "Cain Piper")
JANE = person("jcitizen", "jane@example.com", "Jane Citizen")


def parse(event: str, payload: Json) -> tuple[WorkFact, ...]:
    return bitbucket_dc.parse(event, payload, PSEUDONYMS, RECEIVED_AT)


def told(name: str) -> tuple[WorkFact, ...]:
    payload = recorded(f"bitbucket-dc/{name}")
    return parse(payload["eventKey"], payload)


def pull_request(**changed: Any) -> Json:
    payload: Json = recorded("bitbucket-dc/go-scm/pr_open.json")
    payload["pullRequest"] |= changed
    return payload


def push(**changed: Any) -> Json:
    payload: Json = recorded("bitbucket-dc/go-scm/push.json")
    return payload | changed


# Whose they are


def test_the_row_reads_the_headers() -> None:
    [forge] = [forge for forge in FORGES if forge.name == "bitbucket-dc"]
    digest = hmac.digest(b"secret", b"body", "sha256").hex()
    headers = {
        "x-event-key": "repo:refs_changed",
        "x-request-id": "0d4ab6b9",
        "x-hub-signature": f"sha256={digest}",
    }
    assert forge.event(headers, {}) == "repo:refs_changed"
    assert forge.delivery_id(headers, {}) == "0d4ab6b9"
    assert forge.verify("secret", b"body", headers, RECEIVED_AT)
    assert not forge.verify("other", b"body", headers, RECEIVED_AT)


def test_asking_whether_the_address_answers_is_an_event() -> None:
    [forge] = [forge for forge in FORGES if forge.name == "bitbucket-dc"]
    assert forge.event({}, {"test": True}) == "diagnostics:ping"
    assert parse("diagnostics:ping", {"test": True}) == ()


# Recorded payloads


def test_a_merged_pull_request_of_a_persons_own_repository() -> None:
    assert told("go-playground/pr-merged.json") == (
        ChangeSeen(
            repository=WIP,
            number=5,
            state=ChangeState.MERGED,
            draft=False,
            title="Update README",
            author=GOPHER,
            head_ref="feature/wip",
            head_sha="32a0b8a740c2963c6f56bd8baf3dc05683d299e0",
            base_ref="master",
            head_repository="~gopher/webhook-test",
            merge_sha="cbf26be7bfc8394906abbd571498fb8d28888b58",
            created_at=at("2019-03-01T09:31:15.860+00:00"),
            updated_at=at("2019-03-01T09:37:14.286+00:00"),
            merged_at=at("2019-03-01T09:37:14.286+00:00"),
            closed_at=at("2019-03-01T09:37:14.286+00:00"),
        ),
    )


def test_a_sessions_remote_has_the_name_that_its_forge_tells() -> None:
    told = recorded("bitbucket-dc/go-playground/pr-merged.json")["pullRequest"]["toRef"]
    links = told["repository"]["links"]
    addresses = [link["href"] for link in (*links["clone"], *links["self"])]
    assert len(addresses) == 3
    assert {repository_name(address) for address in addresses} == {WIP.name}


def test_times_as_text() -> None:
    assert told("go-scm/pr_merged_iso_dates.json") == (
        ChangeSeen(
            repository=MINE,
            number=3,
            state=ChangeState.MERGED,
            draft=False,
            title="Develop",
            author=JANE,
            head_ref="develop",
            head_sha="b9eaed50a03c073b20dfa82e5e753d295e7f0e56",
            base_ref="master",
            head_repository="prj/my-repo",
            merge_sha="83f836ca538dc4f43d29fda46a5b85ea49f1b8e7",
            created_at=at("2018-07-05T19:33:14+00:00"),
            updated_at=at("2018-07-05T19:33:20+00:00"),
            merged_at=at("2018-07-05T19:33:20+00:00"),
            closed_at=at("2018-07-05T19:33:20+00:00"),
        ),
    )


def test_one_that_is_deleted_is_closed_then() -> None:
    [seen] = told("go-playground/pr-deleted.json")
    assert isinstance(seen, ChangeSeen)
    deleted_at = at("2019-03-01T09:17:10+00:00")
    assert (seen.state, seen.closed_at, seen.updated_at) == (
        ChangeState.CLOSED,
        deleted_at,
        deleted_at,
    )


def test_a_declined_one_is_closed() -> None:
    [seen] = told("go-scm/pr_declined.json")
    assert isinstance(seen, ChangeSeen)
    assert (seen.state, seen.merged_at, seen.merge_sha) == (ChangeState.CLOSED, None, None)
    assert seen.closed_at == at("2018-07-05T19:30:48.868+00:00")


def test_an_approval() -> None:
    seen, approval = told("go-playground/pr-reviewer-approved.json")
    assert isinstance(seen, ChangeSeen)
    assert seen.state is ChangeState.OPEN
    assert approval == ReviewSeen(
        repository=WIP,
        number=5,
        review_id=f"approved:{TUX.identities[0]}:32a0b8a740c2",
        state=ReviewState.APPROVED,
        reviewer=TUX,
        submitted_at=at("2019-03-01T09:35:38+00:00"),
    )


@pytest.mark.parametrize("event", ["pr:reviewer:needs_work", "pr:reviewer:changes_requested"])
def test_requested_changes_and_giving_that_up_are_one_review(event: str) -> None:
    given_up = recorded("bitbucket-dc/go-playground/pr-reviewer-unapproved.json")
    requested = given_up | {
        "participant": given_up["participant"] | {"status": "NEEDS_WORK"},
        "previousStatus": "UNAPPROVED",
    }
    _, said = parse(event, requested)
    assert said == ReviewSeen(
        repository=WIP,
        number=5,
        review_id=f"changes_requested:{TUX.identities[0]}:32a0b8a740c2",
        state=ReviewState.CHANGES_REQUESTED,
        reviewer=TUX,
        submitted_at=at("2019-03-01T09:34:15+00:00"),
    )
    _, dismissed = parse("pr:reviewer:unapproved", given_up)
    assert isinstance(dismissed, ReviewSeen)
    assert (dismissed.review_id, dismissed.state) == (said.review_id, ReviewState.DISMISSED)


def test_a_comment() -> None:
    _, said = told("go-playground/pr-comment-added.json")
    assert said == ReviewSeen(
        repository=WIP,
        number=2,
        review_id="comment:167",
        state=ReviewState.COMMENTED,
        reviewer=GOPHER,
        submitted_at=at("2019-03-01T09:08:35.592+00:00"),
    )


def test_a_push_of_an_older_server_names_no_commits() -> None:
    assert told("go-scm/push.json") == (
        CommitsPushed(
            repository=MINE,
            branch="master",
            before="5c64a07cd6c0f21b753bf261ef059c7e7633c50a",
            after="823b2230a56056231c9425d63758fa87078a66b4",
            forced=False,
            pushed_at=at("2018-07-05T18:22:00+00:00"),
            commits=(),
        ),
    )


@pytest.mark.parametrize(
    "name",
    [
        "go-scm/push_tag_delete.json",
        "go-scm/push_branch_delete.json",
        "go-playground/repo-refs-changed.json",
        "go-playground/repo-forked.json",
        "go-playground/pr-comment-deleted.json",
    ],
)
def test_what_tells_nothing(name: str) -> None:
    assert told(name) == ()


@pytest.mark.parametrize("name", ["pr_from_ref_updated", "pr_modified_meta", "pr_modified_toref"])
def test_other_events_tell_the_state(name: str) -> None:
    [seen] = told(f"go-scm/{name}.json")
    assert isinstance(seen, ChangeSeen)
    assert (seen.state, seen.repository) == (ChangeState.OPEN, MINE)


# Details

COMMIT = {
    "id": "823b2230a56056231c9425d63758fa87078a66b4",
    "author": {"name": "Administrator", "emailAddress": "admin@example.com"},
    "authorTimestamp": 1673403328000,
    "committer": {"name": "Administrator", "emailAddress": "admin@example.com"},
    "committerTimestamp": 1673403329000,
    "message": "PAY-7: fix\n\nThis reverts commit 0704fc5.\nAgent-Session: claude-code/s1",
    "parents": [{"id": "5c64a07cd6c0f21b753bf261ef059c7e7633c50a"}],
}
SEEN = CommitSeen(
    sha="823b2230a56056231c9425d63758fa87078a66b4",
    author=Actor(
        # Git's name of somebody without an account is no login.
        identities=(named("email", "admin@example.com"),),
        name=named("name", "Administrator"),
    ),
    authored_at=at("2023-01-11T02:15:28+00:00"),
    committed_at=at("2023-01-11T02:15:29+00:00"),
    parents=("5c64a07cd6c0f21b753bf261ef059c7e7633c50a",),
    sessions=(SessionTrailer(tool="claude-code", session_id="s1"),),
    reverts=("0704fc5",),
    tasks=("PAY-7",),
)


@pytest.mark.parametrize("listed", [{"commits": [COMMIT]}, {"toCommit": COMMIT}])
def test_newer_servers_list_commits(listed: Json) -> None:
    [pushed] = parse("repo:refs_changed", push(**listed))
    assert isinstance(pushed, CommitsPushed)
    assert pushed.commits == (SEEN,)


def test_commits_of_several_branches_are_not_told_apart() -> None:
    payload = push(commits=[COMMIT])
    payload["changes"] *= 2
    assert [p.commits for p in parse("repo:refs_changed", payload)] == [(), ()]  # type: ignore[union-attr]


def test_texts_are_read_for_references() -> None:
    [seen] = parse(
        "pr:modified",
        pull_request(
            id=9,
            title="PAY-7: refunds",
            description="for PAY-8\nReverts #4\nReverts #12\nsuperseded by #11",
            draft=True,
        ),
    )
    assert isinstance(seen, ChangeSeen)
    assert (seen.tasks, seen.reverts, seen.superseded_by) == (("PAY-7", "PAY-8"), (4,), (11,))
    assert seen.draft


def test_a_service_is_a_bot() -> None:
    author = {"user": {"name": "ci", "type": "SERVICE", "id": 7}}
    [seen] = parse("pr:opened", pull_request(author=author))
    assert isinstance(seen, ChangeSeen)
    assert seen.author == Actor(
        identities=(named("bitbucket_login", "ci"),), bot=True, name=named("name", "ci")
    )


def test_times_at_the_end_of_the_calendar() -> None:
    [seen] = parse("pr:opened", pull_request(updatedDate=253_402_300_799_999))
    assert isinstance(seen, ChangeSeen)
    assert seen.updated_at == at("9999-12-31T23:59:59.999+00:00")


# Refusals


@pytest.mark.parametrize(
    ("event", "payload", "code", "field"),
    [
        ("pr:opened", {"test": True}, "unreadable_field", "`date`"),
        ("pr:opened", pull_request(state="secret"), "unknown_value", "pullRequest.state"),
        ("pr:opened", pull_request(createdDate="secret"), "unreadable_field", "createdDate"),
        (
            "pr:opened",
            pull_request(createdDate="2018-07-05T19:33:14"),
            "unreadable_field",
            "createdDate",
        ),
        ("pr:opened", pull_request(createdDate=10**20), "unreadable_field", "createdDate"),
        (
            "repo:refs_changed",
            push(repository={"slug": "a b", "project": {"key": "secret"}}),
            "bad_repository",
            "repository",
        ),
    ],
)
def test_a_refusal_names_the_field_and_not_its_value(
    event: str, payload: Json, code: str, field: str
) -> None:
    with pytest.raises(UnreadablePayload) as refusal:
        parse(event, payload)
    assert refusal.value.code == code
    assert field in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "name", [*names("bitbucket-dc/go-scm"), *names("bitbucket-dc/go-playground")]
)
def test_a_payload_under_any_event_is_parsed_or_refused(name: str) -> None:
    for event in sorted(bitbucket_dc.EVENTS_USED):
        parses_or_refuses(partial(parse, event, recorded(name)))


@given(st.data(), st.sampled_from(["pr-merged", "pr-reviewer-approved", "pr-comment-added"]))
def test_a_real_payload_with_any_one_value_replaced_is_parsed_or_refused(
    data: st.DataObject, name: str
) -> None:
    payload = recorded(f"bitbucket-dc/go-playground/{name}.json")
    event = payload["eventKey"]
    changed = with_one_value_replaced(data, payload)
    parses_or_refuses(lambda: parse(event, changed))
