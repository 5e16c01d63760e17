"""What is told to be in a service tier costs what that tier costs; nothing else changes by it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st

from collector.decode import Encoding
from collector.dialects import claude_code, copilot, droid, gen_ai, goose, opencode
from collector.dialects.dialect import Dialect
from collector.dialects.tiers import tier_of
from collector.fold import fold
from domain.budgets import COMPANY, Basis
from domain.events import Context, Observation, RequestAnswered, Source
from domain.folded import context_pk
from domain.pricing import Unpriced, list_tariff
from domain.record import Attributes, Scope, Signal, Value
from domain.repricing import Booked
from domain.tariff import Tariff, cost_of
from domain.usage import Tokens
from store import spending
from store.engine import Database
from store.report_usage import Selection, by_dimensions
from tests.capturing import CAPTURES
from tests.filling import Fresh, bodies, fill, folded, rows
from tests.otlp import REQUESTS, Body, merged, parse, singles, write
from tests.telling import AT as NOW_NS
from tests.telling import Teller, observation, observed
from tests.temporality import as_cumulative

AT = datetime.fromisoformat("2026-11-22T10:05:00Z")
AT_NS = int(AT.timestamp()) * 10**9
OPUS, GPT = "claude-opus-5-5", "gpt-5.5"
CLAUDE: dict[str, str] = {"service.name": "claude-code", "service.version": "2.1.330"}
BOOKED = "usage JOIN contexts ON contexts.pk = usage.context_pk"
COSTS = "contexts.tier, list_nanousd, list_rest_picousd, unpriced_tokens"


def spelled(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": name, "value": {"intValue" if isinstance(value, int) else "stringValue": value}}
        for name, value in told.items()
    ]


def made(signal: Signal, told: dict[str, Any]) -> Body:
    return write(ParseDict(told, REQUESTS[signal]()), Encoding.PROTOBUF)


def log(scope: str, service: dict[str, str], attributes: dict[str, Any], number: int = 0) -> Body:
    record = {
        "timeUnixNano": AT_NS + number * 10**6,
        "observedTimeUnixNano": AT_NS + number * 10**6,
        "attributes": spelled(attributes),
    }
    logs = [{"scope": {"name": scope}, "logRecords": [record]}]
    resource = {"attributes": spelled(service)}
    return made(Signal.LOGS, {"resourceLogs": [{"resource": resource, "scopeLogs": logs}]})


def request(number: int = 0, **told: Any) -> Body:
    """One of Claude Code's requests."""
    attributes = {
        "event.name": "api_request",
        "session.id": "s1",
        "event.sequence": number,
        "model": OPUS,
        "input_tokens": 1_000 + number,
        "output_tokens": 10,
        **told,
    }
    return log("com.anthropic.claude_code.events", CLAUDE, attributes, number)


