"""Usage: exact against what the model server counted, and the laws that all sums obey."""

from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from collector.dialects import tells
from collector.fold import fold
from domain.events import Context, Counted, Fact, Observation, Quantity, RequestAnswered, Source
from domain.record import Signal
from domain.usage import NANOUSD, Tokens
from store import sessions
from store.engine import Database
from store.report_usage import Dimension
from tests.api.answering import Json, client, get, refused
from tests.capturing import CAPTURES, Counts, expected, same, scenarios
from tests.filling import bodies, fill
from tests.telling import observation

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
BUCKETS = ("input", "cache_read", "cache_write", "output")
NOTHING: Json = {
    "requests": None,
    "failed_requests": None,
    "tokens": {
        "input": None,
        "cache_read": None,
        "cache_write": None,
        "cache_write_5m": None,
        "cache_write_1h": None,
        "output": None,
        "reasoning": None,
    },
    "cost": {
        "reported_usd": None,
        "list_usd": None,
        "unpriced_tokens": None,
        "effective_usd": None,
        "effective_unpriced_tokens": None,
        "unpriced": [],
    },
    "partial": [],
    "sessions": 0,
    "incomplete_sessions": 0,
    "lower_bound_sessions": 0,
}
SIMPLE = CAPTURES / "claude-code" / "01-simple-http-protobuf"
SESSIONLESS = CAPTURES / "claude-code" / "16-no-session-id-in-metrics-gzip"
DIMENSIONS = [dimension.value for dimension in Dimension]


def additive(row: Json) -> dict[str, Any]:
    """What adds up over rows; sessions do not, since one may be in several."""
    tokens = {f"tokens.{name}": value or 0 for name, value in row["tokens"].items()}
    amounts = {name: value for name, value in row["cost"].items() if name != "unpriced"}
    cost = {f"cost.{name}": round((value or 0) * 1e9) for name, value in amounts.items()}
    failed = row["failed_requests"] or 0
    return {"requests": row["requests"] or 0, "failed_requests": failed, **tokens, **cost}


def added(rows: list[Json]) -> dict[str, int]:
    names = additive(NOTHING)
    return {name: sum(additive(row)[name] for row in rows) for name in names}


@pytest.mark.parametrize("scenario", scenarios("claude-code"), ids=lambda path: path.name)
def test_every_capture_is_answered_as_the_model_server_counted_it(
    scenario: Path, database: Database
) -> None:
    fill(database, bodies(scenario))
    rows = get(client(database), "/v1/usage", group_by="tool,model")["rows"]
    assert {row["tool"] for row in rows} == {"claude-code"}
    counted: dict[str, Counts] = {
        row["model"]: {"requests": row["requests"]}
        | {bucket: row["tokens"][bucket] for bucket in BUCKETS}
        for row in rows
    }
    assert same(expected(scenario), counted)


def test_one_session_in_full(database: Database) -> None:
    fill(database, bodies(SIMPLE))
    counts: Json = {
        "requests": 1,
        "failed_requests": 0,
        "tokens": {
            "input": 1201,
            "cache_read": 5007,
            "cache_write": 3003,
            "cache_write_5m": 3003,
            "cache_write_1h": 0,
            "output": 17,
            "reasoning": None,
        },
        # 1,201 at $3, 5,007 at $0.30, 3,003 at $3.75 and 17 at $15 a million.
        "cost": {
            **NOTHING["cost"],
            "reported_usd": 0.01662135,
            "list_usd": 0.01662135,
            "unpriced_tokens": 0,
        },
        "partial": [],
        "sessions": 1,
        "incomplete_sessions": 0,
        "lower_bound_sessions": 0,
    }
    assert get(client(database), "/v1/usage") == {
        "rows": [{"tool": "claude-code", "model": "claude-sonnet-4-5-20250929", **counts}],
        "total": counts,
        "group_by": ["tool", "model"],
        "from": None,
        "to": None,
    }


def test_nothing_has_arrived(empty: TestClient) -> None:
    assert get(empty, "/v1/usage") == {
        "rows": [],
        "total": NOTHING,
        "group_by": ["tool", "model"],
        "from": None,
        "to": None,
    }


@pytest.mark.parametrize("dimensions", [*combinations(DIMENSIONS, 2)], ids="-".join)
def test_rows_of_any_dimensions_add_up_to_the_total(
    dimensions: tuple[str, str], http: TestClient
) -> None:
    told = get(http, "/v1/usage", group_by=",".join(dimensions))
    assert added(told["rows"]) == additive(told["total"])
    assert all(set(row) == {*dimensions, *NOTHING} for row in told["rows"])
    values = [tuple(row[name] for name in dimensions) for row in told["rows"]]
    assert len(set(values)) == len(values)
    assert values == sorted(values, key=lambda v: [(each is None, each or "") for each in v])


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_filter_by_a_row_gives_that_row(dimension: str, http: TestClient) -> None:
    rows = get(http, "/v1/usage", group_by=dimension)["rows"]
    for row in rows:
        value = row.pop(dimension)
        if dimension == "day" and value is None:
            continue
        # An empty value asks for what was not told.
        assert get(http, "/v1/usage", **{dimension: value or ""})["total"] == row


def test_several_values_of_one_filter_are_alternatives(http: TestClient) -> None:
    versions = ["2.0.36", "2.1.197"]
    both = get(http, "/v1/usage", group_by="tool_version", tool_version=versions)
    assert [row["tool_version"] for row in both["rows"]] == versions
    assert get(http, "/v1/usage", tool_version="0.0.0")["total"] == NOTHING


