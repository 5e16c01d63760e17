"""Jira's deliveries: recorded ones understood as a whole, and what is made of odd ones."""

import base64
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges.errors import UnreadablePayload
from collector.trackers import jira
from domain.people import SamePerson, Strength
from domain.pseudonym import Pseudonyms
from domain.tickets import TicketMoved, TicketSeen, TicketState, TicketTied, TieKind
from domain.work import WorkFact

PAYLOADS = Path(__file__).parents[2] / "payloads" / "jira"
PSEUDONYMS = Pseudonyms(b"0123456789abcdef")
NOW = datetime(2026, 3, 1, tzinfo=UTC)

Json = dict[str, Any]


def load(name: str) -> Json:
    payload: Json = json.loads((PAYLOADS / f"{name}.json").read_bytes())
    return payload


def parse(payload: Json) -> tuple[WorkFact, ...]:
    return jira.parse(payload["webhookEvent"], payload, PSEUDONYMS, NOW)


def seen(payload: Json) -> TicketSeen:
    [ticket] = [fact for fact in parse(payload) if isinstance(fact, TicketSeen)]
    return ticket


def moves(payload: Json) -> list[TicketMoved]:
    return [fact for fact in parse(payload) if isinstance(fact, TicketMoved)]


def changed(payload: Json, **fields: object) -> Json:
    payload["issue"]["fields"] |= fields
    return payload


@pytest.mark.parametrize(
    ("headers", "right"),
    [
        ({"x-hub-signature": "sha256=" + hmac.digest(b"s", b"{}", "sha256").hex()}, True),
        ({"x-hub-signature": "sha256=" + hmac.digest(b"t", b"{}", "sha256").hex()}, False),
        # A wrong signature is not made good by the secret beside it.
        ({"x-hub-signature": "sha256=00", "authorization": "Bearer s"}, False),
        ({"authorization": "Bearer s"}, True),
        ({"authorization": "Basic " + base64.b64encode(b"jira:s").decode()}, True),
        ({"authorization": "Bearer t"}, False),
        ({}, False),
    ],
)
def test_a_delivery_is_signed_or_brings_the_secret(headers: dict[str, str], right: bool) -> None:
    assert jira.TRACKER.verify("s", b"{}", headers, NOW) is right


def test_a_resolved_issue_is_done_and_has_moved() -> None:
    assert parse(load("issue-updated-resolved")) == (
        TicketSeen(
            tracker="jira",
            key="TES-41",
            project="TES",
            kind="Story",
            title="Unit test summary 1",
            state=TicketState.DONE,
            state_name="Done",
            created_at=datetime(2019, 2, 16, 3, 1, 52, 971000, tzinfo=UTC),
            updated_at=datetime(2019, 2, 16, 3, 15, 40, 477000, tzinfo=UTC),
            closed_at=datetime(2019, 2, 16, 3, 15, 40, 470000, tzinfo=UTC),
            labels=("test-label",),
        ),
        TicketMoved(
            tracker="jira",
            key="TES-41",
            from_state=TicketState.IN_PROGRESS,
            to_state=TicketState.DONE,
            at=datetime(2019, 2, 16, 3, 15, 40, 477000, tzinfo=UTC),
        ),
    )


def test_a_reopened_issue_on_a_server_came_from_done() -> None:
    [move] = moves(load("server-issue-updated-reopened"))
    assert (move.from_state, move.to_state) == (TicketState.DONE, TicketState.OPEN)
    # Only the resolution was told: it alone says that the issue had been finished.
    [move] = moves(load("issue-updated-reopened-one-changelog"))
    assert (move.from_state, move.to_state) == (TicketState.DONE, TicketState.OPEN)


def test_an_assignee_is_one_person_under_account_and_address() -> None:
    facts = parse(load("issue-assigned-empty-changelog"))
    account, email = (
        PSEUDONYMS("jira_account", "789012"),
        PSEUDONYMS("email", "assignee@example.com"),
    )
    [told] = [fact for fact in facts if isinstance(fact, SamePerson)]
    assert told == SamePerson(one=account, other=email, strength=Strength.STRONG, source="jira")
    ticket = seen(load("issue-assigned-empty-changelog"))
    assert ticket.assignee == (account, email)
    # This payload leaves the times out: what is not told is not made up.
    assert ticket.created_at is None
    assert ticket.updated_at == datetime(2024, 8, 20, 18, 47, 42, 935000, tzinfo=UTC)


