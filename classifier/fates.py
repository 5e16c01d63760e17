"""What has become of many changes at a moment, as far as labels turn on it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from classifier.closing import closed_reason
from classifier.outcomes import (
    Landing,
    author_activity,
    landing,
    last_active,
    reverted_at,
    review_rounds,
    work_moments,
)
from classifier.rework import rework
from classifier.thresholds import Thresholds
from domain.closing import ClosedReason
from domain.labels import Revert, Target, TargetKind
from domain.outcomes import Rework
from store.closing import closings
from store.engine import Connection
from store.history import ChangeHistory, histories
from store.landing import arrived_otherwise, merges_from, on_default_branch
from store.membership import ChangeId, CommitId
from store.reverts import reverts_of
from store.touches import files_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverted:
    """How a target stands after its reverts: ``at`` is None where it stands again.

    ``first_at`` is when the first of them landed, None where none has by then.
    """

    at: datetime | None
    weak: bool = False
    ever: bool = False
    first_at: datetime | None = None


NEVER_REVERTED = Reverted(at=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """A change with what has become of it."""

    history: ChangeHistory
    landing: Landing | None
    reverted: Reverted
    active_at: datetime
    review_rounds: int
    closed_reason: ClosedReason | None
    rework: Rework | None


def fates(
    connection: Connection, ids: Collection[ChangeId], thresholds: Thresholds, as_of: datetime
) -> dict[ChangeId, Fate]:
    """What has become of these changes, as far as they are known."""
    if not ids:
        return {}
    known = histories(connection, ids)
    landings = landings_of(connection, known, thresholds, as_of)
    undone = reverts_at(connection, [_target(change) for change in known], thresholds, as_of)
    closed = {
        change: history
        for change, history in known.items()
        if change not in landings and _closed(history, as_of)
    }
    around = closings(connection, closed, timedelta(days=thresholds.superseded_days))
    files = files_of(
        connection,
        {change: landed.at for change, landed in landings.items()},
        before=timedelta(days=thresholds.rework_base_days),
        after=timedelta(days=thresholds.rework_days),
    )
    return {
        change: Fate(
            history=history,
            landing=landings.get(change),
            reverted=undone.get(_target(change), NEVER_REVERTED),
            active_at=last_active(history.created_at, author_activity(history), as_of),
            review_rounds=review_rounds(history.feedback, work_moments(history), as_of),
            closed_reason=closed_reason(history, around[change], as_of)
            if change in around
            else None,
            rework=rework(landings[change].at, files[change], thresholds, as_of)
            if change in files
            else None,
        )
        for change, history in known.items()
    }


def landings_of(
    connection: Connection,
    known: Mapping[ChangeId, ChangeHistory],
    thresholds: Thresholds,
    as_of: datetime,
) -> dict[ChangeId, Landing]:
    """When and how these changes landed, of those that did."""
    elsewhere = {
        (history.repo, history.base_ref)
        for history in known.values()
        if history.merged_at is not None
        and not history.defaults.has(history.base_ref, history.merged_at)
    }
    onward = merges_from(connection, elsewhere)
    tips: dict[ChangeId, CommitId] = {}
    heads: dict[ChangeId, CommitId] = {}
    for change, history in known.items():
        if _merged(history, as_of):
            if history.merge_sha and (history.repo, history.base_ref) in elsewhere:
                tips[change] = (history.repo, history.merge_sha)
        elif _closed(history, as_of):
            tips[change] = (history.repo, history.head_sha)
        elif not history.defaults.has(history.head_ref, history.created_at):
            heads[change] = (history.repo, history.head_sha)
    arrived = arrived_otherwise(connection, set(tips.values())) if tips else {}
    # A copy of an open change's last commit may have been picked from it: the rest is still open.
    came = on_default_branch(connection, set(heads.values()))
    found: dict[ChangeId, Landing] = {}
    for change, history in known.items():
        tip = tips.get(change)
        head = heads.get(change)
        arrived_at = came.get(head) if head else arrived.get(tip) if tip else None
        landed = landing(history, onward, arrived_at, thresholds.release_branches, as_of)
        if landed is not None:
            found[change] = landed
    return found


def reverts_at(
    connection: Connection, targets: Collection[Target], thresholds: Thresholds, as_of: datetime
) -> dict[Target, Reverted]:
    """How these targets stand after their reverts, of those that have any."""
    if not targets:
        return {}
    within = timedelta(days=thresholds.revert_title_days)
    known = reverts_of(connection, targets, within)
    told: dict[Target, list[Revert]] = {}
    for revert in known:
        told.setdefault(revert.reverted, []).append(revert)
    return {
        target: Reverted(
            at=at,
            weak=all(each.weak for each in told[target]),
            ever=True,
            first_at=_first(told[target], as_of),
        )
        for target, at in reverted_at(known, as_of).items()
    }


def _first(reverts: Collection[Revert], as_of: datetime) -> datetime | None:
    landed = (each.landed_at for each in reverts if each.landed_at is not None)
    return min((at for at in landed if at <= as_of), default=None)


def _target(change: ChangeId) -> Target:
    return Target(kind=TargetKind.CHANGE, repo=change[0], id=str(change[1]))


def _merged(history: ChangeHistory, as_of: datetime) -> bool:
    return history.merged_at is not None and history.merged_at <= as_of


def _closed(history: ChangeHistory, as_of: datetime) -> bool:
    ended = history.closed_at is not None and history.closed_at <= as_of
    return ended and not _merged(history, as_of)
