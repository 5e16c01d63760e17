"""Records to observations: find the dialect, ask it, count what became of each record."""

import logging
from collections import Counter
from collections.abc import Iterable

from collector.dialects import recognise
from collector.dialects.dialect import Dialect
from domain.events import Observation, Outcome, Pass
from domain.folded import CoverageKey
from domain.pseudonym import Pseudonyms
from domain.record import LogRecord, MetricPoint, Record, Signal, text

_log = logging.getLogger(__name__)

_NAME_LENGTH = 128


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
            tool, became = outcome.tool, "understood"
        else:
            tool, became = dialect.tool if dialect else "unknown", outcome.value
        told = name if dialect else f"{record.scope.name or '(no scope)'}: {name}"
        tallies[CoverageKey(tool, signal.value, told[:_NAME_LENGTH], became)] += 1
    return observations


def _name(record: Record) -> str:
    if isinstance(record, LogRecord):
        told = text(record.attributes, "event.name") or record.event_name or record.body
        return told or "(no name)"
    return record.name or "(no name)"


def _ask(dialect: Dialect | None, record: Record, pseudonyms: Pseudonyms) -> Outcome:
    """The dialect's answer. A dialect that fails on one record must not cost the others."""
    if dialect is None:
        return Pass.UNKNOWN
    try:
        if isinstance(record, LogRecord):
            return dialect.log(record, pseudonyms) if dialect.log else Pass.DUPLICATE_SOURCE
        if isinstance(record, MetricPoint):
            return dialect.point(record, pseudonyms) if dialect.point else Pass.DUPLICATE_SOURCE
        return dialect.span(record, pseudonyms) if dialect.span else Pass.DUPLICATE_SOURCE
    except Exception:
        # Any error here is ours, whatever its type; the record's content stays out of the log.
        _log.exception("dialect %s failed on %s", dialect.tool, _name(record)[:_NAME_LENGTH])
        return Pass.MALFORMED
