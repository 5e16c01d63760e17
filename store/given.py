"""Rows handed to a query as one parameter: a join against thousands of values in one statement.

The statement is the same for any number of rows, so it is compiled once; a long IN or VALUES would
be compiled and planned anew each time.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Subquery,
    Text,
    cast,
    func,
    literal,
    select,
    type_coerce,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def given(
    connection: Connection,
    columns: Mapping[str, Any],
    rows: Iterable[Sequence[str | int | datetime]],
    name: str = "given",
) -> Subquery:
    """These rows as a table with these columns, each of a type of SQLAlchemy."""
    document = literal(json.dumps([[_plain(value) for value in row] for row in rows]), Text)
    values: list[ColumnElement[Any]]
    if connection.dialect.name == "postgresql":
        each = func.json_array_elements(cast(document, JSON)).table_valued("value")
        values = [
            cast(each.c.value.op("->>")(place), type_)
            for place, type_ in enumerate(columns.values())
        ]
    else:
        each = func.json_each(document).table_valued("value")
        values = [
            type_coerce(func.json_extract(each.c.value, f"$[{place}]"), type_)
            for place, type_ in enumerate(columns.values())
        ]
    named = [value.label(label) for label, value in zip(columns, values, strict=True)]
    return select(*named).subquery(name)


def _plain(value: str | int | datetime) -> str | int:
    # As columns hold it (``Moment``).
    if isinstance(value, datetime):
        return (value - _EPOCH) // timedelta(microseconds=1)
    return value
