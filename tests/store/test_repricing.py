"""Stored usage priced anew is exactly what folding it at those prices would have booked."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import text

from collector.dialects import tells
from collector.fold import fold
from collector.growth import Growth, grown
from domain.company_prices import CompanyPrices
from domain.events import (
    Context,
    Counted,
    Observation,
    Purpose,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Series,
    Source,
)
from domain.price_book import LIST_PRICES, PriceBook
from domain.price_file import parse
from domain.repricing import Kept
from domain.usage import Tokens
from store import sessions
from store.engine import Database
from store.report_prices import balances, hour_of, seen_usage
from store.repricing import Money, Repricing, ToolMoney, reprice
from tests.capturing import scenarios
from tests.filling import Fresh, bodies, fill, one, rows
from tests.telling import observation

DAY = date(2026, 11, 22)
START = datetime(2026, 11, 22, tzinfo=UTC)
SONNET, GEMINI, HAIKU = "claude-sonnet-4-5", "gemini-2.5-pro", "claude-haiku-5-5"
OPUS = "claude-opus-5-5"
MODELS = (
    SONNET,
    GEMINI,
    HAIKU,
    OPUS,
    "gpt-5.5",
    "deepseek-v4-flash",
    "gemini-flash-1.5-8b",
    "nobody",
    None,
)
FEW = settings(max_examples=15)

BOOKS = [
    "",
    "[[discount]]\nfrom = 2026-01-01\npercent_off = 17.3\n",
    """
[[discount]]
from = 2026-11-23
percent_off = 3
models = ["gemini-*"]
[[price]]
from = 2026-01-01
through = 2026-11-22
tools = ["codex"]
teams = ["payments"]
input = 0.000333
output = 7
[[price.long_prompt]]
over = 150_000
input = 3.1
[[price]]
from = 2026-01-01
tiers = ["FAST"]
models = ["gpt-*"]
output = 70
[[pool]]
name = "credit"
from = 2026-01-01
through = 2026-12-31
models = ["claude-*"]
paid_usd = 2
credit_usd = 3
[[seats]]
name = "seats"
from = 2026-01-01
tools = ["gemini-cli"]
seats = 1
usd_per_seat_month = 10
usage_included = true
""",
]
PRICES = [PriceBook()] + [PriceBook(parse(each)) for each in BOOKS]
# Money and tokens by everything but the range of prompt lengths, which other prices draw otherwise.
_SUMS = """
    SELECT session_pk, rank, hour, model, purpose, context_pk,
           SUM(COALESCE(input, 0) + COALESCE(output, 0)),
           SUM(list_nanousd) * 1000 + SUM(list_rest_picousd), SUM(unpriced_tokens),
           SUM(effective_nanousd) * 1000 + SUM(effective_rest_picousd),
           SUM(effective_unpriced_tokens)
    FROM usage GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
