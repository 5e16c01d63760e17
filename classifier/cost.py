"""Split what a session cost over what it made, to the last nano-dollar.

Only proof and near proof (tiers A and B) carry cost. What has neither stays in one visible unlinked
bucket: it is not spread over guesses.
"""

from collections.abc import Sequence

from domain.labels import Link, TargetKind, Tier
from domain.usage import split

_CARRYING = frozenset({Tier.A, Tier.B})
# Link probabilities are kept to four decimals.
_WEIGHT = 10_000


def cost_shares(cost_nanousd: int, links: Sequence[Link]) -> tuple[tuple[Link | None, int], ...]:
    """Give each carrying link its share in nano-dollars; ``(None, cost)`` where there is none.

    Changes share by probability, together with commits that belong to none of them. The shares add
    up to the cost and do not depend on the order of the links. Raises ValueError below zero.
    """
    if cost_nanousd < 0:
        raise ValueError("a cost is not negative")
    carrying = _carrying(links)
    if not carrying:
        return ((None, cost_nanousd),)
    weights = [round(link.probability * _WEIGHT) for link in carrying]
    return tuple(zip(carrying, split(cost_nanousd, weights), strict=True))


def _carrying(links: Sequence[Link]) -> list[Link]:
    strong = [link for link in links if link.tier in _CARRYING]
    # By SHA alone: a fork's copy of a commit is the same commit.
    booked = {sha for link in strong for sha in link.via}
    carrying = [
        link
        for link in strong
        if link.target.kind == TargetKind.CHANGE or link.target.id not in booked
    ]
    return sorted(carrying, key=lambda link: (link.target.kind, link.target.repo, link.target.id))
