"""What if: arithmetic on four weeks, compared with sums made by hand."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from classifier.scenarios import DAYS, Month, Session, scenario
from domain.outcomes import WorkType
from domain.scenarios import (
    CacheShare,
    Change,
    HeadCount,
    ModelSwitch,
    OwnHosting,
    PriceChange,
    Routing,
    ScenarioResult,
    SmallModelTrial,
)
from domain.tariff import PromptRange
from domain.usage import NANOUSD, Tokens
from store.spending import ModelUsage, Spend

AT = datetime(2026, 11, 22, tzinfo=UTC)
SHORT = PromptRange(0, 200_000)
SONNET, HAIKU = "claude-sonnet-4-5", "claude-haiku-4-5"
# Dollars for a million tokens: Sonnet 4.5 takes 3 in and 15 out, Haiku 4.5 1 and 5.
MONTH = 365.25 / 12 / DAYS


def used(
    model: str | None, mtok_in: int, mtok_out: int = 0, usd: float | None = None
) -> ModelUsage:
    """So many million tokens, which cost so many dollars (None: no price)."""
    tokens = Tokens(input=mtok_in * 10**6, cache_read=0, cache_write=0, output=mtok_out * 10**6)
    return ModelUsage(
        model=model,
        prompts=SHORT,
        tokens=tokens,
        spend=Spend(
            nanousd=None if usd is None else round(usd * NANOUSD),
            tokens=tokens.billable(),
            unpriced_tokens=tokens.billable() if usd is None else 0,
        ),
    )


def month(*usage: ModelUsage, people: int = 10, sessions: list[Session] | None = None) -> Month:
    return Month(paid=usage, listed=usage, people=people, at=AT, sessions=sessions or [])


def dollars(result: ScenarioResult) -> tuple[Any, Any]:
    assert result.unsaid is None
    assert result.now_nanousd is not None
    assert result.then_nanousd is not None
    return (
        pytest.approx(result.now_nanousd / NANOUSD, abs=1e-6),
        pytest.approx(result.then_nanousd / NANOUSD, abs=1e-6),
    )


BOTH = month(used(SONNET, 100, 10, 450), used(HAIKU, 50, 0, 50))


def test_a_price_change_moves_its_model_only() -> None:
    told = scenario(PriceChange(model="claude-sonnet*", factor=1.2), BOTH)
    assert dollars(told) == (500 * MONTH, (450 * 1.2 + 50) * MONTH)
    assert told.tokens == round(110_000_000 * MONTH)


def test_a_switch_leaves_the_tier_behind() -> None:
    # Fast mode of Opus 5.5 takes 8 in and 40 out, twice the usual price.
    fast = replace(used("claude-opus-5-5", 100, 10, 1200), tier="fast")
    now = month(fast, used(HAIKU, 50, 0, 50))
    told = scenario(ModelSwitch(model="claude-opus-*", to=SONNET), now)
    assert dollars(told) == (1250 * MONTH, (100 * 3 + 10 * 15 + 50) * MONTH)
    cached = scenario(CacheShare(share=0.0), month(fast))
    assert dollars(cached) == (1200 * MONTH, 1200 * MONTH)


def test_a_switch_takes_the_other_s_list_price() -> None:
    told = scenario(ModelSwitch(model=SONNET, to=HAIKU), BOTH)
    assert dollars(told) == (500 * MONTH, (100 * 1 + 10 * 5 + 50) * MONTH)
    assert any("as many tokens" in each for each in told.assumptions)


@pytest.mark.parametrize(
    ("change", "factor"), [(HeadCount(people=5), 1.5), (HeadCount(factor=0.5), 0.5)]
)
def test_more_people_use_more(change: HeadCount, factor: float) -> None:
    assert dollars(scenario(change, BOTH)) == (500 * MONTH, 500 * factor * MONTH)


def test_more_of_the_prompt_from_the_cache_costs_less() -> None:
    # 100 million fresh tokens at 3 dollars; read from the cache they cost 30 cents.
    told = scenario(CacheShare(share=0.5), month(used(SONNET, 100, 0, 300)))
    assert dollars(told) == (300 * MONTH, (50 * 3 + 50 * 0.3) * MONTH)


def test_own_hosting_pays_from_its_break_even_on() -> None:
    # Four dollars and nine cents a million now, one then: 3.09 saved on each.
    change = OwnHosting(model=SONNET, month_nanousd=1_000 * NANOUSD, mtok_nanousd=NANOUSD)
    told = scenario(change, BOTH)
    saved = (450 / 110 - 1) * 110 * MONTH
    assert dollars(told) == (500 * MONTH, pytest.approx(500 * MONTH + 1_000 - saved, abs=1e-3))
    assert told.break_even_tokens == pytest.approx(1_000 / (450 / 110 - 1) * 10**6, rel=1e-9)
    dear = OwnHosting(model=SONNET, month_nanousd=0, mtok_nanousd=5 * NANOUSD)
    assert scenario(dear, BOTH).break_even_tokens is None


def sessions() -> list[Session]:
    """Documentation and a feature on Sonnet, a small bug fix on Haiku, something unknown."""
    return [
        Session(usage=[used(SONNET, 60, 6, 270)], work_type=WorkType.DOCS, lines=900),
        Session(usage=[used(SONNET, 20, 2, 90)], work_type=WorkType.FEATURE, lines=500),
        Session(usage=[used(HAIKU, 50, 0, 50)], work_type=WorkType.BUG, lines=9),
        Session(usage=[used(SONNET, 20, 2, 90)]),
    ]


def test_a_routing_policy_moves_the_kinds_of_work_it_names() -> None:
    told = scenario(
        Routing(models={WorkType.DOCS: HAIKU}), month(*BOTH.listed, sessions=sessions())
    )
    assert dollars(told) == (500 * MONTH, (500 - 270 + 60 + 30) * MONTH)
    assert "14% of all tokens belong to no known kind of work" in told.missing


def test_a_trial_of_a_small_model_is_worth_it_for_much_narrow_work_on_a_frontier_one() -> None:
    told = scenario(SmallModelTrial(model=HAIKU), month(*BOTH.listed, sessions=sessions()))
    # Only the documentation: the small fix is done by the small model already, and Sonnet costs
    # three times as much as Haiku.
    assert told.tokens == round(66_000_000 * MONTH)
    assert told.worth_a_trial is True
    assert dollars(told) == (500 * MONTH, (500 - 270 + 60 + 30) * MONTH)
    little = [Session(usage=[used(SONNET, 50, 5, 225)], work_type=WorkType.DOCS)]
    assert (
        scenario(SmallModelTrial(model=HAIKU), month(*BOTH.listed, sessions=little)).worth_a_trial
        is False
    )


@pytest.mark.parametrize(
    ("change", "of"),
    [
        (PriceChange(model="gpt-5", factor=2), BOTH),
        (PriceChange(model="nobody-1", factor=2), month(used("nobody-1", 5))),
        (ModelSwitch(model=SONNET, to="nobody-1"), BOTH),
        (ModelSwitch(model="gpt-5", to=HAIKU), BOTH),
        (HeadCount(people=1), month(used(SONNET, 1, 0, 3), people=0)),
        (HeadCount(people=-11), BOTH),
        (CacheShare(share=0.5), month(used("nobody-1", 5))),
        (Routing(models={WorkType.DOCS: HAIKU}), BOTH),
        (SmallModelTrial(model=HAIKU), BOTH),
        (SmallModelTrial(model="nobody-1"), BOTH),
        (OwnHosting(model="gpt-5", month_nanousd=1, mtok_nanousd=1), BOTH),
        (PriceChange(model=SONNET, factor=2), month()),
    ],
)
def test_where_it_cannot_say_it_says_why(change: Change, of: Month) -> None:
    told = scenario(change, of)
    assert told.unsaid
    assert (told.now_nanousd, told.then_nanousd, told.delta_nanousd) == (None, None, None)


def test_it_names_the_model_that_has_no_price() -> None:
    of = month(used("nobody-1", 5))
    assert scenario(ModelSwitch(model="nobody-1", to=SONNET), of).unsaid == (
        "there are no list prices to compare with: nobody-1"
    )


@pytest.mark.parametrize(
    "change",
    [
        ModelSwitch(model=SONNET, to=HAIKU),
        OwnHosting(model=SONNET, month_nanousd=1, mtok_nanousd=1),
        HeadCount(factor=2),
        PriceChange(model=SONNET, factor=2),
    ],
)
def test_what_of_the_month_has_no_price_is_named_whatever_changes(change: Change) -> None:
    told = scenario(change, month(used(SONNET, 100, 0, 300), used("nobody-1", 28)))
    assert f"{round(28_000_000 * MONTH):,} tokens a month that have no price" in told.missing


def test_tokens_without_a_price_are_named_and_left_out() -> None:
    told = scenario(CacheShare(share=0.0), month(used(SONNET, 100, 0, 300), used("nobody-1", 28)))
    assert dollars(told) == (300 * MONTH, 300 * MONTH)
    assert told.missing == (f"{round(28_000_000 * MONTH):,} tokens a month that have no price",)
