"""What became of the work at a given moment: landed, reverted, reviewed in how many rounds.

Every function takes ``as_of`` and looks at nothing later, so that it gives last month's answer
again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from domain.labels import Feedback, Revert, Target
from domain.work import ReviewState

_WANTS_WORK = frozenset({ReviewState.CHANGES_REQUESTED, ReviewState.COMMENTED})
# Some webhooks (Bitbucket's) do not name the default branch.
_USUAL_DEFAULTS = frozenset({"main", "master"})


def landed(
    base_ref: str, default_branch: str | None, merged_at: datetime | None, as_of: datetime
) -> bool:
    """Tell whether the change was merged into the default branch by then.

    A merge into any other branch is not landing. Where the default branch was not told, ``main``
    and ``master`` are taken for it.
    """
    if merged_at is None or merged_at > as_of:
        return False
    return base_ref == default_branch if default_branch else base_ref in _USUAL_DEFAULTS


def last_active(opened_at: datetime, activity: Iterable[datetime], as_of: datetime) -> datetime:
    """Tell the last activity of the author's side by then: at least the opening itself."""
    return max([opened_at, *(at for at in activity if at <= as_of)])


def reverted_at(reverts: Iterable[Revert], as_of: datetime) -> dict[Target, datetime | None]:
    """Tell when each target was reverted, or None where it stands again (its revert was reverted).

    A revert counts once it has landed, unless it is undone itself; so an even chain re-lands. Of
    several reverts in force the earliest gives the time. Reverts that undo each other in a circle
    contradict themselves: nothing follows from them, and their targets stand.
    """
    undone_by = _landed_edges(reverts, as_of)
    in_force = _in_force(undone_by)
    return {
        target: min((at for by, at in edges.items() if by in in_force), default=None)
        for target, edges in undone_by.items()
    }


def _in_force(undone_by: Mapping[Target, Mapping[Target, datetime]]) -> set[Target]:
    """Find what nothing in force undoes, from the ends of the chains backwards."""
    in_force: set[Target] = set()
    undone: set[Target] = set()
    undecided = {*undone_by, *(by for edges in undone_by.values() for by in edges)}
    found = True
    while found:
        found = False
        for target in list(undecided):
            by = undone_by.get(target, {}).keys()
            if by & in_force:
                undone.add(target)
            elif by <= undone:
                in_force.add(target)
            else:
                continue
            undecided.remove(target)
            found = True
    return in_force


def _landed_edges(
    reverts: Iterable[Revert], as_of: datetime
) -> Mapping[Target, dict[Target, datetime]]:
    """Map each target to what undid it and when that landed; the earliest of several times."""
    edges: dict[Target, dict[Target, datetime]] = defaultdict(dict)
    for revert in reverts:
        if revert.landed_at is not None and revert.landed_at <= as_of:
            known = edges[revert.reverted].get(revert.reverting, revert.landed_at)
            edges[revert.reverted][revert.reverting] = min(known, revert.landed_at)
    return edges


def review_rounds(feedback: Iterable[Feedback], pushes: Iterable[datetime], as_of: datetime) -> int:
    """Count how often the author's side had to go over the change again.

    One round is human feedback by somebody else that wants work (a comment or a request for
    changes) and the push that follows. Several pieces of feedback before that push are one round,
    and so are several pushes without feedback between them.
    """
    asked = (
        piece.submitted_at
        for piece in feedback
        if piece.state in _WANTS_WORK and piece.by_human and not piece.by_author
    )
    # A push at the very moment of the feedback does not answer it: it sorts before.
    moments = sorted([*((at, True) for at in asked), *((at, False) for at in pushes)])
    rounds = 0
    waiting = False
    for at, asks in moments:
        if at > as_of:
            break
        rounds += waiting and not asks
        waiting = asks
    return rounds
