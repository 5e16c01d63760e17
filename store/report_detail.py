"""One session from all sides: usage by model and by source, counts, ties, links, label history."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, and_, cast, func, select

from domain.events import Quantity, Source, Trace
from store import tables as t
from store.report_usage import Usage, summed


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage:
    """Booked usage of one model for one purpose; None where the telemetry names neither."""

    model: str | None
    purpose: str | None
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceUsage:
    """What one signal told of the session's usage; only the ``booked`` one is counted."""

    source: Source
    booked: bool
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSeen:
    """One reason for a link."""

    kind: str
    value: str
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSeen:
    """A session's link to a commit or a change. ``title`` and ``state`` are a change's, if known.

    ``cost_nanousd`` is the part of the session's cost that is split to this target.
    """

    kind: str
    repo: str
    target_id: str
    title: str | None
    state: str | None
    tier: str
    probability: float
    cost_nanousd: int | None
    evidence: tuple[EvidenceSeen, ...]


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
    """All that is known of a session besides its label.

    ``counts`` holds amounts by quantity and item, ``traces`` the time each value was first seen.
    """

    usage: tuple[ModelUsage, ...]
    sources: tuple[SourceUsage, ...]
    counts: Mapping[Quantity, Mapping[str, int]]
    traces: Mapping[Trace, Mapping[str, datetime]]
    links: tuple[LinkSeen, ...]


def sides(connection: Connection, session_pk: int) -> SessionSides:
    """Read a session from all sides."""
    return SessionSides(
        usage=tuple(usage_by_model(connection, session_pk)),
        sources=tuple(usage_by_source(connection, session_pk)),
        counts=counts(connection, session_pk),
        traces=traces(connection, session_pk),
        links=tuple(links(connection, session_pk)),
    )


def usage_by_model(connection: Connection, session_pk: int) -> list[ModelUsage]:
    """Booked usage, ordered by model and purpose, untold last."""
    keys = (t.usage.c.model, t.usage.c.purpose)
    rows = [
        ModelUsage(model=model or None, purpose=purpose or None, usage=usage)
        for (model, purpose), usage in summed(connection, keys, t.usage.c.session_pk == session_pk)
    ]
    return sorted(rows, key=lambda r: (not r.model, r.model or "", not r.purpose, r.purpose or ""))


def usage_by_source(connection: Connection, session_pk: int) -> list[SourceUsage]:
    """What each signal told, the best first."""
    every = t.usage.join(t.sessions, t.sessions.c.pk == t.usage.c.session_pk)
    keys = (t.usage.c.rank, t.usage.c.source, t.sessions.c.usage_rank)
    rows = summed(connection, keys, t.usage.c.session_pk == session_pk, source=every)
    return [
        SourceUsage(source=Source(source), booked=rank == best, usage=usage)
        for (rank, source, best), usage in sorted(rows, key=lambda row: row[0])
    ]


def counts(connection: Connection, session_pk: int) -> dict[Quantity, dict[str, int]]:
    """How many of each quantity by item, each quantity from its best source only."""
    c = t.session_counts.c
    best = (
        select(c.quantity, func.min(c.rank).label("rank"))
        .where(c.session_pk == session_pk)
        .group_by(c.quantity)
        .subquery()
    )
    query = (
        select(c.quantity, c.item, c.amount)
        .join(best, and_(best.c.quantity == c.quantity, best.c.rank == c.rank))
        .where(c.session_pk == session_pk)
        .order_by(c.quantity, c.item)
    )
    found: dict[Quantity, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(query):
        found[Quantity(row.quantity)][row.item] = row.amount
    return dict(found)


def traces(connection: Connection, session_pk: int) -> dict[Trace, dict[str, datetime]]:
    """What ties the session to the outside: values with the time first seen, earliest first."""
    c = t.session_traces.c
    query = select(c.trace, c.value, c.first_at).where(c.session_pk == session_pk)
    found: dict[Trace, dict[str, datetime]] = defaultdict(dict)
    for row in connection.execute(query.order_by(c.first_at, c.value)):
        found[Trace(row.trace)][row.value] = row.first_at
    return dict(found)


def links(connection: Connection, session_pk: int) -> list[LinkSeen]:
    """All links of the session, the strongest first, each with its evidence."""
    link, change = t.links.c, t.changes.c
    query = (
        select(t.links, change.title, change.state)
        .select_from(
            t.links.outerjoin(
                t.changes,
                and_(
                    link.kind == "change",
                    change.repo == link.repo,
                    cast(change.number, String) == link.target_id,
                ),
            )
        )
        .where(link.session_pk == session_pk)
        .order_by(link.tier, link.probability.desc(), link.kind, link.repo, link.target_id)
    )
    rows = connection.execute(query).all()
    evidence = _evidence(connection, [row.id for row in rows])
    return [_link(row, evidence.get(row.id, ())) for row in rows]


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


def _evidence(connection: Connection, ids: list[str]) -> dict[str, tuple[EvidenceSeen, ...]]:
    c = t.link_evidence.c
    query = select(t.link_evidence).where(c.link_id.in_(ids))
    found: dict[str, tuple[EvidenceSeen, ...]] = {}
    for row in connection.execute(query.order_by(c.observed_at, c.kind, c.value)):
        seen = EvidenceSeen(kind=row.kind, value=row.value, observed_at=row.observed_at)
        found[row.link_id] = (*found.get(row.link_id, ()), seen)
    return found


def _link(row: Any, evidence: tuple[EvidenceSeen, ...]) -> LinkSeen:
    return LinkSeen(
        kind=row.kind,
        repo=row.repo,
        target_id=row.target_id,
        title=row.title,
        state=row.state,
        tier=row.tier,
        probability=row.probability,
        cost_nanousd=row.cost_nanousd,
        evidence=evidence,
    )
