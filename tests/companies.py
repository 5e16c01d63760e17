"""A simulated company told in one process: decoded, folded, applied and concluded.

By the functions that stand behind the front doors (``assay demo`` knocks on these), without
sockets in between.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from classifier.run import classify
from classifier.thresholds import Thresholds
from collector.decode import Encoding
from collector.forges import github
from collector.trackers import jira
from domain.record import Signal
from domain.work import WorkFact
from simulation.deliveries import Delivery, deliveries
from simulation.history import History, Piece, Session
from simulation.telemetry import told
from store import statistics, work
from store.engine import Database
from tests.capturing import PSEUDONYMS
from tests.filling import fill
from tests.otlp import Body

_PARSE = {"github": github.parse, "jira": jira.parse}
_AT_ONCE = 500

_Each = TypeVar("_Each")


def tell(
    database: Database,
    history: History,
    between: Callable[[], None] = lambda: None,
    arriving: Callable[[list[Delivery]], Sequence[Delivery]] = lambda told: told,
) -> None:
    """Tell everything that happened: first the telemetry, then what forge and tracker say.

    ``between`` is called after each portion of what forge and tracker say, ``arriving`` says what
    of that arrives, and in which order.
    """
    people = {each.login: each for each in history.company.developers}
    bodies: list[Body] = []
    for _, session in sessions(history):
        tool = history.company.tools[session.tool]
        path, content = told(session, tool, people[session.developer])
        bodies.append((Signal(path.rpartition("/")[2]), Encoding.PROTOBUF, content))
    for some in _chunks(bodies):
        fill(database, some)
    statistics.refresh(database)
    for delivered in _chunks(arriving(deliveries(history))):
        with database.writing() as connection:
            work.apply(connection, [fact for each in delivered for fact in _facts(each, history)])
        between()
    statistics.refresh(database)


def conclude(database: Database, now: datetime, thresholds: Thresholds | None = None) -> None:
    """Conclude all that waits for it."""
    while classify(database, now, thresholds or Thresholds()):
        pass


def sessions(history: History) -> Iterator[tuple[Piece, Session]]:
    """The sessions that had ended when the history ends, each with its piece of work."""
    for piece in history.pieces:
        for session in piece.sessions:
            if session.ended_at <= history.until:
                yield piece, session


def _facts(delivery: Delivery, history: History) -> tuple[WorkFact, ...]:
    return _PARSE[delivery.provider](delivery.event, delivery.body, PSEUDONYMS, history.until)


def _chunks(of: Sequence[_Each]) -> Iterator[Sequence[_Each]]:
    for start in range(0, len(of), _AT_ONCE):
        yield of[start : start + _AT_ONCE]
