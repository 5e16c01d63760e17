"""Deliveries of Gitea and Forgejo: whose they are, and recorded ones understood as a whole."""

import hmac
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges import FORGES, gitea
from collector.forges.errors import UnreadablePayload
from domain.tickets import TicketMoved, TicketSeen, TicketState
from domain.work import (
    Actor,
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

# The event of each recorded payload; the headers that name it were not recorded.
EVENTS = {
    "branch_delete": "delete",
    "create-event": "create",
    "fork-event": "fork",
    "issue-assign-event": "issue_assign",
    "issue-label-event": "issue_label",
    "issue_comment_created": "issue_comment",
    "issue_comment_deleted": "issue_comment",
    "issue_comment_edited": "issue_comment",
    "issues_closed": "issues",
    "issues_opened": "issues",
    "pull-request-assign-event": "pull_request_assign",
    "pull-request-event": "pull_request",
    "pull-request-milestone-event": "pull_request_milestone",
    "pull-request-review-event": "pull_request_review_comment",
    "pull_request_closed": "pull_request",
    "pull_request_comment_created": "pull_request_comment",
    "pull_request_comment_deleted": "pull_request_comment",
    "pull_request_edited": "pull_request",
    "pull_request_merged": "pull_request",
    "pull_request_opened": "pull_request",
    "pull_request_reopened": "pull_request",
    "pull_request_synchronized": "pull_request_sync",
    "push": "push",
    "push-event": "push",
    "repository-event": "repository",
    "tag_delete": "delete",
}
MERGED = "go-scm/pull_request_merged.json"
REVIEW = "go-playground/pull-request-review-event.json"
COMMENT = "go-scm/pull_request_comment_created.json"
PUSH = "go-playground/push-event.json"
CLOSED = "go-scm/issues_closed.json"
MY_REPO = Repository(forge="gitea", name="jcitizen/my-repo", default_branch="master")
EXAMPLE = Repository(forge="gitea", name="example/example", default_branch="master")
JANE = Actor(identities=(named("gitea_login", "jcitizen"), named("email", "jane@example.com")))
EXAMPLE2 = Actor(
    identities=(named("gitea_login", "example2"), named("email", "example2@example2.com"))
)
# Its address is everybody's.
UNKNWON = Actor(identities=(named("gitea_login", "unknwon"),))


def parse(event: str, payload: Json) -> tuple[WorkFact, ...]:
    return gitea.parse(event, payload, PSEUDONYMS, RECEIVED_AT)


def told(name: str) -> tuple[WorkFact, ...]:
    return parse(EVENTS[Path(name).stem], recorded(f"gitea/{name}"))


def pull_request(**changed: Any) -> Json:
    payload: Json = recorded("gitea/go-playground/pull-request-event.json")
    payload["pull_request"] |= changed
    return payload


def change(**changed: Any) -> ChangeSeen:
    [seen] = parse("pull_request", pull_request(**changed))
    assert isinstance(seen, ChangeSeen)
    return seen


# Whose they are


@pytest.mark.parametrize(
    ("header", "prefix"),
    [
        ("x-gitea-signature", ""),
        ("x-forgejo-signature", ""),
        ("x-gogs-signature", ""),
        ("x-hub-signature-256", "sha256="),
    ],
)
def test_any_of_the_signatures_proves_who_sent(header: str, prefix: str) -> None:
    digest = hmac.digest(b"secret", b"body", "sha256").hex()
    headers = {header: prefix + digest}
    assert gitea.FORGE.verify("secret", b"body", headers, RECEIVED_AT)
    assert not gitea.FORGE.verify("secret", b"other", headers, RECEIVED_AT)
    assert not gitea.FORGE.verify("other", b"body", headers, RECEIVED_AT)
    assert not gitea.FORGE.verify("secret", b"body", {header: digest[1:]}, RECEIVED_AT)


def test_a_wrong_signature_is_not_made_good_by_another_header() -> None:
    digest = hmac.digest(b"secret", b"body", "sha256").hex()
    headers = {"x-gitea-signature": "0" * 64, "x-hub-signature-256": f"sha256={digest}"}
    assert not gitea.FORGE.verify("secret", b"body", headers, RECEIVED_AT)


def test_without_signature_or_secret_nothing_is_proved() -> None:
    empty = hmac.digest(b"", b"body", "sha256").hex()
    assert not gitea.FORGE.verify("secret", b"body", {}, RECEIVED_AT)
    assert not gitea.FORGE.verify("", b"body", {"x-gitea-signature": empty}, RECEIVED_AT)


def test_the_row_reads_the_headers() -> None:
    [forge] = [forge for forge in FORGES if forge.name == "gitea"]
    of_gitea = {
        "x-gitea-delivery": "f6266f16",
        "x-gitea-event": "pull_request_approved",
        "x-gitea-event-type": "pull_request_review_approved",
    }
    assert forge.event(of_gitea, {}) == "pull_request_review_approved"
    assert forge.delivery_id(of_gitea, {}) == "f6266f16"
    of_forgejo = {"x-forgejo-delivery": "f6266f16", "x-forgejo-event": "push"}
    assert forge.event(of_forgejo, {}) == "push"
    assert forge.delivery_id(of_forgejo, {}) == "f6266f16"
    assert (forge.event({}, {}), forge.delivery_id({}, {})) == (None, None)


# Recorded payloads


def shape(event: str, name: str) -> tuple[type, ...]:
    """Tell the kinds of facts that an event must give."""
    if event == "push":
        return (CommitsPushed,)
    if event == "issues" and "closed" in name:
        return (TicketSeen, TicketMoved)
    if event in ("issues", "issue_assign", "issue_label"):
        return (TicketSeen,)
    if event == "pull_request_comment":
        return () if "deleted" in name else (ReviewSeen,)
    if event == "pull_request_review_comment":
        return (ChangeSeen, ReviewSeen)
    return (ChangeSeen,) if event.startswith("pull_request") else ()


@pytest.mark.parametrize("name", names("gitea/go-scm") + names("gitea/go-playground"))
def test_every_recorded_payload_gives_its_facts(name: str) -> None:
    event = EVENTS[Path(name).stem]
    assert tuple(map(type, parse(event, recorded(name)))) == shape(event, name)


def test_a_merge() -> None:
    assert told(MERGED) == (
        ChangeSeen(
            repository=MY_REPO,
            number=1,
            state=ChangeState.MERGED,
            draft=False,
            title="Add LICENSE File",
            author=JANE,
            head_ref="feature",
            head_sha="2eba238e33607c1fa49253182e9fff42baafa1eb",
            base_ref="master",
            head_repository="jcitizen/my-repo",
            merge_sha="a148a755b627ac79f86bf3447e41927e1f4ad259",
            created_at=at("2018-07-06T00:37:47Z"),
            updated_at=at("2018-07-06T01:39:46Z"),
            merged_at=at("2018-07-06T01:39:46Z"),
            closed_at=None,
            labels=(),
        ),
    )


def test_a_pull_request_closed_without_a_merge() -> None:
    [seen] = told("go-scm/pull_request_closed.json")
    assert isinstance(seen, ChangeSeen)
    assert (seen.state, seen.merge_sha) == (ChangeState.CLOSED, None)


def test_a_review_names_its_reviewer_as_the_sender() -> None:
    seen, review = told(REVIEW)
    assert isinstance(seen, ChangeSeen)
    assert (seen.number, seen.head_repository, seen.labels) == (2, "example2/example", ("bug",))
    assert review == ReviewSeen(
        repository=EXAMPLE,
        number=2,
        review_id=f"commented:{named('gitea_login', 'example')}:2022-03-09T07:36",
        state=ReviewState.COMMENTED,
        reviewer=Actor(
            identities=(named("gitea_login", "example"), named("email", "example@example.com"))
        ),
        submitted_at=at("2022-03-09T07:36:51Z"),
    )


@pytest.mark.parametrize(
    ("event", "kind", "state"),
    [
        (
            "pull_request_review_approved",
            "pull_request_review_approved",
            ReviewState.APPROVED,
        ),
        ("pull_request_approved", "pull_request_approved", ReviewState.APPROVED),
        (
            "pull_request_review_rejected",
            "pull_request_review_rejected",
            ReviewState.CHANGES_REQUESTED,
        ),
        ("pull_request_rejected", "pull_request_rejected", ReviewState.CHANGES_REQUESTED),
        # A comment by its type, a review by its family.
        ("pull_request_comment", "pull_request_review_comment", ReviewState.COMMENTED),
    ],
)
def test_verdicts_by_both_names(event: str, kind: str, state: ReviewState) -> None:
    payload: Json = recorded(f"gitea/{REVIEW}")
    payload["review"]["type"] = kind
    _, review = parse(event, payload)
    assert isinstance(review, ReviewSeen)
    assert review.state is state


def test_a_comment_whose_time_is_not_set_came_when_it_was_received() -> None:
    assert told(COMMENT) == (
        ReviewSeen(
            repository=Repository(
                forge="gitea", name="gogits/hello-world", default_branch="master"
            ),
            number=2,
            review_id="comment:45",
            state=ReviewState.COMMENTED,
            reviewer=UNKNWON,
            submitted_at=RECEIVED_AT,
        ),
    )


def test_a_bots_comment_is_no_feedback() -> None:
    payload: Json = recorded(f"gitea/{COMMENT}")
    payload["comment"]["user"]["login"] = "gitea-actions"
    assert parse("issue_comment", payload) == ()


def test_the_first_push() -> None:
    sha = "67b56589a45103f891bdee7c0546e5d40bc02001"
    author = Actor(
        # An empty user name: the address is no account's.
        identities=(named("email", "example@example.com"),),
        name=named("name", "example"),
    )
    commit = CommitSeen(
        sha=sha,
        author=author,
        authored_at=at("2022-03-09T16:23:39+09:00"),
        files=(FileTouched(file=PSEUDONYMS.file("example") or ""),),
    )
    assert told(PUSH) == (
        CommitsPushed(
            repository=EXAMPLE,
            branch="master",
            before="0" * 40,
            after=sha,
            forced=False,
            pushed_at=RECEIVED_AT,
            commits=(commit,),
        ),
    )


def test_an_issue_is_closed() -> None:
    key = "gogits/hello-world#1"
    seen, moved = told(CLOSED)
    assert seen == TicketSeen(
        tracker="gitea",
        key=key,
        project="gogits/hello-world",
        kind=None,
        title="Problem",
        state=TicketState.DONE,
        state_name="closed",
        created_at=at("2017-12-09T01:40:00Z"),
        updated_at=at("2017-12-09T01:41:37Z"),
    )
    assert moved == TicketMoved(
        tracker="gitea",
        key=key,
        from_state=TicketState.OPEN,
        to_state=TicketState.DONE,
        at=at("2017-12-09T01:41:37Z"),
    )


def test_an_issue_is_reopened() -> None:
    payload: Json = recorded(f"gitea/{CLOSED}") | {"action": "reopened"}
    payload["issue"] |= {"state": "open", "assignees": [{"login": "ada"}, {"login": "bob"}]}
    seen, moved = parse("issues", payload)
    assert isinstance(seen, TicketSeen)
    assert isinstance(moved, TicketMoved)
    assert seen.assignee == (named("gitea_login", "ada"), named("gitea_login", "bob"))
    assert (moved.from_state, moved.to_state) == (TicketState.DONE, TicketState.OPEN)


def test_an_event_of_issues_about_a_pull_request_is_none_of_an_issue() -> None:
    payload: Json = recorded(f"gitea/{CLOSED}")
    payload["issue"]["pull_request"] = {"merged": False}
    assert parse("issues", payload) == ()


# What is documented and nobody recorded


def status(**changed: Any) -> Json:
    return {
        "sha": "a" * 40,
        "context": "build / test (push)",
        "state": "failure",
        "created_at": "2026-01-01T10:00:00Z",
        "updated_at": "2026-01-01T10:05:00Z",
        "repository": {"full_name": "Example/Example", "default_branch": "master"},
        **changed,
    }


FAILED = CheckSeen(
    repository=EXAMPLE,
    sha="a" * 40,
    name="build / test (push)",
    state=CheckState.FAILURE,
    at=at("2026-01-01T10:05:00Z"),
)


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({}, (FAILED,)),
        ({"state": "pending"}, (replace(FAILED, state=CheckState.RUNNING),)),
        ({"updated_at": None}, (replace(FAILED, at=at("2026-01-01T10:00:00Z")),)),
        ({"updated_at": "0001-01-01T00:00:00Z"}, (replace(FAILED, at=at("2026-01-01T10:00:00Z")),)),
        ({"state": "of another kind"}, ()),
    ],
)
def test_a_commit_status(changed: Json, seen: tuple[WorkFact, ...]) -> None:
    assert parse("status", status(**changed)) == seen