def test_several_filters_must_all_hold(http: TestClient) -> None:
    asked = {"team": "payments", "tool_version": "2.1.330"}
    told = get(http, "/v1/usage", **asked)
    assert (told["total"]["requests"], told["total"]["sessions"]) == (4, 1)


def test_a_session_with_several_models_counts_once(http: TestClient) -> None:
    told = get(http, "/v1/usage", group_by="model")
    assert sum(row["sessions"] for row in told["rows"]) == 16
    assert told["total"]["sessions"] == 14


def test_telemetry_without_a_session_is_usage_of_no_session(database: Database) -> None:
    fill(database, [body for body in bodies(SESSIONLESS) if body[0] is Signal.METRICS])
    [row] = get(client(database), "/v1/usage", group_by="session")["rows"]
    assert (row["session"], row["sessions"]) == (None, 0)
    wanted = expected(SESSIONLESS)["claude-sonnet-4-5-20250929"]
    assert {b: row["tokens"][b] for b in BUCKETS} == {b: wanted[b] for b in BUCKETS}


def test_what_only_metrics_told_has_no_requests(database: Database) -> None:
    fill(database, [body for body in bodies(SIMPLE) if body[0] is Signal.METRICS])
    [row] = get(client(database), "/v1/usage")["rows"]
    assert row["requests"] is None
    assert row["failed_requests"] is None
    assert row["tokens"] | {"reasoning": None} == {
        "input": 1201,
        "cache_read": 5007,
        "cache_write": 3003,
        "cache_write_5m": None,
        "cache_write_1h": None,
        "output": 17,
        "reasoning": None,
    }
    assert row["partial"] == []


def test_a_sum_says_where_it_is_only_a_part(database: Database) -> None:
    fill(database, [body for body in bodies(SIMPLE) if body[0] is Signal.METRICS])
    fill(database, bodies(CAPTURES / "claude-code" / "24-commit-variants-tool-details"))
    total = get(client(database), "/v1/usage")["total"]
    assert total["requests"] == 10
    assert total["sessions"] == 2
    assert total["partial"] == [
        "requests",
        "failed_requests",
        "tokens.cache_write_5m",
        "tokens.cache_write_1h",
    ]


def codex(number: int, fact: Fact) -> Observation:
    return observation(
        tool="codex",
        session_id="s1",
        installation="i",
        key=number.to_bytes(16, "big"),
        at=AT,
        source=Source.LOG,
        rank=0,
        context=Context(),
        facts=(fact,),
    )


def test_a_cost_that_comes_by_itself_leaves_no_gap_in_the_tokens(database: Database) -> None:
    tokens = Tokens(input=5, cache_read=0, cache_write=0, output=2, reasoning=1)
    answered = RequestAnswered(model="gpt-5", tokens=tokens)
    cost = Counted(quantity=Quantity.COST_NANOUSD, amount=NANOUSD, model="gpt-5")
    failed = Counted(quantity=Quantity.REQUESTS_FAILED, amount=2, model="gpt-4")
    facts: list[Fact] = [answered, cost, failed]
    told = [codex(number, fact) for number, fact in enumerate(facts)]
    with database.writing() as connection:
        sessions.apply(connection, fold(told, [], tells))
    total = get(client(database), "/v1/usage")["total"]
    assert (total["requests"], total["cost"]["reported_usd"]) == (1, 1.0)
    assert total["partial"] == ["cost.reported_usd"]


def test_a_period_takes_whole_hours_and_leaves_out_its_end(http: TestClient) -> None:
    everything = get(http, "/v1/usage")["total"]
    asked = {"from": "2026-11-22T04:59:59Z", "to": "2026-11-22T05:00:00Z"}
    inside = get(http, "/v1/usage", **asked)
    assert inside["total"] == everything
    assert (inside["from"], inside["to"]) == ("2026-11-22T04:00:00Z", "2026-11-22T05:00:00Z")
    assert get(http, "/v1/usage", **{"from": "2026-11-22T05:00:00Z"})["total"] == NOTHING
    assert get(http, "/v1/usage", to="2026-11-22T04:30")["total"] == NOTHING
    assert get(http, "/v1/usage", **{"from": "2026-11-22", "to": "2026-11-23"})["rows"]
    zoned = get(http, "/v1/usage", **{"from": "2026-11-22T06:30:00+02:00"})
    assert zoned["from"] == "2026-11-22T04:00:00Z"


def test_dimensions_may_be_repeated_or_listed(http: TestClient) -> None:
    listed = get(http, "/v1/usage", group_by="team, model,team")
    assert listed["group_by"] == ["team", "model"]
    assert get(http, "/v1/usage", group_by=["team", "model"]) == listed


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        (
            {"group_by": "tool,colour"},
            "group_by: Input should be 'tool', 'tool_version', 'model', 'user', 'team', 'repo',"
            " 'day', 'query_source' or 'session'",
        ),
        (
            {"from": "yesterday"},
            "from: write a date (2026-11-22) or a time in UTC (2026-11-22T10:30:00Z)",
        ),
        ({"to": "9999-12-31T23:59:59-14:00"}, "to: write a date"),
        ({"day": "22/11/2026"}, "day: write a date (2026-11-22)"),
        ({"from": "2026-11-23", "to": "2026-11-22"}, "'from' must be before 'to'"),
        ({"teem": "payments"}, "there is no parameter teem; there are: from, to, group_by, tool"),
    ],
)
def test_an_impossible_parameter_is_refused_with_what_is_possible(
    asked: dict[str, str], detail: str, http: TestClient
) -> None:
    status, code, told = refused(http, "/v1/usage", **asked)
    assert (status, code) == (400, "invalid_parameter")
    assert told.startswith(detail)
