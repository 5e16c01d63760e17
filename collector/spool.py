"""From acknowledged to durable: one thread writes many requests with one fsync.

Producers wait for the commit that holds their bytes; only then may they answer. The queue is
bounded in bytes: beyond it requests are refused, never forgotten.
"""

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from isal import isal_zlib

from collector.decode import Encoding
from collector.errors import Unavailable
from domain.record import Signal
from store import inbox
from store.engine import Database, StoreError
from store.inbox import Incoming

_log = logging.getLogger(__name__)

OTLP = "otlp"
WEBHOOK = "webhook"

_BATCH_ROWS = 512
_QUEUE_BYTES = 128 * 1024 * 1024


def pack_otlp(signal: Signal, encoding: Encoding, body: bytes, received_at: datetime) -> Incoming:
    """An inbox row of one export request; compressed, since the disk's bytes are the limit."""
    return Incoming(
        received_at=received_at,
        kind=OTLP,
        name=f"{signal.value}:{encoding.value}",
        body=isal_zlib.compress(body, 0),
    )


def unpack_otlp(row: Incoming) -> tuple[Signal, Encoding, bytes]:
    """What ``pack_otlp`` packed."""
    signal, _, encoding = row.name.partition(":")
    return Signal(signal), Encoding(encoding), isal_zlib.decompress(row.body)


@dataclass(slots=True)
class _Waiting:
    row: Incoming
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[None]"


class Spool:
    """The writer of the inbox. ``put`` returns when the bytes have survived a power cut."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        queue_bytes: int = _QUEUE_BYTES,
    ) -> None:
        self._database = database
        self._clock = clock
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._most_bytes = queue_bytes
        self._queued_bytes = 0
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)

    def start(self) -> None:
        """Begin writing."""
        self._thread.start()

    def stop(self) -> None:
        """Refuse new requests, write what is queued, and end the thread."""
        with self._lock:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    async def put(self, signal: Signal, encoding: Encoding, body: bytes) -> None:
        """Keep one export request, or raise Unavailable."""
        row = pack_otlp(signal, encoding, body, self._clock())
        loop = asyncio.get_running_loop()
        waiting = _Waiting(row, loop, loop.create_future())
        # Under the lock, so that nothing is queued behind the mark that ends the thread.
        with self._lock:
            if self._closed:
                raise Unavailable("the collector is shutting down")
            if self._queued_bytes + len(row.body) > self._most_bytes:
                raise Unavailable("more requests are waiting for the disk than memory allows")
            self._queued_bytes += len(row.body)
            self._queue.put(waiting)
        await waiting.done

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
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

    def _write(self, batch: list[_Waiting]) -> None:
        failure: Unavailable | None = None
        try:
            with self._database.writing() as connection:
                inbox.put(connection, [waiting.row for waiting in batch])
        except StoreError as error:
            _log.error("%d requests refused: %s", len(batch), error)
            failure = Unavailable("the database can't take it now")
        except Exception:  # noqa: BLE001
            # Whatever it is: were this thread to end, every later request would wait for ever.
            _log.exception("%d requests refused", len(batch))
            failure = Unavailable("the requests can't be kept now")
        with self._lock:
            self._queued_bytes -= sum(len(waiting.row.body) for waiting in batch)
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
