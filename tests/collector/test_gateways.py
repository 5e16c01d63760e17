"""What a gateway does to telemetry on its way, which must not change what is counted.

Collectors put attributes of their own on resources, each replica another host; they move attributes
from records to resources; they delete some.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from collector.decode import Encoding
from collector.dialects.grouped import SESSION, USER
from collector.observe import observe
from domain.events import Observation
from domain.folded import CoverageKey
from domain.record import LogRecord, MetricPoint, Record, Scope, Signal, Span, Temporality, Value
from tests.capturing import CAPTURES, PSEUDONYMS, records, scenarios
from tests.filling import Fresh, bodies, fill, usage
from tests.otlp import Body, Request, parse, singles, write

EVERY_CAPTURE = sorted(truth.parent for truth in CAPTURES.rglob("truth.json"))
by_capture = pytest.mark.parametrize(
    "scenario", EVERY_CAPTURE, ids=lambda path: f"{path.parent.name}-{path.name}"
)
CUMULATIVE = [path for path in scenarios("claude-code") if "cumulative" in path.name] + scenarios(
    "continue-cli"
)
FEW = settings(max_examples=4, deadline=None, phases=[Phase.reuse, Phase.generate])
SESSIONS = (
    *SESSION,
    "thread.id",
    "copilot_chat.parent_chat_session_id",
    "copilot_chat.chat_session_id",
    "copilot_chat.session_id",
    "ai.telemetry.metadata.sessionId",
    "ai.request.headers.X-Session-Id",
    "ai.request.headers.x-session-affinity",
)
PEOPLE = (*USER, "user.name")
AT = 1_795_321_912_861_000_000
_KINDS = {LogRecord: Signal.LOGS, MetricPoint: Signal.METRICS, Span: Signal.TRACES}


def observed(record: Record) -> Observation | None:
    seen = observe(_KINDS[type(record)], [record], PSEUDONYMS, Counter())
    return seen[0] if seen else None


def grouped(record: Record, names: Iterable[str]) -> Record:
    """The record as a Collector's ``groupbyattrs`` leaves it, by these names."""
    told, scope = dict(record.attributes), record.scope
    moved = {name: told.pop(name) for name in names if name in told}
    around = Scope(scope.name, scope.version, {**scope.resource, **moved})
    return structs.replace(record, scope=around, attributes=told)


def annotated(record: Record, added: dict[str, Value]) -> Record:
    scope = record.scope
    around = Scope(scope.name, scope.version, {**scope.resource, **added})
    return structs.replace(record, scope=around)


# Attributes that move


@by_capture
@pytest.mark.parametrize("names", [SESSIONS, PEOPLE, SESSIONS + PEOPLE], ids=["id", "who", "both"])
def test_whose_a_record_is_may_stand_on_its_resource(
    scenario: Path, names: tuple[str, ...]
) -> None:
    for record in records(scenario):
        if isinstance(record, MetricPoint) and "qwen" in record.scope.name:
            # By default these points name no session at all, and are left to the other signals.
            continue
        assert observed(grouped(record, names)) == observed(record)


def _log(scope: str, name: str, told: dict[str, Value]) -> LogRecord:
    return LogRecord(Scope(scope, "1", {}), AT, AT, name, name, {"event.name": name, **told})


def _span(scope: str, name: str, told: dict[str, Value]) -> Span:
    around = Scope(scope, "1", {"service.name": "acme"})
    return Span(around, name, "aa" * 16, "bb" * 8, "", AT, AT + 1000, False, told)


def _point(scope: str, name: str, told: dict[str, Value]) -> MetricPoint:
    around = Scope(scope, "1", {})
    return MetricPoint(around, name, "", "sum", Temporality.DELTA, AT, AT + 1, 7, None, told)


USED: dict[str, Value] = {"gen_ai.usage.input_tokens": 7, "gen_ai.response.model": "m"}
UNCAPTURED = [
    _log("com.opencode", "api_request", {"session.id": "s", "input_tokens": 7}),
    _point("com.opencode", "x.token.usage", {"session.id": "s", "type": "input"}),
    _log("cline", "task.tokens", {"ulid": "s", "tokensIn": 7, "account_id": "a"}),
    _point("cline", "cline.tokens.input.total", {"ulid": "s", "account_id": "a"}),
    _log("cursor.telemetry", "cursor.api.request", {"cursor.conversation.id": "s",
         "cursor.user.account_id": "a", "cursor.api.request.input_tokens": 7}),
    _log("", "kiro.chat.message", {"kiro.conversation.id": "s", "kiro.user.id": "a", **USED}),
    _span("goose", "complete", {"session.id": "s", **USED}),
    _span("copilot-chat", "chat m", {"copilot_chat.chat_session_id": "s", "user.name": "a",
          "gen_ai.conversation.id": "request", **USED}),
    _span("x", "chat m", {"gen_ai.conversation.id": "s", **USED}),
    _log("x", "gen_ai.client.inference.operation.details", {"gen_ai.conversation.id": "s", **USED}),
    _point("x", "gen_ai.client.inference.usage.input_tokens", {"gen_ai.conversation.id": "s"}),
    _log("com.anthropic.claude_code.events", "api_request", {"session.id": "s", "input_tokens": 7}),
]  # fmt: skip


