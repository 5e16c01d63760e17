"""What became of changes, in full: what labels turn on (``classifier.fates``) and all the rest."""

from collections.abc import Collection, Mapping
from datetime import datetime

from classifier.deployments import deployment
from classifier.fates import Fate, fates
from classifier.kinds import kind_told
from classifier.outcomes import abandoned, reviewed_at, size_of, takeover
from classifier.thresholds import Thresholds
from classifier.tied_tasks import tied_tasks
from domain.labels import Maturity
from domain.outcomes import ChangeOutcome, Deployment, KindOfWork, TiedTask
from store.deployments import deploying
from store.engine import Connection
from store.history import reviews_told
from store.learned import learned_kinds
from store.membership import ChangeId, CommitId
from store.tied_tasks import ties_of


def change_outcomes(
    connection: Connection, ids: Collection[ChangeId], thresholds: Thresholds, as_of: datetime
) -> dict[ChangeId, ChangeOutcome]:
    """What has become of these changes by then, of those that were open by then."""
    return outcomes_of(connection, fates(connection, ids, thresholds, as_of), thresholds, as_of)


def outcomes_of(
    connection: Connection,
    all_known: Mapping[ChangeId, Fate],
    thresholds: Thresholds,
    as_of: datetime,
) -> dict[ChangeId, ChangeOutcome]:
    """The same for whoever knows already what labels turn on."""
    known = {change: fate for change, fate in all_known.items() if fate.history.created_at <= as_of}
    if not known:
        return {}
    ties = ties_of(connection, {change: fate.history for change, fate in known.items()})
    deployments = _deployments(connection, known, as_of)
    learned = learned_kinds(connection, known)
    reviewed = reviews_told(connection, {repo for repo, _ in known})
    return {
        change: _outcome(
            fate,
            deployments.get(change),
            tied_tasks(change, ties, _landed_at(fate), thresholds, as_of),
            kind_told(change, fate.history, ties, learned.get(change)),
            change[0] in reviewed,
            thresholds,
            as_of,
        )
        for change, fate in known.items()
    }


def _deployments(
    connection: Connection, known: dict[ChangeId, Fate], as_of: datetime
) -> dict[ChangeId, Deployment]:
    merges: dict[CommitId, datetime] = {}
    for (repo, _), fate in known.items():
        if fate.landing is not None:
            sha = fate.history.merge_sha or fate.history.head_sha
            merges[repo, sha] = min(fate.landing.at, merges.get((repo, sha), fate.landing.at))
    if not merges:
        return {}
    production = deploying(connection, merges)
    return {
        (repo, number): deployment(
            fate.history.merge_sha or fate.history.head_sha,
            fate.landing.at,
            production.get(repo),
            as_of,
        )
        for (repo, number), fate in known.items()
        if fate.landing is not None
    }


def _outcome(
    fate: Fate,
    deployed: Deployment | None,
    tasks: tuple[TiedTask, ...],
    kind: KindOfWork | None,
    reviews_are_told: bool,
    thresholds: Thresholds,
    as_of: datetime,
) -> ChangeOutcome:
    change = fate.history
    merged_at, closed_at = _by(change.merged_at, as_of), _by(change.closed_at, as_of)
    first_review_at = reviewed_at(change.feedback, as_of)
    commits = [each.authored_at for each in change.commits if not each.joins]
    landed_at = _landed_at(fate)
    return ChangeOutcome(
        repo=change.repo,
        number=change.number,
        title=change.title,
        opened_at=change.created_at,
        merged_at=merged_at,
        closed_at=closed_at,
        landed_at=landed_at,
        route=fate.landing.route if fate.landing else None,
        deployment=deployed,
        reverted_at=fate.reverted.at,
        revert_is_weak=fate.reverted.at is not None and fate.reverted.weak,
        relanded=fate.reverted.ever and fate.reverted.at is None,
        rework=fate.rework,
        review_rounds=fate.review_rounds,
        first_review_at=first_review_at,
        unreviewed=_unreviewed(landed_at, first_review_at) if reviews_are_told else None,
        lines=change.lines,
        size=size_of(change.lines),
        first_commit_at=min(commits, default=None),
        abandoned=_abandoned(fate, thresholds, as_of),
        closed_reason=fate.closed_reason,
        tasks=tasks,
        takeover=takeover(change, as_of),
        kind=kind,
    )


def _landed_at(fate: Fate) -> datetime | None:
    return fate.landing.at if fate.landing else None


def _by(at: datetime | None, as_of: datetime) -> datetime | None:
    return at if at is not None and at <= as_of else None


def _unreviewed(landed_at: datetime | None, first_review_at: datetime | None) -> bool | None:
    if landed_at is None:
        return None
    return first_review_at is None or first_review_at > landed_at


def _abandoned(fate: Fate, thresholds: Thresholds, as_of: datetime) -> Maturity | None:
    change = fate.history
    if fate.landing or _by(change.merged_at, as_of) or _by(change.closed_at, as_of):
        return None
    days = thresholds.abandoned_provisional_days, thresholds.abandoned_final_days
    return abandoned(fate.active_at, *days, as_of)
