"""Reading the connected forges and trackers every so many minutes, beside everything else."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from assay.settings import Settings
from assay.sync import Order, order

_ENDING_SECONDS = 5


@contextmanager
def reading_on_schedule(settings: Settings) -> Iterator[None]:
    """Read at once, and again so many minutes after each end, as long as the block lasts.

    Of several processes that do so at one database, one reads a provider at a time.
    """
    providers = settings.providers.values()
    if not settings.sync_minutes or not any(each.readable for each in providers):
        yield
        return
    stopping = threading.Event()
    reader = threading.Thread(target=_read, args=(settings, stopping), name="sync")
    reader.start()
    try:
        yield
    finally:
        stopping.set()
        reader.join()


def _read(settings: Settings, stopping: threading.Event) -> None:
    while not stopping.is_set():
        process = order(Order(database_url=settings.url, quiet=True))
        _wait(process, stopping)
        stopping.wait(settings.sync_minutes * 60)


def _wait(process: "subprocess.Popen[bytes]", stopping: threading.Event) -> None:
    """Wait for its end; end it when we are to stop, which loses nothing that was read."""
    while process.poll() is None and not stopping.wait(0.2):
        pass
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
