"""What could not be concluded: set aside, so that no mark ever keeps the others waiting.

Its mark is taken away and a row says of what it was. The row goes once the same is concluded after
all, because something about it was marked again. All are marked again by the next start.

In a transaction the row of a mark is written before the mark itself, and those of one kind only, so
that no two processes wait for each other.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, delete, func, null, select, update

from store import dirty, people
from store import tables as t
from store.dirty import CommitMark, Marks, WorkMark
from store.engine import Database
from store.membership import chunks
from store.upsert import merge_into, replaced

_ANY = select(select(t.set_aside).exists())
_MOST_REASON = 200
_AGAIN: Mapping[Marks, Callable[[Connection, Iterable[Any]], None]] = {
    Marks.PEOPLE: people.mark,
    Marks.SESSIONS: dirty.mark_sessions,
    Marks.WORK: lambda connection, keys: dirty.mark_work(connection, (WorkMark(*k) for k in keys)),
    # With no person: that only says with which others a commit is read together.
    Marks.COMMITS: lambda connection, keys: dirty.mark_commits(
        connection, (CommitMark("", *key) for key in keys)
    ),
    Marks.LABELS: dirty.mark_labels,
    Marks.CHANGES: lambda connection, keys: dirty.mark_changes(
        connection, ((repo, number) for repo, number in keys)
    ),
    Marks.WEEKS: dirty.mark_weeks,
}


def set_aside(
    connection: Connection, kind: Marks, key: Any, marks: int, since: datetime, reason: str
) -> None:
    """Set aside what had so many marks. What was marked again since stays marked."""
    row = {"kind": kind.value, "key": _text(key), "since": since, "reason": reason[:_MOST_REASON]}
    merge_into(connection, t.set_aside, [row], {"reason": replaced})
    if kind is Marks.LABELS:
        # Else it would be due for ever. All of a session's labels are looked at: a plan that begins
        # with the current one reads those of all sessions.
        c = t.labels.c
        undue = case((c.current.is_(True), null()), else_=c.due_at)
        connection.execute(update(t.labels).where(c.session_pk == key).values(due_at=undue))
    dirty.clear(connection, kind, {key: marks})


def concluded(connection: Connection, kind: Marks, done: Mapping[Any, int]) -> None:
    """These are concluded: take their marks away, unless there are more of them by now."""
    if connection.execute(_ANY).scalar_one():
        _forget(connection, kind, done)
    dirty.clear(connection, kind, done)


def release(database: Database) -> None:
    """Give all of them another chance (a new version may conclude them)."""
    c = t.set_aside.c
    with database.reading() as connection:
        kinds = connection.execute(select(c.kind).distinct()).scalars().all()
    for kind in map(Marks, kinds):
        gone = delete(t.set_aside).where(c.kind == kind.value).returning(c.key)
        with database.writing() as connection:
            keys = connection.execute(gone).scalars().all()
            _AGAIN[kind](connection, [json.loads(key) for key in keys])


def forget_sessions(connection: Connection, session_pks: Collection[int]) -> None:
    """Forget what was set aside of sessions that are deleted."""
    for kind in (Marks.SESSIONS, Marks.LABELS):
        _forget(connection, kind, session_pks)


def count(connection: Connection) -> int:
    """How many are set aside."""
    return connection.execute(select(func.count()).select_from(t.set_aside)).scalar_one()


def _forget(connection: Connection, kind: Marks, keys: Iterable[Any]) -> None:
    c = t.set_aside.c
    for some in chunks(sorted(_text(key) for key in keys)):
        connection.execute(delete(t.set_aside).where(c.kind == kind.value, c.key.in_(some)))


def _text(key: Any) -> str:
    """A key as it is kept. Who wrote a commit is no part of it: that may be known anew."""
    return json.dumps(key[1:] if isinstance(key, CommitMark) else key, ensure_ascii=False)
