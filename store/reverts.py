"""What reverts what: markers in messages, texts and branches, resolved to changes and commits.

A revert names a change by its number or (weakly) by its title, or a commit by a maybe short SHA. A
commit of a change is the whole of that, or a piece of it (``store.revert_pieces``).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, Select, String, Subquery, and_, select

from domain.labels import Revert, Target, TargetKind
from store import tables as t
from store.beside import Beside
from store.default_branches import defaults_of
from store.evidence import commits_of_changes
from store.given import asking
from store.landing import change_rows, on_default_branch
from store.membership import ChangeId, CommitId
from store.onward import carried_home
from store.revert_names import (
    LONGEST_LINE,
    NAMED,
    Holding,
    RevertName,
    as_target,
    changes_among,
    commits_among,
)
from store.revert_pieces import Undoing, undoing
from store.shas import same_work
from store.titles import BUTTON, TITLED, button_name, title_key

_SHORTEST = 7
_CHANGE = {"repo": String(), "number": Integer()}


@dataclass(frozen=True, slots=True)
class _Edge:
    """``by`` says that it reverts ``target``, maybe by ``sha``; by its title alone, if weak.

    ``since`` is when the work that it names came to the target, where it names another SHA of it:
    what was reverted before was taken up again.
    """

    by: Target
    target: Target
    sha: str | None = None
    weak: bool = False
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Reverting:
    """What says that it reverts something: which changes brought it, and when it landed."""

    within: Mapping[Target, frozenset[Target]]
    landed: Mapping[Target, datetime | None]


def reverts_of(
    connection: Connection, targets: Collection[Target], by_title_within: timedelta
) -> list[Revert]:
    """All reverts of these targets, the reverts of those reverts, and so on.

    One that names nothing but a title counts if it landed so soon after the change that it means.
    """
    found: set[Revert] = set()
    seen: set[Target] = set()
    frontier = set(targets)
    beside = Beside()
    for _ in range(LONGEST_LINE):
        seen |= frontier
        found |= _reverts_of(connection, frontier, by_title_within, beside)
        frontier = {revert.reverting for revert in found} - seen
        if not frontier:
            break
    return sorted(found, key=repr)


def _reverts_of(
    connection: Connection,
    targets: Collection[Target],
    by_title_within: timedelta,
    beside: Beside,
) -> set[Revert]:
    commits = commits_among(targets)
    holding = Holding(connection, commits)
    held_by = {target: holding.changes(commit) for commit, target in commits.items()}
    changes = changes_among(targets).keys() | set[ChangeId]().union(*held_by.values())
    to_changes, pieces = _edges_to_changes(connection, changes)
    edges = to_changes + _edges_to_commits(connection, commits, holding)
    by = _reverting_ones(connection, {edge.by for edge in edges})
    elsewhere = beside.undone(connection, {(edge.by, edge.target) for edge in edges}, by.within)
    told: set[Revert] = set()
    for edge in _credible(connection, edges, by.landed, by_title_within):
        within = by.within[edge.by]
        moments = (by.landed.get(edge.by), elsewhere.get((edge.by, edge.target)))
        landed_at = min(filter(None, moments), default=None)
        # Undone within its own change before anybody got it: rework, no revert.
        if edge.target in within or edge.target == edge.by or _later(edge.since, landed_at):
            continue
        piece = pieces[edge.target].by_sha[edge.sha] if edge.sha and edge.target in pieces else None
        told.add(
            Revert(
                reverting=edge.by,
                reverted=edge.target,
                landed_at=landed_at,
                weak=edge.weak,
                within=within,
                piece=piece,
            )
        )
    # Beside the default branch nothing is undone of what a change's copies brought to that.
    there = {
        each
        for each in told
        if (at := by.landed.get(each.reverting)) is None or at != each.landed_at
    }
    return told | _of_what_they_hold(connection, told, held_by, there)


def _of_what_they_hold(
    connection: Connection,
    reverts: Collection[Revert],
    held_by: Mapping[Target, set[ChangeId]],
    beside: Collection[Revert],
) -> set[Revert]:
    """The reverts of the changes that hold these commits, as reverts of the commits.

    Not of a commit that landed only after: that was taken up again. Those that are ``beside`` the
    default branch undo nothing that came to it.
    """
    of: dict[Target, list[Revert]] = defaultdict(list)
    for revert in reverts:
        of[revert.reverted].append(revert)
    concerned = [
        target for target, held in held_by.items() if any(as_target(each) in of for each in held)
    ]
    landed = _reverting_ones(connection, concerned).landed
    return {
        replace(revert, reverted=target)
        for target in concerned
        for change in held_by[target]
        for revert in of.get(as_target(change), ())
        if revert.reverting != target
        and not _later(landed.get(target), revert.landed_at)
        and not (revert in beside and landed.get(target) is not None)
    }


def _later(landed_at: datetime | None, reverted_at: datetime | None) -> bool:
    return landed_at is not None and reverted_at is not None and landed_at > reverted_at


def _reverting_ones(connection: Connection, targets: Collection[Target]) -> _Reverting:
    """Which changes brought these, and when they reached the default branch."""
    commits = commits_among(targets)
    holding = Holding(connection, commits)
    within = {target: frozenset({target}) for target in targets}
    within |= {
        target: frozenset(map(as_target, holding.changes(commit)))
        for commit, target in commits.items()
    }
    everything = {*targets, *(each for of in within.values() for each in of)}
    landed: dict[Target, datetime | None] = {**_landed(connection, everything)}
    for commit, target in commits.items():
        # With the same work under another SHA only where nothing is told of itself.
        own = (target, *map(as_target, holding.itself(commit)))
        moments = [at for each in own if (at := landed.get(each)) is not None]
        moments = moments or [at for each in within[target] if (at := landed.get(each)) is not None]
        landed[target] = min(moments, default=None)
    return _Reverting(within, landed)


def _credible(
    connection: Connection,
    edges: Sequence[_Edge],
    landed: Mapping[Target, datetime | None],
    within: timedelta,
) -> list[_Edge]:
    """All but titles that mean another change, come too late, or whose text names what it means."""
    weak = [edge for edge in edges if edge.weak]
    if not weak:
        return list(edges)
    said = _saying_more(connection, changes_among(edge.by for edge in weak))
    merges = _merges_by_title(connection, {edge.target for edge in weak})
    credible = [edge for edge in edges if not edge.weak]
    for edge in weak:
        at = landed.get(edge.by)
        if edge.by in said or at is None:
            continue
        # Of several changes of one title the last before the revert is meant.
        before = [(moment, of) for moment, of in merges.get(edge.target, ()) if moment < at]
        if before and max(before)[1] == edge.target.id and at - max(before)[0] <= within:
            credible.append(edge)
    return credible


def _saying_more(connection: Connection, changes: Collection[ChangeId]) -> set[Target]:
    """Those of these changes that name something else than a title."""
    names = [(repo, f"change:{number}") for repo, number in sorted(changes)]
    rows = _not_by_title(connection, names)
    numbered = {
        (repo, int(name.split(":")[1])) for repo, _, name in rows if name.startswith(BUTTON)
    }
    of_buttons = {
        (repo, button_name(number, row.head_ref))
        for (repo, number), row in change_rows(connection, numbered).items()
    }
    return {
        as_target((repo, int(reverting.partition(":")[2])))
        for repo, reverting, name in rows
        if not name.startswith(BUTTON) or (repo, name) in of_buttons
    }


@asking(NAMED)
def _not_by_title(wanted: Subquery) -> Select[Any]:
    c = t.reverts.c
    query = select(c.repo, c.reverting, c.reverted).join(
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


def _edges_to_commits(
    connection: Connection, commits: Mapping[CommitId, Target], holding: Holding
) -> list[_Edge]:
    """What says that it reverts one of these commits, or the same work under another SHA."""
    shas: dict[CommitId, set[Target]] = defaultdict(set)
    for (repo, sha), target in commits.items():
        for each in holding.same((repo, sha)):
            shas[repo, each].add(target)
    edges = _told_by_sha(connection, shas)
    others = {edge.target for edge in edges if edge.sha != edge.target.id}
    since = _reverting_ones(connection, others).landed
    return [
        edge if edge.sha == edge.target.id else replace(edge, since=since.get(edge.target))
        for edge in edges
    ]


def _edges_to_changes(
    connection: Connection, changes: Collection[ChangeId]
) -> tuple[list[_Edge], dict[Target, Undoing]]:
    """What says that it reverts one of these changes, and what reverting their commits undoes."""
    rows = change_rows(connection, changes)
    exact: dict[RevertName, set[Target]] = defaultdict(set)
    for (repo, number), row in rows.items():
        names = (f"change:{number}", f"{TITLED}:{title_key(row.title)}")
        for name in (*names, button_name(number, row.head_ref)):
            exact[repo, name].add(as_target((repo, number)))
    held = commits_of_changes(connection, rows)
    same = same_work(connection, {(repo, sha) for (repo, _), of in held.items() for sha in of})
    shas: dict[CommitId, set[Target]] = defaultdict(set)
    for (repo, number), of in held.items():
        for sha in of:
            for each in (sha, *same.get((repo, sha), ())):
                shas[repo, each].add(as_target((repo, number)))
    by_sha = _told_by_sha(connection, shas)
    concerned = changes_among(edge.target for edge in by_sha)
    pieces = {
        concerned[change]: of
        for change, of in undoing(
            connection, {change: held[change] for change in concerned}, same, rows
        ).items()
    }
    merged_at = {concerned[change]: rows[change].merged_at for change in concerned}
    own = {(concerned[change], sha) for change in concerned for sha in held[change]}
    return _told_exactly(connection, exact) + [
        edge if (edge.target, edge.sha) in own else replace(edge, since=merged_at[edge.target])
        for edge in by_sha
        if edge.sha in pieces[edge.target].by_sha
    ], pieces


def _told_exactly(
    connection: Connection, exact: Mapping[RevertName, Collection[Target]]
) -> list[_Edge]:
    return [
        _Edge(_named(repo, reverting), target, weak=reverted.startswith(TITLED))
        for repo, reverting, reverted in _reverting(connection, sorted(exact))
        for target in exact[repo, reverted]
    ]


def _named(repo: str, name: str) -> Target:
    """Who says that it reverts something: whole numbers and SHAs are told of those."""
    kind, _, told = name.partition(":")
    return Target(kind=kind, repo=repo, id=told)


@asking(NAMED)
def _reverting(wanted: Subquery) -> Select[Any]:
    c = t.reverts.c
    same = (wanted.c.repo == c.repo) & (wanted.c.name == c.reverted)
    return select(c.repo, c.reverting, c.reverted).join(wanted, same)


def _told_by_sha(
    connection: Connection, shas: Mapping[CommitId, Collection[Target]]
) -> list[_Edge]:
    rows = [(repo, sha, f"commit:{sha[:_SHORTEST]}", f"commit:{sha}") for repo, sha in sorted(shas)]
    return [
        _Edge(_named(repo, reverting), target, sha)
        for repo, sha, of, reverting, reverted in _reverting_commits(connection, rows)
        if of == repo and f"commit:{sha}".startswith(reverted)
        for target in shas[repo, sha]
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
