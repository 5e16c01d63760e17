"""Records to observations: find the dialect, ask it, count what became of each record."""

import logging
from collections import Counter
from collections.abc import Iterable

from collector.dialects import recognise
from collector.dialects.dialect import Dialect
from collector.errors import origin
from domain.events import Counted, Fact, Observation, Outcome, Pass, RequestAnswered
from domain.folded import CoverageKey
from domain.pseudonym import Pseudonyms
from domain.record import LogRecord, MetricPoint, Record, Signal, text

_log = logging.getLogger(__name__)

_NAME_LENGTH = 128
# More of anything than one record can truly tell (a thousand trillion tokens, a million dollars):
# refused, since the sums of such amounts would no longer fit a 64-bit column.
_MOST = 10**15


def observe(
    signal: Signal,
    records: Iterable[Record | None],
    pseudonyms: Pseudonyms,
    tallies: Counter[CoverageKey],
) -> list[Observation]:
    """The observations among these records; every record is tallied, understood or not."""
    observations: list[Observation] = []
    for record in records:
        if record is None:
            tallies[CoverageKey("unknown", signal.value, "(unreadable)", Pass.MALFORMED.value)] += 1
            continue
        name = _name(record)
        dialect = recognise(record, name)
        outcome = _ask(dialect, record, pseudonyms)
        if isinstance(outcome, Observation):
            observations.append(outcome)
            tool, became, shown = outcome.tool, "understood", name
        else:
            tool, became = dialect.tool if dialect else "unknown", outcome.value
            shown = _shown(record)
        told = shown if dialect else f"{record.scope.name or '(no scope)'}: {shown}"
        tallies[CoverageKey(tool, signal.value, told[:_NAME_LENGTH], became)] += 1
    return observations


def _name(record: Record) -> str:
    if isinstance(record, LogRecord):
        told = text(record.attributes, "event.name") or record.event_name or record.body
        return told or "(no name)"
    return record.name or "(no name)"


def _shown(record: Record) -> str:
    """The name as it may be kept of a record that was not understood.

    The body of such a log may be a name as well, or what somebody typed: it is not shown.
    """
    if isinstance(record, LogRecord):
        return text(record.attributes, "event.name") or record.event_name or "(no name)"
    return record.name or "(no name)"


def _ask(dialect: Dialect | None, record: Record, pseudonyms: Pseudonyms) -> Outcome:
    """The dialect's answer. A dialect that fails on one record must not cost the others."""
    if dialect is None:
        return Pass.UNKNOWN
    try:
        outcome = _read(dialect, record, pseudonyms)
    except Exception as error:  # noqa: BLE001
        # Any error here is ours, whatever its type; the record's content stays out of the log.
        name = _shown(record)[:_NAME_LENGTH]
        _log.error("dialect %s failed on %s: %s", dialect.tool, name, origin(error))
        return Pass.MALFORMED
    if isinstance(outcome, Observation) and not all(map(_plausible, outcome.facts)):
        return Pass.MALFORMED
    return outcome


def _read(dialect: Dialect, record: Record, pseudonyms: Pseudonyms) -> Outcome:
    if isinstance(record, LogRecord):
        return dialect.log(record, pseudonyms) if dialect.log else Pass.DUPLICATE_SOURCE
    if isinstance(record, MetricPoint):
        return dialect.point(record, pseudonyms) if dialect.point else Pass.DUPLICATE_SOURCE
    return dialect.span(record, pseudonyms) if dialect.span else Pass.DUPLICATE_SOURCE


def _plausible(fact: Fact) -> bool:
    """Whether every amount is one that the store can add."""
    if isinstance(fact, Counted):
        return 0 <= fact.amount <= _MOST
    if not isinstance(fact, RequestAnswered):
        return True
    tokens = fact.tokens
    told = (
        *(tokens.input, tokens.cache_read, tokens.output, tokens.reasoning, fact.cost_nanousd),
        *(tokens.cache_write, tokens.cache_write_5m, tokens.cache_write_1h),
    )
    return all(amount is None or 0 <= amount <= _MOST for amount in told)
