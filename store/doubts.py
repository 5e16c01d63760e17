"""How many sessions of a sum are known to have used more than it says.

It is kept with what each session adds (``store.outcomes``), so it is as of when that was last
concluded: seconds after its records were folded.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    func,
    literal_column,
    select,
    union_all,
)

from domain.weeks import week_of
from store import tables as t
from store.families import ROOT


class Doubts(NamedTuple):
    """Sessions of whose telemetry something is missing, and those whose cost is a lower bound."""

    incomplete: int = 0
    lower_bounds: int = 0

    def plus(self, other: "Doubts") -> "Doubts":
        """Those of other sessions as well."""
        return Doubts(self.incomplete + other.incomplete, self.lower_bounds + other.lower_bounds)


NONE = Doubts()
_O = t.session_outcomes.c
_SHOWN = func.coalesce(ROOT.c.pk, t.sessions.c.pk)
_NOTHING = literal_column("0", Integer)
# As the index has it that knows the few of which it is true.
_DOUBTFUL = (_O.incomplete + _O.lower_bounds) > _NOTHING


def doubts(
    connection: Connection,
    keys: Sequence[ColumnElement[Any]],
    where: Sequence[ColumnElement[bool]],
    source: FromClause,
    start: datetime | None,
) -> tuple[dict[tuple[Any, ...], Doubts], Doubts]:
    """By these columns, and in all, of usage with its roots (``families.with_roots``).

    ``start`` is the hour from which on these conditions take usage; None: from the first. So only
    usage of sessions in doubt is read, of those that were at work since then.
    """
    mine = t.usage.c.session_pk.in_(union_all(_alone(start), _members(start)))
    query = (
        select(*keys, _O.session_pk, _O.incomplete > _NOTHING, _O.lower_bounds > _NOTHING)
        .select_from(source.join(t.session_outcomes, _O.session_pk == _SHOWN))
        .where(*where, mine, _DOUBTFUL)
        .distinct()
    )
    by_key: dict[tuple[Any, ...], Doubts] = {}
    found: dict[int, Doubts] = {}
    for *values, pk, incomplete, lower in connection.execute(query):
        one = Doubts(int(incomplete), int(lower))
        found[pk] = one
        by_key[tuple(values)] = by_key.get(tuple(values), NONE).plus(one)
    return by_key, sum_of(found.values())


def _alone(start: datetime | None) -> Select[Any]:
    """Sessions in doubt, by the week in which each ended."""
    query = select(_O.session_pk).where(_DOUBTFUL)
    return query if start is None else query.where(_O.week >= week_of(start))


def _members(start: datetime | None) -> Select[Any]:
    """What belongs to one; it may work on when that has ended."""
    f, member = t.session_families.c, t.sessions.alias("member")
    query = select(f.session_pk).join(t.session_outcomes, _O.session_pk == f.root_pk)
    query = query.where(_DOUBTFUL)
    if start is None:
        return query
    return query.join(member, member.c.pk == f.session_pk).where(member.c.last_at >= start)


def sum_of(all_of: Iterable[Doubts]) -> Doubts:
    """Of different sessions together."""
    total = NONE
    for each in all_of:
        total = total.plus(each)
    return total
