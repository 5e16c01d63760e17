"""The process that folds and classifies: everything after the acknowledgement.

Started as ``python -m assay.worker`` by ``assay serve``, which gives orders on its standard input:
the first line is the database's address, any further one means stop, and the end of the pipe means
that whoever gave orders is gone.
"""

import gc
import json
import logging
import select
import signal
import sys
import time
from datetime import UTC, datetime
from typing import Protocol

from assay import metric_sources, telemetry
from assay.jobs import Jobs
from assay.resting import Resting, pause
from assay.watching import Watching
from classifier.judge import Judging, keep_verdicts
from classifier.leak_report import LeakKeeper
from classifier.run import classify
from classifier.threshold_file import ThresholdSettings
from classifier.threshold_file import parse as parse_thresholds
from classifier.watch import Watch
from collector.ingest import ingest
from domain.price_book import LIST_PRICES, PriceBook
from domain.price_file import parse
from domain.pseudonym import Pseudonyms
from store import inbox, installation, statistics
from store.engine import Database, StoreError

_log = logging.getLogger(__name__)

DEFAULT_THRESHOLDS = ThresholdSettings()
_FAILED_SECONDS = 1.0
_TIDY_SECONDS = 5.0
_STATISTICS_SECONDS = 300.0
# A batch makes some hundred thousand small values that all die with it: looking for cycles among
# them every 700, as Python does, takes a fifth of the time.
_COLLECT_EVERY = 200_000


class Orders(Protocol):
    """What a worker is told: stop when nothing is left, or at once."""

    stop: bool
    gone: bool

    def wait(self, seconds: float) -> None:
        """Listen for so long at most."""


class _Piped:
    """What the starting process says on our standard input.

    First where the database is, then the texts of the price file and of the file of thresholds
    (JSON) that it has found right.
    """

    def __init__(self) -> None:
        self.url = sys.stdin.readline().rstrip("\n")
        self.prices: str | None = json.loads(sys.stdin.readline() or "null")
        self.thresholds: str | None = json.loads(sys.stdin.readline() or "null")
        self.stop = False
        self.gone = not self.url

    def wait(self, seconds: float) -> None:
        """Listen for so long at most."""
        if self.stop or not select.select([sys.stdin], [], [], seconds)[0]:
            return
        self.stop = bool(sys.stdin.readline())
        self.gone = not self.stop


def main() -> None:
    """Work until told to stop and nothing is left, or until whoever gives orders is gone."""
    # Ctrl-C reaches every process of the terminal; the parent decides when we are done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    orders = _Piped()
    if not orders.gone:
        database = Database(orders.url)
        company = None if orders.prices is None else parse(orders.prices)
        told = parse_thresholds(orders.thresholds or "")
        jobs = Jobs()
        sources = metric_sources.worker(database, jobs)
        with telemetry.telling_if(telemetry.on(), "work", sources, jobs):
            work(database, orders, PriceBook(company), told, jobs)
        database.close()


def work(
    database: Database,
    orders: Orders,
    prices: PriceBook = LIST_PRICES,
    thresholds: ThresholdSettings = DEFAULT_THRESHOLDS,
    jobs: Jobs | None = None,
) -> None:
    """Fold, booking tokens at these prices, and classify as long as orders say."""
    jobs = jobs or Jobs()
    collect_rarely()
    judging = Judging(thresholds=thresholds, prices=prices)
    leaks = LeakKeeper(database, thresholds.leaks)
    watching = Watching(Watch(prices.company, thresholds.alerts))
    # A fresh start may follow a crash that left private bytes in the write-ahead log.
    stained, tidied_at, counted_at = True, float("-inf"), float("-inf")
    resting, worked_at = Resting(), time.monotonic()
    pseudonyms: Pseudonyms | None = None
    while not orders.gone:
        try:
            pseudonyms = pseudonyms or _begun(database)
            if time.monotonic() - counted_at > _STATISTICS_SECONDS:
                statistics.refresh(database)
                counted_at = time.monotonic()
            with jobs.job("fold") as doing:
                doing.done = ingest(database, pseudonyms, prices=prices, records=jobs.records)
            worked = bool(doing.done)
            if worked:
                resting.note_folded()
            watching.look(database)
            if orders.stop or resting.over():
                with resting.concluding(), jobs.job("classify") as doing:
                    doing.done = int(classify(database, datetime.now(UTC), thresholds.rules))
                if doing.done:
                    worked = True
                else:
                    with jobs.job("judge") as doing:
                        doing.done = int(keep_verdicts(database, datetime.now(UTC), judging))
                    with jobs.job("leaks") as doing:
                        doing.done = int(leaks.step(datetime.now(UTC)))
                    resting.begin()
        except StoreError as error:
            _log.error("waiting for the database: %s", error)
            time.sleep(_FAILED_SECONDS)
            worked = True
        stained = stained or worked
        due = not worked or time.monotonic() - tidied_at > _TIDY_SECONDS
        if stained and due and _tidy(database):
            stained, tidied_at = worked, time.monotonic()
        if orders.stop and not worked:
            return
        now = time.monotonic()
        worked_at = now if worked else worked_at
        orders.wait(0 if worked else pause(now - worked_at))


def _begun(database: Database) -> Pseudonyms:
    """Take up what others left: rows in the database itself, and those that were set aside.

    What names people is read here too: a database that is busy just then is waited for.
    """
    inbox.adopt(database)
    with database.arrivals.writing() as connection:
        inbox.release(connection)
    return Pseudonyms(installation.pseudonym_key(database))


def collect_rarely() -> None:
    """Have Python look for cycles as seldom as suits a process that folds and concludes."""
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY)


class Signalled:
    """Orders by signal, for a worker that runs apart: SIGINT and SIGTERM mean stop."""

    def __init__(self) -> None:
        self.stop = self.gone = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._end)

    def _end(self, *_: object) -> None:
        # The batch at hand is finished; what is left is for another worker, or the next start.
        self.gone = True

    def wait(self, seconds: float) -> None:
        """Sleep so long; a signal is noticed at its end."""
        time.sleep(seconds)


def _tidy(database: Database) -> bool:
    try:
        return database.empty_log()
    except StoreError:
        return False


if __name__ == "__main__":
    main()
