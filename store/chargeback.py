"""What each part of the company used and costs, every nano-dollar in exactly one row.

Sums are of usage as it is booked (``store.report_usage``), so they add up to what that answers.
What belongs to nobody is a row of its own, with the reason.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    or_,
    select,
)

from domain.record import EPOCH
from domain.usage import add
from store import tables as t
from store.doubts import NONE, Doubts, doubts
from store.report_usage import BOOKED_BY_PERSON, PERSON, SOMEBODY, TEAM, Selection, conditions


class ChargeBy(StrEnum):
    """By what spend is charged back."""

    TEAM = "team"
    REPO = "repo"
    TOOL = "tool"
    MODEL = "model"
    PERSON = "person"


class Unallocated(StrEnum):
    """Why spend belongs to no value."""

    NO_PERSON = "no_person"  # telemetry tells neither a team nor a person: nobody, or a machine
    PERSON_IN_NO_TEAM = "person_in_no_team"
    NO_REPOSITORY = "no_repository"
    NO_MODEL = "no_model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """Requests, tokens and the three costs in nano-dollars; None where no record told it.

    ``gaps`` names those of these values that some of the records do not tell.
    """

    requests: int | None = None
    tokens: int | None = None
    reported_nanousd: int | None = None
    list_nanousd: int | None = None
    unpriced_tokens: int | None = None
    effective_nanousd: int | None = None
    effective_unpriced_tokens: int | None = None
    gaps: frozenset[str] = frozenset()

    def __add__(self, other: "Charged") -> "Charged":
        """Both together."""
        both = {name: add(getattr(self, name), getattr(other, name)) for name in NAMES}
        return Charged(**both, gaps=self.gaps | other.gaps)

    @property
    def partial(self) -> tuple[str, ...]:
        """Values that only a part of the records tells: the true one is at least what is given."""
        return tuple(
            name for name in NAMES if name in self.gaps and getattr(self, name) is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRow:
    """The sum of one value, or of what belongs to none and why; one of both is None.

    ``doubts`` are sessions of it that used more than is told of them.
    """

    value: str | None
    reason: Unallocated | None
    charged: Charged
    doubts: Doubts = NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCharge:
    """The sum of one UTC day in one combination of values; None where it was not told.

    ``billed_nanousd`` is what the company pays where that was known when the usage was booked, else
    the list price; ``unpriced_tokens`` are those that it lacks. ``listed_nanousd`` is the list
    price, and what the company pays where there is none.
    """

    day: date
    tool: str
    model: str | None
    team: str | None
    repo: str | None
    charged: Charged
    billed_nanousd: int | None
    listed_nanousd: int | None
    unpriced_tokens: int


NAMES = (
    "requests",
    "tokens",
    "reported_nanousd",
    "list_nanousd",
    "unpriced_tokens",
    "effective_nanousd",
    "effective_unpriced_tokens",
)
"""The values of a sum that records tell, in their order."""

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
    nobody = case((_KEYS[by].is_(None) & SOMEBODY.is_(None), 1), else_=0)
    nameless = (nobody if by is ChargeBy.TEAM else literal_column("0")).label("nameless")
    where = conditions(Selection(start=start, end=end))
    query = (
        select(key, nameless, *_SUMS)
        .select_from(BOOKED_BY_PERSON)
        .where(*where)
        .group_by("key", "nameless")
    )
    known, _ = doubts(connection, (key, nameless), where, BOOKED_BY_PERSON, start)
    rows = [
        ChargeRow(
            value=value,
            reason=None if value is not None else _reason(by, nobody=bool(none)),
            charged=_charged(sums),
            doubts=known.get((value, none), NONE),
        )
        for value, none, *sums in connection.execute(query)
    ]
    return sorted(rows, key=lambda row: (row.value is None, row.value or "", row.reason or ""))


def in_doubt(connection: Connection, start: datetime | None, end: datetime | None) -> Doubts:
    """The same sessions of all rows together, each once."""
    where = conditions(Selection(start=start, end=end))
    return doubts(connection, (), where, BOOKED_BY_PERSON, start)[1]


def by_day(connection: Connection, first: date, after: date) -> list[DayCharge]:
    """Every day from ``first`` up to, not including, ``after``, by all that a bill may go by."""
    u = t.usage.c
    day = (u.hour // literal_column("24", Integer)).label("day")
    keys = (day, t.sessions.c.tool, u.model, TEAM, t.contexts.c.repo)
    start, end = (datetime.combine(each, EPOCH.timetz()) for each in (first, after))
    query = (
        select(*keys, *_SUMS, *_BILLED)
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
            charged=_charged(sums[: len(_SUMS)]),
            billed_nanousd=sums[-3],
            listed_nanousd=sums[-2],
            unpriced_tokens=sums[-1],
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


def _charged(sums: Sequence[Any]) -> Charged:
    told = dict(zip(NAMES, sums, strict=False))
    untold = zip(NAMES, sums[len(NAMES) :], strict=True)
    return Charged(**told, gaps=frozenset(name for name, records in untold if records))


def _tokens() -> ColumnElement[Any]:
    u = t.usage.c
    told = [func.coalesce(u[name], 0) for name in ("input", "cache_read", "cache_write", "output")]
    untold = u.input.is_(None) & u.cache_read.is_(None)
    untold = untold & u.cache_write.is_(None) & u.output.is_(None)
    return case((untold, None), else_=told[0] + told[1] + told[2] + told[3])


def _summed() -> list[ColumnElement[Any]]:
    """The sums of all values, and how many records do not tell each."""
    u = t.usage.c
    columns = [_tokens() if name == "tokens" else u[name] for name in NAMES]
    # A request that failed has no tokens to tell; it leaves no gap.
    answered = or_(u.requests.is_(None), u.requests > 0)
    gaps = [func.sum(case((column.is_(None) & answered, 1), else_=0)) for column in columns]
    return [*(cast(func.sum(column), BigInteger) for column in columns), *gaps]


def _billed() -> list[ColumnElement[Any]]:
    """What is billed, what is listed, and tokens of which nothing is billed.

    By the row of usage, not by the sum: what was booked before the company told its prices has no
    effective cost, and would be billed as nothing beside what was booked after.
    """
    u = t.usage.c
    effective = func.coalesce(u.effective_unpriced_tokens, 0)
    listed = func.coalesce(u.unpriced_tokens, 0)
    lacking = case(
        (u.effective_nanousd.is_not(None), effective),
        (u.list_nanousd.is_not(None), listed),
        else_=func.coalesce(_tokens(), 0),
    )
    costs = (
        func.coalesce(u.effective_nanousd, u.list_nanousd),
        func.coalesce(u.list_nanousd, u.effective_nanousd),
    )
    return [cast(func.sum(column), BigInteger) for column in (*costs, lacking)]


_SUMS = _summed()
_BILLED = _billed()
