"""One session from all sides: usage by model, hour and source, counts, ties, links, labels.

A session is told together with the sessions that belong to it (``store.families``), but for its
links, its labels and its context, which are each session's own.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from domain.events import Quantity, Source, Trace
from domain.folded import ContextSizes
from domain.record import EPOCH
from store import context_sizes, families, report_links
from store import tables as t
from store.report_links import LinkSeen
from store.report_usage import TOLD, Usage, combined, summed


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage:
    """Booked usage of one model for one purpose; None where the telemetry names neither."""

    model: str | None
    purpose: str | None
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class HourUsage:
    """Booked usage of the hour that begins at this moment."""

    hour: datetime
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A session that belongs to the one asked for, with its own usage.

    ``parent_id`` is the session that it belongs to directly; None where that one is not known.
    """

    session_id: str
    parent_id: str | None
    first_at: datetime
    last_at: datetime
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceUsage:
    """What one signal told of the session's usage; only the ``booked`` one is counted."""

    source: Source
    booked: bool
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelKept:
    """A label that the session had from ``labelled_at`` on."""

    labelled_at: datetime
    label: str
    maturity: str
    rule: str
    reason: str
    facts: Mapping[str, object]
    rule_set: str
    due_at: datetime | None
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSides:
    """All that is known of a session besides its label and how complete it is.

    ``counts`` holds amounts by quantity and item, ``traces`` the time each value was first seen.
    ``parent_id`` is the session that this one belongs to, ``children`` those that belong to it,
    ``context`` how its own conversation grew: None where no request told its size.
    """

    usage: tuple[ModelUsage, ...]
    hours: tuple[HourUsage, ...]
    sources: tuple[SourceUsage, ...]
    counts: Mapping[Quantity, Mapping[str, int]]
    traces: Mapping[Trace, Mapping[str, datetime]]
    files_edited: int | None
    links: tuple[LinkSeen, ...]
    context: ContextSizes | None
    parent_id: str | None
    children: tuple[Child, ...]


def sides(connection: Connection, session_pk: int) -> SessionSides:
    """Read a session from all sides."""
    members = families.members(connection, [session_pk])[session_pk]
    parents = families.parents_of(connection, members)
    ids = _ids(connection, parents.values())
    return SessionSides(
        usage=tuple(usage_by_model(connection, session_pk)),
        hours=tuple(usage_by_hour(connection, session_pk)),
        sources=tuple(usage_by_source(connection, session_pk)),
        counts=counts(connection, session_pk),
        traces=traces(connection, session_pk),
        files_edited=files_edited(connection, session_pk),
        links=tuple(report_links.of_session(connection, session_pk)),
        context=context_sizes.of(connection, [session_pk]).get(session_pk),
        parent_id=ids.get(parents[session_pk]) if session_pk in parents else None,
        children=tuple(_children(connection, session_pk, parents, ids)),
    )


def usage_by_model(connection: Connection, session_pk: int) -> list[ModelUsage]:
    """Booked usage, ordered by model and purpose, untold last."""
    keys = (t.usage.c.model, t.usage.c.purpose)
    mine = families.among(t.usage.c.session_pk, [session_pk])
    rows = [
        ModelUsage(model=model or None, purpose=purpose or None, usage=usage)
        for (model, purpose), usage in summed(connection, keys, mine)
    ]
    return sorted(rows, key=lambda r: (not r.model, r.model or "", not r.purpose, r.purpose or ""))


def usage_by_hour(connection: Connection, session_pk: int) -> list[HourUsage]:
    """Booked usage, the first hour first."""
    mine = families.among(t.usage.c.session_pk, [session_pk])
    rows = summed(connection, (t.usage.c.hour,), mine)
    return [
        HourUsage(hour=EPOCH + timedelta(hours=hour), usage=usage)
        for (hour,), usage in sorted(rows, key=lambda row: row[0][0])
    ]


