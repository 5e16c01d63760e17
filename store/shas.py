"""The same work under other SHAs: after an amend, a rebase, a squash or a cherry-pick.

A provider or a push that says so is believed. Beside that a rebase and a cherry-pick keep author
and time of the work, so two commits of one person and one second in a repository are the same,
unless they touch other files: whoever commits several times in one command has them of one second.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import Any

from sqlalchemy import Column, Connection, Select, String, Subquery, select

from store import tables as t
from store.given import Asked, asking
from store.membership import CommitId

# Here and elsewhere commits are found by their SHA, or by who made them when, and repositories are
# compared afterwards: a plan that begins with a repository reads all of it.
_COMMIT = {"repo": String(), "sha": String()}
# Somebody who amends again and again leaves a line of SHAs; beyond this it is no line of work.
_LONGEST_LINE = 20
# Of the files of the smaller one: a squash holds more, and a conflict may have taken some away. In
# two public repositories it was all of them for copies and none for what was made in one second.
_SAME_FILES = 0.5


def same_work(connection: Connection, commits: Collection[CommitId]) -> dict[CommitId, set[str]]:
    """The other SHAs under which each of these commits is known, told or not told as a commit."""
    return _alike(connection, commits, _copied)


def maybe_same_work(
    connection: Connection, commits: Collection[CommitId]
) -> dict[CommitId, set[str]]:
    """The same, and those that would be, or were, before their files were told."""
    return _alike(connection, commits, _simultaneous)


_Pairs = list[tuple[CommitId, CommitId]]


def _alike(
    connection: Connection,
    commits: Collection[CommitId],
    copied: Callable[[Connection, Iterable[CommitId]], _Pairs],
) -> dict[CommitId, set[str]]:
    if not commits:
        return {}
    alike: dict[CommitId, set[CommitId]] = defaultdict(set)
    seen: set[CommitId] = set()
    frontier = set(commits)
    for _ in range(_LONGEST_LINE):
        if not frontier:
            break
        seen |= frontier
        for one, other in [*_rewritten(connection, frontier), *copied(connection, frontier)]:
            alike[one].add(other)
            alike[other].add(one)
        frontier = set(alike) - seen
    return {commit: _reached(commit, alike) for commit in commits if commit in alike}


def _reached(start: CommitId, alike: dict[CommitId, set[CommitId]]) -> set[str]:
    reached, frontier = {start}, [start]
    while frontier:
        following = alike[frontier.pop()] - reached
        reached |= following
        frontier += following
    return {sha for repo, sha in reached if (repo, sha) != start}


def _rewritten(connection: Connection, commits: Iterable[CommitId]) -> _Pairs:
    asked = set(commits)
    found = [
        ((repo, old), (repo, new))
        for aliases in _ALIASES
        for repo, old, new in aliases(connection, [(sha,) for _, sha in sorted(asked)])
    ]
    return [(old, new) for old, new in found if old in asked or new in asked]


def _aliases(column: Column[str]) -> Asked:
    """The aliases that have this SHA in a column."""
    c = t.commit_aliases.c

    @asking({"sha": String()})
    def query(wanted: Subquery) -> Select[Any]:
        return select(c.repo, c.old_sha, c.new_sha).join(wanted, wanted.c.sha == column)

    return query


_ALIASES = (_aliases(t.commit_aliases.c.old_sha), _aliases(t.commit_aliases.c.new_sha))


def _copied(connection: Connection, commits: Iterable[CommitId]) -> _Pairs:
    pairs = _simultaneous(connection, commits)
    files: dict[CommitId, set[str]] = defaultdict(set)
    for repo, sha, file in _files(connection, sorted({each for pair in pairs for each in pair})):
        files[repo, sha].add(file)
    return [(one, other) for one, other in pairs if _may_be_one(files[one], files[other])]


def _may_be_one(one: Collection[str], other: Collection[str]) -> bool:
    """Whether commits of one second that touch these files may be one; none where not told."""
    fewer = min(len(one), len(other))
    return len(set(one) & set(other)) >= _SAME_FILES * fewer


@asking(_COMMIT)
def _files(wanted: Subquery) -> Select[Any]:
    f = t.commit_files.c
    same = (wanted.c.repo == f.repo) & (wanted.c.sha == f.sha)
    return select(f.repo, f.sha, f.file).join(wanted, same)


def _simultaneous(connection: Connection, commits: Iterable[CommitId]) -> _Pairs:
    return [
        ((repo, one), (repo, two))
        for repo, one, of, two in _at_one_moment(connection, sorted(commits))
        if repo == of and one != two
    ]


@asking(_COMMIT)
def _at_one_moment(wanted: Subquery) -> Select[Any]:
    own, other = t.commit_people, t.commit_people.alias("other")
    return (
        select(own.c.repo, own.c.sha, other.c.repo, other.c.sha)
        .join(wanted, (wanted.c.repo == own.c.repo) & (wanted.c.sha == own.c.sha))
        .join(
            other,
            (other.c.identity == own.c.identity) & (other.c.authored_at == own.c.authored_at),
        )
    )
