"""What must be concluded anew: sessions, and work whose sessions are still to be found.

A mark carries a count, so that what was marked again while it was being worked on stays marked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, select

from domain.labels import Label
from store import families
from store import tables as t
from store.upsert import added, merge_into


@dataclass(frozen=True, slots=True, order=True)
class WorkMark:
    """A change (by number), a commit (by SHA), or a commit named by a revert (maybe short)."""

    kind: str
    repo: str
    target_id: str


def mark_sessions(connection: Connection, session_pks: Iterable[int]) -> None:
    """These sessions must be concluded anew, and those that they belong to."""
    pks = set(session_pks)
    pks |= families.families_of(connection, pks)
    rows = [{"session_pk": pk, "marks": 1} for pk in sorted(pks)]
    merge_into(connection, t.dirty_sessions, rows, {"marks": added})


def mark_unknown(connection: Connection) -> None:
    """All sessions of which nothing could be said must be concluded anew."""
    query = select(t.labels.c.session_pk).where(
        t.labels.c.current.is_(True), t.labels.c.label == Label.UNKNOWN.value
    )
    mark_sessions(connection, connection.execute(query).scalars())


def mark_work(connection: Connection, marks: Iterable[WorkMark]) -> None:
    """Whatever sessions this work concerns must be concluded anew."""
    rows = [
        {"kind": m.kind, "repo": m.repo, "target_id": m.target_id, "marks": 1}
        for m in sorted(set(marks))
    ]
    merge_into(connection, t.dirty_work, rows, {"marks": added})


def marked_sessions(connection: Connection, limit: int) -> dict[int, int]:
    """Some marked sessions with the marks they have now."""
    query = select(t.dirty_sessions).limit(limit)
    return {row.session_pk: row.marks for row in connection.execute(query)}


def marked_work(connection: Connection, limit: int) -> dict[WorkMark, int]:
    """Some marked work with the marks it has now."""
    return {
        WorkMark(row.kind, row.repo, row.target_id): row.marks
        for row in connection.execute(select(t.dirty_work).limit(limit))
    }


def clear_sessions(connection: Connection, done: dict[int, int]) -> None:
    """Take these marks away, unless there are more of them by now."""
    table = t.dirty_sessions
    statement = delete(table).where(
        table.c.session_pk == bindparam("pk"), table.c.marks == bindparam("seen")
    )
    if done:
        connection.execute(statement, [{"pk": pk, "seen": n} for pk, n in sorted(done.items())])


def clear_work(connection: Connection, done: dict[WorkMark, int]) -> None:
    """Take these marks away, unless there are more of them by now."""
    table = t.dirty_work
    statement = delete(table).where(
        table.c.kind == bindparam("k"),
        table.c.repo == bindparam("r"),
        table.c.target_id == bindparam("i"),
        table.c.marks == bindparam("seen"),
    )
    rows = [
        {"k": m.kind, "r": m.repo, "i": m.target_id, "seen": n} for m, n in sorted(done.items())
    ]
    if rows:
        connection.execute(statement, rows)


def waiting(connection: Connection) -> int:
    """How many marks of either kind wait."""
    sessions = select(func.count()).select_from(t.dirty_sessions).scalar_subquery()
    work = select(func.count()).select_from(t.dirty_work).scalar_subquery()
    total: int = connection.execute(select(sessions + work)).scalar_one()
    return total


def due_sessions(connection: Connection, now: datetime, limit: int) -> list[int]:
    """Sessions whose current label changes with time, and that time has come."""
    query = (
        select(t.labels.c.session_pk)
        .where(t.labels.c.current.is_(True), t.labels.c.due_at <= now)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())