def test_a_branch_that_is_gone_is_still_named() -> None:
    head = pull_request()["pull_request"]["head"]
    gone = head | {"ref": "refs/pull/2/head", "label": "fix/PAY-7", "repo": None}
    seen = change(head=gone)
    assert (seen.head_ref, seen.head_repository, seen.tasks) == ("fix/PAY-7", None, ("PAY-7",))


def test_without_a_head_nothing_is_known_of_a_change() -> None:
    head = pull_request()["pull_request"]["head"] | {"sha": ""}
    assert parse("pull_request", pull_request(head=head)) == ()


@pytest.mark.parametrize(
    ("changed", "draft"),
    [
        ({"title": "WIP: x"}, True),
        ({"title": "[wip] x"}, True),
        ({"title": "wiped out"}, False),
        ({"draft": True}, True),
    ],
)
def test_drafts(changed: Json, draft: bool) -> None:
    assert change(**changed).draft is draft


def test_texts_are_read_for_references() -> None:
    seen = change(
        number=9,
        title="OPS-1 fixes #3",
        body="Closes example/other#4\n\nReverts #8\n\nSuperseded by #12",
    )
    assert seen.tasks == ("#3", "OPS-1", "example/other#4")
    assert (seen.reverts, seen.superseded_by) == ((8,), (12,))
    assert change(body="Generated with [Claude Code](https://claude.com/claude-code)").tools == (
        "claude-code",
    )


