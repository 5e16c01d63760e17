"""Records to observations: find the dialect, ask it, count what became of each record."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from collector.attributes import event_name
from collector.dialects import OTHERWISE, recognise, speaks
from collector.dialects.dialect import Dialect
from domain.events import Counted, Fact, Observation, Outcome, Pass, RequestAnswered
from domain.failures import origin
from domain.folded import CoverageKey
from domain.pseudonym import Pseudonyms
from domain.record import LogRecord, MetricPoint, Record, Scope, Signal

_UNKNOWN = "unknown"
# A tool, and its dialect's reader of the record's signal, if it has one.
_Known = tuple[str, Callable[[Any, Pseudonyms], Outcome] | None]

_log = logging.getLogger(__name__)

_NAME_LENGTH = 128
# More of anything than one record can truly tell (a thousand trillion tokens, a million dollars):
# refused, since the sums of such amounts would no longer fit a 64-bit column.
_LIMIT = 2**50


def observe(
    signal: Signal,
    records: Iterable[Record | None],
    pseudonyms: Pseudonyms,
    tallies: Counter[CoverageKey],
) -> list[Observation]:
    """The observations among these records; every record is tallied, understood or not."""
    observations: list[Observation] = []
    became: dict[tuple[str, str, str], int] = {}
    scope: Scope | None = None
    readers: dict[str, _Known] = {}
    for record in records:
        if record is None:
            kind = _UNKNOWN, "(unreadable)", Pass.MALFORMED.value
        else:
            if record.scope is not scope:
                scope, readers = record.scope, {}
            outcome, tool, name = _ask(record, readers, pseudonyms)
            if isinstance(outcome, Observation):
                observations.append(outcome)
                kind = tool, name, "understood"
            else:
                kind = tool, _shown(record, tool, name), outcome.value
        became[kind] = became.get(kind, 0) + 1
    for (tool, name, end), so_many in became.items():
        tallies[CoverageKey(tool, signal.value, name[:_NAME_LENGTH], end)] += so_many
    return observations


def _name(record: Record) -> str:
    if isinstance(record, LogRecord):
        return event_name(record) or "(no name)"
    return record.name or "(no name)"


def _shown(record: Record, tool: str, name: str) -> str:
    """The name as it may be kept of a record that was not understood.

    The body of such a log may be a name as well, or what somebody typed: it is not shown.
    """
    if isinstance(record, LogRecord) and name == record.body:
        named = name == record.event_name or name == record.attributes.get("event.name")
        name = name if named else "(no name)"
    return f"{record.scope.name or '(no scope)'}: {name}" if tool == _UNKNOWN else name


def _ask(
    record: Record, readers: dict[str, _Known], pseudonyms: Pseudonyms
) -> tuple[Outcome, str, str]:
    """The dialect's answer, the tool, and the record's name.

    A dialect that fails on one record must not cost the others. ``readers`` are those of this
    record's scope that are known already, by name.
    """
    tool, name = _UNKNOWN, "(unreadable)"
    try:
        name = _name(record)
        known = readers.get(name)
        if known is None:
            known = readers[name] = _known(recognise(record.scope, name), record)
        tool, read = known
        if tool == _UNKNOWN and speaks(record):
            tool, read = _known(OTHERWISE, record)
        if read is None:
            return Pass.UNKNOWN if tool == _UNKNOWN else Pass.DUPLICATE_SOURCE, tool, name
        outcome = read(record, pseudonyms)
    except Exception as error:  # noqa: BLE001
        # Any error here is ours, whatever its type; the record's content stays out of the log.
        shown = _shown(record, tool, name)[:_NAME_LENGTH]
        _log.error("dialect %s failed on %s: %s", tool, shown, origin(error))
        return Pass.MALFORMED, tool, name
    if isinstance(outcome, Observation):
        for fact in outcome.stated:
            if not _plausible(fact):
                return Pass.MALFORMED, tool, name
        tool = outcome.origin.tool
    return outcome, tool, name


def _known(dialect: Dialect | None, record: Record) -> _Known:
    if dialect is None:
        return _UNKNOWN, None
    if isinstance(record, LogRecord):
        return dialect.tool, dialect.log
    return dialect.tool, dialect.point if isinstance(record, MetricPoint) else dialect.span


def _plausible(fact: Fact) -> bool:
    """Whether every amount is one that the store can add."""
    if type(fact) is Counted:
        return 0 <= fact.amount < _LIMIT
    if type(fact) is not RequestAnswered:
        return True
    tokens = fact.tokens
    # One number has all bits of the others: it is as large as the largest, and negative if one is.
    bits = (
        (tokens.input or 0)
        | (tokens.cache_read or 0)
        | (tokens.cache_write or 0)
        | (tokens.cache_write_5m or 0)
        | (tokens.cache_write_1h or 0)
        | (tokens.output or 0)
        | (tokens.reasoning or 0)
        | (fact.cost_nanousd or 0)
    )
    return 0 <= bits < _LIMIT
