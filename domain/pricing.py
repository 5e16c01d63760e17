"""List prices from the public catalogue, by model and time.

The catalogue (genai-prices) keeps the history of prices, the rates of cache reads, 5-minute and
1-hour cache writes, tiers by prompt length, and prices by the time of day. It is the one installed
with this version; nothing is fetched. A model it does not know is unpriced, never free.

List price is that of tokens at the standard tier. Charges by the request, the search or the
gigabyte are not in it, as no tool tells them. Nor is what a tier (fast, priority, flex, batch)
costs more or less: Claude Code tells ``speed`` and Codex ``service_tier``, and the catalogue has
prices for some (``price_variants``), but usage is not kept by tier: no sum could be priced anew.
"""

import re
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from genai_prices.data import providers
from genai_prices.types import (
    ModelInfo,
    ModelPrice,
    Provider,
    TieredPrices,
    TimeOfDateConstraint,
)

from domain.tariff import Rates, Tariff, rate
from domain.usage import Tokens

# Prices by the time of day change on the half hour at the finest.
QUARTER_MINUTES = 15
_PROVIDERS = {provider.id: provider for provider in providers}
# Amazon Bedrock: us.anthropic.claude-sonnet-4-5-20250929-v1:0, arn:aws:bedrock:…/eu.anthropic.….
_BEDROCK = re.compile(r"(^|[./])(ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen)\.")
# Gemini's own API names its models so.
_GEMINI = "models/"


class Unpriced(StrEnum):
    """Why tokens have no price."""

    MODEL_UNTOLD = "model_untold"
    MODEL_UNKNOWN = "model_unknown"
    NOT_BY_TOKENS = "not_by_tokens"  # known, but priced by the hour, page or request
    BUCKET_UNPRICED = "bucket_unpriced"  # the model has prices, but none for this kind of tokens
    PRICED_SINCE = "priced_since"  # not when they were booked; they have one now


# What a price is, or why there is none: one of the first three.
Priced: TypeAlias = Tariff | Unpriced


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A model as the catalogue knows it.

    ``steps`` are all prompt lengths at which any of its prices, old or new, changes. ``by_clock``
    tells that prices depend on the time of day.
    """

    provider: str
    name: str
    steps: tuple[int, ...]
    by_clock: bool


def list_tariff(model: str | None, at: datetime) -> Priced:
    """What the model's tokens cost at list price at this (UTC) time."""
    if not model:
        return Unpriced.MODEL_UNTOLD
    found = _find(model)
    if found is None:
        return Unpriced.MODEL_UNKNOWN
    if found[0].by_clock:
        minute = at.minute - at.minute % QUARTER_MINUTES
        return _tariff(model, at.replace(minute=minute, second=0, microsecond=0))
    return _tariff(model, datetime.combine(at.date(), time(), at.tzinfo))


def why_unpriced(model: str | None, tokens: Tokens, at: datetime) -> Unpriced:
    """Why tokens that were booked without a list price have none."""
    price = list_tariff(model, at)
    if isinstance(price, Unpriced):
        return price
    missing = price.base.missing(tokens)
    return Unpriced.BUCKET_UNPRICED if missing else Unpriced.PRICED_SINCE


def listed(model: str | None) -> Listed | None:
    """The catalogue's own entry for a model as a tool names it."""
    found = _find(model) if model else None
    return found[0] if found else None


def tariff_of(price: ModelPrice) -> Priced:
    """One price of the catalogue.

    As in the catalogue's own arithmetic, a bucket without a rate costs what it is a part of: cached
    tokens are input. Input and output without a rate have no price.
    """
    told = {name: value for name in _BUCKETS if (value := getattr(price, name)) is not None}
    if not told:
        return Unpriced.NOT_BY_TOKENS
    tiered = [value for value in told.values() if isinstance(value, TieredPrices)]
    steps = sorted({tier.start for value in tiered for tier in value.tiers})
    longer = tuple((step, _rates(told, step + 1)) for step in steps)
    return Tariff(_rates(told, 0), longer)


# By bucket, and then what it is a part of.
_BUCKETS = {
    "input_mtok": None,
    "cache_read_mtok": "input_mtok",
    "cache_write_mtok": "input_mtok",
    "cache_write_1h_mtok": "cache_write_mtok",
    "output_mtok": None,
    "output_reasoning_mtok": "output_mtok",
}


def _rates(told: dict[str, Decimal | TieredPrices], prompt: int) -> Rates:
    rates: dict[str | None, int | None] = {None: None}
    for name, whole in _BUCKETS.items():
        value = told.get(name)
        rates[name] = rates[whole] if value is None else rate(_at(value, prompt))
    return Rates(*(rates[name] for name in _BUCKETS))


def _at(price: Decimal | TieredPrices, prompt: int) -> Decimal:
    if isinstance(price, Decimal):
        return price
    above = [tier.price for tier in price.tiers if prompt > tier.start]
    return above[-1] if above else price.base


@lru_cache(maxsize=4096)
def _tariff(model: str, at: datetime) -> Priced:
    found = _find(model)
    return tariff_of(found[1].get_prices(at)) if found else Unpriced.MODEL_UNKNOWN


@lru_cache(maxsize=4096)
def _find(model: str) -> tuple[Listed, ModelInfo] | None:
    """Ask the catalogue without its own lookup, which remembers every unknown name for ever."""
    for provider, name in _candidates(model.lower()):
        info = provider.find_model(name, all_providers=providers)
        if info is not None:
            return _listed(provider, info), info
    return None


def _candidates(name: str) -> list[tuple[Provider, str]]:
    """Where the catalogue may have it: the provider of such names, or the one that it names."""
    named = (each for each in providers if each.model_match and each.model_match.is_match(name))
    found = [(provider, name) for provider in [next(named, None)] if provider]
    if _BEDROCK.search(name):
        found.append((_PROVIDERS["aws"], name))
    prefix, _, rest = name.partition("/")
    if rest and prefix in _PROVIDERS:
        found.append((_PROVIDERS[prefix], rest))
    if name.startswith(_GEMINI):
        found.append((_PROVIDERS["google"], name.removeprefix(_GEMINI)))
    return found


def _listed(provider: Provider, info: ModelInfo) -> Listed:
    prices = info.prices if isinstance(info.prices, list) else []
    tariffs = [tariff_of(each.prices) for each in prices]
    if isinstance(info.prices, ModelPrice):
        tariffs = [tariff_of(info.prices)]
    steps = {step for tariff in tariffs if isinstance(tariff, Tariff) for step in tariff.steps}
    return Listed(
        provider=provider.id,
        name=info.id,
        steps=tuple(sorted(steps)),
        by_clock=any(isinstance(each.constraint, TimeOfDateConstraint) for each in prices),
    )
