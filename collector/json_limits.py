"""The limits of a JSON request, its items that are no records, and which signal it is of."""

import json
from collections.abc import Iterator
from typing import Any

from collector.decode_json import parse
from collector.errors import TooLarge, Undecodable, UnknownPath
from collector.limits import Admitted, Limits
from domain.record import Signal

# The lists from a request down to its records; a metric's are its data points.
_PATHS = {
    Signal.LOGS: ("resourceLogs", "scopeLogs", "logRecords"),
    Signal.METRICS: ("resourceMetrics", "scopeMetrics", "metrics"),
    Signal.TRACES: ("resourceSpans", "scopeSpans", "spans"),
}
_KINDS = ("sum", "gauge", "histogram", "exponentialHistogram", "summary")
_PARTS = ("events", "links", "exemplars")
# What stands between two commas or brackets takes two bytes of a body and fifty to seventy of
# memory. A record of twenty attributes has eighty: of such, sixty thousand may come in one request.
MOST_ITEMS = 5_000_000
_MARKS = (b"{", b"[", b",")


def admitted(told: Signal | None, body: bytes, limits: Limits) -> Admitted:
    """The request without the records that exceed the limits; Undecodable where none is left.

    The body says which signal it is of, whatever path it came to (``told``). Items that are no
    objects count as refused, and stay: the fold tallies them.
    """
    _bound(body)
    request = parse(told or Signal.LOGS, body)
    signal = _signal(told, request)
    lists = list(_lists(signal, request))
    deep = _may_be_nested(body)
    refused, left, malformed = 0, 0, 0
    for around, listed in lists:
        whole = any(_exceeds(each, deep, limits) for each in around)
        kept = [] if whole else [each for each in listed if not _exceeds(each, deep, limits)]
        refused += len(listed) - len(kept)
        left += len(kept)
        malformed += sum(not isinstance(each, dict) for each in kept)
        if len(kept) < len(listed):
            listed[:] = kept
    if not refused:
        return Admitted(signal, body, malformed)
    if not left:
        raise Undecodable(limits.told())
    return Admitted(signal, _written(request), refused + malformed)


def _bound(body: bytes) -> None:
    """Raise TooLarge for a body that would fill memory with values of next to nothing."""
    if len(body) > MOST_ITEMS and sum(map(body.count, _MARKS)) > MOST_ITEMS:
        raise TooLarge(f"the body holds more than {MOST_ITEMS} values")


def _may_be_nested(body: bytes) -> bool:
    """Whether any value can stand inside another: they do so in "values", spelled out or not."""
    return b'"values"' in body or (b"\\" in body and b"\\u00" in body)


def _signal(told: Signal | None, request: dict[str, Any]) -> Signal:
    if told is not None and _PATHS[told][0] in request:
        return told
    named = [signal for signal, (outer, _, _) in _PATHS.items() if outer in request]
    if len(named) == 1 and isinstance(request[_PATHS[named[0]][0]], list | None):
        return named[0]
    if told is None:
        raise UnknownPath("post to /v1/logs, /v1/metrics or /v1/traces")
    return told


def _lists(signal: Signal, request: dict[str, Any]) -> Iterator[tuple[list[Any], list[Any]]]:
    """Each list of records: (the resource, scope and metric around it, the list itself)."""
    outer, inner, held = _PATHS[signal]
    groups = _list(request.get(outer))
    yield [], [each for each in groups if not isinstance(each, dict)]
    for group in _objects(groups):
        scopes = _list(group.get(inner))
        yield [], [each for each in scopes if not isinstance(each, dict)]
        for scoped in _objects(scopes):
            around = [group.get("resource"), scoped.get("scope")]
            records = _list(scoped.get(held))
            if signal is not Signal.METRICS:
                yield around, records
                continue
            yield [], [each for each in records if not isinstance(each, dict)]
            for metric in _objects(records):
                told = [data for kind in _KINDS if isinstance(data := metric.get(kind), dict)]
                for data in told:
                    yield around, _list(data.get("dataPoints"))


def _exceeds(record: object, deep: bool, limits: Limits) -> bool:
    """Whether anything in a record has too many attributes, or a value nested too deep."""
    if not isinstance(record, dict):
        return False
    if _too_many(record.get("attributes"), deep, limits):
        return True
    if deep and _deeper(record.get("body"), limits.nesting):
        return True
    for parts in _PARTS:
        if parts in record:
            for part in _objects(_list(record[parts])):
                if _too_many(part.get("attributes"), deep, limits):
                    return True
                if _too_many(part.get("filteredAttributes"), deep, limits):
                    return True
    return False


def _too_many(pairs: object, deep: bool, limits: Limits) -> bool:
    if not isinstance(pairs, list):
        return False
    if len(pairs) > limits.attributes:
        return True
    return deep and any(_deeper(pair.get("value"), limits.nesting) for pair in _objects(pairs))


def _deeper(value: object, levels: int) -> bool:
    """Whether more lists and maps than these stand inside each other."""
    if not isinstance(value, dict):
        return False
    for name in ("arrayValue", "kvlistValue"):
        if name in value:
            if not levels:
                return True
            held = value[name]
            for each in _objects(_list(held.get("values") if isinstance(held, dict) else None)):
                inner = each if name == "arrayValue" else each.get("value")
                if _deeper(inner, levels - 1):
                    return True
    return False


def _written(request: dict[str, Any]) -> bytes:
    try:
        return json.dumps(request, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise Undecodable("the body can't be read without the records refused") from error


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(values: list[Any]) -> Iterator[dict[str, Any]]:
    for value in values:
        if isinstance(value, dict):
            yield value