def test_a_deleted_issue_was_dropped() -> None:
    ticket = seen(load("issue-deleted"))
    assert ticket.state is TicketState.DROPPED
    assert ticket.closed_at == ticket.updated_at == datetime(2019, 7, 3, 18, 5, 36, 176000, UTC)


@pytest.mark.parametrize(
    ("status", "category", "resolution", "state"),
    [
        ("Done", "done", "Done", TicketState.DONE),
        ("Done", "done", None, TicketState.DONE),
        ("Done", "done", "Won\u2019t Do", TicketState.DROPPED),
        ("Closed", "done", "Duplicate", TicketState.DROPPED),
        ("Cancelled", "done", None, TicketState.DROPPED),
        ("Wartet", "indeterminate", None, TicketState.IN_PROGRESS),
        # A resolution set by mistake on an issue that is still worked on finishes nothing.
        ("In Progress", "indeterminate", "Won't Do", TicketState.IN_PROGRESS),
        ("Resolved", None, "Fixed", TicketState.DONE),
        ("Erledigt", None, "Fixed", TicketState.DONE),
        ("Erledigt", None, None, TicketState.IN_PROGRESS),
        ("Open", None, None, TicketState.OPEN),
    ],
)
def test_states_are_those_of_the_category(
    status: str, category: str | None, resolution: str | None, state: TicketState
) -> None:
    told: Json = {"name": status}
    if category:
        told["statusCategory"] = {"key": category}
    resolved = {"name": resolution} if resolution else None
    payload = changed(load("issue-updated-resolved"), status=told, resolution=resolved)
    assert seen(payload).state is state


def test_linked_issues_are_ties_with_the_words_of_this_end() -> None:
    kind = {"inward": "is caused by", "outward": "causes"}
    links = [
        {"type": kind, "inwardIssue": {"key": "TES-7"}},
        {"type": kind, "outwardIssue": {"key": "TES-9"}},
    ]
    payload = changed(load("issue-updated-resolved"), issuelinks=links)
    tied = [fact for fact in parse(payload) if isinstance(fact, TicketTied)]
    assert [(each.value, each.relation) for each in tied] == [
        ("TES-7", "is caused by"),
        ("TES-9", "causes"),
    ]
    assert {each.kind for each in tied} == {TieKind.TICKET}


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("*.json")), ids=lambda path: path.stem)
def test_every_recorded_delivery_is_read(path: Path) -> None:
    payload = json.loads(path.read_bytes())
    kinds = [type(fact) for fact in parse(payload)]
    assert kinds.count(TicketSeen) == payload["webhookEvent"].startswith("jira:issue_")


@pytest.mark.parametrize(
    ("field", "value"),
    [("created", "yesterday"), ("updated", "2019-02-16T03:15:40"), ("created", 10**30)],
)
def test_what_is_no_time_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(UnreadablePayload, match=f"{field} is no time") as refused:
        parse(changed(load("issue-updated-resolved"), **{field: value}))
    assert str(value) not in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["key", "name", "fields", "items"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.sampled_from(["timestamp", "issue", "changelog"])
    | st.sampled_from(["key", "fields"]).map(lambda name: f"issue.{name}")
    | st.sampled_from(
        [
            "summary",
            "status",
            "resolution",
            "assignee",
            "created",
            "updated",
            "issuelinks",
            "parent",
        ]
    ).map(lambda name: f"issue.fields.{name}"),
    JSON,
)
def test_any_value_in_any_place_is_read_or_refused(path: str, value: object) -> None:
    payload = load("issue-updated-resolved")
    *outer, last = path.split(".")
    place = payload
    for name in outer:
        place = place[name]
    place[last] = value
    first: WorkFact | UnreadablePayload
    try:
        first = parse(payload)[0]
    except UnreadablePayload as refused:
        first = refused
    assert isinstance(first, TicketSeen | UnreadablePayload)
