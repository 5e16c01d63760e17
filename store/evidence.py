"""What may tie a session to work: its traces, and the commits and changes that could be its own."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select

from domain.events import Trace
from domain.labels import CandidateChange, CandidateCommit, SessionTraces
from store import families
from store import tables as t
from store.membership import (
    ChangeId,
    CommitId,
    any_of,
    changes_of_commits,
    chunks,
    default_branches,
    starting_with,
)

# A commit may be authored a little before its session's first record, or some time after the last.
BEFORE = timedelta(hours=1)
AFTER = timedelta(hours=2)
_SHORTEST_SHA = 7
_TYING = (Trace.COMMIT, Trace.BRANCH, Trace.REPOSITORY, Trace.IDENTITY)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def traces_of(connection: Connection, session_pk: int) -> SessionTraces | None:
    """A session's traces, with those of all that belong to it.

    None for session-less telemetry, which can't be tied to anything, and for what is tied as a part
    of another session.
    """
    alone = (t.sessions.c.pk == session_pk, ~families.belongs(t.sessions.c.pk))
    row = connection.execute(select(t.sessions).where(*alone)).first()
    if row is None or row.session_id is None:
        return None
    told: dict[str, dict[str, datetime]] = defaultdict(dict)
    traces = t.session_traces.c
    query = (
        select(traces.trace, traces.value, func.min(traces.first_at).label("first_at"))
        .where(families.among(traces.session_pk, [session_pk]), traces.trace.in_(_TYING))
        .group_by(traces.trace, traces.value)
    )
    for trace in connection.execute(query):
        told[trace.trace][trace.value] = trace.first_at
    seen = t.sessions.c
    last = select(func.max(seen.last_at)).where(families.among(seen.pk, [session_pk]))
    return SessionTraces(
        tool=row.tool,
        session_id=row.session_id,
        started_at=row.first_at,
        ended_at=connection.execute(last).scalar_one(),
        commits=told[Trace.COMMIT],
        branches=told[Trace.BRANCH],
        repositories=frozenset(told[Trace.REPOSITORY]),
        identities=frozenset(told[Trace.IDENTITY]),
    )


def candidates(
    connection: Connection, traces: SessionTraces
) -> tuple[list[CandidateCommit], list[CandidateChange]]:
    """Commits and changes that any evidence could tie to this session."""
    found = _named_commits(connection, traces) | _timely_commits(connection, traces)
    containing = changes_of_commits(connection, found)
    changes: set[ChangeId] = {change for all_of in containing.values() for change in all_of}
    for some in chunks(sorted(traces.branches)):
        query = select(t.changes.c.repo, t.changes.c.number)
        rows = connection.execute(query.where(t.changes.c.head_ref.in_(some)))
        changes |= {(row.repo, row.number) for row in rows}
    commits = [
        _commit(connection, commit, containing.get(commit, set())) for commit in sorted(found)
    ]
    return commits, [_change(connection, change) for change in sorted(changes)]


def _named_commits(connection: Connection, traces: SessionTraces) -> set[CommitId]:
    """Commits whose SHA the session told, or whose message names the session."""
    found: set[CommitId] = set()
    for sha in traces.commits:
        for table in (t.commits, t.change_commits, t.pushes):
            query = select(table.c.repo, table.c.sha).where(starting_with(table.c.sha, sha))
            found |= {(row.repo, row.sha) for row in connection.execute(query)}
        merged = select(t.changes.c.repo, t.changes.c.merge_sha)
        merged = merged.where(starting_with(t.changes.c.merge_sha, sha))
        found |= {(row.repo, row.merge_sha) for row in connection.execute(merged)}
    naming = select(t.commit_sessions).where(
        t.commit_sessions.c.tool == traces.tool,
        t.commit_sessions.c.session_id == traces.session_id,
    )
    return found | {(row.repo, row.sha) for row in connection.execute(naming)}


def _timely_commits(connection: Connection, traces: SessionTraces) -> set[CommitId]:
    """Commits of the same person at the time of the session."""
    found: set[CommitId] = set()
    for some in chunks(sorted(traces.identities)):
        query = (
            select(t.commits.c.repo, t.commits.c.sha)
            .join(
                t.commit_people,
                (t.commit_people.c.repo == t.commits.c.repo)
                & (t.commit_people.c.sha == t.commits.c.sha),
            )
            .where(
                t.commit_people.c.identity.in_(some),
                t.commits.c.authored_at >= traces.started_at - BEFORE,
                t.commits.c.authored_at <= traces.ended_at + AFTER,
            )
        )
        found |= {(row.repo, row.sha) for row in connection.execute(query)}
    return found


def _commit(
    connection: Connection, commit: CommitId, changes: Iterable[ChangeId]
) -> CandidateCommit:
    repo, sha = commit
    row = connection.execute(
        select(t.commits).where(t.commits.c.repo == repo, t.commits.c.sha == sha)
    ).first()
    people = select(t.commit_people.c.identity).where(
        t.commit_people.c.repo == repo, t.commit_people.c.sha == sha
    )
    named = select(t.commit_sessions).where(
        t.commit_sessions.c.repo == repo, t.commit_sessions.c.sha == sha
    )
    return CandidateCommit(
        repo=repo,
        sha=sha,
        authors=frozenset(connection.execute(people).scalars()),
        # A commit known by its SHA alone has no time; it is then tied by its SHA alone.
        authored_at=row.authored_at if row else _EPOCH,
        named_sessions=frozenset((r.tool, r.session_id) for r in connection.execute(named)),
        changes=tuple(sorted(number for of, number in changes if of == repo)),
        on_default_branch_at=on_default_branch_at(connection, repo, sha),
    )


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


def _change(connection: Connection, change: ChangeId) -> CandidateChange:
    repo, number = change
    row = connection.execute(
        select(t.changes).where(t.changes.c.repo == repo, t.changes.c.number == number)
    ).one()
    people = select(t.change_people.c.identity).where(
        t.change_people.c.repo == repo, t.change_people.c.number == number
    )
    return CandidateChange(
        repo=repo,
        number=number,
        head_ref=row.head_ref,
        head_repo=row.head_repo,
        merge_sha=row.merge_sha,
        authors=frozenset(connection.execute(people).scalars()),
        opened_at=row.created_at,
        ended_at=row.merged_at or row.closed_at,
    )


def sessions_of_commit(connection: Connection, repo: str, sha: str) -> set[int]:
    """Sessions that new knowledge about this commit may concern."""
    prefixes = [sha[:length] for length in range(_SHORTEST_SHA, len(sha) + 1)]
    found = _tracing(connection, Trace.COMMIT, prefixes)
    named = select(t.sessions.c.pk).join(
        t.commit_sessions,
        (t.commit_sessions.c.tool == t.sessions.c.tool)
        & (t.commit_sessions.c.session_id == t.sessions.c.session_id),
    )
    named = named.where(t.commit_sessions.c.repo == repo, t.commit_sessions.c.sha == sha)
    found |= set(connection.execute(named).scalars())
    found |= _sessions_at_the_time(connection, repo, sha)
    return found | linked_sessions(connection, repo, "commit", [sha])


def _sessions_at_the_time(connection: Connection, repo: str, sha: str) -> set[int]:
    commit = connection.execute(
        select(t.commits.c.authored_at).where(t.commits.c.repo == repo, t.commits.c.sha == sha)
    ).first()
    if commit is None:
        return set()
    people = select(t.commit_people.c.identity).where(
        t.commit_people.c.repo == repo, t.commit_people.c.sha == sha
    )
    query = (
        select(t.sessions.c.pk)
        .join(t.session_traces, t.session_traces.c.session_pk == t.sessions.c.pk)
        .where(
            t.session_traces.c.trace == Trace.IDENTITY.value,
            t.session_traces.c.value.in_(people),
            t.sessions.c.first_at <= commit.authored_at + BEFORE,
            t.sessions.c.last_at >= commit.authored_at - AFTER,
        )
    )
    return set(connection.execute(query).scalars())


def sessions_of_change(connection: Connection, change: ChangeId) -> set[int]:
    """Sessions that new knowledge about this change may concern."""
    repo, number = change
    row = connection.execute(
        select(t.changes).where(t.changes.c.repo == repo, t.changes.c.number == number)
    ).first()
    found = linked_sessions(connection, repo, "change", [str(number)])
    if row is None:
        return found
    found |= _tracing(connection, Trace.BRANCH, [row.head_ref])
    shas = select(t.change_commits.c.sha).where(
        t.change_commits.c.repo == repo, t.change_commits.c.number == number
    )
    pushed = select(t.pushes.c.sha).where(
        t.pushes.c.repo == (row.head_repo or repo), t.pushes.c.branch == row.head_ref
    )
    known = {*connection.execute(shas).scalars(), *connection.execute(pushed).scalars()}
    if row.merge_sha:
        known.add(row.merge_sha)
    for sha in known:
        found |= sessions_of_commit(connection, repo, sha)
    return found


def linked_sessions(
    connection: Connection, repo: str, kind: str, target_ids: Iterable[str]
) -> set[int]:
    """Sessions that are linked to these targets now."""
    conditions = [t.links.c.target_id == each for each in target_ids]
    query = select(t.links.c.session_pk).where(
        t.links.c.repo == repo, t.links.c.kind == kind, any_of(conditions)
    )
    return set(connection.execute(query).scalars())


def _tracing(connection: Connection, trace: Trace, values: Iterable[str]) -> set[int]:
    query = select(t.session_traces.c.session_pk).where(
        t.session_traces.c.trace == trace.value, t.session_traces.c.value.in_(list(values))
    )
    return set(connection.execute(query).scalars())
