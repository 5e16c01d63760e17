"""Linear's deliveries: recorded ones understood as a whole, and states they do not show."""

import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collector.forges.errors import UnreadablePayload
from collector.trackers import linear
from domain.people import SamePerson, Strength
from domain.pseudonym import Pseudonyms
from domain.tickets import TicketMoved, TicketSeen, TicketState, TicketTied, TieKind
from domain.work import WorkFact

PAYLOADS = Path(__file__).parents[2] / "payloads" / "linear"
PSEUDONYMS = Pseudonyms(b"0123456789abcdef")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
UPDATED_AT = datetime(2023, 4, 11, 10, 16, 53, 22000, tzinfo=UTC)

Json = dict[str, Any]


def load(name: str) -> Json:
    payload: Json = json.loads((PAYLOADS / f"{name}.json").read_bytes())
    return payload


def parse(payload: Json) -> tuple[WorkFact, ...]:
    return linear.parse(payload["type"], payload, PSEUDONYMS, NOW)


def _signed(body: bytes, secret: bytes = b"s") -> dict[str, str]:
    return {"linear-signature": hmac.digest(secret, body, "sha256").hex()}


def test_a_delivery_is_signed_and_of_now() -> None:
    def body(sent_at: datetime) -> bytes:
        return json.dumps({"webhookTimestamp": int(sent_at.timestamp() * 1000)}).encode()

    verify, now = linear.TRACKER.verify, body(NOW)
    assert verify("s", now, _signed(now), NOW)
    assert not verify("s", now, _signed(now, b"t"), NOW)
    assert not verify("s", now, {}, NOW)
    old = body(NOW - timedelta(minutes=6))
    assert not verify("s", old, _signed(old), NOW)
    for odd in (b"{}", b"no json", b'{"webhookTimestamp":"now"}'):
        assert not verify("s", odd, _signed(odd), NOW)


def test_an_updated_issue() -> None:
    payload = load("issue_update")
    assert parse(payload) == (
        TicketSeen(
            tracker="linear",
            key="WEB-44",
            project="WEB",
            kind=None,
            title=payload["data"]["title"],
            state=TicketState.IN_PROGRESS,
            state_name="In Progress",
            created_at=datetime(2023, 4, 11, 10, 10, 15, 37000, tzinfo=UTC),
            updated_at=UPDATED_AT,
            labels=("Improvement", "Bug"),
            assignee=(PSEUDONYMS("linear_account", "674c90c8-35ea-454d-8ca4-5548258fd795"),),
        ),
    )


def test_comments_give_nothing() -> None:
    assert parse(load("comment_create")) == ()


@pytest.mark.parametrize(
    ("before", "came_from"),
    [
        ({"stateId": "x", "completedAt": "2023-04-10T10:00:00.000Z"}, TicketState.DONE),
        ({"stateId": "x", "canceledAt": "2023-04-10T10:00:00.000Z"}, TicketState.DROPPED),
        ({"stateId": "x", "completedAt": None}, None),
    ],
)
def test_a_move_says_whether_the_issue_had_been_finished(
    before: Json, came_from: TicketState | None
) -> None:
    facts = parse(load("issue_update") | {"updatedFrom": before})
    assert facts[1] == TicketMoved(
        tracker="linear",
        key="WEB-44",
        from_state=came_from,
        to_state=TicketState.IN_PROGRESS,
        at=UPDATED_AT,
    )


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("triage", TicketState.OPEN),
        ("backlog", TicketState.OPEN),
        ("completed", TicketState.DONE),
        ("canceled", TicketState.DROPPED),
        ("a kind of tomorrow", TicketState.IN_PROGRESS),
    ],
)
def test_states_are_those_of_their_kind(kind: str, state: TicketState) -> None:
    payload = load("issue_update")
    payload["data"] |= {"state": {"name": "Whatever", "type": kind}}
    [ticket] = parse(payload)
    assert isinstance(ticket, TicketSeen)
    assert (ticket.state, ticket.state_name) == (state, "Whatever")


def test_a_removed_issue_was_dropped() -> None:
    [ticket] = parse(load("issue_update") | {"action": "remove"})
    assert isinstance(ticket, TicketSeen)
    assert (ticket.state, ticket.closed_at) == (TicketState.DROPPED, UPDATED_AT)


def test_an_assignee_with_an_address_is_one_person() -> None:
    payload = load("issue_update")
    payload["data"]["assignee"] = {"id": "u1", "name": "Ada", "email": "Ada@Example.com"}
    assert parse(payload)[-1] == SamePerson(
        one=PSEUDONYMS("linear_account", "u1"),
        other=PSEUDONYMS("email", "ada@example.com"),
        strength=Strength.STRONG,
        source="linear",
    )


@pytest.mark.parametrize(
    ("url", "repo", "number"),
    [
        ("https://github.com/Acme/Shop/pull/7", "acme/shop", "7"),
        ("https://git.acme.dev/acme/shop/pulls/7#issue", "acme/shop", "7"),
        ("https://gitlab.com/a/b/c/-/merge_requests/12/diffs", "a/b/c", "12"),
        ("https://bitbucket.org/acme/shop/pull-requests/3", "acme/shop", "3"),
        ("https://x.dev/bb/projects/PAY/repos/api/pull-requests/3/overview", "pay/api", "3"),
    ],
)
def test_an_attached_change_is_a_tie(url: str, repo: str, number: str) -> None:
    payload: Json = {
        "action": "create",
        "type": "Attachment",
        "data": {
            "url": url,
            "createdAt": "2023-04-11T10:16:53.022Z",
            "issue": {"identifier": "web-44"},
        },
    }
    assert parse(payload) == (
        TicketTied(
            tracker="linear",
            key="WEB-44",
            kind=TieKind.CHANGE,
            repo=repo,
            value=number,
            relation="attachment",
            seen_at=UPDATED_AT,
        ),
    )
    # What is taken away, stands elsewhere, or names no issue is no tie.
    assert parse(payload | {"action": "remove"}) == ()
    assert parse(payload | {"data": payload["data"] | {"issue": None}}) == ()
    assert parse(payload | {"data": payload["data"] | {"url": "https://acme.dev/pull/7"}}) == ()


@pytest.mark.parametrize("field", ["number", "title", "state", "team", "createdAt", "updatedAt"])
def test_an_issue_without_a_needed_field_is_refused_by_name(field: str) -> None:
    payload = load("issue_update")
    del payload["data"][field]
    with pytest.raises(UnreadablePayload, match=field):
        parse(payload)
