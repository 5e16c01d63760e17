"""The process that folds and classifies: everything after the acknowledgement.

``assay.work_process`` has it run and gives its orders through a pipe: the first lines say what to
work with, any further one means stop, and the end of the pipe means that whoever gave orders is
gone. As ``python -m assay.worker`` it takes them from its standard input.
"""

import json
import logging
import select
import signal
import sys
import time
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, TextIO

from assay import cycles, metric_sources, telemetry
from assay.guarding import Guard
from assay.jobs import Jobs
from assay.resting import Resting, pause
from assay.watching import Watching
from classifier.judge import Judging, keep_verdicts
from classifier.leak_report import LeakKeeper
from classifier.run import Rounds
from classifier.threshold_file import ThresholdSettings
from classifier.threshold_file import parse as parse_thresholds
from classifier.watch import Watch
from collector.ingest import FULL, ingest
from domain.price_book import LIST_PRICES, PriceBook
from domain.price_file import parse
from domain.pseudonym import Pseudonyms
from store import aside, inbox, installation, statistics
from store.engine import Database, StoreError

_log = logging.getLogger(__name__)

DEFAULT_THRESHOLDS = ThresholdSettings()
_FAILED_SECONDS = 1.0
_TIDY_SECONDS = 5.0
_STATISTICS_SECONDS = 300.0
# Without a moment in which nothing waits to be concluded.
_BUSY_SECONDS = 600.0


class Orders(Protocol):
    """What a worker is told: stop when nothing is left, or at once."""

    stop: bool
    gone: bool

    def wait(self, seconds: float) -> None:
        """Listen for so long at most."""


class FirstOrders(NamedTuple):
    """What a worker is to work with.

    Where the database is; the texts of the price file and of the file of thresholds, as they were
    found right; and whether to tell about itself.
    """

    url: str
    prices: str | None
    thresholds: str | None
    tells: bool

    def lines(self) -> list[str]:
        """One line each, as they are sent."""
        return [json.dumps(each) for each in self]

    @classmethod
    def read(cls, lines: TextIO) -> "FirstOrders | None":
        """Them as sent; None where whoever would have sent them is gone."""
        told = [lines.readline() for _ in cls._fields]
        return cls(*map(json.loads, told)) if all(told) else None


class _Piped:
    """What is said after the first orders."""

    def __init__(self, lines: TextIO) -> None:
        self._lines = lines
        self.stop = self.gone = False

    def wait(self, seconds: float) -> None:
        """Listen for so long at most."""
        if self.stop or not select.select([self._lines], [], [], seconds)[0]:
            return
        self.stop = bool(self._lines.readline())
        self.gone = not self.stop


def main(lines: TextIO = sys.stdin) -> None:
    """Work until told to stop and nothing is left, or until whoever gives orders is gone."""
    # Both reach every process of a terminal or a service; the parent decides when we are done.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    orders = FirstOrders.read(lines)
    if orders is None:
        return
    database = Database(orders.url)
    company = None if orders.prices is None else parse(orders.prices)
    told = parse_thresholds(orders.thresholds or "")
    jobs = Jobs()
    sources = metric_sources.worker(database, jobs)
    with telemetry.telling_if(orders.tells, "work", sources, jobs):
        work(database, _Piped(lines), PriceBook(company), told, jobs)
    database.close()


def work(
    database: Database,
    orders: Orders,
    prices: PriceBook = LIST_PRICES,
    thresholds: ThresholdSettings = DEFAULT_THRESHOLDS,
    jobs: Jobs | None = None,
) -> None:
    """Fold, booking tokens at these prices, and classify as long as orders say."""
    cycles.look_rarely(cycles.FOLDING)
    worker = _Worker(database, prices, thresholds, jobs or Jobs())
    # A fresh start may follow a crash that left private bytes in the write-ahead log.
    stained, tidied_at = True, float("-inf")
    worked_at = time.monotonic()
    while not orders.gone:
        try:
            worked, more = worker.work(stopping=orders.stop)
        except StoreError as error:
            _log.error("waiting for the database: %s", error)
            time.sleep(_FAILED_SECONDS)
            worked = more = True
        stained = stained or worked
        due = not worked or time.monotonic() - tidied_at > _TIDY_SECONDS
        if stained and due and _tidy(database):
            stained, tidied_at = worked, time.monotonic()
        if orders.stop and not worked:
            return
        now = time.monotonic()
        worked_at = now if worked else worked_at
        orders.wait(0 if more else pause(now - worked_at))


