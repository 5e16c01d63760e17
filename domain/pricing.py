"""List prices from the public catalogue, by model and time.

The catalogue (genai-prices) keeps the history of prices, the rates of cache reads, 5-minute and
1-hour cache writes, tiers by prompt length, and prices by the time of day. It is the one installed
with this version; nothing is fetched. A model it does not know is unpriced, never free.

Charges by the request, the search or the gigabyte are not in it, as no tool tells them. Tokens
cost what the standard tier costs, unless another one (fast, priority, flex, batch) is told: then
what the catalogue has for that tier of the model and time (``price_variants``), or they are
unpriced. A bucket that the tier's price leaves out keeps its standard price, as the catalogue means
it.
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
    PriceContext,
    PriceVariant,
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
# Copilot and Cursor name a model so in its fast mode: claude-opus-4.6-fast.
_FAST = "fast"
# Gemini's own API names its models so, and Vertex AI those of every maker (publishers/…/models/…).
_GEMINI, _VERTEX = "models/", re.compile(r"(?:^|.*/)publishers/[^/]+/models/")
# As LiteLLM names who serves a model, where the catalogue has another name.
_SERVED_BY = {
    "azure_ai": "azure",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "together_ai": "together",
    "vertex_ai": "google",
    "xai": "x-ai",
}


class Unpriced(StrEnum):
    """Why tokens have no price."""

    MODEL_UNTOLD = "model_untold"
    MODEL_UNKNOWN = "model_unknown"
    NOT_BY_TOKENS = "not_by_tokens"  # known, but priced by the hour, page or request
    BUCKET_UNPRICED = "bucket_unpriced"  # the model has prices, but none for this kind of tokens
    TIER_UNPRICED = "tier_unpriced"  # the model has prices, but none for the tier that was told
    PRICED_SINCE = "priced_since"  # not when they were booked; they have one now


# What a price is, or why there is none: not which bucket lacks one, nor since when there is one.
Priced: TypeAlias = Tariff | Unpriced


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A model as the catalogue knows it.

    ``steps`` are all prompt lengths at which any of its prices, old or new, of any tier, changes.
    ``by_clock`` tells that prices depend on the time of day. ``tier`` is the one that the model's
    name tells.
    """

    provider: str
    name: str
    steps: tuple[int, ...]
    by_clock: bool
    tier: str | None = None


def list_tariff(model: str | None, at: datetime, tier: str | None = None) -> Priced:
    """What the model's tokens cost at list price at this (UTC) time.

    ``tier`` is the service tier of the request where it is told and not the standard one.
    """
    if not model:
        return Unpriced.MODEL_UNTOLD
    found = _find(model)
    if found is None:
        return Unpriced.MODEL_UNKNOWN
    tier = tier or found[0].tier
    if found[0].by_clock:
        minute = at.minute - at.minute % QUARTER_MINUTES
        return _tariff(model, tier, at.replace(minute=minute, second=0, microsecond=0))
    return _tariff(model, tier, datetime.combine(at.date(), time(), at.tzinfo))


def why_unpriced(
    model: str | None, tokens: Tokens, at: datetime, tier: str | None = None
) -> Unpriced:
    """Why tokens that were booked without a list price have none."""
    price = list_tariff(model, at, tier)
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
def _tariff(model: str, tier: str | None, at: datetime) -> Priced:
    found = _find(model)
    if not found:
        return Unpriced.MODEL_UNKNOWN
    standard = tariff_of(found[1].get_prices(at))
    if tier is None or isinstance(standard, Unpriced):
        return standard
    context = dict.fromkeys(_TIERS, tier)
    if not any(_holds(variant, context, at) for variant in found[1].price_variants or ()):
        return Unpriced.TIER_UNPRICED
    return tariff_of(found[1].get_prices(at, context))


# What providers call a tier; none of them uses one word for two different prices.
_TIERS = ("service_tier", "speed", "processing")


def _holds(variant: PriceVariant, context: PriceContext, at: datetime) -> bool:
    """Whether this is a price of the tier at this time, as the catalogue itself decides it."""
    begun = variant.constraint is None or variant.constraint.active(at)
    return begun and all(context.get(name) == value for name, value in variant.when.items())


@lru_cache(maxsize=4096)
def _find(model: str) -> tuple[Listed, ModelInfo] | None:
    """Ask the catalogue without its own lookup, which remembers every unknown name for ever."""
    for provider, name in _candidates(model.lower()):
        info = provider.find_model(name, all_providers=providers)
        if info is not None:
            return _listed(provider, info, name), info
    return None


def _candidates(name: str) -> list[tuple[Provider, str]]:
    """Where the catalogue may have it: the provider of such names, or the one that it names."""
    named = (each for each in providers if each.model_match and each.model_match.is_match(name))
    found = [(provider, name) for provider in [next(named, None)] if provider]
    if _BEDROCK.search(name):
        found.append((_PROVIDERS["aws"], name))
    prefix, _, rest = name.partition("/")
    provider = _PROVIDERS.get(_SERVED_BY.get(prefix, prefix))
    if rest and provider:
        found.append((provider, rest))
    if name.startswith(_GEMINI):
        found.append((_PROVIDERS["google"], name.removeprefix(_GEMINI)))
    if vertex := _VERTEX.match(name):
        found.append((_PROVIDERS["google"], name[vertex.end() :]))
    return found


def _listed(provider: Provider, info: ModelInfo, name: str) -> Listed:
    conditional = info.prices if isinstance(info.prices, list) else []
    prices = [*conditional, *(info.price_variants or ())]
    tariffs = [tariff_of(each.prices) for each in prices]
    if isinstance(info.prices, ModelPrice):
        tariffs.append(tariff_of(info.prices))
    steps = {step for tariff in tariffs if isinstance(tariff, Tariff) for step in tariff.steps}
    return Listed(
        provider=provider.id,
        name=info.id,
        steps=tuple(sorted(steps)),
        by_clock=any(isinstance(each.constraint, TimeOfDateConstraint) for each in prices),
        # The catalogue knows a model by the beginning of its name, whatever it ends in.
        tier=_FAST if name.endswith(f"-{_FAST}") and _FAST not in info.id else None,
    )
