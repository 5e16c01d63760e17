"""How complete sessions are, read for many at once."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Select, Subquery, func, select

from domain.completeness import Completeness, Told, owed, sources_agree, together, tokens_missing
from domain.events import Quantity
from domain.usage import Tokens, add
from store import families
from store import tables as t
from store.given import asking

_BEGUN_AND_ENDED = (
    Quantity.REQUESTS_STARTED,
    Quantity.REQUESTS_UNMEASURED,
    Quantity.PROCESS_STARTS,
    Quantity.PROCESS_ENDS,
)
_ASKED = {"pk": BigInteger()}
_BUCKETS = Tokens.__struct_fields__


class _Usage(NamedTuple):
    """What one signal told of a session's requests."""

    tokens: Tokens
    requests: int | None
    failed_requests: int | None


@dataclass(slots=True)
class _Told:
    """What the signals of one session told, by rank; ``counts`` from the best rank of each."""

    best: int | None = None
    usage: dict[int, _Usage] = field(default_factory=dict)
    counts: dict[Quantity, tuple[int, int]] = field(default_factory=dict)


def completeness(
    connection: Connection, members: Mapping[int, Collection[int]]
) -> dict[int, Completeness]:
    """Of each of these sessions, each with the sessions that count as one with it."""
    told: dict[int, _Told] = defaultdict(_Told)
    asked = [(pk,) for pk in sorted({pk for family in members.values() for pk in family})]
    for pk, rank, best, requests, failed, *buckets in _used(connection, asked):
        told[pk].best = best
        tokens = dict(zip(_BUCKETS, map(_whole, buckets), strict=True))
        told[pk].usage[rank] = _Usage(Tokens(**tokens), _whole(requests), _whole(failed))
    for pk, quantity, rank, amount in _counted(connection, asked):
        # The lowest rank comes last and stands.
        told[pk].counts[Quantity(quantity)] = (rank, int(amount))
    return {
        pk: together(_judged(told[each]) for each in family if each in told)
        for pk, family in members.items()
    }


def incomplete(connection: Connection, session_pks: Collection[int]) -> set[int]:
    """Those of these sessions of which something is known to be missing.

    Each is looked at with the sessions that count as one with it.
    """
    if not session_pks:
        return set()
    told = completeness(connection, families.members(connection, session_pks))
    return {pk for pk, each in told.items() if each.complete is False}


@asking(_ASKED)
def _used(asked: Subquery) -> Select[Any]:
    u, s = t.usage.c, t.sessions.c
    sums = [func.sum(u[name]) for name in ("requests", "failed_requests", *_BUCKETS)]
    return (
        select(u.session_pk, u.rank, s.usage_rank, *sums)
        .select_from(asked)
        .join(t.sessions, s.pk == asked.c.pk)
        .join(t.usage, u.session_pk == asked.c.pk)
        .group_by(u.session_pk, u.rank, s.usage_rank)
    )


@asking(_ASKED)
def _counted(asked: Subquery) -> Select[Any]:
    c = t.session_counts.c
    return (
        select(c.session_pk, c.quantity, c.rank, func.sum(c.amount))
        .join(asked, asked.c.pk == c.session_pk)
        .where(c.quantity.in_([each.value for each in _BEGUN_AND_ENDED]))
        .group_by(c.session_pk, c.quantity, c.rank)
        .order_by(c.rank.desc())
    )


def _whole(value: Any) -> int | None:
    # PostgreSQL's sum of bigint is numeric.
    return None if value is None else int(value)


def _judged(told: _Told) -> Completeness:
    counts = {quantity: amount for quantity, (_, amount) in told.counts.items()}
    started = counts.get(Quantity.REQUESTS_STARTED)
    signals = {rank: Told(usage.tokens, usage.requests) for rank, usage in told.usage.items()}
    booked = signals.pop(told.best, None) if told.best is not None else None
    others = list(signals.values())
    begun = counts.get(Quantity.PROCESS_STARTS)
    return Completeness(
        requests_started=started,
        requests_unanswered=owed(started, _settled(told)),
        requests_unmeasured=counts.get(Quantity.REQUESTS_UNMEASURED),
        sources_agree=sources_agree(booked, others) if booked else None,
        tokens_missing=tokens_missing(booked, others) if booked else None,
        processes_started=begun,
        processes_unended=owed(begun, counts.get(Quantity.PROCESS_ENDS)),
    )


def _settled(told: _Told) -> int | None:
    """Requests that came back or failed: by the signal that tells of their beginning, or the best.

    The former is counted alike; the latter may know of ends that the former does not.
    """
    rank, _ = told.counts.get(Quantity.REQUESTS_STARTED, (None, 0))
    settled = [
        add(usage.requests, usage.failed_requests) or 0
        for each, usage in told.usage.items()
        if each in (rank, told.best)
    ]
    return max(settled, default=0)
