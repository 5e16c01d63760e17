"""What each part of the company used and costs, every nano-dollar in exactly one row.

Sums are of usage as it is booked (``store.report_usage``), so they add up to what that answers.
What belongs to nobody is a row of its own, with the reason.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import StrEnum
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

from domain.record import EPOCH
from domain.usage import add
from store import tables as t
from store.report_usage import BOOKED_BY_PERSON, PERSON, TEAM, Selection, conditions


class ChargeBy(StrEnum):
    """By what spend is charged back."""

    TEAM = "team"
    REPO = "repo"
    TOOL = "tool"
    MODEL = "model"
    PERSON = "person"


class Unallocated(StrEnum):
    """Why spend belongs to no value."""

    NO_PERSON = "no_person"  # telemetry tells neither a team nor a person
    PERSON_IN_NO_TEAM = "person_in_no_team"
    NO_REPOSITORY = "no_repository"
    NO_MODEL = "no_model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """Requests, tokens and the three costs in nano-dollars; None where no record told it."""

    requests: int | None = None
    tokens: int | None = None
    reported_nanousd: int | None = None
    list_nanousd: int | None = None
    unpriced_tokens: int | None = None
    effective_nanousd: int | None = None
    effective_unpriced_tokens: int | None = None

    def __add__(self, other: "Charged") -> "Charged":
        """Both together."""
        both = {
            each.name: add(getattr(self, each.name), getattr(other, each.name))
            for each in fields(self)
        }
        return Charged(**both)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRow:
    """The sum of one value, or of what belongs to none and why; one of both is None."""

    value: str | None
    reason: Unallocated | None
    charged: Charged


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCharge:
    """The sum of one UTC day in one combination of values; None where it was not told."""

    day: date
    tool: str
    model: str | None
    team: str | None
    repo: str | None
    charged: Charged


_KEYS: dict[ChargeBy, ColumnElement[Any]] = {
    ChargeBy.TEAM: TEAM,
    ChargeBy.REPO: t.contexts.c.repo,
    ChargeBy.TOOL: t.sessions.c.tool,
    ChargeBy.MODEL: func.nullif(t.usage.c.model, literal_column("''")),
    ChargeBy.PERSON: PERSON,
}
_REASONS = {
    ChargeBy.REPO: Unallocated.NO_REPOSITORY,
    ChargeBy.MODEL: Unallocated.NO_MODEL,
    ChargeBy.PERSON: Unallocated.NO_PERSON,
}


def charged(
    connection: Connection, by: ChargeBy, start: datetime | None, end: datetime | None
) -> list[ChargeRow]:
    """Every part with its sum, by value; what belongs to none comes last, by reason."""
    key = _KEYS[by].label("key")
    # Only teams take a second look: somebody without a team, or nobody at all.
    nameless = case((PERSON.is_(None), 1), else_=0).label("nameless")
    keys = (key, nameless) if by is ChargeBy.TEAM else (key, literal_column("0").label("nameless"))
    query = (
        select(*keys, *_SUMS)
        .select_from(BOOKED_BY_PERSON)
        .where(*conditions(Selection(start=start, end=end)))
        .group_by("key", "nameless")
    )
    found: dict[tuple[str | None, Unallocated | None], Charged] = {}
    for value, nobody, *sums in connection.execute(query):
        reason = None if value is not None else _reason(by, nobody=bool(nobody))
        part = Charged(**dict(zip(_NAMES, sums, strict=True)))
        found[value, reason] = found.get((value, reason), Charged()) + part
    rows = [
        ChargeRow(value=value, reason=reason, charged=each)
        for (value, reason), each in found.items()
    ]
    return sorted(rows, key=lambda row: (row.value is None, row.value or "", row.reason or ""))


def by_day(connection: Connection, first: date, after: date) -> list[DayCharge]:
    """Every day from ``first`` up to, not including, ``after``, by all that a bill may go by."""
    u = t.usage.c
    day = (u.hour // literal_column("24", Integer)).label("day")
    keys = (day, t.sessions.c.tool, u.model, TEAM, t.contexts.c.repo)
    start, end = (datetime.combine(each, EPOCH.timetz()) for each in (first, after))
    query = (
        select(*keys, *_SUMS)
        .select_from(BOOKED_BY_PERSON)
        .where(*conditions(Selection(start=start, end=end)))
        .group_by(*keys)
    )
    found = [
        DayCharge(
            day=EPOCH.date() + timedelta(days=number),
            tool=tool,
            model=model or None,
            team=team,
            repo=repo,
            charged=Charged(**dict(zip(_NAMES, sums, strict=True))),
        )
        for number, tool, model, team, repo, *sums in connection.execute(query)
    ]
    return sorted(found, key=_order)


def total(rows: Iterable[ChargeRow]) -> Charged:
    """All rows together."""
    return sum((row.charged for row in rows), Charged())


def _order(each: DayCharge) -> tuple[Any, ...]:
    return each.day, each.tool, each.model or "", each.team or "", each.repo or ""


def _reason(by: ChargeBy, *, nobody: bool) -> Unallocated:
    if by is ChargeBy.TEAM:
        return Unallocated.NO_PERSON if nobody else Unallocated.PERSON_IN_NO_TEAM
    return _REASONS[by]


def _summed() -> dict[str, ColumnElement[Any]]:
    u = t.usage.c
    buckets = ("input", "cache_read", "cache_write", "output")
    told = [func.coalesce(u[name], 0) for name in buckets]
    untold = u.input.is_(None) & u.cache_read.is_(None)
    untold = untold & u.cache_write.is_(None) & u.output.is_(None)
    tokens = case((untold, None), else_=told[0] + told[1] + told[2] + told[3])
    names = [each.name for each in fields(Charged)]
    columns = {name: tokens if name == "tokens" else u[name] for name in names}
    return {name: cast(func.sum(column), BigInteger) for name, column in columns.items()}


_NAMES = tuple(_summed())
_SUMS = tuple(_summed().values())
