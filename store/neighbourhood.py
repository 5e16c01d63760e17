"""Everything that the decision about some commits may depend on, read at once.

The sessions that could have made them, what those edited, and which files their authors committed
before: with it ``classifier.link_commits`` decides each commit for itself.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, String, Subquery, Table, select

from domain.events import Trace
from domain.labels import Around, CandidateCommit, SessionTraces, TargetKind
from store import families, renamed
from store import tables as t
from store.given import Asked, asking
from store.identities import identities_of
from store.membership import CommitId
from store.tables import Moment
from store.traces import traces_of

# A commit may be authored a little before its session's first record, and is looked for so long
# after the last (``classifier.score``).
BEFORE = timedelta(hours=1)
AFTER = timedelta(days=7)
_SHORTEST_SHA = 7
_COMMIT = {"repo": String(), "sha": String()}


def around(connection: Connection, commits: Collection[CandidateCommit]) -> Around:
    """What is around these commits."""
    spans = _spans(commits)
    identities = {
        identity: person
        for person, all_of in identities_of(connection, spans).items()
        for identity in all_of
    }
    named = _named(connection, commits)
    trailing = _trailing(connection, commits)
    reviews = _reviews(connection, commits)
    pks = _at_the_time(connection, spans, identities)
    pks |= {pk for told in named.values() for pk, _, _ in told}
    pks |= {pk for of in trailing.values() for pk in of} | {pk for pk, _, _ in reviews}
    shown = families.shown_as(connection, pks)
    sessions = traces_of(connection, set(shown.values()))
    near = _near(commits, sessions)
    for commit, of in trailing.items():
        near[commit] |= {shown[pk] for pk in of} & sessions.keys()
    return Around(
        sessions=sessions,
        near={commit: frozenset(of) for commit, of in near.items()},
        named={
            commit: [(shown[pk], sha, at) for pk, sha, at in told if shown[pk] in sessions]
            for commit, told in named.items()
        },
        committed=_committed(connection, spans, identities),
        reviews={(shown[pk], repo, sha): told for (pk, repo, sha), told in reviews.items()},
    )


_Spans = Mapping[str, tuple[datetime, datetime]]
"""From the first to the last of these commits, by person."""


def _spans(commits: Iterable[CandidateCommit]) -> _Spans:
    spans: dict[str, tuple[datetime, datetime]] = {}
    for commit in commits:
        at = commit.authored_at
        if at is None:
            continue
        for person in commit.authors:
            first, last = spans.get(person, (at, at))
            spans[person] = (min(first, at), max(last, at))
    return spans


def _at_the_time(connection: Connection, spans: _Spans, identities: Mapping[str, str]) -> set[int]:
    """Sessions of these people around their commits."""
    rows = [
        (Trace.IDENTITY.value, identity, spans[person][0] - AFTER, spans[person][1] + BEFORE)
        for identity, person in identities.items()
    ]
    return {pk for (pk,) in _sessions_of(connection, rows)}


@asking({"trace": String(), "identity": String(), "since": Moment(), "until": Moment()})
def _sessions_of(wanted: Subquery) -> Select[Any]:
    traces, s = t.session_traces.c, t.sessions.c
    return (
        select(s.pk)
        .join(t.session_traces, traces.session_pk == s.pk)
        .join(wanted, (traces.trace == wanted.c.trace) & (traces.value == wanted.c.identity))
        .where(
            s.last_at >= wanted.c.since,
            s.first_at <= wanted.c.until,
        )
    )


def _named(
    connection: Connection, commits: Iterable[CandidateCommit]
) -> dict[CommitId, list[tuple[int, str, datetime]]]:
    """Who told each commit's SHA, or one under which the same work was known, maybe short."""
    of_sha: dict[str, list[CandidateCommit]] = defaultdict(list)
    for commit in commits:
        for sha in {commit.sha, *commit.same}:
            of_sha[sha].append(commit)
    rows = [
        (Trace.COMMIT.value, sha, sha[:_SHORTEST_SHA]) for sha in of_sha if len(sha) > _SHORTEST_SHA
    ]
    told = [row for row in _tellers(connection, rows) if row.sha.startswith(row.value)]
    meant = _meant(connection, {row.value for row in told if len(row.value) < len(row.sha)})
    named: dict[CommitId, list[tuple[int, str, datetime]]] = defaultdict(list)
    home = _repositories_of(connection, {row.session_pk for row in told})
    for row in told:
        known = meant.get(row.value, set())
        at_home = {sha for repo, sha in known if repo in home.get(row.session_pk, ())}
        # What is short may mean several: the session's own repositories go first, and copies of
        # one commit, as in a fork, are one commit.
        if len(at_home or {sha for _, sha in known}) > 1 or (at_home and row.sha not in at_home):
            continue
        for commit in of_sha[row.sha]:
            named[commit.repo, commit.sha].append((row.session_pk, row.value, row.first_at))
    return named


@asking({"trace": String(), "sha": String(), "short": String()})
def _tellers(wanted: Subquery) -> Select[Any]:
    c = t.session_traces.c
    return select(wanted.c.sha, c.session_pk, c.value, c.first_at).join(
        wanted,
        (c.trace == wanted.c.trace) & (c.value >= wanted.c.short) & (c.value <= wanted.c.sha),
    )


