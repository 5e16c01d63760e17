"""Sums of what sessions bought, read by pieces of time and values (``store.outcomes``)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    Subquery,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    true,
    tuple_,
)

from domain.contributions import COUNTS, Counts, Standing
from domain.labels import Maturity
from domain.weeks import BLOCK, QUARTER
from store import tables as t
from store.given import Asked, asking, given
from store.outcomes import EVERYTHING
from store.packed import NOBODY, members, unpacked

# Thousands of rows are read here: all at once, since one by one takes twice as long.


class Span(NamedTuple):
    """So many weeks from a first one on, as sums are kept: 1, 4, 12 or 24."""

    weeks: int
    week: int


Shown: TypeAlias = tuple[tuple[Span, frozenset[str]], ...]
"""Spans, each with values of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Which sums: of a dimension, in these spans, and with these values.

    ``shown`` names the values of each span, None: every value. ``value`` and ``other`` narrow a
    pair of dimensions to one value of its first or second; with ``value``, ``shown`` names values
    of the second. ``counts`` are what is summed, ``by_label`` tells whether labels are told apart;
    else all of them are "".
    """

    dimension: str = EVERYTHING
    spans: tuple[Span, ...]
    shown: Shown | None = None
    value: str | None = None
    other: str | None = None
    counts: tuple[str, ...] = COUNTS
    by_label: bool = True


class Summed(NamedTuple):
    """One sum. ``span`` is None where all of them are added."""

    span: Span | None
    value: str
    other: str
    standing: Standing
    counts: Counts


_R = t.outcome_rollups.c
_UNLABELLED = Standing("", "", "")
_SPAN = {"weeks": BigInteger(), "week": BigInteger()}


class Stamps(NamedTuple):
    """Of a week: one that changes with any sum, with those of final labels, with who is in it."""

    sums: int
    settled: int
    people: int


def stamps(connection: Connection) -> dict[int, Stamps]:
    """The stamps of each week of which anything was ever summed, in order."""
    c = t.outcome_weeks.c
    query = select(c.week, c.stamp, c.settled_stamp, c.people_stamp).order_by(c.week)
    return {week: Stamps(*told) for week, *told in connection.execute(query).all()}


def people(
    connection: Connection, dimension: str, weeks: int, first: Collection[int]
) -> dict[int, dict[tuple[str, str], int]]:
    """Who is in each cell of a dimension, by the first of its ``weeks``; with cells of nobody.

    People are bits of a number (``domain.privacy``).
    """
    c = t.outcome_presence.c
    wanted = given(connection, {"week": BigInteger()}, [(week,) for week in first])
    query = select(c.week, c.value, c.other, c.people).where(
        c.dimension == dimension, c.weeks == weeks, c.week.in_(select(wanted.c.week))
    )
    found: dict[int, dict[tuple[str, str], int]] = defaultdict(dict)
    for week, value, other, told in connection.execute(query).all():
        found[week][value, other] = members(told)
    return dict(found)


@asking({"week": BigInteger()})
def _nobodys(wanted: Subquery) -> Select[Any]:
    c = t.outcome_presence.c
    # Their number is the lowest: where there are any they come first, and the rest is not read.
    first = func.substr(c.people, literal_column("1"), literal_column("8"))
    return (
        select(c.week, c.value, c.other, first)
        .where(c.dimension == bindparam("of"), c.weeks == bindparam("long"))
        .where(c.week.in_(select(wanted.c.week)))
    )


def of_nobody(
    connection: Connection, dimension: str, weeks: int, first: Collection[int]
) -> dict[int, dict[tuple[str, str], int]]:
    """How many sessions nobody is told of in each cell of a dimension; cells without are left out.

    The cells are those that begin with these weeks and are so many weeks long.
    """
    asked = [(week,) for week in sorted(first)]
    found: dict[int, dict[tuple[str, str], int]] = defaultdict(dict)
    for week, value, other, told in _nobodys(connection, asked, of=dimension, long=weeks):
        many = unpacked(told)[NOBODY]
        if many:
            found[week][value, other] = many
    return dict(found)


def summed(
    connection: Connection,
    wanted: Slice,
    *,
    by_value: bool = True,
    by_span: bool = False,
) -> list[Summed]:
    """The sums of a slice by label, maturity and rule; also by value and span where asked."""
    keys: list[Any] = [_R.value, _R.other] if by_value else []
    keys += [_R.weeks, _R.week] if by_span else []
    labelled = (_R.label, _R.maturity, _R.rule) if wanted.by_label else ()
    # Where all that tells rows apart is asked for, there is nothing to add up.
    apart = by_value and wanted.by_label and (by_span or len(_spans(wanted)) == 1)
    amounts = [_R[name] if apart else func.sum(_R[name]) for name in wanted.counts]
    query = _sliced(connection, wanted, select(*keys, *labelled, *amounts))
    if not apart and (keys or labelled):
        query = query.group_by(*keys, *labelled)
    # Of each row first the keys, then how it is labelled, then the sums.
    spanned, after, first = 2 * by_value, len(keys), len(keys) + len(labelled)
    found = []
    for row in map(tuple, connection.execute(query).all()):
        value, other = row[:2] if by_value else ("", "")
        span = Span(*row[spanned:after]) if by_span else None
        standing = _standing(*row[after:first]) if wanted.by_label else _UNLABELLED
        counts = {name: int(of) for name, of in zip(wanted.counts, row[first:], strict=True) if of}
        found.append(Summed(span, value, other, standing, counts))
    return found


@lru_cache(maxsize=1024)
def _standing(label: str, maturity: str, rule: str) -> Standing:
    """The same few again and again, so that sums which are kept hold no copies."""
    return Standing(label, maturity, rule)


def _sliced(connection: Connection, wanted: Slice, query: Select[Any]) -> Select[Any]:
    where = [_R.dimension == wanted.dimension]
    where += [] if wanted.value is None else [_R.value == wanted.value]
    where += [] if wanted.other is None else [_R.other == wanted.other]
    # By IN, not by a join: a plan that begins with the sums would compare each with each.
    named_by = _R.value if wanted.value is None else _R.other
    spans = _spans(wanted)
    if len(spans) == 1:
        [span] = spans
        where += [_R.weeks == span.weeks, _R.week == span.week]
        if wanted.shown is not None:
            of = given(connection, {"value": String()}, _values(wanted.shown))
            where.append(named_by.in_(select(of.c.value)))
    elif wanted.shown is None:
        of = given(connection, _SPAN, sorted(wanted.spans))
        where.append(tuple_(_R.weeks, _R.week).in_(select(of.c.weeks, of.c.week)))
    else:
        of = given(connection, {**_SPAN, "value": String()}, _rows(wanted.shown))
        told = select(of.c.weeks, of.c.week, of.c.value)
        where.append(tuple_(_R.weeks, _R.week, named_by).in_(told))
    return query.where(*where)


def _spans(wanted: Slice) -> frozenset[Span]:
    return frozenset(wanted.spans if wanted.shown is None else (span for span, _ in wanted.shown))


def _values(shown: Shown) -> list[tuple[str]]:
    return [(value,) for value in sorted({value for _, values in shown for value in values})]


def _rows(shown: Shown) -> list[tuple[int, int, str]]:
    return sorted((*span, value) for span, values in shown for value in values)


class Wanted(NamedTuple):
    """A count, of all sessions or those with one of these labels, which may have to be final."""

    name: str
    labels: frozenset[str] | None = None
    final: bool = False


def by_value(
    connection: Connection, dimension: str, blocks: Iterable[int], wanted: tuple[Wanted, ...]
) -> dict[int, dict[str, tuple[int, ...]]]:
    """The sums of these, by block and value of a dimension."""
    asked = _summing(wanted)
    found: dict[int, dict[str, tuple[int, ...]]] = defaultdict(dict)
    for week, value, *sums in asked(connection, [(block,) for block in blocks], of=dimension):
        found[week][value] = tuple(map(int, sums))
    return found


@lru_cache
def _summing(wanted: tuple[Wanted, ...]) -> Asked:
    sums = [func.coalesce(func.sum(_R[each.name]).filter(*_which(each)), 0) for each in wanted]

    @asking({"week": BigInteger()})
    def built(of: Subquery) -> Select[Any]:
        return (
            select(_R.week, _R.value, *sums)
            .where(_R.dimension == bindparam("of"), _R.weeks == BLOCK)
            .where(_R.week.in_(select(of.c.week)))
            .group_by(_R.week, _R.value)
        )

    return built


def _which(wanted: Wanted) -> list[ColumnElement[bool]]:
    labels = true() if wanted.labels is None else _R.label.in_(sorted(wanted.labels))
    return [labels, _R.maturity == Maturity.FINAL.value if wanted.final else true()]


def settled_pairs(
    connection: Connection, dimension: str, quarter: int, labels: Collection[str]
) -> dict[tuple[str, str], int]:
    """What sessions with a final label among these cost in a quarter, by pair of values."""
    query = (
        select(_R.value, _R.other, func.sum(_R.cost_nanousd))
        .where(_R.dimension == dimension, _R.weeks == QUARTER, _R.week == quarter)
        .where(_R.label.in_(sorted(labels)), _R.maturity == Maturity.FINAL.value)
        .group_by(_R.value, _R.other)
    )
    return {(value, other): int(cost) for value, other, cost in connection.execute(query).all()}


def bins(
    connection: Connection, dimension: str, kind: str, wanted: Shown
) -> dict[str, dict[int, int]]:
    """How many are in each bin of a kind, by value, over these spans and values."""
    c = t.outcome_bins.c
    columns = {**_SPAN, "value": String()}
    of = given(connection, columns, _rows(wanted))
    told = select(of.c.weeks, of.c.week, of.c.value)
    query = (
        select(c.value, c.bin, func.sum(c.sessions))
        .where(c.dimension == dimension, c.kind == kind)
        .where(tuple_(c.weeks, c.week, c.value).in_(told))
        .group_by(c.value, c.bin)
    )
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for value, number, sessions in connection.execute(query).all():
        found[value][number] = int(sessions)
    return found


def beyond(
    connection: Connection,
    dimension: str,
    fences: Mapping[str, int],
    wanted: Shown,
) -> dict[str, int]:
    """How many sessions lie in a bin beyond the fence of their kind, by value."""
    c = t.outcome_bins.c
    columns = {**_SPAN, "value": String(), "kind": String(), "fence": BigInteger()}
    rows = [(*row, kind, fence) for row in _rows(wanted) for kind, fence in fences.items()]
    of = given(connection, columns, rows)
    # From what is asked for to the bins, never the other way: an outer join keeps that order.
    same = and_(
        *(c.dimension == dimension, c.weeks == of.c.weeks, c.week == of.c.week),
        *(c.value == of.c.value, c.kind == of.c.kind, c.bin > of.c.fence),
    )
    query = (
        select(of.c.value, func.sum(c.sessions))
        .select_from(of.outerjoin(t.outcome_bins, same))
        .group_by(of.c.value)
    )
    return {value: int(many or 0) for value, many in connection.execute(query)}
