"""What new knowledge touches: commits whose sessions may change, sessions whose labels may.

Too many are never wrong, only slow: what turns out as it was is not written again.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    Select,
    String,
    Subquery,
    or_,
    select,
)

from domain.events import Trace
from domain.labels import SessionTraces, TargetKind
from store import tables as t
from store.given import Asked, asking
from store.identities import identities_of
from store.membership import ChangeId, CommitId, branch_windows, whose_pushes
from store.neighbourhood import AFTER, BEFORE
from store.people import persons_of
from store.shas import maybe_same_work
from store.tables import Moment

_COMMIT = {"repo": String(), "sha": String()}
_CHANGE = {"repo": String(), "number": Integer()}
_FULL_SHA = 40


def commits_concerned(
    connection: Connection, sessions: Mapping[int, SessionTraces]
) -> set[CommitId]:
    """The commits that these sessions could have made."""
    named = _told(connection, {sha for traces in sessions.values() for sha in traces.commits})
    named |= _naming(connection, sessions.values())
    others = maybe_same_work(connection, named)
    named |= {(repo, sha) for (repo, _), of in others.items() for sha in of}
    return named | _at_the_time(connection, sessions.values())


def _told(connection: Connection, shas: Collection[str]) -> set[CommitId]:
    """The commits that these maybe short SHAs may mean."""
    rows = [(sha, sha if len(sha) >= _FULL_SHA else sha + "g") for sha in shas]
    return {(repo, sha) for asked in _BEGINNING for repo, sha in asked(connection, rows)}


def _beginning(column: Column[Any], repo: Column[Any]) -> Asked:
    """The commits of a table whose SHA begins so."""

    @asking({"sha": String(), "end": String()})
    def query(wanted: Subquery) -> Select[Any]:
        within = (column >= wanted.c.sha) & (column <= wanted.c.end)
        return select(repo, column).join(wanted, within)

    return query


_BEGINNING = (
    _beginning(t.commits.c.sha, t.commits.c.repo),
    _beginning(t.change_commits.c.sha, t.change_commits.c.repo),
    _beginning(t.pushes.c.sha, t.pushes.c.repo),
    _beginning(t.changes.c.merge_sha, t.changes.c.repo),
    _beginning(t.commit_aliases.c.old_sha, t.commit_aliases.c.repo),
)


def _naming(connection: Connection, sessions: Iterable[SessionTraces]) -> set[CommitId]:
    """The commits whose messages name one of these sessions."""
    rows = [(traces.tool, traces.session_id) for traces in sessions]
    return {(repo, sha) for repo, sha in _trailers(connection, rows)}


@asking({"tool": String(), "session_id": String()})
def _trailers(wanted: Subquery) -> Select[Any]:
    c = t.commit_sessions.c
    same = (wanted.c.tool == c.tool) & (wanted.c.session_id == c.session_id)
    return select(c.repo, c.sha).join(wanted, same)


def _at_the_time(connection: Connection, sessions: Iterable[SessionTraces]) -> set[CommitId]:
    """The commits of these sessions' people around their time."""
    spans = [
        (person, traces.started_at - BEFORE, traces.ended_at + AFTER)
        for traces in sessions
        for person in traces.people
    ]
    identities = identities_of(connection, {person for person, _, _ in spans})
    rows = [(each, since, until) for person, since, until in spans for each in identities[person]]
    return {(repo, sha) for repo, sha in _committed(connection, rows)}


@asking({"identity": String(), "since": Moment(), "until": Moment()})
def _committed(around: Subquery) -> Select[Any]:
    c = t.commit_people.c
    near = (
        (c.identity == around.c.identity)
        & (c.authored_at >= around.c.since)
        & (c.authored_at <= around.c.until)
    )
    return select(c.repo, c.sha).join(around, near).distinct()


def commits_after(connection: Connection, commits: Collection[CommitId]) -> set[CommitId]:
    """Commits by the same people of the same files in the week after any of these.

    What somebody committed is no longer there for their next commit to hold.
    """
    rows = _authored(connection, sorted(commits))
    persons = persons_of(connection, {row.identity for row in rows})
    identities = identities_of(connection, set(persons.values()))
    spans = [
        (row.repo, row.sha, each, row.authored_at, row.authored_at + AFTER)
        for row in rows
        for each in identities[persons[row.identity]]
    ]
    return {(repo, sha) for repo, sha in _later(connection, spans)}


