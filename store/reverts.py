"""What reverts what: markers in messages and texts, resolved to changes and commits.

A revert names a change by its number or (weakly) by its title, or a commit by a maybe short SHA.
Commits of a change stand as the change.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Select,
    String,
    Subquery,
    Table,
    and_,
    select,
)

from domain.labels import Revert, Target, TargetKind
from store import tables as t
from store.default_branches import defaults_of
from store.evidence import commits_of_changes
from store.given import Asked, asking
from store.landing import change_rows, on_default_branch
from store.membership import ChangeId, CommitId, changes_of_commits
from store.onward import carried_home
from store.titles import TITLED, title_key

_SHORTEST = 7
_FULL = 40
# Of a line of reverts of reverts; whoever goes further plays.
_LONGEST_LINE = 12
_CHANGE = {"repo": String(), "number": Integer()}
_NAMED = {"repo": String(), "name": String()}

RevertName = tuple[str, str]
"""(repository, ``change:<number>``, ``commit:<maybe short SHA>`` or ``title:<key>``)"""


@dataclass(frozen=True, slots=True)
class _Edge:
    """``by`` says that it reverts ``target``; by its title alone, where it is weak."""

    by: RevertName
    target: Target
    weak: bool


def reverts_of(
    connection: Connection, targets: Collection[Target], by_title_within: timedelta
) -> list[Revert]:
    """All reverts of these targets, the reverts of those reverts, and so on.

    One that names nothing but a title counts if it landed so soon after the change that it means.
    """
    found: set[Revert] = set()
    seen: set[Target] = set()
    frontier = set(targets)
    for _ in range(_LONGEST_LINE):
        seen |= frontier
        edges = _edges_to(connection, frontier)
        by = named(connection, {edge.by for edge in edges})
        landed = _landed(connection, {each for of in by.values() for each in of})
        told = _credible(connection, edges, by, landed, by_title_within)
        # Undone within its own change before anybody got it: rework, no revert.
        found |= {
            Revert(
                reverting=reverting,
                reverted=edge.target,
                landed_at=landed.get(reverting),
                weak=edge.weak,
            )
            for edge in told
            for reverting in by.get(edge.by, ())
            if reverting != edge.target
        }
        frontier = {revert.reverting for revert in found} - seen
        if not frontier:
            break
    return sorted(found, key=repr)


def _credible(
    connection: Connection,
    edges: Sequence[_Edge],
    by: Mapping[RevertName, Collection[Target]],
    landed: Mapping[Target, datetime | None],
    within: timedelta,
) -> list[_Edge]:
    """All but titles that mean another change, come too late, or whose text names what it means."""
    weak = [edge for edge in edges if edge.weak]
    if not weak:
        return list(edges)
    said = _saying_more(connection, {edge.by for edge in weak})
    merges = _merges_by_title(connection, {edge.target for edge in weak})
    credible = [edge for edge in edges if not edge.weak]
    for edge in weak:
        moments = [at for each in by.get(edge.by, ()) if (at := landed.get(each)) is not None]
        if edge.by in said or not moments:
            continue
        # Of several changes of one title the last before the revert is meant.
        before = [(at, of) for at, of in merges.get(edge.target, ()) if at < min(moments)]
        if before and max(before)[1] == edge.target.id and min(moments) - max(before)[0] <= within:
            credible.append(edge)
    return credible


def _saying_more(connection: Connection, names: Collection[RevertName]) -> set[RevertName]:
    return {(repo, reverting) for repo, reverting in _not_by_title(connection, sorted(names))}


@asking(_NAMED)
def _not_by_title(wanted: Subquery) -> Select[Any]:
    c = t.reverts.c
    query = select(c.repo, c.reverting).join(
        wanted, (wanted.c.repo == c.repo) & (wanted.c.name == c.reverting)
    )
    return query.where(~c.reverted.startswith(f"{TITLED}:"))


def _merges_by_title(
    connection: Connection, targets: Collection[Target]
) -> dict[Target, list[tuple[datetime, str]]]:
    """When the changes that share a title with each of these were merged, and their numbers."""
    rows = [(target.repo, int(target.id)) for target in targets]
    found: dict[Target, list[tuple[datetime, str]]] = defaultdict(list)
    for repo, number, of, at in _of_one_title(connection, sorted(rows)):
        target = Target(kind=TargetKind.CHANGE, repo=repo, id=str(number))
        found[target].append((at, str(of)))
    return found


@asking(_CHANGE)
def _of_one_title(wanted: Subquery) -> Select[Any]:
    others = t.changes.alias()
    one, other = t.changes.c, others.c
    return (
        select(one.repo, one.number, other.number, other.merged_at)
        .join(wanted, (wanted.c.repo == one.repo) & (wanted.c.number == one.number))
        .join(others, (other.repo == one.repo) & (other.title_key == one.title_key))
        .where(other.merged_at.is_not(None))
    )


def undone_by(connection: Connection, changes: Collection[ChangeId]) -> set[ChangeId]:
    """Changes whose standing depends on these: they revert them, or a revert of them, and so on."""
    reached: set[ChangeId] = set()
    frontier = set(changes)
    for _ in range(_LONGEST_LINE):
        names = _names_of(connection, frontier)
        undoing = [key for of in names.values() for key in of]
        undone = named(connection, {(repo, name) for repo, name in _undone(connection, undoing)})
        following = {
            (target.repo, int(target.id))
            for of in undone.values()
            for target in of
            if target.kind == TargetKind.CHANGE
        }
        frontier = following - reached
        reached |= following
        if not frontier:
            break
    return reached


@asking(_NAMED)
def _undone(wanted: Subquery) -> Select[Any]:
    c = t.reverts.c
    same = (wanted.c.repo == c.repo) & (wanted.c.name == c.reverting)
    return select(c.repo, c.reverted).join(wanted, same)


def named(connection: Connection, names: Iterable[RevertName]) -> dict[RevertName, set[Target]]:
    """What each of these names stands for: nothing, where no such change or commit is known."""
    found: dict[RevertName, set[Target]] = defaultdict(set)
    shas: dict[tuple[str, str], RevertName] = {}
    titles: dict[tuple[str, str], RevertName] = {}
    for key in set(names):
        repo, name = key
        kind, _, told = name.partition(":")
        if kind == TargetKind.CHANGE:
            found[key].add(Target(kind=TargetKind.CHANGE, repo=repo, id=told))
        elif kind == TITLED:
            titles[repo, told] = key
        else:
            shas[repo, told] = key
    for prefix, targets in _commits_as_targets(connection, shas).items():
        found[shas[prefix]] |= targets
    for repo, number, title in _titled(connection, sorted(titles)):
        target = Target(kind=TargetKind.CHANGE, repo=repo, id=str(number))
        found[titles[repo, title]].add(target)
    return dict(found)


@asking({"repo": String(), "title": String()})
def _titled(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    same = (wanted.c.repo == c.repo) & (wanted.c.title == c.title_key)
    return select(c.repo, c.number, c.title_key).join(wanted, same)


def _commits_as_targets(
    connection: Connection, told: Collection[tuple[str, str]]
) -> dict[tuple[str, str], set[Target]]:
    """The known commits that begin so, each as its changes or as itself."""
    meant = _known_commits(connection, told)
    commits = {commit for of in meant.values() for commit in of}
    containing = changes_of_commits(connection, commits)
    found: dict[tuple[str, str], set[Target]] = {}
    for name, of in meant.items():
        found[name] = set()
        for repo, sha in of:
            changes = containing.get((repo, sha))
            if changes:
                found[name] |= {
                    Target(kind=TargetKind.CHANGE, repo=of_repo, id=str(number))
                    for of_repo, number in changes
                }
            else:
                found[name].add(Target(kind=TargetKind.COMMIT, repo=repo, id=sha))
    return found


def _known_commits(
    connection: Connection, told: Collection[tuple[str, str]]
) -> dict[tuple[str, str], set[CommitId]]:
    # Hexadecimal digits sort below "g".
    rows = [(repo, sha, sha if len(sha) >= _FULL else sha + "g") for repo, sha in sorted(told)]
    found: dict[tuple[str, str], set[CommitId]] = defaultdict(set)
    for asked in _BEGINNING:
        for repo, short, of, sha in asked(connection, rows):
            if of == repo:
                found[repo, short].add((repo, sha))
    return found


def _beginning(table: Table, column: Column[str]) -> Asked:
    """The commits of a table whose SHA begins so."""

    @asking({"repo": String(), "told": String(), "end": String()})
    def query(wanted: Subquery) -> Select[Any]:
        # By SHA alone: SQLite would read the whole repository for one commit of it.
        begins = and_(column >= wanted.c.told, column <= wanted.c.end)
        return select(wanted.c.repo, wanted.c.told, table.c.repo, column).join(table, begins)

    return query


_BEGINNING = (
    _beginning(t.commits, t.commits.c.sha),
    _beginning(t.pushes, t.pushes.c.sha),
    _beginning(t.change_commits, t.change_commits.c.sha),
    _beginning(t.changes, t.changes.c.merge_sha),
)


def _names_of(
    connection: Connection, changes: Collection[ChangeId]
) -> dict[ChangeId, list[RevertName]]:
    """The names by which these changes revert others."""
    shas = commits_of_changes(connection, changes)
    return {
        (repo, number): [
            (repo, f"change:{number}"),
            *((repo, f"commit:{sha}") for sha in sorted(shas[repo, number])),
        ]
        for repo, number in changes
    }


def _edges_to(connection: Connection, targets: Collection[Target]) -> list[_Edge]:
    """What says that it reverts one of these."""
    changes = {(x.repo, int(x.id)): x for x in targets if x.kind == TargetKind.CHANGE}
    shas = {(x.repo, x.id): x for x in targets if x.kind == TargetKind.COMMIT}
    held = commits_of_changes(connection, changes.keys())
    for change, of in held.items():
        shas |= {(change[0], sha): changes[change] for sha in of}
    exact: dict[RevertName, Target] = {
        (repo, f"change:{number}"): target for (repo, number), target in changes.items()
    }
    exact |= {
        (repo, f"{TITLED}:{key}"): changes[repo, number]
        for repo, number, key in _titles(connection, changes)
    }
    return _told_exactly(connection, exact) + _told_by_sha(connection, shas)


def _titles(connection: Connection, changes: Collection[ChangeId]) -> list[tuple[str, int, str]]:
    from_rows = change_rows(connection, changes)
    return [(repo, number, title_key(row.title)) for (repo, number), row in from_rows.items()]


def _told_exactly(connection: Connection, exact: Mapping[RevertName, Target]) -> list[_Edge]:
    return [
        _Edge((repo, reverting), exact[repo, reverted], reverted.startswith(TITLED))
        for repo, reverting, reverted in _reverting(connection, sorted(exact))
    ]


@asking(_NAMED)
def _reverting(wanted: Subquery) -> Select[Any]:
    c = t.reverts.c
    same = (wanted.c.repo == c.repo) & (wanted.c.name == c.reverted)
    return select(c.repo, c.reverting, c.reverted).join(wanted, same)


def _told_by_sha(connection: Connection, shas: Mapping[CommitId, Target]) -> list[_Edge]:
    rows = [(repo, sha, f"commit:{sha[:_SHORTEST]}", f"commit:{sha}") for repo, sha in sorted(shas)]
    return [
        _Edge((repo, reverting), shas[repo, sha], weak=False)
        for repo, sha, of, reverting, reverted in _reverting_commits(connection, rows)
        if of == repo and f"commit:{sha}".startswith(reverted)
    ]


@asking({"repo": String(), "sha": String(), "short": String(), "full": String()})
def _reverting_commits(wanted: Subquery) -> Select[Any]:
    c = t.reverts.c
    within = and_(c.reverted >= wanted.c.short, c.reverted <= wanted.c.full)
    return select(wanted.c.repo, wanted.c.sha, c.repo, c.reverting, c.reverted).join(wanted, within)


def _landed(connection: Connection, targets: Collection[Target]) -> dict[Target, datetime]:
    """When each reverting change or commit reached the default branch, where it did."""
    changes = {(x.repo, int(x.id)): x for x in targets if x.kind == TargetKind.CHANGE}
    commits = {(x.repo, x.id): x for x in targets if x.kind == TargetKind.COMMIT}
    rows = change_rows(connection, changes)
    merged = {change: row for change, row in rows.items() if row.merged_at is not None}
    defaults = defaults_of(connection, {repo for repo, _ in merged})
    reached = {
        change: defaults[row.repo].reached(row.base_ref, row.merged_at)
        for change, row in merged.items()
    }
    landed = {changes[change]: at for change, at in reached.items() if at is not None}
    elsewhere = {change: row for change, row in merged.items() if reached[change] is None}
    landed |= {changes[change]: at for change, at in carried_home(connection, elsewhere).items()}
    pushed = on_default_branch(connection, commits)
    return landed | {commits[commit]: at for commit, at in pushed.items()}
