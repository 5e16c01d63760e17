"""Rows handed to a query as one parameter: a join against thousands of values in one statement.

The statement is the same for any number of rows, so it is compiled once; a long IN or VALUES would
be compiled and planned anew each time. What is asked all the time is also built once (``asking``):
to put a query together and to find it among those compiled takes ten times as long as to run it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Row,
    Select,
    Subquery,
    Text,
    TextClause,
    bindparam,
    select,
    text,
    tuple_,
)

from store.tables import Moment

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

GivenRow: TypeAlias = Sequence[str | int | datetime]


def given(
    connection: Connection,
    columns: Mapping[str, Any],
    rows: Iterable[GivenRow],
    name: str = "given",
) -> Subquery:
    """These rows as a table with these columns, each of a type of SQLAlchemy."""
    return _table(connection.dialect, columns, name, _document(columns, rows))


def among(
    connection: Connection, columns: Sequence[ColumnElement[Any]], rows: Iterable[GivenRow]
) -> ColumnElement[bool]:
    """Whether these columns together are as in any of these rows.

    By a query: for an IN over pairs that stand there themselves SQLite reads the whole table.
    """
    named = {f"column_{place}": column.type for place, column in enumerate(columns)}
    of = given(connection, named, rows)
    return tuple_(*columns).in_(select(*of.c))


class Asked:
    """A query over given rows, built at its first use and handed the rows at each."""

    def __init__(
        self, columns: Mapping[str, Any], build: Callable[[Subquery], Select[Any]]
    ) -> None:
        self._columns = columns
        self._build = build
        self._built: dict[str, Select[Any]] = {}

    def __call__(
        self, connection: Connection, rows: Iterable[GivenRow], **values: object
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        """What it finds for these rows; nothing is asked where there are none.

        ``values`` are those of further parameters that the query names.
        """
        document = _document(self._columns, rows)
        if document == _NOTHING:
            return []
        name = connection.dialect.name
        query = self._built.get(name)
        if query is None:
            query = self._build(_table(connection.dialect, self._columns, "given"))
            self._built[name] = query
        return connection.execute(query, {_parameter("given"): document, **values}).all()


def asking(columns: Mapping[str, Any]) -> Callable[[Callable[[Subquery], Select[Any]]], Asked]:
    """Make a query of a function that builds it around a table of given rows.

    For whatever finds nothing where no rows are given.
    """

    def made(build: Callable[[Subquery], Select[Any]]) -> Asked:
        return Asked(columns, build)

    return made


_NOTHING = "[]"


def _document(columns: Mapping[str, Any], rows: Iterable[GivenRow]) -> str:
    places = [place for place, type_ in enumerate(columns.values()) if isinstance(type_, Moment)]
    # A statement is often given thousands of rows: what holds no times goes straight to C.
    held = [_plain(row, places) for row in rows] if places else list(rows)
    return msgspec.json.encode(held).decode()


def _plain(row: GivenRow, places: Collection[int]) -> list[str | int]:
    """A row as columns hold it: times, at these places, as ``Moment`` does."""
    held: list[Any] = list(row)
    for place in places:
        held[place] = (held[place] - _EPOCH) // _MICROSECOND
    return held


def _table(
    dialect: Dialect, columns: Mapping[str, Any], name: str, document: str | None = None
) -> Subquery:
    """The table of the rows in a document; where it is None, in one that comes with each call."""
    types = tuple(type_.compile(dialect) for type_ in columns.values())
    unpacking = _unpacking(dialect.name, name, tuple(columns), types)
    if document is not None:
        unpacking = unpacking.bindparams(**{_parameter(name): document})
    return unpacking.columns(**columns).subquery(name)


@lru_cache(maxsize=1024)
def _unpacking(
    dialect: str, name: str, columns: tuple[str, ...], types: tuple[str, ...]
) -> TextClause:
    # As text: built of SQLAlchemy's functions it takes five times as long, each time. The names are
    # ours, the values a parameter.
    parameter = _parameter(name)
    if dialect == "postgresql":
        values = [
            f'CAST(value ->> {place} AS {type_}) AS "{column}"'
            for place, (column, type_) in enumerate(zip(columns, types, strict=True))
        ]
        source = f"json_array_elements(CAST(:{parameter} AS JSON)) AS each(value)"
    else:
        values = [
            f"json_extract(value, '$[{place}]') AS \"{column}\""
            for place, column in enumerate(columns)
        ]
        # With a limit, even this one, it is unpacked once. SQLite thinks it so cheap to look into
        # that it would else go through a large table and unpack it for each row of that.
        source = f"json_each(:{parameter}) LIMIT -1"
    query = text(f"SELECT {', '.join(values)} FROM {source}")  # noqa: S608
    return query.bindparams(bindparam(parameter, type_=Text()))


def _parameter(name: str) -> str:
    return f"{name}_rows"
