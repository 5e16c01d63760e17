"""What has happened to changes, as rows for ``classifier.fates`` to judge; of many at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Integer, String, func, select

from domain.labels import Feedback
from domain.tickets import ticket_key
from domain.work import ChangeState, ReviewState
from store import tables as t
from store.given import given
from store.landing import changes_with_defaults
from store.membership import (
    ChangeId,
    branch_windows,
)
from store.people import persons_of
from store.reverts import undone_by
from store.touches import merges_of, sharing_files, touched_before

_CHANGE = {"repo": String(), "number": Integer()}
_BRANCH = {"repo": String(), "branch": String()}
# Whoever sets longer waits has them looked at when labels become final.
_REPLACED_WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCommit:
    """A commit of a change. ``joins`` tells that it is a merge, which is nobody's work.

    ``at`` is when it was committed, as far as was told, and else when it was authored.
    """

    sha: str
    authored_at: datetime
    at: datetime
    by_bot: bool
    by_tool: bool
    joins: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeHistory:
    """A change with everything that happened to it, whenever that was.

    ``pushed_at`` are the pushes to its own branch while it was its own; ``commits`` are what its
    forge listed, without those of its merge. ``authors`` are persons. ``tasks`` are whole keys.
    ``default_branch``, ``lines`` and ``labels`` are None where they were not told.
    """

    repo: str
    number: int
    title: str
    tasks: tuple[str, ...]
    authors: frozenset[str]
    author_is_bot: bool
    tools: tuple[str, ...]
    labels: tuple[str, ...] | None
    superseded_by: tuple[int, ...]
    head_ref: str
    head_sha: str
    base_ref: str
    default_branch: str | None
    merge_sha: str | None
    created_at: datetime
    merged_at: datetime | None
    closed_at: datetime | None
    lines: int | None
    pushed_at: tuple[datetime, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    commits: tuple[HeldCommit, ...] = ()


def histories(connection: Connection, ids: Collection[ChangeId]) -> dict[ChangeId, ChangeHistory]:
    """The histories of these changes, as far as they are known."""
    rows = changes_with_defaults(connection, ids)
    authors = _authors(connection, rows)
    feedback = _feedback(connection, rows, authors)
    homes = {change: (row.head_repo or row.repo, row.head_ref) for change, row in rows.items()}
    pushes = _pushes(connection, homes)
    commits = _commits(connection, rows)
    return {
        change: ChangeHistory(
            repo=row.repo,
            number=row.number,
            title=row.title,
            tasks=tuple(ticket_key(row.repo, key) for key in _lines(row.tasks) or ()),
            authors=authors.get(change, frozenset()),
            author_is_bot=row.author_is_bot,
            tools=_lines(row.tools) or (),
            labels=_lines(row.labels),
            superseded_by=tuple(map(int, _lines(row.superseded_by) or ())),
            head_ref=row.head_ref,
            head_sha=row.head_sha,
            base_ref=row.base_ref,
            default_branch=row.default_branch,
            merge_sha=row.merge_sha,
            created_at=row.created_at,
            merged_at=row.merged_at,
            closed_at=row.closed_at,
            lines=_sum(row.additions, row.deletions),
            pushed_at=tuple(sorted(pushes.get(change, ()))),
            feedback=tuple(feedback.get(change, ())),
            commits=tuple(commits.get(change, ())),
        )
        for change, row in rows.items()
    }


def _lines(told: str | None) -> tuple[str, ...] | None:
    return None if told is None else tuple(told.split("\n")) if told else ()


def _sum(additions: int | None, deletions: int | None) -> int | None:
    return None if additions is None or deletions is None else additions + deletions


def _authors(connection: Connection, ids: Iterable[ChangeId]) -> dict[ChangeId, frozenset[str]]:
    wanted = given(connection, _CHANGE, sorted(ids))
    p = t.change_people.c
    query = select(p.repo, p.number, p.identity).join(
        wanted, (wanted.c.repo == p.repo) & (wanted.c.number == p.number)
    )
    people: dict[ChangeId, set[str]] = defaultdict(set)
    for repo, number, identity in connection.execute(query):
        people[repo, number].add(identity)
    persons = persons_of(connection, {each for of in people.values() for each in of})
    return {change: frozenset(persons[each] for each in of) for change, of in people.items()}


def _feedback(
    connection: Connection,
    ids: Iterable[ChangeId],
    authors: Mapping[ChangeId, frozenset[str]],
) -> dict[ChangeId, list[Feedback]]:
    wanted = given(connection, _CHANGE, sorted(ids))
    r = t.reviews.c
    rows = connection.execute(
        select(t.reviews)
        .join(wanted, (wanted.c.repo == r.repo) & (wanted.c.number == r.number))
        .order_by(r.submitted_at, r.review_id)
    ).all()
    persons = persons_of(connection, {row.reviewer for row in rows if row.reviewer})
    found: dict[ChangeId, list[Feedback]] = defaultdict(list)
    for row in rows:
        person = persons.get(row.reviewer)
        found[row.repo, row.number].append(
            Feedback(
                state=ReviewState(row.state),
                submitted_at=row.submitted_at,
                by_human=not row.bot,
                by_author=person in authors.get((row.repo, row.number), ()),
                person=person,
            )
        )
    return found


def _pushes(
    connection: Connection, homes: Mapping[ChangeId, tuple[str, str]]
) -> dict[ChangeId, set[datetime]]:
    windows = branch_windows(connection, set(homes.values()))
    wanted = given(connection, _BRANCH, sorted(windows))
    p = t.pushes.c
    query = (
        select(p.repo, p.branch, p.pushed_at)
        .distinct()
        .join(wanted, (wanted.c.repo == p.repo) & (wanted.c.branch == p.branch))
    )
    found: dict[ChangeId, set[datetime]] = defaultdict(set)
    for repo, branch, at in connection.execute(query):
        for window in windows[repo, branch]:
            if window.change in homes and window.since < at <= window.until:
                found[window.change].add(at)
    return found


def _commits(connection: Connection, ids: Iterable[ChangeId]) -> dict[ChangeId, list[HeldCommit]]:
    """The commits of the forge's last list, in the order of their authors' times."""
    wanted = given(connection, _CHANGE, sorted(ids))
    held, listed, c = t.change_commits.c, t.change_listings.c, t.commits.c
    parents = (
        select(func.count())
        .where(t.commit_parents.c.repo == c.repo, t.commit_parents.c.sha == c.sha)
        .scalar_subquery()
    )
    tools = (
        select(func.count())
        .where(t.commit_tools.c.repo == c.repo, t.commit_tools.c.sha == c.sha)
        .scalar_subquery()
    )
    query = (
        select(
            *(held.number, c.repo, c.sha, c.authored_at, c.committed_at, c.author_is_bot),
            *(parents.label("parents"), tools.label("tools")),
        )
        .select_from(t.change_commits)
        .join(wanted, (wanted.c.repo == held.repo) & (wanted.c.number == held.number))
        .join(
            t.change_listings,
            (listed.repo == held.repo)
            & (listed.number == held.number)
            & (listed.commits_at == held.listed_at),
        )
        .join(t.commits, (c.repo == held.repo) & (c.sha == held.sha))
        .order_by(c.authored_at, c.sha)
    )
    found: dict[ChangeId, list[HeldCommit]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.repo, row.number].append(
            HeldCommit(
                sha=row.sha,
                authored_at=row.authored_at,
                at=row.committed_at or row.authored_at,
                by_bot=row.author_is_bot,
                by_tool=row.tools > 0,
                joins=row.parents > 1,
            )
        )
    return found


def reviews_told(connection: Connection, repos: Collection[str]) -> set[str]:
    """Those of these repositories of which any review was ever told."""
    wanted = given(connection, {"repo": String()}, [(repo,) for repo in sorted(repos)])
    r = t.reviews.c
    told = select(r.repo).where(r.repo == wanted.c.repo).exists()
    return set(connection.execute(select(wanted.c.repo).where(told)).scalars())


def affected_by(connection: Connection, changes: Collection[ChangeId]) -> set[ChangeId]:
    """Changes whose outcome may depend on these: reverted, stacked on, replaced or reworked by."""
    return (
        undone_by(connection, changes)
        | _merged_into(connection, changes)
        | _replaced_by(connection, changes)
        | touched_before(connection, changes)
    )


def _merged_into(connection: Connection, changes: Collection[ChangeId]) -> set[ChangeId]:
    """Changes that were merged into the branches that these come from, and so on."""
    found: set[ChangeId] = set()
    frontier = set(_heads(connection, changes).values())
    seen: set[tuple[str, str]] = set()
    c = t.changes.c
    while frontier:
        seen |= frontier
        wanted = given(connection, _BRANCH, sorted(frontier))
        query = (
            select(c.repo, c.number, c.head_ref)
            .join(wanted, (wanted.c.branch == c.base_ref) & (wanted.c.repo == c.repo))
            .where(c.merged_at.is_not(None))
        )
        rows = connection.execute(query).all()
        found |= {(row.repo, row.number) for row in rows}
        frontier = {(row.repo, row.head_ref) for row in rows} - seen
    return found


def _heads(connection: Connection, ids: Collection[ChangeId]) -> dict[ChangeId, tuple[str, str]]:
    """The branches that these changes come from, without the default one: all goes there."""
    return {
        change: (row.repo, row.head_ref)
        for change, row in changes_with_defaults(connection, ids).items()
        if row.head_ref != row.default_branch
    }


def _replaced_by(connection: Connection, changes: Collection[ChangeId]) -> set[ChangeId]:
    """Closed changes that share a branch, a ticket or files with these, which may replace them."""
    merges = merges_of(connection, changes)
    if not merges:
        return set()
    changes = merges.keys()
    c, k = t.changes.c, t.change_tasks.c
    branches = given(connection, _BRANCH, sorted(set(_heads(connection, changes).values())))
    by_branch = select(c.repo, c.number).join(
        branches, (branches.c.branch == c.head_ref) & (branches.c.repo == c.repo)
    )
    wanted = given(connection, _CHANGE, sorted(changes))
    named = select(k.repo, k.key).join(
        wanted, (wanted.c.repo == k.repo) & (wanted.c.number == k.number)
    )
    tasks = sorted({(repo, key) for repo, key in connection.execute(named)})
    keys = given(connection, {"repo": String(), "key": String()}, tasks)
    by_ticket = select(k.repo, k.number).join(keys, (keys.c.key == k.key) & (keys.c.repo == k.repo))
    found = {(repo, number) for repo, number in connection.execute(by_branch)}
    found |= {(repo, number) for repo, number in connection.execute(by_ticket)}
    found |= sharing_files(connection, changes)
    wanted = given(connection, _CHANGE, sorted(found))
    closed = (
        select(c.repo, c.number)
        .join(wanted, (wanted.c.repo == c.repo) & (wanted.c.number == c.number))
        .where(
            c.state == ChangeState.CLOSED.value,
            c.closed_at >= min(merges.values()) - _REPLACED_WITHIN,
        )
    )
    return {(repo, number) for repo, number in connection.execute(closed)}
