"""Several signals of one session: none hides what it does not tell itself, and none is added."""

from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from domain.record import Signal
from tests.capturing import Counts, expected, same, scenarios
from tests.filling import Fresh, bodies, fill, usage
from tests.otlp import Body, parse, write
from tests.temporality import changed_points

CLAUDE = scenarios("claude-code")
DAY_NS = 86_400_000_000_000
by_scenario = pytest.mark.parametrize("scenario", CLAUDE, ids=lambda path: path.name)
logs_first = pytest.mark.parametrize("logs_first", [True, False], ids=["logs first", "logs last"])


def only(scenario: Path, signal: Signal) -> list[Body]:
    return [body for body in bodies(scenario) if body[0] is signal]


def tokens(scenario: Path) -> dict[str, Counts]:
    """The truth without the number of requests, which counters do not tell."""
    return {model: row | {"requests": None} for model, row in expected(scenario).items()}


def requests_only(body: Body, change: Callable[[LogRecord], None]) -> Body:
    """The log records that are requests to a model, each changed."""
    request = parse(body)
    assert isinstance(request, ExportLogsServiceRequest)
    for group in request.resource_logs:
        for scoped in group.scope_logs:
            kept = [each for each in scoped.log_records if _event(each) == "api_request"]
            for each in kept:
                change(each)
            copies = [LogRecord.FromString(each.SerializeToString()) for each in kept]
            del scoped.log_records[:]
            scoped.log_records.extend(copies)
    return write(request, body[1])


def failed(record: LogRecord) -> None:
    """A request that failed instead: it tells no tokens."""
    for pair in record.attributes:
        if pair.key == "event.name":
            pair.value.string_value = "api_error"
    record.body.string_value = "claude_code.api_error"
    without(record, "input_tokens", "output_tokens", "cost_usd")
    without(record, "cache_read_tokens", "cache_creation_tokens")


def without(record: LogRecord, *names: str) -> None:
    kept = [each for each in record.attributes if each.key not in names]
    del record.attributes[:]
    record.attributes.extend(kept)


def later(record: LogRecord) -> None:
    """The same request, two weeks on."""
    record.time_unix_nano += 14 * DAY_NS
    record.observed_time_unix_nano += 14 * DAY_NS
    without(record, "event.timestamp")


def _event(record: LogRecord) -> str:
    return next(
        (each.value.string_value for each in record.attributes if each.key == "event.name"), ""
    )


@logs_first
@by_scenario
def test_failures_in_logs_hide_no_tokens_that_metrics_tell(
    scenario: Path, logs_first: bool, fresh: Fresh
) -> None:
    metrics = only(scenario, Signal.METRICS)
    errors = [requests_only(body, failed) for body in only(scenario, Signal.LOGS)]
    with fresh() as database:
        for sent in (errors, metrics) if logs_first else (metrics, errors):
            fill(database, sent)
        assert usage(database).keys() == tokens(scenario).keys()
        assert same(tokens(scenario), usage(database))


@logs_first
@by_scenario
def test_metrics_without_session_ids_give_way_to_logs_of_their_own_days_only(
    scenario: Path, logs_first: bool, fresh: Fresh
) -> None:
    metrics = [
        changed_points(body, lambda attributes: attributes.pop("session.id", None))
        for body in only(scenario, Signal.METRICS)
    ]
    logs = [requests_only(body, later) for body in only(scenario, Signal.LOGS)]
    with fresh() as database:
        for sent in (logs, metrics) if logs_first else (metrics, logs):
            fill(database, sent)
        truth = expected(scenario)
        twice = {
            model: {
                name: None if told is None else told * (1 if name == "requests" else 2)
                for name, told in row.items()
            }
            for model, row in truth.items()
        }
        assert same(twice, usage(database))


@logs_first
@by_scenario
def test_metrics_that_name_no_machine_give_way_to_logs_of_the_same_person(
    scenario: Path, logs_first: bool, fresh: Fresh
) -> None:
    """As a gateway leaves them that drops what has too many values."""

    def reduced(attributes: dict[str, AnyValue]) -> None:
        for name in ("session.id", "user.id"):
            attributes.pop(name, None)
        attributes["user.email"] = AnyValue(string_value="dev@example.com")

    def named(record: LogRecord) -> None:
        without(record, "user.email")
        record.attributes.add(key="user.email").value.string_value = "dev@example.com"

    metrics = [changed_points(body, reduced) for body in only(scenario, Signal.METRICS)]
    logs = [requests_only(body, named) for body in only(scenario, Signal.LOGS)]
    with fresh() as database:
        for sent in (logs, metrics) if logs_first else (metrics, logs):
            fill(database, sent)
        assert same(expected(scenario), usage(database))
