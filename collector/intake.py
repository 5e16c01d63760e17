"""What both receivers do with a request: who sends it, what it is, and keeping it.

Memory is bounded as a whole, since senders choose how many requests they send at once: by the
bytes of bodies that are here and not packed yet, and by unpacking one large body at a time, in a
thread of its own, so that small ones do not wait for it.
"""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from collector import admission
from collector.budget import Budget
from collector.decode import Encoding
from collector.door import knock
from collector.errors import (
    CollectorError,
    Forbidden,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from collector.inflate import inflate
from collector.limits import Admitted, Limits
from collector.spool import Spool
from domain.failures import origin
from domain.record import Signal
from store.access import Access, Gate
from store.engine import StoreError
from store.inbox import Incoming

_log = logging.getLogger(__name__)

# Small bodies are unpacked and read where they arrive: that takes some milliseconds at most.
_SMALL_BYTES = 2 * 1024 * 1024
# So many of the largest bodies may be in memory at once, or as many more smaller ones.
_LARGEST_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Taken:
    """A request that is durable: its signal, and how many of its records were refused."""

    signal: Signal
    refused: int


class Intake:
    """The way of a request from a receiver to the inbox."""

    def __init__(self, spool: Spool, gate: Gate, limits: Limits) -> None:
        self.limits = limits
        self.memory = Budget(_LARGEST_AT_ONCE * max(limits.body, limits.unpacked))
        self._most = limits.unpacked
        self._spool = spool
        self._gate = gate
        self._large = ThreadPoolExecutor(1, "large bodies")

    def authorise(self, headers: Mapping[bytes, bytes]) -> str | None:
        """The id of the key that stamps what is sent, if it is such a key.

        Raises Unauthenticated, Forbidden or Unavailable unless the sender may send. ``headers``
        have lower-case names.
        """
        try:
            access, key_id = knock(self._gate, headers)
        except StoreError as error:
            raise Unavailable("the access tokens can't be read now") from error
        if access is Access.UNAUTHENTICATED:
            raise Unauthenticated("send 'Authorization: Bearer <ingest key>'")
        if access is Access.FORBIDDEN:
            raise Forbidden("this token may not send telemetry")
        return key_id

    def check_room(self) -> None:
        """Raise Unavailable where nothing could be kept now, before a body is even read."""
        self._spool.check_room()

    async def take(
        self,
        signal: Signal | None,
        encoding: Encoding,
        coding: str,
        raw: bytes,
        key_id: str | None = None,
    ) -> Taken:
        """Keep a request. Raises CollectorError.

        ``signal`` is that of its path, ``raw`` the body as it came, in this content coding;
        ``key_id`` names the key that stamps it.
        """
        try:
            admitted = self._admitted(signal, encoding, coding, raw, min(_SMALL_BYTES, self._most))
        except TooLarge:
            admitted = None
        if admitted is not None:
            signal, refused = admitted.signal, admitted.refused
            await self._spool.put_small(signal, encoding, admitted.body, key_id)
            return Taken(signal, refused)
        packing = partial(self._packed, signal, encoding, coding, raw, key_id)
        # What waits for the disk is the packed row, which may be a thousandth of the body.
        del raw
        reading = asyncio.get_running_loop().run_in_executor(self._large, packing)
        del packing
        row, taken = await reading
        await self._spool.put(row)
        return taken

    def _packed(
        self,
        signal: Signal | None,
        encoding: Encoding,
        coding: str,
        raw: bytes,
        key_id: str | None,
    ) -> tuple[Incoming, Taken]:
        admitted = self._admitted(signal, encoding, coding, raw, self._most)
        row = self._spool.pack(admitted.signal, encoding, admitted.body, key_id)
        return row, Taken(admitted.signal, admitted.refused)

    def _admitted(
        self, signal: Signal | None, encoding: Encoding, coding: str, raw: bytes, most: int
    ) -> Admitted:
        try:
            return admission.admit(signal, encoding, inflate(coding, raw, most), self.limits)
        except CollectorError:
            raise
        except Exception as error:  # noqa: BLE001
            # Ours, or no memory is left: whatever it is, the sender should keep its batch.
            _log.error("a request of %d bytes is refused: %s", len(raw), origin(error))
            raise Unavailable("the request can't be read now") from None