def counters(minute: int, amounts: dict[str, int]) -> Body:
    """What Claude Code's counters added in this minute, by speed; empty where it says none."""
    points = [
        {
            "startTimeUnixNano": AT_NS + (minute - 1) * 60 * 10**9,
            "timeUnixNano": AT_NS + minute * 60 * 10**9,
            "asInt": amount,
            "attributes": spelled(
                {"session.id": "s1", "model": OPUS, "type": "input"}
                | ({"speed": speed} if speed else {})
            ),
        }
        for speed, amount in amounts.items()
    ]
    data = {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": points}
    metrics = [{"name": "claude_code.token.usage", "unit": "tokens", "sum": data}]
    scoped = [{"scope": {"name": "com.anthropic.claude_code"}, "metrics": metrics}]
    resource = {"attributes": spelled(CLAUDE)}
    told = {"resourceMetrics": [{"resource": resource, "scopeMetrics": scoped}]}
    return made(Signal.METRICS, told)


def costs(database: Database) -> list[tuple[Any, ...]]:
    return rows(database, BOOKED, COSTS)


def nano(tokens: Tokens, model: str, tier: str | None) -> int:
    tariff = list_tariff(model, AT, tier)
    assert isinstance(tariff, Tariff)
    pico = cost_of(tokens, tariff.base).pico
    assert pico is not None
    assert pico % 1000 == 0
    return pico // 1000


# What is booked


def test_fast_mode_costs_what_fast_mode_costs(database: Database) -> None:
    fill(database, [request(0, speed="normal"), request(1), request(2, speed="fast")])
    usual, fast = Tokens(input=2_001, output=20), Tokens(input=1_002, output=10)
    assert costs(database) == sorted(
        [
            (None, nano(usual, OPUS, None), 0, 0),
            ("fast", nano(fast, OPUS, "fast"), 0, 0),
        ],
        key=repr,
    )
    assert nano(fast, OPUS, "fast") == 2 * nano(fast, OPUS, None)


@pytest.mark.parametrize("tier", ["priority", "flex"])
def test_codex_tells_the_tier_that_it_asked_for(database: Database, tier: str) -> None:
    attributes = {
        "event.name": "codex.sse_event",
        "event.kind": "response.completed",
        "event.timestamp": "2026-11-22T10:05:00Z",
        "conversation.id": "01a20189-7145-7b73-90cb-ecf89282f849",
        "model": GPT,
        "input_token_count": 5_000,
        "output_token_count": 40,
        "service_tier": tier,
    }
    fill(database, [log("codex_otel.log_only", {"service.name": "codex_exec"}, attributes)])
    cost = nano(Tokens(input=5_000, output=40), GPT, tier)
    assert cost != nano(Tokens(input=5_000, output=40), GPT, None)
    assert costs(database) == [(tier, cost, 0, 0)]


def test_a_tier_without_a_price_has_none_and_says_so(database: Database) -> None:
    told = {"input_tokens": 7, "output_tokens": 3, "cost_usd": "0.5"}
    fill(database, [request(0, speed="ludicrous", **told), request(1, speed="fast")])
    with database.reading() as connection:
        [(_, usage)] = by_dimensions(connection, (), Selection())
    assert usage.list_nanousd == nano(Tokens(input=1_001, output=10), OPUS, "fast")
    assert (usage.unpriced_tokens, usage.reported_nanousd) == (10, 500_000_000)
    assert [(each.model, each.tokens, each.reason) for each in usage.unpriced] == [
        (OPUS, 10, Unpriced.TIER_UNPRICED)
    ]


def test_what_a_month_cost_is_told_by_tier(database: Database) -> None:
    fill(database, [request(0, speed="normal"), request(1), request(2, speed="fast")])
    with database.reading() as connection:
        days = AT.date(), AT.date() + timedelta(days=1)
        of = (COMPANY, Basis.LIST, *days)
        by_model = spending.by_model(connection, *of)
        [by_session] = spending.by_session(connection, *of).values()
    costs = {each.tier: each.spend.nanousd for each in by_model}
    assert costs == {
        None: nano(Tokens(input=2_001, output=20), OPUS, None),
        "fast": nano(Tokens(input=1_002, output=10), OPUS, "fast"),
    }
    assert {each.tier: each.spend.nanousd for each in by_session} == costs


@pytest.mark.parametrize("name", ["02-edit-bash-http-json-delta", "10-multi-turn-cumulative-long"])
def test_the_usual_tier_is_no_tier(database: Database, name: str) -> None:
    fill(database, bodies(CAPTURES / "claude-code" / name))
    assert {tier for (tier,) in rows(database, BOOKED, "contexts.tier")} == {None}


# Exactly once, however it is told


def test_in_any_encoding_batching_and_number_of_times_it_is_the_same(
    database: Database, fresh: Fresh
) -> None:
    sent = [request(number, speed=("fast", "normal")[number % 2]) for number in range(6)]
    fill(database, sent)
    again = [write(each, Encoding.JSON) for body in sent for each in singles(parse(body))]
    with fresh() as other:
        fill(other, [*reversed(again), write(merged(map(parse, sent)), Encoding.PROTOBUF)], 1)
        assert folded(other) == folded(database)


def test_counters_are_the_same_by_what_was_added_and_by_readings(
    database: Database, fresh: Fresh
) -> None:
    sent = [
        counters(1, {"": 100, "fast": 7}),
        counters(2, {"fast": 11}),
        counters(70, {"": 1, "fast": 2}),
    ]
    fill(database, sent)
    expected = costs(database)
    assert {tier for tier, *_ in expected} == {None, "fast"}
    by_tier = Counter[str | None]()
    for tier, cost, _, unpriced in expected:
        by_tier[tier] += cost
        assert unpriced == 0
    assert by_tier == {
        None: nano(Tokens(input=101), OPUS, None),
        "fast": nano(Tokens(input=20), OPUS, "fast"),
    }
    with fresh() as other:
        readings = as_cumulative(sent)
        fill(other, [readings[2], readings[0], readings[1], readings[2]], 1)
        assert costs(other) == expected


# Everything else


tiers = st.sampled_from([None, "fast", "priority", "flex", "nobody's"])
models = st.sampled_from([OPUS, GPT, "gpt-5", "nobody-1", None])


@st.composite
def requests(draw: st.DrawFn) -> list[tuple[str | None, RequestAnswered]]:
    size = st.none() | st.integers(0, 300_000)
    return [
        (
            draw(tiers),
            RequestAnswered(
                model=draw(models),
                tokens=Tokens(input=draw(size), cache_read=draw(size), output=draw(size)),
                cost_nanousd=draw(st.none() | st.integers(0, 10**9)),
            ),
        )
        for _ in range(draw(st.integers(1, 8)))
    ]


def told(of: Iterable[tuple[str | None, RequestAnswered]]) -> list[Observation]:
    return [
        observation(
            tool="a tool",
            session_id="s",
            installation="i",
            key=number.to_bytes(16, "big"),
            at=AT,
            source=Source.LOG,
            rank=0,
            context=Context(tier=tier),
            facts=(fact,),
        )
        for number, (tier, fact) in enumerate(of)
    ]


SUMMED = ("requests", "input", "cache_read", "output", "reported_nanousd")


def totals(observations: Sequence[Observation]) -> tuple[Any, ...]:
    """All that must not depend on any tier, and tokens with or without a price."""
    [sums] = fold(observations, [], lambda _tool, _source: frozenset()).values()
    usage = list(sums.usage.values())
    amounts = [sum(getattr(row, name) or 0 for row in usage) for name in SUMMED]
    return amounts, sums.contexts, sums.usage_rank, sums.token_rank, sums.counts


@given(requests())
def test_tiers_change_no_sum_but_of_money_at_list(
    of: list[tuple[str | None, RequestAnswered]],
) -> None:
    assert totals(told(of)) == totals(told([(None, fact) for _, fact in of]))


@given(requests())
def test_the_cost_of_all_is_that_of_each_tier_alone(
    of: list[tuple[str | None, RequestAnswered]],
) -> None:
    def booked(observations: Sequence[Observation]) -> list[Booked]:
        found = fold(observations, [], lambda _tool, _source: frozenset())
        return [
            Booked(row.list_nanousd, row.list_rest_picousd, row.unpriced_tokens)
            for sums in found.values()
            for row in sums.usage.values()
        ]

    by_tier = [[each for each in of if each[0] == tier] for tier in {tier for tier, _ in of}]
    alone = [row for some in by_tier for row in booked(told(some))]
    assert Counter(booked(told(of))) == Counter(alone)


def test_contexts_without_a_tier_have_the_keys_that_they_had() -> None:
    context = Context(tool_version="1", user="u", team=None, repo="r")
    assert context_pk(context) == 3_824_129_727_897_903_640
    assert len({context_pk(Context(tier=each)) for each in (None, "fast", "flex")}) == 3


# How tools tell it


@pytest.mark.parametrize(
    ("word", "tier"),
    [
        *((word, None) for word in (None, "", " ", "auto", "default", "Standard", "normal")),
        ("fast", "fast"),
        ("PRIORITY", "priority"),
        (" flex ", "flex"),
    ],
)
def test_words(word: str | None, tier: str | None) -> None:
    assert tier_of(word) == tier


CHAT: dict[str, Value] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": GPT,
    "gen_ai.usage.input_tokens": 5,
    "gen_ai.usage.output_tokens": 1,
    "gen_ai.conversation.id": "c",
}
AI_SDK: dict[str, Value] = {
    "session.id": "s",
    "ai.model.id": GPT,
    "ai.usage.inputTokens": 5,
    "ai.usage.outputTokens": 1,
}