def _meant(connection: Connection, told: Collection[str]) -> dict[str, set[CommitId]]:
    """All commits that each of these short SHAs may mean."""
    rows = [(sha, sha + "g") for sha in told]
    found: dict[str, set[CommitId]] = defaultdict(set)
    for asked in _BEGINNING:
        for short, repo, sha in asked(connection, rows):
            found[short].add((repo, sha))
    return found


def _beginning(table: Table) -> Asked:
    """The commits of a table whose SHA begins so."""
    c = table.c

    @asking({"short": String(), "end": String()})
    def query(wanted: Subquery) -> Select[Any]:
        within = (c.sha >= wanted.c.short) & (c.sha < wanted.c.end)
        return select(wanted.c.short, c.repo, c.sha).join(wanted, within)

    return query


_BEGINNING = tuple(_beginning(table) for table in (t.commits, t.change_commits, t.pushes))


def _repositories_of(connection: Connection, pks: Collection[int]) -> dict[int, set[str]]:
    rows = [(pk, Trace.REPOSITORY.value) for pk in pks]
    found: dict[int, set[str]] = defaultdict(set)
    traced = _traced(connection, rows)
    called = renamed.called(connection, {repo for _, repo in traced})
    for pk, repo in traced:
        found[pk] |= called.get(repo, {repo})
    return found


@asking({"pk": BigInteger(), "trace": String()})
def _traced(wanted: Subquery) -> Select[Any]:
    c = t.session_traces.c
    same = (wanted.c.pk == c.session_pk) & (wanted.c.trace == c.trace)
    return select(c.session_pk, c.value).join(wanted, same)


def _trailing(
    connection: Connection, commits: Collection[CandidateCommit]
) -> dict[CommitId, set[int]]:
    """The sessions that each commit's message names."""
    rows = [
        (commit.repo, commit.sha, tool, session_id)
        for commit in commits
        for tool, session_id in commit.named_sessions
    ]
    found: dict[CommitId, set[int]] = defaultdict(set)
    for repo, sha, pk in _trailers(connection, rows):
        found[repo, sha].add(pk)
    return found


@asking({**_COMMIT, "tool": String(), "session_id": String()})
def _trailers(wanted: Subquery) -> Select[Any]:
    s = t.sessions.c
    same = (wanted.c.tool == s.tool) & (wanted.c.session_id == s.session_id)
    return select(wanted.c.repo, wanted.c.sha, s.pk).join(wanted, same)


def _reviews(
    connection: Connection, commits: Iterable[CandidateCommit]
) -> dict[tuple[int, str, str], tuple[bool, str, datetime]]:
    rows = _reviewed(connection, [(commit.repo, commit.sha) for commit in commits])
    return {(pk, repo, sha): (accepted, by, at) for pk, repo, sha, accepted, by, at in rows}


@asking(_COMMIT)
def _reviewed(wanted: Subquery) -> Select[Any]:
    r = t.link_reviews.c
    return (
        select(r.session_pk, r.repo, r.target_id, r.accepted, r.reviewed_by, r.reviewed_at)
        .join(wanted, (wanted.c.repo == r.repo) & (wanted.c.sha == r.target_id))
        .where(r.kind == TargetKind.COMMIT.value)
    )


def _near(
    commits: Iterable[CandidateCommit], sessions: Mapping[int, SessionTraces]
) -> dict[CommitId, set[int]]:
    """The sessions of each commit's authors around its time."""
    by_person: dict[str, list[tuple[datetime, datetime, int]]] = defaultdict(list)
    for pk, traces in sessions.items():
        for person in traces.people:
            by_person[person].append((traces.started_at, traces.ended_at, pk))
    near: dict[CommitId, set[int]] = defaultdict(set)
    for commit in commits:
        at = commit.authored_at
        if at is None:
            continue
        first, last = at + BEFORE, at - AFTER
        for person in commit.authors:
            near[commit.repo, commit.sha] |= {
                pk
                for started_at, ended_at, pk in by_person[person]
                if started_at <= first and ended_at >= last
            }
    return near


def _committed(
    connection: Connection, spans: _Spans, identities: Mapping[str, str]
) -> dict[tuple[str, str, str], list[datetime]]:
    """When these people committed which files, from a week before the first of their commits."""
    rows = [
        (identity, spans[person][0] - AFTER, spans[person][1])
        for identity, person in identities.items()
    ]
    found: dict[tuple[str, str, str], set[datetime]] = defaultdict(set)
    for identity, repo, _, at, file in _files_of(connection, rows):
        found[identities[identity], repo, file].add(at)
    return {key: sorted(moments) for key, moments in found.items()}


@asking({"identity": String(), "since": Moment(), "until": Moment()})
def _files_of(wanted: Subquery) -> Select[Any]:
    p, c, f = t.commit_people.c, t.commits.c, t.commit_files.c
    return (
        select(wanted.c.identity, c.repo, c.sha, c.authored_at, f.file)
        .select_from(wanted)
        .join(t.commit_people, p.identity == wanted.c.identity)
        .join(t.commits, (c.repo == p.repo) & (c.sha == p.sha))
        .join(t.commit_files, (f.repo == p.repo) & (f.sha == p.sha))
        .where(p.authored_at >= wanted.c.since, p.authored_at <= wanted.c.until)
    )
