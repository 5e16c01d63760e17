"""Real captures beside the tests, and what a correct collector counts of them.

Every folder ``tests/captures/<tool>/<scenario>/`` holds the OTLP bodies that a real coding tool
sent (``NNNN.<signal>.<pb|json>``), ``truth.json`` (what the model server behind it answered) and
sometimes ``reported.json`` (what the telemetry carried, where that is less). The books are kept
here as plainly as possible: duplicates dropped by key, then the lowest rank of each session.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from collector.decode import Encoding, decode
from collector.dialects.dialect import Dialect
from domain.events import (
    Counted,
    Fact,
    Observation,
    Outcome,
    Pass,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Trace,
    Traced,
)
from domain.pseudonym import Pseudonyms
from domain.record import LogRecord, MetricPoint, Record, Scope, Signal, text

CAPTURES = Path(__file__).parent / "captures"
PSEUDONYMS = Pseudonyms(b"0123456789abcdef")

Counts = dict[str, int | None]
_ENCODING = {".json": Encoding.JSON, ".pb": Encoding.PROTOBUF}
_BUCKETS = {
    Quantity.REQUESTS: "requests",
    Quantity.TOKENS_INPUT: "input",
    Quantity.TOKENS_CACHE_READ: "cache_read",
    Quantity.TOKENS_CACHE_WRITE: "cache_write",
    Quantity.TOKENS_OUTPUT: "output",
}
_SHARED = {
    **{quantity: {bucket: 1} for quantity, bucket in _BUCKETS.items()},
    Quantity.TOKENS_CACHE_READ_INSIDE: {"cache_read": 1, "input": -1},
    Quantity.TOKENS_REASONING_BESIDE: {"output": 1},
}
_USAGE = frozenset(
    {*_SHARED, Quantity.TOKENS_REASONING, Quantity.COST_NANOUSD, Quantity.REQUESTS_FAILED}
)


def scenarios(tool: str) -> list[Path]:
    """The capture folders of a tool, for ``pytest.mark.parametrize`` (``ids=lambda p: p.name``)."""
    return sorted(truth.parent for truth in (CAPTURES / tool).rglob("truth.json"))


def truth(scenario: Path) -> dict[str, Any]:
    """What the model server and the script around the tool noted down."""
    told: dict[str, Any] = json.loads((scenario / "truth.json").read_text())
    return told


def records(scenario: Path) -> list[Record]:
    """All records of all bodies in the order they were sent; every one must be readable."""
    decoded: list[Record] = []
    for body in sorted(scenario.glob("*.*.*")):
        _, signal, _ = body.name.split(".")
        if signal == "meta" or body.suffix not in _ENCODING:
            continue
        for record in decode(Signal(signal), _ENCODING[body.suffix], body.read_bytes()):
            assert record is not None, f"unreadable record in {body}"
            decoded.append(record)
    return decoded


def outcomes(rows: Iterable[Dialect], told: Iterable[Record]) -> list[tuple[Record, Outcome]]:
    """What the first of these dialects that recognises each record makes of it."""
    table = tuple(rows)
    read: list[tuple[Record, Outcome]] = []
    for record in told:
        row = _speaker(table, record.scope, _name(record))
        read.append((record, Pass.UNKNOWN if row is None else _read(row, record)))
    return read


def observations(rows: Iterable[Dialect], told: Iterable[Record]) -> list[Observation]:
    """What these dialects observe in the records, each key once."""
    once: dict[bytes, Observation] = {}
    for _, outcome in outcomes(rows, told):
        if isinstance(outcome, Observation):
            once.setdefault(outcome.key, outcome)
    return list(once.values())


def counted(seen: Iterable[Observation]) -> dict[str, Counts]:
    """Requests and disjoint tokens by model, each session from the lowest rank that told usage."""
    models: dict[str, Counts] = defaultdict(
        lambda: dict.fromkeys(("requests", "input", "cache_read", "cache_write", "output"), 0)
    )
    for facts in _from_authority(seen, lambda fact: "usage" if _is_usage(fact) else None).values():
        for fact in facts:
            if isinstance(fact, RequestAnswered):
                told = fact.tokens
                amounts = (1, told.input, told.cache_read, told.cache_write, told.output)
                for bucket, amount in zip(_BUCKETS.values(), amounts, strict=True):
                    _add(models[fact.model or "unknown"], bucket, amount or 0)
            elif isinstance(fact, Counted):
                for bucket, share in _SHARED.get(fact.quantity, {}).items():
                    _add(models[fact.model or "unknown"], bucket, share * fact.amount)
    return {model: counts for model, counts in models.items() if any(counts.values())}


def session_counts(seen: Iterable[Observation]) -> dict[str | None, dict[tuple[str, str], int]]:
    """By session: how many of each (quantity, item), each quantity from its lowest rank.

    Failed requests are counted as ``("requests_failed", model)``; repeated failures, whose items
    are hashes, by their highest repetition only (``("repeated_failures", "")``).
    """
    totals: dict[str | None, dict[tuple[str, str], int]] = {}
    repeated: dict[tuple[str | None, str], int] = defaultdict(int)
    for (session_id, _), facts in _from_authority(seen, _quantity).items():
        into = totals.setdefault(session_id, {})
        for fact in facts:
            if isinstance(fact, RequestFailed):
                key, amount = (Quantity.REQUESTS_FAILED.value, fact.model or ""), 1
            elif isinstance(fact, Counted) and fact.quantity is Quantity.REPEATED_FAILURES:
                key = (fact.quantity.value, "")
                repeated[session_id, fact.item] += fact.amount
                into[key] = max(into.get(key, 0), repeated[session_id, fact.item])
                continue
            elif isinstance(fact, Counted):
                key, amount = (fact.quantity.value, fact.item), fact.amount
            else:
                continue
            into[key] = into.get(key, 0) + amount
    return totals


def traced(seen: Iterable[Observation], trace: Trace) -> dict[str | None, set[str]]:
    """By session: the ties of one kind to the outside."""
    ties: dict[str | None, set[str]] = defaultdict(set)
    for observation in seen:
        for fact in observation.facts:
            if isinstance(fact, Traced) and fact.trace is trace:
                ties[observation.origin.session_id].add(fact.value)
    return dict(ties)


def expected(scenario: Path) -> dict[str, Counts]:
    """What the telemetry of a scenario carries by model; None where that is not to be compared."""
    reported = scenario / "reported.json"
    if reported.exists():
        models: dict[str, Counts] = json.loads(reported.read_text())["models"]
        return models
    told = truth(scenario)
    if "expected_totals_by_scope_and_model" in told:
        rows = told["expected_totals_by_scope_and_model"].get("all", {})
        return {model: _google_counts(row) for model, row in rows.items()}
    rows = told["expected"]["tokens_by_model"]
    return {model: _provider_counts(row) for model, row in rows.items()}


def same(wanted: dict[str, Counts], got: dict[str, Counts]) -> bool:
    """Whether the same models were counted with the same numbers, None matching anything."""
    return wanted.keys() == got.keys() and all(
        value is None or got[model][key] == value
        for model, row in wanted.items()
        for key, value in row.items()
    )


def _google_counts(row: dict[str, int]) -> Counts:
    return {
        "requests": row["requests"],
        "input": row["input"] - row["cached"] + row["tool"],
        "cache_read": row["cached"],
        "cache_write": 0,
        "output": row["output"] + row["thoughts"],
    }


def _provider_counts(row: dict[str, int]) -> Counts:
    cached_inside, write_inside = row.get("cached_tokens", 0), row.get("cache_write_tokens", 0)
    return {
        "requests": row["requests_ok"],
        "input": row.get("input_tokens", 0) - cached_inside - write_inside,
        "cache_read": row.get("cache_read_input_tokens", 0) + cached_inside,
        "cache_write": row.get("cache_creation_input_tokens", 0) + write_inside,
        "output": row.get("output_tokens", 0),
    }


def _name(record: Record) -> str:
    if isinstance(record, LogRecord):
        return text(record.attributes, "event.name") or record.event_name or record.body
    return record.name


def _speaker(rows: tuple[Dialect, ...], scope: Scope, name: str) -> Dialect | None:
    # The order of collector.dialects.recognise, over these rows only.
    for row in rows:
        if scope.name.startswith(row.scopes):
            return row
    for row in rows:
        if row.prefixes and name.startswith(row.prefixes):
            return row
    service = text(scope.resource, "service.name")
    return next((row for row in rows if service in row.services), None)


def _read(row: Dialect, record: Record) -> Outcome:
    if isinstance(record, LogRecord):
        return row.log(record, PSEUDONYMS) if row.log else Pass.DUPLICATE_SOURCE
    if isinstance(record, MetricPoint):
        return row.point(record, PSEUDONYMS) if row.point else Pass.DUPLICATE_SOURCE
    return row.span(record, PSEUDONYMS) if row.span else Pass.DUPLICATE_SOURCE


def _is_usage(fact: Fact) -> bool:
    requested = isinstance(fact, RequestAnswered | RequestFailed)
    return requested or (isinstance(fact, Counted) and fact.quantity in _USAGE)


def _quantity(fact: Fact) -> str | None:
    if isinstance(fact, RequestFailed):
        return "usage"
    if isinstance(fact, RequestAnswered | Traced):
        return "usage" if isinstance(fact, RequestAnswered) else None
    return "usage" if fact.quantity in _USAGE else fact.quantity.value


def _from_authority(
    seen: Iterable[Observation], group: Callable[[Fact], str | None]
) -> dict[tuple[str | None, str], list[Fact]]:
    """Facts by session and group, only those of the group's lowest rank, series at their top."""
    ranked: dict[tuple[str | None, str], dict[int, list[Fact]]] = defaultdict(dict)
    tops: dict[tuple[Any, ...], Counted] = {}
    for observation in seen:
        for fact in observation.facts:
            name = group(fact)
            if name is None:
                continue
            facts = ranked[observation.origin.session_id, name].setdefault(
                observation.origin.rank, []
            )
            if observation.series is None or not isinstance(fact, Counted):
                facts.append(fact)
                continue
            series = (
                observation.origin.session_id,
                name,
                observation.origin.rank,
                observation.series.key,
            )
            before = tops.get(series)
            if before is None or before.amount < fact.amount:
                tops[series] = fact
    for (session_id, name, rank, _), fact in tops.items():
        ranked[session_id, name][rank].append(fact)
    return {key: by_rank[min(by_rank)] for key, by_rank in ranked.items()}


def _add(counts: Counts, bucket: str, amount: int) -> None:
    counts[bucket] = (counts[bucket] or 0) + amount