@pytest.mark.parametrize(
    "record", UNCAPTURED, ids=lambda each: f"{type(each).__name__} {each.scope.name}"
)
def test_and_so_it_may_in_tools_without_a_capture(record: Record) -> None:
    seen = observed(record)
    assert seen is not None
    assert seen.origin.session_id == "s"
    assert observed(grouped(record, SESSIONS)) == seen
    assert observed(grouped(record, PEOPLE)) == seen


def test_a_chat_of_vs_code_is_not_its_window() -> None:
    chat = _span("copilot-chat", "chat m", {"gen_ai.conversation.id": "s", **USED})
    for record in (chat, grouped(chat, SESSIONS)):
        seen = observed(annotated(record, {"session.id": "window"}))
        assert seen is not None
        assert seen.origin.session_id == "s"


def test_placeholders_on_a_resource_name_nobody_either() -> None:
    point = _point("cli-customer-metrics", "droid.token.input", {"user.email": "anonymous"})
    for record in (point, grouped(point, PEOPLE)):
        seen = observed(record)
        assert seen is not None
        assert seen.origin.context.user is None


# Attributes that are added

ADDED = st.dictionaries(
    st.sampled_from(["host.name", "deployment.environment", "k8s.pod.name", "cloud.account.id"]),
    st.text(max_size=3),
    min_size=1,
)


@by_capture
@FEW
@given(added=ADDED)
def test_what_a_gateway_says_of_itself_makes_no_other_record(
    scenario: Path, added: dict[str, Value]
) -> None:
    for record in records(scenario):
        assert observed(annotated(record, added)) == observed(record)


@pytest.mark.parametrize("scenario", CUMULATIVE, ids=lambda path: f"{path.parent.name}-{path.name}")
@FEW
@given(st.randoms(use_true_random=False))
def test_counters_through_replicas_that_each_name_their_host_count_once(
    scenario: Path, fresh: Fresh, random: Random
) -> None:
    metrics = [body for body in bodies(scenario) if body[0] is Signal.METRICS]
    points = [each for body in metrics for each in singles(parse(body))]
    # Some go both ways.
    sent = [
        hosted(each, host)
        for each in points
        for host in random.sample("abc", random.choice((1, 2)))
    ]
    random.shuffle(sent)
    with fresh() as database:
        fill(database, sent)
        through_replicas = usage(database)
    with fresh() as database:
        fill(database, metrics)
        assert usage(database) == through_replicas != {}


def hosted(request: Request, host: str) -> Body:
    changed = type(request)()
    changed.CopyFrom(request)  # type: ignore[arg-type]  # both are of one type
    name = KeyValue(key="host.name")
    name.value.string_value = host
    changed.resource_metrics[0].resource.attributes.append(name)  # type: ignore[union-attr]
    return write(changed, Encoding.PROTOBUF)


SERIES: list[tuple[str, dict[str, Value], bool]] = [
    ("a host", {"host.name": "h"}, True),
    ("another process", {"process.pid": 5}, False),
    ("another instance", {"service.instance.id": "x"}, False),
    ("another session", {"session.id": "s"}, False),
    ("another user", {"user.email": "a@example.com"}, False),
    # Else what it counts would be booked to the one or the other by who came first.
    ("another team", {"team": "payments"}, False),
    ("another version", {"service.version": "2"}, False),
    ("the tool's own word", {"continue-cli.window": "2"}, False),
]


@pytest.mark.parametrize(
    ("added", "same_series"), [each[1:] for each in SERIES], ids=[e[0] for e in SERIES]
)
@pytest.mark.parametrize("start", [AT, 0], ids=["started", "start untold"])
def test_of_the_resource_what_identifies_the_process_makes_a_series(
    added: dict[str, Value], same_series: bool, start: int
) -> None:
    point = MetricPoint(
        Scope("continue-cli", "1", {"service.name": "continue-cli"}),
        "continue_cli_token_usage", "", "sum", Temporality.CUMULATIVE, start, AT + 1, 7, None,
        {"type": "input"},
    )  # fmt: skip
    one, other = observed(point), observed(annotated(point, added))
    assert one is not None
    assert other is not None
    assert one.series is not None
    assert other.series is not None
    # Without a start the host may be all that tells two processes apart.
    assert (one.series.key == other.series.key) == (same_series and start == AT)


# Attributes that are deleted, and values that are told in other ways


def tokens(value: float, session: str = "s", **changed: object) -> MetricPoint:
    point = _point(
        "com.anthropic.claude_code",
        "claude_code.token.usage",
        {"session.id": session, "type": "input", "model": "m"},
    )
    return structs.replace(point, value=value, **changed)


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_points_that_differ_in_nothing_but_their_value_are_two(one: int, other: int) -> None:
    keys = {observed(tokens(value)).key for value in (one, float(one), other, float(other))}  # type: ignore[union-attr]
    assert len(keys) == len({one, other})


def test_a_gauge_and_a_sum_without_temporality_are_no_counts() -> None:
    for point in (
        tokens(7, kind="gauge"),
        tokens(7, kind="summary"),
        tokens(7, temporality=Temporality.UNSPECIFIED),
    ):
        tallies = Counter[CoverageKey]()
        assert observe(Signal.METRICS, [point], PSEUDONYMS, tallies) == []
        assert [key.outcome for key in tallies] == ["malformed"]
    assert observed(tokens(7, kind="histogram")) is not None
