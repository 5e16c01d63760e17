"""Token buckets that never overlap, and money as whole nano-dollars.

None means that no signal told it; zero means that a signal said zero.
"""

from decimal import ROUND_HALF_EVEN, Decimal

from msgspec import Struct

NANOUSD = 1_000_000_000
# Up to here (a thousand dollars) a float of nano-dollars is off by less than a thousandth.
_PLAIN, _NEAR = 1e12, 0.49


class Tokens(Struct, frozen=True, kw_only=True, gc=False):
    """Disjoint token counts of one request (or of many, added).

    ``input`` is the uncached part of the prompt. ``cache_write`` holds the 5-minute and 1-hour
    writes together; the two parts are known only where a tool tells them. ``output`` includes
    reasoning; ``reasoning`` repeats that part.
    """

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    output: int | None = None
    reasoning: int | None = None

    def billable(self) -> int:
        """All tokens that somebody pays for; what was not told counts nothing."""
        return (
            (self.input or 0)
            + (self.cache_read or 0)
            + (self.cache_write or 0)
            + (self.output or 0)
        )

    def told(self) -> bool:
        """Whether any bucket was told at all."""
        return not (
            self.input is None
            and self.cache_read is None
            and self.cache_write is None
            and self.output is None
        )


def nanousd(dollars: Decimal | float | str) -> int:
    """Dollars as whole nano-dollars; a float's noise beyond the ninth decimal disappears."""
    if isinstance(dollars, float) and -_PLAIN < (nano := dollars * NANOUSD) < _PLAIN:
        whole = round(nano)
        # Nowhere near a half, over which a float's noise could push it.
        if abs(nano - whole) < _NEAR:
            return whole
    exact = dollars if isinstance(dollars, Decimal) else Decimal(str(dollars))
    return int((exact * NANOUSD).to_integral_value(rounding=ROUND_HALF_EVEN))


def usd(nanodollars: int | None) -> float | None:
    """Nano-dollars as the nearest JSON number of dollars: exact below nine million dollars."""
    return None if nanodollars is None else nanodollars / NANOUSD


def add(left: int | None, right: int | None) -> int | None:
    """Sum of two counts of which either may be unknown; unknown only when both are."""
    if left is None:
        return right
    return left if right is None else left + right


def split(total: int, weights: list[int]) -> list[int]:
    """Split a non-negative total by integer weights so that the parts add up to it exactly.

    Largest remainder; ties go to the earlier part, so the answer depends on nothing else.
    """
    if not weights:
        return []
    whole = sum(weights) or len(weights)
    shares = weights if sum(weights) else [1] * len(weights)
    parts = [total * share // whole for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: (-(total * shares[i] % whole), i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts
