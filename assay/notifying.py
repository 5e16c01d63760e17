"""Telling what alerts are new, beside everything else: each event once through each channel."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import ValidationError

from assay.alert_settings import AlertSettings
from assay.bad_setting import sentence
from assay.channels import Channel, channels
from assay.opening import CannotStart
from assay.posting import NotToldError, wait_after
from assay.smtp_settings import SmtpSettings
from domain.alerts import Notice, Told
from store import notices
from store.engine import Database, StoreError

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
def notifying(database: Database, through: Sequence[Channel]) -> Iterator[None]:
    """Tell what is new every few seconds, as long as the block lasts."""
    if not through:
        yield
        return
    stopping = threading.Event()
    thread = threading.Thread(
        target=_tell, args=(database, through, stopping), name="alerts", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _tell(database: Database, through: Sequence[Channel], stopping: threading.Event) -> None:
    while not stopping.wait(_EVERY_SECONDS):
        try:
            tell_due(database, through, lambda: datetime.now(UTC))
        except StoreError as error:
            _log.warning("alerts can't be told now: %s", error)


def tell_due(database: Database, through: Sequence[Channel], clock: Callable[[], datetime]) -> int:
    """Tell everything that is due; how many events were sent, counted for each channel.

    Raises StoreError. Of several processes one does; the others have nothing to do.
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
        return sum(_through(database, channel, clock) for channel in through)


def _through(database: Database, channel: Channel, clock: Callable[[], datetime]) -> int:
    sent = 0
    while True:
        with database.writing() as connection:
            claimed = notices.claim(connection, channel.name, clock(), channel.at_once)
            tried = notices.attempts(connection, channel.name, claimed)
        if not claimed:
            return sent
        sent += _send(database, channel, claimed, tried, clock)


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
