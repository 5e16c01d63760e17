"""Sessions that are still at it and have used very much: what an alert about a runaway looks at."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, cast, func, or_, select, union

from domain.events import Quantity
from store import tables as t
from store.families import ROOT, with_roots


@dataclass(frozen=True, slots=True, kw_only=True)
class HeavySession:
    """What a session used with all that belong to it; ``pk`` is its key.

    ``nanousd`` is at list price, None without one. ``repeats`` is how often the very same call
    failed again, of the call that did so most.
    """

    pk: int
    tool: str
    session_id: str
    last_at: datetime
    tokens: int
    requests: int
    repeats: int
    nanousd: int | None


def heavy_sessions(
    connection: Connection, since: datetime, *, tokens: int, requests: int, repeats: int
) -> list[HeavySession]:
    """Sessions with a record since then that have more than any of these, by tool and id."""
    s, f = t.sessions.c, t.session_families.c
    shown = func.coalesce(ROOT.c.pk, s.pk)
    recent = (
        select(shown.label("root"))
        .select_from(with_roots(t.sessions, s.pk))
        .where(s.last_at >= since)
        .distinct()
        .subquery("recent")
    )
    # Each with everybody of its family, also those that have ended long ago.
    members = union(
        select(recent.c.root.label("pk"), recent.c.root.label("root")),
        select(f.session_pk, f.root_pk).join(recent, recent.c.root == f.root_pk),
    ).subquery("members")
    used = _used(connection, members, tokens, requests)
    failing = _failing(connection, members, repeats)
    missing = failing.keys() - used.keys()
    if missing:
        used |= _used(connection, members, None, None, tuple(missing))
    query = select(t.sessions).where(s.pk.in_(sorted(used)), s.session_id.is_not(None))
    found = [
        HeavySession(
            pk=row.pk,
            tool=row.tool,
            session_id=row.session_id,
            last_at=row.last_at,
            tokens=used[row.pk][0],
            requests=used[row.pk][1],
            repeats=failing.get(row.pk, 0),
            nanousd=used[row.pk][2],
        )
        for row in connection.execute(query)
    ]
    return sorted(found, key=lambda each: (each.tool, each.session_id))


def _used(
    connection: Connection,
    members: Any,
    tokens: int | None,
    requests: int | None,
    roots: tuple[int, ...] = (),
) -> dict[int, tuple[int, int, int | None]]:
    u = t.usage.c
    told = [func.coalesce(u[name], 0) for name in ("input", "cache_read", "cache_write", "output")]
    all_tokens = func.sum(told[0] + told[1] + told[2] + told[3])
    all_requests = func.sum(func.coalesce(u.requests, 0))
    sums = (all_tokens, all_requests, func.sum(u.list_nanousd))
    query = (
        select(members.c.root, *(cast(each, BigInteger) for each in sums))
        .select_from(members)
        .join(t.sessions, t.sessions.c.pk == members.c.pk)
        .join(t.usage, (u.session_pk == members.c.pk) & (u.rank == t.sessions.c.usage_rank))
        .group_by(members.c.root)
    )
    if tokens is not None and requests is not None:
        query = query.having(or_(all_tokens > tokens, all_requests > requests))
    else:
        query = query.where(members.c.root.in_(roots))
    return {root: (many, asked, cost) for root, many, asked, cost in connection.execute(query)}


def _failing(connection: Connection, members: Any, repeats: int) -> dict[int, int]:
    c = t.session_counts.c
    query = (
        select(members.c.root, func.max(c.amount))
        .select_from(members)
        .join(t.session_counts, c.session_pk == members.c.pk)
        .where(c.quantity == Quantity.REPEATED_FAILURES.value, c.amount > repeats)
        .group_by(members.c.root)
    )
    return {root: int(most) for root, most in connection.execute(query)}
