"""How complete sessions are, read for many at once."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from domain.completeness import Completeness, Told, owed, sources_agree, together, tokens_missing
from domain.events import Quantity
from domain.usage import add
from store import families
from store import tables as t
from store.report_usage import TOLD, Usage, summed

_BEGUN_AND_ENDED = (
    Quantity.REQUESTS_STARTED,
    Quantity.REQUESTS_UNMEASURED,
    Quantity.PROCESS_STARTS,
    Quantity.PROCESS_ENDS,
)


@dataclass(slots=True)
class _Told:
    """What the signals of one session told, by rank; ``counts`` from the best rank of each."""

    best: int | None = None
    usage: dict[int, Usage] = field(default_factory=dict)
    counts: dict[Quantity, tuple[int, int]] = field(default_factory=dict)


def completeness(
    connection: Connection, members: Mapping[int, Collection[int]]
) -> dict[int, Completeness]:
    """Of each of these sessions, each with the sessions that count as one with it."""
    told: dict[int, _Told] = defaultdict(_Told)
    keys = (t.usage.c.session_pk, t.usage.c.rank, t.sessions.c.usage_rank)
    mine = families.among(t.usage.c.session_pk, members)
    for (pk, rank, best), usage in summed(connection, keys, mine, source=TOLD):
        told[pk].best = best
        told[pk].usage[rank] = usage
    c = t.session_counts.c
    query = (
        select(c.session_pk, c.quantity, c.rank, func.sum(c.amount).label("amount"))
        .where(families.among(c.session_pk, members), c.quantity.in_(_BEGUN_AND_ENDED))
        .group_by(c.session_pk, c.quantity, c.rank)
        .order_by(c.rank.desc())
    )
    for row in connection.execute(query):
        # The lowest rank comes last and stands.
        told[row.session_pk].counts[Quantity(row.quantity)] = (row.rank, int(row.amount))
    return {
        pk: together(_judged(told[each]) for each in family if each in told)
        for pk, family in members.items()
    }


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
