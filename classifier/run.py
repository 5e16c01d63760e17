"""From marks to labels: who is who, what was touched, commits, sessions, and how changes compare.

Each step reads first and writes in one short transaction, so that the collector never waits long.
What was marked again meanwhile stays marked and is concluded again.
"""

from collections.abc import Collection
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
    done = [identify(database) or None, spread_sessions(database), spread_work(database)]
    # Where more waits, what follows would be done again for that.
    if not any(done[1:]):
        done.append(decide_commits(database))
    if not any(done[1:]):
        done.append(conclude_sessions(database, thresholds, now) or None)
    if not any(done[1:]):
        done.append(measure_changes(database, thresholds, now))
    if not any(done[1:]):
        done.append(compare_weeks(database, thresholds))
    return any(step is not None for step in done)


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