@asking(_COMMIT)
def _authored(wanted: Subquery) -> Select[Any]:
    c = t.commit_people.c
    same = (wanted.c.repo == c.repo) & (wanted.c.sha == c.sha)
    return select(c.repo, c.sha, c.identity, c.authored_at).join(wanted, same)


@asking({**_COMMIT, "identity": String(), "since": Moment(), "until": Moment()})
def _later(around: Subquery) -> Select[Any]:
    c, other = t.commit_people.c, t.commit_files.c
    own = t.commit_files.alias("own")
    return (
        select(c.repo, c.sha)
        .select_from(around)
        .join(
            t.commit_people,
            (c.identity == around.c.identity)
            & (c.authored_at > around.c.since)
            & (c.authored_at <= around.c.until),
        )
        .join(own, (own.c.repo == around.c.repo) & (own.c.sha == around.c.sha))
        .join(
            t.commit_files,
            (other.repo == c.repo) & (other.sha == c.sha) & (other.file == own.c.file),
        )
        .where(c.repo == around.c.repo)
        .distinct()
    )


def linked_commits(connection: Connection, session_pks: Iterable[int]) -> set[CommitId]:
    """The commits that these sessions are linked to now."""
    return {(repo, sha) for repo, sha in _linked(connection, [(pk,) for pk in session_pks])}


@asking({"pk": BigInteger()})
def _linked(wanted: Subquery) -> Select[Any]:
    c = t.links.c
    query = select(c.repo, c.target_id).join(wanted, wanted.c.pk == c.session_pk)
    return query.where(c.kind == TargetKind.COMMIT.value)


def people_of(connection: Connection, commits: Collection[CommitId]) -> dict[CommitId, str]:
    """One person of each commit that has any: commits of one person are read together."""
    rows = [(repo, sha, who) for repo, sha, who, _ in _authored(connection, sorted(commits))]
    persons = persons_of(connection, {who for _, _, who in rows})
    found: dict[CommitId, str] = {}
    for repo, sha, identity in rows:
        person = persons[identity]
        found[repo, sha] = min(person, found.get((repo, sha), person))
    return found


def commits_of_changes(
    connection: Connection, changes: Collection[ChangeId]
) -> dict[ChangeId, set[str]]:
    """The SHAs that each change ever held: listed, pushed to its branch, or made by its merge."""
    if not changes:
        return {}
    asked = sorted(changes)
    found: dict[ChangeId, set[str]] = {change: set() for change in changes}
    for repo, number, sha in _listed(connection, asked):
        found[repo, number].add(sha)
    branches: dict[tuple[str, str], None] = {}
    for row in _known(connection, asked):
        if row.merge_sha:
            found[row.repo, row.number].add(row.merge_sha)
        branches[row.head_repo or row.repo, row.head_ref] = None
    windows = branch_windows(connection, branches)
    pushed = [tuple(row) for row in _pushed(connection, list(windows))]
    for _, sha, _, window in whose_pushes(connection, pushed, windows):
        if window.change in found:
            found[window.change].add(sha)
    return found


@asking(_CHANGE)
def _listed(wanted: Subquery) -> Select[Any]:
    held = t.change_commits.c
    same = (wanted.c.repo == held.repo) & (wanted.c.number == held.number)
    return select(held.repo, held.number, held.sha).join(wanted, same)


