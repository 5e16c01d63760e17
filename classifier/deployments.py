"""Whether a landed change runs in production: by what its deployments contain, not by time."""

from datetime import datetime

from domain.outcomes import Deployed, Deployment
from store.deployments import Deploying, Place


def deployment(
    merge_sha: str | None, landed_at: datetime, known: Deploying | None, as_of: datetime
) -> Deployment:
    """Tell when the change was first deployed by then.

    ``known`` is None where no production deployment of the repository was told.
    """
    deployments = [each for each in known.deployments if each.at <= as_of] if known else []
    if known is None or not deployments:
        return Deployment(state=Deployed.NOT_TOLD)
    doubtful = False
    for each in deployments:
        if each.at < landed_at:
            continue
        contained = contains(known, each.sha, merge_sha) if merge_sha else None
        if contained:
            # One before it may contain it too, and nobody told: then the time is not known.
            return (
                Deployment(state=Deployed.UNKNOWN)
                if doubtful
                else Deployment(state=Deployed.YES, at=each.at)
            )
        doubtful = doubtful or contained is None
    return Deployment(state=Deployed.UNKNOWN if doubtful else Deployed.NOT_YET)


def contains(known: Deploying, deployed: str, merge: str) -> bool | None:
    """Tell whether a deployed commit contains a merge; None where that is not known."""
    if deployed == merge or merge in known.ancestors.get(deployed, ()):
        return True
    one, other = known.places.get(deployed), known.places.get(merge)
    if other is None:
        return None
    if one is not None:
        return _later(one, other, known)
    # A deployed commit beside the default branch holds what the commits that it comes from hold.
    bases = [
        _later(known.places[sha], other, known)
        for sha in known.ancestors.get(deployed, ())
        if sha in known.places
    ]
    return True if any(bases) else None


def _later(one: Place, other: Place, known: Deploying) -> bool | None:
    """Whether the first came to the default branch with or after the other, which still held."""
    if one.pushed_at is not None and other.pushed_at is not None:
        return _in_order(other.pushed_at, one.pushed_at, one.tip, known)
    # The clocks of pushes and merges are not compared: a second between them decides.
    if one.merged_at is not None and other.merged_at is not None:
        return _in_order(other.merged_at, one.merged_at, False, known)
    return None


def _in_order(other: datetime, one: datetime, tip: bool, known: Deploying) -> bool | None:
    if one < other:
        return False
    if one == other:
        # Of one push the tip holds all; of two merges in one second nobody knows the order.
        return True if tip else None
    return None if any(other < at <= one for at in known.forced_at) else True
