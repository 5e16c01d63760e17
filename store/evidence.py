"""What new knowledge touches: commits whose sessions may change, sessions whose labels may.

Too many are never wrong, only slow: what turns out as it was is not written again.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import BigInteger, Connection, Integer, String, select

from domain.events import Trace
from domain.labels import SessionTraces, TargetKind
from store import tables as t
from store.given import given
from store.identities import identities_of
from store.membership import ChangeId, CommitId, branch_windows, default_branches
from store.neighbourhood import AFTER, BEFORE
from store.people import persons_of
from store.shas import same_work
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
    others = same_work(connection, named)
    named |= {(repo, sha) for (repo, _), of in others.items() for sha in of}
    return named | _at_the_time(connection, sessions.values())


def _told(connection: Connection, shas: Collection[str]) -> set[CommitId]:
    """The commits that these maybe short SHAs may mean."""
    if not shas:
        return set()
    rows = [(sha, sha if len(sha) >= _FULL_SHA else sha + "g") for sha in shas]
    wanted = given(connection, {"sha": String(), "end": String()}, rows)
    found: set[CommitId] = set()
    for column, repo in (
        (t.commits.c.sha, t.commits.c.repo),
        (t.change_commits.c.sha, t.change_commits.c.repo),
        (t.pushes.c.sha, t.pushes.c.repo),
        (t.changes.c.merge_sha, t.changes.c.repo),
        (t.commit_aliases.c.old_sha, t.commit_aliases.c.repo),
    ):
        within = (column >= wanted.c.sha) & (column <= wanted.c.end)
        found |= {
            (of, sha) for of, sha in connection.execute(select(repo, column).join(wanted, within))
        }
    return found


def _naming(connection: Connection, sessions: Iterable[SessionTraces]) -> set[CommitId]:
    """The commits whose messages name one of these sessions."""
    rows = [(traces.tool, traces.session_id) for traces in sessions]
    wanted = given(connection, {"tool": String(), "session_id": String()}, rows)
    c = t.commit_sessions.c
    query = select(c.repo, c.sha).join(
        wanted, (wanted.c.tool == c.tool) & (wanted.c.session_id == c.session_id)
    )
    return {(repo, sha) for repo, sha in connection.execute(query).all()}


def _at_the_time(connection: Connection, sessions: Iterable[SessionTraces]) -> set[CommitId]:
    """The commits of these sessions' people around their time."""
    spans = [
        (person, traces.started_at - BEFORE, traces.ended_at + AFTER)
        for traces in sessions
        for person in traces.people
    ]
    identities = identities_of(connection, {person for person, _, _ in spans})
    rows = [(each, since, until) for person, since, until in spans for each in identities[person]]
    columns = {"identity": String(), "since": Moment(), "until": Moment()}
    around = given(connection, columns, rows)
    c = t.commit_people.c
    near = (
        (c.identity == around.c.identity)
        & (c.authored_at >= around.c.since)
        & (c.authored_at <= around.c.until)
    )
    found = connection.execute(select(c.repo, c.sha).join(around, near).distinct())
    return {(repo, sha) for repo, sha in found}


