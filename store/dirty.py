"""What must be concluded anew: sessions, work, and what was found to hang on either.

First whatever telemetry or a forge touched is marked (``mark_sessions``, ``mark_work``). From that
follow the commits whose sessions must be found anew (``mark_commits``), and at last the sessions
that must be labelled (``mark_labels``). Beside that go the changes to be measured anew
(``mark_changes``) and the weeks whose changes must be compared anew (``mark_weeks``). A mark
carries a count, so that what was marked again while it was being worked on stays marked.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Delete, Integer, Table, and_, bindparam, delete, select

from domain.labels import Label
from store import families
from store import tables as t
from store.membership import ChangeId
from store.tables import Moment
from store.upsert import added, merge_into


class WorkMark(NamedTuple):
    """A change (by number), a commit (by SHA), a commit named by a revert (maybe short), a ticket.

    The ``repo`` of a ticket (by key) is empty.
    """

    kind: str
    repo: str
    target_id: str


class CommitMark(NamedTuple):
    """A commit. ``person`` is any one of its authors: what is read together is kept together."""

    person: str
    repo: str
    sha: str


class Marks(StrEnum):
    """Of what there may be marks; sessions whose label is due are among ``LABELS``."""

    PEOPLE = "people"
    SESSIONS = "sessions"
    WORK = "work"
    COMMITS = "commits"
    LABELS = "labels"
    CHANGES = "changes"
    WEEKS = "weeks"


_MARKED: Mapping[Marks, Table] = {
    Marks.PEOPLE: t.dirty_people,
    Marks.SESSIONS: t.dirty_sessions,
    Marks.WORK: t.dirty_work,
    Marks.COMMITS: t.dirty_commits,
    Marks.LABELS: t.dirty_labels,
    Marks.CHANGES: t.dirty_changes,
    Marks.WEEKS: t.dirty_weeks,
}
# Statements that are asked all the time stand built: to build one takes longer than to run it.
_SOME = {table: select(table).limit(bindparam("most", type_=Integer)) for table in _MARKED.values()}
_DUE = select(t.labels.c.session_pk).where(
    t.labels.c.current.is_(True), t.labels.c.due_at <= bindparam("now", type_=Moment())
)
_DUE_FIRST = _DUE.limit(bindparam("most", type_=Integer))
_WAITING = select(
    *(select(table).exists().label(marks.value) for marks, table in _MARKED.items()),
    _DUE.exists().label("due"),
)
_COMMITS_BY_PERSON = _SOME[t.dirty_commits].order_by(
    t.dirty_commits.c.person, t.dirty_commits.c.repo, t.dirty_commits.c.sha
)
_WEEKS_IN_ORDER = _SOME[t.dirty_weeks].order_by(t.dirty_weeks.c.week)


def waiting(connection: Connection, now: datetime) -> frozenset[Marks]:
    """Of what anything is marked, or due by now."""
    row = connection.execute(_WAITING, {"now": now}).one()._asdict()
    found = {marks for marks in Marks if row[marks.value]}
    return frozenset(found | {Marks.LABELS} if row["due"] else found)


def mark_sessions(connection: Connection, session_pks: Iterable[int]) -> None:
    """These sessions must be concluded anew, and those that they belong to."""
    _mark_sessions(connection, t.dirty_sessions, session_pks)


def mark_labels(connection: Connection, session_pks: Iterable[int]) -> None:
    """These sessions must be labelled anew, and those that they belong to."""
    _mark_sessions(connection, t.dirty_labels, session_pks)


def _mark_sessions(connection: Connection, table: Table, session_pks: Iterable[int]) -> None:
    pks = set(session_pks)
    pks |= families.families_of(connection, pks)
    rows = [{"session_pk": pk, "marks": 1} for pk in sorted(pks)]
    merge_into(connection, table, rows, {"marks": added})


def mark_unknown(connection: Connection) -> None:
    """All sessions of which nothing could be said must be labelled anew."""
    query = select(t.labels.c.session_pk).where(
        t.labels.c.current.is_(True), t.labels.c.label == Label.UNKNOWN.value
    )
    mark_labels(connection, connection.execute(query).scalars())


def mark_work(connection: Connection, marks: Iterable[WorkMark]) -> None:
    """Whatever sessions this work concerns must be concluded anew."""
    rows = [{**mark._asdict(), "marks": 1} for mark in sorted(set(marks))]
    merge_into(connection, t.dirty_work, rows, {"marks": added})


def mark_commits(connection: Connection, marks: Iterable[CommitMark]) -> None:
    """The sessions of these commits must be found anew."""
    rows = [{**mark._asdict(), "marks": 1} for mark in sorted(set(marks))]
    merge_into(connection, t.dirty_commits, rows, {"marks": added})


def mark_changes(connection: Connection, changes: Iterable[ChangeId]) -> None:
    """What these changes cost, or what became of them, must be measured anew."""
    rows = [{"repo": repo, "number": number, "marks": 1} for repo, number in sorted(set(changes))]
    merge_into(connection, t.dirty_changes, rows, {"marks": added})


def mark_weeks(connection: Connection, weeks: Iterable[int]) -> None:
    """The changes that landed in these weeks must be compared anew."""
    rows = [{"week": week, "marks": 1} for week in sorted(set(weeks))]
    merge_into(connection, t.dirty_weeks, rows, {"marks": added})


def marked_sessions(connection: Connection, limit: int) -> dict[int, int]:
    """Some marked sessions with the marks they have now."""
    rows = connection.execute(_SOME[t.dirty_sessions], {"most": limit})
    return {row.session_pk: row.marks for row in rows}


def marked_labels(connection: Connection, limit: int, now: datetime) -> dict[int, int]:
    """Some sessions to label with the marks they have now, and as many that are due.

    A session with no mark is only due: its current label changes with time, and that time has come.
    """
    rows = connection.execute(_SOME[t.dirty_labels], {"most": limit})
    marked = {row.session_pk: row.marks for row in rows}
    due = connection.execute(_DUE_FIRST, {"now": now, "most": limit}).scalars()
    return marked | {pk: 0 for pk in due if pk not in marked}


def marked_work(connection: Connection, limit: int) -> dict[WorkMark, int]:
    """Some marked work with the marks it has now."""
    rows = connection.execute(_SOME[t.dirty_work], {"most": limit})
    return {WorkMark(row.kind, row.repo, row.target_id): row.marks for row in rows}


def marked_commits(connection: Connection, limit: int) -> dict[CommitMark, int]:
    """Some marked commits with the marks they have now, those of one person together."""
    rows = connection.execute(_COMMITS_BY_PERSON, {"most": limit})
    return {CommitMark(row.person, row.repo, row.sha): row.marks for row in rows}


def marked_changes(connection: Connection, limit: int) -> dict[ChangeId, int]:
    """Some marked changes with the marks they have now."""
    rows = connection.execute(_SOME[t.dirty_changes], {"most": limit})
    return {(row.repo, row.number): row.marks for row in rows}


def marked_weeks(connection: Connection, limit: int) -> dict[int, int]:
    """The first marked weeks with the marks they have now."""
    rows = connection.execute(_WEEKS_IN_ORDER, {"most": limit})
    return {row.week: row.marks for row in rows}


def clear(connection: Connection, kind: Marks, done: Mapping[Any, int]) -> None:
    """Take these marks away, unless there are more of them by now."""
    table = _MARKED[kind]
    key = [f"of_{column.name}" for column in table.primary_key]
    rows = [
        {**dict(zip(key, mark if isinstance(mark, tuple) else (mark,), strict=True)), "seen": marks}
        for mark, marks in sorted(done.items())
        if marks
    ]
    if rows:
        connection.execute(_clearing(table), rows)


@cache
def _clearing(table: Table) -> Delete:
    same = [column == bindparam(f"of_{column.name}") for column in table.primary_key]
    return delete(table).where(and_(*same, table.c.marks == bindparam("seen")))
