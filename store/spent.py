"""The sums that tell what usage cost (``domain.spent``): one form for every query."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, or_

from domain.spent import COST_TOLD_APART
from store import tables as t


def _unreported() -> ColumnElement[int]:
    """The tokens of a row of usage (beside its session) of which no cost was reported."""
    u = t.usage.c
    told = [func.coalesce(u[name], 0) for name in ("input", "cache_read", "cache_write", "output")]
    tokens: ColumnElement[int] = told[0] + told[1] + told[2] + told[3]
    apart = t.sessions.c.tool.in_(sorted(COST_TOLD_APART))
    return case((or_(u.reported_nanousd.is_(None), apart), tokens), else_=0)


def _sum(column: ColumnElement[Any], name: str) -> ColumnElement[int]:
    # PostgreSQL's sum of bigint is numeric.
    return cast(func.sum(column), BigInteger).label(name)


UNREPORTED_TOKENS: ColumnElement[int] = _sum(_unreported(), "unreported_tokens")
UNPRICED_TOKENS: ColumnElement[int] = _sum(
    func.coalesce(t.usage.c.unpriced_tokens, 0), "unpriced_tokens"
)
COSTS = (
    _sum(t.usage.c.reported_nanousd, "reported_nanousd"),
    _sum(t.usage.c.list_nanousd, "list_nanousd"),
    UNREPORTED_TOKENS,
)
"""What ``domain.spent.spent`` takes, of rows of ``usage`` joined with their ``sessions``."""