def commits_after(connection: Connection, commits: Collection[CommitId]) -> set[CommitId]:
    """Commits by the same people of the same files in the week after any of these.

    What somebody committed is no longer there for their next commit to hold.
    """
    if not commits:
        return set()
    wanted = given(connection, _COMMIT, sorted(commits))
    c, other = t.commit_people.c, t.commit_files.c
    query = select(c.repo, c.sha, c.identity, c.authored_at).join(
        wanted, (wanted.c.repo == c.repo) & (wanted.c.sha == c.sha)
    )
    rows = connection.execute(query).all()
    persons = persons_of(connection, {row.identity for row in rows})
    identities = identities_of(connection, set(persons.values()))
    spans = [
        (row.repo, row.sha, each, row.authored_at, row.authored_at + AFTER)
        for row in rows
        for each in identities[persons[row.identity]]
    ]
    columns = {**_COMMIT, "identity": String(), "since": Moment(), "until": Moment()}
    around = given(connection, columns, spans)
    own = t.commit_files.alias("own")
    later = (
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
    return {(repo, sha) for repo, sha in connection.execute(later)}


def linked_commits(connection: Connection, session_pks: Iterable[int]) -> set[CommitId]:
    """The commits that these sessions are linked to now."""
    wanted = given(connection, {"pk": BigInteger()}, [(pk,) for pk in session_pks])
    c = t.links.c
    query = select(c.repo, c.target_id).join(wanted, wanted.c.pk == c.session_pk)
    rows = connection.execute(query.where(c.kind == TargetKind.COMMIT.value))
    return {(repo, sha) for repo, sha in rows}


def people_of(connection: Connection, commits: Collection[CommitId]) -> dict[CommitId, str]:
    """One person of each commit that has any: commits of one person are read together."""
    wanted = given(connection, _COMMIT, sorted(commits))
    c = t.commit_people.c
    query = select(c.repo, c.sha, c.identity).join(
        wanted, (wanted.c.repo == c.repo) & (wanted.c.sha == c.sha)
    )
    rows = connection.execute(query).all()
    persons = persons_of(connection, {row.identity for row in rows})
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
    wanted = given(connection, _CHANGE, sorted(changes))
    found: dict[ChangeId, set[str]] = {change: set() for change in changes}
    c, held = t.changes.c, t.change_commits.c
    listed = select(held.repo, held.number, held.sha).join(
        wanted, (wanted.c.repo == held.repo) & (wanted.c.number == held.number)
    )
    for repo, number, sha in connection.execute(listed).all():
        found[repo, number].add(sha)
    known = select(c.repo, c.number, c.merge_sha, c.head_ref, c.head_repo).join(
        wanted, (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    )
    branches: dict[tuple[str, str], None] = {}
    for row in connection.execute(known).all():
        if row.merge_sha:
            found[row.repo, row.number].add(row.merge_sha)
        branches[row.head_repo or row.repo, row.head_ref] = None
    windows = branch_windows(connection, branches)
    p = t.pushes.c
    pushed = given(connection, {"repo": String(), "branch": String()}, list(windows))
    query = select(p.repo, p.branch, p.sha, p.pushed_at).join(
        pushed, (pushed.c.repo == p.repo) & (pushed.c.branch == p.branch)
    )
    for repo, branch, sha, at in connection.execute(query).all():
        for window in windows[repo, branch]:
            if window.change in found and window.since < at <= window.until:
                found[window.change].add(sha)
    return found


def sessions_of_changes(connection: Connection, changes: Collection[ChangeId]) -> set[int]:
    """Sessions whose label may depend on these changes: linked, or on a branch of that name."""
    if not changes:
        return set()
    c, traces = t.changes.c, t.session_traces.c
    rows = [(Trace.BRANCH.value, *change) for change in sorted(changes)]
    wanted = given(connection, {"trace": String(), **_CHANGE}, rows)
    query = (
        select(traces.session_pk)
        .join(wanted, wanted.c.trace == traces.trace)
        .join(t.changes, (wanted.c.repo == c.repo) & (wanted.c.number == c.number))
        .where(traces.value == c.head_ref)
    )
    linked = linked_sessions(
        connection, [(TargetKind.CHANGE, repo, str(number)) for repo, number in changes]
    )
    return linked | set(connection.execute(query).scalars())


def changes_of_tickets(connection: Connection, keys: Collection[str]) -> set[ChangeId]:
    """The changes that name these tickets, or that a tracker ties to them."""
    if not keys:
        return set()
    wanted = given(connection, {"key": String()}, [(key,) for key in sorted(keys)])
    c, tie = t.change_tasks.c, t.ticket_ties.c
    naming = select(c.repo, c.number).join(wanted, wanted.c.key == c.key)
    found = {(repo, number) for repo, number in connection.execute(naming)}
    tied = select(tie.repo, tie.value).join(wanted, wanted.c.key == tie.key)
    rows = connection.execute(tied.where(tie.kind == TargetKind.CHANGE.value))
    return found | {(repo, int(number)) for repo, number in rows}


def linked_sessions(connection: Connection, targets: Iterable[tuple[str, str, str]]) -> set[int]:
    """Sessions that are linked to these targets (kind, repository, id) now."""
    columns = {"kind": String(), "repo": String(), "target_id": String()}
    wanted = given(connection, columns, targets)
    c = t.links.c
    query = select(c.session_pk).join(
        wanted,
        (wanted.c.repo == c.repo) & (wanted.c.kind == c.kind) & (wanted.c.target_id == c.target_id),
    )
    return set(connection.execute(query).scalars())


def labelled_by(connection: Connection, rule: str, persons: Collection[str]) -> set[int]:
    """Sessions of these persons that this rule has given their label now."""
    if not persons:
        return set()
    of = {each for identities in identities_of(connection, persons).values() for each in identities}
    rows = [(Trace.IDENTITY.value, identity) for identity in sorted(of)]
    wanted = given(connection, {"trace": String(), "identity": String()}, rows)
    c, traces = t.labels.c, t.session_traces.c
    query = (
        select(traces.session_pk)
        .join(wanted, (wanted.c.trace == traces.trace) & (wanted.c.identity == traces.value))
        .join(t.labels, c.session_pk == traces.session_pk)
        .where(c.current.is_(True), c.rule == rule)
    )
    return set(connection.execute(query).scalars())


def on_default_branch_at(connection: Connection, repo: str, sha: str) -> datetime | None:
    """When a commit was first pushed to the default branch."""
    branch = default_branches(connection, [repo]).get(repo)
    if branch is None:
        return None
    query = select(t.pushes.c.pushed_at).where(
        t.pushes.c.repo == repo, t.pushes.c.branch == branch, t.pushes.c.sha == sha
    )
    at: datetime | None = connection.execute(query).scalar()
    return at
