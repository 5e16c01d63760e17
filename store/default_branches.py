"""The default branches of repositories: all that were ever told, and what hangs on them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Select, String, Subquery, select

from domain.default_branches import DefaultBranches, ToldDefault, default_branches
from store import tables as t
from store.given import asking
from store.upsert import earliest, latest, merge_into

_BRANCH = {"repo": String(), "branch": String()}


def defaults_of(connection: Connection, repos: Iterable[str]) -> dict[str, DefaultBranches]:
    """The default branches of each of these repositories, told or taken for one."""
    return {repo: default_branches(told) for repo, told in _told_of(connection, repos).items()}


def _told_of(connection: Connection, repos: Iterable[str]) -> dict[str, list[ToldDefault]]:
    told: dict[str, list[ToldDefault]] = {repo: [] for repo in sorted(set(repos))}
    for repo, *one in _told(connection, [(repo,) for repo in told]):
        told[repo].append(ToldDefault(*one))
    return told


@asking({"repo": String()})
def _told(wanted: Subquery) -> Select[Any]:
    d = t.default_branches.c
    query = select(d.repo, d.branch, d.first_at, d.last_at)
    return query.join(wanted, wanted.c.repo == d.repo)


def keep(
    connection: Connection, told: Mapping[str, Collection[ToldDefault]]
) -> set[tuple[str, str]]:
    """Keep what was told of repositories; the branches for which something else holds since."""
    known = _told_of(connection, told)
    rows: list[dict[str, Any]] = []
    changed: set[tuple[str, str]] = set()
    for repo, new in sorted(told.items()):
        united = _united([*known[repo], *new])
        rows += [{"repo": repo, **_row(one)} for one in united if one not in known[repo]]
        before, after = default_branches(known[repo]).since, default_branches(united).since
        changed |= {
            (repo, branch)
            for branch in before.keys() | after.keys()
            if before.get(branch) != after.get(branch)
        }
    merges = {"first_at": earliest, "last_at": latest}
    merge_into(connection, t.default_branches, rows, merges)
    return changed


def _united(told: Iterable[ToldDefault]) -> list[ToldDefault]:
    """Each branch once, in the order of their names."""
    by_branch: dict[str, list[ToldDefault]] = defaultdict(list)
    for one in told:
        by_branch[one.branch].append(one)
    return [
        ToldDefault(branch, min(x.first_at for x in of), max(x.last_at for x in of))
        for branch, of in sorted(by_branch.items())
    ]


def _row(told: ToldDefault) -> dict[str, Any]:
    return {"branch": told.branch, "first_at": told.first_at, "last_at": told.last_at}


def changes_at(
    connection: Connection, branches: Collection[tuple[str, str]]
) -> set[tuple[str, int]]:
    """The changes (repository, number) that come from these branches or go there."""
    asked = sorted(branches)
    rows = [*changes_from(connection, asked), *_into(connection, asked)]
    return {(repo, number) for repo, number in rows}


@asking(_BRANCH)
def changes_from(wanted: Subquery) -> Select[Any]:
    """The changes (repository, number) that come from these branches of their own repository."""
    c = t.changes.c
    same = (wanted.c.branch == c.head_ref) & (wanted.c.repo == c.repo)
    return select(c.repo, c.number).join(wanted, same)


@asking(_BRANCH)
def _into(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    same = (wanted.c.branch == c.base_ref) & (wanted.c.repo == c.repo)
    return select(c.repo, c.number).join(wanted, same)


def commits_at(
    connection: Connection, branches: Collection[tuple[str, str]]
) -> set[tuple[str, str]]:
    """The commits (repository, SHA) that were pushed to these branches."""
    return {(repo, sha) for repo, sha in _pushed(connection, sorted(branches))}


@asking(_BRANCH)
def _pushed(wanted: Subquery) -> Select[Any]:
    p = t.pushes.c
    same = (wanted.c.repo == p.repo) & (wanted.c.branch == p.branch)
    return select(p.repo, p.sha).join(wanted, same)
