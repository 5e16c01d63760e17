"""Sending the weekly digest, beside everything else: each copy at most once, whatever restarts."""

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, partial
from itertools import groupby
from typing import TypeAlias

from api.digest.edition import Audience, Edition
from api.digest.writing import press
from api.wiring import Wiring
from assay import mail
from assay.digest_mail import mail as mail_of
from assay.digest_plan import Planned, plan
from assay.digest_settings import Post
from assay.mail import MailError
from assay.posting import NotToldError, post, wait_after
from assay.wiring import clock
from domain.alerts import Told
from domain.digests import Copy, Through
from domain.unsubscribing import Unsubscribing
from domain.weeks import WEEK
from store import backlog, digest_sendings, installation
from store.engine import Database, StoreError

_log = logging.getLogger(__name__)

SENDING = 7_275_351
"""Of several processes that would send from one database, one does."""

BEGUN_WITHIN = timedelta(days=3)
"""What did not begin to go out so soon after it was due is no news any more."""

# Of a company whose records wait to be counted the numbers would be wrong: they are waited for, but
# not for ever, since a digest says itself how much was not counted.
_COUNTED_WITHIN = timedelta(minutes=15)
_WAIT_FOR_COUNTING = timedelta(days=1)

_EVERY_SECONDS = 20.0

