"""What surrounds a change that was closed without a merge: its checks, and what may replace it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, Select, String, Subquery, select

from domain.work import CheckState
from store import tables as t
from store.given import asking, given
from store.history import ChangeHistory
from store.membership import HOME, ChangeId

_CHANGE = {"repo": String(), "number": Integer()}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadCheck:
    """How a check of the change's last commit stands."""

    name: str
    state: CheckState
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """A later change that was merged and has something in common with the closed one.

    ``same_work`` is true for one of the same branch (of the same fork) or ticket; of others
    ``shared_files`` is the share of the closed change's files that they touch.
    """

    number: int
    merged_at: datetime
    same_work: bool
    shared_files: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What may say why a change was closed.

    ``named_since`` are when those changes were made that its text names in its stead: what it calls
    so may be an issue, which shares its numbers with them.
    """

    checks: tuple[HeadCheck, ...] = ()
    successors: tuple[Successor, ...] = ()
    named_since: tuple[datetime, ...] = ()


def closings(
    connection: Connection, closed: Mapping[ChangeId, ChangeHistory], within: timedelta
) -> dict[ChangeId, Closing]:
    """What surrounds these closed changes; successors are merged so soon after the closing."""
    if not closed:
        return {}
    checks = _checks(connection, closed)
    successors = _successors(connection, closed, within)
    named = _named(connection, closed)
    return {
        change: Closing(
            checks=tuple(checks.get(change, ())),
            successors=tuple(successors.get(change, ())),
            named_since=tuple(named.get(change, ())),
        )
        for change in closed
    }


def _named(
    connection: Connection, closed: Mapping[ChangeId, ChangeHistory]
) -> dict[ChangeId, list[datetime]]:
    """When the changes were made that the texts of these name in their stead."""
    named: dict[ChangeId, list[ChangeId]] = defaultdict(list)
    for change, history in closed.items():
        for number in history.superseded_by:
            named[history.repo, number].append(change)
    found: dict[ChangeId, list[datetime]] = defaultdict(list)
    for repo, number, created_at in _made(connection, sorted(named)):
        for change in named[repo, number]:
            found[change].append(created_at)
    return found


@asking(_CHANGE)
def _made(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    same = (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    return select(c.repo, c.number, c.created_at).join(wanted, same)


def _checks(
    connection: Connection, closed: Mapping[ChangeId, ChangeHistory]
) -> dict[ChangeId, list[HeadCheck]]:
    heads: dict[tuple[str, str], list[ChangeId]] = defaultdict(list)
    for change, history in closed.items():
        heads[history.repo, history.head_sha].append(change)
    wanted = given(connection, {"repo": String(), "sha": String()}, sorted(heads))
    c = t.checks.c
    query = (
        select(t.checks)
        .join(wanted, (wanted.c.repo == c.repo) & (wanted.c.sha == c.sha))
        .order_by(c.name)
    )
    found: dict[ChangeId, list[HeadCheck]] = defaultdict(list)
    for row in connection.execute(query):
        check = HeadCheck(name=row.name, state=CheckState(row.state), at=row.at)
        for change in heads[row.repo, row.sha]:
            found[change].append(check)
    return found


def _successors(
    connection: Connection, closed: Mapping[ChangeId, ChangeHistory], within: timedelta
) -> dict[ChangeId, list[Successor]]:
    same = _of_the_same_branch(connection, closed) | _of_the_same_task(connection, closed)
    shares = _sharing_files(connection, closed)
    others = {(change[0], number) for change, number in {*same, *shares}}
    c = t.changes.c
    wanted = given(connection, _CHANGE, sorted(others))
    query = (
        select(c.repo, c.number, c.created_at, c.merged_at)
        .join(wanted, (wanted.c.repo == c.repo) & (wanted.c.number == c.number))
        .where(c.merged_at.is_not(None))
    )
    merges = {
        (repo, number): (created_at, merged_at)
        for repo, number, created_at, merged_at in connection.execute(query)
    }
    found: dict[ChangeId, list[Successor]] = defaultdict(list)
    for change, number in sorted({*same, *shares}):
        history = closed[change]
        created_at, merged_at = merges.get((change[0], number), (None, None))
        if created_at is None or merged_at is None or history.closed_at is None:
            continue
        if created_at > history.created_at and merged_at <= history.closed_at + within:
            found[change].append(
                Successor(
                    number=number,
                    merged_at=merged_at,
                    same_work=(change, number) in same,
                    shared_files=shares.get((change, number), 0.0),
                )
            )
    return found


_Pair = tuple[ChangeId, int]
"""A closed change and the number of another of its repository."""


def _of_the_same_branch(
    connection: Connection, closed: Mapping[ChangeId, ChangeHistory]
) -> set[_Pair]:
    branches: dict[tuple[str, str], list[ChangeId]] = defaultdict(list)
    for change, history in closed.items():
        # What comes from the default branch is a release of everybody's work.
        if not history.defaults.has(history.head_ref, history.created_at):
            branches[history.repo, history.head_ref].append(change)
    wanted = given(connection, {"repo": String(), "branch": String()}, sorted(branches))
    c = t.changes.c
    query = select(c.repo, HOME, c.head_ref, c.number).join(
        wanted, (wanted.c.branch == c.head_ref) & (wanted.c.repo == c.repo)
    )
    return {
        (change, number)
        for repo, home, branch, number in connection.execute(query)
        for change in branches[repo, branch]
        # Every fork has a branch "patch-1".
        if change[1] != number and home == closed[change].home
    }


def _of_the_same_task(
    connection: Connection, closed: Mapping[ChangeId, ChangeHistory]
) -> set[_Pair]:
    tasks: dict[tuple[str, str], list[ChangeId]] = defaultdict(list)
    for change, history in closed.items():
        for key in history.tasks:
            tasks[history.repo, key].append(change)
    wanted = given(connection, {"repo": String(), "key": String()}, sorted(tasks))
    k = t.change_tasks.c
    query = select(k.repo, k.key, k.number).join(
        wanted, (wanted.c.key == k.key) & (wanted.c.repo == k.repo)
    )
    return {
        (change, number)
        for repo, key, number in connection.execute(query)
        for change in tasks[repo, key]
        if change[1] != number
    }


def _sharing_files(
    connection: Connection, closed: Mapping[ChangeId, ChangeHistory]
) -> dict[_Pair, float]:
    """Who touches files of a closed change, with the share of them."""
    wanted = given(connection, _CHANGE, sorted(closed))
    f = t.change_files.c
    own = select(f.repo, f.number, f.file).join(
        wanted, (wanted.c.repo == f.repo) & (wanted.c.number == f.number)
    )
    files: dict[tuple[str, str], list[ChangeId]] = defaultdict(list)
    counts: dict[ChangeId, int] = defaultdict(int)
    for repo, number, file in connection.execute(own):
        files[repo, file].append((repo, number))
        counts[repo, number] += 1
    touched = given(connection, {"repo": String(), "file": String()}, sorted(files))
    others = select(f.repo, f.file, f.number).join(
        touched, (touched.c.file == f.file) & (touched.c.repo == f.repo)
    )
    shared: dict[_Pair, int] = defaultdict(int)
    for repo, file, number in connection.execute(others):
        for change in files[repo, file]:
            if change[1] != number:
                shared[change, number] += 1
    return {pair: count / counts[pair[0]] for pair, count in shared.items()}
