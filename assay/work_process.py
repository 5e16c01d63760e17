"""The worker of ``assay serve``: a process of its own, kept running until all ends.

The first one is forked from a process that has read what a worker needs and nothing else yet
(``assay.serve``), so that both hold one copy of it: two fifths of what a worker takes before it
works. Should it end, the next one begins from nothing.
"""

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import IO

from assay import forking, worker

_log = logging.getLogger(__name__)

_DRAIN_SECONDS = 30


class WorkProcess:
    """A process that waits for its orders, line by line (``assay.worker``)."""

    def __init__(self, orders: IO[bytes], wait: Callable[[], int]) -> None:
        """``wait`` blocks until the process has ended, and says how."""
        self._orders = orders
        self._wait = wait

    def order(self, lines: Sequence[str], *, last: bool = False) -> None:
        """Say this, unless nobody listens any more; nothing can be said after the ``last``."""
        with contextlib.suppress(BrokenPipeError):
            self._orders.write("".join(f"{line}\n" for line in lines).encode())
        if last:
            # A worker that is only starting finds the order and the end of the pipe together.
            self.close()

    def close(self) -> None:
        """Say no more: it ends at once, unless it was told to finish what is left."""
        self._orders.close()

    def ended(self) -> asyncio.Future[int]:
        """Done once the process has ended, with its exit code. To be asked for once."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[int] = loop.create_future()

        def tell(code: int) -> None:
            if not ended.done():
                ended.set_result(code)

        def wait() -> None:
            code = self._wait()
            # Where nobody waits any more, the loop is closed.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(tell, code)

        threading.Thread(target=wait, name="end of the worker", daemon=True).start()
        return ended


def first() -> WorkProcess:
    """The first worker; to be called before this process has read or begun anything else."""
    if not forking.POSSIBLE:
        return _started()
    reads, writes = os.pipe()

    def work() -> None:
        os.close(writes)
        worker.main(os.fdopen(reads))

    pid = forking.fork(work)
    os.close(reads)
    return WorkProcess(os.fdopen(writes, "wb", buffering=0), partial(forking.ended, pid))


def _started() -> WorkProcess:
    process = subprocess.Popen(
        (sys.executable, "-m", "assay.worker"), stdin=subprocess.PIPE, bufsize=0
    )
    if process.stdin is None:
        raise AssertionError
    # Only the end of its input is closed when this object goes.
    return WorkProcess(process.stdin, process.wait)


async def keep(process: WorkProcess, orders: worker.FirstOrders, stopping: asyncio.Event) -> None:
    """Have it work; should it end, start another one; at the end wait until nothing is left."""
    while True:
        process.order(orders.lines())
        ended = process.ended()
        asked = asyncio.create_task(stopping.wait())
        await asyncio.wait((ended, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if stopping.is_set():
            process.order(("stop",), last=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended, _DRAIN_SECONDS)
            return
        _log.error("the worker ended with code %s; starting it again", ended.result())
        await asyncio.sleep(1)
        process = _started()
