"""Usage as it is told to whoever may not see everybody: about no fewer than so many people.

The rules are those of ``domain.privacy``: what is told is a sum of fixed pieces of time, blocks of
four weeks by one dimension and quarters of twelve where two are crossed, and of groups that have
people enough in each. So whatever answers are subtracted, too few are never left.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    String,
    case,
    cast,
    func,
    literal_column,
    select,
    tuple_,
)

from domain.privacy import Pair, People, cross, merged, part
from domain.record import EPOCH
from domain.weeks import BLOCK, QUARTER, WEEK, block_of, monday, week_of
from store import tables as t
from store.doubts import NONE, doubts
from store.given import GivenRow, given
from store.report_usage import (
    BOOKED_BY_PERSON,
    COLUMNS,
    COUNTED,
    SOMEBODY,
    Dimension,
    Row,
    Selection,
    Usage,
    combined,
    conditions,
    spelled,
    summed,
)

MOST_DIMENSIONS = 2
"""By so many usage is grouped and filtered at once: of more no rule is known."""
_NOT_TOLD = literal_column("''", String)

Held: TypeAlias = dict[int, dict[Pair, People]]
"""Who has usage, by week and values of the dimensions; "" where there is none, or was not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floored:
    """What may be told, of the whole pieces of time that lie in the period.

    ``others`` is what is asked for beside ``rows``, of groups too small to be told; None: nothing.
    ``weeks_withheld`` are weeks with usage in these pieces of which not all that is asked for is
    told. ``start`` and ``end`` are those of what is told; None: nothing is.
    """

    rows: Sequence[Row]
    others: Usage | None
    total: Usage
    weeks_withheld: int
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A piece of time: the pairs of values that are shown, and each dimension's values alone."""

    first: int
    shown: frozenset[Pair]
    alone: tuple[frozenset[str], frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is asked for: ``both`` are the dimensions, ``wanted`` the values of some of them."""

    both: Sequence[Dimension]
    wanted: Mapping[int, frozenset[str]]
    length: int

    @property
    def keys(self) -> list[ColumnElement[str]]:
        """The values of a row of usage."""
        return [func.coalesce(cast(COLUMNS[each], String), _NOT_TOLD) for each in self.both]

    @property
    def piece(self) -> ColumnElement[int]:
        """The first week of the piece that a row of usage lies in."""
        return _week(self.length) * _number(self.length)

    def takes(self, pair: Pair) -> bool:
        """Whether a pair has the values that are asked for."""
        return all(pair[place] in values for place, values in self.wanted.items())


def report(
    connection: Connection,
    dimensions: Sequence[Dimension],
    selection: Selection,
    floor: int,
    now: datetime,
) -> Floored:
    """Usage by these dimensions; at most two, those of the selection among them.

    Persons and sessions are none of them: by these all usage is about single people.
    """
    both = tuple(dict.fromkeys([*dimensions, *selection.values]))
    asked = _Asked(
        both=both,
        wanted={
            both.index(each): frozenset(value or "" for value in values)
            for each, values in selection.values.items()
        },
        length=BLOCK if len(both) < MOST_DIMENSIONS else QUARTER,
    )
    period = _whole(selection, asked.length, now)
    held = _held(connection, asked, period)
    told = [
        piece
        for first, weeks in sorted(held.items())
        if (piece := _piece(first, weeks, len(both), floor)) is not None
    ]
    rows, others, total = _summed(connection, asked, dimensions, told, period)
    lacking = held.keys() - {piece.first for piece in told if _is_whole(piece, held, asked)}
    return Floored(
        rows=rows,
        others=others,
        total=total,
        weeks_withheld=sum(len(held[first]) for first in lacking),
        start=monday(told[0].first) if told else None,
        end=monday(told[-1].first + asked.length) if told else None,
    )


def _whole(selection: Selection, length: int, now: datetime) -> Selection:
    """The pieces of time that lie wholly in a period; the one that still runs, where all of it."""
    start, end = selection.start, selection.end
    if start is not None:
        first = week_of(start) // length * length
        start = monday(first if monday(first) >= start else first + length)
    if end is not None:
        end = None if end >= now else monday(week_of(end) // length * length)
    return Selection(start=start, end=end)


def _week(length: int) -> ColumnElement[int]:
    """The number of the week, or of so many weeks, that usage lies in."""
    hour = WEEK / 168
    since = (EPOCH - monday(0)) // hour
    return (t.usage.c.hour + _number(since)) // _number(length * (WEEK // hour))


def _number(value: int) -> ColumnElement[int]:
    # A literal: PostgreSQL takes two bound parameters for two different expressions.
    return literal_column(str(value), Integer)


def _held(connection: Connection, asked: _Asked, period: Selection) -> dict[int, Held]:
    """Who has usage, by piece of time."""
    keys = asked.keys
    query = (
        select(_week(1), SOMEBODY, *keys)
        .select_from(BOOKED_BY_PERSON)
        .where(*conditions(period))
        .distinct()
    )
    numbers: dict[str, int] = {}
    found: dict[int, Held] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for week, person, *values in connection.execute(query):
        bit = 0 if person is None else 1 << numbers.setdefault(person, len(numbers))
        one, other, *_ = (*values, "", "")
        found[week // asked.length * asked.length][week][one, other] |= bit
    return found


def _piece(first: int, held: Held, dimensions: int, floor: int) -> _Piece | None:
    """What is told of a piece of time; None: nothing, not even all of it together."""
    one = _steady(_along(held, 0), floor)
    other = _steady(_along(held, 1), floor)
    if one is None or other is None:
        return None
    if dimensions < MOST_DIMENSIONS:
        shown = frozenset((value, "") for value in one)
    else:
        shown = cross(_over_all(held), one, other, floor)
    return _Piece(first=first, shown=shown, alone=(one, other))


def _along(held: Held, place: int) -> dict[int, dict[str, People]]:
    """The same by the values of one dimension."""
    found: dict[int, dict[str, People]] = {}
    for week, pairs in held.items():
        into = found.setdefault(week, defaultdict(int))
        for pair, people in pairs.items():
            into[pair[place]] |= people
    return found


def _steady(weeks: Mapping[int, Mapping[str, People]], floor: int) -> frozenset[str] | None:
    """The values shown in each block in which they have usage; None: a block shows none."""
    blocks: dict[int, dict[int, Mapping[str, People]]] = defaultdict(dict)
    for week, groups in weeks.items():
        blocks[block_of(week)][week] = groups
    present: set[str] = set()
    hidden: set[str] = set()
    for of in blocks.values():
        parted = part(of, floor)
        if parted is None:
            return None
        there = set(merged(of.values()))
        present |= there
        hidden |= there - parted.shown
    return frozenset(present - hidden)


def _over_all(held: Held) -> dict[Pair, People]:
    found: dict[Pair, People] = defaultdict(int)
    for pairs in held.values():
        for pair, people in pairs.items():
            found[pair] |= people
    return found


def _is_whole(piece: _Piece, held: Mapping[int, Held], asked: _Asked) -> bool:
    """Whether all that is asked for is told of a piece, be it among others."""
    return all(
        pair[place] in piece.alone[place]
        for pair in _over_all(held[piece.first])
        if asked.takes(pair)
        for place in asked.wanted
    )


def _summed(
    connection: Connection,
    asked: _Asked,
    dimensions: Sequence[Dimension],
    told: Sequence[_Piece],
    period: Selection,
) -> tuple[list[Row], Usage | None, Usage]:
    """Sums of the pairs that are shown, of all others together, and of everything."""
    if not told:
        return [], None, combined((), 0)
    width = len(asked.both)
    pairs: list[GivenRow] = [
        (piece.first, *pair[:width])
        for piece in told
        for pair in sorted(piece.shown)
        if asked.takes(pair)
    ]
    columns = {"piece": BigInteger(), **{each.value: String() for each in asked.both}}
    of = given(connection, columns, pairs, "shown").c
    # Looked up, not joined: SQLite would hold each row of usage against each of these.
    shown = tuple_(asked.piece, *asked.keys).in_(select(*of))
    where = [*conditions(period), *_allowed(connection, asked, told)]
    by = [case((shown, asked.keys[asked.both.index(each)])) for each in dimensions]
    rows: list[Row] = []
    others: Usage | None = None
    keys = [shown, *by]
    in_doubt, of_all = doubts(connection, keys, where, BOOKED_BY_PERSON, period.start)
    for told_by, sums in summed(connection, keys, *where, source=BOOKED_BY_PERSON):
        # Which models have no price is one dimension more.
        usage = replace(sums, unpriced=(), doubts=in_doubt.get(told_by, NONE))
        told_alone, *values = told_by
        if not told_alone:
            others = usage
            continue
        named = zip(dimensions, values, strict=True)
        rows.append(({each: spelled(each, value or None) for each, value in named}, usage))
    rows.sort(key=lambda row: [(value is None, value or "") for value in row[0].values()])
    count = select(func.count(COUNTED)).select_from(BOOKED_BY_PERSON).where(*where)
    everything = [*(usage for _, usage in rows), *([others] if others else [])]
    sessions = connection.execute(count).scalar_one()
    return rows, others, combined(everything, sessions, of_all)


def _allowed(
    connection: Connection, asked: _Asked, told: Sequence[_Piece]
) -> list[ColumnElement[bool]]:
    """What usage must satisfy: it lies in a piece that is told, with values that are told alone."""
    where: list[ColumnElement[bool]] = []
    firsts = given(connection, {"piece": BigInteger()}, [(p.first,) for p in told], "told")
    where.append(asked.piece.in_(select(firsts.c.piece)))
    for place, values in asked.wanted.items():
        pairs = [
            (piece.first, value) for piece in told for value in sorted(piece.alone[place] & values)
        ]
        columns = {"piece": BigInteger(), "value": String()}
        of = given(connection, columns, pairs, f"wanted_{place}").c
        key = tuple_(asked.piece, asked.keys[place])
        where.append(key.in_(select(of.piece, of.value)))
    return where