def usage_by_source(connection: Connection, session_pk: int) -> list[SourceUsage]:
    """What each signal told, the best first."""
    booked = (t.usage.c.rank == t.sessions.c.usage_rank).label("booked")
    keys = (t.usage.c.rank, t.usage.c.source, booked)
    mine = families.among(t.usage.c.session_pk, [session_pk])
    rows = summed(connection, keys, mine, source=TOLD)
    return [
        SourceUsage(source=Source(source), booked=bool(counted), usage=usage)
        for (_, source, counted), usage in sorted(
            rows, key=lambda row: (not row[0][2], *row[0][:2])
        )
    ]


def counts(connection: Connection, session_pk: int) -> dict[Quantity, dict[str, int]]:
    """How many of each quantity by item, each quantity from a session's best source only."""
    c = t.session_counts.c
    # What prompts a subagent is its parent's work, not the user's.
    own = or_(c.session_pk == session_pk, c.quantity != Quantity.PROMPTS.value)
    mine = and_(families.among(c.session_pk, [session_pk]), own)
    best = (
        select(c.session_pk, c.quantity, func.min(c.rank).label("rank"))
        .where(mine)
        .group_by(c.session_pk, c.quantity)
        .subquery()
    )
    alike = (c.session_pk, c.quantity, c.rank)
    query = (
        select(c.quantity, c.item, func.sum(c.amount).label("amount"))
        .join(best, and_(*(best.c[column.name] == column for column in alike)))
        .group_by(c.quantity, c.item)
        .order_by(c.quantity, c.item)
    )
    found: dict[Quantity, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(query):
        found[Quantity(row.quantity)][row.item] = int(row.amount)
    return dict(found)


def traces(connection: Connection, session_pk: int) -> dict[Trace, dict[str, datetime]]:
    """What ties the session to the outside: values with the time first seen, earliest first.

    But for files, of which there are many and whose names say nothing by themselves.
    """
    c = t.session_traces.c
    query = (
        select(c.trace, c.value, func.min(c.first_at).label("first_at"))
        .where(families.among(c.session_pk, [session_pk]), c.trace != Trace.FILE.value)
        .group_by(c.trace, c.value)
        .order_by(func.min(c.first_at), c.value)
    )
    found: dict[Trace, dict[str, datetime]] = defaultdict(dict)
    for row in connection.execute(query):
        found[Trace(row.trace)][row.value] = row.first_at
    return dict(found)


def files_edited(connection: Connection, session_pk: int) -> int | None:
    """How many different files the session is known to have edited; None where none is."""
    c = t.session_traces.c
    mine = families.among(c.session_pk, [session_pk])
    query = select(func.count(c.value.distinct())).where(mine, c.trace == Trace.FILE.value)
    return connection.execute(query).scalar_one() or None


def _ids(connection: Connection, pks: Collection[int]) -> dict[int, str]:
    query = select(t.sessions.c.pk, t.sessions.c.session_id).where(t.sessions.c.pk.in_(pks))
    return {row.pk: row.session_id for row in connection.execute(query)}


def _children(
    connection: Connection, session_pk: int, parents: Mapping[int, int], ids: Mapping[int, str]
) -> Sequence[Child]:
    """Sessions of the same family, the first one first; only those that did anything."""
    s = t.sessions.c
    family = families.among(s.pk, [session_pk])
    query = select(t.sessions).where(family, s.pk != session_pk, s.active)
    rows = connection.execute(query.order_by(s.first_at, s.pk)).all()
    mine = families.among(t.usage.c.session_pk, [session_pk])
    told = {pk: usage for (pk,), usage in summed(connection, (t.usage.c.session_pk,), mine)}
    return [
        Child(
            session_id=row.session_id,
            parent_id=ids.get(parents[row.pk]),
            first_at=row.first_at,
            last_at=row.last_at,
            usage=told.get(row.pk) or combined((), 1),
        )
        for row in rows
    ]


def history(connection: Connection, session_pk: int) -> list[LabelKept]:
    """All labels the session ever had, the newest first."""
    c = t.labels.c
    query = select(t.labels).where(c.session_pk == session_pk).order_by(c.labelled_at.desc())
    return [
        LabelKept(
            labelled_at=row.labelled_at,
            label=row.label,
            maturity=row.maturity,
            rule=row.rule,
            reason=row.reason,
            facts=json.loads(row.facts),
            rule_set=row.rule_set,
            due_at=row.due_at,
            current=row.current,
        )
        for row in connection.execute(query)
    ]
