"""Production deployments, and which changes each of them contains, as far as that can be known.

A deployment contains a merge if it is of the same commit, or of one that came to the default branch
later (without a forced push in between, which may have taken the merge away), or of one that has it
among its ancestors. Where none of this is told, nobody knows.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, String, Subquery, func, select

from domain.work import DeploymentState
from store import tables as t
from store.default_branches import defaults_of
from store.given import asking
from store.membership import CommitId

_COMMIT = {"repo": String(), "sha": String()}
_REPO = {"repo": String()}
# From a deployed commit back to a merge; where more lies between, pushes have to tell the order.
_MOST_STEPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a commit stands on the default branch: pushed or merged there then, as a tip or not."""

    pushed_at: datetime | None = None
    tip: bool = False
    merged_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionDeployment:
    """A successful production deployment of a commit."""

    sha: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploying:
    """The deployments of one repository in order, and what is known of the commits deployed.

    ``places`` are those of deployed commits and of the merges asked for; ``ancestors`` of deployed
    commits go back a while, ``forced_at`` is when the default branch was overwritten.
    """

    deployments: tuple[ProductionDeployment, ...]
    places: Mapping[str, Place]
    ancestors: Mapping[str, frozenset[str]]
    forced_at: tuple[datetime, ...]


def deploying(connection: Connection, merges: Mapping[CommitId, datetime]) -> dict[str, Deploying]:
    """What is known about production of the repositories of these merges, since the first of each.

    Without those of which no production deployment was ever told.
    """
    since: dict[str, datetime] = {}
    for (repo, _), at in merges.items():
        since[repo] = min(at, since.get(repo, at))
    deployed = _deployed(connection, since)
    later = {
        (repo, each.sha) for repo, of in deployed.items() for each in of if each.at >= since[repo]
    }
    places = _places(connection, later | {commit for commit in merges if commit[0] in deployed})
    ancestors = _ancestors(connection, {commit for commit in later if commit not in places})
    bases = {(repo, sha) for (repo, _), of in ancestors.items() for sha in of}
    places |= _places(connection, bases)
    forced = _forced(connection, deployed)
    return {
        repo: Deploying(
            deployments=tuple(of),
            places={sha: place for (in_, sha), place in places.items() if in_ == repo},
            ancestors={sha: before for (in_, sha), before in ancestors.items() if in_ == repo},
            forced_at=tuple(forced.get(repo, ())),
        )
        for repo, of in deployed.items()
    }


def _deployed(
    connection: Connection, repos: Iterable[str]
) -> dict[str, list[ProductionDeployment]]:
    found: dict[str, list[ProductionDeployment]] = defaultdict(list)
    for repo, sha, at in _in_production(connection, [(repo,) for repo in repos]):
        found[repo].append(ProductionDeployment(sha=sha, at=at))
    return found


@asking(_REPO)
def _in_production(wanted: Subquery) -> Select[Any]:
    d = t.deployments.c
    return (
        select(d.repo, d.sha, func.min(d.at))
        .join(wanted, wanted.c.repo == d.repo)
        .where(d.production.is_(True), d.state == DeploymentState.SUCCESS.value)
        .group_by(d.repo, d.sha)
        .order_by(func.min(d.at), d.sha)
    )


def _places(connection: Connection, commits: Collection[CommitId]) -> dict[CommitId, Place]:
    asked = sorted(commits)
    defaults = defaults_of(connection, {repo for repo, _ in commits})
    merges: dict[CommitId, datetime] = {}
    for repo, sha, branch, at in _merged(connection, asked):
        if at is not None and defaults[repo].has(branch, at):
            merges[repo, sha] = min(at, merges.get((repo, sha), at))
    pushes: dict[CommitId, tuple[datetime, bool]] = {}
    for repo, sha, branch, at, tip in _pushed(connection, asked):
        if defaults[repo].has(branch, at):
            # A branch that took the default one's place has all of it pushed once more.
            pushes[repo, sha] = min((at, tip), pushes.get((repo, sha), (at, tip)))
    found: dict[CommitId, Place] = {}
    for commit in merges.keys() | pushes.keys():
        pushed_at, tip = pushes.get(commit, (None, False))
        found[commit] = Place(pushed_at=pushed_at, tip=tip, merged_at=merges.get(commit))
    return found


@asking(_COMMIT)
def _merged(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    same = (wanted.c.sha == c.merge_sha) & (wanted.c.repo == c.repo)
    return select(c.repo, c.merge_sha, c.base_ref, c.merged_at).join(wanted, same)


@asking(_COMMIT)
def _pushed(wanted: Subquery) -> Select[Any]:
    p = t.pushes.c
    same = (wanted.c.sha == p.sha) & (wanted.c.repo == p.repo)
    return select(p.repo, p.sha, p.branch, p.pushed_at, p.tip).join(wanted, same)


def _forced(connection: Connection, repos: Iterable[str]) -> dict[str, list[datetime]]:
    asked = [(repo,) for repo in repos]
    defaults = defaults_of(connection, (repo for (repo,) in asked))
    found: dict[str, list[datetime]] = defaultdict(list)
    for repo, branch, at in _overwritten(connection, asked):
        if defaults[repo].has(branch, at):
            found[repo].append(at)
    return found


@asking(_REPO)
def _overwritten(wanted: Subquery) -> Select[Any]:
    f = t.forced_pushes.c
    query = select(f.repo, f.branch, f.pushed_at).join(wanted, wanted.c.repo == f.repo)
    return query.order_by(f.pushed_at)


def _ancestors(
    connection: Connection, commits: Collection[CommitId]
) -> dict[CommitId, frozenset[str]]:
    """Commits before each of these, as far as parents are told, some steps back."""
    found: dict[CommitId, set[str]] = {commit: set() for commit in commits}
    frontier: dict[CommitId, set[CommitId]] = {commit: {commit} for commit in commits}
    for _ in range(_MOST_STEPS):
        if not frontier:
            break
        following: dict[CommitId, set[CommitId]] = defaultdict(set)
        for repo, sha, parent in _parents(connection, sorted(frontier)):
            for origin in frontier[repo, sha]:
                if parent not in found[origin]:
                    found[origin].add(parent)
                    following[repo, parent].add(origin)
        frontier = following
    return {commit: frozenset(of) for commit, of in found.items()}


@asking(_COMMIT)
def _parents(wanted: Subquery) -> Select[Any]:
    p = t.commit_parents.c
    same = (wanted.c.repo == p.repo) & (wanted.c.sha == p.sha)
    return select(p.repo, p.sha, p.parent).join(wanted, same)
