"""GitLab's deliveries: whose they are, and recorded ones understood as a whole."""

import base64
import hmac
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges import FORGES, gitlab
from collector.forges.errors import UnreadablePayload
from domain.people import SamePerson, Strength
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
)
from tests.collector.forges.delivered_gitlab import (
    COMMENT,
    HELLO,
    ISSUE,
    MERGED,
    PIPELINE,
    PUSH,
    SID,
    deployment,
    merge_request,
    parse,
    person,
    told,
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

# Whose they are

TOKEN = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def signed(body: bytes, secret: bytes, at_second: int) -> dict[str, str]:
    digest = hmac.digest(secret, f"f5e5f430.{at_second}.".encode() + body, "sha256")
    return {
        "idempotency-key": "f5e5f430",
        "webhook-id": "f5e5f430",
        "webhook-timestamp": str(at_second),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def verified(secret: str, headers: dict[str, str], body: bytes = b"{}") -> bool:
    return gitlab.FORGE.verify(secret, body, headers, RECEIVED_AT)


def test_the_row_reads_headers_and_body() -> None:
    [forge] = [forge for forge in FORGES if forge.name == "gitlab"]
    headers = {"x-gitlab-event": "Merge Request Hook", "idempotency-key": "7"}
    assert forge.event(headers, {"object_kind": "merge_request"}) == "merge_request"
    # A system hook that is of no project.
    assert forge.event({}, {"event_name": "user_create"}) == "user_create"
    assert (forge.event(headers, {}), forge.event({}, {"object_kind": 7})) == (None, None)
    assert forge.delivery_id(headers, {}) == "7"
    assert forge.delivery_id({"webhook-id": "8"}, {}) == "8"
    # All events that one webhook set off share it.
    assert forge.delivery_id({"x-gitlab-event-uuid": "9"}, {}) is None


def test_the_secret_token_is_compared() -> None:
    assert verified("secret", {"x-gitlab-token": "secret"})
    assert not verified("secret", {"x-gitlab-token": "secre"})
    assert not verified("secret", {})
    assert not verified("", {"x-gitlab-token": ""})


def test_the_signing_token_signs_id_time_and_body() -> None:
    now = int(RECEIVED_AT.timestamp())
    headers = signed(b"{}", b"0123456789abcdef0123456789abcdef", now)
    assert verified(TOKEN, headers)
    assert not verified(TOKEN, headers, b"{ }")
    assert not verified(TOKEN, headers | {"webhook-id": "other"})
    assert not verified(TOKEN, headers | {"webhook-timestamp": str(now + 1)})
    assert not verified("another secret", headers)


@pytest.mark.parametrize(
    ("seconds", "taken"), [(-300, True), (300, True), (-301, False), (301, False)]
)
def test_a_signature_is_of_now(seconds: int, taken: bool) -> None:
    then = RECEIVED_AT + timedelta(seconds=seconds)
    headers = signed(b"{}", b"0123456789abcdef0123456789abcdef", int(then.timestamp()))
    assert verified(TOKEN, headers) is taken


@given(
    st.text(),
    st.dictionaries(
        st.sampled_from(["x-gitlab-token", "webhook-id", "webhook-timestamp", "webhook-signature"]),
        st.text(st.characters(codec=None)),
    ),
)
def test_checking_never_fails(secret: str, headers: dict[str, str]) -> None:
    holds = bool(secret) and headers.get("x-gitlab-token") == secret
    assert verified(secret, headers) is holds


# Recorded payloads

KINDS: dict[str, tuple[type, ...]] = {
    "merge_request": (ChangeSeen,),
    "push": (CommitsPushed,),
    "issue": (TicketSeen,),
    "pipeline": (CheckSeen,),
    "note": (ReviewSeen,),
}
NOTHING = {
    "go-playground/comment-commit-event.json",
    "go-playground/comment-issue-event.json",
    "go-playground/comment-snippet-event.json",
    "go-scm/branch_delete_subgroup.json",
    "go-scm/issue_comment_create.json",
}


@pytest.mark.parametrize("name", names("gitlab/go-scm") + names("gitlab/go-playground"))
def test_every_recorded_payload_gives_its_facts(name: str) -> None:
    payload = recorded(name)
    kinds = {type(fact) for fact in parse(payload)} - {SamePerson, TicketMoved}
    wanted = KINDS.get(payload["object_kind"], ())
    assert kinds == (set() if name.removeprefix("gitlab/") in NOTHING else set(wanted))


def test_a_merge() -> None:
    assert told(MERGED) == (
        ChangeSeen(
            repository=HELLO,
            number=1,
            state=ChangeState.MERGED,
            draft=False,
            title="update readme",
            # Who merged is told, the author by number only.
            author=Actor(identities=(named("gitlab_id", "51764"),)),
            head_ref="feature",
            head_sha="c4c79227ed610f1151f05bbc5be33b4f340d39c8",
            base_ref="master",
            head_repository="gitlab-org/hello-world",
            merge_sha="78a76ee6b4992a6baf64c59fc4c44c7323d60438",
            created_at=at("2017-12-10T17:01:11Z"),
            updated_at=at("2017-12-10T17:08:07Z"),
            merged_at=at("2017-12-10T17:08:07Z"),
            closed_at=None,
            labels=(),
        ),
    )


def test_a_merge_request_closed_without_a_merge() -> None:
    [seen] = told("go-scm/pull_request_close.json")
    assert isinstance(seen, ChangeSeen)
    assert (seen.state, seen.merge_sha, seen.merged_at) == (ChangeState.CLOSED, None, None)
    assert seen.closed_at == at("2017-12-10T17:02:46Z")


def test_what_is_said_after_a_closing_does_not_move_it() -> None:
    assert parse(merge_request(state="closed", action="update")) == ()


def test_what_is_said_after_a_merge_tells_that_it_was() -> None:
    [seen] = parse(merge_request(state="merged", action="update"))
    assert isinstance(seen, ChangeSeen)
    assert (seen.state, seen.merged_at) == (ChangeState.MERGED, None)


def test_a_draft_of_a_group_in_a_group_by_its_author() -> None:
    same, seen = told("go-scm/pull_request_review_ready.json")
    author = recorded("gitlab/go-scm/pull_request_review_ready.json")["user"]
    assert same == SamePerson(
        one=named("gitlab_login", author["username"]),
        other=named("gitlab_id", str(author["id"])),
        strength=Strength.STRONG,
        source="gitlab",
    )
    assert isinstance(seen, ChangeSeen)
    assert (seen.draft, seen.labels) == (True, ())
    assert seen.author == replace(
        person(author["id"], author["username"]), name=named("name", author["name"])
    )


def test_a_comment_on_a_merge_request_of_a_subgroup() -> None:
    assert told("go-scm/merge_request_comment_subgroup.json") == (
        ReviewSeen(
            repository=Repository(
                forge="gitlab", name="group1/group2/group3/grp2repo", default_branch="master"
            ),
            number=1,
            review_id="comment:50772616",
            state=ReviewState.COMMENTED,
            reviewer=SID,
            submitted_at=at("2017-12-10T17:05:14Z"),
        ),
    )


def test_a_push() -> None:
    [pushed] = told(PUSH)
    assert pushed == CommitsPushed(
        repository=Repository(forge="gitlab", name="mike/diaspora", default_branch="master"),
        branch="master",
        before="95790bf891e76fee5e1747ab589903a6a1f80f22",
        after="da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
        forced=False,
        pushed_at=RECEIVED_AT,
        commits=(
            CommitSeen(
                sha="b6568db1bc1dcd7f8b4d5a946b0b91f9dacd7327",
                author=Actor(
                    identities=(named("email", "jordi@softcatala.org"),),
                    name=named("name", "Jordi Mallach"),
                ),
                authored_at=at("2011-12-12T14:27:31+02:00"),
                files=files("CHANGELOG", "app/controller/application.rb"),
            ),
            CommitSeen(
                sha="da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
                author=Actor(
                    identities=(named("email", "gitlabdev@dv6700.(none)"),),
                    name=named("name", "GitLab dev user"),
                ),
                authored_at=at("2012-01-03T23:36:29+02:00"),
                files=files("CHANGELOG", "app/controller/application.rb"),
            ),
        ),
    )


def files(*paths: str) -> tuple[FileTouched, ...]:
    named_files = (PSEUDONYMS.file(path) for path in paths)
    return tuple(FileTouched(file=file) for file in named_files if file)


def test_an_issue_is_reopened() -> None:
    key = "gitlab-org/hello-world#1"
    assert told(ISSUE) == (
        TicketSeen(
            tracker="gitlab",
            key=key,
            project="gitlab-org/hello-world",
            kind="issue",
            title="found a bug",
            state=TicketState.OPEN,
            state_name="opened",
            created_at=at("2017-12-10T16:37:38Z"),
            updated_at=at("2017-12-10T16:41:55Z"),
            labels=("critical",),
        ),
        TicketMoved(
            tracker="gitlab",
            key=key,
            from_state=TicketState.DONE,
            to_state=TicketState.OPEN,
            at=at("2017-12-10T16:41:55Z"),
        ),
    )


def test_an_issue_is_closed() -> None:
    seen, moved = told("go-scm/issue_closed.json")
    assert isinstance(seen, TicketSeen)
    assert (seen.state, seen.closed_at) == (TicketState.DONE, at("2017-12-10T16:41:28Z"))
    assert moved == TicketMoved(
        tracker="gitlab",
        key="gitlab-org/hello-world#1",
        from_state=TicketState.OPEN,
        to_state=TicketState.DONE,
        at=at("2017-12-10T16:41:28Z"),
    )


def test_a_pipeline() -> None:
    assert told(PIPELINE) == (
        CheckSeen(
            repository=Repository(
                forge="gitlab", name="gitlab-org/gitlab-test", default_branch="master"
            ),
            sha="bcbb5ec396a2c0f828686f14fac9b80b780504f2",
            name="pipeline/merge_request_event",
            state=CheckState.SUCCESS,
            at=at("2016-08-12T15:26:29Z"),
        ),
    )


# Refusals


def without(payload: Json, *path: str) -> Json:
    inner = payload
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return payload


@pytest.mark.parametrize(
    ("payload", "code", "field"),
    [
        ({"object_kind": "push"}, "unreadable_field", "`ref`"),
        (without(merge_request(), "object_attributes", "iid"), "unreadable_field", "`iid`"),
        (merge_request(state="secret"), "unreadable_field", "$.object_attributes.state"),
        (merge_request(updated_at="secret"), "unreadable_field", "$.object_attributes.updated_at"),
        (merge_request(created_at="2017-13-10 17:01:11 UTC"), "unreadable_field", "no such time"),
        (merge_request(created_at="0001-01-01T00:00:00+05:00"), "unreadable_field", "range"),
        (merge_request(title="secret\0"), "unreadable_field", "$.object_attributes.title"),
        (
            merge_request(target={"path_with_namespace": "secret"}),
            "bad_repository",
            "path_with_namespace",
        ),
    ],
)
def test_a_refusal_names_the_field_and_not_its_value(payload: Json, code: str, field: str) -> None:
    with pytest.raises(UnreadablePayload) as refusal:
        parse(payload)
    assert refusal.value.code == code
    assert field in str(refusal.value)
    assert "secret" not in str(refusal.value)


@given(st.data(), st.sampled_from([MERGED, COMMENT, PUSH, ISSUE, PIPELINE, "deployment"]))
def test_a_payload_with_any_one_value_replaced_is_parsed_or_refused(
    data: st.DataObject, name: str
) -> None:
    payload = deployment() if name == "deployment" else recorded(f"gitlab/{name}")
    kind = payload["object_kind"]
    payload = with_one_value_replaced(data, payload)
    parses_or_refuses(lambda: gitlab.parse(kind, payload, PSEUDONYMS, RECEIVED_AT))


def test_every_event_used_has_a_payload_here() -> None:
    folders = ("gitlab/go-scm", "gitlab/go-playground")
    kinds = {recorded(name)["object_kind"] for folder in folders for name in names(folder)}
    by_hand = {"deployment", "work_item", "project_rename", "project_transfer"}
    assert gitlab.EVENTS_USED - kinds == by_hand
