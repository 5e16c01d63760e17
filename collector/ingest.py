"""Inbox to sessions and work: claim, read, and fold in one transaction.

Reading (decode, dialect) happens outside the transaction, which then takes the inbox rows, keeps
only records never seen before, and adds their sum. Rows that another folder took meanwhile, and
records seen before, contribute nothing: that is all of exactly-once.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from struct import Struct

import msgspec

from collector.decode import decode
from collector.dialects import tells
from collector.errors import CollectorError, Undecodable
from collector.fold import fold, session_of
from collector.forges import FORGES
from collector.growth import HOUR_US, Growth, grown, highest
from collector.lateness import began_since, in_time, microseconds
from collector.nesting import Moved, moved, near, placed
from collector.observe import observe
from collector.spool import OTLP, WEBHOOK, unpack_otlp
from collector.stamping import stamped
from collector.trackers import TRACKERS
from domain.events import Observation
from domain.failures import class_name, origin
from domain.folded import CoverageKey
from domain.price_book import LIST_PRICES, PriceBook
from domain.pseudonym import Pseudonyms
from domain.work import WorkFact
from store import inbox, request_spans, retention, seen, sessions, work
from store.engine import Connection, Database, passing

_log = logging.getLogger(__name__)

FULL = 256
"""So many rows are folded together, if there are; more where all of them are small."""

# Some hundred export requests of fifty records. Webhooks and single records are smaller, and what a
# batch costs by itself is then a good part of it.
_FEW_BYTES = 1024 * 1024
# Of a record's identity, as much as is kept.
_record_key = Struct("<Q").unpack_from
_PROVIDERS = {provider.name: provider for provider in (*FORGES, *TRACKERS)}


@dataclass(slots=True)
class _Read:
    """What one inbox row says."""

    row_id: int
    received_at: datetime
    observations: list[Observation] = field(default_factory=list)
    facts: Sequence[WorkFact] = ()
    tallies: Counter[CoverageKey] = field(default_factory=Counter)


def ingest(
    database: Database,
    pseudonyms: Pseudonyms,
    limit: int | None = None,
    prices: PriceBook = LIST_PRICES,
    records: Counter[str] | None = None,
) -> int:
    """Fold the oldest rows of the inbox; how many rows were settled (0: there were none).

    Without a ``limit`` it is ``FULL`` of them, in an embedded database four times as many where
    they are small.

    Tokens are booked at ``prices``. ``records`` is added to: how many came to which outcome, as in
    the coverage, resends too.

    Raises StoreError where the database can't be written now; nothing is lost then. A batch that
    fails for any other reason is folded row by row, and a row that fails alone is parked: no row
    may ever keep the others waiting.
    """
    read: list[_Read] = []
    failed: list[tuple[int, Exception]] = []
    became = Counter[str]() if records is None else records
    try:
        with _claimed(database, limit) as (held, connection):
            for row in held:
                try:
                    read.append(_told(row, pseudonyms))
                except Exception as error:  # noqa: BLE001
                    failed.append((row.id, error))
            done = _fold(database, read, prices, connection)
        became.update(done)
    except Exception as error:
        if passing(error):
            raise
        _log.warning("%d inbox rows can't be folded together: %s", len(read), origin(error))
        for each in read:
            became.update(_fold_alone(database, each, prices))
    for row_id, reason in failed:
        _log.error("inbox row %d can't be read and is set aside: %s", row_id, origin(reason))
        _park(database, row_id, reason)
    return len(read) + len(failed)


@contextmanager
def _claimed(
    database: Database, limit: int | None
) -> Iterator[tuple[list[inbox.Held], Connection | None]]:
    """The oldest rows, and the connection that holds them where it must be the one to fold them.

    With many folders (PostgreSQL) rows are locked while they are read, and others pass over them.
    The one folder of an embedded database reads before it writes, since it would keep the
    receivers waiting.
    """
    if database.embedded:
        with database.arrivals.reading() as arrivals:
            few = _FEW_BYTES if limit is None else 0
            held = inbox.oldest(arrivals, limit or FULL, unless=few)
        if held:
            with database.reading() as connection:
                held = inbox.stamped(connection, held)
        yield held, None
    else:
        with database.writing() as connection:
            held = inbox.oldest(connection, limit or FULL, claim=True)
            yield inbox.stamped(connection, held), connection


def _told(row: inbox.Held, pseudonyms: Pseudonyms) -> _Read:
    read = _Read(row.id, row.incoming.received_at)
    try:
        if row.incoming.kind == OTLP:
            signal, encoding, body = unpack_otlp(row.incoming)
            records = decode(signal, encoding, body)
            observed = observe(signal, records, pseudonyms, read.tallies)
            read.observations = stamped(observed, row.stamp, pseudonyms) if row.stamp else observed
        elif row.incoming.kind == WEBHOOK:
            provider, _, event = row.incoming.name.partition(":")
            payload = msgspec.json.decode(row.incoming.body, type=dict)
            read.facts = _PROVIDERS[provider].parse(
                event, payload, pseudonyms, row.incoming.received_at
            )
            became = "understood" if read.facts else "ignored"
            read.tallies[CoverageKey(provider, WEBHOOK, event, became)] += 1
        else:
            raise ValueError("an inbox row of a kind that this version does not know")
    except (CollectorError, msgspec.DecodeError) as error:
        code = error.code if isinstance(error, CollectorError) else Undecodable.code
        read.tallies[CoverageKey("unknown", row.incoming.kind, row.incoming.name, code)] += 1
        _log.warning("inbox row %d (%s) is unreadable: %s", row.id, row.incoming.name, code)
    return read


def _fold_alone(database: Database, row: _Read, prices: PriceBook) -> Counter[str]:
    try:
        return _fold(database, [row], prices)
    except Exception as error:
        if passing(error):
            raise
        _log.error("inbox row %d can't be folded and is set aside: %s", row.row_id, origin(error))
        _park(database, row.row_id, error)
        return Counter()


def _park(database: Database, row_id: int, error: Exception) -> None:
    with database.arrivals.writing() as connection:
        inbox.park(connection, row_id, class_name(error))


def _fold(
    database: Database,
    read: Sequence[_Read],
    prices: PriceBook,
    connection: Connection | None = None,
) -> Counter[str]:
    """How many records came to which outcome."""
    ids = [row.row_id for row in read]
    if connection is not None:
        taken = inbox.take(database, connection, ids)
        return _fold_in(connection, [row for row in read if row.row_id in taken], prices)
    if not read:
        return Counter()
    with database.writing() as own:
        taken = inbox.take(database, own, ids)
        became = _fold_in(own, [row for row in read if row.row_id in taken], prices)
    inbox.forget(database, ids)
    return became


def _fold_in(connection: Connection, ours: Sequence[_Read], prices: PriceBook) -> Counter[str]:
    observations = [each for row in ours for each in row.observations]
    horizon, late = retention.hold(connection), Counter[CoverageKey]()
    horizon_us = None if horizon is None else microseconds(horizon)
    if horizon_us is not None:
        observations = in_time(observations, horizon_us, late)
    new = _never_seen(connection, observations)
    telling, growths = _grown(connection, observations, horizon_us, late)
    shifted = _moved(connection, new)
    sessions.apply(connection, fold([*new, *telling], growths, tells, prices, shifted))
    refused = work.apply(connection, [fact for row in ours for fact in row.facts])
    arrived = [(row.tallies, row.received_at) for row in ours]
    others = [(told, at) for _, at in arrived[-1:] for told in (refused, late)]
    sessions.cover(connection, [*arrived, *others])
    outcomes: Counter[str] = Counter()
    for tally, _ in (*arrived, *others):
        for key, records in tally.items():
            outcomes[key.outcome] += records
    return outcomes


def _never_seen(connection: Connection, observations: Sequence[Observation]) -> list[Observation]:
    """Observations other than readings, each record once in all time."""
    # Many records share the very same origin, which without a session is another one each day.
    pks: dict[tuple[int, int], int] = {}
    told: dict[seen.HourKey, dict[int, Observation]] = {}
    for observation in observations:
        if observation.series is None:
            origin, hour_no = observation.origin, observation.at_us // HOUR_US
            known = id(origin), hour_no if origin.session_id is None else 0
            pk = pks.get(known)
            if pk is None:
                pk = pks[known] = session_of(origin, observation.at_us).pk
            hour = pk, hour_no
            records = told.get(hour)
            if records is None:
                records = told[hour] = {}
            [key] = _record_key(observation.key)
            records.setdefault(key, observation)
    new = seen.unseen(connection, told)
    return [told[hour][key] for hour, keys in new.items() for key in sorted(keys)]


def _moved(connection: Connection, new: Sequence[Observation]) -> list[Moved]:
    """What requests inside each other change, among these and all that are known."""
    requests = placed(new)
    if not requests:
        return []
    links = request_spans.links(connection, {place.trace for place, _ in requests})
    known = request_spans.told(connection, near(links, new))
    request_spans.keep(connection, (each for _, each in requests))
    return moved(known, new)


def _grown(
    connection: Connection,
    observations: Iterable[Observation],
    horizon_us: int | None,
    late: Counter[CoverageKey],
) -> tuple[list[Observation], list[Growth]]:
    """Readings of cumulative counters: what they tell beside the count, and what the hours grew."""
    read: dict[bytes, list[Observation]] = defaultdict(list)
    for observation in observations:
        if observation.series is not None:
            read[observation.series.key].append(observation)
    known = sessions.readings(connection, read)
    if horizon_us is not None:
        read = {
            key: readings
            for key, readings in read.items()
            if key in known or began_since(readings, horizon_us, late)
        }
    telling: list[Observation] = []
    growths: list[Growth] = []
    for key, readings in read.items():
        seen, changed = grown(known.get(key, {}), readings)
        telling += seen
        growths += changed
    sessions.raise_readings(connection, {key: highest(each) for key, each in read.items()})
    return telling, growths
