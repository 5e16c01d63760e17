"""Links and labels: replaced and kept, and the totals that rules look at."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from domain.events import Quantity, Trace
from domain.labels import Evidence, Labelled, Link, Target, Tier
from store import families
from store import tables as t
from store.upsert import insert_into


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTotals:
    """What telemetry told of one session in all; None where no signal told it."""

    tool: str
    session_id: str | None
    first_at: datetime
    last_at: datetime
    active: bool
    tokens: int | None
    reported_nanousd: int | None
    list_nanousd: int | None
    counts: Mapping[str, int]
    named_commits: int


def totals_of(connection: Connection, session_pk: int) -> SessionTotals | None:
    """Totals of one session with all that belong to it, each quantity from its best source alone.

    None for a session that is not known, and for one that belongs to another.
    """
    alone = (t.sessions.c.pk == session_pk, ~families.belongs(t.sessions.c.pk))
    session = connection.execute(select(t.sessions).where(*alone)).first()
    if session is None:
        return None
    columns = (t.usage.c.input, t.usage.c.cache_read, t.usage.c.cache_write, t.usage.c.output)
    buckets = [func.sum(column) for column in columns]
    money = [func.sum(t.usage.c.reported_nanousd), func.sum(t.usage.c.list_nanousd)]
    booked = t.usage.join(t.sessions, t.sessions.c.pk == t.usage.c.session_pk)
    row = connection.execute(
        select(*buckets, *money)
        .select_from(booked)
        .where(
            families.among(t.usage.c.session_pk, [session_pk]),
            t.usage.c.rank == t.sessions.c.usage_rank,
        )
    ).one()
    told = [int(value) for value in row[: len(buckets)] if value is not None]
    return SessionTotals(
        tool=session.tool,
        session_id=session.session_id,
        first_at=session.first_at,
        last_at=session.last_at,
        active=session.active,
        tokens=sum(told) if told else None,
        reported_nanousd=_whole(row[-2]),
        list_nanousd=_whole(row[-1]),
        counts=_counts(connection, session_pk),
        named_commits=_named_commits(connection, session_pk),
    )


def _named_commits(connection: Connection, session_pk: int) -> int:
    c = t.session_traces.c
    query = select(func.count(c.value.distinct())).where(
        families.among(c.session_pk, [session_pk]), c.trace == Trace.COMMIT.value
    )
    return int(connection.execute(query).scalar_one())


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _counts(connection: Connection, session_pk: int) -> dict[str, int]:
    counts = t.session_counts.c
    query = (
        select(counts.session_pk, counts.quantity, counts.rank, func.sum(counts.amount))
        .where(families.among(counts.session_pk, [session_pk]))
        .group_by(counts.session_pk, counts.quantity, counts.rank)
        .order_by(counts.rank.desc())
    )
    # Of each session the lowest rank comes last and stands.
    told = {(pk, quantity): int(amount) for pk, quantity, _, amount in connection.execute(query)}
    totals: dict[str, int] = {}
    for (_, quantity), amount in told.items():
        totals[quantity] = totals.get(quantity, 0) + amount
    return totals


def count_of(totals: SessionTotals, *quantities: Quantity) -> int | None:
    """The sum of these counts; None where none of them was told."""
    told = [totals.counts[q.value] for q in quantities if q.value in totals.counts]
    return sum(told) if told else None


def forge_connected(connection: Connection, repositories: frozenset[str]) -> bool:
    """Whether a forge reports these repositories; of none told, whether any forge reports at all.

    Where nobody reports, work may have landed unseen: its absence says nothing.
    """
    query = select(t.repositories.c.repo)
    if repositories:
        query = query.where(t.repositories.c.repo.in_(sorted(repositories)))
    return connection.execute(query.limit(1)).first() is not None


def replace_links(
    connection: Connection, session_pk: int, shares: Sequence[tuple[Link, int | None]]
) -> None:
    """Exchange a session's links for these; each with its share of the cost in nano-dollars."""
    mine = select(t.links.c.id).where(t.links.c.session_pk == session_pk)
    connection.execute(delete(t.link_evidence).where(t.link_evidence.c.link_id.in_(mine)))
    connection.execute(delete(t.links).where(t.links.c.session_pk == session_pk))
    rows, evidence = [], []
    for link, share in shares:
        link_id = _link_id(session_pk, link.target)
        rows.append(
            {
                "id": link_id,
                "session_pk": session_pk,
                "kind": str(link.target.kind),
                "repo": link.target.repo,
                "target_id": link.target.id,
                "tier": link.tier.value,
                "probability": link.probability,
                "cost_nanousd": share,
            }
        )
        evidence += [
            {
                "link_id": link_id,
                "kind": str(each.kind),
                "value": each.value,
                "observed_at": each.observed_at,
            }
            for each in link.evidence
        ]
    if rows:
        connection.execute(insert(t.links), rows)
        connection.execute(
            insert_into(connection, t.link_evidence).on_conflict_do_nothing(), evidence
        )


