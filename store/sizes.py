"""How many lines of changes somebody wrote."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    Subquery,
    case,
    exists,
    func,
    or_,
    select,
    type_coerce,
)

from store import tables as t
from store.given import asking
from store.membership import ChangeId

# A branch is pushed to before its change is opened. A week: a name may have been used before.
_BEFORE_OPENING_MICROS = 7 * 86_400 * 1_000_000


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


def _in_total() -> ColumnElement[int | None]:
    """The lines in total; NULL where some of them are of files that nobody writes."""
    c, held, p = t.changes.c, t.change_commits.c, t.pushes.c
    listed = exists().where(
        held.repo == c.repo, held.number == c.number, _unwritten(held.repo, held.sha)
    )
    since = type_coerce(c.created_at, BigInteger) - _BEFORE_OPENING_MICROS
    pushed = exists().where(
        p.repo == func.coalesce(c.head_repo, c.repo),
        p.branch == c.head_ref,
        type_coerce(p.pushed_at, BigInteger) >= since,
        p.pushed_at <= func.coalesce(c.merged_at, c.closed_at, c.updated_at),
        _unwritten(p.repo, p.sha),
    )
    unwritten = or_(
        _unwritten(c.repo, c.merge_sha),
        listed.correlate(t.changes),
        pushed.correlate(t.changes),
    )
    return case((~unwritten, c.additions + c.deletions))


def _unwritten(repo: ColumnElement[str], sha: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether all that is told of a commit's lines is that nobody wrote those of some files."""
    some, other = t.commit_files.alias("some").c, t.commit_files.alias("other").c
    nobody = exists().where(
        some.repo == repo, some.sha == sha, some.additions == 0, some.deletions == 0
    )
    told = exists().where(
        other.repo == repo,
        other.sha == sha,
        func.coalesce(other.additions, 0) + func.coalesce(other.deletions, 0) > 0,
    )
    return nobody.correlate(t.changes, t.change_commits, t.pushes) & ~told.correlate(
        t.changes, t.change_commits, t.pushes
    )


LINES: ColumnElement[int | None] = func.coalesce(_listed(), _in_total())
"""Lines that a row of ``changes`` adds and deletes, without those that nobody wrote.

As far as all its files are listed; else all lines, and NULL where either count was not told, or
where lock files or generated ones are among the files that its commits are told to touch.
"""


class Lines(NamedTuple):
    """``written`` is None where only ``most`` is known: so many with those that nobody wrote."""

    written: int | None
    most: int


_MOST = func.coalesce(_listed(), t.changes.c.additions + t.changes.c.deletions).label("most")


def lines_of(connection: Connection, ids: Collection[ChangeId]) -> dict[ChangeId, Lines]:
    """The lines of these changes, of those of which any were told."""
    rows = _lines(connection, sorted(ids))
    return {
        (repo, number): Lines(None if lines is None else int(lines), int(most))
        for repo, number, lines, most in rows
        if most is not None
    }


@asking({"repo": String(), "number": Integer()})
def _lines(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    same = (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    return select(c.repo, c.number, LINES, _MOST).join(wanted, same)
