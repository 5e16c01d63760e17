"""Tickets as they are answered: what each cost, and how it moved."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from domain.labels import TargetKind, Tier
from domain.tickets import TieKind
from store import people
from store import tables as t
from store.membership import ChangeId, chunks
from store.report_changes import Happened, Spent, spent_on

_SURE = (Tier.A.value, Tier.B.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketListed:
    """One ticket as its tracker last told it. ``assignees`` are persons' pseudonyms.

    ``spent`` is what its changes cost. A change of two tickets counts in full for each of them.
    """

    tracker: str
    key: str
    project: str
    kind: str | None
    title: str
    state: str
    state_name: str
    created_at: datetime | None
    updated_at: datetime
    closed_at: datetime | None
    parent: str | None
    labels: tuple[str, ...]
    assignees: tuple[str, ...]
    changes: tuple[ChangeId, ...]
    spent: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketPosition:
    """Where a page ended: the last ticket."""

    updated_at: datetime
    tracker: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFilter:
    """Which tickets: there and last told of in [``start``, ``end``), and allowed values."""

    start: datetime | None = None
    end: datetime | None = None
    trackers: frozenset[str] = frozenset()
    projects: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()


def page(
    connection: Connection, wanted: TicketFilter, limit: int, after: TicketPosition | None = None
) -> list[TicketListed]:
    """Tickets by their last change, newest first."""
    c = t.tickets.c
    query = select(t.tickets).where(*_where(wanted))
    if after is not None:
        same = c.updated_at == after.updated_at
        later = or_(
            and_(same, c.tracker > after.tracker),
            and_(same, c.tracker == after.tracker, c.key > after.key),
        )
        query = query.where(or_(c.updated_at < after.updated_at, later))
    query = query.order_by(c.updated_at.desc(), c.tracker, c.key).limit(limit)
    return _seen(connection, connection.execute(query).all())


def find(connection: Connection, key: str) -> list[TicketListed]:
    """The tickets of this key: of several trackers there may be one each."""
    c = t.tickets.c
    query = select(t.tickets).where(c.key == key).order_by(c.tracker)
    return _seen(connection, connection.execute(query).all())


def _where(wanted: TicketFilter) -> Iterator[ColumnElement[bool]]:
    c = t.tickets.c
    if wanted.start is not None:
        yield c.updated_at >= wanted.start
    if wanted.end is not None:
        yield c.updated_at < wanted.end
    for column, values in (
        (c.tracker, wanted.trackers),
        (c.project, wanted.projects),
        (c.state, wanted.states),
    ):
        if values:
            yield column.in_(sorted(values))


def _seen(connection: Connection, rows: Sequence[Any]) -> list[TicketListed]:
    keys = {row.key for row in rows}
    changes, sessions = changes_of(connection, keys), _sessions(connection, keys)
    spent = spent_on(connection, {each for some in changes.values() for each in some})
    assigned = {row: row.assignee.splitlines() for row in rows}
    persons = people.persons_of(connection, {each for some in assigned.values() for each in some})
    return [
        TicketListed(
            tracker=row.tracker,
            key=row.key,
            project=row.project,
            kind=row.kind,
            title=row.title,
            state=row.state,
            state_name=row.state_name,
            created_at=row.created_at,
            updated_at=row.updated_at,
            closed_at=row.closed_at,
            parent=row.parent,
            labels=tuple(row.labels.splitlines()),
            assignees=tuple(sorted({persons[each] for each in assigned[row]})),
            changes=tuple(sorted(changes[row.key])),
            spent=_sum(
                [spent[each] for each in changes[row.key] if each in spent], sessions[row.key]
            ),
        )
        for row in rows
    ]


def _sum(spent: Sequence[Spent], sessions: Counter[bool]) -> Spent:
    costs = [each.cost_nanousd for each in spent if each.cost_nanousd is not None]
    return Spent(
        cost_nanousd=sum(costs) if costs else None,
        sessions=sessions[True],
        probable_sessions=sessions[False],
        sessions_without_cost=sum(each.sessions_without_cost for each in spent),
    )


def _sessions(connection: Connection, keys: Collection[str]) -> dict[str, Counter[bool]]:
    """How many sessions are linked to each ticket: surely (tier A or B) or not."""
    link = t.links.c
    found: dict[str, Counter[bool]] = defaultdict(Counter)
    for some in chunks(sorted(keys)):
        # A ticket belongs to no repository.
        mine = (link.repo == "", link.kind == TargetKind.TICKET.value, link.target_id.in_(some))
        for row in connection.execute(select(link.target_id, link.tier).where(*mine)):
            found[row.target_id][row.tier in _SURE] += 1
    return found


def changes_of(connection: Connection, keys: Collection[str]) -> dict[str, set[ChangeId]]:
    """The changes that name a ticket, or that its tracker or forge ties to it."""
    found: dict[str, set[ChangeId]] = defaultdict(set)
    named, tied = t.change_tasks.c, t.ticket_ties.c
    for some in chunks(sorted(keys)):
        for row in connection.execute(select(t.change_tasks).where(named.key.in_(some))):
            found[row.key].add((row.repo, row.number))
        query = select(t.ticket_ties).where(tied.key.in_(some), tied.kind == TieKind.CHANGE.value)
        for row in connection.execute(query):
            if row.value.isdecimal():
                found[row.key].add((row.repo, int(row.value)))
    return found


def timeline(connection: Connection, ticket: TicketListed) -> list[Happened]:
    """How a ticket moved, the first thing first."""
    told = []
    if ticket.created_at is not None:
        told.append(Happened(at=ticket.created_at, kind="created"))
    c = t.ticket_moves.c
    query = select(t.ticket_moves).where(c.tracker == ticket.tracker, c.key == ticket.key)
    told += [
        Happened(at=row.at, kind="moved", state=row.to_state) for row in connection.execute(query)
    ]
    return sorted(told, key=lambda each: (each.at, each.kind, each.state or ""))
