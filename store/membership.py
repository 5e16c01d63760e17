"""Which changes a commit belongs to, derived from everything listed, pushed and merged so far.

A change's commits are those its forge listed or named as its head, those pushed to its branch
while the branch was its own, and the commit its merge made; without those that another change had
brought to its branch, which it only carries on. Derived when read, so that the order
in which pushes and changes arrived makes no difference. A branch name used again belongs to the
next change from the end of the one before.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    Subquery,
    and_,
    func,
    or_,
    select,
)

from domain.onward import Way, carrying
from store import tables as t
from store.default_branches import defaults_of
from store.given import asking
from store.tables import Moment

CommitId = tuple[str, str]
"""(repository, SHA)"""
ChangeId = tuple[str, int]
"""(repository, number)"""

_CHANGE = {"repo": String(), "number": Integer()}
_SHA = {"sha": String()}
_CHUNK = 200
HOME = func.coalesce(t.changes.c.head_repo, t.changes.c.repo).label("home")
"""The repository that a change's branch is in: its own, or a fork."""
_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BranchWindow:
    """When a branch belonged to a change: pushes after ``since`` up to ``until`` are its own.

    ``head`` is the change's last commit. Where a forge does not date pushes one may be told after
    the end: that to this commit is the change's own, whatever its time.
    """

    change: ChangeId
    since: datetime
    until: datetime
    head: str


def chunks(values: Iterable[object]) -> Iterator[list[object]]:
    """Lists short enough for one statement."""
    ordered = list(values)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


def changes_of_commits(
    connection: Connection, commits: Iterable[CommitId]
) -> dict[CommitId, set[ChangeId]]:
    """The changes that contain each commit."""
    wanted = set(commits)
    if not wanted:
        return {}
    found: dict[CommitId, set[ChangeId]] = defaultdict(set)
    shas = [(sha,) for sha in sorted({sha for _, sha in wanted})]
    named = [((repo, sha), (repo, number)) for repo, sha, number in _holding(connection, shas)]
    shared = _from_default_branch(connection, {change for _, change in named})
    for commit, change in named:
        if change not in shared:
            found[commit].add(change)
    for row in _merged_as(connection, shas):
        found[row.repo, row.merge_sha].add((row.repo, row.number))
    pushed = [
        (row.repo, row.branch, row.sha, row.pushed_at)
        for row in _pushed(connection, shas)
        if (row.repo, row.sha) in wanted
    ]
    windows = branch_windows(connection, {(repo, branch) for repo, branch, _, _ in pushed})
    lives = {window.change for of in windows.values() for window in of}
    listed_at = _listed_at(connection, lives)
    for repo, sha, pushed_at, window in whose_pushes(connection, pushed, windows):
        # What was there when its forge listed its commits and is not in the list came from
        # elsewhere, for example when the default branch was merged into it.
        if pushed_at > listed_at.get(window.change, _BEFORE):
            found[repo, sha].add(window.change)
    _leave_to_the_first(connection, found)
    return {commit: found[commit] for commit in wanted if commit in found}


def _leave_to_the_first(connection: Connection, found: Mapping[CommitId, set[ChangeId]]) -> None:
    """Take commits away from changes that only carry them on, as a release does.

    What was merged into a branch by a change of its own is not the work of the change that merges
    that branch later.
    """
    several = {commit: of for commit, of in found.items() if len(of) > 1}
    ways = {
        (row.repo, row.number): Way(
            head=(row.home, row.head_ref),
            base=(row.repo, row.base_ref),
            merged_at=row.merged_at,
            ended_at=row.merged_at or row.closed_at,
        )
        for row in _ways(connection, sorted({change for of in several.values() for change in of}))
    }
    for of in several.values():
        of.difference_update(carrying({change: ways[change] for change in of}))