def _link_id(session_pk: int, target: Target) -> str:
    told = f"{session_pk}\0{target.kind}\0{target.repo}\0{target.id}"
    return hashlib.blake2b(told.encode(), digest_size=10).hexdigest()


def links_of(connection: Connection, session_pk: int) -> list[tuple[str, Link, int | None]]:
    """A session's links with their ids and cost shares, strongest first."""
    query = select(t.links).where(t.links.c.session_pk == session_pk)
    query = query.order_by(t.links.c.tier, t.links.c.probability.desc(), t.links.c.id)
    rows = connection.execute(query).all()
    evidence: dict[str, list[Evidence]] = {row.id: [] for row in rows}
    if evidence:
        told = select(t.link_evidence).where(t.link_evidence.c.link_id.in_(list(evidence)))
        for row in connection.execute(told.order_by(t.link_evidence.c.observed_at)):
            evidence[row.link_id].append(
                Evidence(kind=row.kind, value=row.value, observed_at=row.observed_at)
            )
    return [
        (
            row.id,
            Link(
                target=Target(kind=row.kind, repo=row.repo, id=row.target_id),
                tier=Tier(row.tier),
                probability=row.probability,
                evidence=tuple(evidence[row.id]),
            ),
            row.cost_nanousd,
        )
        for row in rows
    ]


def withdraw_label(connection: Connection, session_pk: int) -> None:
    """Leave a session without any label; those that it had stay as history."""
    current = (t.labels.c.session_pk == session_pk) & t.labels.c.current.is_(True)
    connection.execute(update(t.labels).where(current).values(current=False))


def keep_label(connection: Connection, session_pk: int, labelled: Labelled) -> None:
    """Make this the current label; the one before stays as history unless it says the same."""
    labels = t.labels
    current = (labels.c.session_pk == session_pk) & labels.c.current.is_(True)
    before = connection.execute(select(labels).where(current)).first()
    values = {
        "label": labelled.label.value,
        "maturity": labelled.maturity.value,
        "rule": labelled.rule,
        "reason": labelled.reason,
        "facts": json.dumps(labelled.facts),
        "rule_set": labelled.rule_set,
        "due_at": labelled.due_at,
    }
    same = ("label", "maturity", "rule", "rule_set")
    if before is not None and all(getattr(before, name) == values[name] for name in same):
        connection.execute(update(labels).where(current).values(**values))
        return
    connection.execute(update(labels).where(current).values(current=False))
    insertion = insert_into(connection, labels)
    row = {"session_pk": session_pk, "labelled_at": labelled.as_of, "current": True, **values}
    connection.execute(
        insertion.on_conflict_do_update(
            index_elements=["session_pk", "labelled_at"],
            set_={name: insertion.excluded[name] for name in (*values, "current")},
        ),
        row,
    )
