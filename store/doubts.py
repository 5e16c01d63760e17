"""How many sessions of a sum are known to have used more than it says.

It is kept with what each session adds (``store.outcomes``), so it is as of when that was last
concluded: seconds after its records were folded.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Label,
    case,
    distinct,
    func,
    literal_column,
    select,
)

from store import tables as t
from store.families import ROOT


class Doubts(NamedTuple):
    """Sessions of whose telemetry something is missing, and those whose cost is a lower bound."""

    incomplete: int = 0
    lower_bounds: int = 0


NONE = Doubts()
_O = t.session_outcomes.c
_SHOWN = func.coalesce(ROOT.c.pk, t.sessions.c.pk)
_NOTHING = literal_column("0", Integer)
_DOUBTFUL = (_O.incomplete + _O.lower_bounds) > _NOTHING


def doubts(
    connection: Connection,
    keys: Sequence[ColumnElement[Any]],
    where: Sequence[ColumnElement[bool]],
    source: FromClause,
) -> dict[tuple[Any, ...], Doubts]:
    """By these columns, of usage with its roots (``families.with_roots``); none is left out."""
    many = [
        func.count(distinct(case((count > _NOTHING, _O.session_pk))))
        for count in (_O.incomplete, _O.lower_bounds)
    ]
    query = (
        select(*keys, *many)
        .select_from(source.join(t.session_outcomes, _O.session_pk == _SHOWN))
        .where(*where, _DOUBTFUL)
        .group_by(*(key.name if isinstance(key, Label) else key for key in keys))
    )
    width = len(keys)
    return {
        tuple(row[:width]): Doubts(*row[width:]) for row in map(tuple, connection.execute(query))
    }
