"""What has become of many changes at a moment, as far as labels turn on it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from classifier.closing import closed_reason
from classifier.outcomes import (
    Carried,
    Landing,
    author_activity,
    carried_on,
    landing,
    last_active,
    review_rounds,
    work_moments,
)
from classifier.rework import rework
from classifier.thresholds import Thresholds
from classifier.undone import own_chains, undone_at
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
    carried = _carried(connection, known, thresholds, as_of)
    landings = landings_of(connection, known, carried, thresholds, as_of)
    reverts = _reverts(connection, known, carried, thresholds)
    undone = _standing(reverts, as_of)
    chains = own_chains(reverts, as_of)
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
        without={
            change: {
                int(each.id)
                for target in (_target(change), *_carriers(change, carried))
                for each in chains.get(target, ())
                if each.repo == change[0]
            }
            for change in landings
        },
    )
    return {
        change: Fate(
            history=history,
            landing=landings.get(change),
            reverted=_with_carriers(change, carried.get(change, ()), undone),
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
    carried: Mapping[ChangeId, Sequence[Carried]],
    thresholds: Thresholds,
    as_of: datetime,
) -> dict[ChangeId, Landing]:
    """When and how these changes landed, of those that did."""
    tips: dict[ChangeId, CommitId] = {}
    heads: dict[ChangeId, CommitId] = {}
    for change, history in known.items():
        if _merged(history, as_of):
            if history.merge_sha and change in carried:
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
        landed = landing(
            history, carried.get(change, ()), arrived_at, thresholds.release_branches, as_of
        )
        if landed is not None:
            found[change] = landed
    return found


def _carried(
    connection: Connection,
    known: Mapping[ChangeId, ChangeHistory],
    thresholds: Thresholds,
    as_of: datetime,
) -> dict[ChangeId, list[Carried]]:
    """How those that were merged elsewhere came to where work lands, through other changes."""
    elsewhere = {
        change: history
        for change, history in known.items()
        if history.merged_at is not None
        and not history.defaults.has(history.base_ref, history.merged_at)
    }
    branches = {(history.repo, history.base_ref) for history in elsewhere.values()}
    onward = merges_from(connection, branches)
    return {
        change: carried_on(history, onward, thresholds.release_branches, as_of)
        for change, history in elsewhere.items()
    }


def _carriers(change: ChangeId, carried: Mapping[ChangeId, Sequence[Carried]]) -> list[Target]:
    """The changes by which this one landed, where it did through others."""
    first = next(iter(carried.get(change, ())), None)
    return [_target((change[0], number)) for number in first.through] if first else []


def _with_carriers(
    change: ChangeId, carried: Sequence[Carried], undone: Mapping[Target, Reverted]
) -> Reverted:
    """How a change stands: what landed through others falls with any of them.

    Until the branch that it was merged into lands again.
    """
    own = undone.get(_target(change), NEVER_REVERTED)
    fell = [undone[each] for each in _carriers(change, {change: carried}) if each in undone]
    if not fell:
        return own
    firsts = [each.first_at for each in (own, *fell) if each.first_at is not None]
    own = replace(own, ever=True, first_at=min(firsts))
    lost = [each for each in fell if each.at is not None]
    if own.at is not None:
        lost.append(own)
    at = min((each.at for each in lost if each.at is not None), default=None)
    again = at is not None and own.at is None and any(each.at > at for each in carried)
    if at is None or again:
        return own
    return replace(own, at=at, weak=all(each.weak for each in lost))


def reverts_at(
    connection: Connection, targets: Collection[Target], thresholds: Thresholds, as_of: datetime
) -> dict[Target, Reverted]:
    """How these targets stand after their reverts, of those that have any."""
    if not targets:
        return {}
    within = timedelta(days=thresholds.revert_title_days)
    return _standing(reverts_of(connection, targets, within), as_of)


def _reverts(
    connection: Connection,
    known: Collection[ChangeId],
    carried: Mapping[ChangeId, Sequence[Carried]],
    thresholds: Thresholds,
) -> list[Revert]:
    """All reverts of these changes and of those by which they landed."""
    targets = {_target(change) for change in known}
    targets |= {each for change in known for each in _carriers(change, carried)}
    return reverts_of(connection, targets, timedelta(days=thresholds.revert_title_days))


def _standing(reverts: Sequence[Revert], as_of: datetime) -> dict[Target, Reverted]:
    told: dict[Target, list[Revert]] = {}
    for revert in reverts:
        told.setdefault(revert.reverted, []).append(revert)
    return {
        target: Reverted(
            at=undone.at,
            weak=all(each.weak for each in told[target]),
            ever=True,
            first_at=undone.first_at,
        )
        for target, undone in undone_at(reverts, as_of).items()
    }


def _target(change: ChangeId) -> Target:
    return Target(kind=TargetKind.CHANGE, repo=change[0], id=str(change[1]))


def _merged(history: ChangeHistory, as_of: datetime) -> bool:
    return history.merged_at is not None and history.merged_at <= as_of


def _closed(history: ChangeHistory, as_of: datetime) -> bool:
    ended = history.closed_at is not None and history.closed_at <= as_of
    return ended and not _merged(history, as_of)
