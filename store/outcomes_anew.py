"""The sums of what sessions bought, made from nothing: by the database, whole groups at a time."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    String,
    Table,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
)

from domain.contributions import COUNTS, Facet
from domain.weeks import BLOCK, HALF, QUARTER
from store import tables as t
from store.engine import Database
from store.outcomes import EVERYTHING, PAIRS, lock, paired, stamp
from store.packed import NOBODY, packed

_AT_ONCE = 5_000
_S, _M = t.session_outcomes, t.session_model_outcomes
_NOTHING: ColumnElement[str] = literal_column("''", String)


def rebuild(database: Database) -> None:
    """Make all sums anew from what each session adds, in one transaction.

    They follow every conclusion by themselves; this is for whoever has written past them.
    """
    with database.writing() as connection:
        lock(connection)
        sum_up(connection)


def sum_up(connection: Connection) -> None:
    """Exchange all sums for those that follow from what each session adds."""
    for table in (t.outcome_rollups, t.outcome_presence, t.outcome_bins):
        connection.execute(delete(table))
    for dimension, value, other, source in _dimensions():
        weeks = QUARTER if "," in dimension else 1
        _sum(connection, dimension, weeks, value, other, source)
        _gather(connection, dimension, weeks, value, other, source)
        if "," not in dimension:
            _sum_up(connection, dimension, 1, BLOCK)
            _sum_up(connection, dimension, BLOCK, HALF)
            _spread(connection, dimension, value, source)
    written = {*_weeks(connection, t.outcome_weeks), *_weeks(connection, _S)}
    stamp(connection, written, settled=written, people=written)


def _weeks(connection: Connection, table: Table) -> list[int]:
    return list(connection.execute(select(table.c.week).distinct()).scalars())


def _dimensions() -> Iterator[tuple[str, ColumnElement[str], ColumnElement[str], FromClause]]:
    by_model = _S.join(_M, _M.c.session_pk == _S.c.session_pk)

    def column(facet: Facet) -> ColumnElement[str]:
        return _M.c.model if facet is Facet.MODEL else _S.c[facet.value]

    def source(*facets: Facet) -> FromClause:
        return by_model if Facet.MODEL in facets else _S

    yield EVERYTHING, _NOTHING, _NOTHING, _S
    for facet in Facet:
        yield facet.value, column(facet), _NOTHING, source(facet)
    for one, other in PAIRS:
        yield paired(one, other), column(one), column(other), source(one, other)


def _told(*columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """Those of these columns that are none of our own constants: nothing is grouped by these."""
    return [each for each in columns if each is not _NOTHING]


def _first(weeks: int) -> ColumnElement[int]:
    return _S.c.week - _S.c.week % literal_column(str(weeks))


def _sum(
    connection: Connection,
    dimension: str,
    weeks: int,
    value: ColumnElement[str],
    other: ColumnElement[str],
    source: FromClause,
) -> None:
    counted = _S if source is _S else _M
    sums = [func.sum(counted.c[name]) for name in COUNTS]
    labelled = (_S.c.label, _S.c.maturity, _S.c.rule)
    query = (
        select(
            literal(dimension),
            literal_column(str(weeks)),
            _first(weeks),
            value,
            other,
            *labelled,
            *sums,
        )
        .select_from(source)
        .group_by(*_told(_first(weeks), value, other), *labelled)
        # None is below zero: nothing but a row of zeros adds up to none.
        .having(sum(sums[1:], sums[0]) > 0)
    )
    connection.execute(insert(t.outcome_rollups).from_select([*t.outcome_rollups.c], query))


def _sum_up(connection: Connection, dimension: str, weeks: int, into: int) -> None:
    """The sums of longer times from those of the shorter ones."""
    c = t.outcome_rollups.c
    first = c.week - c.week % literal_column(str(into))
    keys = (c.value, c.other, c.label, c.maturity, c.rule)
    query = (
        select(
            *(c.dimension, literal_column(str(into)), first, *keys),
            *(func.sum(c[name]) for name in COUNTS),
        )
        .where(c.dimension == dimension, c.weeks == weeks)
        .group_by(c.dimension, first, *keys)
    )
    connection.execute(insert(t.outcome_rollups).from_select([*c], query))


def _gather(
    connection: Connection,
    dimension: str,
    weeks: int,
    value: ColumnElement[str],
    other: ColumnElement[str],
    source: FromClause,
) -> None:
    first = _first(weeks)
    person = func.coalesce(_S.c.person, literal_column(str(NOBODY)))
    query = (
        select(first, value, other, person, func.count())
        .select_from(source)
        .group_by(*_told(first, value, other), person)
        .order_by(*_told(first, value, other))
    )
    rows: list[dict[str, Any]] = []
    at: tuple[Any, ...] | None = None
    held: Counter[int] = Counter()

    def close() -> None:
        if at is not None:
            names = ("week", "value", "other")
            named = dict(zip(names, at, strict=True))
            rows.append({"dimension": dimension, "weeks": weeks, **named, "people": packed(held)})

    # All of it first: a database that still answers can't be written to beside it.
    for *cell, person, sessions in connection.execute(query).all():
        if tuple(cell) != at:
            close()
            at, held = tuple(cell), Counter()
        held[person] = sessions
    close()
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(insert(t.outcome_presence), rows[start : start + _AT_ONCE])


def _spread(
    connection: Connection, dimension: str, value: ColumnElement[str], source: FromClause
) -> None:
    kind = literal_column("'cost '", String) + _S.c.tool
    led = select(_S.c.week, value, _S.c.lead_bins).select_from(source)
    leads = connection.execute(led.where(_S.c.lead_bins != "[]")).all()
    for weeks in (BLOCK, HALF):
        first = _first(weeks)
        costs = (
            select(
                *(literal(dimension), literal_column(str(weeks)), first, value, kind),
                *(_S.c.cost_bin, func.count()),
            )
            .select_from(source)
            .where(_S.c.cost_bin.is_not(None))
            .group_by(*_told(first, value), _S.c.tool, _S.c.cost_bin)
        )
        connection.execute(insert(t.outcome_bins).from_select([*t.outcome_bins.c], costs))
        found: Counter[tuple[int, str, int]] = Counter()
        for week, of, bins in leads:
            found.update((week - week % weeks, of, each) for each in json.loads(bins))
        named = {"dimension": dimension, "weeks": weeks, "kind": "lead"}
        rows = [
            {**named, "week": week, "value": of, "bin": each, "sessions": many}
            for (week, of, each), many in sorted(found.items())
        ]
        for start in range(0, len(rows), _AT_ONCE):
            connection.execute(insert(t.outcome_bins), rows[start : start + _AT_ONCE])
