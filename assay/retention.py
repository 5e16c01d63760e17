"""``assay retention``: forget what is older than is wanted; by hand, or daily beside the worker."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from assay.console import Data, DatabaseUrl, end, opened, settings_from
from assay.settings import Settings
from store import audit, retention, sign_ins
from store.engine import Database, StoreError
from store.retention import Forgotten

_log = logging.getLogger(__name__)

_DAY_SECONDS = 24 * 60 * 60
_RETRY_SECONDS = 60
# Of several processes that would forget at one database, one does.
_FORGETTING = 7_275_339

Before = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"], help="Delete the sessions whose last record is older, in UTC."
    ),
]
OlderThan = Annotated[
    int | None,
    typer.Option("--older-than", metavar="DAYS", min=1, help="The same, counted from now."),
]
DryRun = Annotated[bool, typer.Option(help="Only say how many they are.")]


def retain(
    before: Before = None,
    older_than: OlderThan = None,
    dry_run: DryRun = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Delete old sessions with everything that is known of them, for good.

    Records from before that time are refused from then on. Without a time it is that of the setting
    retention_days, as the workers do daily; --dry-run shows what that would be.
    """
    now = datetime.now(UTC)
    if before is None and older_than is None:
        older_than = settings_from(data=data, database_url=database_url).retention_days
    if (before is None) == (older_than is None):
        end("Say which sessions: --before DATE or --older-than DAYS, or set ASSAY_RETENTION_DAYS.")
    since = before.replace(tzinfo=UTC) if before else now - timedelta(days=older_than or 0)
    since = retention.whole_hour(since)
    if since > now:
        end("That is in the future: records that are still to come would be refused.")
    with opened(data, database_url) as database:
        if dry_run:
            with database.reading() as connection:
                sessions, waiting = retention.count_sessions(connection, since)
            typer.echo(f"{_sentence(sessions, waiting, since)} Nothing was deleted.")
            return
        with database.alone(_FORGETTING) as mine:
            if not mine:
                end("Another process is at it.")
            told = forget(database, sessions_before=since, horizon=since, now=now)
    typer.echo(_sentence(told.sessions, told.waiting, since))
    typer.echo(
        f"Forgotten beside them: {told.hours_seen} hours of record keys, {told.readings} readings"
        f" of counters, {told.deliveries} webhook deliveries."
    )


def _sentence(sessions: int, waiting: int, since: datetime) -> str:
    later = f", and {waiting} once they are concluded" if waiting else ""
    return f"Sessions that ended before {since:%Y-%m-%d %H:%M} UTC: {sessions}{later}."


def forget(
    database: Database,
    *,
    sessions_before: datetime | None,
    horizon: datetime | None,
    now: datetime,
    stopped: Callable[[], bool] = lambda: False,
) -> Forgotten:
    """Raise the horizon, then forget in small steps what that allows, until ``stopped``.

    ``sessions_before`` is at most ``horizon``; None deletes no session. Raises StoreError; what is
    done by then stays done, and another call goes on with the rest.
    """
    if horizon is not None:
        retention.raise_horizon(database, horizon)
    with database.reading() as connection:
        raised = retention.horizon(connection) is not None
    sessions = waiting = hours_seen = readings = 0
    if sessions_before is not None:
        sessions = _sum(retention.forget_sessions(database, sessions_before), stopped)
        with database.reading() as connection:
            _, waiting = retention.count_sessions(connection, sessions_before)
    if raised:
        hours_seen = _sum(retention.forget_keys(database), stopped)
        readings = _sum(retention.forget_readings(database), stopped)
        _sum(retention.forget_repeats(database), stopped)
        _sum(retention.forget_spans(database), stopped)
    return Forgotten(
        sessions=sessions,
        waiting=waiting,
        hours_seen=hours_seen,
        readings=readings,
        deliveries=retention.forget_deliveries(database, now),
    )


def _sum(steps: Iterator[int], stopped: Callable[[], bool]) -> int:
    """Take all steps; after each a rest of the same length, in which others may write."""
    done, began = 0, time.monotonic()
    for each in steps:
        done += each
        if stopped():
            break
        time.sleep(time.monotonic() - began)
        began = time.monotonic()
    return done


@contextmanager
def forgetting(settings: Settings, database: Database) -> Iterator[None]:
    """Forget what the settings say, at once and then daily, as long as the block lasts."""
    stopping = threading.Event()
    thread = threading.Thread(
        target=_daily, args=(settings, database, stopping), name="retention", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _daily(settings: Settings, database: Database, stopping: threading.Event) -> None:
    wait = 0
    while not stopping.wait(wait):
        try:
            with database.alone(_FORGETTING) as mine:
                if mine:
                    _as_set(settings, database, datetime.now(UTC), stopping.is_set)
            wait = _DAY_SECONDS
        except StoreError as error:
            _log.warning("old sessions can't be forgotten now: %s", error)
            wait = _RETRY_SECONDS


def _as_set(
    settings: Settings, database: Database, now: datetime, stopped: Callable[[], bool]
) -> None:
    kept, late = settings.retention_days, settings.late_days
    told = [retention.whole_hour(now - timedelta(days=days)) for days in (kept, late) if days]
    before = None if kept is None else retention.whole_hour(now - timedelta(days=kept))
    horizon = max(told, default=None)
    forgotten = forget(database, sessions_before=before, horizon=horizon, now=now, stopped=stopped)
    audit.forget(database, now - timedelta(days=settings.audit_days))
    sign_ins.forget_ended(database, now, timedelta(minutes=settings.sign_in_idle_minutes))
    if forgotten.sessions:
        _log.warning("%d sessions deleted: retention_days is %s", forgotten.sessions, kept)
