"""Bitbucket Cloud's deliveries: whose they are, and recorded ones understood as a whole."""

import hmac
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges import FORGES, bitbucket_cloud
from collector.forges.errors import UnreadablePayload
from domain.repository import repository_name
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CheckSeen,
    CheckState,
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

# The event of each recorded payload; the header that names it was not recorded.
EVENTS = {
    "commit-comment-created": "repo:commit_comment_created",
    "issue-comment-created": "issue:comment_created",
    "issue-created": "issue:created",
    "issue-updated": "issue:updated",
    "pull-request-approval-removed": "pullrequest:unapproved",
    "pull-request-approved": "pullrequest:approved",
    "pull-request-comment-updated": "pullrequest:comment_updated",
    "pull-request-created": "pullrequest:created",
    "pull-request-merged": "pullrequest:fulfilled",
    "pull-request-updated": "pullrequest:updated",
    "repo-commit-status-updated": "repo:commit_status_updated",
    "pipeline_hook_update": "repo:commit_status_updated",
    "pr_comment_created": "pullrequest:comment_created",
    "pr_comment_deleted": "pullrequest:comment_deleted",
    "pr_created": "pullrequest:created",
    "pr_declined": "pullrequest:rejected",
    "pr_fulfilled": "pullrequest:fulfilled",
    "pr_updated": "pullrequest:updated",
    "push": "repo:push",
    "push_tag_create": "repo:push",
}
FOO = Repository(forge="bitbucket-cloud", name="brydzewski/foo")
TEAM = Repository(forge="bitbucket-cloud", name="team_name/repo_name")
BRAD = Actor(
    identities=(
        named("jira_account", "557058:2a6349dc-4346-4805-bd84-3abdd0812d17"),
        named("bitbucket_login", "brydzewski"),
    ),
    name=named("name", "Brad Rydzewski"),
)
EMMA = Actor(
    identities=(named("jira_account", "udfy9suggmzpswxc7n200y3c"),), name=named("name", "Emma")
)


def parse(event: str, payload: Json) -> tuple[WorkFact, ...]:
    return bitbucket_cloud.parse(event, payload, PSEUDONYMS, RECEIVED_AT)


def told(name: str) -> tuple[WorkFact, ...]:
    return parse(EVENTS[Path(name).stem], recorded(f"bitbucket-cloud/{name}"))


def pull_request(**changed: Any) -> Json:
    payload: Json = recorded("bitbucket-cloud/go-scm/pr_created.json")
    payload["pullrequest"] |= changed
    return payload


def change(**changed: Any) -> ChangeSeen:
    [seen] = parse("pullrequest:updated", pull_request(**changed))
    assert isinstance(seen, ChangeSeen)
    return seen


# Whose they are


def test_the_row_reads_the_headers() -> None:
    [forge] = [forge for forge in FORGES if forge.name == "bitbucket-cloud"]
    digest = hmac.digest(b"secret", b"body", "sha256").hex()
    headers = {
        "x-event-key": "repo:push",
        "x-request-uuid": "5c9b2b7e-8f39-4f1e-8ae1-5d2e7f0c2a11",
        "x-hub-signature": f"sha256={digest}",
    }
    assert forge.event(headers, {}) == "repo:push"
    assert forge.delivery_id(headers, {}) == "5c9b2b7e-8f39-4f1e-8ae1-5d2e7f0c2a11"
    assert forge.verify("secret", b"body", headers, RECEIVED_AT)
    assert not forge.verify("secret", b"other", headers, RECEIVED_AT)
    assert not forge.verify("secret", b"body", {}, RECEIVED_AT)


# Recorded payloads


def test_a_merged_pull_request_names_commits_by_twelve_digits() -> None:
    assert told("go-scm/pr_fulfilled.json") == (
        ChangeSeen(
            repository=FOO,
            number=1,
            state=ChangeState.MERGED,
            draft=False,
            title="Awesome new feature",
            author=BRAD,
            head_ref="develop",
            head_sha="0704fc5beccc",
            base_ref="master",
            head_repository="brydzewski/foo",
            merge_sha="4f8f6de9d0ff",
            created_at=at("2018-07-02T21:51:39.492248+00:00"),
            updated_at=at("2018-07-03T01:28:05.903251+00:00"),
            merged_at=at("2018-07-03T01:28:05.903251+00:00"),
            closed_at=at("2018-07-03T01:28:05.903251+00:00"),
        ),
    )


def test_a_sessions_remote_has_the_name_that_its_forge_tells() -> None:
    told = recorded("bitbucket-cloud/go-scm/pr_fulfilled.json")["repository"]
    assert repository_name(told["links"]["html"]["href"]) == FOO.name
    assert repository_name("git@bitbucket.org:brydzewski/foo.git") == FOO.name


