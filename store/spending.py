"""What was spent by the day and by the hour: what budgets, forecasts and alerts look at.

Money is of one basis, never of two added. Tokens are those that somebody pays for. All of it is
summed from usage as it is booked (``store.report_usage``), so that it always agrees with that.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    case,
    cast,
    func,
    literal_column,
    select,
)

from domain.budgets import COMPANY, Basis, Part, ScopeKind
from domain.record import EPOCH
from domain.tariff import PromptRange
from domain.usage import Tokens
from store import tables as t
from store.report_usage import (
    BOOKED,
    BOOKED_BY_PERSON,
    COLUMNS,
    PERSON,
    SOMEBODY,
    TEAM,
    Dimension,
    Selection,
    conditions,
)

_HOURS = 24
_FIRST_DAY = EPOCH.date()
_DIMENSION = {
    ScopeKind.TEAM: Dimension.TEAM,
    ScopeKind.REPO: Dimension.REPO,
    ScopeKind.TOOL: Dimension.TOOL,
    ScopeKind.MODEL: Dimension.MODEL,
    ScopeKind.PERSON: Dimension.USER,
}
_OF_PEOPLE = frozenset({ScopeKind.TEAM, ScopeKind.PERSON})
_BUCKETS = Tokens.__struct_fields__
_DAY_OF_USAGE = (t.usage.c.hour // literal_column("24", Integer)).label("day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """A sum: nano-dollars (None: nothing has a price), tokens, and those without a price."""

    nanousd: int | None = None
    tokens: int = 0
    unpriced_tokens: int = 0

    def __add__(self, other: "Spend") -> "Spend":
        """Both together."""
        known = [each for each in (self.nanousd, other.nanousd) if each is not None]
        return Spend(
            nanousd=sum(known) if known else None,
            tokens=self.tokens + other.tokens,
            unpriced_tokens=self.unpriced_tokens + other.unpriced_tokens,
        )

    @property
    def coverage(self) -> float | None:
        """The share of tokens that have a price; None where there are no tokens."""
        return (self.tokens - self.unpriced_tokens) / self.tokens if self.tokens else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HourSpend:
    """The spend of an hour (of the day, 0 to 23) in one combination of values; None: not told."""

    hour: int
    tool: str
    model: str | None
    team: str | None
    repo: str | None
    person: str | None
    spend: Spend


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage:
    """Tokens of one model, length of prompts and tier, and what they cost by the basis.

    ``tier`` is None for the standard tier.
    """

    model: str | None
    prompts: PromptRange
    tokens: Tokens
    spend: Spend
    tier: str | None = None


def by_day(
    connection: Connection, part: Part, basis: Basis, first: date, after: date
) -> dict[date, Spend]:
    """What a part of the company spent on each day from ``first`` up to, not including, ``after``.

    Days without any usage are left out.
    """
    query = (
        select(_DAY_OF_USAGE, *_sums(basis))
        .select_from(_source(part.kind))
        .where(*_where(part, first, after))
        .group_by(_DAY_OF_USAGE)
    )
    return {_day(number): _spend(sums) for number, *sums in connection.execute(query)}


def by_day_of(
    connection: Connection,
    kind: ScopeKind,
    values: Collection[str],
    basis: Basis,
    first: date,
    after: date,
) -> dict[Part, dict[date, Spend]]:
    """The same of many parts of one kind in one go: a day is read once, however many they are.

    Parts without any usage are left out. Not of people, whom any identity of theirs names.
    """
    if kind is ScopeKind.COMPANY:
        return {COMPANY: by_day(connection, COMPANY, basis, first, after)}
    value = COLUMNS[_DIMENSION[kind]]
    query = (
        select(value, _DAY_OF_USAGE, *_sums(basis))
        .select_from(_source(kind))
        .where(*conditions(_selection(kind, values, first, after)))
        .group_by(value, _DAY_OF_USAGE)
    )
    found: dict[Part, dict[date, Spend]] = {}
    for of, number, *sums in connection.execute(query):
        found.setdefault(Part(kind=kind, value=of), {})[_day(number)] = _spend(sums)
    return found


def by_hour(connection: Connection, basis: Basis, day: date) -> list[HourSpend]:
    """What everybody spent in each hour of a day, by everything that a budget may go by."""
    keys = (t.usage.c.hour, t.sessions.c.tool, t.usage.c.model, TEAM, t.contexts.c.repo, PERSON)
    query = (
        select(*keys, *_sums(basis))
        .select_from(BOOKED_BY_PERSON)
        .where(*_where(Part(kind=ScopeKind.COMPANY), day, day + timedelta(days=1)))
        .group_by(*keys)
    )
    return [
        HourSpend(
            hour=hour % _HOURS,
            tool=tool,
            model=model or None,
            team=team,
            repo=repo,
            person=person,
            spend=_spend(sums),
        )
        for hour, tool, model, team, repo, person, *sums in connection.execute(query)
    ]


def first_day(connection: Connection, part: Part) -> date | None:
    """The day of the first usage of a part; None where it has none."""
    query = select(func.min(t.usage.c.hour)).select_from(_source(part.kind))
    hour = connection.execute(
        query.where(*conditions(_selection(part.kind, [part.value])))
    ).scalar()
    return None if hour is None else (EPOCH + timedelta(hours=hour)).date()


def by_model(
    connection: Connection, part: Part, basis: Basis, first: date, after: date
) -> list[ModelUsage]:
    """Tokens by model, length of prompts and tier, with what they cost, most tokens first."""
    u = t.usage.c
    keys = (u.model, u.prompt_over, u.prompt_upto, t.contexts.c.tier)
    buckets = [cast(func.sum(u[name]), BigInteger) for name in _BUCKETS]
    query = (
        select(*keys, *buckets, *_sums(basis))
        .select_from(_source(part.kind))
        .where(*_where(part, first, after))
        .group_by(*keys)
    )
    found = [_model_usage(row) for row in connection.execute(query)]
    return sorted(
        found,
        key=lambda each: (-each.spend.tokens, each.model or "", each.prompts, each.tier or ""),
    )


def by_session(
    connection: Connection, part: Part, basis: Basis, first: date, after: date
) -> dict[int, list[ModelUsage]]:
    """The same by session, its key, each without what belongs to it."""
    u = t.usage.c
    keys = (u.session_pk, u.model, u.prompt_over, u.prompt_upto, t.contexts.c.tier)
    buckets = [cast(func.sum(u[name]), BigInteger) for name in _BUCKETS]
    query = (
        select(*keys, *buckets, *_sums(basis))
        .select_from(_source(part.kind))
        .where(*_where(part, first, after))
        .group_by(*keys)
    )
    found: dict[int, list[ModelUsage]] = {}
    for pk, *rest in connection.execute(query):
        found.setdefault(pk, []).append(_model_usage(rest))
    return found


def people(connection: Connection, part: Part, first: date, after: date) -> int:
    """How many people used anything; usage that tells nobody counts none."""
    query = select(func.count(SOMEBODY.distinct())).select_from(BOOKED_BY_PERSON)
    return int(connection.execute(query.where(*_where(part, first, after))).scalar_one())


def _source(kind: ScopeKind) -> Any:
    return BOOKED_BY_PERSON if kind in _OF_PEOPLE else BOOKED


def _selection(
    kind: ScopeKind, of: Collection[str], first: date | None = None, after: date | None = None
) -> Selection:
    values: Mapping[Dimension, frozenset[str | None]] = {}
    if kind is not ScopeKind.COMPANY:
        values = {_DIMENSION[kind]: frozenset(of)}
    return Selection(start=_begin(first), end=_begin(after), values=values)


def _where(part: Part, first: date, after: date) -> list[ColumnElement[bool]]:
    return conditions(_selection(part.kind, [part.value], first, after))


def _day(number: int) -> date:
    return _FIRST_DAY + timedelta(days=number)


def _begin(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), EPOCH.tzinfo)


def _sums(basis: Basis) -> list[ColumnElement[Any]]:
    u = t.usage.c
    cost, unpriced = u.list_nanousd, u.unpriced_tokens
    if basis is Basis.EFFECTIVE:
        cost, unpriced = u.effective_nanousd, u.effective_unpriced_tokens
    told = [func.coalesce(u[name], 0) for name in ("input", "cache_read", "cache_write", "output")]
    tokens = told[0] + told[1] + told[2] + told[3]
    # Booked before this cost was told at all: then none of its tokens has one.
    missing = case((cost.is_(None), tokens), else_=func.coalesce(unpriced, 0))
    return [cast(func.sum(each), BigInteger) for each in (cost, tokens, missing)]


def _spend(sums: Any) -> Spend:
    nanousd, tokens, missing = sums
    return Spend(nanousd=nanousd, tokens=tokens or 0, unpriced_tokens=missing or 0)


def _model_usage(row: Any) -> ModelUsage:
    model, over, upto, tier, *rest = row
    buckets, sums = rest[: len(_BUCKETS)], rest[len(_BUCKETS) :]
    return ModelUsage(
        model=model or None,
        tier=tier,
        prompts=PromptRange(over, upto),
        tokens=Tokens(**dict(zip(_BUCKETS, buckets, strict=True))),
        spend=_spend(sums),
    )
