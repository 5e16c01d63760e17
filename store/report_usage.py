"""Usage as it is answered: sums over any dimensions, from one source per session.

``usage`` holds what every signal of a session told. Only the rows of the session's best rank are
booked; the others repeat the same tokens and are never added to them. A subagent that works as a
session of its own is booked to the session that it works for.

Users are persons: their identities count as one (``store.people``). A team is the one that the
telemetry names, else the one that its user was a member of at the hour of the usage.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import structs
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    distinct,
    func,
    literal_column,
    or_,
    select,
)

from domain.people import MACHINE
from domain.usage import Tokens, add
from store import tables as t
from store.doubts import NONE, Doubts, doubts
from store.families import ROOT, with_roots
from store.report_unpriced import UnpricedModel, merged, unpriced

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1)


class Dimension(StrEnum):
    """What usage can be grouped and filtered by; a session with all that belong to it."""

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

    ``sessions`` counts sessions that have an id, each with those that belong to it as one. ``gaps``
    names the values that some of the summed records do not tell. ``unpriced`` says of which models
    tokens have no price, and why. ``doubts`` are sessions that used more than is told of them,
    where that was asked for.
    """

    requests: int | None
    failed_requests: int | None
    tokens: Tokens
    reported_nanousd: int | None
    list_nanousd: int | None
    unpriced_tokens: int | None
    effective_nanousd: int | None
    effective_unpriced_tokens: int | None
    sessions: int
    gaps: frozenset[str]
    unpriced: tuple[UnpricedModel, ...] = ()
    doubts: Doubts = NONE

    @property
    def partial(self) -> tuple[str, ...]:
        """Values that only a part of the records tells: the true one is at least what is given."""
        told = _counters(self)
        return tuple(
            name
            for counter, name in _NAMES.items()
            if name in self.gaps and told[counter] is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which usage: hours in [``start``, ``end``), and the allowed values of dimensions.

    None among the values stands for *not told*. Usage is kept by the hour: both bounds are taken
    at the beginning of theirs.
    """

    start: datetime | None = None
    end: datetime | None = None
    values: Mapping[Dimension, frozenset[str | None]] = field(default_factory=dict)


def _told(*which: ColumnElement[bool]) -> FromClause:
    sessions = and_(t.sessions.c.pk == t.usage.c.session_pk, *which)
    told = t.usage.join(t.sessions, sessions)
    told = told.join(t.contexts, t.contexts.c.pk == t.usage.c.context_pk)
    return with_roots(told, t.usage.c.session_pk)


def with_people(told: FromClause) -> FromClause:
    """The source with who is behind each identity, and their team; one row stays one row."""
    member = t.team_members.c
    at_the_time = and_(
        member.person == PERSON,
        member.lead.is_(False),
        member.from_hour <= t.usage.c.hour,
        or_(member.to_hour.is_(None), t.usage.c.hour < member.to_hour),
    )
    told = told.outerjoin(t.persons, t.persons.c.identity == t.contexts.c.user)
    return told.outerjoin(t.team_members, at_the_time)


def _number(value: int) -> ColumnElement[int]:
    # A literal: PostgreSQL takes two bound parameters for two different expressions.
    return literal_column(str(value), Integer)


def _quoted(value: str) -> ColumnElement[str]:
    return literal_column(f"'{value}'", String)


PERSON: ColumnElement[Any] = func.coalesce(t.persons.c.person, t.contexts.c.user)
# An installation that no person is known for is nobody (``domain.people.somebody``).
SOMEBODY: ColumnElement[Any] = case(
    (func.substr(PERSON, _number(1), _number(len(MACHINE))) != _quoted(MACHINE), PERSON)
)
TEAM: ColumnElement[Any] = func.coalesce(t.contexts.c.team, t.team_members.c.team)

TOLD: FromClause = _told()
BOOKED: FromClause = _told(t.sessions.c.usage_rank == t.usage.c.rank)
# Two more look-ups for every row: only where persons or teams are asked for.
BOOKED_BY_PERSON: FromClause = with_people(BOOKED)

COLUMNS: Mapping[Dimension, ColumnElement[Any]] = {
    # Not as an index has it: SQLite would read all sessions in its order to sum up a day, and all
    # usage of a model to look for that of one session.
    Dimension.TOOL: func.coalesce(t.sessions.c.tool, literal_column("''", String)),
    Dimension.TOOL_VERSION: t.contexts.c.tool_version,
    Dimension.MODEL: func.coalesce(t.usage.c.model, literal_column("''", String)),
    Dimension.USER: PERSON,
    Dimension.TEAM: TEAM,
    Dimension.REPO: t.contexts.c.repo,
    # A literal: PostgreSQL takes two bound parameters for two different expressions.
    Dimension.DAY: t.usage.c.hour // literal_column("24", Integer),
    Dimension.QUERY_SOURCE: t.usage.c.purpose,
    Dimension.SESSION: func.coalesce(ROOT.c.session_id, t.sessions.c.session_id),
}
_OF_PEOPLE = frozenset({Dimension.USER, Dimension.TEAM})
# Columns of a primary key, where '' stands for what was not told.
_EMPTY_IS_UNTOLD = frozenset({Dimension.MODEL, Dimension.QUERY_SOURCE})

# What is answered for each counter.
_NAMES = {
    "requests": "requests",
    "failed_requests": "failed_requests",
    "input": "tokens.input",
    "cache_read": "tokens.cache_read",
    "cache_write": "tokens.cache_write",
    "cache_write_5m": "tokens.cache_write_5m",
    "cache_write_1h": "tokens.cache_write_1h",
    "output": "tokens.output",
    "reasoning": "tokens.reasoning",
    "reported_nanousd": "cost.reported_usd",
    "list_nanousd": "cost.list_usd",
    "unpriced_tokens": "cost.unpriced_tokens",
    "effective_nanousd": "cost.effective_usd",
    "effective_unpriced_tokens": "cost.effective_unpriced_tokens",
}

Row: TypeAlias = tuple[dict[Dimension, str | None], Usage]


def report(
    connection: Connection, dimensions: Sequence[Dimension], selection: Selection
) -> tuple[list[Row], Usage]:
    """Usage by these dimensions and in all; each session counts once in all."""
    rows, in_doubt = _by_dimensions(connection, dimensions, selection)
    if len(rows) == 1:
        return rows, rows[0][1]
    # The rows add up to all but the sessions, which may be in several.
    source = _source((), selection)
    where = conditions(selection)
    query = select(func.count(COUNTED)).select_from(source).where(*where)
    sessions = connection.execute(query).scalar_one()
    return rows, combined((usage for _, usage in rows), sessions, in_doubt)


def by_dimensions(
    connection: Connection, dimensions: Sequence[Dimension], selection: Selection
) -> list[Row]:
    """Usage by these dimensions, ordered by their values in the given order, untold last."""
    return _by_dimensions(connection, dimensions, selection)[0]


def _by_dimensions(
    connection: Connection, dimensions: Sequence[Dimension], selection: Selection
) -> tuple[list[Row], Doubts]:
    """The same, and the sessions of all of it that used more than is told."""
    keys = [COLUMNS[dimension] for dimension in dimensions]
    source = _source(dimensions, selection)
    where = conditions(selection)
    in_doubt, of_all = doubts(connection, keys, where, source, _begin(selection))
    rows = [
        (
            dict(zip(dimensions, map(spelled, dimensions, values), strict=True)),
            replace(usage, doubts=in_doubt.get(values, NONE)),
        )
        for values, usage in summed(connection, keys, *where, source=source)
    ]
    rows.sort(key=lambda row: [(v is None, v or "") for v in row[0].values()])
    return rows, of_all


def _begin(selection: Selection) -> datetime | None:
    return None if selection.start is None else hour_floor(selection.start)


def _source(dimensions: Iterable[Dimension], selection: Selection) -> FromClause:
    people = not _OF_PEOPLE.isdisjoint(dimensions) or Dimension.TEAM in selection.values
    return BOOKED_BY_PERSON if people else BOOKED


def combined(usages: Iterable[Usage], sessions: int, in_doubt: Doubts = NONE) -> Usage:
    """The sum of these, which have so many sessions between them."""
    total: dict[str, int | None] = dict.fromkeys(t.USAGE_COUNTERS)
    gaps: frozenset[str] = frozenset()
    missing: list[UnpricedModel] = []
    for usage in usages:
        gaps |= usage.gaps
        missing += usage.unpriced
        for counter, value in _counters(usage).items():
            total[counter] = add(total[counter], value)
    return replace(_usage(total, gaps, sessions, merged(missing)), doubts=in_doubt)


def hour_floor(at: datetime) -> datetime:
    """The beginning of the hour that usage of this moment is booked to."""
    return _EPOCH + timedelta(hours=_hour(at))


def conditions(selection: Selection) -> list[ColumnElement[bool]]:
    """What rows must satisfy to belong to this selection.

    They are rows of ``BOOKED``; of ``BOOKED_BY_PERSON`` where it selects teams.
    """
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
    rows = connection.execute(query).all()
    missing: Mapping[tuple[Any, ...], tuple[UnpricedModel, ...]] = {}
    if any(row[width + position] for row in rows for position in _UNPRICED):
        missing = unpriced(connection, keys, *where, source=source)
    return [
        (values := tuple(row[:width]), _read(row[width:], missing.get(values, ()))) for row in rows
    ]


def _hour(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(hours=1)


def _sums() -> list[ColumnElement[Any]]:
    columns = [t.usage.c[name] for name in t.USAGE_COUNTERS]
    # A request that failed has no tokens to tell, nor has a cost that comes by itself: no gap.
    told = or_(*(t.usage.c[name].is_not(None) for name in Tokens.__struct_fields__))
    answered = or_(t.usage.c.requests > 0, and_(t.usage.c.requests.is_(None), told))
    gaps = [func.sum(case((and_(column.is_(None), answered), 1), else_=0)) for column in columns]
    # PostgreSQL's sum of bigint is numeric.
    sums = [cast(func.sum(column), BigInteger) for column in columns]
    return [*sums, *gaps, func.count(COUNTED)]


COUNTED = distinct(
    case((t.sessions.c.session_id.is_not(None), func.coalesce(ROOT.c.pk, t.sessions.c.pk)))
)
_SUMS = _sums()
# Where in a row of sums it says how many tokens have no price.
_UNPRICED = tuple(
    t.USAGE_COUNTERS.index(name) for name in ("unpriced_tokens", "effective_unpriced_tokens")
)


def _read(row: Sequence[Any], missing: tuple[UnpricedModel, ...]) -> Usage:
    width = len(t.USAGE_COUNTERS)
    told = dict(zip(t.USAGE_COUNTERS, row[:width], strict=True))
    untold = zip(t.USAGE_COUNTERS, row[width : 2 * width], strict=True)
    gaps = frozenset(_NAMES[counter] for counter, records in untold if records)
    return _usage(told, gaps, row[-1], missing)


def _usage(
    told: Mapping[str, int | None],
    gaps: frozenset[str],
    sessions: int,
    missing: tuple[UnpricedModel, ...],
) -> Usage:
    return Usage(
        requests=told["requests"],
        failed_requests=told["failed_requests"],
        tokens=Tokens(**{name: told[name] for name in Tokens.__struct_fields__}),
        reported_nanousd=told["reported_nanousd"],
        list_nanousd=told["list_nanousd"],
        unpriced_tokens=told["unpriced_tokens"],
        effective_nanousd=told["effective_nanousd"],
        effective_unpriced_tokens=told["effective_unpriced_tokens"],
        sessions=sessions,
        gaps=gaps,
        unpriced=missing,
    )


def _counters(usage: Usage) -> dict[str, int | None]:
    return {
        "requests": usage.requests,
        "failed_requests": usage.failed_requests,
        **structs.asdict(usage.tokens),
        "reported_nanousd": usage.reported_nanousd,
        "list_nanousd": usage.list_nanousd,
        "unpriced_tokens": usage.unpriced_tokens,
        "effective_nanousd": usage.effective_nanousd,
        "effective_unpriced_tokens": usage.effective_unpriced_tokens,
    }


def spelled(dimension: Dimension, value: Any) -> str | None:
    """A value of a column as it is answered; None: not told."""
    if dimension is Dimension.DAY:
        return (_FIRST_DAY + timedelta(days=int(value))).isoformat()
    if dimension in _EMPTY_IS_UNTOLD:
        return value or None
    return None if value is None else str(value)


def _among(dimension: Dimension, values: frozenset[str | None]) -> ColumnElement[bool]:
    column = COLUMNS[dimension]
    if dimension is Dimension.USER:
        theirs = select(t.contexts.c.pk).where(_is_of(t.contexts.c.user, values))
        return t.usage.c.context_pk.in_(theirs)
    if dimension is Dimension.SESSION:
        # By the id of one that belongs to another: its own part.
        ids, own = [value for value in values if value is not None], t.sessions.c.session_id
        nameless = [own.is_(None)] if None in values else []
        return or_(column.in_(sorted(ids)), own.in_(sorted(ids)), *nameless)
    if dimension is Dimension.DAY:
        days = [(date.fromisoformat(day) - _FIRST_DAY).days for day in values if day]
        return column.in_(sorted(days))
    if dimension in _EMPTY_IS_UNTOLD:
        return column.in_(sorted(value or "" for value in values))
    named = sorted(value for value in values if value is not None)
    told: ColumnElement[bool] = column.in_(named)
    return or_(told, column.is_(None)) if None in values else told


def contexts_of(values: Mapping[Dimension, frozenset[str | None]]) -> Select[Any] | None:
    """The contexts that usage with these values has, and of teams some that it has not.

    There are few contexts, and an index leads from them to usage. None: all may be.
    """
    c, member = t.contexts.c, t.team_members.c
    where: list[ColumnElement[bool]] = []
    if Dimension.USER in values:
        where.append(_is_of(c.user, values[Dimension.USER]))
    if Dimension.REPO in values:
        where.append(_among(Dimension.REPO, values[Dimension.REPO]))
    teams = values.get(Dimension.TEAM, frozenset([None]))
    if None not in teams:
        members = select(member.person).where(member.team.in_(sorted(filter(None, teams))))
        where.append(or_(c.team.in_(sorted(filter(None, teams))), _identity_of(c.user, members)))
    return select(c.pk).where(*where) if where else None


def _is_of(identity: ColumnElement[Any], values: frozenset[str | None]) -> ColumnElement[bool]:
    """Whether an identity is of one of these people, named by any of their identities."""
    named = sorted(value for value in values if value is not None)
    told = _identity_of(identity, named)
    return or_(told, identity.is_(None)) if None in values else told


def _identity_of(
    identity: ColumnElement[Any], people: Sequence[str] | Select[Any]
) -> ColumnElement[bool]:
    p = t.persons.c
    of_them = select(p.identity).where(p.person.in_(people))
    return or_(identity.in_(people), identity.in_(of_them))
