"""Where work went after it was merged: which branches reached which, and what default ones hold."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, Row, Select, String, Subquery, or_, select

from store import tables as t
from store.default_branches import defaults_of
from store.given import asking
from store.membership import ChangeId, CommitId
from store.shas import same_work

_CHANGE = {"repo": String(), "number": Integer()}
_COMMIT = {"repo": String(), "sha": String()}
_BRANCH = {"repo": String(), "branch": String()}
# Changes stacked on each other; whoever stacks higher is not followed to the end.
_HIGHEST_STACK = 8

BranchId = tuple[str, str]
"""(repository, branch)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchMerged:
    """A branch was merged into ``into`` by the change of this number."""

    into: str
    at: datetime
    number: int


def change_rows(
    connection: Connection, ids: Collection[ChangeId]
) -> dict[ChangeId, Row[*tuple[Any, ...]]]:
    """The rows of these changes."""
    return {(row.repo, row.number): row for row in _changes(connection, sorted(ids))}


@asking(_CHANGE)
def _changes(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    return select(t.changes).join(wanted, (wanted.c.repo == c.repo) & (wanted.c.number == c.number))


def merges_from(
    connection: Connection, branches: Iterable[BranchId]
) -> dict[BranchId, list[BranchMerged]]:
    """Into what these branches were merged, and those into what, and so on."""
    found: dict[BranchId, list[BranchMerged]] = {}
    frontier = set(branches)
    for _ in range(_HIGHEST_STACK):
        if not frontier:
            break
        found |= {branch: [] for branch in frontier}
        following: set[BranchId] = set()
        for repo, branch, into, at, number in _merges(connection, sorted(frontier)):
            found[repo, branch].append(BranchMerged(into=into, at=at, number=number))
            following.add((repo, into))
        frontier = following - found.keys()
    return found


@asking(_BRANCH)
def _merges(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    return (
        select(c.repo, c.head_ref, c.base_ref, c.merged_at, c.number)
        .join(wanted, (wanted.c.repo == c.repo) & (wanted.c.branch == c.head_ref))
        .where(c.merged_at.is_not(None), or_(c.head_repo.is_(None), c.head_repo == c.repo))
    )


def on_default_branch(
    connection: Connection, commits: Collection[CommitId]
) -> dict[CommitId, datetime]:
    """When each commit was first on the default branch by a push, where it was."""
    defaults = defaults_of(connection, {repo for repo, _ in commits})
    found: dict[CommitId, datetime] = {}
    for repo, sha, branch, pushed_at in _pushes(connection, sorted(commits)):
        at = defaults[repo].reached(branch, pushed_at)
        if at is not None:
            found[repo, sha] = min(at, found.get((repo, sha), at))
    return found


@asking(_COMMIT)
def _pushes(wanted: Subquery) -> Select[Any]:
    p = t.pushes.c
    same = (wanted.c.sha == p.sha) & (wanted.c.repo == p.repo)
    return select(p.repo, p.sha, p.branch, p.pushed_at).join(wanted, same)


def arrived_otherwise(
    connection: Connection, commits: Collection[CommitId]
) -> dict[CommitId, datetime]:
    """When these commits, or the same work under other SHAs, came to the default branch."""
    others = same_work(connection, commits)
    copies: dict[CommitId, set[CommitId]] = defaultdict(set)
    for repo, sha in commits:
        for each in {sha, *others.get((repo, sha), ())}:
            copies[repo, each].add((repo, sha))
    found: dict[CommitId, datetime] = {}
    for copy, at in on_default_branch(connection, copies).items():
        for commit in copies[copy]:
            found[commit] = min(at, found.get(commit, at))
    return found