@asking(_CHANGE)
def _known(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    same = (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    return select(c.repo, c.number, c.merge_sha, c.head_ref, c.head_repo).join(wanted, same)


@asking({"repo": String(), "branch": String()})
def _pushed(wanted: Subquery) -> Select[Any]:
    p = t.pushes.c
    same = (wanted.c.repo == p.repo) & (wanted.c.branch == p.branch)
    return select(p.repo, p.branch, p.sha, p.pushed_at).join(wanted, same)


def sessions_of_changes(connection: Connection, changes: Collection[ChangeId]) -> set[int]:
    """Sessions whose label may depend on these changes: linked, or on a branch of that name."""
    rows = [(Trace.BRANCH.value, *change) for change in sorted(changes)]
    on_branch = {pk for (pk,) in _on_branches(connection, rows)}
    linked = linked_sessions(
        connection, [(TargetKind.CHANGE, repo, str(number)) for repo, number in changes]
    )
    return linked | on_branch


@asking({"trace": String(), **_CHANGE})
def _on_branches(wanted: Subquery) -> Select[Any]:
    c, traces = t.changes.c, t.session_traces.c
    return (
        select(traces.session_pk)
        .join(wanted, wanted.c.trace == traces.trace)
        .join(t.changes, (wanted.c.repo == c.repo) & (wanted.c.number == c.number))
        .where(traces.value == c.head_ref)
    )


def changes_of_tickets(connection: Connection, keys: Collection[str]) -> set[ChangeId]:
    """The changes that name these tickets, or that a tracker ties to them."""
    rows = [(key,) for key in sorted(keys)]
    found = {(repo, number) for repo, number in _naming_tickets(connection, rows)}
    return found | {(repo, int(number)) for repo, number in _tied(connection, rows)}


@asking({"key": String()})
def _naming_tickets(wanted: Subquery) -> Select[Any]:
    c = t.change_tasks.c
    return select(c.repo, c.number).join(wanted, wanted.c.key == c.key)


@asking({"key": String()})
def _tied(wanted: Subquery) -> Select[Any]:
    tie = t.ticket_ties.c
    query = select(tie.repo, tie.value).join(wanted, wanted.c.key == tie.key)
    return query.where(tie.kind == TargetKind.CHANGE.value)


def linked_sessions(connection: Connection, targets: Iterable[tuple[str, str, str]]) -> set[int]:
    """Sessions that are linked to these targets (kind, repository, id) now."""
    return {pk for (pk,) in _linked_to(connection, targets)}


@asking({"kind": String(), "repo": String(), "target_id": String()})
def _linked_to(wanted: Subquery) -> Select[Any]:
    c = t.links.c
    return select(c.session_pk).join(
        wanted,
        (wanted.c.repo == c.repo) & (wanted.c.kind == c.kind) & (wanted.c.target_id == c.target_id),
    )


def linked_beside(connection: Connection, targets: Iterable[tuple[str, str, str]]) -> set[int]:
    """Of the sessions linked to these those that are linked to another target of the same kind."""
    return {pk for (pk,) in _linked_beside(connection, targets)}


@asking({"kind": String(), "repo": String(), "target_id": String()})
def _linked_beside(wanted: Subquery) -> Select[Any]:
    c, other = t.links.c, t.links.alias("other")
    beside = select(other.c.session_pk).where(
        other.c.session_pk == c.session_pk,
        other.c.kind == c.kind,
        or_(other.c.repo != c.repo, other.c.target_id != c.target_id),
    )
    same = (
        (wanted.c.repo == c.repo) & (wanted.c.kind == c.kind) & (wanted.c.target_id == c.target_id)
    )
    return select(c.session_pk).join(wanted, same).where(beside.exists())


def labelled_by(connection: Connection, rule: str, persons: Collection[str]) -> set[int]:
    """Sessions of these persons that this rule has given their label now."""
    of = {each for identities in identities_of(connection, persons).values() for each in identities}
    rows = [(Trace.IDENTITY.value, identity) for identity in sorted(of)]
    # Asked afterwards: a plan that begins with what is current reads all labels.
    return {
        row.session_pk for row in _labelled(connection, rows) if row.current and row.rule == rule
    }


@asking({"trace": String(), "identity": String()})
def _labelled(wanted: Subquery) -> Select[Any]:
    c, traces = t.labels.c, t.session_traces.c
    return (
        select(traces.session_pk, c.current, c.rule)
        .join(wanted, (wanted.c.trace == traces.trace) & (wanted.c.identity == traces.value))
        .join(t.labels, c.session_pk == traces.session_pk)
    )
