"""Keeping deliveries of forges and trackers: durably, each once, many with one write to the disk.

What comes while one write goes on is kept together by the next. An hour's worth of deliveries that
a forge sends at once costs some dozen writes, not thousands.
"""

import asyncio
from dataclasses import dataclass
from itertools import compress

from fastapi.concurrency import run_in_threadpool

from collector.errors import Unavailable
from store import inbox
from store.engine import Database
from store.inbox import DeliveryKey, Incoming

# At once; their bodies may have megabytes.
_MOST, _MOST_BYTES = 512, 64 * 1024 * 1024
# Of bodies that wait in memory. Beyond that they are refused.
_WAITING_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Waiting:
    row: Incoming
    key: DeliveryKey | None
    first: "asyncio.Future[bool]"


class Deliveries:
    """Writes what one event loop received."""

    def __init__(self, database: Database) -> None:
        self._arrivals = database.arrivals
        self._waiting: list[_Waiting] = []
        self._bytes = 0
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, row: Incoming, key: DeliveryKey | None) -> bool:
        """Whether this is new, once it is durable; True where it has no key to know it by.

        Raises StoreError, and Unavailable where too many wait already.
        """
        if self._bytes + len(row.body) > _WAITING_BYTES:
            raise Unavailable("more deliveries are waiting for the disk than memory allows")
        first: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(row, key, first))
        self._bytes += len(row.body)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await first

    async def _write(self) -> None:
        """Write until nothing waits. Not a part of any request: who hangs up keeps none waiting."""
        while batch := self._next():
            try:
                firsts = await run_in_threadpool(_keep, self._arrivals, batch)
            except Exception as error:  # noqa: BLE001
                # Whatever it is: who sent them has to hear of it.
                for each in batch:
                    _settle(each.first, error)
            else:
                for each, first in zip(batch, firsts, strict=True):
                    _settle(each.first, first)
            self._bytes -= sum(len(each.row.body) for each in batch)
        self._writing = None

    def _next(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        for each in self._waiting[:_MOST]:
            size += len(each.row.body)
            if batch and size > _MOST_BYTES:
                break
            batch.append(each)
        del self._waiting[: len(batch)]
        return batch


def _keep(arrivals: Database, batch: list[_Waiting]) -> list[bool]:
    """Which of these are new; they are kept."""
    keys = {each.key: each.row.received_at for each in batch if each.key is not None}
    with arrivals.writing() as connection:
        new = inbox.first_deliveries(connection, keys)
        firsts = []
        for each in batch:
            firsts.append(each.key is None or each.key in new)
            # Of two that came together the second is known.
            new.discard(each.key)
        inbox.put(connection, [each.row for each in compress(batch, firsts)])
    return firsts


def _settle(first: "asyncio.Future[bool]", outcome: bool | Exception) -> None:
    # A sender that hung up meanwhile has cancelled its wait.
    if first.done():
        return
    if isinstance(outcome, Exception):
        first.set_exception(outcome)
    else:
        first.set_result(outcome)