def test_a_declined_pull_request() -> None:
    assert told("go-scm/pr_declined.json") == (
        ChangeSeen(
            repository=FOO,
            number=2,
            state=ChangeState.CLOSED,
            draft=False,
            title="update README",
            author=BRAD,
            head_ref="develop",
            head_sha="6ca9fe26898a",
            base_ref="master",
            head_repository="brydzewski/foo",
            merge_sha=None,
            created_at=at("2018-07-03T01:39:22.782818+00:00"),
            updated_at=at("2018-07-03T01:44:00.030575+00:00"),
            merged_at=None,
            closed_at=at("2018-07-03T01:44:00.030575+00:00"),
        ),
    )


def test_an_approval_and_its_removal_are_one_review() -> None:
    approval = ReviewSeen(
        repository=TEAM,
        number=1,
        review_id=f"approved:{EMMA.identities[0]}:20150406T163459.195330",
        state=ReviewState.APPROVED,
        reviewer=EMMA,
        submitted_at=at("2015-04-06T16:34:59.195330+00:00"),
    )
    # The documented payload's state is "OPEN|MERGED|DECLINED": only what the event is about counts.
    assert told("go-playground/pull-request-approved.json") == (approval,)
    [removed] = told("go-playground/pull-request-approval-removed.json")
    assert isinstance(removed, ReviewSeen)
    assert (removed.review_id, removed.state) == (approval.review_id, ReviewState.DISMISSED)


def test_requested_changes_and_their_removal_are_one_review() -> None:
    payload = recorded("bitbucket-cloud/go-playground/pull-request-approved.json")
    payload["changes_request"] = payload.pop("approval")
    payload["pullrequest"]["state"] = "OPEN"
    seen, requested = parse("pullrequest:changes_request_created", payload)
    assert isinstance(seen, ChangeSeen)
    assert seen.state is ChangeState.OPEN
    assert requested == ReviewSeen(
        repository=TEAM,
        number=1,
        review_id=f"changes_requested:{EMMA.identities[0]}:20150406T163459.195330",
        state=ReviewState.CHANGES_REQUESTED,
        reviewer=EMMA,
        submitted_at=at("2015-04-06T16:34:59.195330+00:00"),
    )
    _, removed = parse("pullrequest:changes_request_removed", payload)
    assert isinstance(removed, ReviewSeen)
    assert (removed.review_id, removed.state) == (requested.review_id, ReviewState.DISMISSED)


def test_a_comment() -> None:
    seen, said = told("go-scm/pr_comment_created.json")
    assert isinstance(seen, ChangeSeen)
    assert said == ReviewSeen(
        repository=Repository(
            forge="bitbucket-cloud", name="rutvijmehta-harness/spring-cloud-alibaba"
        ),
        number=1,
        review_id="comment:311512047",
        state=ReviewState.COMMENTED,
        reviewer=seen.author,
        submitted_at=at("2022-06-23T22:10:09.939925+00:00"),
    )


def test_a_push() -> None:
    assert told("go-scm/push.json") == (
        CommitsPushed(
            repository=FOO,
            branch="master",
            before="40e7580cf11311d84a6e5e97e2cbba6df1675750",
            after="141977fedf5cf35aa290ac87d4b5177ac4cd9de1",
            forced=False,
            pushed_at=RECEIVED_AT,
            commits=(
                CommitSeen(
                    sha="141977fedf5cf35aa290ac87d4b5177ac4cd9de1",
                    author=Actor(
                        identities=(
                            *BRAD.identities,
                            named("email", "brad.rydzewski@gmail.com"),
                        ),
                        name=BRAD.name,
                    ),
                    authored_at=at("2018-07-02T20:26:56+00:00"),
                    committed_at=at("2018-07-02T20:26:56+00:00"),
                    parents=("40e7580cf11311d84a6e5e97e2cbba6df1675750",),
                ),
            ),
        ),
    )


def test_a_pushed_tag_is_nobodys_work() -> None:
    assert told("go-scm/push_tag_create.json") == ()


def test_statuses_of_builds() -> None:
    assert told("go-scm/pipeline_hook_update.json") == (
        CheckSeen(
            repository=Repository(forge="bitbucket-cloud", name="automationtestharness/testrepo"),
            sha="bdf6fac0519ffd1562461eb82e018ff62efffbc9",
            name="3343801",
            state=CheckState.SUCCESS,
            at=at("2025-03-24T08:49:42.838984+00:00"),
        ),
    )
    # Of old the commit stood in a link only.
    assert told("go-playground/repo-commit-status-updated.json") == (
        CheckSeen(
            repository=TEAM,
            sha="9fec847784abb10b2fa567ee63b85bd238955d0e",
            name="mybuildtool",
            state=CheckState.SUCCESS,
            at=at("2015-11-20T08:01:16.433108+00:00"),
        ),
    )


