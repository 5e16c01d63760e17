"""What must be concluded anew: sessions, work, and what was found to hang on either.

First whatever telemetry or a forge touched is marked (``mark_sessions``, ``mark_work``). From that
follow the commits whose sessions must be found anew (``mark_commits``), and at last the sessions
that must be labelled (``mark_labels``). Beside that go the changes to be measured anew
(``mark_changes``) and the weeks whose changes must be compared anew (``mark_weeks``). A mark
carries a count, so that what was marked again while it was being worked on stays marked.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, and_, bindparam, delete, select

from domain.labels import Label
from store import families
from store import tables as t
from store.membership import ChangeId
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
    query = select(t.dirty_sessions).limit(limit)
    return {row.session_pk: row.marks for row in connection.execute(query)}


def marked_labels(connection: Connection, limit: int) -> dict[int, int]:
    """Some sessions to label with the marks they have now."""
    query = select(t.dirty_labels).limit(limit)
    return {row.session_pk: row.marks for row in connection.execute(query)}


def marked_work(connection: Connection, limit: int) -> dict[WorkMark, int]:
    """Some marked work with the marks it has now."""
    return {
        WorkMark(row.kind, row.repo, row.target_id): row.marks
        for row in connection.execute(select(t.dirty_work).limit(limit))
    }


def marked_commits(connection: Connection, limit: int) -> dict[CommitMark, int]:
    """Some marked commits with the marks they have now, those of one person together."""
    c = t.dirty_commits.c
    query = select(t.dirty_commits).order_by(c.person, c.repo, c.sha).limit(limit)
    return {
        CommitMark(row.person, row.repo, row.sha): row.marks for row in connection.execute(query)
    }


def marked_changes(connection: Connection, limit: int) -> dict[ChangeId, int]:
    """Some marked changes with the marks they have now."""
    rows = connection.execute(select(t.dirty_changes).limit(limit))
    return {(row.repo, row.number): row.marks for row in rows}


def marked_weeks(connection: Connection, limit: int) -> dict[int, int]:
    """The first marked weeks with the marks they have now."""
    query = select(t.dirty_weeks).order_by(t.dirty_weeks.c.week).limit(limit)
    return {row.week: row.marks for row in connection.execute(query)}


def clear_changes(connection: Connection, done: Mapping[ChangeId, int]) -> None:
    """Take these marks away, unless there are more of them by now."""
    _clear(connection, t.dirty_changes, done)


def clear_weeks(connection: Connection, done: Mapping[int, int]) -> None:
    """Take these marks away, unless there are more of them by now."""
    _clear(connection, t.dirty_weeks, {(week,): marks for week, marks in done.items()})


def clear_sessions(connection: Connection, done: Mapping[int, int]) -> None:
    """Take these marks away, unless there are more of them by now."""
    _clear(connection, t.dirty_sessions, {(pk,): marks for pk, marks in done.items()})


def clear_labels(connection: Connection, done: Mapping[int, int]) -> None:
    """Take these marks away, unless there are more of them by now."""
    _clear(connection, t.dirty_labels, {(pk,): marks for pk, marks in done.items()})


def clear_work(connection: Connection, done: Mapping[WorkMark, int]) -> None:
    """Take these marks away, unless there are more of them by now."""
    _clear(connection, t.dirty_work, done)


def clear_commits(connection: Connection, done: Mapping[CommitMark, int]) -> None:
    """Take these marks away, unless there are more of them by now."""
    _clear(connection, t.dirty_commits, done)


def _clear(connection: Connection, table: Table, done: Mapping[Any, int]) -> None:
    if not done:
        return
    key = [column.name for column in table.primary_key]
    same = [table.c[name] == bindparam(f"of_{name}") for name in key]
    rows = [
        {**{f"of_{name}": each for name, each in zip(key, mark, strict=True)}, "seen": marks}
        for mark, marks in sorted(done.items())
    ]
    statement = delete(table).where(and_(*same, table.c.marks == bindparam("seen")))
    connection.execute(statement, rows)


def due_sessions(connection: Connection, now: datetime, limit: int) -> list[int]:
    """Sessions whose current label changes with time, and that time has come."""
    query = (
        select(t.labels.c.session_pk)
        .where(t.labels.c.current.is_(True), t.labels.c.due_at <= now)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())
