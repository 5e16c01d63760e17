"""How likely a session made a commit, from what both have in common.

A logistic model with ten weights, each a number of its own in ``docs/join.md``: what it says of a
link can be worked out again with a pencil from the link's evidence. The weights were fitted on 315
commits of one public repository whose sessions are known, with a penalty of a half on the square
of each weight, and chosen by how well a fit on the past told what came after it, not by how well
it told itself.
"""

from dataclasses import dataclass
from datetime import timedelta
from math import exp, log1p

# Nine of ten known pairs lie within 8 hours of their session; later than a week they are lost
# among those that are not.
AFTER = timedelta(days=7)
BEFORE = timedelta(hours=1)
# A tool reports an edit when the call is over, which may be after the commit that the same call
# made; and clocks differ a little.
LATE_REPORT = timedelta(minutes=3)

INTERCEPT = -2.46
COVER = 1.29
FRESH = 2.64
LATEST = 2.54
USED_UP = -1.72
OF_SESSION = 1.79
FRESH_GAP = -1.19
STALE_GAP = -0.38
SAME_BRANCH = 0.99
OTHER_BRANCH = -1.65
RIVAL = -2.67
# Estimates: the data has neither. Small against a shared file, to tell two alike apart.
AGENT_MARKER = 0.3
SAME_TICKET = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What a session and a commit of the same person have in common.

    Of the commit's files ``cover`` is the share that the session edited, ``fresh`` the share that
    it edited before the commit and that nobody had committed since, ``used_up`` the share where
    somebody had, ``latest`` the share that it was the last session to edit. ``of_session`` is the
    share of the session's files that are in the commit. ``gap`` is how far the commit lies outside
    the session's span, zero inside it. ``same_branch`` is None where either side tells none.
    ``rival`` is the greatest ``fresh`` of any other session.
    """

    cover: float
    fresh: float
    used_up: float
    latest: float
    of_session: float
    gap: timedelta
    same_branch: bool | None
    rival: float
    agent_marker: bool = False
    same_ticket: bool = False

    @property
    def gap_hours(self) -> float:
        """The gap in hours."""
        return self.gap / timedelta(hours=1)


def probability(likeness: Likeness) -> float:
    """How often a session that is so like a commit has made it."""
    gap = log1p(likeness.gap_hours)
    weight = (
        INTERCEPT
        + COVER * likeness.cover
        + FRESH * likeness.fresh
        + USED_UP * likeness.used_up
        + LATEST * likeness.latest
        + OF_SESSION * likeness.of_session
        + (FRESH_GAP if likeness.fresh else STALE_GAP) * gap
        + RIVAL * likeness.rival
        + AGENT_MARKER * likeness.agent_marker
        + SAME_TICKET * likeness.same_ticket
    )
    if likeness.same_branch is not None:
        weight += SAME_BRANCH if likeness.same_branch else OTHER_BRANCH
    return 1 / (1 + exp(-weight))
