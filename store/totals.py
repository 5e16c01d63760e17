"""What telemetry told of sessions in all, of many sessions at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Select, String, Subquery, func, select

from domain.events import Quantity, Trace
from domain.record import EPOCH
from domain.spent import by_report, lower_bound, spent
from store import families
from store import tables as t
from store.given import GivenRow, asking
from store.spent import COSTS, UNPRICED_TOKENS


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlyCost:
    """What one hour of a session cost in nano-dollars; None where it was not told."""

    hour: datetime
    reported_nanousd: int | None
    list_nanousd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTotals:
    """What telemetry told of one session in all; None where no signal told it.

    ``unreported_tokens`` are those of which no cost was reported, ``unpriced_tokens`` those without
    a list price.
    """

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
    hours: tuple[HourlyCost, ...] = ()
    unreported_tokens: int = 0
    unpriced_tokens: int = 0

    @property
    def by_report(self) -> bool:
        """Whether it cost what was reported, and not its list price: so do all of its parts."""
        return by_report(self.reported_nanousd, self.list_nanousd, self.unreported_tokens)

    @property
    def cost_nanousd(self) -> int | None:
        """What it cost; None where that is not known."""
        return spent(self.reported_nanousd, self.list_nanousd, self.unreported_tokens)

    @property
    def lower_bound(self) -> bool:
        """Whether it cost at least that: some of its tokens have no cost that is known."""
        costs = (self.reported_nanousd, self.list_nanousd)
        return lower_bound(*costs, self.unreported_tokens, self.unpriced_tokens)


def totals_of(connection: Connection, session_pks: Collection[int]) -> dict[int, SessionTotals]:
    """Totals of these sessions with all that belong to them, each quantity from its best source.

    None for a session that is not known, and none for one that belongs to another.
    """
    if not session_pks:
        return {}
    members = families.members(connection, families.alone(connection, session_pks))
    of = [(pk, root, Trace.COMMIT.value) for root, all_of in members.items() for pk in all_of]
    usage = _usage(connection, of)
    counts = _counts(connection, of)
    named = _named_commits(connection, of)
    found: dict[int, SessionTotals] = {}
    for row in _roots(connection, of):
        hours = usage.get(row.pk, [])
        found[row.pk] = SessionTotals(
            tool=row.tool,
            session_id=row.session_id,
            first_at=row.first_at,
            last_at=row.last_at,
            active=row.active,
            tokens=_sum(hour.tokens for hour in hours),
            reported_nanousd=_sum(hour.cost.reported_nanousd for hour in hours),
            list_nanousd=_sum(hour.cost.list_nanousd for hour in hours),
            counts=counts.get(row.pk, {}),
            named_commits=named.get(row.pk, 0),
            hours=tuple(hour.cost for hour in hours),
            unreported_tokens=sum(hour.unreported_tokens for hour in hours),
            unpriced_tokens=sum(hour.unpriced_tokens for hour in hours),
        )
    return found


_ASKED = {"pk": BigInteger(), "root": BigInteger(), "commits": String()}


@asking(_ASKED)
def _roots(asked: Subquery) -> Select[Any]:
    s = t.sessions.c
    query = select(s.pk, s.tool, s.session_id, s.first_at, s.last_at, s.active)
    return query.join(asked, asked.c.root == s.pk).distinct()


def _sum(told: Iterable[int | None]) -> int | None:
    known = [value for value in told if value is not None]
    return sum(known) if known else None


class _Hour(NamedTuple):
    tokens: int | None
    cost: HourlyCost
    unreported_tokens: int
    unpriced_tokens: int


def _usage(connection: Connection, of: Iterable[GivenRow]) -> dict[int, list[_Hour]]:
    """Tokens and cost of each hour, by session."""
    found: dict[int, list[_Hour]] = defaultdict(list)
    for root, hour, *buckets, reported, listed, unreported, unpriced in _hours(connection, of):
        cost = HourlyCost(
            hour=EPOCH + timedelta(hours=hour),
            reported_nanousd=reported,
            list_nanousd=listed,
        )
        tokens = _sum(_whole(bucket) for bucket in buckets)
        found[root].append(_Hour(tokens, cost, unreported, unpriced))
    return found


@asking(_ASKED)
def _hours(asked: Subquery) -> Select[Any]:
    u = t.usage.c
    buckets = [func.sum(each) for each in (u.input, u.cache_read, u.cache_write, u.output)]
    return (
        select(asked.c.root, u.hour, *buckets, *COSTS, UNPRICED_TOKENS)
        .select_from(asked)
        .join(t.sessions, t.sessions.c.pk == asked.c.pk)
        .join(t.usage, (u.session_pk == asked.c.pk) & (u.rank == t.sessions.c.usage_rank))
        .group_by(asked.c.root, u.hour)
        .order_by(asked.c.root, u.hour)
    )


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _counts(connection: Connection, of: Iterable[GivenRow]) -> dict[int, dict[str, int]]:
    # Of each session the lowest rank comes last and stands.
    told = {
        (root, pk, quantity): int(amount)
        for root, pk, quantity, _, amount in _amounts(connection, of)
    }
    totals: dict[int, dict[str, int]] = defaultdict(dict)
    for (root, _, quantity), amount in told.items():
        totals[root][quantity] = totals[root].get(quantity, 0) + amount
    return totals


@asking(_ASKED)
def _amounts(asked: Subquery) -> Select[Any]:
    c = t.session_counts.c
    return (
        select(asked.c.root, c.session_pk, c.quantity, c.rank, func.sum(c.amount))
        .join(asked, asked.c.pk == c.session_pk)
        .group_by(asked.c.root, c.session_pk, c.quantity, c.rank)
        .order_by(c.rank.desc())
    )


def _named_commits(connection: Connection, of: Iterable[GivenRow]) -> dict[int, int]:
    found: dict[int, set[str]] = defaultdict(set)
    for root, sha in _shas(connection, of):
        found[root].add(sha)
    return {root: len(shas) for root, shas in found.items()}


@asking(_ASKED)
def _shas(asked: Subquery) -> Select[Any]:
    c = t.session_traces.c
    same = (asked.c.pk == c.session_pk) & (asked.c.commits == c.trace)
    return select(asked.c.root, c.value).join(asked, same)


def count_of(totals: SessionTotals, *quantities: Quantity) -> int | None:
    """The sum of these counts; None where none of them was told."""
    told = [totals.counts[q.value] for q in quantities if q.value in totals.counts]
    return sum(told) if told else None