Writer: TypeAlias = Callable[[date], Callable[[Audience], Edition]]
"""Writes the digests of the seven days before a Monday, for whoever it is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What it takes to send. ``stopped`` says whether to leave the rest for later."""

    database: Database
    post: Post
    write: Writer
    links: Unsubscribing
    clock: Callable[[], datetime] = clock
    stopped: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one copy now; ``error`` says why it was not sent."""

    planned: Planned
    state: Told
    error: str | None = None


def sender(wiring: Wiring, post: Post, stopped: Callable[[], bool] = lambda: False) -> Sender:
    """What sends the digests of an installation."""
    return Sender(
        database=wiring.database,
        post=post,
        write=lambda week: press(wiring, week, post.link).edition,
        links=Unsubscribing(installation.pseudonym_key(wiring.database)),
        stopped=stopped,
    )


@contextmanager
def delivering(wiring: Wiring, post: Post) -> Iterator[None]:
    """Send what is due, as long as the block lasts."""
    if not post.mails and not post.urls:
        yield
        return
    stopping = threading.Event()
    sends = sender(wiring, post, stopping.is_set)
    thread = threading.Thread(target=_deliver, args=(sends, stopping), name="digest", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _deliver(sends: Sender, stopping: threading.Event) -> None:
    wait = 0.0
    while not stopping.wait(wait):
        wait = _EVERY_SECONDS
        try:
            told = send_due(sends)
        except StoreError as error:
            _log.warning("the digest can't be sent now: %s", error)
            continue
        for reason, count in Counter(each.error for each in told if each.error).items():
            _log.warning("%d copies of the digest were not sent: %s", count, reason)


def send_due(sends: Sender) -> list[Outcome]:
    """Send what is due, and only that; what became of it. Raises StoreError.

    Of several processes one does; the others have nothing to do.
    """
    now = sends.clock()
    week = sends.post.weekly.last(now)
    due_at = sends.post.weekly.of(week)
    with sends.database.reading() as connection:
        planned = plan(connection, sends.post, now).copies
        new = {
            each.copy
            for each in planned
            if now < due_at + BEGUN_WITHIN and (each.since is None or each.since <= due_at)
        }
        if not digest_sendings.outstanding(connection, week, new, now):
            return []
    with sends.database.arrivals.reading() as connection:
        arrived = backlog.oldest_at(connection)
    if arrived and now - arrived > _COUNTED_WITHIN and now < due_at + _WAIT_FOR_COUNTING:
        _log.warning("the digest waits: requests of %s are not counted yet", arrived)
        return []
    with sends.database.alone(SENDING) as mine:
        return send(sends, week, planned, new) if mine else []


def send(
    sends: Sender,
    week: date,
    planned: Sequence[Planned],
    new: Collection[Copy],
    *,
    only: Collection[Copy] | None = None,
    again: bool = False,
) -> list[Outcome]:
    """Put down the ``new`` copies of a week's digest, and send what waits.

    ``planned`` are all copies that anybody is to get; ``only`` these are sent. ``again`` sends them
    although they were before. To be called by the only one who sends. Raises StoreError.
    """
    now = sends.clock()
    with sends.database.writing() as connection:
        digest_sendings.give_up_claimed(connection)
        digest_sendings.give_up_before(connection, min(week, sends.post.weekly.last(now)))
        digest_sendings.withdraw(connection, week, {each.copy for each in planned})
        digest_sendings.enqueue(connection, week, new, now)
        if again and only is not None:
            digest_sendings.again(connection, week, only, now)
        due = digest_sendings.due(connection, week, now)
    if only is not None:
        due &= set(only)
    waiting = sorted((each for each in planned if each.copy in due), key=_order)
    if not waiting:
        return []
    outcomes: list[Outcome] = []
    write = cache(partial(sends.write, week))
    for _, group in groupby(waiting, key=lambda each: each.audience):
        if sends.stopped():
            break
        outcomes += _to_all(sends, week, write, list(group), again=again)
    return outcomes


def _order(planned: Planned) -> tuple[tuple[str, ...], Copy]:
    return planned.audience.teams, planned.copy


def _to_all(
    sends: Sender,
    week: date,
    write: Callable[[], Callable[[Audience], Edition]],
    group: Sequence[Planned],
    *,
    again: bool,
) -> list[Outcome]:
    """Write one digest, and send it to everybody whom it is for."""
    audience = group[0].audience
    try:
        edition = write()(audience)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001
        # What is wrong with the numbers of one team must not keep others from theirs.
        about = ", ".join(audience.teams) or "the company"
        _log.error("the digest of %s can't be written", about, exc_info=error)
        reason = NotToldError(f"it could not be written ({type(error).__name__})", again=True)
        return _each(sends, week, group, lambda _: _raise(reason))
    return _each(
        sends, week, group, lambda planned: _dispatch(sends, week, planned, edition, again=again)
    )


def _raise(error: Exception) -> None:
    raise error


def _each(
    sends: Sender, week: date, group: Sequence[Planned], dispatch: Callable[[Planned], None]
) -> list[Outcome]:
    outcomes = []
    for planned in group:
        if sends.stopped():
            break
        with sends.database.writing() as connection:
            tried = digest_sendings.claim(connection, week, planned.copy, sends.clock())
        if tried is not None:
            outcomes.append(_send(sends, week, planned, tried, dispatch))
    return outcomes


def _send(
    sends: Sender,
    week: date,
    planned: Planned,
    tried: int,
    dispatch: Callable[[Planned], None],
) -> Outcome:
    """Send a copy that was claimed, and keep what became of it."""
    again_at, reason = None, None
    try:
        dispatch(planned)
        state = Told.SENT
    except (MailError, NotToldError) as error:
        reason = str(error)
        state = Told.UNCERTAIN if error.uncertain else Told.FAILED
        again_at = sends.clock() + wait_after(tried)
        if error.again and again_at < sends.post.weekly.of(week + WEEK):
            state = Told.PENDING
    with sends.database.writing() as connection:
        digest_sendings.settle(
            connection,
            week,
            planned.copy,
            state,
            now=sends.clock(),
            error=reason,
            again_at=again_at if state is Told.PENDING else None,
        )
    return Outcome(planned=planned, state=state, error=reason)


def _dispatch(
    sends: Sender, week: date, planned: Planned, edition: Edition, *, again: bool
) -> None:
    through = planned.copy.through
    if through is Through.MAIL:
        message = mail_of(edition, planned, week, sends.post, sends.links, again=again)
        mail.send(sends.post.smtp, message, [planned.address or ""])
        return
    body = edition.slack if through is Through.SLACK else edition.teams
    post(sends.post.urls[through], json.dumps(body).encode())
