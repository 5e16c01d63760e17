"""Counter values as whole numbers of the quantity's own unit."""

import math

from domain.events import Quantity
from domain.usage import nanousd

# No counter can be negative; ``observe_point`` refuses such an amount.
UNUSABLE = -1


def whole(quantity: Quantity, value: float) -> int:
    """Dollars as nano-dollars, seconds as milliseconds, counts (often doubles) as they are."""
    if not math.isfinite(value):
        return UNUSABLE
    if quantity is Quantity.COST_NANOUSD:
        return nanousd(value)
    return round(value * 1000) if quantity is Quantity.ACTIVE_MS else round(value)
