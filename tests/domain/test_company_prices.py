"""Which of the company's prices holds for which usage, and what seats cost."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.company_prices import (
    FREE,
    CompanyPrices,
    Kind,
    Period,
    Pool,
    Rule,
    Scope,
    Seats,
    Terms,
    effective_tariff,
)
from domain.price_book import PriceBook
from domain.pricing import Unpriced, list_tariff
from domain.tariff import Rates, Tariff, cost_of
from domain.usage import Tokens

DAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SONNET = "claude-sonnet-4-5-20250929"
ALWAYS = Period(first=date(2026, 1, 1))
FIXED = Tariff(Rates(input=7))
DAYS = st.dates(date(2024, 1, 1), date(2028, 12, 31))


def rule(kind: Kind, place: str, period: Period = ALWAYS, **scope: tuple[str, ...]) -> Rule:
    terms: dict[Kind, Terms] = {
        Kind.DISCOUNT: Fraction(9, 10),
        Kind.POOL: Fraction(4, 5),
        Kind.PRICE: FIXED,
        Kind.SEATS: FREE,
    }
    return Rule(kind=kind, scope=Scope(**scope), period=period, terms=terms[kind], place=place)


def chosen(
    *rules: Rule,
    tool: str = "claude-code",
    team: str | None = "payments",
    model: str | None = SONNET,
    day: date = DAY,
) -> str | None:
    found = CompanyPrices(rules=rules).rule(tool, team, model, day)
    return found.place if found else None


# Which rule


def test_usage_that_no_rule_names_has_none() -> None:
    assert chosen() is None
    assert chosen(rule(Kind.PRICE, "other", tools=("codex",))) is None
    assert chosen(rule(Kind.PRICE, "other", teams=("search",))) is None
    assert chosen(rule(Kind.PRICE, "other", models=("claude-opus*",))) is None


def test_the_kind_decides_before_the_scope() -> None:
    rules = [
        rule(Kind.DISCOUNT, "discount", tools=("claude-code",), models=(SONNET,)),
        rule(Kind.POOL, "pool", models=(SONNET,)),
        rule(Kind.PRICE, "price", models=("claude-*",)),
        rule(Kind.SEATS, "seats", tools=("claude-code",)),
    ]
    picked = [chosen(*rules[:count]) for count in range(1, 5)]
    assert picked == ["discount", "pool", "price", "seats"]
    assert [chosen(*reversed(rules[:count])) for count in range(1, 5)] == picked


def test_of_one_kind_the_narrower_decides() -> None:
    rules = [
        rule(Kind.PRICE, "all"),
        rule(Kind.PRICE, "tool", tools=("claude-code",)),
        rule(Kind.PRICE, "team", teams=("payments",)),
        rule(Kind.PRICE, "tool of team", tools=("claude-code",), teams=("payments",)),
        rule(Kind.PRICE, "beginning", models=("claude-*",)),
        rule(Kind.PRICE, "longer beginning", models=("claude-sonnet-*",)),
        rule(Kind.PRICE, "all of it", models=(SONNET + "*",)),
        rule(Kind.PRICE, "name", models=("gpt-5", SONNET)),
    ]
    picked = [chosen(*rules[:count]) for count in range(1, 9)]
    assert picked == [each.place for each in rules]
    assert [chosen(*reversed(rules[:count])) for count in range(1, 9)] == picked


def test_a_scope_with_tiers_is_these_and_one_without_any() -> None:
    fast = rule(Kind.DISCOUNT, "fast", tiers=("fast",))
    usual = rule(Kind.DISCOUNT, "usual", tiers=("standard",))
    company = CompanyPrices(rules=(rule(Kind.DISCOUNT, "any"), fast, usual))
    picked = [
        found.place
        for tier in (None, "fast", "flex")
        if (found := company.rule("codex", None, SONNET, DAY, tier)) is not None
    ]
    assert picked == ["usual", "fast", "any"]


@pytest.mark.parametrize(
    ("pattern", "model", "matches"),
    [
        ("claude-*", "Claude-Opus-4-6", True),
        ("Claude-Opus-4-6", "claude-opus-4-6", True),
        ("claude-opus-4", "claude-opus-4-6", False),
        ("*", None, True),
        ("*", "anything", True),
        ("claude-*", None, False),
    ],
)
def test_models_are_named_whole_or_by_their_beginning(
    pattern: str, model: str | None, matches: bool
) -> None:
    assert (chosen(rule(Kind.PRICE, "it", models=(pattern,)), model=model) == "it") is matches


def test_a_scope_without_teams_is_every_team_and_one_with_them_is_told_teams() -> None:
    assert chosen(rule(Kind.PRICE, "it"), team=None) == "it"
    assert chosen(rule(Kind.PRICE, "it", teams=("payments",)), team=None) is None


@given(DAYS, DAYS, DAYS)
def test_a_rule_holds_from_its_first_through_its_last_day(a: date, b: date, day: date) -> None:
    first, last = sorted((a, b))
    bounded = rule(Kind.PRICE, "it", Period(first=first, last=last))
    assert (chosen(bounded, day=day) == "it") is (first <= day <= last)
    unbounded = rule(Kind.PRICE, "it", Period(first=first))
    assert (chosen(unbounded, day=day) == "it") is (first <= day)


@given(*[DAYS] * 5)
def test_periods_meet_where_a_day_is_in_both(a: date, b: date, c: date, d: date, day: date) -> None:
    one, other = Period(first=min(a, b), last=max(a, b)), Period(first=min(c, d), last=max(c, d))
    shared = max(a, b) >= min(c, d) and max(c, d) >= min(a, b)
    assert one.meets(other) == other.meets(one) == shared
    assert one.meets(other) or not (one.covers(day) and other.covers(day))


@given(DAYS, DAYS)
def test_between_two_turns_the_same_rule_holds(start: date, end: date) -> None:
    company = CompanyPrices(
        rules=(
            rule(Kind.DISCOUNT, "early", Period(first=date(2025, 1, 1), last=date(2026, 6, 30))),
            rule(Kind.DISCOUNT, "late", Period(first=date(2026, 7, 1))),
            rule(Kind.PRICE, "week", Period(first=date(2026, 8, 3), last=date(2026, 8, 9))),
        )
    )
    turns = company.turns(start, end)
    day = start
    while day < end:
        before = max(turn for turn in turns if turn <= day)
        here, there = (company.rule("t", None, None, each) for each in (day, before))
        assert here == there
        day += timedelta(days=1)


# What it costs


def effective(company: CompanyPrices, model: str | None = SONNET) -> Tariff | Unpriced:
    quote = PriceBook(company).quote("claude-code", None, model, NOON)
    assert quote.effective is not None
    return quote.effective


def test_without_a_file_the_effective_price_is_not_known() -> None:
    assert PriceBook().quote("claude-code", None, SONNET, NOON).effective is None


def test_without_a_rule_usage_costs_its_list_price() -> None:
    assert effective(CompanyPrices()) == list_tariff(SONNET, NOON)
    assert effective(CompanyPrices(), "nobody-1") is Unpriced.MODEL_UNKNOWN


@given(
    st.integers(0, 10_000),
    st.sampled_from([SONNET, "gpt-5.2-codex", "gemini-2.5-pro", "deepseek-chat"]),
    st.tuples(*[st.integers(0, 300_000)] * 4),
)
def test_a_discount_is_a_part_of_list_price(
    hundredths: int, model: str, amounts: tuple[int, int, int, int]
) -> None:
    share = Fraction(10_000 - hundredths, 10_000)
    discount = Rule(
        kind=Kind.DISCOUNT, scope=Scope(), period=ALWAYS, terms=share, place="discount[1]"
    )
    told = Tokens(
        **dict(zip(("input", "cache_read", "cache_write", "output"), amounts, strict=True))
    )
    listed, reduced = list_tariff(model, NOON), effective(CompanyPrices(rules=(discount,)), model)
    assert isinstance(listed, Tariff)
    assert isinstance(reduced, Tariff)
    prompt = sum(amounts[:3])
    full = cost_of(told, listed.at(prompt)).pico or 0
    paid = cost_of(told, reduced.at(prompt)).pico or 0
    # A discounted price is a whole number of pico-dollars a token.
    assert abs(paid - full * share) <= Fraction(told.billable(), 2)


def test_a_discount_of_what_has_no_list_price_is_none_and_a_fixed_price_is_one() -> None:
    company = CompanyPrices(rules=(rule(Kind.DISCOUNT, "discount"),))
    assert effective(company, "nobody-1") is Unpriced.MODEL_UNKNOWN
    company = CompanyPrices(rules=(rule(Kind.PRICE, "price"),))
    assert effective(company, "nobody-1") == FIXED
    assert effective(company, None) == FIXED


def test_usage_that_a_seat_includes_costs_nothing_more_also_of_unknown_models() -> None:
    company = CompanyPrices(rules=(rule(Kind.SEATS, "seats", tools=("claude-code",)),))
    told = Tokens(input=5, cache_read=5, cache_write=5, cache_write_1h=1, output=5, reasoning=2)
    free = effective(company, "nobody-1")
    assert isinstance(free, Tariff)
    assert cost_of(told, free.base) == (0, 0)


def test_a_pool_costs_the_share_at_which_its_credit_was_bought() -> None:
    pool = Pool(
        name="2026", period=ALWAYS, paid_nanousd=80_000, credit_nanousd=100_000, place="pool[1]"
    )
    assert pool.share == Fraction(4, 5)
    listed = Tariff(Rates(input=10), ((5, Rates(input=20)),))
    drawn = effective_tariff(rule(Kind.POOL, "pool[1]"), listed)
    assert drawn == Tariff(Rates(input=8), ((5, Rates(input=16)),))


# Seats


def seats(count: int, month: int, first: date, last: date | None = None) -> Seats:
    return Seats(
        name="seats",
        scope=Scope(tools=("copilot",)),
        period=Period(first=first, last=last),
        seats=count,
        month_nanousd=month,
        included=True,
    )


@given(st.integers(1, 50_000), st.integers(0, 10**12), DAYS, st.tuples(DAYS, DAYS, DAYS))
def test_fees_of_adjoining_times_add_up(
    count: int, month: int, first: date, days: tuple[date, date, date]
) -> None:
    start, middle, end = sorted(days)
    bought = seats(count, month, first)
    parts = bought.cost_nanousd(start, middle) + bought.cost_nanousd(middle, end)
    assert parts == bought.cost_nanousd(start, end) >= 0


@given(st.integers(1, 50_000), st.integers(0, 10**12), st.integers(1, 12))
def test_a_whole_month_costs_the_monthly_fee(count: int, month: int, number: int) -> None:
    start = date(2028, number, 1)
    end = date(2028 + number // 12, number % 12 + 1, 1)
    assert seats(count, month, date(2026, 5, 5)).cost_nanousd(start, end) == count * month


def test_fees_are_those_of_the_days_in_which_the_seats_are_bought() -> None:
    bought = seats(3, 30_000, date(2026, 11, 16), date(2026, 11, 20))
    assert bought.cost_nanousd(date(2026, 11, 1), date(2026, 12, 1)) == 5 * 3 * 1_000
    assert bought.cost_nanousd(date(2026, 11, 20), date(2027, 1, 1)) == 3 * 1_000
    assert bought.cost_nanousd(date(2026, 1, 1), date(2026, 11, 16)) == 0
    assert bought.cost_nanousd(date(2026, 11, 21), date(2028, 1, 1)) == 0
