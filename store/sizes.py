"""How many lines of changes somebody wrote."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    Subquery,
    case,
    func,
    select,
)

from store import tables as t
from store.given import asking
from store.membership import ChangeId


def _listed() -> ColumnElement[int | None]:
    """The lines of its files, which are none of a lock file; NULL where not all are listed."""
    f, c = t.change_files.c, t.changes.c
    total, lines = c.additions + c.deletions, func.sum(f.additions + f.deletions)
    files = func.count()
    # More than in total are those of a list from before.
    complete = (
        (files == func.count(f.additions + f.deletions))
        & (files == func.coalesce(c.changed_files, files))
        & (lines <= func.coalesce(total, lines))
    )
    query = select(case((complete, lines))).where(f.repo == c.repo, f.number == c.number)
    return query.correlate(t.changes).scalar_subquery()


LINES: ColumnElement[int | None] = func.coalesce(
    _listed(), t.changes.c.additions + t.changes.c.deletions
)
"""Lines that a row of ``changes`` adds and deletes, without those that nobody wrote.

As far as all its files are listed; else all lines, and NULL where either count was not told.
"""


def lines_of(connection: Connection, ids: Collection[ChangeId]) -> dict[ChangeId, int]:
    """The lines of these changes, of those of which they were told."""
    rows = _lines(connection, sorted(ids))
    return {(repo, number): int(lines) for repo, number, lines in rows if lines is not None}


@asking({"repo": String(), "number": Integer()})
def _lines(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    same = (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    return select(c.repo, c.number, LINES).join(wanted, same)
