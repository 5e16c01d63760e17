"""Commits and changes as the linker looks at them, of many at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, Integer, String, Table, cast, select

from domain.labels import CandidateChange, CandidateCommit, Target, TargetKind
from store import tables as t
from store.given import given
from store.membership import ChangeId, CommitId, changes_of_commits, default_branches
from store.people import persons_of
from store.shas import same_work

_COMMIT = {"repo": String(), "sha": String()}
_CHANGE = {"repo": String(), "number": Integer()}


def candidates(connection: Connection, commits: Collection[CommitId]) -> list[CandidateCommit]:
    """These commits as far as they are known: of some that only the SHA is.

    What is known only as the old name of another commit is none.
    """
    wanted = sorted(set(commits))
    known = _known(connection, wanted)
    people = _grouped(connection, t.commit_people, "identity", wanted)
    persons = persons_of(connection, {each for of in people.values() for each in of})
    files = _grouped(connection, t.commit_files, "file", wanted)
    tools = _grouped(connection, t.commit_tools, "tool", wanted)
    tickets = _grouped(connection, t.commit_tasks, "key", wanted)
    parents = _grouped(connection, t.commit_parents, "parent", wanted)
    trailers = _trailers(connection, wanted)
    same = same_work(connection, wanted)
    merges = _merges(connection, wanted)
    containing = changes_of_commits(connection, wanted)
    branches = _pushed_to(connection, wanted)
    heads = _heads_of(connection, wanted, containing)
    found = []
    for commit in wanted:
        repo, sha = commit
        if all(commit not in each for each in (known, branches, containing)):
            continue
        authored_at, files_told = known.get(commit, (None, False))
        found.append(
            CandidateCommit(
                repo=repo,
                sha=sha,
                authors=frozenset(persons[each] for each in people.get(commit, ())),
                authored_at=authored_at,
                named_sessions=frozenset(trailers.get(commit, ())),
                same=frozenset(same.get(commit, ())),
                branches=frozenset(branches.get(commit, ())),
                heads=frozenset(heads.get(commit, ())),
                joins=len(parents.get(commit, ())) > 1
                or (commit in merges and not same.get(commit)),
                files=frozenset(files.get(commit, ())) if files_told else None,
                tools=frozenset(tools.get(commit, ())),
                tickets=frozenset(tickets.get(commit, ())),
            )
        )
    return found


def _known(
    connection: Connection, commits: Iterable[CommitId]
) -> dict[CommitId, tuple[datetime, bool]]:
    wanted = given(connection, _COMMIT, commits)
    c = t.commits.c
    query = select(c.repo, c.sha, c.authored_at, c.files_told).join(
        wanted, (wanted.c.repo == c.repo) & (wanted.c.sha == c.sha)
    )
    return {(repo, sha): (at, told) for repo, sha, at, told in connection.execute(query).all()}


def _grouped(
    connection: Connection, table: Table, column: str, commits: Iterable[CommitId]
) -> dict[CommitId, set[str]]:
    """The values that a table holds for each commit."""
    wanted = given(connection, _COMMIT, commits)
    c = table.c
    query = select(c.repo, c.sha, c[column]).join(
        wanted, (wanted.c.repo == c.repo) & (wanted.c.sha == c.sha)
    )
    found: dict[CommitId, set[str]] = defaultdict(set)
    for repo, sha, value in connection.execute(query).all():
        found[repo, sha].add(value)
    return found


def _trailers(
    connection: Connection, commits: Iterable[CommitId]
) -> dict[CommitId, set[tuple[str, str]]]:
    wanted = given(connection, _COMMIT, commits)
    c = t.commit_sessions.c
    query = select(c.repo, c.sha, c.tool, c.session_id).join(
        wanted, (wanted.c.repo == c.repo) & (wanted.c.sha == c.sha)
    )
    found: dict[CommitId, set[tuple[str, str]]] = defaultdict(set)
    for repo, sha, tool, session_id in connection.execute(query).all():
        found[repo, sha].add((tool, session_id))
    return found


def _pushed_to(connection: Connection, commits: Collection[CommitId]) -> dict[CommitId, set[str]]:
    """The branches that each commit was pushed to, without the default branch."""
    wanted = given(connection, {"sha": String()}, [(sha,) for _, sha in commits])
    shared = default_branches(connection, {repo for repo, _ in commits})
    c = t.pushes.c
    query = select(c.repo, c.sha, c.branch).join(wanted, wanted.c.sha == c.sha)
    found: dict[CommitId, set[str]] = defaultdict(set)
    for repo, sha, branch in connection.execute(query).all():
        found[repo, sha] |= {branch} - {shared.get(repo)}
    return found


def _heads_of(
    connection: Connection,
    commits: Iterable[CommitId],
    containing: Mapping[CommitId, Iterable[ChangeId]],
) -> dict[CommitId, set[str]]:
    """The branches of the changes that hold each commit, without the default branch."""
    heads = _heads(connection, {change for of in containing.values() for change in of})
    shared = default_branches(connection, {repo for repo, _ in commits})
    return {
        commit: {heads[change] for change in changes if change in heads} - {shared.get(commit[0])}
        for commit, changes in containing.items()
    }


def _heads(connection: Connection, changes: Iterable[ChangeId]) -> dict[ChangeId, str]:
    wanted = given(connection, _CHANGE, changes)
    c = t.changes.c
    query = select(c.repo, c.number, c.head_ref).join(
        wanted, (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    )
    return {(repo, number): head for repo, number, head in connection.execute(query).all()}


def _merges(connection: Connection, commits: Iterable[CommitId]) -> set[CommitId]:
    """Those of these commits that the merge of a change made."""
    wanted = given(connection, {"sha": String()}, [(sha,) for _, sha in commits])
    c = t.changes.c
    query = select(c.repo, c.merge_sha).join(wanted, wanted.c.sha == c.merge_sha)
    return {(repo, sha) for repo, sha in connection.execute(query).all()}


def changes(connection: Connection, ids: Collection[ChangeId]) -> dict[ChangeId, CandidateChange]:
    """These changes, as far as they are known."""
    if not ids:
        return {}
    wanted = given(connection, _CHANGE, sorted(ids))
    c, p = t.changes.c, t.change_people.c
    rows = connection.execute(
        select(t.changes).join(wanted, (wanted.c.repo == c.repo) & (wanted.c.number == c.number))
    ).all()
    query = select(p.repo, p.number, p.identity).join(
        wanted, (wanted.c.repo == p.repo) & (wanted.c.number == p.number)
    )
    people: dict[ChangeId, set[str]] = defaultdict(set)
    for repo, number, identity in connection.execute(query).all():
        people[repo, number].add(identity)
    persons = persons_of(connection, {each for of in people.values() for each in of})
    return {
        (row.repo, row.number): CandidateChange(
            repo=row.repo,
            number=row.number,
            head_ref=row.head_ref,
            head_repo=row.head_repo,
            authors=frozenset(persons[each] for each in people[row.repo, row.number]),
            opened_at=row.created_at,
            ended_at=row.merged_at or row.closed_at,
        )
        for row in rows
    }


def changes_from(connection: Connection, branches: Collection[str]) -> dict[str, set[ChangeId]]:
    """The changes that come from a branch of this name, whatever its repository."""
    if not branches:
        return {}
    wanted = given(connection, {"name": String()}, [(name,) for name in branches])
    c = t.changes.c
    query = select(c.head_ref, c.repo, c.number).join(wanted, wanted.c.name == c.head_ref)
    found: dict[str, set[ChangeId]] = defaultdict(set)
    for branch, repo, number in connection.execute(query).all():
        found[branch].add((repo, number))
    return found


def authored_at(connection: Connection, commits: Collection[CommitId]) -> dict[CommitId, datetime]:
    """When each of these commits was authored, where that is known."""
    if not commits:
        return {}
    return {commit: at for commit, (at, _) in _known(connection, sorted(commits)).items()}


def tickets_of(connection: Connection, targets: Iterable[Target]) -> dict[Target, set[str]]:
    """The keys of the tickets that each change or commit names or that a tracker ties to it.

    A key that looks like one of a tracker's project but is not known there is no ticket; of a
    project that no tracker has told of, every key is taken for one.
    """
    wanted = set(targets)
    if not wanted:
        return {}
    found: dict[Target, set[str]] = defaultdict(set)
    rows = [(target.kind, target.repo, target.id) for target in wanted]
    columns = {"kind": String(), "repo": String(), "id": String()}
    asked = given(connection, columns, rows)
    change, commit, tie = t.change_tasks.c, t.commit_tasks.c, t.ticket_ties.c
    for query in (
        select(asked.c.kind, asked.c.repo, asked.c.id, change.key).join(
            asked,
            (asked.c.kind == TargetKind.CHANGE.value)
            & (asked.c.repo == change.repo)
            & (cast(asked.c.id, Integer) == change.number),
        ),
        select(asked.c.kind, asked.c.repo, asked.c.id, commit.key).join(
            asked,
            (asked.c.kind == TargetKind.COMMIT.value)
            & (asked.c.repo == commit.repo)
            & (asked.c.id == commit.sha),
        ),
        select(asked.c.kind, asked.c.repo, asked.c.id, tie.key).join(
            asked,
            (asked.c.kind == tie.kind) & (asked.c.repo == tie.repo) & (asked.c.id == tie.value),
        ),
    ):
        for kind, repo, target_id, key in connection.execute(query).all():
            found[Target(kind=kind, repo=repo, id=target_id)].add(key)
    unknown = _unknown(connection, {key for of in found.values() for key in of})
    return {target: keys - unknown for target, keys in found.items() if keys - unknown}


def _unknown(connection: Connection, keys: Collection[str]) -> set[str]:
    """Keys of known projects under which these have no such ticket."""
    if not keys:
        return set()
    wanted = given(connection, {"key": String()}, [(key,) for key in sorted(keys)])
    c = t.tickets.c
    known = set(connection.execute(select(c.key).join(wanted, wanted.c.key == c.key)).scalars())
    missing = set(keys) - known
    projects = {key: _project(key) for key in missing}
    tracked = {
        name
        for name in set(projects.values())
        if connection.execute(
            select(c.key).where(c.key >= name, c.key < name + "~").limit(1)
        ).first()
    }
    return {key for key, name in projects.items() if name in tracked}


def _project(key: str) -> str:
    """The part of a ticket's key before its number, with what separates them."""
    return key.rstrip("0123456789")
