"""Which changes a commit belongs to, derived from everything listed, pushed and merged so far.

A change's commits are those its forge listed or named as its head, those pushed to its branch
while the branch was its own, and the commit its merge made. Derived when read, so that the order
in which pushes and changes arrived makes no difference. A branch name used again belongs to the
next change from the end of the one before.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Integer, String, and_, func, or_, select

from store import tables as t
from store.given import given

CommitId = tuple[str, str]
"""(repository, SHA)"""
ChangeId = tuple[str, int]
"""(repository, number)"""

_CHUNK = 200
_HOME = func.coalesce(t.changes.c.head_repo, t.changes.c.repo).label("home")
_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BranchWindow:
    """When a branch belonged to a change: pushes after ``since`` up to ``until`` are its own."""

    change: ChangeId
    since: datetime
    until: datetime


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
    shas = sorted({sha for _, sha in wanted})
    for some in chunks(shas):
        heads = select(t.change_commits).where(t.change_commits.c.sha.in_(some))
        named = [((row.repo, row.sha), (row.repo, row.number)) for row in connection.execute(heads)]
        shared = _from_default_branch(connection, {change for _, change in named})
        for commit, change in named:
            if change not in shared:
                found[commit].add(change)
        merges = select(t.changes.c.repo, t.changes.c.number, t.changes.c.merge_sha)
        for row in connection.execute(merges.where(t.changes.c.merge_sha.in_(some))):
            found[row.repo, row.merge_sha].add((row.repo, row.number))
    pushed = _pushes(connection, wanted, shas)
    windows = branch_windows(connection, {(repo, branch) for repo, branch, _, _ in pushed})
    lives = {window.change for of in windows.values() for window in of}
    listed_at = _listed_at(connection, lives)
    for repo, branch, sha, pushed_at in pushed:
        for window in windows.get((repo, branch), ()):
            # What was there when its forge listed its commits and is not in the list came from
            # elsewhere, for example when the default branch was merged into it.
            unlisted = pushed_at <= listed_at.get(window.change, _BEFORE)
            if window.since < pushed_at <= window.until and not unlisted:
                found[repo, sha].add(window.change)
    return {commit: found[commit] for commit in wanted if commit in found}


def _listed_at(connection: Connection, changes: Collection[ChangeId]) -> dict[ChangeId, datetime]:
    """When the forge last listed the commits of these changes, where it did."""
    if not changes:
        return {}
    wanted = given(connection, {"repo": String(), "number": Integer()}, sorted(changes))
    c = t.change_listings.c
    query = select(c.repo, c.number, c.commits_at).join(
        wanted, (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    )
    return {
        (repo, number): at
        for repo, number, at in connection.execute(query.where(c.commits_at.is_not(None)))
    }


def _from_default_branch(connection: Connection, changes: set[ChangeId]) -> set[ChangeId]:
    """Those of these changes whose head is what everybody's work lands on: a release, mostly."""
    defaults = default_branches(connection, {repo for repo, _ in changes})
    shared: set[ChangeId] = set()
    for repo, branch in defaults.items():
        query = select(t.changes.c.number).where(
            t.changes.c.repo == repo, t.changes.c.head_ref == branch, _HOME == t.changes.c.repo
        )
        for some in chunks(sorted(number for of, number in changes if of == repo)):
            numbers = connection.execute(query.where(t.changes.c.number.in_(some))).scalars()
            shared |= {(repo, number) for number in numbers}
    return shared


def _pushes(
    connection: Connection, wanted: set[CommitId], shas: Sequence[str]
) -> list[tuple[str, str, str, datetime]]:
    rows: list[tuple[str, str, str, datetime]] = []
    for some in chunks(shas):
        found = connection.execute(select(t.pushes).where(t.pushes.c.sha.in_(some)))
        rows += [
            (row.repo, row.branch, row.sha, row.pushed_at)
            for row in found
            if (row.repo, row.sha) in wanted
        ]
    return rows


def branch_windows(
    connection: Connection, branches: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[BranchWindow]]:
    """Of each (repository, branch): the changes whose head it was, and when."""
    wanted = set(branches)
    defaults = default_branches(connection, {repo for repo, _ in wanted})
    heads: dict[tuple[str, str], list[BranchWindow]] = {}
    query = select(t.changes, _HOME)
    by_branch: dict[tuple[str, str], list[tuple[datetime, datetime, ChangeId]]] = defaultdict(list)
    for some in chunks(sorted({branch for _, branch in wanted})):
        for row in connection.execute(query.where(t.changes.c.head_ref.in_(some))):
            key = (row.home, row.head_ref)
            # What is pushed to the default branch has landed; it is nobody's own work. A fork's
            # default branch is its owner's.
            landed = row.home == row.repo and defaults.get(row.repo) == row.head_ref
            if key in wanted and not landed:
                end = row.merged_at or row.closed_at or _AFTER
                by_branch[key].append((row.created_at, end, (row.repo, row.number)))
    for key, lives in by_branch.items():
        lives.sort()
        heads[key] = [
            BranchWindow(
                change, max((e for _, e, _ in lives[:i] if e <= start), default=_BEFORE), end
            )
            for i, (start, end, change) in enumerate(lives)
        ]
    return heads


def default_branches(connection: Connection, repos: Iterable[str]) -> dict[str, str]:
    """Default branches of these repositories, where they were told."""
    told: dict[str, str] = {}
    for some in chunks(sorted(set(repos))):
        query = select(t.repositories).where(t.repositories.c.repo.in_(some))
        for row in connection.execute(query):
            if row.default_branch:
                told[row.repo] = row.default_branch
    return told


def starting_with(column: ColumnElement[str], sha: str) -> ColumnElement[bool]:
    """SHAs that begin with this one; hex digits sort below 'g', so an index serves it."""
    return column == sha if len(sha) >= 40 else and_(column >= sha, column < sha + "g")  # noqa: PLR2004


def any_of(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """One of these holds; never, where there are none."""
    return or_(False, *conditions)
