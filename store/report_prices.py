"""What the price file is held against: the usage that was seen, and credit that was drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, cast, func, select

from domain.company_prices import CompanyPrices, Pool
from domain.record import EPOCH
from domain.usage import Tokens
from store import tables as t
from store.report_usage import BOOKED

_BUCKETS = Tokens.__struct_fields__
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenUsage:
    """The usage of one tool, team, model and tier in some time, with its first and last day."""

    tool: str
    team: str | None
    model: str | None
    tier: str | None
    first: date
    last: date
    tokens: Tokens
    list_nanousd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """How much of a pool's credit usage has drawn, in nano-dollars at list price."""

    pool: Pool
    drawn_nanousd: int

    @property
    def left_nanousd(self) -> int:
        """Credit not drawn yet."""
        return max(self.pool.credit_nanousd - self.drawn_nanousd, 0)

    @property
    def overdrawn_nanousd(self) -> int:
        """Usage beyond the credit: it was booked at the pool's price, and costs more in truth."""
        return max(self.drawn_nanousd - self.pool.credit_nanousd, 0)


def seen_usage(
    connection: Connection, start: date | None = None, end: date | None = None
) -> list[SeenUsage]:
    """Usage that has tokens, by tool, team, model and tier; most tokens first.

    It is that from ``start`` up to, not including, ``end``, days in UTC.
    """
    u = t.usage.c
    keys = (t.sessions.c.tool, t.contexts.c.team, u.model, t.contexts.c.tier)
    sums = [cast(func.sum(u[name]), BigInteger) for name in (*_BUCKETS, "list_nanousd")]
    query = select(*keys, func.min(u.hour), func.max(u.hour), *sums).select_from(BOOKED)
    if start is not None:
        query = query.where(u.hour >= hour_of(start))
    if end is not None:
        query = query.where(u.hour < hour_of(end))
    found = [_seen(row) for row in connection.execute(query.group_by(*keys))]
    named = [each for each in found if each.tokens.billable()]
    return sorted(
        named,
        key=lambda each: (
            -each.tokens.billable(),
            each.tool,
            each.model or "",
            each.team or "",
            each.tier or "",
        ),
    )


def balances(connection: Connection, company: CompanyPrices) -> list[Balance]:
    """Every pool of credit with what was drawn from it."""
    return [
        Balance(pool=pool, drawn_nanousd=sum(_drawn(connection, company, pool)))
        for pool in company.pools
    ]


def hour_of(day: date) -> int:
    """The first hour of a UTC day."""
    return (datetime.combine(day, time(), EPOCH.tzinfo) - EPOCH) // _HOUR


def _drawn(connection: Connection, company: CompanyPrices, pool: Pool) -> Iterator[int]:
    end = (pool.period.last or pool.period.first) + timedelta(days=1)
    turns = company.turns(pool.period.first, end)
    # Between two turns the same rule says what the same usage costs.
    for first, after in zip(turns, [*turns[1:], end], strict=True):
        for each in seen_usage(connection, first, after):
            rule = company.rule(each.tool, each.team, each.model, first, each.tier)
            if rule is not None and rule.place == pool.place:
                yield each.list_nanousd


def _seen(row: Any) -> SeenUsage:
    tool, team, model, tier, first, last, *sums, listed = row
    return SeenUsage(
        tool=tool,
        team=team,
        model=model or None,
        tier=tier,
        first=(EPOCH + first * _HOUR).date(),
        last=(EPOCH + last * _HOUR).date(),
        tokens=Tokens(**dict(zip(_BUCKETS, sums, strict=True))),
        list_nanousd=listed or 0,
    )