class _Worked(NamedTuple):
    """Whether there was anything to do, and whether more is known to be left.

    Where it is not, what comes in a moment is folded together: a batch costs as much as some rows.
    """

    anything: bool
    more: bool


class _Worker:
    """What is done over and over. What judges, measures or watches and fails keeps none waiting."""

    def __init__(
        self, database: Database, prices: PriceBook, thresholds: ThresholdSettings, jobs: Jobs
    ) -> None:
        self._database, self._prices, self._jobs = database, prices, jobs
        self._rules = thresholds.rules
        self._rounds = Rounds(database, thresholds.rules)
        self._judging = Judging(thresholds=thresholds, prices=prices)
        self._leaks = LeakKeeper(database, thresholds.leaks)
        self._watching = Watching(Watch(prices.company, thresholds.alerts))
        self._guard, self._resting = Guard(), Resting()
        self._counted_at, self._judged_at = float("-inf"), time.monotonic()
        self._pseudonyms: Pseudonyms | None = None

    def work(self, *, stopping: bool) -> _Worked:
        """Do some of what there is to do. Raises StoreError."""
        self._pseudonyms = self._pseudonyms or _begun(self._database)
        if time.monotonic() - self._counted_at > _STATISTICS_SECONDS:
            statistics.refresh(self._database)
            self._counted_at = time.monotonic()
        folded = self._fold(self._pseudonyms)
        self._guard.attempt("watch", lambda: self._watching.look(self._database))
        concluded = (stopping or self._resting.over()) and self._conclude(all_=stopping)
        return _Worked(folded > 0 or concluded, folded >= FULL or concluded)

    def _fold(self, pseudonyms: Pseudonyms) -> int:
        """How many rows of the inbox were settled."""
        with self._jobs.job("fold") as doing:
            doing.done = ingest(
                self._database, pseudonyms, prices=self._prices, records=self._jobs.records
            )
        if doing.done:
            self._resting.note_folded()
        return doing.done

    def _conclude(self, *, all_: bool) -> bool:
        """Conclude some of a round; at its end rest, and judge and measure where nothing waits.

        Verdicts of what is told only in part would stand for hours. Where something always waits
        they are given all the same.
        """
        with self._resting.concluding(), self._jobs.job("classify") as doing:
            doing.done = int(self._rounds.conclude(datetime.now(UTC), all_=all_))
        if not doing.done:
            now = time.monotonic()
            if self._rounds.idle or now - self._judged_at > _BUSY_SECONDS:
                self._guard.attempt("judge", self._judge)
                self._guard.attempt("leaks", self._measure)
                self._judged_at = now
            self._resting.begin()
        return bool(doing.done)

    def _judge(self) -> None:
        with self._jobs.job("judge") as doing:
            doing.done = int(keep_verdicts(self._database, datetime.now(UTC), self._judging))

    def _measure(self) -> None:
        with self._jobs.job("leaks") as doing:
            doing.done = int(self._leaks.step(datetime.now(UTC)))


def _begun(database: Database) -> Pseudonyms:
    """Take up what others left: rows in the database itself, and all that was set aside.

    What names people is read here too: a database that is busy just then is waited for.
    """
    inbox.adopt(database)
    with database.arrivals.writing() as connection:
        inbox.release(connection)
    aside.release(database)
    return Pseudonyms(installation.pseudonym_key(database))


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
