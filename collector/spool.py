"""From received to durable: one thread packs and writes many requests with one fsync.

Producers wait for the commit that holds their bytes; only then may they answer. The queue is
bounded in bytes, the inbox in rows, and both by what the disk has left: beyond that requests are
refused, never forgotten.
"""

import asyncio
import contextlib
import logging
import queue
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from isal import isal_zlib

from collector.decode import Encoding
from collector.errors import Unavailable
from domain.record import Signal
from store import backlog, inbox
from store.engine import Database, StoreError
from store.inbox import Incoming

_log = logging.getLogger(__name__)

OTLP = "otlp"
WEBHOOK = "webhook"

_BATCH_ROWS = 512
_QUEUE_BYTES = 128 * 1024 * 1024
# While more than this waits, requests are packed before they are queued: they take a tenth then.
_UNPACKED_BYTES = 8 * 1024 * 1024
# How often the room is looked at: while there is some, and while senders wait for it.
_LOOK_SECONDS, _FULL_SECONDS = 1.0, 0.2
# After a commit of several requests more are coming: a millisecond later they share the next one.
_GATHER_SECONDS = 0.001
_TELL_SECONDS = 5.0
# What a sender is told to wait for room: its batch should still be there by then.
_RETRY_SECONDS = 3


def pack_otlp(
    signal: Signal,
    encoding: Encoding,
    body: bytes,
    received_at: datetime,
    key_id: str | None = None,
) -> Incoming:
    """An inbox row of one export request; compressed, since the disk's bytes are the limit."""
    return Incoming(
        received_at=received_at,
        kind=OTLP,
        name=f"{signal.value}:{encoding.value}",
        body=isal_zlib.compress(body, 0),
        key_id=key_id,
    )


def unpack_otlp(row: Incoming) -> tuple[Signal, Encoding, bytes]:
    """What ``pack_otlp`` packed."""
    signal, _, encoding = row.name.partition(":")
    return Signal(signal), Encoding(encoding), isal_zlib.decompress(row.body)


