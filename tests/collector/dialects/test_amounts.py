"""What a request is said to have cost: never at the price of its tokens."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.observe import observe
from domain.events import RequestAnswered
from domain.record import Attributes, LogRecord, Record, Scope, Signal, Span, Value
from tests.capturing import PSEUDONYMS

AT = 1_795_321_912_861_000_000
MILLION = 1_000_000


def log(scope: str, name: str, told: Attributes) -> Record:
    return LogRecord(Scope(scope, "1", {}), AT, AT, name, name, {"event.name": name, **told})


def request(tool: str, cost: dict[str, Value]) -> Record:
    """A request of seven tokens in and two out."""
    plain: dict[str, Value] = {"input_tokens": 7, "output_tokens": 2, **cost}
    if tool == "claude-code":
        return log("com.anthropic.claude_code.events", "api_request", plain)
    if tool == "opencode":
        return log("com.opencode", "api_request", plain)
    if tool == "cline":
        return log("cline", "task.tokens", {"tokensIn": 7, "tokensOut": 2, **cost})
    told = {f"gen_ai.usage.{name}": value for name, value in plain.items()}
    scope, chat = Scope("x", "", {"service.name": tool}), {"gen_ai.operation.name": "chat"}
    return Span(scope, "chat m", "aa" * 16, "bb" * 8, "", AT, AT, False, {**told, **chat})


def answered(tool: str, cost: dict[str, Value]) -> RequestAnswered:
    record = request(tool, cost)
    signal = Signal.TRACES if isinstance(record, Span) else Signal.LOGS
    [seen] = observe(signal, [record], PSEUDONYMS, Counter())
    [fact] = seen.stated
    assert isinstance(fact, RequestAnswered)
    return fact


@pytest.mark.parametrize(
    ("tool", "name", "unit"),
    [
        ("claude-code", "cost_usd", 1),
        ("claude-code", "cost_usd_micros", MILLION),
        ("opencode", "cost_usd", 1),
        ("cline", "totalCost", 1),
        ("acme", "cost", 1),
    ],
)
@given(told=st.floats() | st.integers() | st.text(max_size=3) | st.integers(0, MILLION).map(str))
def test_no_cost_costs_a_request_its_tokens(
    tool: str, name: str, unit: int, told: float | str
) -> None:
    fact = answered(tool, {name: told})
    assert (fact.tokens.input, fact.tokens.output) == (7, 2)
    try:
        dollars = float(told) / unit
    except (ValueError, OverflowError):
        dollars = -1.0
    if not 0 <= dollars <= MILLION:
        assert fact.cost_nanousd is None
    elif float(told).is_integer() and dollars.is_integer():
        assert fact.cost_nanousd == int(dollars) * 1_000_000_000
