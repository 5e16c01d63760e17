"""The price file: what it says, what is wrong with it and where."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

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
)
from domain.price_book import PriceBook, cost
from domain.price_file import PriceFileInvalid, parse
from domain.tariff import Rates, Tariff, prompt_of
from domain.usage import Tokens, nanousd

DOCS = Path(__file__).parents[2] / "docs" / "prices.md"


def problems(text: str) -> list[str]:
    """Everything that is wrong with this file."""
    with pytest.raises(PriceFileInvalid) as refusal:
        parse(text)
    return [str(problem) for problem in refusal.value.problems]


def test_an_empty_file_says_that_list_price_is_paid() -> None:
    assert parse("# nothing agreed yet\n") == CompanyPrices()


EVERYTHING = """
[[discount]]
from = 2026-01-01
percent_off = 12.5

[[price]]
from = 2026-02-01
through = 2026-02-28
tools = ["cline"]
teams = ["payments", "search"]
models = ["house-*"]
tiers = ["standard", "Fast"]
note = '''
[[price]]
input = 3
'''
input = 3
cache_read = 0.3
cache_write = 3.75
cache_write_1h = 6
output = 15.000001

  [[price.long_prompt]]
  over = 200_000
  input = 6

[[seats]]
name = "Teams"
from = 2026-03-01
tools = ["claude-code"]
seats = 40
usd_per_seat_month = 30.50
usage_included = true

[[seats]]
name = "Others"
from = 2026-03-01
tools = ["cursor"]
seats = 1
usd_per_seat_month = 20
usage_included = false

