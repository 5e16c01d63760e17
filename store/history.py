"""What has become of changes and commits, as rows for ``classifier.outcomes`` to judge."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from domain.labels import Feedback, Revert, Target, TargetKind
from domain.work import ReviewState
from store import tables as t
from store.evidence import on_default_branch_at
from store.membership import (
    ChangeId,
    CommitId,
    branch_windows,
    changes_of_commits,
    chunks,
    default_branches,
    starting_with,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeHistory:
    """A change with everything that happened to it; ``pushed_at`` are its own branch's pushes."""

    repo: str
    number: int
    title: str
    tasks: tuple[str, ...]
    base_ref: str
    default_branch: str | None
    created_at: datetime
    merged_at: datetime | None
    closed_at: datetime | None
    pushed_at: tuple[datetime, ...]
    feedback: tuple[Feedback, ...]


def change_history(connection: Connection, change: ChangeId) -> ChangeHistory | None:
    """The history of one change, if it is known."""
    repo, number = change
    row = connection.execute(
        select(t.changes).where(t.changes.c.repo == repo, t.changes.c.number == number)
    ).first()
    if row is None:
        return None
    people = select(t.change_people.c.identity).where(
        t.change_people.c.repo == repo, t.change_people.c.number == number
    )
    authors = set(connection.execute(people).scalars())
    reviews = select(t.reviews).where(t.reviews.c.repo == repo, t.reviews.c.number == number)
    return ChangeHistory(
        repo=repo,
        number=number,
        title=row.title,
        tasks=tuple(row.tasks.split("\n")) if row.tasks else (),
        base_ref=row.base_ref,
        default_branch=default_branches(connection, [repo]).get(repo),
        created_at=row.created_at,
        merged_at=row.merged_at,
        closed_at=row.closed_at,
        pushed_at=_pushes(connection, row.head_repo or repo, row.head_ref, change),
        feedback=tuple(
            Feedback(
                state=ReviewState(review.state),
                submitted_at=review.submitted_at,
                by_human=not review.bot,
                by_author=review.reviewer in authors,
            )
            for review in connection.execute(reviews)
        ),
    )


def _pushes(
    connection: Connection, repo: str, branch: str, change: ChangeId
) -> tuple[datetime, ...]:
    windows = branch_windows(connection, [(repo, branch)]).get((repo, branch), [])
    own = [window for window in windows if window.change == change]
    query = (
        select(t.pushes.c.pushed_at)
        .distinct()
        .where(t.pushes.c.repo == repo, t.pushes.c.branch == branch)
    )
    moments = connection.execute(query).scalars().all()
    return tuple(
        sorted(at for at in moments for window in own if window.since < at <= window.until)
    )


def reverts_of(connection: Connection, repos: Iterable[str]) -> list[Revert]:
    """All reverts in these repositories; commits of a change stand as the change."""
    rows = [
        (row.repo, row.reverting, row.reverted)
        for some in chunks(sorted(set(repos)))
        for row in connection.execute(select(t.reverts).where(t.reverts.c.repo.in_(some)))
    ]
    found: set[Revert] = set()
    for repo, reverting, reverted in rows:
        for by, landed_at in _landings(connection, repo, reverting):
            for target in named(connection, repo, reverted):
                # Undone within its own change before anybody got it: rework, no revert.
                if target != by:
                    found.add(Revert(reverting=by, reverted=target, landed_at=landed_at))
    return list(found)


def named(connection: Connection, repo: str, name: str) -> list[Target]:
    """What ``change:<number>`` or ``commit:<maybe short SHA>`` of a revert stands for."""
    kind, _, told = name.partition(":")
    if kind == TargetKind.CHANGE:
        return [Target(kind=TargetKind.CHANGE, repo=repo, id=told)]
    commits = _known_commits(connection, repo, told)
    containing = changes_of_commits(connection, commits)
    targets = {
        Target(kind=TargetKind.CHANGE, repo=of, id=str(number))
        for numbers in containing.values()
        for of, number in numbers
    }
    loose = {sha for of, sha in commits if (of, sha) not in containing}
    return [*targets, *(Target(kind=TargetKind.COMMIT, repo=repo, id=sha) for sha in loose)]


def _known_commits(connection: Connection, repo: str, sha: str) -> set[CommitId]:
    found: set[CommitId] = set()
    for table in (t.commits, t.pushes, t.change_commits):
        query = select(table.c.sha).where(table.c.repo == repo, starting_with(table.c.sha, sha))
        found |= {(repo, each) for each in connection.execute(query).scalars()}
    merged = select(t.changes.c.merge_sha).where(
        t.changes.c.repo == repo, starting_with(t.changes.c.merge_sha, sha)
    )
    return found | {(repo, each) for each in connection.execute(merged).scalars()}


def _landings(connection: Connection, repo: str, name: str) -> list[tuple[Target, datetime | None]]:
    """A reverting change or commit with the time it reached the default branch."""
    branch = default_branches(connection, [repo]).get(repo)
    landings: list[tuple[Target, datetime | None]] = []
    for target in named(connection, repo, name):
        if target.kind == TargetKind.COMMIT:
            landings.append((target, on_default_branch_at(connection, repo, target.id)))
            continue
        row = connection.execute(
            select(t.changes.c.merged_at, t.changes.c.base_ref).where(
                t.changes.c.repo == target.repo, t.changes.c.number == int(target.id)
            )
        ).first()
        landed = row is not None and branch in (None, row.base_ref)
        landings.append((target, row.merged_at if row is not None and landed else None))
    return landings


def undone_by(connection: Connection, repo: str, number: int) -> set[ChangeId]:
    """Changes whose standing depends on this one: it reverts them, or a revert of them."""
    edges: dict[str, set[str]] = {}
    for row in connection.execute(select(t.reverts).where(t.reverts.c.repo == repo)):
        for by in named(connection, repo, row.reverting):
            for target in named(connection, repo, row.reverted):
                if target.kind == by.kind == TargetKind.CHANGE:
                    edges.setdefault(by.id, set()).add(target.id)
    reached: set[str] = set()
    frontier = [str(number)]
    while frontier:
        following = edges.get(frontier.pop(), set()) - reached
        reached |= following
        frontier += following
    return {(repo, int(each)) for each in reached}


def inside_changes(connection: Connection, commits: Iterable[CommitId]) -> set[CommitId]:
    """Those of these commits that belong to any change."""
    return set(changes_of_commits(connection, commits))
