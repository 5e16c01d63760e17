"""From marks to labels: who is who, what was touched, commits, sessions, and how changes compare.

Each step reads first and writes in one short transaction, so that the collector never waits long.
What was marked again meanwhile stays marked and is concluded again.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from classifier.change_outcomes import change_outcomes
from classifier.compare import compare_weeks, measure_changes
from classifier.conclude import conclude_sessions
from classifier.decide import decide_commits
from classifier.facts import Concluded, label_all
from classifier.identify import identify
from classifier.spread import spread_sessions, spread_work
from classifier.thresholds import Thresholds
from domain.labels import Labelled, TargetKind
from domain.outcomes import ChangeOutcome
from store import dirty
from store.engine import Connection, Database
from store.links import links_of
from store.membership import ChangeId
from store.totals import totals_of
from store.traces import traces_of

CLASSIFYING = 7_275_332
DEFAULTS = Thresholds()


def classify(database: Database, now: datetime, thresholds: Thresholds = DEFAULTS) -> bool:
    """Conclude some of what is marked or due; whether there was anything.

    One process at a time: of many workers the others only fold meanwhile.
    """
    with database.alone(CLASSIFYING) as mine:
        return mine and _classify(database, thresholds, now)


def _classify(database: Database, thresholds: Thresholds, now: datetime) -> bool:
    with database.reading() as connection:
        waiting = dirty.waiting(connection, now)
    steps: Sequence[tuple[dirty.Marks, Callable[[], bool | None]]] = (
        (dirty.Marks.SESSIONS, lambda: spread_sessions(database)),
        (dirty.Marks.WORK, lambda: spread_work(database)),
        (dirty.Marks.COMMITS, lambda: decide_commits(database)),
        (dirty.Marks.LABELS, lambda: conclude_sessions(database, thresholds, now) or None),
        (dirty.Marks.CHANGES, lambda: measure_changes(database, thresholds, now)),
        (dirty.Marks.WEEKS, lambda: compare_weeks(database, thresholds)),
    )
    worked = dirty.Marks.PEOPLE in waiting and identify(database)
    more = False
    for marks, step in steps:
        # Where more waits, what follows would be done again for that.
        if more and marks is not dirty.Marks.WORK:
            break
        # What was done until here may have marked what follows.
        if worked or marks in waiting:
            said = step()
            worked = worked or said is not None
            more = more or bool(said)
    return worked


def label_as_of(
    connection: Connection,
    session_pk: int,
    as_of: datetime,
    thresholds: Thresholds = DEFAULTS,
) -> Labelled | None:
    """The label that a session has, or had, at a moment; None for a session not known."""
    totals = totals_of(connection, [session_pk]).get(session_pk)
    if totals is None:
        return None
    kept = links_of(connection, [session_pk]).get(session_pk, ())
    links = [each.link for each in kept if each.link.target.kind != TargetKind.TICKET]
    traces = traces_of(connection, [session_pk]).get(session_pk)
    session = Concluded(pk=session_pk, totals=totals, traces=traces, links=links)
    return label_all(connection, [session], thresholds, as_of)[0]


def outcomes_as_of(
    connection: Connection,
    changes: Collection[ChangeId],
    as_of: datetime,
    thresholds: Thresholds = DEFAULTS,
) -> dict[ChangeId, ChangeOutcome]:
    """What has, or had, become of changes at a moment; those opened later are left out."""
    return change_outcomes(connection, changes, thresholds, as_of)
