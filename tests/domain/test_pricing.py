"""List prices are those of the catalogue's own arithmetic, for every model and at any time."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data import providers
from genai_prices.types import (
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.pricing import QUARTER_MINUTES, Unpriced, list_tariff, listed, tariff_of
from domain.tariff import Tariff, cost_of, prompt_of, rounded
from domain.usage import Tokens, nanousd

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MODELS = [(provider, model) for provider in providers for model in provider.models]
NAMES = sorted({model.id for _, model in MODELS})
# What a tool may tell; the others (audio, images, searches, hours) no tool tells.
_PRICED = {
    "input_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "output_mtok",
    "output_reasoning_mtok",
}  # fmt: skip
EPSILON = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def prices_of(model: ModelInfo) -> list[ModelPrice]:
    """All prices that a model ever had."""
    if isinstance(model.prices, ModelPrice):
        return [model.prices]
    return [each.prices for each in model.prices]


def reduced(price: ModelPrice) -> ModelPrice:
    """The price without charges for what no tool tells."""
    return ModelPrice(**{k: v for k, v in price.__dict__.items() if k in _PRICED})


def inclusive(tokens: Tokens) -> Usage:
    """Tokens as the catalogue counts them: each bucket with those that are a part of it."""
    return Usage(
        input_tokens=prompt_of(tokens),
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
        cache_write_1h_tokens=tokens.cache_write_1h,
        output_tokens=tokens.output,
        output_reasoning_tokens=tokens.reasoning,
    )


def decimals(price: ModelPrice) -> Iterator[Decimal]:
    """Every price per million tokens in it."""
    for value in price.__dict__.values():
        if isinstance(value, TieredPrices):
            yield from (value.base, *(tier.price for tier in value.tiers))
        elif value is not None:
            yield value


def steps(price: ModelPrice) -> set[int]:
    """Where its tiers begin."""
    tiered = [v for v in price.__dict__.values() if isinstance(v, TieredPrices)]
    return {tier.start for value in tiered for tier in value.tiers}


@st.composite
def requests(draw: st.DrawFn, step: int | None = None) -> Tokens:
    """One request's tokens, with a prompt at a step of its price where one is given."""
    size = st.integers(0, 1_500_000)
    read, write = draw(size), draw(size)
    prompt = read + write + draw(size)
    if step is not None:
        prompt = step + draw(st.integers(-1, 1))
        read = min(read, prompt)
        write = min(write, prompt - read)
    output = draw(st.integers(0, 128_000))
    return Tokens(
        input=prompt - read - write,
        cache_read=read,
        cache_write=write,
        cache_write_1h=draw(st.integers(0, write)),
        output=output,
        reasoning=draw(st.integers(0, output)),
    )


def turns_of(model: ModelInfo) -> Iterator[time]:
    """The times of day at which its prices turn."""
    for each in model.prices if isinstance(model.prices, list) else []:
        if isinstance(each.constraint, TimeOfDateConstraint):
            yield from (each.constraint.start_time, each.constraint.end_time)


def times_of(model: ModelInfo) -> list[datetime]:
    """Times around every turn of a model's prices, and one of today."""
    days, clock = {NOON.date()}, {time(12)}
    for each in model.prices if isinstance(model.prices, list) else []:
        if isinstance(each.constraint, StartDateConstraint):
            days |= {each.constraint.start_date, each.constraint.start_date - timedelta(days=1)}
    for turn in turns_of(model):
        at = datetime.combine(NOON.date(), turn.replace(tzinfo=None))
        clock |= {at.time(), (at - timedelta(microseconds=1)).time()}
    return [datetime.combine(day, at, UTC) for day in sorted(days) for at in sorted(clock)]


@pytest.mark.parametrize("provider", providers, ids=lambda provider: provider.id)
@settings(max_examples=12)
@given(st.data())
def test_every_price_of_the_catalogue_costs_what_the_catalogue_says(
    provider: Provider, data: st.DataObject
) -> None:
    tokens = data.draw(requests())
    for model in provider.models:
        for price in map(reduced, prices_of(model)):
            costs_the_same(price, tokens)
            for step in steps(price):
                costs_the_same(price, data.draw(requests(step)))


