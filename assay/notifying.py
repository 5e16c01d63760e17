"""Telling what alerts are new, beside everything else: each event once through each channel."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime

from pydantic import ValidationError

from assay.alert_settings import AlertSettings
from assay.bad_setting import sentence
from assay.channels import Channel, channels
from assay.opening import CannotStart
from assay.posting import NotToldError, wait_after
from assay.smtp_settings import SmtpSettings
from domain.alerts import Notice, Told
from domain.budgets import Part, ScopeKind
from store import notices
from store.alerts import OF_SPEND
from store.engine import Database, StoreError
from store.parts_told import parts_told

_log = logging.getLogger(__name__)

# Of several processes that would send from one database, one does.
_TELLING = 7_275_349
_EVERY_SECONDS = 3.0
_MOST_ATTEMPTS = 9


def set_up() -> list[Channel]:
    """The channels that the environment sets up. Raises CannotStart."""
    try:
        alerts, smtp = AlertSettings(), SmtpSettings()
        if alerts.mail_to and smtp.host is None:
            raise CannotStart("ASSAY_ALERT_MAIL_TO needs a mail server: set ASSAY_SMTP_HOST.")
        return channels(alerts, smtp)
    except ValidationError as error:
        raise CannotStart(sentence(error, AlertSettings, SmtpSettings)) from error


@contextmanager
def notifying(database: Database, through: Sequence[Channel], floor: int) -> Iterator[None]:
    """Tell what is new every few seconds, as long as the block lasts.

    What fewer than ``floor`` people spent is told to no channel.
    """
    if not through:
        yield
        return
    stopping = threading.Event()
    told = (database, through, floor, stopping)
    thread = threading.Thread(target=_tell, args=told, name="alerts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _tell(
    database: Database, through: Sequence[Channel], floor: int, stopping: threading.Event
) -> None:
    while not stopping.wait(_EVERY_SECONDS):
        try:
            tell_due(database, through, lambda: datetime.now(UTC), floor)
        except StoreError as error:
            _log.warning("alerts can't be told now: %s", error)


def tell_due(
    database: Database, through: Sequence[Channel], clock: Callable[[], datetime], floor: int
) -> int:
    """Tell everything that is due; how many events were sent, counted for each channel.

    What fewer than ``floor`` people spent is told to no channel. Raises StoreError. Of several
    processes one does; the others have nothing to do.
    """
    names = [channel.name for channel in through]
    with database.reading() as connection:
        if not notices.waiting(connection, names, clock()):
            return 0
    with database.alone(_TELLING) as mine:
        if not mine:
            return 0
        with database.writing() as connection:
            notices.give_up_claimed(connection)
            notices.enqueue(connection, names, clock())
        return sum(_through(database, channel, clock, floor) for channel in through)


def _through(
    database: Database, channel: Channel, clock: Callable[[], datetime], floor: int
) -> int:
    sent = 0
    while True:
        with database.writing() as connection:
            claimed = notices.claim(connection, channel.name, clock(), channel.at_once)
            tried = notices.attempts(connection, channel.name, claimed)
        if not claimed:
            return sent
        claimed = _of_enough(database, claimed, clock(), floor)
        sent += _send(database, channel, claimed, tried, clock)


def _of_enough(
    database: Database, claimed: Sequence[Notice], now: datetime, floor: int
) -> list[Notice]:
    """The same, where too few people are behind a spend without what was spent.

    Nor with it where that can't be seen now: they are claimed, and told once.
    """
    parts = {place: _part(each) for place, each in enumerate(claimed) if each.kind in OF_SPEND}
    if not parts:
        return list(claimed)
    since = {place: _since(claimed[place]) for place in parts}
    kinds = {part.kind for part in parts.values()}
    days = {day for day in since.values() if day is not None}
    few = set(parts)
    try:
        with database.reading() as connection:
            told = parts_told(connection, kinds, days, now, floor)
        few = {place for place, part in parts.items() if not told.tells(part, since[place])}
    except StoreError as error:
        _log.warning("who is behind a spend can't be seen now: %s", error)
    return [replace(each, few=place in few) for place, each in enumerate(claimed)]


def _part(notice: Notice) -> Part:
    """What part of the company spent it."""
    facts = notice.facts
    kind = ScopeKind(str(facts.get("scope") or ScopeKind.PERSON.value))
    return Part(kind=kind, value=str(facts.get("value") or ""))


def _since(notice: Notice) -> date | None:
    """The first day of a budget's period; None where it is about no budget."""
    first = notice.facts.get("from")
    return None if first is None else date.fromisoformat(str(first))


def _send(
    database: Database,
    channel: Channel,
    claimed: Sequence[Notice],
    tried: int,
    clock: Callable[[], datetime],
) -> int:
    """Send what was claimed, and keep what became of it."""
    again_at = None
    try:
        remark = channel.tell(claimed)
        state = Told.SENT
    except NotToldError as error:
        _log.warning("an alert was not told through %s: %s", channel.name, error)
        remark = str(error)
        state = Told.UNCERTAIN if error.uncertain else Told.FAILED
        if error.again and tried < _MOST_ATTEMPTS:
            state = Told.PENDING
            again_at = clock() + wait_after(tried)
    with database.writing() as connection:
        notices.settle(
            connection,
            channel.name,
            claimed,
            state,
            now=clock(),
            error=remark,
            again_at=again_at,
        )
    return len(claimed) if state is Told.SENT else 0
