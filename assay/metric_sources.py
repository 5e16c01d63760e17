"""Where each metric comes from: plain counts of this process, and what stands in the database."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby

from assay.jobs import Jobs
from assay.telemetry import Sources, Told
from collector.meters import Receiving
from store import backlog, gauges, sync
from store.engine import Database

ACKNOWLEDGED = "acknowledged"


def receivers(meters: Mapping[str, Receiving]) -> Sources:
    """Of the receivers, by transport."""

    def requests() -> Iterator[Told]:
        for transport, meter in meters.items():
            counts, _ = meter.acknowledged.seen()
            yield sum(counts), {"transport": transport, "outcome": ACKNOWLEDGED}
            for code, refused in tuple(meter.refused.items()):
                yield refused, {"transport": transport, "outcome": code}

    def acknowledgements() -> Iterator[Told]:
        for transport, meter in meters.items():
            yield meter.acknowledged, {"transport": transport}

    return {"assay.requests": requests, "assay.acknowledgement.duration": acknowledgements}


def worker(
    database: Database,
    jobs: Jobs,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Sources:
    """Of a worker, and of the database at which it works."""

    def waiting() -> Iterator[Told]:
        with database.arrivals.reading() as connection:
            yield backlog.most_waiting(connection), {}

    def age() -> Iterator[Told]:
        with database.arrivals.reading() as connection:
            oldest = backlog.oldest_at(connection)
        yield 0.0 if oldest is None else max((clock() - oldest).total_seconds(), 0.0), {}

    def marked() -> Iterator[Told]:
        with database.reading() as connection:
            told = gauges.marked(connection)
        for item, number in told.items():
            yield number, {"item": item}

    def sessions() -> Iterator[Told]:
        with database.reading() as connection:
            told = gauges.sessions_by_label(connection)
        for label, number in told.items():
            yield number, {"label": label}

    return {
        "assay.records": lambda: _counts(jobs.records, "outcome"),
        "assay.job.duration": lambda: _durations(jobs),
        "assay.job.failures": lambda: _counts(jobs.failures, "job.name"),
        "assay.inbox.requests": waiting,
        "assay.inbox.age": age,
        "assay.marked": marked,
        "assay.sessions": sessions,
        "assay.sync.streams": lambda: _streams(database),
        "assay.sync.age": lambda: _ages(database, clock()),
    }


def _counts(counts: Mapping[str, int], attribute: str) -> Iterator[Told]:
    for name, number in tuple(counts.items()):
        yield number, {attribute: name}


def _durations(jobs: Jobs) -> Iterator[Told]:
    for job, durations in tuple(jobs.durations.items()):
        yield durations, {"job.name": job}


def _streams(database: Database) -> Iterator[Told]:
    with database.reading() as connection:
        states = [each for each in sync.states(connection) if each.stream]
    for provider, some in groupby(states, key=lambda each: each.provider):
        failing = [each.error_code is not None for each in some]
        yield failing.count(False), {"provider": provider, "state": "ok"}
        yield failing.count(True), {"provider": provider, "state": "failing"}


def _ages(database: Database, now: datetime) -> Iterator[Told]:
    with database.reading() as connection:
        states = sync.states(connection)
    for provider, some in groupby(states, key=lambda each: each.provider):
        last = max((each.succeeded_at for each in some if each.succeeded_at), default=None)
        if last is not None:
            yield max((now - last).total_seconds(), 0.0), {"provider": provider}