[[pool]]
name = "Credit"
from = 2026-01-01
through = 2026-12-31
paid_usd = 75
credit_usd = 100.00
"""
CREDIT = Period(first=date(2026, 1, 1), last=date(2026, 12, 31))
MARCH = Period(first=date(2026, 3, 1))
TEAM, OTHER = Scope(tools=("claude-code",)), Scope(tools=("cursor",))
BASE = Rates(3_000_000, 300_000, 3_750_000, 6_000_000, 15_000_001, 15_000_001)
SAID = CompanyPrices(
    rules=(
        Rule(
            kind=Kind.DISCOUNT,
            scope=Scope(),
            period=Period(first=date(2026, 1, 1)),
            terms=Fraction(7, 8),
            place="discount[1] (line 2)",
        ),
        Rule(
            kind=Kind.PRICE,
            scope=Scope(
                tools=("cline",),
                teams=("payments", "search"),
                models=("house-*",),
                tiers=("standard", "fast"),
            ),
            period=Period(first=date(2026, 2, 1), last=date(2026, 2, 28)),
            terms=Tariff(BASE, ((200_000, Rates(input=6_000_000)),)),
            place="price[1] (line 6)",
        ),
        Rule(kind=Kind.SEATS, scope=TEAM, period=MARCH, terms=FREE, place="seats[1] (line 27)"),
        Rule(
            kind=Kind.POOL,
            scope=Scope(),
            period=CREDIT,
            terms=Fraction(3, 4),
            place="pool[1] (line 43)",
        ),
    ),
    seats=(
        Seats(
            name="Teams",
            scope=TEAM,
            period=MARCH,
            seats=40,
            month_nanousd=30_500_000_000,
            included=True,
        ),
        Seats(
            name="Others",
            scope=OTHER,
            period=MARCH,
            seats=1,
            month_nanousd=20_000_000_000,
            included=False,
        ),
    ),
    pools=(
        Pool(
            name="Credit",
            period=CREDIT,
            paid_nanousd=75_000_000_000,
            credit_nanousd=100_000_000_000,
            place="pool[1] (line 43)",
        ),
    ),
)


def test_everything_that_can_be_said() -> None:
    assert parse(EVERYTHING) == SAID


PRICE = "[[price]]\nfrom = 2026-01-01\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from = \n", ["this is not TOML: Invalid value (at line 1, column 8)"]),
        (
            "[[prices]]\nfrom = 2026-01-01\n",
            [
                "line 1, prices: is not known; there are [[discount]], [[price]], [[seats]],"
                " [[pool]]"
            ],
        ),
        (
            "currency = 'EUR'\n",
            [
                "line 1, currency: is not known; there are [[discount]], [[price]], [[seats]],"
                " [[pool]]"
            ],
        ),
        (
            "[price]\ninput = 3\n",
            ["line 1, price: is written as tables, each under its own [[price]]"],
        ),
        ("[[price]]\ninput = 3\n", ["line 1, price[1].from: is missing"]),
        (
            "[[price]]\nfrom = '2026-01-01'\ninput = 3\n",
            [
                "line 2, price[1].from: is not a day; write it without quotes, for example"
                " 2026-11-01"
            ],
        ),
        (
            "[[price]]\nfrom = 2026-01-01T00:00:00Z\ninput = 3\n",
            [
                "line 2, price[1].from: is not a day; write it without quotes, for example"
                " 2026-11-01"
            ],
        ),
        (
            "[[price]]\nfrom = 0026-01-01\ninput = 3\n",
            ["line 2, price[1].from: is not in the years 2000 to 2199: 0026-01-01"],
        ),
        (
            PRICE + "through = 2025-12-31\ninput = 3\n",
            ["line 3, price[1].through: is 2025-12-31, before the first day 2026-01-01"],
        ),
        (PRICE + "input = -3\n", ["line 3, price[1].input: is negative: -3"]),
        (PRICE + "input = nan\n", ["line 3, price[1].input: is not a number: NaN"]),
        (PRICE + "input = inf\n", ["line 3, price[1].input: is not a number: Infinity"]),
        (PRICE + "input = true\n", ["line 3, price[1].input: is not a number: True"]),
        (PRICE + "input = '3'\n", ["line 3, price[1].input: is not a number: '3'"]),
        (
            PRICE + "input = 0.0000003\n",
            [
                "line 3, price[1].input: has more than 6 decimals, which can't be kept: 3E-7",
            ],
        ),
        (
            PRICE + "input = 3e6\n",
            ["line 3, price[1].input: is more than 100,000, which nobody pays: 3E+6"],
        ),
        (
            PRICE + "cache_reed = 3\noutput = 3\n",
            ["line 3, price[1].cache_reed: is not known; did you mean cache_read?"],
        ),
        (
            PRICE,
            [
                "line 1, price[1]: has no price; give any of input, cache_read, cache_write,"
                " cache_write_1h, output"
            ],
        ),
        (
            PRICE + "models = 'claude-*'\ninput = 3\n",
            ["line 3, price[1].models: is not a list of names, for example [\"a\", \"b\"]"],
        ),
        (
            PRICE + "tools = []\ninput = 3\n",
            ["line 3, price[1].tools: is not a list of names, for example [\"a\", \"b\"]"],
        ),
        (
            PRICE + "models = ['*-opus']\ninput = 3\n",
            [
                "line 3, price[1].models: '*-opus' has a * before its end; only the last may be"
                " one"
            ],
        ),
        (
            PRICE + "input = 3\n[[price.long_prompt]]\nover = 0\noutput = -1\n",
            [
                "line 5, price[1].long_prompt[1].over: is not a whole number of at least 1: 0",
                "line 6, price[1].long_prompt[1].output: is negative: -1",
            ],
        ),
        (
            PRICE
            + "input = 3\n"
            + "[[price.long_prompt]]\nover = 9\ninput = 4\n" * 2,
            ["line 8, price[1].long_prompt[2].over: 9 stands in two tables of one price"],
        ),
        (
            "[[discount]]\nfrom = 2026-01-01\npercent_off = 101\n",
            ["line 3, discount[1].percent_off: is more than 100, which nobody pays: 101"],
        ),
        (
            "[[seats]]\nfrom = 2026-01-01\nseats = 1.5\nusd_per_seat_month = 0.001\n"
            "usage_included = 'yes'\nname = ''\n",
            [
                "line 1, seats[1].tools: is missing: seats are those of a tool",
                "line 3, seats[1].seats: is not a whole number of at least 1: Decimal('1.5')",
                "line 4, seats[1].usd_per_seat_month: has more than 2 decimals, which can't be"
                " kept: 0.001",
                "line 5, seats[1].usage_included: is neither true nor false: 'yes'",
                "line 6, seats[1].name: is not a text: ''",
            ],
        ),
        (
            "[[pool]]\nname = 'a'\nfrom = 2026-01-01\npaid_usd = 1\ncredit_usd = 0\n",
            [
                "line 1, pool[1].through: is missing: prepaid credit ends on a day",
                "line 5, pool[1].credit_usd: is zero: there is nothing to use up",
            ],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


def test_all_problems_are_named_at_once_in_the_order_of_the_file() -> None:
    text = """
