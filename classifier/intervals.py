"""How sure a share is: Wilson's interval, and that of the difference of two shares.

A share of spend rests on the few expensive sessions. It is taken to rest on as many equal ones as
Kish's effective number says: the square of the sum over the sum of the squares.
"""

from math import sqrt

from domain.efficiency import Share

# 95 % lie within.
_Z = 1.959964


def share_of(part: float, whole: float, weight: float) -> Share | None:
    """A share that rests on so many equal sessions; None where there are none."""
    if whole <= 0 or weight <= 0:
        return None
    value = part / whole
    middle = (value + _Z * _Z / (2 * weight)) / (1 + _Z * _Z / weight)
    spread = value * (1 - value) / weight + _Z * _Z / (4 * weight * weight)
    half = _Z * sqrt(spread) / (1 + _Z * _Z / weight)
    # Rounding must not leave the share outside of its own interval.
    low, high = min(middle - half, value), max(middle + half, value)
    return Share(value=value, low=max(low, 0.0), high=min(high, 1.0), weight=weight)


def effective(total: float, squares: float) -> float:
    """The number of equal parts that a sum of such squares rests on (Kish)."""
    return total * total / squares if squares > 0 else 0.0


def difference(now: Share, before: Share) -> tuple[float, float]:
    """The 95 % interval of ``now`` minus ``before`` (Agresti and Caffo: one more of each kind)."""
    one, other = _pulled(now), _pulled(before)
    half = _Z * sqrt(one * (1 - one) / (now.weight + 2) + other * (1 - other) / (before.weight + 2))
    return one - other - half, one - other + half


def _pulled(share: Share) -> float:
    return (share.value * share.weight + 1) / (share.weight + 2)
