"""Sessions that belong to others: subagents that work under an id of their own.

Each session has at most one parent: of several that were told, the one with the lowest key. So any
order of telling leaves the same parents, and where each family ends (its root) follows from them
alone. A cycle, which no honest tool tells, ends at its lowest key. Who has no parent has no row.

A family is one session to whoever asks for numbers: what its members used is booked to its root,
as long as the root is a session that we know by itself (``ROOT``); else each stands for itself.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Subquery,
    and_,
    func,
    or_,
    select,
)

from domain.events import Trace
from domain.folded import SessionKey, SessionSums
from store import tables as t
from store.given import Asked, asking
from store.upsert import Row, merge_into, replaced

ROOT = t.sessions.alias("root")
_PK = {"pk": BigInteger()}
# Any number that no other lock of ours has.
_LOCK = 7_046_029_254_386_353_131


def with_roots(source: FromClause, session_pk: ColumnElement[int]) -> FromClause:
    """The source with each session's ``ROOT`` beside it; no root where it belongs to nobody."""
    f = t.session_families.c
    # A root that was only heard of is no session to show anything under.
    known = and_(ROOT.c.pk == f.root_pk, ROOT.c.active, ROOT.c.session_id.is_not(None))
    return source.outerjoin(t.session_families, f.session_pk == session_pk).outerjoin(ROOT, known)


def belongs(session_pk: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a session is shown under another one."""
    f = t.session_families.c
    query = select(f.session_pk).join(ROOT, ROOT.c.pk == f.root_pk)
    known = (ROOT.c.active, ROOT.c.session_id.is_not(None), ROOT.c.pk != session_pk)
    return query.where(f.session_pk == session_pk, *known).exists()


def among(session_pk: ColumnElement[int], pks: Collection[int]) -> ColumnElement[bool]:
    """Whether a session is one of these or of the family of one of these."""
    f = t.session_families.c
    family = select(f.session_pk).where(f.root_pk.in_(pks))
    return or_(session_pk.in_(pks), session_pk.in_(family))


def apply(
    connection: Connection, folded: Iterable[tuple[int, SessionKey, SessionSums]]
) -> set[int]:
    """Remember who belongs to whom; the sessions that this gives another family."""
    told: dict[int, int] = {}
    for pk, session, sums in folded:
        for child, parent in _ties(pk, session, sums):
            told[child] = min(parent, told.get(child, parent))
    if not told:
        return set()
    if connection.dialect.name == "postgresql":
        # Two folders may each tell a part of one family: one after the other, to the commit.
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    return _move(connection, told)


def _ties(pk: int, session: SessionKey, sums: SessionSums) -> Iterator[tuple[int, int]]:
    """(child, parent) as this session's traces tell them."""
    if session.session_id is None:
        return
    for trace, value in sums.traces:
        if trace is Trace.PARENT_SESSION or trace is Trace.CHILD_SESSION:
            other = SessionKey(session.tool, value, "").pk
            if other != pk:
                yield (pk, other) if trace is Trace.PARENT_SESSION else (other, pk)


def _move(connection: Connection, told: Mapping[int, int]) -> set[int]:
    known = _rows(connection, _OF_SESSIONS, told)
    moved = {
        child: parent
        for child, parent in told.items()
        if child not in known or parent < known[child][0]
    }
    # Whatever follows a child had the child's own root so far.
    before = {known[child][1] if child in known else child for child in moved}
    under = _rows(connection, _OF_ROOTS, before)
    parents = {pk: parent for pk, (parent, _) in under.items()} | moved
    changed = set(parents)
    above = set(parents.values()) - changed
    while above:
        found = {pk: parent for pk, (parent, _) in _rows(connection, _OF_SESSIONS, above).items()}
        parents |= found
        above = set(found.values()) - parents.keys()
    roots = roots_of(parents)
    rows: list[Row] = [
        {"session_pk": pk, "parent_pk": parents[pk], "root_pk": roots[pk]} for pk in sorted(changed)
    ]
    merge_into(connection, t.session_families, rows, {"parent_pk": replaced, "root_pk": replaced})
    return changed | before | {roots[pk] for pk in changed}


def roots_of(parents: Mapping[int, int]) -> dict[int, int]:
    """Where the line of parents of each of these ends: at one without, or in a cycle's lowest."""
    roots: dict[int, int] = {}
    for start in parents:
        line: dict[int, None] = {}
        at = start
        while at in parents and at not in roots and at not in line:
            line[at] = None
            at = parents[at]
        if at in line:
            cycle = list(line)
            root = min(cycle[cycle.index(at) :])
        else:
            root = roots.get(at, at)
        roots |= dict.fromkeys(line, root)
    return roots


def members(connection: Connection, pks: Collection[int]) -> dict[int, list[int]]:
    """Of each of these sessions: itself and, where it is the root of a family, all of that."""
    found = {pk: [pk] for pk in pks}
    for pk, (_, root) in sorted(_rows(connection, _OF_ROOTS, found).items()):
        if pk != root:
            found[root].append(pk)
    return found


def alone(connection: Connection, pks: Collection[int]) -> list[int]:
    """Those of these sessions that are known and shown under no other one."""
    return [pk for (pk,) in _alone(connection, [(pk,) for pk in pks])]


@asking(_PK)
def _alone(wanted: Subquery) -> Select[Any]:
    query = select(t.sessions.c.pk).join(wanted, wanted.c.pk == t.sessions.c.pk)
    return query.where(~belongs(t.sessions.c.pk))


def shown_as(connection: Connection, pks: Collection[int]) -> dict[int, int]:
    """The session that each of these is shown under: its root, or itself."""
    roots = {row.session_pk: row.root_pk for row in _shown_under(connection, [(pk,) for pk in pks])}
    return {pk: roots.get(pk, pk) for pk in pks}


@asking(_PK)
def _shown_under(wanted: Subquery) -> Select[Any]:
    f = t.session_families.c
    return (
        select(f.session_pk, f.root_pk)
        .join(wanted, wanted.c.pk == f.session_pk)
        .join(ROOT, ROOT.c.pk == f.root_pk)
        .where(ROOT.c.active, ROOT.c.session_id.is_not(None))
    )


def families_of(connection: Connection, pks: Collection[int]) -> set[int]:
    """The roots of those of these sessions that belong to others."""
    rows = _rows(connection, _OF_SESSIONS, pks)
    return {root for _, root in rows.values()}


def parents_of(connection: Connection, pks: Collection[int]) -> dict[int, int]:
    """The parent of each of these that has one."""
    rows = _rows(connection, _OF_SESSIONS, pks)
    return {pk: parent for pk, (parent, _) in rows.items()}


def _families(column: Column[int]) -> Asked:
    """The rows that have one of these values in a column."""

    @asking(_PK)
    def query(wanted: Subquery) -> Select[Any]:
        return select(t.session_families).join(wanted, wanted.c.pk == column)

    return query


_OF_SESSIONS = _families(t.session_families.c.session_pk)
_OF_ROOTS = _families(t.session_families.c.root_pk)


def _rows(
    connection: Connection, asked: Asked, values: Iterable[int]
) -> dict[int, tuple[int, int]]:
    """(parent, root) by session, of the rows that are asked for by these values."""
    rows = asked(connection, [(value,) for value in sorted(values)])
    return {row.session_pk: (row.parent_pk, row.root_pk) for row in rows}
