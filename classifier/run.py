"""From marks to labels: who is who, what was touched, commits, sessions, and how changes compare.

Each step reads first and writes in one short transaction, so that the collector never waits long.
What was marked again meanwhile stays marked and is concluded again. What can't be concluded is set
aside.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from classifier.change_outcomes import change_outcomes
from classifier.compare import compare_weeks, marked_weeks, measure_changes
from classifier.conclude import conclude_sessions
from classifier.decide import decide_commits
from classifier.facts import Concluded, label_all
from classifier.identify import identify
from classifier.spread import spread_sessions, spread_work
from classifier.steps import Concluding, Holding, Step
from classifier.thresholds import Thresholds
from domain.labels import Labelled, TargetKind
from domain.outcomes import ChangeOutcome
from store import aside, dirty, people
from store.dirty import Marks
from store.engine import Connection, Database
from store.links import links_of
from store.membership import ChangeId
from store.totals import totals_of
from store.traces import traces_of

CLASSIFYING = 7_275_332
DEFAULTS = Thresholds()


# What telemetry, a forge or a file of people touched; all else follows from it, or from time.
_TOUCHED = frozenset({Marks.PEOPLE, Marks.SESSIONS, Marks.WORK})


def classify(database: Database, now: datetime, thresholds: Thresholds = DEFAULTS) -> bool:
    """Conclude some of what is marked or due; whether there was anything.

    One process at a time: of many workers the others only fold meanwhile.
    """
    with database.alone(CLASSIFYING) as mine:
        return mine and _classify(database, thresholds, now, touched=True).worked


class Rounds:
    """Concludes in rounds: what was touched until one began, and all that follows from that.

    What is touched meanwhile waits for the next, so a round ends however much comes, and a session
    at work is concluded once in each.
    """

    def __init__(self, database: Database, thresholds: Thresholds = DEFAULTS) -> None:
        self._database = database
        self._thresholds = thresholds
        self._beginning = True
        self.idle = False
        """Whether nothing at all was marked or due when it was last looked."""

    def conclude(self, now: datetime, *, all_: bool = False) -> bool:
        """Conclude some of a round; False where it is done, or there is nothing for one.

        With ``all_`` a round takes what is touched meanwhile too.
        """
        with self._database.alone(CLASSIFYING) as mine:
            if not mine:
                return False
            touched = all_ or self._beginning
            passed = _classify(self._database, self._thresholds, now, touched=touched)
        self._beginning = passed.more_touched or not passed.worked
        self.idle = passed.idle
        return passed.worked


class _Passed(NamedTuple):
    """Whether anything was concluded, and whether more may be left that was touched.

    ``idle`` tells that nothing was marked or due, touched or not.
    """

    worked: bool
    more_touched: bool
    idle: bool


def _classify(
    database: Database, thresholds: Thresholds, now: datetime, *, touched: bool
) -> _Passed:
    with database.reading() as connection:
        waiting = dirty.waiting(connection, now)

    def set_aside(kind: Marks, key: object, marks: int, reason: str) -> None:
        with database.writing() as connection:
            aside.set_aside(connection, kind, key, marks, now, reason)

    concluding = Concluding(set_aside)
    worked = more = more_touched = False
    for step in _steps(database, thresholds, now):
        if step.kind in _TOUCHED and not touched:
            continue
        # Where more waits, what follows would be done again for that.
        if more and step.kind is not Marks.WORK:
            break
        # What was done until here may have marked what follows.
        if worked or step.kind in waiting:
            with database.reading() as connection:
                marks = step.read(connection, step.most)
            if marks:
                concluding.carry_out(step, marks)
                worked = True
                more = more or step.holds(len(marks))
                full = step.kind in _TOUCHED and len(marks) >= step.most
                more_touched = more_touched or full
    return _Passed(worked, more_touched, idle=not waiting)


def _steps(database: Database, thresholds: Thresholds, now: datetime) -> Sequence[Step[Any]]:
    """What is concluded, in the order in which one follows from the other."""
    return (
        Step(
            kind=Marks.PEOPLE,
            most=2_000,
            read=people.marked,
            conclude=partial(identify, database),
            holding=Holding.NEVER,
        ),
        Step(
            kind=Marks.SESSIONS,
            most=2_000,
            read=dirty.marked_sessions,
            conclude=partial(spread_sessions, database),
            holding=Holding.FULL,
        ),
        Step(
            kind=Marks.WORK,
            most=1_000,
            read=dirty.marked_work,
            conclude=partial(spread_work, database),
            holding=Holding.FULL,
        ),
        Step(
            kind=Marks.COMMITS,
            most=2_000,
            read=dirty.marked_commits,
            conclude=partial(decide_commits, database),
            holding=Holding.FULL,
        ),
        Step(
            kind=Marks.LABELS,
            most=1_000,
            read=partial(dirty.marked_labels, now=now),
            conclude=partial(conclude_sessions, database, thresholds, now),
            holding=Holding.ANY,
        ),
        Step(
            kind=Marks.CHANGES,
            most=1_000,
            read=dirty.marked_changes,
            conclude=partial(measure_changes, database, thresholds, now),
            holding=Holding.ANY,
        ),
        Step(
            kind=Marks.WEEKS,
            most=1_000,
            read=marked_weeks,
            conclude=partial(compare_weeks, database, thresholds),
            holding=Holding.ANY,
        ),
    )


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
