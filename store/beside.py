"""Reverts beside the default branch, of work that was merged there too and had come no further.

A fix for a release is merged into that release's branch and taken back there; the default branch
sees neither. What is on the default branch by then stands there, whatever is reverted elsewhere.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, String, Subquery, select

from domain.labels import Target
from store import tables as t
from store.default_branches import defaults_of
from store.given import asking
from store.landing import change_rows, on_default_branch
from store.membership import ChangeId, CommitId
from store.onward import carried_home
from store.revert_names import changes_among, commits_among

Within = Mapping[Target, frozenset[Target]]
"""The changes that brought each of these."""


@dataclass(slots=True)
class Beside:
    """The branches, other than default ones, that some changes were merged into, by repository."""

    _branches: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def undone(
        self, connection: Connection, pairs: Collection[tuple[Target, Target]], within: Within
    ) -> dict[tuple[Target, Target], datetime]:
        """When the first of each pair undid the second beside the default branch.

        That is when it came to the branch where the second one is, if that was not on the default
        one by then. Commits are looked for where changes were that this was asked about before.
        """
        targets = {target for _, target in pairs}
        places = self._places(connection, targets)
        if not places:
            return {}
        home = _home(connection, places)
        came = _came(connection, {by for by, target in pairs if target in places}, within)
        found: dict[tuple[Target, Target], datetime] = {}
        for by, target in pairs:
            moments = [at for branch in places.get(target, ()) if (at := came.get((by, branch)))]
            if moments and not (target in home and home[target] <= min(moments)):
                found[by, target] = min(moments)
        return found

    def _places(
        self, connection: Connection, targets: Collection[Target]
    ) -> dict[Target, set[str]]:
        changes, commits = changes_among(targets), commits_among(targets)
        rows = change_rows(connection, changes)
        merged = {change: row for change, row in rows.items() if row.merged_at is not None}
        defaults = defaults_of(connection, {repo for repo, _ in merged})
        found: dict[Target, set[str]] = {}
        for (repo, number), row in merged.items():
            if defaults[repo].reached(row.base_ref, row.merged_at) is None:
                found[changes[repo, number]] = {row.base_ref}
                self._branches[repo].add(row.base_ref)
        asked = {commit: of for commit, of in commits.items() if self._branches.get(commit[0])}
        for commit, branch, _ in _pushed(connection, asked):
            if branch in self._branches[commit[0]]:
                found.setdefault(commits[commit], set()).add(branch)
        return found


def _home(connection: Connection, targets: Iterable[Target]) -> dict[Target, datetime]:
    """When these came to the default branch after all."""
    changes, commits = changes_among(targets), commits_among(targets)
    home = carried_home(connection, change_rows(connection, changes))
    found = {changes[change]: at for change, at in home.items()}
    pushed = on_default_branch(connection, commits)
    return found | {commits[commit]: at for commit, at in pushed.items()}


def _came(
    connection: Connection, reverting: Collection[Target], within: Within
) -> dict[tuple[Target, str], datetime]:
    """When these came to which branches: by a push, or with a change that was merged there."""
    commits = commits_among(reverting)
    found: dict[tuple[Target, str], datetime] = {}

    def note(target: Target, branch: str, at: datetime) -> None:
        found[target, branch] = min(at, found.get((target, branch), at))

    for commit, branch, at in _pushed(connection, commits):
        note(commits[commit], branch, at)
    brought_by: dict[Target, set[Target]] = defaultdict(set)
    for target in reverting:
        for each in within.get(target, frozenset({target})):
            brought_by[each].add(target)
    changes: Mapping[ChangeId, Target] = changes_among(brought_by)
    for change, row in change_rows(connection, changes).items():
        if row.merged_at is not None:
            for target in brought_by[changes[change]]:
                note(target, row.base_ref, row.merged_at)
    return found


def _pushed(
    connection: Connection, commits: Collection[CommitId]
) -> list[tuple[CommitId, str, datetime]]:
    return [
        ((repo, sha), branch, at) for repo, sha, branch, at in _pushes(connection, sorted(commits))
    ]


@asking({"repo": String(), "sha": String()})
def _pushes(wanted: Subquery) -> Select[Any]:
    p = t.pushes.c
    same = (wanted.c.sha == p.sha) & (wanted.c.repo == p.repo)
    return select(p.repo, p.sha, p.branch, p.pushed_at).join(wanted, same)
