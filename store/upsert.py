"""INSERT … ON CONFLICT, spelled once for both databases."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, case, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

Row = Mapping[str, Any]
Merge = Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[Any]]


def insert_into(connection: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """The database's own insert, which knows ON CONFLICT."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def merge_into(
    connection: Connection, table: Table, rows: Sequence[Row], merges: Mapping[str, Merge]
) -> None:
    """Insert rows; where the primary key exists, merge the named columns (old, new) instead."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        rows = [_without_nul(row) for row in rows]
    statement = _merging(connection.dialect.name, table, tuple(merges.items()))
    connection.execute(statement, list(rows))


@lru_cache(maxsize=1024)
def _merging(
    dialect: str, table: Table, merges: tuple[tuple[str, Merge], ...]
) -> "postgresql.Insert | sqlite.Insert":
    # Built once: that takes ten times as long as to write a row.
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    key = [column.name for column in table.primary_key]
    if not merges:
        return insert.on_conflict_do_nothing(index_elements=key)
    updates = {name: merge(table.c[name], insert.excluded[name]) for name, merge in merges}
    return insert.on_conflict_do_update(index_elements=key, set_=updates)


def _without_nul(row: Row) -> Row:
    """PostgreSQL refuses texts with a NUL, that JSON and protobuf allow."""
    return {
        name: value.replace("\0", "\ufffd") if isinstance(value, str) else value
        for name, value in row.items()
    }


def added(old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The sum; unknown only where both are."""
    return func.coalesce(old + new, old, new)


def earliest(old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The lesser of both; NULL gives way."""
    return case((new < old, new), else_=func.coalesce(old, new))


def latest(old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The greater of both; NULL gives way."""
    return case((new > old, new), else_=func.coalesce(old, new))


def replaced(_old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The new value."""
    return new


def either(old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """True where one of both is."""
    return old | new
