"""Counter values as whole numbers of the quantity's own unit."""

from domain.events import Quantity
from domain.record import Attributes, decimal
from domain.usage import nanousd

# No counter can be negative; ``observe_point`` refuses such an amount.
UNUSABLE = -1
# More than any counter can have counted; nano-dollars of it still fit 64 bits.
_LIMIT = 9_000_000_000_000_000_000
# More than a request costs; the sum of such costs still fits 64 bits.
_DEAREST = 1_000_000
_PER_UNIT = {Quantity.COST_NANOUSD: 1_000_000_000, Quantity.ACTIVE_MS: 1000}


def whole(quantity: Quantity, value: float) -> int:
    """Dollars as nano-dollars, seconds as milliseconds, counts (often doubles) as they are."""
    per_unit = _PER_UNIT.get(quantity, 1)
    # Also false for what is no number.
    if not 0 <= value < _LIMIT // per_unit:
        return UNUSABLE
    return nanousd(value) if quantity is Quantity.COST_NANOUSD else round(value * per_unit)


def told_cost(attributes: Attributes, *names: str) -> int | None:
    """The first of these dollars that is told, as the cost of a request in nano-dollars."""
    for name in names:
        dollars = decimal(attributes, name)
        if dollars is not None:
            return cost_of(dollars)
    return None


def cost_of(dollars: float) -> int | None:
    """Nano-dollars; None for what no request can cost, which says nothing against its tokens."""
    return nanousd(dollars) if 0 <= dollars <= _DEAREST else None
