"""Azure Boards: what a work item tells, in webhooks and REST alike.

Work items are numbered across an organisation: ``AB#7``. Their states are those of five categories,
whatever a process calls its own; webhooks name states only, so there the names that Microsoft's
processes have decide, and a name that is none of them is taken as in progress. Resolved (the work
is done, not yet verified) counts as done: taking it up again is a reopening.

A link to a commit, branch or pull request names its repository by a number that only REST explains;
so of a webhook only links to other work items are read.

https://learn.microsoft.com/azure/devops/boards/work-items/workflow-and-state-categories
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import msgspec

from collector.forges.azure_devops_words import NAME, PROVIDER, Identity, actor
from collector.forges.errors import UnreadablePayload
from collector.forges.reading import Number, Text, read, utc
from domain.pseudonym import Pseudonyms
from domain.tickets import TicketMoved, TicketSeen, TicketState, TicketTied, TieKind

CATEGORIES = {
    "proposed": TicketState.OPEN,
    "inprogress": TicketState.IN_PROGRESS,
    "resolved": TicketState.DONE,
    "completed": TicketState.DONE,
    "removed": TicketState.DROPPED,
}
"""States by category, which REST tells of each state of each type."""

_NAMES = {
    **dict.fromkeys(
        ("new", "to do", "proposed", "approved", "open", "requested", "design"), TicketState.OPEN
    ),
    **dict.fromkeys(("resolved", "closed", "done", "completed"), TicketState.DONE),
    **dict.fromkeys(("removed", "cut", "rejected"), TicketState.DROPPED),
}
# Reasons that Microsoft's processes give for closing what was not done.
_NOT_DONE = frozenset(
    {"abandoned", "as designed", "cannot reproduce", "copied to backlog", "cut", "deferred"}
    | {"duplicate", "obsolete", "overtaken by events", "rejected", "removed from the backlog"}
    | {"won't fix", "out of scope"}
)
_MAIL = re.compile(r"<(?P<unique>[^<>]{1,320})>\s*\Z")
_WORK_ITEM = re.compile(r"/workItems/(?P<number>[1-9][0-9]{0,8})\Z", re.IGNORECASE)
# vstfs:///Git/PullRequestId/<project>%2F<repository>%2F<number>
_ARTIFACT = re.compile(
    r"\Avstfs:///Git/(?P<kind>PullRequestId|Commit|Ref)/[^/]{1,100}?/(?P<repo>[0-9a-f-]{36})/(?P<value>.{1,400})\Z",
    re.IGNORECASE,
)
_PARENT = "System.LinkTypes.Hierarchy-Reverse"
_ARTIFACT_KINDS = {
    "pullrequestid": TieKind.CHANGE,
    "commit": TieKind.COMMIT,
    "ref": TieKind.BRANCH,
}
# How a link to a ref tells a branch from a tag ("GT").
_BRANCH_MARK = "GB"


class Relation(msgspec.Struct):
    """A link of a work item."""

    rel: Text
    url: Text
    attributes: dict[str, Any] = {}


class WorkItem(msgspec.Struct):
    """A work item at one of its revisions."""

    id: Number
    fields: dict[str, Any]
    relations: tuple[Relation, ...] | None = None


class _Fields(msgspec.Struct):
    """The fields that are read, of the many that a process may add."""

    title: Text = msgspec.field(name="System.Title")
    state: Text = msgspec.field(name="System.State")
    project: Text = msgspec.field(name="System.TeamProject")
    changed: datetime = msgspec.field(name="System.ChangedDate")
    created: datetime | None = msgspec.field(default=None, name="System.CreatedDate")
    closed: datetime | None = msgspec.field(default=None, name="Microsoft.VSTS.Common.ClosedDate")
    kind: Text | None = msgspec.field(default=None, name="System.WorkItemType")
    reason: Text = msgspec.field(default="", name="System.Reason")
    tags: Text = msgspec.field(default="", name="System.Tags")
    parent: Number | None = msgspec.field(default=None, name="System.Parent")
    assignee: Identity | Text | None = msgspec.field(default=None, name="System.AssignedTo")


def ticket(
    told: WorkItem,
    pseudonyms: Pseudonyms,
    categories: Mapping[tuple[str, str], TicketState] | None = None,
    *,
    deleted: bool = False,
) -> TicketSeen:
    """A work item as it stands; ``categories`` gives states by type and name, in lower case."""
    fields = read(told.fields, _Fields, PROVIDER)
    state = state_of(fields.state, fields.reason, fields.kind or "", categories)
    ended = state in (TicketState.DONE, TicketState.DROPPED)
    parents = [_number(each) for each in told.relations or () if each.rel == _PARENT]
    parent = fields.parent or next(filter(None, parents), None)
    return TicketSeen(
        tracker=NAME,
        key=key(told.id),
        project=fields.project,
        kind=fields.kind,
        title=fields.title,
        state=TicketState.DROPPED if deleted else state,
        state_name=fields.state,
        created_at=_utc(fields.created) if fields.created else None,
        updated_at=_utc(fields.changed),
        closed_at=_utc(fields.closed) if fields.closed and ended else None,
        parent=key(parent) if parent else None,
        labels=tuple(tag.strip() for tag in fields.tags.split(";") if tag.strip()),
        assignee=_assignee(fields.assignee, pseudonyms),
    )


def state_of(
    name: str,
    reason: str = "",
    kind: str = "",
    categories: Mapping[tuple[str, str], TicketState] | None = None,
) -> TicketState:
    """Where a work item stands by the name of its state, and the reason it took it for."""
    known = (categories or {}).get((kind.lower(), name.lower()))
    state = known or _NAMES.get(name.lower(), TicketState.IN_PROGRESS)
    if state is TicketState.DONE and reason.lower() in _NOT_DONE:
        return TicketState.DROPPED
    return state


def moved(
    number: int,
    before: tuple[str, str] | None,
    after: tuple[str, str],
    at: datetime,
    kind: str = "",
    categories: Mapping[tuple[str, str], TicketState] | None = None,
) -> tuple[TicketMoved, ...]:
    """One move between two (state, reason), the first None where only the second is told.

    There is none where both names mean the same.
    """
    goal = state_of(*after, kind, categories)
    origin = state_of(*before, kind, categories) if before else None
    if origin is goal:
        return ()
    return (
        TicketMoved(tracker=NAME, key=key(number), from_state=origin, to_state=goal, at=_utc(at)),
    )


def ties(
    number: int,
    relations: tuple[Relation, ...],
    repositories: Mapping[str, str],
    seen_at: datetime,
) -> Iterator[TicketTied]:
    """What a work item is linked to; ``repositories`` gives the names of those known by id."""
    for each in relations:
        relation = each.attributes.get("name")
        relation = relation if isinstance(relation, str) else each.rel
        if found := _tied_to(each, repositories):
            kind, repo, value = found
            yield TicketTied(
                tracker=NAME,
                key=key(number),
                kind=kind,
                repo=repo,
                value=value,
                relation=relation,
                seen_at=_utc(seen_at),
            )


def _tied_to(
    told: Relation, repositories: Mapping[str, str]
) -> tuple[TieKind, str | None, str] | None:
    if (number := _number(told)) is not None:
        return TieKind.TICKET, None, key(number)
    artifact = _ARTIFACT.match(unquote(told.url))
    if artifact is None:
        return None
    kind = _ARTIFACT_KINDS[artifact["kind"].lower()]
    repo = repositories.get(artifact["repo"].lower())
    value = artifact["value"]
    if kind is TieKind.BRANCH:
        if not value.startswith(_BRANCH_MARK):
            return None
        value = value.removeprefix(_BRANCH_MARK)
    return (kind, repo, value) if repo else None


def key(number: int) -> str:
    """What people write."""
    return f"AB#{number}"


def _number(told: Relation) -> int | None:
    found = _WORK_ITEM.search(told.url)
    return int(found["number"]) if found else None


def _assignee(told: Identity | str | None, pseudonyms: Pseudonyms) -> tuple[str, ...]:
    if isinstance(told, str):
        # The first resource version: "Somebody <somebody@example.com>".
        mail = _MAIL.search(told)
        told = Identity(unique_name=mail["unique"]) if mail else None
    return actor(told, pseudonyms).identities


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise UnreadablePayload("unreadable_field", f"{PROVIDER} payload: a time without its zone")
    return utc(at, PROVIDER)