def free_disk(folder: Path) -> int:
    """Bytes that may still be written to the disk that holds a folder."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Room:
    """What may be taken up by requests that are not folded yet.

    ``rows`` of the inbox. Of the disk under ``folder``, as ``free`` tells, ``free_bytes`` stay:
    folding, which makes room, takes some first.
    """

    rows: int = 1_000_000
    free_bytes: int = 256 * 1024 * 1024
    folder: Path | None = None
    free: Callable[[Path], int] = free_disk


@dataclass(slots=True)
class _Waiting:
    """A row that is queued; ``make`` makes what is written of it."""

    make: Callable[[], Incoming]
    size: int
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[None]"


class Spool:
    """The writer of the inbox. ``put`` returns when the bytes have survived a power cut."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        queue_bytes: int = _QUEUE_BYTES,
        room: Room = Room(),
    ) -> None:
        self._database = database.arrivals
        self._clock = clock
        self._room = room
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._most_bytes = queue_bytes
        self._queued_bytes = 0
        # Rows queued, and rows in the inbox when it was looked at last and since.
        self._queued_rows = 0
        self._kept_rows = 0
        self._disk_full = False
        self._looked_at = float("-inf")
        # Refused since the log was told of it.
        self._refused, self._told_at = 0, float("-inf")
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)

    def start(self) -> None:
        """Begin writing."""
        self._look()
        self._thread.start()

    def stop(self) -> None:
        """Refuse new requests, write what is queued, and end the thread."""
        with self._lock:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def pack(
        self, signal: Signal, encoding: Encoding, body: bytes, key_id: str | None = None
    ) -> Incoming:
        """The row that ``put`` keeps of a large body: what waits for the disk is not the body."""
        return pack_otlp(signal, encoding, body, self._clock(), key_id)

    def check_room(self) -> None:
        """Raise Unavailable where a request could not be kept now, whatever it is."""
        if self._closed:
            raise Unavailable("the collector is shutting down")
        if self._disk_full:
            raise Unavailable("the disk has no room for more requests", retry_after=_RETRY_SECONDS)
        if self._kept_rows + self._queued_rows >= self._room.rows:
            raise Unavailable(
                "as many requests as may are waiting to be folded", retry_after=_RETRY_SECONDS
            )

    async def put(self, row: Incoming) -> None:
        """Keep one export request, or raise Unavailable."""
        await self._queued(lambda: row, len(row.body))

    async def put_small(
        self, signal: Signal, encoding: Encoding, body: bytes, key_id: str | None = None
    ) -> None:
        """The same for a body that may wait as it is: the writer packs it, beside the event loop.

        Raises Unavailable.
        """
        if self._queued_bytes > _UNPACKED_BYTES:
            await self.put(self.pack(signal, encoding, body, key_id))
            return
        make = partial(pack_otlp, signal, encoding, body, self._clock(), key_id)
        await self._queued(make, len(body))

    def _queued(self, make: Callable[[], Incoming], size: int) -> "asyncio.Future[None]":
        """Queue a row of so many bytes; done once it is durable."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(make, size, loop, loop.create_future())
        # Under the lock, so that nothing is queued behind the mark that ends the thread.
        with self._lock:
            self.check_room()
            if self._queued_bytes + size > self._most_bytes:
                raise Unavailable("more requests are waiting for the disk than memory allows")
            self._queued_bytes += size
            self._queued_rows += 1
            self._queue.put(waiting)
        return waiting.done

    def _run(self) -> None:
        while True:
            try:
                # While there is no room, no request wakes this thread.
                first = self._queue.get(timeout=_FULL_SECONDS if self._full() else None)
            except queue.Empty:
                self._look()
                continue
            if first is None:
                return
            batch, last = [first], False
            while len(batch) < _BATCH_ROWS and not last:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    last = True
                else:
                    batch.append(following)
            self._write(batch)
            if last:
                return
            if len(batch) > 1:
                time.sleep(_GATHER_SECONDS)
            if self._full() or time.monotonic() - self._looked_at > _LOOK_SECONDS:
                self._look()

    def _tell(self, refused: int, error: StoreError) -> None:
        """Say it in the log, but not for each of the many requests that come while it lasts."""
        self._refused += refused
        if time.monotonic() - self._told_at > _TELL_SECONDS:
            _log.error("%d requests refused: %s", self._refused, error)
            self._told_at, self._refused = time.monotonic(), 0

    def _full(self) -> bool:
        return self._disk_full or self._kept_rows + self._queued_rows >= self._room.rows

    def _look(self) -> None:
        """See how much room there is; where that can't be seen, what was known still holds."""
        self._looked_at = time.monotonic()
        room = self._room
        try:
            with self._database.reading() as connection:
                self._kept_rows = backlog.most_waiting(connection)
            if room.folder is not None:
                was_full = self._disk_full
                self._disk_full = room.free(room.folder) < room.free_bytes
                if self._disk_full and not was_full:
                    _log.error(
                        "requests are refused: less than %d bytes are free on the disk of %s",
                        *(room.free_bytes, room.folder),
                    )
        except (StoreError, OSError) as error:
            _log.warning("the room for requests can't be seen: %s", error)

    def _write(self, batch: list[_Waiting]) -> None:
        failure: Unavailable | None = None
        try:
            rows = [waiting.make() for waiting in batch]
            with self._database.writing() as connection:
                inbox.put(connection, rows)
        except StoreError as error:
            self._tell(len(batch), error)
            failure = Unavailable("the database can't take it now")
        except Exception:  # noqa: BLE001
            # Whatever it is: were this thread to end, every later request would wait for ever.
            _log.exception("%d requests refused", len(batch))
            failure = Unavailable("the requests can't be kept now")
        with self._lock:
            self._queued_bytes -= sum(waiting.size for waiting in batch)
            self._queued_rows -= len(batch)
            if failure is None:
                self._kept_rows += len(batch)
        for loop in {waiting.loop for waiting in batch}:
            mine = [waiting.done for waiting in batch if waiting.loop is loop]
            # A loop that is closed by now has nobody waiting.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, mine, failure)


def _settle(waiting: "list[asyncio.Future[None]]", failure: Unavailable | None) -> None:
    for done in waiting:
        # A sender that hung up meanwhile has cancelled its wait.
        if done.done():
            continue
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)
