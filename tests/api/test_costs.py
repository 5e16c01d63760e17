"""Three costs side by side, what has no price and why, and what is paid whatever is used."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from collector.dialects import tells
from collector.fold import fold
from domain.events import Context, RequestAnswered, Source
from domain.price_book import LIST_PRICES, PriceBook
from domain.price_file import parse
from domain.usage import Tokens
from store import sessions
from store.engine import Database
from tests.api.answering import Json, client, get, refused
from tests.telling import observation

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
COMPANY = parse("""
[[price]]
from = 2026-01-01
models = ["house-*"]
input = 2

[[discount]]
from = 2026-01-01
percent_off = 50

[[pool]]
name = "credit"
from = 2026-11-01
through = 2026-12-31
models = ["claude-*"]
paid_usd = 2
credit_usd = 4

[[pool]]
name = "old credit"
from = 2025-11-01
through = 2025-12-31
paid_usd = 2
credit_usd = 4

[[seats]]
name = "Copilot"
from = 2026-11-16
through = 2026-12-31
tools = ["copilot", "copilot-chat"]
teams = ["payments"]
seats = 10
usd_per_seat_month = 30.00
usage_included = true

[[seats]]
name = "Cursor"
from = 2026-01-01
tools = ["cursor"]
seats = 1
usd_per_seat_month = 20
usage_included = false
""")


def put(
    database: Database, prices: PriceBook, *told: tuple[str | None, Tokens], tool: str = "opencode"
) -> None:
    """One request each, all of one session."""
    observations = [
        observation(
            tool=tool,
            session_id="s1",
            installation="i",
            key=number.to_bytes(16, "big"),
            at=AT + timedelta(minutes=number),
            source=Source.LOG,
            rank=0,
            context=Context(),
            facts=(RequestAnswered(model=model, tokens=tokens),),
        )
        for number, (model, tokens) in enumerate(told)
    ]
    with database.writing() as connection:
        sessions.apply(connection, fold(observations, [], tells, prices))


MIXED = (
    ("claude-sonnet-4-5", Tokens(input=100_000)),
    ("house-1", Tokens(input=1_000_000, output=9)),
    ("nobody-1", Tokens(input=5)),
    (None, Tokens(output=3)),
    ("whisper-1", Tokens(input=2)),
)


def entry(model: str | None, tokens: int, reason: str | None, *effective: int | str | None) -> Json:
    number, why = effective or (tokens, reason)
    return {
        "model": model,
        "tokens": tokens,
        "reason": reason,
        "effective_tokens": number,
        "effective_reason": why,
    }


def test_three_costs_stand_side_by_side_with_what_has_no_price(database: Database) -> None:
    put(database, PriceBook(COMPANY), *MIXED)
    expected: Json = {
        "reported_usd": None,
        "list_usd": 0.3,
        "unpriced_tokens": 1_000_009 + 5 + 3 + 2,
        "effective_usd": 0.15 + 2,
        "effective_unpriced_tokens": 9 + 5 + 3 + 2,
        "unpriced": [
            entry("house-1", 1_000_009, "model_unknown", 9, "bucket_unpriced"),
            entry("nobody-1", 5, "model_unknown"),
            entry(None, 3, "model_untold"),
            entry("whisper-1", 2, "not_by_tokens"),
        ],
    }
    http = client(database, company=COMPANY)
    assert get(http, "/v1/usage")["total"]["cost"] == expected
    assert get(http, "/v1/usage", group_by="tool")["rows"][0]["cost"] == expected
    assert get(http, "/v1/sessions")["rows"][0]["cost"] == expected
    by_model = get(http, "/v1/usage", group_by="model")["rows"]
    assert {row["model"]: row["cost"]["unpriced"] for row in by_model} == {
        "claude-sonnet-4-5": [],
        **{each["model"]: [each] for each in expected["unpriced"]},
    }


def test_a_tier_that_has_no_price_is_named_as_the_reason(database: Database) -> None:
    told = [
        observation(
            tool="codex",
            session_id="s1",
            installation="i",
            key=bytes([number]) * 16,
            at=AT,
            source=Source.LOG,
            rank=0,
            context=Context(tier=tier),
            facts=(RequestAnswered(model="gpt-5-pro", tokens=Tokens(input=1_000_000)),),
        )
        for number, tier in enumerate([None, "priority", "scale"])
    ]
    with database.writing() as connection:
        sessions.apply(connection, fold(told, [], tells, LIST_PRICES))
    for cost in (
        get(client(database), "/v1/usage")["total"]["cost"],
        get(client(database), "/v1/sessions")["rows"][0]["cost"],
    ):
        assert (cost["list_usd"], cost["unpriced_tokens"]) == (15, 2_000_000)
        assert cost["unpriced"] == [entry("gpt-5-pro", 2_000_000, "tier_unpriced", 0, None)]


def test_without_a_price_file_the_effective_cost_is_not_known(database: Database) -> None:
    put(database, LIST_PRICES, *MIXED)
    total = get(client(database), "/v1/usage")["total"]
    assert (total["cost"]["effective_usd"], total["cost"]["effective_unpriced_tokens"]) == (
        None,
        None,
    )
    assert total["cost"]["unpriced"][0] == entry("house-1", 1_000_009, "model_unknown", 0, None)
    assert "cost.list_usd" in total["partial"]
    assert "cost.effective_usd" not in total["partial"]


def test_a_price_that_is_known_by_now_says_so(database: Database) -> None:
    put(database, LIST_PRICES, ("claude-sonnet-4-5", Tokens(input=7)))
    with database.writing() as connection:
        connection.execute(text("UPDATE usage SET list_nanousd = NULL, unpriced_tokens = input"))
    total = get(client(database), "/v1/usage")["total"]
    assert total["cost"]["unpriced"] == [entry("claude-sonnet-4-5", 7, "priced_since", 0, None)]


def test_a_model_without_a_price_for_its_output_says_so(database: Database) -> None:
    put(database, LIST_PRICES, ("gemini-embedding-001", Tokens(input=1_000, output=7)))
    cost = get(client(database), "/v1/usage")["total"]["cost"]
    assert (cost["list_usd"], cost["unpriced_tokens"]) == (0.00015, 7)
    assert cost["unpriced"] == [entry("gemini-embedding-001", 7, "bucket_unpriced", 0, None)]


# Fixed costs

COPILOT = {
    "name": "Copilot",
    "tools": ["copilot", "copilot-chat"],
    "teams": ["payments"],
    "seats": 10,
    "month_usd": 30,
    "usage_included": True,
}
CURSOR = {
    "name": "Cursor",
    "tools": ["cursor"],
    "teams": [],
    "seats": 1,
    "month_usd": 20,
    "usage_included": False,
}


def test_seats_and_credit_are_lines_of_their_own(database: Database) -> None:
    put(database, PriceBook(COMPANY), ("claude-sonnet-4-5", Tokens(input=1_000_000)))
    http = client(database, company=COMPANY)
    asked = {"from": "2026-11-01", "to": "2026-12-01"}
    assert get(http, "/v1/fixed-costs", **asked) == {
        **asked,
        "company_prices": True,
        "seats": [{**COPILOT, "cost_usd": 150}, {**CURSOR, "cost_usd": 20}],
        "seats_usd": 170,
        "pools": [
            {
                "name": "credit",
                "first_day": "2026-11-01",
                "last_day": "2026-12-31",
                "paid_usd": 2,
                "credit_usd": 4,
                # Over 200,000 tokens of prompt Sonnet 4.5 costs twice as much.
                "drawn_usd": 6,
                "left_usd": 0,
                "overdrawn_usd": 2,
            }
        ],
    }


def test_by_default_they_are_those_of_this_month_so_far(database: Database) -> None:
    told = get(client(database, company=COMPANY), "/v1/fixed-costs")
    assert (told["from"], told["to"]) == ("2026-11-01", "2026-11-23")
    assert [row["cost_usd"] for row in told["seats"]] == [70, 14.666666666]


@pytest.mark.parametrize("asked", [{}, {"from": "2026-01-01"}, {"to": "2026-02-01"}])
def test_without_a_price_file_nothing_is_known_of_them(asked: Json, empty: TestClient) -> None:
    told = get(empty, "/v1/fixed-costs", **asked)
    known = {name: told[name] for name in ("company_prices", "seats", "seats_usd", "pools")}
    assert known == {"company_prices": False, "seats": [], "seats_usd": None, "pools": []}


def test_a_misspelt_parameter_is_refused(database: Database) -> None:
    status, code, _ = refused(client(database), "/v1/fixed-costs", tool="cursor")
    assert (status, code) == (400, "invalid_parameter")