[[discount]]
percent_off = -1

[[price]]
from = 2026-01-01
input = 1
inputs = 2

[[discount]]
from = 2026-01-01
"""
    assert problems(text) == [
        "line 2, discount[1].from: is missing",
        "line 3, discount[1].percent_off: is negative: -1",
        "line 8, price[1].inputs: is not known; did you mean input?",
        "line 10, discount[2].percent_off: is missing",
    ]


def entry(kind: str, **told: str) -> str:
    return f"[[{kind}]]\n" + "".join(f"{name} = {value}\n" for name, value in told.items())


def price(first: str, last: str | None = None, **scope: str) -> str:
    through = {"through": last} if last else {}
    return entry("price", **{"from": first}, **through, **scope, input="1")


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (price("2026-01-01"), price("2027-01-01"), "all usage on 2027-01-01"),
        (price("2026-01-01", "2026-12-31"), price("2027-01-01"), None),
        (
            price("2026-01-01", "2026-12-31"),
            price("2026-12-31"),
            "all usage on 2026-12-31",
        ),
        (
            price("2026-01-01", models='["claude-*", "GPT-5"]'),
            price("2025-01-01", models='["gpt-5"]'),
            "model gpt-5 on 2026-01-01",
        ),
        (
            price("2026-01-01", models='["claude-*"]'),
            price("2026-01-01", models='["claude-opus-*"]'),
            None,
        ),
        (price("2026-01-01", models='["*"]'), price("2026-01-01"), "all usage on 2026-01-01"),
        (
            price("2026-01-01", tools='["cline", "codex"]', teams='["a"]'),
            price("2026-01-01", tools='["codex"]', teams='["b", "a"]'),
            "tool codex, team a on 2026-01-01",
        ),
        (price("2026-01-01", tools='["cline"]'), price("2026-01-01"), None),
        (
            price("2026-01-01"),
            entry("discount", **{"from": "2026-01-01"}, percent_off="5"),
            None,
        ),
    ],
)
def test_two_entries_must_not_say_different_things_of_the_same_usage(
    one: str, other: str, overlap: str | None
) -> None:
    if overlap is None:
        assert len(parse(one + other).rules) == 2
        return
    line = one.count("\n") + 2
    assert problems(one + other) == [
        f"line {line}, price[2].from: overlaps price[1] (line 1): both are about {overlap}"
    ]


def test_names_are_those_of_one_thing_at_a_time() -> None:
    def seats(first: str, last: str) -> str:
        return entry(
            "seats", name='"Teams"', **{"from": first}, through=last, tools='["codex"]',
            seats="1", usd_per_seat_month="1", usage_included="true",
        )  # fmt: skip

    grown = seats("2026-01-01", "2026-06-30") + seats("2026-07-01", "2026-12-31")
    assert [each.name for each in parse(grown).seats] == ["Teams", "Teams"]
    twice = seats("2026-01-01", "2026-06-30") + seats("2026-06-30", "2026-12-31")
    assert problems(twice) == [
        "line 10, seats[2].name: 'Teams' is also the name of seats[1] (line 1), on 2026-06-30"
    ]


_WORDS = st.sampled_from(
    ["from", "through", "tools", "models", "input", "over", "seats", "name", "percent_off", "x"]
)
_VALUES = st.sampled_from(
    ["1", "-1", "0.5", "nan", "1e999", "true", '"a"', '["a"]', "[]", "[1]", "{a = 1}",
     "2026-01-01", "9999-12-31", "2026-01-01T00:00:00", "07:32:00", "'''x'''"]
)  # fmt: skip
_TABLES = st.sampled_from(
    ["[[price]]", "[[price.long_prompt]]", "[[discount]]", "[[seats]]", "[[pool]]", "[price]", "#"]
)
_LINES = st.one_of(_TABLES, st.builds("{} = {}".format, _WORDS, _VALUES), st.text(max_size=8))


@given(st.lists(_LINES, max_size=12).map("\n".join))
def test_any_file_is_read_or_refused_with_its_problems(text: str) -> None:
    try:
        company = parse(text)
    except PriceFileInvalid as refusal:
        told = [problem.message for problem in refusal.problems]
    else:
        told = ["it is right"]
        for tool, model in (("codex", "gpt-5"), ("a", None)):
            PriceBook(company).quote(tool, None, model, datetime(2026, 5, 5, tzinfo=UTC))
    assert all(told)
    assert told


def test_a_number_too_long_to_read_is_a_problem() -> None:
    assert problems("[[price]]\nfrom = 2026-01-01\ninput = " + "9" * 5_000)[0].startswith(
        "this is not TOML"
    )


# The page


def documented() -> str:
    """The example file of the page."""
    return DOCS.read_text().partition("```toml\n")[2].partition("```")[0]


WORKED = [
    ("opencode", "gpt-5", Tokens(input=10_000, output=1_000), "0.0225", "0.02025"),
    ("gemini-cli", "gemini-2.5-pro", Tokens(input=150_000, output=2_000), "0.2075", "0.166"),
    ("gemini-cli", "gemini-2.5-pro", Tokens(input=250_000, output=2_000), "0.655", "0.524"),
    (
        "claude-code",
        "claude-sonnet-4-5",
        Tokens(
            input=2_000, cache_read=90_000, cache_write=5_000, cache_write_1h=5_000, output=1_000
        ),
        "0.078",
        "0.0624",
    ),
    ("copilot", "gpt-5", Tokens(input=10_000, output=1_000), "0.0225", "0"),
    ("opencode", "house-model-1", Tokens(input=10_000), None, None),
]


@pytest.mark.parametrize(("tool", "model", "tokens", "at_list", "effective"), WORKED)
def test_the_worked_example_of_the_page(
    tool: str, model: str, tokens: Tokens, at_list: str | None, effective: str | None
) -> None:
    book = PriceBook(parse(documented()))
    quote = book.quote(tool, None, model, datetime(2026, 11, 22, 10, tzinfo=UTC))
    assert quote.effective is not None
    for price, dollars in ((quote.listed, at_list), (quote.effective, effective)):
        pico, unpriced = cost(price, tokens, prompt_of(tokens))
        if dollars is None:
            assert (pico, unpriced) == (None, tokens.billable())
        else:
            assert (pico, unpriced) == (nanousd(dollars) * 1_000, 0)
    [row] = [
        line
        for line in DOCS.read_text().splitlines()
        if line.startswith(f"| `{tool}`, `{model}`") and f"{tokens.input:,} input" in line
    ]
    shown = [cell.strip() for cell in row.split("|")[3:5]]
    expected = ["unpriced" if told is None else f"${told}" for told in (at_list, effective)]
    assert shown == expected


def test_the_seats_of_the_page() -> None:
    [seats] = parse(documented()).seats
    november = seats.cost_nanousd(date(2026, 11, 1), date(2026, 12, 1))
    assert november == nanousd(Decimal(2_280))
    assert "$2,280" in DOCS.read_text()
