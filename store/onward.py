"""When what was merged into another branch came to the default one, through other changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from domain.default_branches import DefaultBranches
from domain.onward import landings
from store.default_branches import defaults_of
from store.landing import BranchMerged, arrived_otherwise, merges_from
from store.membership import ChangeId, CommitId


def carried_home(
    connection: Connection, rows: Mapping[ChangeId, Row[*tuple[Any, ...]]]
) -> dict[ChangeId, datetime]:
    """When these changes, merged into other branches, reached the default one; of those that did.

    Either with the first merge of their branch, maybe through more, or with their merge commit.
    """
    merged = {change: row for change, row in rows.items() if row.merged_at is not None}
    if not merged:
        return {}
    defaults = defaults_of(connection, {repo for repo, _ in merged})
    onward = merges_from(connection, {(row.repo, row.base_ref) for row in merged.values()})
    commits: dict[ChangeId, CommitId] = {
        change: (row.repo, row.merge_sha) for change, row in merged.items() if row.merge_sha
    }
    arrived = arrived_otherwise(connection, set(commits.values()))
    found: dict[ChangeId, datetime] = {}
    for change, row in merged.items():
        moments = _landings(row, onward, defaults[row.repo])
        at = arrived.get(commits[change]) if change in commits else None
        if at is not None and at >= row.merged_at:
            moments.append(at)
        if moments:
            found[change] = min(moments)
    return found


def _landings(
    row: Row[*tuple[Any, ...]],
    onward: Mapping[tuple[str, str], list[BranchMerged]],
    defaults: DefaultBranches,
) -> list[datetime]:
    def of(branch: str) -> list[BranchMerged]:
        return onward.get((row.repo, branch), [])

    return [at for at, _ in landings(row.base_ref, row.merged_at, of, defaults.reached)]
