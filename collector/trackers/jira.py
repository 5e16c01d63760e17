"""Jira, Cloud and Data Center: webhooks for issues.

Read of each event, and why:

- ``jira:issue_created``, ``jira:issue_updated``, ``jira:issue_deleted``: the issue's own state, so
  a lost or late delivery is made good by the next one; of the change log the moves.
- Comment events carry no state of their own (Data Center sends them even without the issue).

States are those of Jira's three status categories, whatever a workflow calls its own; a finished
issue counts as dropped where its resolution or status says that nothing was done. Jira does not
tell: the category that a move came from (its resolution or the status's usual name says it, else it
is unknown), and e-mail addresses where a profile hides them.

https://developer.atlassian.com/cloud/jira/platform/webhooks/
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from collector.forges.errors import UnreadablePayload
from collector.forges.reading import Text, read, utc
from collector.provider import Headers, Payload, Provider, bearer_or_basic, hmac_sha256_hex
from domain.people import SamePerson, Strength
from domain.pseudonym import Pseudonyms
from domain.tickets import TicketMoved, TicketSeen, TicketState, TicketTied, TieKind
from domain.work import WorkFact

NAME = "jira"
_PROVIDER = "Jira"

_DELETED = "jira:issue_deleted"
EVENTS_USED = frozenset({"jira:issue_created", "jira:issue_updated", _DELETED})
"""The values of ``webhookEvent`` that may give facts; all others give none."""

# https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-workflow-status-categories/
CATEGORIES = {
    "undefined": TicketState.OPEN,
    "new": TicketState.OPEN,
    "indeterminate": TicketState.IN_PROGRESS,
    "done": TicketState.DONE,
}
# Resolutions and statuses, as Jira ships them or teams usually name them, of what was not done.
_DROPPED = frozenset(
    {"abandoned", "cancelled", "canceled", "cannot reproduce", "declined", "duplicate"}
    | {"incomplete", "invalid", "known error", "not a bug", "obsolete", "rejected", "won't do"}
    | {"won't fix", "wont do", "wont fix", "works as designed"}
)
_FINISHED = frozenset(
    {"closed", "complete", "completed", "done", "finished", "resolved", "shipped"}
)
_BEGUN = frozenset(
    {"blocked", "in development", "in progress", "in qa", "in review", "in testing", "review"}
)
_UNBEGUN = frozenset(
    {"backlog", "new", "open", "reopened", "selected for development", "to do", "todo"}
)


class _Named(msgspec.Struct):
    name: Text


class Category(msgspec.Struct):
    """One of the categories that all workflows share."""

    key: str


class Status(msgspec.Struct):
    """A status of the workflow; old servers name no category."""

    name: Text
    category: Category | None = msgspec.field(default=None, name="statusCategory")


class _User(msgspec.Struct):
    account_id: Text | None = msgspec.field(default=None, name="accountId")
    name: Text | None = None
    email: Text | None = msgspec.field(default=None, name="emailAddress")


class _Keyed(msgspec.Struct):
    key: Text


class _LinkType(msgspec.Struct):
    inward: Text = ""
    outward: Text = ""


class _IssueLink(msgspec.Struct):
    type: _LinkType
    inward: _Keyed | None = msgspec.field(default=None, name="inwardIssue")
    outward: _Keyed | None = msgspec.field(default=None, name="outwardIssue")


class _Fields(msgspec.Struct):
    summary: Text
    status: Status
    issuetype: _Named | None = None
    project: _Keyed | None = None
    resolution: _Named | None = None
    assignee: _User | None = None
    parent: _Keyed | None = None
    labels: tuple[Text, ...] = ()
    issuelinks: tuple[_IssueLink, ...] = ()
    created: str | int | None = None
    updated: str | int | None = None
    resolutiondate: str | int | None = None


class Item(msgspec.Struct):
    """One field's change in a change log."""

    field: str = ""
    before: str | None = msgspec.field(default=None, name="fromString")
    after: str | None = msgspec.field(default=None, name="toString")


class _Log(msgspec.Struct):
    items: tuple[Item, ...] = ()


class Issue(msgspec.Struct):
    """An issue, as webhooks and REST both tell it."""

    key: Text
    fields: _Fields


class _IssueEvent(msgspec.Struct):
    timestamp: int
    issue: Issue
    changelog: _Log | None = None


