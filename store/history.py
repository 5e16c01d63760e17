"""What has happened to changes, as rows for ``classifier.fates`` to judge; of many at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    String,
    Subquery,
    bindparam,
    exists,
    func,
    select,
)

from domain.default_branches import DefaultBranches
from domain.labels import Feedback
from domain.tickets import ticket_key
from domain.work import ChangeState, ReviewState
from store import tables as t
from store.default_branches import changes_from, defaults_of
from store.given import asking
from store.landing import change_rows
from store.membership import (
    ChangeId,
    branch_windows,
)
from store.people import persons_of
from store.sizes import lines_of
from store.tables import Moment
from store.touches import merges_of, sharing_files, touched_before

_CHANGE = {"repo": String(), "number": Integer()}
_BRANCH = {"repo": String(), "branch": String()}
# Whoever sets longer waits has them looked at when labels become final.
_REPLACED_WITHIN = timedelta(days=30)
# Between the numbers of a change and of what replaced it. Of more than so many all would be read.
_APART = 500


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

    ``pushed_at`` are the pushes of work to its own branch while it was its own, without those that
    brought merges alone; ``commits`` are what its forge listed, without those of its merge.
    ``authors`` are persons. ``tasks`` are whole keys. ``home`` is the repository that its branch is
    in: ``repo``, or a fork. ``lines`` are without those of lock files and generated ones.
    ``lines`` and ``labels`` are None where they were not told; ``most_lines`` are with all of them,
    where that alone is known.
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
    home: str
    head_ref: str
    head_sha: str
    base_ref: str
    defaults: DefaultBranches
    merge_sha: str | None
    created_at: datetime
    merged_at: datetime | None
    closed_at: datetime | None
    lines: int | None
    most_lines: int | None
    pushed_at: tuple[datetime, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    commits: tuple[HeldCommit, ...] = ()


def histories(connection: Connection, ids: Collection[ChangeId]) -> dict[ChangeId, ChangeHistory]:
    """The histories of these changes, as far as they are known."""
    rows = change_rows(connection, ids)
    defaults = defaults_of(connection, {repo for repo, _ in rows})
    authors = _authors(connection, rows)
    feedback = _feedback(connection, rows, authors)
    homes = {change: (row.head_repo or row.repo, row.head_ref) for change, row in rows.items()}
    pushes = _pushes(connection, homes)
    commits = _commits(connection, rows)
    lines = lines_of(connection, rows)
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
            home=homes[change][0],
            head_ref=row.head_ref,
            head_sha=row.head_sha,
            base_ref=row.base_ref,
            defaults=defaults[row.repo],
            merge_sha=row.merge_sha,
            created_at=row.created_at,
            merged_at=row.merged_at,
            closed_at=row.closed_at,
            lines=lines[change].written if change in lines else None,
            most_lines=lines[change].most if change in lines else None,
            pushed_at=tuple(sorted(pushes.get(change, ()))),
            feedback=tuple(feedback.get(change, ())),
            commits=tuple(commits.get(change, ())),
        )
        for change, row in rows.items()
    }


def _lines(told: str | None) -> tuple[str, ...] | None:
    return None if told is None else tuple(told.split("\n")) if told else ()


def _authors(connection: Connection, ids: Iterable[ChangeId]) -> dict[ChangeId, frozenset[str]]:
    people: dict[ChangeId, set[str]] = defaultdict(set)
    for repo, number, identity in _people(connection, sorted(ids)):
        people[repo, number].add(identity)
    persons = persons_of(connection, {each for of in people.values() for each in of})
    return {change: frozenset(persons[each] for each in of) for change, of in people.items()}


@asking(_CHANGE)
def _people(wanted: Subquery) -> Select[Any]:
    p = t.change_people.c
    same = (wanted.c.repo == p.repo) & (wanted.c.number == p.number)
    return select(p.repo, p.number, p.identity).join(wanted, same)


def _feedback(
    connection: Connection,
    ids: Iterable[ChangeId],
    authors: Mapping[ChangeId, frozenset[str]],
) -> dict[ChangeId, list[Feedback]]:
    rows = _reviews(connection, sorted(ids))
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


@asking(_CHANGE)
def _reviews(wanted: Subquery) -> Select[Any]:
    r = t.reviews.c
    return (
        select(t.reviews)
        .join(wanted, (wanted.c.repo == r.repo) & (wanted.c.number == r.number))
        .order_by(r.submitted_at, r.review_id)
    )


def _pushes(
    connection: Connection, homes: Mapping[ChangeId, tuple[str, str]]
) -> dict[ChangeId, set[datetime]]:
    windows = branch_windows(connection, set(homes.values()))
    found: dict[ChangeId, set[datetime]] = defaultdict(set)
    for repo, branch, at in _pushed(connection, sorted(windows)):
        for window in windows[repo, branch]:
            if window.change in homes and window.since < at <= window.until:
                found[window.change].add(at)
    return found


@asking(_BRANCH)
def _pushed(wanted: Subquery) -> Select[Any]:
    p, c = t.pushes.c, t.commits.c
    parents = select(func.count()).where(
        t.commit_parents.c.repo == c.repo, t.commit_parents.c.sha == c.sha
    )
    files = exists().where(t.commit_files.c.repo == c.repo, t.commit_files.c.sha == c.sha)
    # What another branch brought, and commits that hold nothing, are nobody's work.
    nothing = (parents.scalar_subquery() > 1) | (c.files_told & ~files)
    return (
        select(p.repo, p.branch, p.pushed_at)
        .distinct()
        .join(wanted, (wanted.c.repo == p.repo) & (wanted.c.branch == p.branch))
        .outerjoin(t.commits, (c.repo == p.repo) & (c.sha == p.sha))
        .where(c.sha.is_(None) | ~nothing)
    )


def _commits(connection: Connection, ids: Iterable[ChangeId]) -> dict[ChangeId, list[HeldCommit]]:
    """The commits of the forge's last list, in the order of their authors' times."""
    found: dict[ChangeId, list[HeldCommit]] = defaultdict(list)
    for row in _held(connection, sorted(ids)):
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


@asking(_CHANGE)
def _held(wanted: Subquery) -> Select[Any]:
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
    return (
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


def reviews_told(connection: Connection, repos: Collection[str]) -> set[str]:
    """Those of these repositories of which any review was ever told."""
    return {repo for (repo,) in _reviewed(connection, [(repo,) for repo in sorted(repos)])}


@asking({"repo": String()})
def _reviewed(wanted: Subquery) -> Select[Any]:
    r = t.reviews.c
    return select(wanted.c.repo).where(select(r.repo).where(r.repo == wanted.c.repo).exists())


def affected_by(
    connection: Connection, changes: Collection[ChangeId], undone: Collection[ChangeId]
) -> set[ChangeId]:
    """Changes whose outcome may depend on these: reverted, stacked on, replaced or reworked by.

    ``undone`` are those that stand or fall with their reverts.
    """
    return (
        {*undone}
        # What landed through a change falls with it.
        | merged_into(connection, {*changes, *undone})
        | _replaced_by(connection, changes)
        | _naming(connection, changes)
        | touched_before(connection, changes)
    )


def merged_into(connection: Connection, changes: Collection[ChangeId]) -> set[ChangeId]:
    """Changes that were merged into the branches that these come from, and so on."""
    found: set[ChangeId] = set()
    frontier = set(_heads(connection, changes).values())
    seen: set[tuple[str, str]] = set()
    while frontier:
        seen |= frontier
        rows = _merged(connection, sorted(frontier))
        found |= {(row.repo, row.number) for row in rows}
        frontier = {(row.repo, row.head_ref) for row in rows} - seen
    return found


@asking(_BRANCH)
def _merged(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    return (
        select(c.repo, c.number, c.head_ref)
        .join(wanted, (wanted.c.branch == c.base_ref) & (wanted.c.repo == c.repo))
        .where(c.merged_at.is_not(None))
    )


def _heads(connection: Connection, ids: Collection[ChangeId]) -> dict[ChangeId, tuple[str, str]]:
    """The branches that these changes come from, without the default one: all goes there."""
    rows = change_rows(connection, ids)
    defaults = defaults_of(connection, {repo for repo, _ in rows})
    return {
        change: (row.repo, row.head_ref)
        for change, row in rows.items()
        if not defaults[row.repo].has(row.head_ref, row.created_at)
    }


def _replaced_by(connection: Connection, changes: Collection[ChangeId]) -> set[ChangeId]:
    """Closed changes that share a branch, a ticket or files with these, which may replace them."""
    merges = merges_of(connection, changes)
    if not merges:
        return set()
    changes = merges.keys()
    branches = sorted(set(_heads(connection, changes).values()))
    tasks = sorted({(repo, key) for repo, key in _tasks(connection, sorted(changes))})
    found = {(repo, number) for repo, number in changes_from(connection, branches)}
    found |= {(repo, number) for repo, number in _for_tasks(connection, tasks)}
    found |= sharing_files(connection, changes)
    since = min(merges.values()) - _REPLACED_WITHIN
    closed = _closed(connection, sorted(found), since=since)
    return {(repo, number) for repo, number in closed}


def _naming(connection: Connection, changes: Collection[ChangeId]) -> set[ChangeId]:
    """Closed changes whose text names one of these in their stead, maybe before it was known."""
    rows = [(repo, max(of - _APART, 0), of + _APART) for repo, of in sorted(changes)]
    return {
        (row.repo, row.number)
        for row in _replaced(connection, rows)
        if any((row.repo, int(of)) in changes for of in _lines(row.superseded_by) or ())
    }


@asking({"repo": String(), "least": Integer(), "most": Integer()})
def _replaced(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    near = (wanted.c.repo == c.repo) & c.number.between(wanted.c.least, wanted.c.most)
    return (
        select(c.repo, c.number, c.superseded_by)
        .join(wanted, near)
        .where(c.superseded_by != "", c.state == ChangeState.CLOSED.value)
        .distinct()
    )


@asking(_CHANGE)
def _tasks(wanted: Subquery) -> Select[Any]:
    k = t.change_tasks.c
    same = (wanted.c.repo == k.repo) & (wanted.c.number == k.number)
    return select(k.repo, k.key).join(wanted, same)


@asking({"repo": String(), "key": String()})
def _for_tasks(wanted: Subquery) -> Select[Any]:
    k = t.change_tasks.c
    return select(k.repo, k.number).join(
        wanted, (wanted.c.key == k.key) & (wanted.c.repo == k.repo)
    )


@asking(_CHANGE)
def _closed(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    return (
        select(c.repo, c.number)
        .join(wanted, (wanted.c.repo == c.repo) & (wanted.c.number == c.number))
        .where(
            c.state == ChangeState.CLOSED.value,
            c.closed_at >= bindparam("since", type_=Moment()),
        )
    )
