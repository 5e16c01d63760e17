"""List prices from the public catalogue, by model and day.

The catalogue (genai-prices) keeps the history of prices, the rates of cache reads, 5-minute and
1-hour cache writes, and tiers by prompt length. A model it does not know is unpriced, never free.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any

from genai_prices import Usage, calc_price

from domain.usage import Tokens

_PICO_PER_MTOK = 1_000_000  # $1 per million tokens is 1,000,000 pico-dollars per token


@dataclass(frozen=True, slots=True)
class _Rate:
    """Pico-dollars per token; above a tier's start (prompt tokens) all tokens cost its price."""

    base: int
    tiers: tuple[tuple[int, int], ...]

    def at(self, prompt: int) -> int:
        price = self.base
        for start, above in self.tiers:
            if prompt > start:
                price = above
        return price


@dataclass(frozen=True, slots=True)
class _Rates:
    input: _Rate
    cache_read: _Rate
    cache_write: _Rate
    cache_write_1h: _Rate
    output: _Rate


def list_price(
    model: str | None, tokens: Tokens, at: datetime, *, prompt: int | None = None
) -> int | None:
    """Nano-dollars at list price on that day, or None where the catalogue has no price.

    The length of a request's prompt decides the tier: that of ``tokens``, which then are those of
    one request. Where the requests behind a sum are not known, say ``prompt=0``: the base price.
    """
    rates = _rates(model, at.date()) if model else None
    if rates is None:
        return None
    read, write = tokens.cache_read or 0, tokens.cache_write or 0
    hour = min(tokens.cache_write_1h or 0, write)
    if prompt is None:
        prompt = (tokens.input or 0) + read + write
    pico = (
        (tokens.input or 0) * rates.input.at(prompt)
        + read * rates.cache_read.at(prompt)
        + (write - hour) * rates.cache_write.at(prompt)
        + hour * rates.cache_write_1h.at(prompt)
        + (tokens.output or 0) * rates.output.at(prompt)
    )
    return (pico + 500) // 1000


@lru_cache(maxsize=4096)
def _rates(model: str, day: date) -> _Rates | None:
    noon = datetime.combine(day, time(12), UTC)
    try:
        found = calc_price(Usage(input_tokens=1), model, genai_request_timestamp=noon)
    except LookupError:
        return None
    price = found.model_price
    sent, received = _rate(price, "input_mtok"), _rate(price, "output_mtok")
    if sent is None or received is None:
        return None
    # As in the catalogue's own arithmetic, a bucket without a rate costs what it is a part of.
    write = _rate(price, "cache_write_mtok") or sent
    return _Rates(
        input=sent,
        cache_read=_rate(price, "cache_read_mtok") or sent,
        cache_write=write,
        cache_write_1h=_rate(price, "cache_write_1h_mtok") or write,
        output=received,
    )


def _rate(price: Any, name: str) -> _Rate | None:
    told = getattr(price, name, None)
    if told is None:
        return None
    if isinstance(told, Decimal):
        return _Rate(_pico(told), ())
    tiers = sorted((tier.start, _pico(tier.price)) for tier in told.tiers)
    return _Rate(_pico(told.base), tuple(tiers))


def _pico(dollars_per_mtok: Decimal) -> int:
    return int(dollars_per_mtok * _PICO_PER_MTOK)