def parse(
    event: str, payload: Payload, pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    """Read the facts in one delivery; none for an event that is not in ``EVENTS_USED``.

    Raises ``UnreadablePayload`` where a used event lacks what it must have.
    """
    if event not in EVENTS_USED:
        return ()
    told = read(payload, _IssueEvent, _PROVIDER)
    at = moment(told.timestamp, "timestamp")
    seen = ticket(told.issue, pseudonyms, at, deleted=event == _DELETED)
    items = told.changelog.items if told.changelog else ()
    return (
        seen,
        # Not the delivery's own time: REST tells the same move at the time of the update.
        *moves(seen, items, seen.updated_at),
        *ties(told.issue, seen.updated_at),
        *people(told.issue, pseudonyms),
    )


def ticket(
    issue: Issue, pseudonyms: Pseudonyms, at: datetime, *, deleted: bool = False
) -> TicketSeen:
    """The issue's state; ``at`` stands in for the time of its last change where that is not told.

    A deleted issue was dropped at that time, whatever it was before.
    """
    fields = issue.fields
    resolution = fields.resolution.name if fields.resolution else None
    state = TicketState.DROPPED if deleted else state_of(fields.status, resolution)
    ended = state in (TicketState.DONE, TicketState.DROPPED)
    updated_at = at if deleted else _told(fields.updated, "updated") or at
    closed_at = at if deleted else _told(fields.resolutiondate, "resolutiondate")
    return TicketSeen(
        tracker=NAME,
        key=issue.key.upper(),
        project=(fields.project.key if fields.project else issue.key.rpartition("-")[0]).upper(),
        kind=fields.issuetype.name if fields.issuetype else None,
        title=fields.summary,
        state=state,
        state_name=fields.status.name,
        created_at=_told(fields.created, "created"),
        updated_at=updated_at,
        # Workflows without resolutions tell no time; the last change is not before it.
        closed_at=(closed_at or updated_at) if ended else None,
        parent=fields.parent.key.upper() if fields.parent else None,
        labels=fields.labels,
        assignee=_identities(fields.assignee, pseudonyms),
    )


def state_of(status: Status, resolution: str | None) -> TicketState:
    """The state that a status stands for, with the resolution (None: unresolved) beside it."""
    known = CATEGORIES.get(status.category.key) if status.category else usual_state(status.name)
    if known is None:
        # A server without categories, and a status of the company's own.
        known = TicketState.DONE if resolution else TicketState.IN_PROGRESS
    if known is TicketState.DONE and (
        dropped(status.name) or (resolution is not None and dropped(resolution))
    ):
        return TicketState.DROPPED
    return known


def usual_state(status_name: str) -> TicketState | None:
    """What a status of this name usually stands for; None for a name of the company's own."""
    name = status_name.strip().lower()
    if dropped(name):
        return TicketState.DROPPED
    if name in _FINISHED:
        return TicketState.DONE
    if name in _BEGUN:
        return TicketState.IN_PROGRESS
    return TicketState.OPEN if name in _UNBEGUN else None


def moves(seen: TicketSeen, items: Iterable[Item], at: datetime) -> Iterator[TicketMoved]:
    """The move that one entry of a change log tells; none where neither status nor resolution did.

    The status moved to is the issue's own. Where only the resolution changed, as with resolutions
    set by a screen, that alone closed or reopened it.
    """
    changed = {item.field.lower(): item for item in items}
    resolution, status = changed.get("resolution"), changed.get("status")
    if (resolution is None and status is None) or (status is not None and not status.before):
        return
    before: TicketState | None = None
    if resolution is not None and resolution.before:
        before = TicketState.DROPPED if dropped(resolution.before) else TicketState.DONE
    elif status is not None and status.before:
        before = usual_state(status.before)
    if before is not seen.state:
        yield TicketMoved(tracker=NAME, key=seen.key, from_state=before, to_state=seen.state, at=at)


def ties(issue: Issue, seen_at: datetime) -> Iterator[TicketTied]:
    """The issues that this one is linked to, each with the words that stand at this end."""
    for link in issue.fields.issuelinks:
        for other, relation in ((link.inward, link.type.inward), (link.outward, link.type.outward)):
            if other is not None:
                yield TicketTied(
                    tracker=NAME,
                    key=issue.key.upper(),
                    kind=TieKind.TICKET,
                    repo=None,
                    value=other.key.upper(),
                    relation=relation.lower(),
                    seen_at=seen_at,
                )


def people(issue: Issue, pseudonyms: Pseudonyms) -> Iterator[SamePerson]:
    """The account and the e-mail address of the assignee are one person: Jira says so."""
    one, *others = _identities(issue.fields.assignee, pseudonyms) or ("",)
    for other in others:
        yield SamePerson(one=one, other=other, strength=Strength.STRONG, source=NAME)


def _identities(user: _User | None, pseudonyms: Pseudonyms) -> tuple[str, ...]:
    if user is None:
        return ()
    account = user.account_id or user.name
    named = [pseudonyms("jira_account", account)] if account else []
    if user.email and "@" in user.email:
        named.append(pseudonyms("email", user.email))
    return tuple(named)


def dropped(word: str) -> bool:
    """Whether a resolution or status of this name says that nothing was done."""
    # Jira writes "Won\u2019t Do" with a typographic apostrophe in some translations.
    return word.strip().lower().replace("\u2019", "'") in _DROPPED


def _told(at: str | int | None, field: str) -> datetime | None:
    return None if at is None else moment(at, field)


def moment(at: str | int, field: str) -> datetime:
    """A time as Jira writes it: ISO 8601 with an offset, or milliseconds since 1970."""
    try:
        if isinstance(at, int):
            return datetime.fromtimestamp(at / 1000, UTC)
        told = datetime.fromisoformat(at)
        if told.tzinfo is None:
            raise ValueError
        return utc(told, _PROVIDER)
    except (ValueError, OverflowError, OSError, TypeError) as error:
        message = f"{_PROVIDER} payload: {field} is no time"
        raise UnreadablePayload("unreadable_field", message) from error


def _verified(secret: str, body: bytes, headers: Headers, _now: datetime) -> bool:
    """By the signature; servers that can't sign send the secret (a proxy or plug-in adds it)."""
    told = headers.get("x-hub-signature")
    if told is not None:
        return hmac_sha256_hex(secret, body, told)
    return bearer_or_basic(secret, headers)


def _delivery_id(headers: Headers, _payload: Payload) -> str | None:
    return headers.get("x-atlassian-webhook-identifier")


def _event(_headers: Headers, payload: Payload) -> str | None:
    event = payload.get("webhookEvent")
    return event if isinstance(event, str) else None


TRACKER = Provider(
    name=NAME,
    events_used=EVENTS_USED,
    verify=_verified,
    delivery_id=_delivery_id,
    event=_event,
    parse=parse,
)
