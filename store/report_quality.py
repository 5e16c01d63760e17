"""What keeps answers from being complete: machines that fell silent, models without a price.

All of it looks at a few weeks or at sums that are kept ready, never at every session.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import BigInteger, Connection, cast, func, literal_column, select

from domain.budgets import COMPANY, Basis, ScopeKind
from domain.record import EPOCH
from store import spend_days, spending
from store import tables as t
from store.spending import Spend

_DAY = timedelta(days=1)
# So many kept days say enough: to sum up the years before them takes longer than anybody waits.
_ENOUGH = timedelta(weeks=13)
_FIRST_DAY = EPOCH.date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Installations of a tool: how many had sessions in one time, and how many not since."""

    tool: str
    before: int
    not_since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpriced:
    """Tokens of a model (None: not told), and those of them without a price."""

    model: str | None
    tokens: int
    unpriced_tokens: int


def idle(connection: Connection, now: datetime, span: timedelta) -> list[Idle]:
    """By tool: installations with a session in the span before the last one, and not in that."""
    s = t.sessions.c
    # An expression: by the bare column SQLite would walk all sessions in the order of their tools.
    tool = func.coalesce(s.tool, literal_column("''"))
    seen = (
        select(tool.label("tool"), s.installation, func.max(s.last_at).label("last_at"))
        .where(s.last_at >= now - 2 * span)
        .group_by(tool, s.installation)
    )
    found: dict[str, list[int]] = {}
    for row in connection.execute(seen):
        of = found.setdefault(row.tool, [0, 0])
        of[0] += 1
        of[1] += row.last_at < now - span
    return [
        Idle(tool=tool, before=before, not_since=not_since)
        for tool, (before, not_since) in sorted(found.items())
    ]


def told_since(connection: Connection, basis: Basis, first: date, today: date) -> date:
    """The first day of a period that ends today of which sums of usage are told at once."""
    kept = spend_days.complete_since(connection, basis, today)
    return max(first, kept) if today - kept >= _ENOUGH else first


def unpriced(
    connection: Connection, basis: Basis, first: date, after: date, today: date
) -> list[Unpriced]:
    """Models with tokens that have no price, in these UTC days; most of those first.

    From what is kept by the day where it is, else, as for today, from usage itself.
    """
    wanted = spend_days.days_between(first, min(after, today))
    read = spend_days.days_read(connection, basis).intersection(wanted)
    sums = _kept(connection, basis, read)
    for begin, end in spend_days.runs_without(read, first, after):
        for each in spending.by_model(connection, COMPANY, basis, begin, end):
            sums[each.model] = sums.get(each.model, Spend()) + each.spend
    found = [
        Unpriced(model=model, tokens=spend.tokens, unpriced_tokens=spend.unpriced_tokens)
        for model, spend in sums.items()
        if spend.unpriced_tokens
    ]
    return sorted(found, key=lambda each: (-each.unpriced_tokens, each.model or ""))


def _kept(connection: Connection, basis: Basis, days: Collection[date]) -> dict[str | None, Spend]:
    if not days:
        return {}
    d = t.spend_days.c
    numbers = [(day - _FIRST_DAY).days for day in sorted(days)]
    sums = (func.sum(d.tokens), func.sum(d.unpriced_tokens))
    query = (
        select(d.value, *(cast(each, BigInteger) for each in sums))
        .where(d.basis == basis.value, d.scope == ScopeKind.MODEL.value, d.day.in_(numbers))
        .group_by(d.value)
    )
    return {
        model or None: Spend(tokens=tokens, unpriced_tokens=without)
        for model, tokens, without in connection.execute(query)
    }