def costs_the_same(price: ModelPrice, tokens: Tokens) -> None:
    expected = price.calc_price(inclusive(tokens))["total_price"]
    tariff = tariff_of(price)
    if not isinstance(tariff, Tariff):
        assert (tariff, price.__dict__) == (Unpriced.NOT_BY_TOKENS, {})
        return
    pico, unpriced = cost_of(tokens, tariff.at(prompt_of(tokens)))
    # Without a rate for output the catalogue says 0; here it is missing.
    assert unpriced == (tokens.output if price.output_mtok is None else 0)
    if price.input_mtok is None or pico is None:
        return
    exact = expected * 10**12
    if all(each * 10**6 == int(each * 10**6) for each in decimals(price)):
        assert pico == exact
        assert rounded(pico) == nanousd(expected) or exact % 1000 == 500
    else:
        # A price finer than a pico-dollar a token is a float's noise: half of one a token at most.
        assert abs(pico - exact) * 2 <= tokens.billable()


@given(st.sampled_from(NAMES), st.data())
def test_a_model_by_name_costs_what_the_catalogue_says_at_any_time(
    name: str, data: st.DataObject
) -> None:
    try:
        model = calc_price(Usage(), name).model
    except LookupError:
        # Names that say where they are served are understood beyond the catalogue.
        assert listed(name) is None or "/" in name or "." in name
        return
    at = data.draw(st.sampled_from(times_of(model)) | st.datetimes(timezones=st.just(UTC)))
    found = calc_price(Usage(), name, genai_request_timestamp=at)
    known = listed(name)
    assert known is not None
    assert (known.provider, known.name) == (found.provider.id, found.model.id)
    assert list_tariff(name, at) == tariff_of(found.model_price)


def test_prices_turn_at_steps_and_quarters_that_are_known() -> None:
    found = 0
    for provider, model in MODELS:
        turns = list(turns_of(model))
        assert [turn for turn in turns if turn.minute % QUARTER_MINUTES or turn.second] == []
        known = listed(model.id)
        if known is not None and (known.provider, known.name) == (provider.id, model.id):
            found += 1
            every = set().union(*map(steps, map(reduced, prices_of(model))))
            assert (set(known.steps), known.by_clock) == (every, bool(turns))
    assert found > 100


def test_a_price_by_the_time_of_day_is_that_of_the_minute() -> None:
    def price(hour: int, minute: int) -> int | None:
        at = datetime(2026, 11, 22, hour, minute, 59, tzinfo=UTC)
        tariff = list_tariff("deepseek-chat", at)
        assert isinstance(tariff, Tariff)
        return tariff.base.input

    assert [price(0, 29), price(0, 30), price(16, 29), price(16, 30)] == [
        135_000, 270_000, 270_000, 135_000,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "provider", "model"),
    [
        ("claude-sonnet-4-5-20250929", "anthropic", "claude-sonnet-4-5"),
        ("Claude-Sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
        ("anthropic/claude-sonnet-4.5", "anthropic", "claude-sonnet-4-5"),
        ("openrouter/anthropic/claude-sonnet-4.5", "openrouter", "anthropic/claude-sonnet-4.5"),
        ("openai/gpt-5", "openai", "gpt-5"),
        ("models/gemini-2.5-pro", "google", "gemini-2.5-pro"),
        # Vertex AI, and what LiteLLM puts before a name.
        ("claude-sonnet-4-5@20250929", "anthropic", "claude-sonnet-4-5"),
        ("vertex_ai/claude-sonnet-4-5@20250929", "google", "claude-sonnet-4-5"),
        (
            "projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4-5@20250929",
            "google",
            "claude-sonnet-4-5",
        ),
        ("publishers/google/models/gemini-2.5-pro", "google", "gemini-2.5-pro"),
        ("gemini/gemini-2.5-pro", "google", "gemini-2.5-pro"),
        ("azure_ai/gpt-5", "azure", "gpt-5"),
        ("xai/grok-4", "x-ai", "grok-4-0709"),
        (
            "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws",
            "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws",
            "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("global.anthropic.claude-haiku-5-5", "aws", "global.anthropic.claude-haiku-5-5"),
    ],
)
def test_names_that_say_where_a_model_is_served(name: str, provider: str, model: str) -> None:
    known = listed(name)
    assert known is not None
    assert (known.provider, known.name) == (provider, model)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (None, Unpriced.MODEL_UNTOLD),
        ("", Unpriced.MODEL_UNTOLD),
        ("nobody-1", Unpriced.MODEL_UNKNOWN),
        ("nobody/claude-sonnet-4-5", Unpriced.MODEL_UNKNOWN),
        ("whisper-1", Unpriced.NOT_BY_TOKENS),
    ],
)
def test_what_has_no_list_price_says_why(name: str | None, reason: Unpriced) -> None:
    assert list_tariff(name, NOON) is reason


