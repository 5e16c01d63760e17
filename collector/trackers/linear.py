"""Linear: webhooks for issues and their attachments.

Read of each event, and why:

- ``Issue``: the issue's own state, so a lost or late delivery is made good by the next one;
  ``updatedFrom`` says that it moved, and whether it had been finished.
- ``Attachment``: the pull or merge request that Linear itself has tied to an issue.

Linear does not tell: the state that an open issue came from, e-mail addresses in older payloads,
and of an attachment's issue more than its id where the payload leaves the issue out.

https://linear.app/developers/webhooks
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from collector.forges.reading import Instant, Number, Text, read, utc
from collector.provider import Headers, Payload, Provider, hmac_sha256_hex, within
from collector.trackers.addresses import change_at
from domain.people import SamePerson, Strength
from domain.pseudonym import Pseudonyms
from domain.tickets import TicketMoved, TicketSeen, TicketState, TicketTied, TieKind
from domain.work import WorkFact

NAME = "linear"
_PROVIDER = "Linear"

EVENTS_USED = frozenset({"Issue", "Attachment"})
"""The values of ``type`` that may give facts; all others give none."""

_REMOVED = "remove"
# Linear itself advises one minute; clocks that are set by hand differ by more.
_REPLAY_WINDOW = timedelta(minutes=5)
# https://linear.app/docs/configuring-workflows
STATES = {
    "triage": TicketState.OPEN,
    "backlog": TicketState.OPEN,
    "unstarted": TicketState.OPEN,
    "started": TicketState.IN_PROGRESS,
    "completed": TicketState.DONE,
    "canceled": TicketState.DROPPED,
    "duplicate": TicketState.DROPPED,
}


class State(msgspec.Struct):
    """A state of a team's workflow, and the kind that all teams share."""

    name: Text
    type: str


class _Team(msgspec.Struct):
    key: Text


class _Label(msgspec.Struct):
    name: Text


class _User(msgspec.Struct):
    id: Text
    email: Text | None = None


class _Parent(msgspec.Struct):
    identifier: Text | None = None


class Issue(msgspec.Struct, rename="camel"):
    """An issue, as webhooks and GraphQL both tell it."""

    number: Number
    title: Text
    state: State
    team: _Team
    created_at: Instant
    updated_at: Instant
    identifier: Text | None = None  # not in older payloads
    completed_at: Instant | None = None
    canceled_at: Instant | None = None
    labels: tuple[_Label, ...] = ()
    assignee: _User | None = None
    parent: _Parent | None = None


class _IssueEvent(msgspec.Struct, rename="camel"):
    action: str
    created_at: Instant
    data: Issue
    updated_from: dict[str, Any] | None = None


class _AttachedTo(msgspec.Struct):
    identifier: Text | None = None


class _Attachment(msgspec.Struct, rename="camel"):
    url: Text
    created_at: Instant
    issue: _AttachedTo | None = None


class _AttachmentEvent(msgspec.Struct):
    action: str
    data: _Attachment


def parse(
    event: str, payload: Payload, pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    """Read the facts in one delivery; none for an event that is not in ``EVENTS_USED``.

    Raises ``UnreadablePayload`` where a used event lacks what it must have.
    """
    if event == "Issue":
        told = read(payload, _IssueEvent, _PROVIDER)
        at = utc(told.created_at, _PROVIDER)
        seen = ticket(told.data, pseudonyms, removed_at=at if told.action == _REMOVED else None)
        moved = _moved(seen, told.updated_from or {}, at)
        return (seen, *moved, *people(told.data, pseudonyms))
    if event == "Attachment":
        return tuple(_attached(read(payload, _AttachmentEvent, _PROVIDER)))
    return ()


def ticket(
    issue: Issue, pseudonyms: Pseudonyms, *, removed_at: datetime | None = None
) -> TicketSeen:
    """The issue's state; one that was removed was dropped at that time, whatever it was before."""
    key = issue.identifier or f"{issue.team.key}-{issue.number}"
    # A state of a kind that is new to us is neither open nor finished for sure.
    state = STATES.get(issue.state.type, TicketState.IN_PROGRESS)
    ended = issue.completed_at or issue.canceled_at
    return TicketSeen(
        tracker=NAME,
        key=key.upper(),
        project=issue.team.key.upper(),
        kind=None,
        title=issue.title,
        state=TicketState.DROPPED if removed_at else state,
        state_name=issue.state.name,
        created_at=utc(issue.created_at, _PROVIDER),
        updated_at=removed_at or utc(issue.updated_at, _PROVIDER),
        closed_at=removed_at or (utc(ended, _PROVIDER) if ended else None),
        parent=issue.parent.identifier if issue.parent else None,
        labels=tuple(label.name for label in issue.labels),
        assignee=_identities(issue.assignee, pseudonyms),
    )


def people(issue: Issue, pseudonyms: Pseudonyms) -> Iterator[SamePerson]:
    """The account and the e-mail address of the assignee are one person: Linear says so."""
    one, *others = _identities(issue.assignee, pseudonyms) or ("",)
    for other in others:
        yield SamePerson(one=one, other=other, strength=Strength.STRONG, source=NAME)


def tied(key: str, url: str, seen_at: datetime) -> Iterator[TicketTied]:
    """The change that an attachment's address names, if it names one."""
    change = change_at(url)
    if change is not None:
        repo, number = change
        yield TicketTied(
            tracker=NAME,
            key=key.upper(),
            kind=TieKind.CHANGE,
            repo=repo,
            value=str(number),
            relation="attachment",
            seen_at=seen_at,
        )


def _moved(seen: TicketSeen, before: Mapping[str, Any], at: datetime) -> Iterator[TicketMoved]:
    if "stateId" not in before:
        return
    came_from = None
    if before.get("completedAt"):
        came_from = TicketState.DONE
    elif before.get("canceledAt"):
        came_from = TicketState.DROPPED
    yield TicketMoved(tracker=NAME, key=seen.key, from_state=came_from, to_state=seen.state, at=at)


def _attached(told: _AttachmentEvent) -> Iterator[TicketTied]:
    key = told.data.issue.identifier if told.data.issue else None
    if key and told.action != _REMOVED:
        yield from tied(key, told.data.url, utc(told.data.created_at, _PROVIDER))


def _identities(user: _User | None, pseudonyms: Pseudonyms) -> tuple[str, ...]:
    if user is None:
        return ()
    named = [pseudonyms("linear_account", user.id)]
    if user.email and "@" in user.email:
        named.append(pseudonyms("email", user.email))
    return tuple(named)


class _Stamp(msgspec.Struct):
    at: float = msgspec.field(name="webhookTimestamp")


def _verified(secret: str, body: bytes, headers: Headers, now: datetime) -> bool:
    """By the signature; the time that is signed with the body stands in it, in milliseconds."""
    if not hmac_sha256_hex(secret, body, headers.get("linear-signature"), prefix=""):
        return False
    try:
        stamp = msgspec.json.decode(body, type=_Stamp)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return within(_REPLAY_WINDOW, str(stamp.at / 1000), now)


def _delivery_id(headers: Headers, _payload: Payload) -> str | None:
    return headers.get("linear-delivery")


def _event(_headers: Headers, payload: Payload) -> str | None:
    event = payload.get("type")
    return event if isinstance(event, str) else None


TRACKER = Provider(
    name=NAME,
    events_used=EVENTS_USED,
    verify=_verified,
    delivery_id=_delivery_id,
    event=_event,
    parse=parse,
)
