"""Usage as it is answered: sums over any dimensions, from one source per session.

``usage`` holds what every signal of a session told. Only the rows of the session's best rank are
booked; the others repeat the same tokens and are never added to them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    and_,
    case,
    cast,
    distinct,
    func,
    literal_column,
    or_,
    select,
)

from domain.usage import Tokens
from store import tables as t

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1)


class Dimension(StrEnum):
    """What usage can be grouped and filtered by."""

    TOOL = "tool"
    TOOL_VERSION = "tool_version"
    MODEL = "model"
    USER = "user"
    TEAM = "team"
    REPO = "repo"
    DAY = "day"
    QUERY_SOURCE = "query_source"
    SESSION = "session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One sum. None where no record told it; zero where a record said zero.

    ``sessions`` counts sessions that have an id. ``partial`` names the values that only a part of
    the summed records tells: the true value is at least what is given.
    """

    requests: int | None
    failed_requests: int | None
    tokens: Tokens
    reported_nanousd: int | None
    list_nanousd: int | None
    unpriced_tokens: int | None
    sessions: int
    partial: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which usage: hours in [``start``, ``end``), and the allowed values of dimensions.

    None among the values stands for *not told*. Usage is kept by the hour: both bounds are taken
    at the beginning of theirs.
    """

    start: datetime | None = None
    end: datetime | None = None
    values: Mapping[Dimension, frozenset[str | None]] = field(default_factory=dict)


BOOKED: FromClause = t.usage.join(
    t.sessions,
    and_(t.sessions.c.pk == t.usage.c.session_pk, t.sessions.c.usage_rank == t.usage.c.rank),
).join(t.contexts, t.contexts.c.pk == t.usage.c.context_pk)

_COLUMNS: Mapping[Dimension, ColumnElement[Any]] = {
    Dimension.TOOL: t.sessions.c.tool,
    Dimension.TOOL_VERSION: t.contexts.c.tool_version,
    Dimension.MODEL: t.usage.c.model,
    Dimension.USER: t.contexts.c.user,
    Dimension.TEAM: t.contexts.c.team,
    Dimension.REPO: t.contexts.c.repo,
    # A literal: PostgreSQL takes two bound parameters for two different expressions.
    Dimension.DAY: t.usage.c.hour // literal_column("24", Integer),
    Dimension.QUERY_SOURCE: t.usage.c.purpose,
    Dimension.SESSION: t.sessions.c.session_id,
}
# Columns of a primary key, where '' stands for what was not told.
_EMPTY_IS_UNTOLD = frozenset({Dimension.MODEL, Dimension.QUERY_SOURCE})

_NAMES = {
    "reported_nanousd": "cost.reported_usd",
    "list_nanousd": "cost.list_usd",
    "unpriced_tokens": "cost.unpriced_tokens",
    "requests": "requests",
    "failed_requests": "failed_requests",
}


def by_dimensions(
    connection: Connection, dimensions: Sequence[Dimension], selection: Selection
) -> list[tuple[dict[Dimension, str | None], Usage]]:
    """Usage by these dimensions, ordered by their values in the given order, untold last."""
    keys = [_COLUMNS[dimension] for dimension in dimensions]
    rows = [
        (dict(zip(dimensions, map(_spelled, dimensions, values), strict=True)), usage)
        for values, usage in summed(connection, keys, *conditions(selection))
    ]
    return sorted(rows, key=lambda row: [(v is None, v or "") for v in row[0].values()])


def total(connection: Connection, selection: Selection) -> Usage:
    """All usage of this selection; its sessions are counted once each."""
    [(_, usage)] = summed(connection, (), *conditions(selection))
    return usage


def hour_floor(at: datetime) -> datetime:
    """The beginning of the hour that usage of this moment is booked to."""
    return _EPOCH + timedelta(hours=_hour(at))


def conditions(selection: Selection) -> list[ColumnElement[bool]]:
    """What rows of ``BOOKED`` must satisfy to belong to this selection."""
    wanted: list[ColumnElement[bool]] = []
    if selection.start is not None:
        wanted.append(t.usage.c.hour >= _hour(selection.start))
    if selection.end is not None:
        wanted.append(t.usage.c.hour < _hour(selection.end))
    wanted += [_among(dimension, values) for dimension, values in selection.values.items()]
    return wanted


def summed(
    connection: Connection,
    keys: Sequence[ColumnElement[Any]],
    *where: ColumnElement[bool],
    source: FromClause = BOOKED,
) -> list[tuple[tuple[Any, ...], Usage]]:
    """Sums of ``source`` by these columns; without columns one sum, also of nothing."""
    query = select(*keys, *_SUMS).select_from(source).where(*where).group_by(*keys)
    width = len(keys)
    return [(tuple(row[:width]), _usage(row[width:])) for row in connection.execute(query)]


def _hour(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(hours=1)


def _sums() -> list[ColumnElement[Any]]:
    columns = [t.usage.c[name] for name in t.USAGE_COUNTERS]
    # A request that failed has no tokens to tell; it leaves no gap.
    answered = or_(t.usage.c.requests.is_(None), t.usage.c.requests > 0)
    gaps = [func.sum(case((and_(column.is_(None), answered), 1), else_=0)) for column in columns]
    counted = distinct(case((t.sessions.c.session_id.is_not(None), t.sessions.c.pk)))
    # PostgreSQL's sum of bigint is numeric.
    sums = [cast(func.sum(column), BigInteger) for column in columns]
    return [*sums, *gaps, func.count(counted)]


_SUMS = _sums()


def _usage(row: Sequence[Any]) -> Usage:
    width = len(t.USAGE_COUNTERS)
    told: dict[str, int | None] = dict(zip(t.USAGE_COUNTERS, row[:width], strict=True))
    gaps = dict(zip(t.USAGE_COUNTERS, row[width : 2 * width], strict=True))
    partial = tuple(
        _NAMES.get(name, f"tokens.{name}")
        for name, value in told.items()
        if value is not None and gaps[name]
    )
    return Usage(
        requests=told.pop("requests"),
        failed_requests=told.pop("failed_requests"),
        reported_nanousd=told.pop("reported_nanousd"),
        list_nanousd=told.pop("list_nanousd"),
        unpriced_tokens=told.pop("unpriced_tokens"),
        tokens=Tokens(**told),
        sessions=row[-1],
        partial=partial,
    )


def _spelled(dimension: Dimension, value: Any) -> str | None:
    if dimension is Dimension.DAY:
        return (_FIRST_DAY + timedelta(days=value)).isoformat()
    if dimension in _EMPTY_IS_UNTOLD:
        return value or None
    return None if value is None else str(value)


def _among(dimension: Dimension, values: frozenset[str | None]) -> ColumnElement[bool]:
    column = _COLUMNS[dimension]
    if dimension is Dimension.DAY:
        days = [(date.fromisoformat(day) - _FIRST_DAY).days for day in values if day]
        return column.in_(sorted(days))
    if dimension in _EMPTY_IS_UNTOLD:
        return column.in_(sorted(value or "" for value in values))
    told = column.in_(sorted(value for value in values if value is not None))
    return or_(told, column.is_(None)) if None in values else told