@pytest.mark.parametrize(
    ("dialect", "span", "attributes", "tier"),
    [
        (
            claude_code.DIALECT,
            "claude_code.llm_request",
            {"speed": "fast", "input_tokens": 1},
            "fast",
        ),
        (
            claude_code.DIALECT,
            "claude_code.llm_request",
            {"speed": "normal", "input_tokens": 1},
            None,
        ),
        *(
            (dialect, name, CHAT | {"openai.response.service_tier": "priority"}, "priority")
            for dialect, name in (
                (gen_ai.DIALECT, "chat"),
                (copilot.DIALECTS[0], "chat"),
                (goose.DIALECT, "complete"),
                (droid.DIALECT, "chat"),
            )
        ),
        (
            gen_ai.DIALECT,
            "chat",
            CHAT
            | {
                "openai.request.service_tier": "priority",
                "openai.response.service_tier": "default",
            },
            None,
        ),
        (gen_ai.DIALECT, "chat", CHAT | {"gen_ai.openai.request.service_tier": "flex"}, "flex"),
        *(
            (
                opencode.DIALECT,
                "ai.streamText.doStream",
                AI_SDK | {"ai.response.providerMetadata": metadata},
                tier,
            )
            for metadata, tier in (
                ('{"openai":{"responseId":"r","serviceTier":"priority"}}', "priority"),
                ('{"openai":{"serviceTier":"default"}}', None),
                ('{"anthropic":{"usage":{"service_tier":"standard","speed":"fast"}}}', "fast"),
                ('{"anthropic":{"usage":{"service_tier":"standard"}}}', None),
                ('{"openai":[1],"anthropic":{"usage":7}}', None),
                ("no JSON", None),
            )
        ),
    ],
)
def test_spans(dialect: Dialect, span: str, attributes: Attributes, tier: str | None) -> None:
    outcome = Teller(dialect, Scope(dialect.tool, "1", {})).span(span, attributes)
    assert observed(outcome).origin.context.tier == tier


def test_counters_of_the_conventions() -> None:
    told = {
        "gen_ai.token.type": "input",
        "session.id": "s",
        "openai.response.service_tier": "flex",
    }
    teller = Teller(gen_ai.DIALECT, Scope("x", "1", {}))
    outcome = teller.point("gen_ai.client.token.usage", 7, told, count=1)
    assert observed(outcome).origin.context.tier == "flex"
    assert observed(outcome).at_us == (NOW_NS + 5) // 1000