def test_the_documented_merge_is_understood_by_its_event() -> None:
    [seen] = told("go-playground/pull-request-merged.json")
    assert isinstance(seen, ChangeSeen)
    assert (seen.state, seen.merge_sha) == (ChangeState.MERGED, "764413d85e29")


# Details


@pytest.mark.parametrize("event", ["pullrequest:updated", "pullrequest:comment_created"])
def test_what_is_said_of_a_closed_pull_request_does_not_date_its_end_anew(event: str) -> None:
    payload = recorded("bitbucket-cloud/go-scm/pr_comment_created.json")
    payload["pullrequest"]["state"] = "MERGED"
    facts = parse(event, payload)
    assert not any(isinstance(fact, ChangeSeen) for fact in facts)


def test_a_fork_that_is_gone_and_an_account_that_is_gone() -> None:
    source = pull_request()["pullrequest"]["source"] | {"repository": None}
    seen = change(source=source, author=None)
    assert (seen.head_repository, seen.author) == (None, Actor(identities=()))


def test_an_app_is_a_bot() -> None:
    assert change(author={"account_id": "712020:1", "type": "app_user"}).author == Actor(
        identities=(named("jira_account", "712020:1"),), bot=True
    )


def test_texts_are_read_for_references() -> None:
    seen = change(
        id=9,
        draft=True,
        title="PAY-7: refunds",
        description="Fixes #3\nReverts #4 and then some\nReverts #12",
        source=pull_request()["pullrequest"]["source"] | {"branch": {"name": "revert-pr-5"}},
    )
    assert (seen.draft, seen.reverts, seen.tasks) == (True, (4, 5), ("PAY-7", "#3"))


def test_messages_are_read_for_references() -> None:
    payload = recorded("bitbucket-cloud/go-scm/push.json")
    [each] = payload["push"]["changes"]
    each["commits"][0]["message"] = (
        "PAY-7 fixes #3\n\nThis reverts commit 0704fc5.\nAgent-Session: claude-code/s1"
    )
    each["commits"][0]["author"] = {"raw": "nobody"}
    each |= {"old": None, "forced": True}
    [push] = parse("repo:push", payload)
    assert isinstance(push, CommitsPushed)
    assert (push.before, push.forced) == ("0" * 40, True)
    assert push.commits == (
        CommitSeen(
            sha="141977fedf5cf35aa290ac87d4b5177ac4cd9de1",
            author=Actor(identities=()),
            authored_at=at("2018-07-02T20:26:56+00:00"),
            committed_at=at("2018-07-02T20:26:56+00:00"),
            parents=("40e7580cf11311d84a6e5e97e2cbba6df1675750",),
            sessions=(SessionTrailer(tool="claude-code", session_id="s1"),),
            reverts=("0704fc5",),
            tasks=("#3", "PAY-7"),
        ),
    )


def test_a_deleted_branch_and_an_unknown_event_tell_nothing() -> None:
    payload = recorded("bitbucket-cloud/go-scm/push.json")
    payload["push"]["changes"][0]["new"] = None
    assert parse("repo:push", payload) == ()
    assert parse("repo:fork", payload) == ()


# Refusals


@pytest.mark.parametrize(
    ("event", "payload", "code", "field"),
    [
        ("pullrequest:created", {}, "unreadable_field", "`pullrequest`"),
        ("pullrequest:created", pull_request(state="secret"), "unknown_value", "state"),
        ("pullrequest:created", pull_request(id=0), "unreadable_field", "$.pullrequest.id"),
        (
            "pullrequest:created",
            pull_request(source={"branch": {"name": "b"}, "commit": None}),
            "unreadable_field",
            "source.commit",
        ),
        ("pullrequest:approved", pull_request(), "unreadable_field", "approval"),
        (
            "pullrequest:created",
            pull_request() | {"repository": {"full_name": "secret"}},
            "bad_repository",
            "repository.full_name",
        ),
        (
            "repo:commit_status_created",
            {
                "repository": {"full_name": "a/b"},
                "commit_status": {
                    "key": "k",
                    "state": "FAILED",
                    "updated_on": "2026-01-01T00:00:00+00:00",
                },
            },
            "unreadable_field",
            "commit_status.commit",
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
    "name", [*names("bitbucket-cloud/go-scm"), *names("bitbucket-cloud/go-playground")]
)
def test_a_payload_under_any_event_is_parsed_or_refused(name: str) -> None:
    for event in sorted(bitbucket_cloud.EVENTS_USED):
        parses_or_refuses(partial(parse, event, recorded(name)))


@given(
    st.data(),
    st.sampled_from(["pr_fulfilled", "pr_comment_created", "push", "pipeline_hook_update"]),
)
def test_a_real_payload_with_any_one_value_replaced_is_parsed_or_refused(
    data: st.DataObject, name: str
) -> None:
    payload = with_one_value_replaced(data, recorded(f"bitbucket-cloud/go-scm/{name}.json"))
    parses_or_refuses(lambda: parse(EVENTS[name], payload))
