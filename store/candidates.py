"""Commits and changes as the linker looks at them, of many at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    Subquery,
    Table,
    cast,
    func,
    literal,
    select,
    union,
)

from domain.labels import CandidateChange, CandidateCommit, Target, TargetKind
from store import tables as t
from store.default_branches import defaults_of
from store.given import Asked, asking
from store.membership import ChangeId, CommitId, changes_of_commits
from store.people import persons_of
from store.shas import same_work
from store.tied_tasks import project_of, projects_of

_COMMIT = {"repo": String(), "sha": String()}
_SHA = {"sha": String()}
_CHANGE = {"repo": String(), "number": Integer()}
_TARGET = {"kind": String(), "repo": String(), "id": String()}


def _held(table: Table, *names: str) -> Asked:
    """What these columns of a table hold for commits."""
    c = table.c

    @asking(_COMMIT)
    def query(wanted: Subquery) -> Select[Any]:
        same = (wanted.c.repo == c.repo) & (wanted.c.sha == c.sha)
        return select(c.repo, c.sha, *(c[name] for name in names)).join(wanted, same)

    return query


_COMMITS = _held(t.commits, "authored_at", "files_told")
_PEOPLE = _held(t.commit_people, "identity")
_FILES = _held(t.commit_files, "file")
_TOOLS = _held(t.commit_tools, "tool")
_TICKETS = _held(t.commit_tasks, "key")
_PARENTS = _held(t.commit_parents, "parent")
_TRAILERS = _held(t.commit_sessions, "tool", "session_id")


def candidates(connection: Connection, commits: Collection[CommitId]) -> list[CandidateCommit]:
    """These commits as far as they are known: of some that only the SHA is.

    What is known only as the old name of another commit is none.
    """
    wanted = sorted(set(commits))
    known = _known(connection, wanted)
    people = _grouped(connection, _PEOPLE, wanted)
    persons = persons_of(connection, {each for of in people.values() for each in of})
    files = _grouped(connection, _FILES, wanted)
    tools = _grouped(connection, _TOOLS, wanted)
    tickets = _grouped(connection, _TICKETS, wanted)
    parents = _grouped(connection, _PARENTS, wanted)
    trailers = _trailers(connection, wanted)
    same = same_work(connection, wanted)
    merges = _merges(connection, wanted)
    containing = changes_of_commits(connection, wanted)
    branches = _pushed_to(connection, wanted)
    heads, homes = _heads_of(connection, wanted, containing)
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
                homes=frozenset(homes.get(commit, ())),
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
    return {(repo, sha): (at, told) for repo, sha, at, told in _COMMITS(connection, commits)}


def _grouped(
    connection: Connection, asked: Asked, commits: Iterable[CommitId]
) -> dict[CommitId, set[str]]:
    """The values that a table holds for each commit."""
    found: dict[CommitId, set[str]] = defaultdict(set)
    for repo, sha, value in asked(connection, commits):
        found[repo, sha].add(value)
    return found


def _trailers(
    connection: Connection, commits: Iterable[CommitId]
) -> dict[CommitId, set[tuple[str, str]]]:
    found: dict[CommitId, set[tuple[str, str]]] = defaultdict(set)
    for repo, sha, tool, session_id in _TRAILERS(connection, commits):
        found[repo, sha].add((tool, session_id))
    return found


def _pushed_to(connection: Connection, commits: Collection[CommitId]) -> dict[CommitId, set[str]]:
    """The branches that each commit was pushed to, without the default branch."""
    pushes = _pushes(connection, [(sha,) for _, sha in commits])
    shared = defaults_of(connection, {row.repo for row in pushes})
    found: dict[CommitId, set[str]] = defaultdict(set)
    for repo, sha, branch, at in pushes:
        found[repo, sha] |= set() if shared[repo].has(branch, at) else {branch}
    return found


@asking(_SHA)
def _pushes(wanted: Subquery) -> Select[Any]:
    c = t.pushes.c
    return select(c.repo, c.sha, c.branch, c.pushed_at).join(wanted, wanted.c.sha == c.sha)


def _heads_of(
    connection: Connection,
    commits: Iterable[CommitId],
    containing: Mapping[CommitId, Iterable[ChangeId]],
) -> tuple[dict[CommitId, set[str]], dict[CommitId, set[str]]]:
    """The branches of the changes that hold each commit, without the default one; and the homes."""
    rows = _head_refs(connection, {change for of in containing.values() for change in of})
    told = {(row.repo, row.number): row for row in rows}
    shared = defaults_of(connection, {repo for repo, _ in commits})
    heads: dict[CommitId, set[str]] = {}
    homes: dict[CommitId, set[str]] = {}
    for commit, changes in containing.items():
        of = [told[change] for change in changes if change in told]
        is_shared = shared[commit[0]].has
        heads[commit] = {r.head_ref for r in of if not is_shared(r.head_ref, r.created_at)}
        homes[commit] = {home for row in of for home in (row.repo, row.head_repo) if home}
    return heads, homes


@asking(_CHANGE)
def _head_refs(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    same = (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    return select(c.repo, c.number, c.head_ref, c.head_repo, c.created_at).join(wanted, same)


def _merges(connection: Connection, commits: Iterable[CommitId]) -> set[CommitId]:
    """Those of these commits that the merge of a change made."""
    rows = _merged_as(connection, [(sha,) for _, sha in commits])
    return {(repo, sha) for repo, sha in rows}


@asking(_SHA)
def _merged_as(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    return select(c.repo, c.merge_sha).join(wanted, wanted.c.sha == c.merge_sha)


def changes(connection: Connection, ids: Collection[ChangeId]) -> dict[ChangeId, CandidateChange]:
    """These changes, as far as they are known."""
    if not ids:
        return {}
    rows = _changes(connection, sorted(ids))
    people: dict[tuple[str, int, bool], set[str]] = defaultdict(set)
    told = _people(connection, sorted(ids))
    persons = persons_of(connection, {identity for *_, identity in told})
    for repo, number, reviewed, identity in told:
        people[repo, number, bool(reviewed)].add(persons[identity])
    return {
        (row.repo, row.number): CandidateChange(
            repo=row.repo,
            number=row.number,
            head_ref=row.head_ref,
            head_repo=row.head_repo,
            authors=frozenset(people[row.repo, row.number, False]),
            reviewers=frozenset(people[row.repo, row.number, True]),
            opened_at=row.created_at,
            ended_at=row.merged_at or row.closed_at,
        )
        for row in rows
    }


@asking(_CHANGE)
def _changes(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    same = (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    return select(t.changes).join(wanted, same)


@asking(_CHANGE)
def _people(wanted: Subquery) -> Select[Any]:
    """Who opened each change or made a commit of it, and (true) who reviewed it."""
    opened, made, r = t.change_people.c, t.commit_people.c, t.reviews.c
    held, p, c = t.change_commits.c, t.pushes.c, t.changes.c

    def of(table: Any, reviewed: bool, identity: ColumnElement[Any]) -> Select[Any]:
        same = (wanted.c.repo == table.repo) & (wanted.c.number == table.number)
        told = select(wanted.c.repo, wanted.c.number, literal(reviewed), identity)
        return told.join(table.repo.table, same)

    listed = of(held, False, made.identity).join(
        t.commit_people, (made.repo == held.repo) & (made.sha == held.sha)
    )
    home = func.coalesce(c.head_repo, c.repo)
    pushed = (
        of(c, False, made.identity)
        .join(t.pushes, (p.repo == home) & (p.branch == c.head_ref))
        .join(t.commit_people, (made.repo == p.repo) & (made.sha == p.sha))
    )
    reviewed = of(r, True, r.reviewer).where(r.reviewer.is_not(None))
    found = union(of(opened, False, opened.identity), listed, pushed, reviewed).subquery()
    return select(found)


def changes_from(connection: Connection, branches: Collection[str]) -> dict[str, set[ChangeId]]:
    """The changes that come from a branch of this name, whatever its repository."""
    found: dict[str, set[ChangeId]] = defaultdict(set)
    for branch, repo, number in _from_branches(connection, [(name,) for name in branches]):
        found[branch].add((repo, number))
    return found


@asking({"name": String()})
def _from_branches(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    return select(c.head_ref, c.repo, c.number).join(wanted, wanted.c.name == c.head_ref)


def authored_at(connection: Connection, commits: Collection[CommitId]) -> dict[CommitId, datetime]:
    """When each of these commits was authored, where that is known."""
    return {commit: at for commit, (at, _) in _known(connection, sorted(commits)).items()}


def tickets_of(connection: Connection, targets: Iterable[Target]) -> dict[Target, set[str]]:
    """The keys of the tickets that each change or commit names or that a tracker ties to it.

    A key that looks like one of a tracker's project but is not known there is no ticket; nor is one
    of a project that no tracker has told of, unless it may be another tracker's.
    """
    rows = [(target.kind, target.repo, target.id) for target in set(targets)]
    named: dict[Target, set[str]] = defaultdict(set)
    tied: dict[Target, set[str]] = defaultdict(set)
    for asked, of in (
        (_named_by_changes, named),
        (_named_by_commits, named),
        (_tied_by_trackers, tied),
    ):
        for kind, repo, target_id, key in asked(connection, rows):
            of[Target(kind=kind, repo=repo, id=target_id)].add(key)
    keys = {key for of in (named, tied) for told in of.values() for key in told}
    known = {key for (key,) in _tickets(connection, [(key,) for key in sorted(keys)])}
    projects = projects_of(connection, keys - known)
    of_others = {key for key in keys - known if project_of(key) not in projects.told}
    loose = {key for key in of_others if projects.may_be_another_trackers(key)}
    found = {
        target: (named[target] & (known | loose)) | (tied[target] & (known | of_others))
        for target in {*named, *tied}
    }
    return {target: told for target, told in found.items() if told}


@asking(_TARGET)
def _named_by_changes(asked: Subquery) -> Select[Any]:
    change = t.change_tasks.c
    return select(asked.c.kind, asked.c.repo, asked.c.id, change.key).join(
        asked,
        (asked.c.kind == TargetKind.CHANGE.value)
        & (asked.c.repo == change.repo)
        & (cast(asked.c.id, Integer) == change.number),
    )


@asking(_TARGET)
def _named_by_commits(asked: Subquery) -> Select[Any]:
    commit = t.commit_tasks.c
    return select(asked.c.kind, asked.c.repo, asked.c.id, commit.key).join(
        asked,
        (asked.c.kind == TargetKind.COMMIT.value)
        & (asked.c.repo == commit.repo)
        & (asked.c.id == commit.sha),
    )


@asking(_TARGET)
def _tied_by_trackers(asked: Subquery) -> Select[Any]:
    tie = t.ticket_ties.c
    return select(asked.c.kind, asked.c.repo, asked.c.id, tie.key).join(
        asked,
        (asked.c.kind == tie.kind) & (asked.c.repo == tie.repo) & (asked.c.id == tie.value),
    )


@asking({"key": String()})
def _tickets(wanted: Subquery) -> Select[Any]:
    c = t.tickets.c
    return select(c.key).join(wanted, wanted.c.key == c.key)