def test_counts_where_the_server_tells_them() -> None:
    seen = change(additions=3, deletions=1, changed_files=2)
    assert (seen.additions, seen.deletions, seen.changed_files) == (3, 1, 2)


def test_a_hidden_address_holds_the_login() -> None:
    seen = change(user={"login": "Ada", "email": "ada@noreply.git.example.com"})
    assert seen.author.identities == (
        named("gitea_login", "ada"),
        named("email", "ada@noreply.git.example.com"),
    )
    [pushed] = parse("push", committed_by({"email": "7+Ada@noreply.git.example.com"}))
    assert isinstance(pushed, CommitsPushed)
    assert pushed.commits[0].author.identities == (
        named("email", "7+Ada@noreply.git.example.com"),
        named("gitea_login", "ada"),
    )


def committed_by(author: Json) -> Json:
    payload: Json = recorded(f"gitea/{PUSH}")
    payload["commits"][0]["author"] = author
    return payload


# Refusals


@pytest.mark.parametrize(
    ("event", "payload", "code", "field"),
    [
        ("push", {}, "unreadable_field", "`ref`"),
        ("pull_request", pull_request(number=True), "unreadable_field", "$.pull_request.number"),
        ("pull_request", pull_request(state="secret"), "unreadable_field", "$.pull_request.state"),
        (
            "pull_request",
            pull_request(title="secret\0"),
            "unreadable_field",
            "$.pull_request.title",
        ),
        (
            "pull_request",
            pull_request() | {"repository": {"full_name": "secret"}},
            "bad_repository",
            "repository.full_name",
        ),
        (
            "pull_request_review_approved",
            pull_request() | {"review": {"type": "secret"}},
            "unknown_value",
            "review.type",
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


@given(st.data(), st.sampled_from([MERGED, REVIEW, COMMENT, PUSH, CLOSED]))
def test_a_payload_with_any_one_value_replaced_is_parsed_or_refused(
    data: st.DataObject, name: str
) -> None:
    payload = with_one_value_replaced(data, recorded(f"gitea/{name}"))
    parses_or_refuses(lambda: parse(EVENTS[Path(name).stem], payload))


@given(st.data())
def test_a_status_with_any_one_value_replaced_is_parsed_or_refused(data: st.DataObject) -> None:
    payload = with_one_value_replaced(data, status())
    parses_or_refuses(lambda: parse("status", payload))
