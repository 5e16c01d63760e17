"""Costs add up exactly, and ranges of prompt lengths say what a sum still knows."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tariff import (
    UNTOLD_LENGTH,
    Cost,
    PromptRange,
    Rates,
    Tariff,
    cost_of,
    prompt_of,
    rate,
    rounded,
)
from domain.usage import Tokens, add

AMOUNT = st.none() | st.integers(0, 2_000_000)
RATE = st.none() | st.integers(0, 90_000_000)
RATES = st.builds(Rates, RATE, RATE, RATE, RATE, RATE, RATE)
STEPS = st.lists(st.integers(1, 1_000_000), unique=True, max_size=3).map(sorted)


@st.composite
def tokens(draw: st.DrawFn) -> Tokens:
    written, output = draw(AMOUNT), draw(AMOUNT)
    return Tokens(
        input=draw(AMOUNT),
        cache_read=draw(AMOUNT),
        cache_write=written,
        cache_write_1h=None if written is None else draw(st.none() | st.integers(0, written)),
        output=output,
        reasoning=None if output is None else draw(st.none() | st.integers(0, output)),
    )


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    return Tariff(draw(RATES), tuple((step, draw(RATES)) for step in draw(STEPS)))


def together(left: Tokens, right: Tokens) -> Tokens:
    return Tokens(**{f: add(getattr(left, f), getattr(right, f)) for f in Tokens.__struct_fields__})


def around(prompt: int, steps: list[int]) -> PromptRange:
    """The one range that holds a prompt of so many tokens."""
    ranges = PromptRange.between(steps)
    [found] = [each for each in ranges if each.over < prompt <= each.upto] or ranges[:1]
    return found


COMPLETE = st.integers(0, 90_000_000)


@given(tokens(), tokens(), st.builds(Rates, *[COMPLETE] * 6))
def test_the_cost_of_two_requests_is_the_sum_of_both(a: Tokens, b: Tokens, rates: Rates) -> None:
    whole, one, other = (cost_of(each, rates) for each in (together(a, b), a, b))
    assert whole == Cost(add(one.pico, other.pico), 0)


@given(tokens(), tokens(), RATES)
def test_of_two_requests_with_gaps_in_their_prices_too(a: Tokens, b: Tokens, rates: Rates) -> None:
    whole, one, other = (cost_of(each, rates) for each in (together(a, b), a, b))
    assert whole.unpriced == one.unpriced + other.unpriced
    assert (whole.pico or 0) == (one.pico or 0) + (other.pico or 0)


@given(tokens(), RATES)
def test_every_token_is_priced_or_unpriced(told: Tokens, rates: Rates) -> None:
    cost = cost_of(told, rates)
    unit = cost_of(told, Rates(*(None if each is None else 1 for each in rates)))
    assert (unit.pico or 0) + cost.unpriced == told.billable()
    assert bool(rates.missing(told)) == bool(cost.unpriced)


def test_a_bucket_without_a_price_is_not_free() -> None:
    told = Tokens(input=5, output=7)
    assert cost_of(told, Rates(input=2)) == Cost(10, 7)
    assert cost_of(told, Rates()) == Cost(None, 12)
    assert cost_of(Tokens(), Rates(input=2)) == Cost(None, 0)
    assert Rates(input=2).missing(told) == ("output",)


def test_writes_are_priced_by_their_lifetime_and_reasoning_apart() -> None:
    told = Tokens(cache_write=10, cache_write_1h=4, output=9, reasoning=3)
    rates = Rates(cache_write=100, cache_write_1h=1_000, output=10, reasoning=1)
    assert cost_of(told, rates) == Cost(6 * 100 + 4 * 1_000 + 6 * 10 + 3, 0)


@given(tariffs(), st.integers(0, 1_200_000), STEPS)
def test_a_range_has_one_price_only_where_all_its_prompts_have_it(
    tariff: Tariff, prompt: int, steps: list[int]
) -> None:
    prompts = around(prompt, steps)
    assert prompts.over < prompt <= prompts.upto or prompt == prompts.over == 0
    rates = tariff.within(prompts)
    inside = {prompts.over + 1, prompt, prompts.upto} | {
        near
        for step in tariff.steps
        for near in (step, step + 1)
        if prompts.over < near <= prompts.upto
    }
    told = {tariff.at(each) for each in inside if each or prompt == 0}
    if rates is None:
        assert any(prompts.over < step < prompts.upto for step in tariff.steps)
    else:
        assert told == {rates}


@given(tariffs(), tokens(), STEPS)
def test_steps_that_a_tariff_shares_never_hide_its_price(
    tariff: Tariff, told: Tokens, steps: list[int]
) -> None:
    kept = sorted({*steps, *tariff.steps})
    rates = tariff.within(around(prompt_of(told), kept))
    assert rates == tariff.at(prompt_of(told))


def test_requests_that_nobody_tells_apart_cost_the_base_price() -> None:
    tariff = Tariff(Rates(input=1), ((200_000, Rates(input=2)),))
    assert tariff.within(UNTOLD_LENGTH) == Rates(input=1)
    assert tariff.within(around(1, [])) is None
    assert tariff.at(200_000) == Rates(input=1)
    assert tariff.at(200_001) == Rates(input=2)


@pytest.mark.parametrize(
    ("dollars", "pico"),
    [("3", 3_000_000), ("0.0375", 37_500), ("0.000001", 1), ("0.18000000000000002", 180_000)],
)
def test_a_price_a_million_tokens_is_pico_dollars_a_token(dollars: str, pico: int) -> None:
    assert rate(Decimal(dollars)) == pico


def test_a_share_of_a_price_is_a_whole_number_of_pico_dollars() -> None:
    tariff = Tariff(Rates(input=3, output=10), ((5, Rates(input=7)),))
    assert tariff.scaled(Fraction(1, 2)) == Tariff(Rates(input=2, output=5), ((5, Rates(input=4)),))


@given(st.integers(-(10**15), 10**15))
def test_what_rounding_takes_is_at_most_half_a_nano_dollar(pico: int) -> None:
    assert -500 <= pico - rounded(pico) * 1_000 <= 500
