"""Which files landed changes touch, and who touched the same files before and after."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, Select, String, Subquery, select

from store import tables as t
from store.default_branches import defaults_of
from store.given import asking
from store.membership import ChangeId

_CHANGE = {"repo": String(), "number": Integer()}
_FILE = {"repo": String(), "file": String()}
# Whoever sets a longer window of rework has it looked at when labels become final.
_WINDOW = timedelta(days=30)
# A file that so many touch within the window is usually touched again: that is nobody's rework.
_HOT = 40
# A merge that touches more than this (a reformatting, a move) says nothing of single files.
_MOST_FILES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A change on the default branch touched a file; counts of lines where they were told."""

    number: int
    file: str
    at: datetime
    deletions: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesOfChange:
    """The files of a change with the lines it added to each, and all other touches of them.

    ``touches`` reach from before it landed to after, within the windows that were asked for.
    """

    added: Mapping[str, int | None]
    touches: tuple[Touch, ...]


def files_of(
    connection: Connection,
    landed: Mapping[ChangeId, datetime],
    *,
    before: timedelta,
    after: timedelta,
    without: Mapping[ChangeId, Collection[int]],
) -> dict[ChangeId, FilesOfChange]:
    """The files of these changes, by when they landed. Without those whose files nobody listed.

    ``without`` are the numbers of changes whose touches are none of each.
    """
    added = _files(connection, landed)
    everybody = _touches(
        connection, {(repo, file) for (repo, _), of in added.items() for file in of}
    )
    found: dict[ChangeId, FilesOfChange] = {}
    for (repo, number), of in added.items():
        at = landed[repo, number]
        others = {number, *without.get((repo, number), ())}
        touches = [
            touch
            for file in of
            for touch in everybody.get((repo, file), ())
            if touch.number not in others and at - before <= touch.at <= at + after
        ]
        touches.sort(key=lambda touch: (touch.at, touch.number, touch.file))
        found[repo, number] = FilesOfChange(added=of, touches=tuple(touches))
    return found


def _files(
    connection: Connection, changes: Collection[ChangeId]
) -> dict[ChangeId, dict[str, int | None]]:
    """The files of these changes with the lines added to each."""
    added: dict[ChangeId, dict[str, int | None]] = defaultdict(dict)
    for repo, number, file, additions in _files_of(connection, sorted(changes)):
        added[repo, number][file] = additions
    return {change: of for change, of in added.items() if len(of) <= _MOST_FILES}


@asking(_CHANGE)
def _files_of(wanted: Subquery) -> Select[Any]:
    f = t.change_files.c
    same = (wanted.c.repo == f.repo) & (wanted.c.number == f.number)
    return select(f.repo, f.number, f.file, f.additions).join(wanted, same)


def _touches(
    connection: Connection, files: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[Touch]]:
    """Who touched these files on the default branch, and when."""
    rows = _touching(connection, sorted(files))
    merges = merges_of(connection, {(row.repo, row.number) for row in rows})
    found: dict[tuple[str, str], list[Touch]] = defaultdict(list)
    for repo, file, number, deletions in rows:
        at = merges.get((repo, number))
        if at is not None:
            found[repo, file].append(Touch(number=number, file=file, at=at, deletions=deletions))
    return found


@asking(_FILE)
def _touching(wanted: Subquery) -> Select[Any]:
    f = t.change_files.c
    same = (wanted.c.file == f.file) & (wanted.c.repo == f.repo)
    return select(f.repo, f.file, f.number, f.deletions).join(wanted, same)


def merges_of(connection: Connection, changes: Collection[ChangeId]) -> dict[ChangeId, datetime]:
    """When these changes were merged into the default branch, of those that were."""
    merges = _merges(connection, sorted(changes))
    defaults = defaults_of(connection, {repo for repo, *_ in merges})
    return {
        (repo, number): at
        for repo, number, branch, merged_at in merges
        if (at := defaults[repo].reached(branch, merged_at)) is not None
    }


@asking(_CHANGE)
def _merges(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    return (
        select(c.repo, c.number, c.base_ref, c.merged_at)
        .join(wanted, (wanted.c.repo == c.repo) & (wanted.c.number == c.number))
        .where(c.merged_at.is_not(None))
    )


def touched_before(connection: Connection, changes: Collection[ChangeId]) -> set[ChangeId]:
    """Changes whose files these touched again, not long after."""
    merges = merges_of(connection, changes)
    added = _files(connection, merges)
    everybody = _touches(
        connection, {(repo, file) for (repo, _), of in added.items() for file in of}
    )
    found: set[ChangeId] = set()
    for (repo, number), of in added.items():
        at = merges[repo, number]
        for file in of:
            before = {
                (repo, touch.number)
                for touch in everybody.get((repo, file), ())
                if touch.number != number and at - _WINDOW <= touch.at < at
            }
            if len(before) <= _HOT:
                found |= before
    return found


def sharing_files(connection: Connection, changes: Collection[ChangeId]) -> set[ChangeId]:
    """Other changes that touch a file of these, merged or not."""
    added = _files(connection, changes)
    files = sorted({(repo, file) for (repo, _), of in added.items() for file in of})
    return {(repo, number) for repo, number in _sharing(connection, files)} - set(changes)


@asking(_FILE)
def _sharing(wanted: Subquery) -> Select[Any]:
    f = t.change_files.c
    same = (wanted.c.file == f.file) & (wanted.c.repo == f.repo)
    return select(f.repo, f.number).distinct().join(wanted, same)
