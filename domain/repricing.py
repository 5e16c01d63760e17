"""What stored usage costs at present prices: exactly what folding it now would book.

A row is a sum of requests. That is enough, since the cost of tokens adds up, where one price holds
for all of them: rows are kept by the hour and by the length of prompts. Where it does not (a price
that changes within the hour, or a new step of prompt length that the row was not kept apart by) no
exact price can be told, and the row keeps the one it has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from msgspec import structs

from domain.price_book import PriceBook
from domain.pricing import Priced
from domain.record import EPOCH
from domain.tariff import (
    PICO_PER_NANO,
    UNTOLD_LENGTH,
    Cost,
    PromptRange,
    Tariff,
    cost_of,
    rounded,
)
from domain.usage import Tokens


class Booked(NamedTuple):
    """One cost of a row: nano-dollars, the rest to the exact cost, and tokens without a price."""

    nanousd: int | None
    rest_picousd: int
    unpriced_tokens: int | None

    @property
    def exact(self) -> Cost | None:
        """The exact cost; None where nothing was ever priced."""
        if self.unpriced_tokens is None:
            return None
        if self.nanousd is None:
            return Cost(None, self.unpriced_tokens)
        return Cost(self.nanousd * PICO_PER_NANO + self.rest_picousd, self.unpriced_tokens)


UNBOOKED = Booked(None, 0, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """A stored sum of usage, and what it was priced by."""

    tool: str
    team: str | None
    tier: str | None
    model: str | None
    hour: int
    prompts: PromptRange
    tokens: Tokens
    listed: Booked
    effective: Booked


class Kept(StrEnum):
    """Why no exact price can be told of a row."""

    PROMPT_LENGTHS = "the price changes at a prompt length that was not kept apart"
    TIME_OF_DAY = "the price changes within the hour"


class Repriced(NamedTuple):
    """The two costs of a row now, and why one of them could not be told anew."""

    listed: Booked
    effective: Booked
    kept: frozenset[Kept]


def repriced(row: UsageRow, prices: PriceBook) -> Repriced:
    """The costs of a row at present prices.

    Without the company's prices the effective cost stays what it is.
    """
    if not row.tokens.told():
        return Repriced(row.listed, row.effective, frozenset())
    start = EPOCH + timedelta(hours=row.hour)
    quotes = prices.of_hour(row.tool, row.team, row.model, start, row.tier)
    if row.prompts == UNTOLD_LENGTH:
        # Counters are booked at the beginning of their hour.
        quotes = quotes[:1]
    kept: set[Kept] = set()
    listed = _booked(row, row.listed, [quote.listed for quote in quotes], kept)
    effective = row.effective
    told = [quote.effective for quote in quotes if quote.effective is not None]
    if told:
        effective = _booked(row, row.effective, told, kept)
    return Repriced(listed, effective, frozenset(kept))


def _booked(row: UsageRow, old: Booked, prices: Sequence[Priced], kept: set[Kept]) -> Booked:
    if any(price != prices[0] for price in prices):
        kept.add(Kept.TIME_OF_DAY)
        return old
    cost = _cost(row, prices[0])
    if cost is None:
        kept.add(Kept.PROMPT_LENGTHS)
        return old
    # The same exact cost may be split otherwise into nano-dollars and rest, request by request.
    return old if cost == old.exact else _rounded(cost)


def _cost(row: UsageRow, price: Priced) -> Cost | None:
    if not isinstance(price, Tariff):
        return Cost(None, row.tokens.billable())
    rates = price.within(row.prompts)
    if rates is None:
        return None
    tokens = row.tokens
    if row.prompts == UNTOLD_LENGTH:
        # Counters tell reasoning apart from the output that it is a part of.
        tokens = structs.replace(tokens, reasoning=None)
    return cost_of(tokens, rates)


def _rounded(cost: Cost) -> Booked:
    if cost.pico is None:
        return Booked(None, 0, cost.unpriced)
    nano = rounded(cost.pico)
    return Booked(nano, cost.pico - nano * PICO_PER_NANO, cost.unpriced)
