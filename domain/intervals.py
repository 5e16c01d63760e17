"""How sure a share is that was counted."""

from math import sqrt

# Of a normal distribution: 95 % lie so many standard deviations around the middle.
_Z = 1.959963984540054


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval (Wilson's) of a share; from 0 to 1 where nothing was counted."""
    if of == 0:
        return 0.0, 1.0
    share, room = hits / of, _Z * _Z / of
    middle = (share + room / 2) / (1 + room)
    half = _Z * sqrt(share * (1 - share) / of + room / (4 * of)) / (1 + room)
    return max(0.0, middle - half), min(1.0, middle + half)