@asking(_CHANGE)
def _ways(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    names = (c.repo, c.number, c.head_ref, c.base_ref, c.merged_at, c.closed_at)
    same = (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    return select(*names, HOME).join(wanted, same)


@asking(_SHA)
def _holding(wanted: Subquery) -> Select[Any]:
    c = t.change_commits.c
    return select(c.repo, c.sha, c.number).join(wanted, wanted.c.sha == c.sha)


@asking(_SHA)
def _merged_as(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    return select(c.repo, c.number, c.merge_sha).join(wanted, wanted.c.sha == c.merge_sha)


@asking(_SHA)
def _pushed(wanted: Subquery) -> Select[Any]:
    return select(t.pushes).join(wanted, wanted.c.sha == t.pushes.c.sha)


def _listed_at(connection: Connection, changes: Collection[ChangeId]) -> dict[ChangeId, datetime]:
    """When the forge last listed the commits of these changes, where it did."""
    return {(repo, number): at for repo, number, at in _listings(connection, sorted(changes))}


@asking(_CHANGE)
def _listings(wanted: Subquery) -> Select[Any]:
    c = t.change_listings.c
    same = (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    return (
        select(c.repo, c.number, c.commits_at).join(wanted, same).where(c.commits_at.is_not(None))
    )


def _from_default_branch(connection: Connection, changes: set[ChangeId]) -> set[ChangeId]:
    """Those of these changes whose head is what everybody's work lands on: a release, mostly."""
    heads = _heads(connection, sorted(changes))
    defaults = defaults_of(connection, {repo for repo, *_ in heads})
    return {
        (repo, number)
        for repo, number, branch, created_at in heads
        if defaults[repo].has(branch, created_at)
    }


@asking(_CHANGE)
def _heads(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    same = (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    query = select(c.repo, c.number, c.head_ref, c.created_at).join(wanted, same)
    return query.where(HOME == c.repo)


def branch_windows(
    connection: Connection, branches: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[BranchWindow]]:
    """Of each (repository, branch): the changes whose head it was, and when."""
    wanted = set(branches)
    defaults = defaults_of(connection, {repo for repo, _ in wanted})
    heads: dict[tuple[str, str], list[BranchWindow]] = {}
    by_branch: dict[tuple[str, str], list[tuple[datetime, datetime, ChangeId, str]]] = defaultdict(
        list
    )
    names = sorted({(branch,) for _, branch in wanted})
    for row in _from_branches(connection, names):
        key = (row.home, row.head_ref)
        # What is pushed to the default branch has landed; it is nobody's own work. A fork's
        # default branch is its owner's.
        at_home = row.home == row.repo
        if key not in wanted or (at_home and defaults[row.repo].has(row.head_ref, row.created_at)):
            continue
        end = row.merged_at or row.closed_at or _AFTER
        by_branch[key].append((row.created_at, end, (row.repo, row.number), row.head_sha))
    for key, lives in by_branch.items():
        lives.sort()
        heads[key] = [
            BranchWindow(
                change, max((e for _, e, *_ in lives[:i] if e <= start), default=_BEFORE), end, head
            )
            for i, (start, end, change, head) in enumerate(lives)
        ]
    return heads


@asking({"branch": String()})
def _from_branches(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    query = select(
        *(c.repo, c.number, c.head_ref, c.head_sha, c.created_at, c.merged_at, c.closed_at), HOME
    )
    return query.join(wanted, wanted.c.branch == c.head_ref)


Pushed = tuple[str, str, str, datetime]
"""(repository, branch, SHA, when it was pushed)"""


def whose_pushes(
    connection: Connection,
    pushed: Collection[Pushed],
    windows: Mapping[tuple[str, str], Sequence[BranchWindow]],
) -> Iterator[tuple[str, str, datetime, BranchWindow]]:
    """(repository, SHA, when, whose) of these pushes: of each change whose own they were."""
    late = {
        (repo, branch, at)
        for repo, branch, _, at in pushed
        if any(at > window.until for window in windows.get((repo, branch), ()))
    }
    tips: dict[tuple[str, str, datetime], set[str]] = defaultdict(set)
    for repo, branch, at, sha in _tips(connection, sorted(late)):
        tips[repo, branch, at].add(sha)
    for repo, branch, sha, at in pushed:
        of, to = windows.get((repo, branch), ()), tips.get((repo, branch, at), ())
        after = [window for window in of if at > window.until and window.head in to]
        for window in after or [each for each in of if each.since < at <= each.until]:
            yield repo, sha, at, window


@asking({"repo": String(), "branch": String(), "at": Moment()})
def _tips(wanted: Subquery) -> Select[Any]:
    p = t.pushes.c
    same = (wanted.c.repo == p.repo) & (wanted.c.branch == p.branch) & (wanted.c.at == p.pushed_at)
    return select(p.repo, p.branch, p.pushed_at, p.sha).join(wanted, same).where(p.tip)


def starting_with(column: ColumnElement[str], sha: str) -> ColumnElement[bool]:
    """SHAs that begin with this one; hex digits sort below 'g', so an index serves it."""
    return column == sha if len(sha) >= 40 else and_(column >= sha, column < sha + "g")  # noqa: PLR2004


def any_of(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """One of these holds; never, where there are none."""
    return or_(False, *conditions)