"""


def observed(
    number: int, at: datetime, fact: RequestAnswered | RequestFailed | Counted, **told: Any
) -> Observation:
    metric = isinstance(fact, Counted)
    named = {"tool": "codex", "session_id": "s1", "context": Context(), **told}
    return observation(
        installation="i",
        key=number.to_bytes(16, "big"),
        at=at,
        source=Source.METRIC if metric else Source.LOG,
        rank=1 if metric else 0,
        facts=(fact,),
        **named,
    )


def answered(
    number: int, at: datetime, model: str | None, tokens: Tokens, **told: Any
) -> Observation:
    fact = RequestAnswered(model=model, tokens=tokens, purpose=Purpose.MAIN)
    return observed(number, at, fact, **told)


@st.composite
def amounts(draw: st.DrawFn) -> Tokens:
    size = st.none() | st.integers(0, 5) | st.integers(0, 400_000)
    written, output = draw(size), draw(size)
    return Tokens(
        input=draw(size),
        cache_read=draw(size),
        cache_write=written,
        cache_write_1h=None if written is None else draw(st.none() | st.integers(0, written)),
        output=output,
        reasoning=None if output is None else draw(st.none() | st.integers(0, output)),
    )


COUNTERS = (
    Quantity.TOKENS_OUTPUT,
    Quantity.TOKENS_CACHE_READ,
    Quantity.TOKENS_CACHE_READ_INSIDE,
    Quantity.TOKENS_REASONING_BESIDE,
)


@st.composite
def observations(draw: st.DrawFn) -> list[Observation]:
    """Requests and counters of several tools, teams, models and hours of two days."""
    made = []
    for number in range(draw(st.integers(1, 12))):
        at = START + timedelta(minutes=draw(st.integers(0, 48 * 60 - 1)))
        model = draw(st.sampled_from(MODELS))
        fact: RequestAnswered | RequestFailed | Counted = RequestAnswered(
            model=model, tokens=draw(amounts())
        )
        kind = draw(st.integers(0, 5))
        if kind == 0:
            fact = RequestFailed(model=model)
        elif kind <= 2:
            bucket = draw(st.sampled_from(COUNTERS))
            fact = Counted(quantity=bucket, amount=draw(st.integers(0, 10**6)), model=model)
        tool = draw(st.sampled_from(["codex", "gemini-cli", "claude-code"]))
        team = draw(st.sampled_from([None, "payments"]))
        tier = draw(st.sampled_from([None, None, "fast", "flex"]))
        context = Context(team=team, tier=tier)
        made.append(observed(number, at, fact, tool=tool, context=context))
    return made


def put(
    database: Database,
    told: Iterable[Observation],
    prices: PriceBook,
    growths: Iterable[Growth] = (),
) -> None:
    with database.writing() as connection:
        sessions.apply(connection, fold(told, growths, tells, prices))


def put_each(database: Database, told: Iterable[Observation], prices: PriceBook) -> None:
    for each in told:
        put(database, [each], prices)


def again(
    database: Database,
    prices: PriceBook,
    first: date = date(2020, 1, 1),
    after: date | None = None,
    *,
    dry_run: bool = False,
) -> Repricing:
    end = None if after is None else hour_of(after)
    return reprice(database, prices, hour_of(first), end, dry_run=dry_run)


def sums(database: Database) -> Sequence[Any]:
    with database.reading() as connection:
        return connection.execute(text(_SUMS)).all()


# Exact


@FEW
@given(observations(), st.sampled_from(PRICES))
def test_at_unchanged_prices_nothing_changes(
    fresh: Fresh, told: list[Observation], prices: PriceBook
) -> None:
    with fresh() as database:
        put_each(database, told, prices)
        before = rows(database, "usage")
        done = again(database, prices)
        assert (done.changed, done.rows) == (0, len(before))
        assert rows(database, "usage") == before
        for money in (
            each for tool in done.tools.values() for each in (tool.listed, tool.effective)
        ):
            assert money.before == money.after
            assert money.unpriced_before == money.unpriced_after


@settings(max_examples=40)
@given(observations(), st.sampled_from(PRICES), st.sampled_from(PRICES[1:]))
def test_at_other_prices_it_costs_what_folding_it_now_would_book(
    fresh: Fresh, told: list[Observation], before: PriceBook, now: PriceBook
) -> None:
    with fresh() as database, fresh() as anew:
        put(database, told, before)
        put(anew, told, now)
        done = again(database, now)
        if not done.kept:
            assert sums(database) == sums(anew)
        twice = again(database, now)
        assert (twice.changed, twice.kept) == (0, done.kept)


@pytest.mark.parametrize("tool", ["claude-code", "codex", "gemini-cli"])
def test_captures_keep_their_prices_to_the_last_digit(tool: str, database: Database) -> None:
    for scenario in scenarios(tool):
        fill(database, bodies(scenario))
    before = rows(database, "usage")
    done = again(database, LIST_PRICES)
    assert (done.changed, done.kept) == (0, {})
    assert rows(database, "usage") == before
    assert done.rows == len(before) > 0


def test_readings_of_a_counter_keep_half_a_nano_dollar(database: Database) -> None:
    # 37.5 nano-dollars a token.
    def reading(minute: int, value: int) -> Observation:
        at = START + timedelta(minutes=minute)
        fact = Counted(quantity=Quantity.TOKENS_INPUT, amount=value, model="gemini-flash-1.5-8b")
        return structs.replace(observed(minute, at, fact), series=Series(key=b"s"))

    known: dict[int, int] = {}
    for minute, value in ((1, 3), (2, 5), (65, 8)):
        telling, growths = grown(known, [reading(minute, value)])
        put(database, telling, LIST_PRICES, growths)
        known[hour_of(DAY) + minute // 60] = value
    assert rows(database, "usage", "list_nanousd, list_rest_picousd") == [(113, -500), (188, -500)]
    assert again(database, LIST_PRICES).changed == 0


# What changes


def requests() -> list[Observation]:
    """1,000,000 tokens at $3 on one day and on the next."""
    return [
        answered(n, START + timedelta(days=n), SONNET, Tokens(input=100_000, cache_read=0))
        for n in range(2)
    ]


HALF = PriceBook(parse("[[discount]]\nfrom = 2026-01-01\npercent_off = 50\n"))


def test_money_is_told_by_tool_before_and_after(database: Database) -> None:
    put(database, requests(), LIST_PRICES)
    put(database, [answered(9, START, "nobody", Tokens(output=7), tool="cline")], LIST_PRICES)
    expected = Repricing(
        rows=3,
        changed=3,
        tools={
            "cline": ToolMoney(
                listed=Money(unpriced_before=7, unpriced_after=7),
                effective=Money(unpriced_before=0, unpriced_after=7),
            ),
            "codex": ToolMoney(
                listed=Money(before=600_000_000, after=600_000_000),
                effective=Money(before=None, after=300_000_000),
            ),
        },
    )
    assert again(database, HALF, dry_run=True) == expected
    assert one(database, "SELECT COUNT(effective_nanousd) FROM usage") == 0
    assert again(database, HALF) == expected
    assert one(database, "SELECT SUM(effective_nanousd) FROM usage") == 300_000_000
    assert again(database, HALF).changed == 0


def test_only_usage_of_the_days_asked_for_is_priced_anew(database: Database) -> None:
    put(database, requests(), LIST_PRICES)
    done = again(database, HALF, DAY + timedelta(days=1), DAY + timedelta(days=2))
    assert (done.rows, done.changed) == (1, 1)
    priced = rows(database, "usage", "hour / 24, effective_nanousd")
    assert priced == [(hour_of(DAY) // 24, None), (hour_of(DAY) // 24 + 1, 150_000_000)]


def test_a_model_that_the_price_list_has_learnt_is_priced(database: Database) -> None:
    put(database, requests(), HALF)
    as_folded = sums(database)
    with database.writing() as connection:
        connection.execute(
            text(
                "UPDATE usage SET list_nanousd = NULL, effective_nanousd = NULL,"
                " unpriced_tokens = input, effective_unpriced_tokens = input"
            )
        )
    done = again(database, HALF)
    assert done.tools["codex"].listed == Money(
        before=None, after=600_000_000, unpriced_before=200_000, unpriced_after=0
    )
    assert sums(database) == as_folded


def test_without_a_price_file_effective_costs_stay(database: Database) -> None:
    put(database, requests(), HALF)
    before = sums(database)
    assert again(database, LIST_PRICES).changed == 0
    assert sums(database) == before


def test_repeated_signals_are_priced_too_and_counted_once(database: Database) -> None:
    told = requests()
    counter = Counted(quantity=Quantity.TOKENS_INPUT, amount=200_000, model=SONNET)
    put(database, [*told, observed(7, START, counter)], LIST_PRICES)
    done = again(database, HALF)
    assert done.changed == done.rows == 3
    assert done.tools["codex"].effective == Money(before=None, after=300_000_000)


def test_sessions_whose_cost_has_changed_are_concluded_anew(database: Database) -> None:
    put(database, requests(), LIST_PRICES)
    put(database, [answered(9, START, None, Tokens(), session_id="s2")], LIST_PRICES)
    with database.writing() as connection:
        connection.execute(text("DELETE FROM dirty_sessions"))
    again(database, LIST_PRICES)
    assert rows(database, "dirty_sessions") == []
    again(database, HALF)
    marked = one(database, "SELECT session_id FROM sessions JOIN dirty_sessions ON session_pk = pk")
    assert marked == "s1"


# What can't be told anew

LONG = Tokens(input=180_000, output=1)


def test_a_new_step_of_prompt_length_keeps_what_was_not_kept_apart(database: Database) -> None:
    stepped = PriceBook(
        parse(
            "[[price]]\nfrom = 2026-01-01\ninput = 1\noutput = 1\n"
            "[[price.long_prompt]]\nover = 150_000\ninput = 2\noutput = 2\n"
        )
    )
    put(database, [answered(1, START, SONNET, LONG)], HALF)
    before = sums(database)
    done = again(database, stepped)
    why = Kept.PROMPT_LENGTHS
    assert (done.changed, done.kept) == (0, {("codex", SONNET, why): 180_001})
    assert sums(database) == before
    # Folded while the step was known, it can be.
    put(database, [answered(2, START, SONNET, LONG, session_id="s2")], stepped)
    assert again(database, HALF).kept == {}
    assert again(database, stepped).kept == {("codex", SONNET, why): 180_001}


def test_a_price_that_changes_within_the_hour_keeps_what_was_booked(database: Database) -> None:
    told = [
        answered(n, START + timedelta(minutes=minute), "deepseek-chat", Tokens(output=1_000_000))
        for n, minute in enumerate((10, 40, 70))
    ]
    put(database, told, LIST_PRICES)
    # $0.55 before half past midnight, $1.10 after.
    booked = rows(database, "usage", "list_nanousd")
    assert booked == [(1_100_000_000,), (1_650_000_000,)]
    done = again(database, LIST_PRICES)
    assert (done.changed, done.kept) == (
        0,
        {("codex", "deepseek-chat", Kept.TIME_OF_DAY): 2_000_000},
    )


# Beside the server


def test_what_is_folded_meanwhile_is_neither_lost_nor_priced_twice(database: Database) -> None:
    told = [
        answered(
            n, START + timedelta(minutes=n % 7), SONNET, Tokens(output=1), session_id=f"s{n % 5}"
        )
        for n in range(60)
    ]
    put(database, told[:30], LIST_PRICES)
    with ThreadPoolExecutor() as pool, closing(Database(database.url)) as other:
        folding = pool.submit(put_each, other, told[30:], HALF)
        while not folding.done():
            again(database, HALF)
        folding.result()
    again(database, HALF)
    assert one(database, "SELECT SUM(output) FROM usage") == 60
    assert one(database, "SELECT SUM(list_nanousd) FROM usage") == 60 * 15_000
    assert one(database, "SELECT SUM(effective_nanousd) FROM usage") == 60 * 7_500


def test_every_session_is_reached_however_many_there_are(database: Database) -> None:
    told = [answered(n, START, SONNET, Tokens(output=1), session_id=f"s{n}") for n in range(1, 450)]
    put(database, told, LIST_PRICES)
    assert again(database, HALF).changed == 449
    assert one(database, "SELECT COUNT(*) FROM usage WHERE effective_nanousd = 7500") == 449


# What the file is held against

POOLED = """
[[pool]]
name = "credit"
from = 2026-11-22
through = 2026-11-23
models = ["claude-*"]
paid_usd = 1
credit_usd = 0.40
[[price]]
from = 2026-11-23
tools = ["codex"]
input = 1
"""


def test_a_pool_is_drawn_by_the_usage_that_it_prices(database: Database) -> None:
    company = parse(POOLED)
    put(database, requests(), PriceBook(company))
    put(database, [answered(5, START, GEMINI, LONG)], PriceBook(company))
    counter = Counted(quantity=Quantity.TOKENS_INPUT, amount=200_000, model=SONNET)
    put(database, [observed(7, START, counter)], PriceBook(company))
    more = [
        answered(11, START + timedelta(days=1), SONNET, Tokens(input=50_000), tool="cline"),
        answered(12, START + timedelta(days=2), SONNET, Tokens(input=50_000), tool="cline"),
        answered(13, START - timedelta(hours=1), SONNET, Tokens(input=50_000), tool="cline"),
    ]
    put(database, more, PriceBook(company))
    with database.reading() as connection:
        [balance] = balances(connection, company)
    # 100,000 of codex on the first day, before its own price; 50,000 of cline on the second.
    assert balance.drawn_nanousd == 450_000_000
    assert (balance.left_nanousd, balance.overdrawn_nanousd) == (0, 50_000_000)
    assert balances_of(database, CompanyPrices()) == []


def balances_of(database: Database, company: CompanyPrices) -> Sequence[Any]:
    with database.reading() as connection:
        return balances(connection, company)


def test_usage_seen_by_tool_team_and_model(database: Database) -> None:
    put(database, requests(), LIST_PRICES)
    put(database, [answered(9, START, None, Tokens(), session_id="s2")], LIST_PRICES)
    with database.reading() as connection:
        [seen] = seen_usage(connection)
        assert seen_usage(connection, DAY + timedelta(days=2)) == []
    assert (seen.tool, seen.team, seen.model) == ("codex", None, SONNET)
    assert (seen.first, seen.last) == (DAY, DAY + timedelta(days=1))
    assert (seen.tokens.input, seen.list_nanousd) == (200_000, 600_000_000)
