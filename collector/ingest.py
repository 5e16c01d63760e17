"""Inbox to sessions and work: claim, read, and fold in one transaction.

Reading (decode, dialect) happens outside the transaction, which then deletes the inbox rows, keeps
only records never seen before, and adds their sum. Rows that another folder took meanwhile, and
records seen before, contribute nothing: that is all of exactly-once.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from collector.counters import correction
from collector.decode import decode
from collector.dialects import tells
from collector.errors import CollectorError, Undecodable
from collector.fold import at_hour, fold, hour_of
from collector.forges import FORGES
from collector.observe import observe
from collector.spool import OTLP, WEBHOOK, unpack_otlp
from domain.events import Counted, Observation
from domain.folded import CoverageKey
from domain.pseudonym import Pseudonyms
from domain.work import WorkFact
from store import inbox, sessions, work
from store.engine import Connection, Database, StoreError

_log = logging.getLogger(__name__)

_ROWS = 256
_FORGES = {forge.name: forge for forge in FORGES}


@dataclass(slots=True)
class _Read:
    """What one inbox row says."""

    row_id: int
    received_at: datetime
    observations: list[Observation] = field(default_factory=list)
    facts: Sequence[WorkFact] = ()
    tallies: Counter[CoverageKey] = field(default_factory=Counter)


def ingest(database: Database, pseudonyms: Pseudonyms, limit: int = _ROWS) -> int:
    """Fold the oldest rows of the inbox; how many rows were settled (0: there were none).

    Raises StoreError where the database can't be written now; nothing is lost then. A batch that
    fails for any other reason is folded row by row, and a row that fails alone is parked.
    """
    with database.reading() as connection:
        held = inbox.oldest(connection, limit)
    read = [_read(row, pseudonyms) for row in held]
    if not read:
        return 0
    try:
        _fold(database, read)
    except StoreError:
        if database.available():
            for row in read:
                _fold_alone(database, row)
        else:
            raise
    return len(read)


def _read(row: inbox.Held, pseudonyms: Pseudonyms) -> _Read:
    read = _Read(row.id, row.incoming.received_at)
    try:
        if row.incoming.kind == OTLP:
            signal, encoding, body = unpack_otlp(row.incoming)
            records = decode(signal, encoding, body)
            read.observations = observe(signal, records, pseudonyms, read.tallies)
        elif row.incoming.kind == WEBHOOK:
            provider, _, event = row.incoming.name.partition(":")
            payload = msgspec.json.decode(row.incoming.body, type=dict)
            read.facts = _FORGES[provider].parse(
                event, payload, pseudonyms, row.incoming.received_at
            )
            became = "understood" if read.facts else "ignored"
            read.tallies[CoverageKey(provider, WEBHOOK, event, became)] += 1
    except (CollectorError, msgspec.DecodeError) as error:
        code = error.code if isinstance(error, CollectorError) else Undecodable.code
        read.tallies[CoverageKey("unknown", row.incoming.kind, row.incoming.name, code)] += 1
        _log.warning("inbox row %d (%s) is unreadable: %s", row.id, row.incoming.name, code)
    return read


def _fold_alone(database: Database, row: _Read) -> None:
    try:
        _fold(database, [row])
    except StoreError as error:
        _log.exception("inbox row %d can't be folded and is set aside", row.row_id)
        with database.writing() as connection:
            inbox.park(connection, row.row_id, type(error.__cause__ or error).__name__)


def _fold(database: Database, read: Sequence[_Read]) -> None:
    with database.writing() as connection:
        taken = inbox.take(connection, (row.row_id for row in read))
        ours = [row for row in read if row.row_id in taken]
        observations = [each for row in ours for each in row.observations]
        new = [*_never_seen(connection, observations), *_grown(connection, observations)]
        sessions.apply(connection, fold(new, tells))
        for row in ours:
            work.apply(connection, row.facts)
            sessions.cover(connection, row.tallies, row.received_at)


def _never_seen(connection: Connection, observations: Iterable[Observation]) -> list[Observation]:
    """Observations other than readings, each record once in all time."""
    candidates = [each for each in observations if each.series is None]
    new = sessions.unseen(connection, (each.key for each in candidates))
    first: list[Observation] = []
    for observation in candidates:
        if observation.key in new:
            new.remove(observation.key)
            first.append(observation)
    return first


def _grown(connection: Connection, observations: Iterable[Observation]) -> list[Observation]:
    """Readings of cumulative counters as what each hour grew by."""
    told: dict[bytes, dict[int, int]] = {}
    sample: dict[bytes, Observation] = {}
    for observation in observations:
        fact = observation.facts[0]
        if observation.series is None or not isinstance(fact, Counted):
            continue
        key, hour = observation.series.key, hour_of(observation.at)
        hours = told.setdefault(key, {})
        hours[hour] = max(fact.amount, hours.get(hour, 0))
        sample[key] = observation
    known = sessions.readings(connection, told)
    sessions.raise_readings(connection, told)
    return [
        at_hour(sample[key], hour, amount)
        for key, hours in told.items()
        for hour, amount in _correction(known.get(key, {}), hours).items()
    ]


def _correction(old: Mapping[int, int], new: Mapping[int, int]) -> Mapping[int, int]:
    # A first reading of zero is still told: the bucket becomes 0 instead of unknown.
    return correction(old, new) or ({} if old else dict.fromkeys(new, 0))
