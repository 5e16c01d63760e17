"""Repositories whose changes often go back to their authors: reviews there are a risk."""

from collections import defaultdict
from collections.abc import Iterable

from classifier.thresholds import RoutingThresholds
from domain.labels import JudgedSession


def risky_repositories(
    sessions: Iterable[JudgedSession], thresholds: RoutingThresholds
) -> tuple[str, ...]:
    """Those of which so large a share of changes took so many review rounds, by name.

    Nothing is said of a repository with few changes whose rounds are told.
    """
    rounds: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for session in sessions:
        for change in session.changes:
            if change.review_rounds is not None:
                rounds[change.repo][change.number] = change.review_rounds
    return tuple(
        repo
        for repo, told in sorted(rounds.items())
        if len(told) >= max(thresholds.rounds_changes, 1)
        and sum(each >= thresholds.escalate_rounds for each in told.values())
        >= thresholds.escalate_rounds_share * len(told)
    )