# By tier


def tiered(model: ModelInfo) -> Iterator[tuple[str, str, PriceVariant]]:
    """Prices of a model in other tiers, each with the word for it and what that word tells."""
    for variant in model.price_variants or ():
        for name, word in variant.when.items():
            if name in ("service_tier", "speed", "processing") and word != "default":
                yield name, word, variant


def beginning(variant: PriceVariant) -> datetime | None:
    """The first moment at which it holds; None: it always did."""
    if not isinstance(variant.constraint, StartDateConstraint):
        assert variant.constraint is None
        return None
    return datetime.combine(variant.constraint.start_date, time(), UTC)


WORDS = sorted({word for _, model in MODELS for _, word, _ in tiered(model)})


def own(provider: Provider, model: ModelInfo) -> bool:
    """Whether the catalogue finds a model by its own name."""
    known = listed(model.id)
    return known is not None and (known.provider, known.name) == (provider.id, model.id)


def none(model: ModelInfo, at: datetime) -> Unpriced:
    """Why there is no price of a tier: what has none by tokens has none of any tier."""
    usual = list_tariff(model.id, at)
    return Unpriced.TIER_UNPRICED if isinstance(usual, Tariff) else usual


def test_a_tier_costs_what_the_catalogue_says_from_its_first_day_on() -> None:
    priced = Counter[str]()
    for model in (model for provider, model in MODELS if own(provider, model)):
        for name, word, variant in tiered(model):
            assert len(variant.when) == 1
            begins = [beginning(each) for _, same, each in tiered(model) if same == word]
            if None not in begins:
                before = min(filter(None, begins)) - EPSILON
                assert list_tariff(model.id, before, word) is none(model, before)
            for at in filter(None, (NOON, beginning(variant))):
                if not any(each is None or each <= at for each in begins):
                    continue
                tariff, known = list_tariff(model.id, at, word), listed(model.id)
                assert tariff == tariff_of(model.get_prices(at, {name: word}))
                if isinstance(tariff, Tariff):
                    assert known is not None
                    assert set(tariff.steps) <= set(known.steps)
                    priced[word] += 1
    assert {word for word, count in priced.items() if count > 5} == {*WORDS}


def test_a_tier_that_the_catalogue_does_not_know_is_unpriced() -> None:
    for model in (model for provider, model in MODELS if own(provider, model)):
        for tier in {*WORDS, "nobody's"} - {word for _, word, _ in tiered(model)}:
            assert list_tariff(model.id, NOON, tier) is none(model, NOON)


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("claude-opus-4.8", 25_000_000),
        ("claude-opus-4.8-fast", 50_000_000),
        ("claude-opus-4.6-fast", Unpriced.TIER_UNPRICED),
        ("grok-4-fast", 500_000),
    ],
)
def test_a_name_that_tells_fast_mode(name: str, output: int | Unpriced) -> None:
    tariff = list_tariff(name, NOON)
    assert (tariff.base.output if isinstance(tariff, Tariff) else tariff) == output


def test_no_other_model_of_the_catalogue_is_taken_for_a_fast_mode() -> None:
    # Names that OpenRouter and Copilot have for it.
    told = [name for name in NAMES if (known := listed(name)) and known.tier]
    assert [name for name in told if "claude-opus-" not in name] == []


def test_prices_before_the_first_known_day_are_the_first_known() -> None:
    early = datetime.combine(date(2020, 1, 1), time(), UTC)
    tariff = list_tariff("claude-sonnet-4-5", early)
    assert isinstance(tariff, Tariff)
    assert tariff.base.input == 3_000_000
