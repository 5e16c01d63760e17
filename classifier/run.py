"""From marks to labels: link what is new, judge it, keep what follows.

Everything is read first and written in one short transaction, so that the collector never waits
long. A session that was marked again meanwhile stays marked and is concluded again.
"""

from collections.abc import Sequence
from datetime import datetime

from classifier.cost import cost_shares
from classifier.facts import cost as cost_of
from classifier.facts import label
from classifier.link import link_session
from classifier.thresholds import VerdictThresholds
from classifier.verdicts import judge_tool
from domain.labels import (
    Labelled,
    Link,
    TargetKind,
    Verdict,
)
from store import conclusions, dirty, evidence, history, judged
from store.conclusions import SessionTotals
from store.engine import Connection, Database

_SESSIONS = 50
_WORK = 200
_CLASSIFYING = 7_275_332


def classify(database: Database, now: datetime) -> bool:
    """Conclude some of what is marked or due; whether there was anything.

    One process at a time: of many workers the others only fold meanwhile.
    """
    with database.alone(_CLASSIFYING) as mine:
        return mine and _classify(database, now)


def _classify(database: Database, now: datetime) -> bool:
    spread = _spread_work(database)
    with database.reading() as connection:
        marks = dirty.marked_sessions(connection, _SESSIONS)
        due = dirty.due_sessions(connection, now, _SESSIONS)
        concluded = {pk: _conclude(connection, pk, now) for pk in dict.fromkeys([*marks, *due])}
    if concluded:
        with database.writing() as connection:
            for pk, (shares, labelled) in concluded.items():
                conclusions.replace_links(connection, pk, shares)
                if labelled is None:
                    # Known by now to be a part of another session.
                    conclusions.withdraw_label(connection, pk)
                else:
                    conclusions.keep_label(connection, pk, labelled)
            dirty.clear_sessions(connection, marks)
    return spread or bool(concluded)


def label_as_of(connection: Connection, session_pk: int, as_of: datetime) -> Labelled | None:
    """The label that a session has, or had, at a moment; None for a session not known."""
    totals = conclusions.totals_of(connection, session_pk)
    if totals is None:
        return None
    links = [link for _, link, _ in conclusions.links_of(connection, session_pk)]
    traces = evidence.traces_of(connection, session_pk)
    return label(connection, totals, traces, links, as_of)


def judge_tools(connection: Connection, as_of: datetime) -> Sequence[Verdict]:
    """The verdict on every tool that has been seen."""
    sessions = judged.sessions(connection)
    tools = sorted({session.tool for session in sessions})
    return [judge_tool(tool, sessions, VerdictThresholds(), as_of) for tool in tools]


def _spread_work(database: Database) -> bool:
    """Mark the sessions that marked work concerns."""
    with database.reading() as connection:
        marks = dirty.marked_work(connection, _WORK)
        touched: set[int] = set()
        for mark in marks:
            touched |= _concerned(connection, mark)
    if marks:
        with database.writing() as connection:
            dirty.mark_sessions(connection, touched)
            dirty.clear_work(connection, marks)
    return bool(marks)


def _concerned(connection: Connection, mark: dirty.WorkMark) -> set[int]:
    if mark.kind == TargetKind.CHANGE:
        number = int(mark.target_id)
        undone = history.undone_by(connection, mark.repo, number)
        changes = [(mark.repo, number), *undone]
        return {pk for change in changes for pk in evidence.sessions_of_change(connection, change)}
    found: set[int] = set()
    for target in history.named(connection, mark.repo, f"commit:{mark.target_id}"):
        if target.kind == TargetKind.CHANGE:
            change = (target.repo, int(target.id))
            found |= evidence.sessions_of_change(connection, change)
    return found | evidence.sessions_of_commit(connection, mark.repo, mark.target_id)


def _conclude(
    connection: Connection, session_pk: int, now: datetime
) -> tuple[list[tuple[Link, int | None]], Labelled | None]:
    totals = conclusions.totals_of(connection, session_pk)
    if totals is None or not totals.active:
        return [], None
    links: tuple[Link, ...] = ()
    traces = evidence.traces_of(connection, session_pk)
    if traces is not None:
        links = link_session(traces, *evidence.candidates(connection, traces))
    shares = _shares(totals, links)
    return shares, label(connection, totals, traces, links, now)


def _shares(totals: SessionTotals, links: Sequence[Link]) -> list[tuple[Link, int | None]]:
    """Each link with its share of the cost; None where the session's cost is unknown."""
    cost = cost_of(totals)
    if cost is None:
        return [(link, None) for link in links]
    carried = {link.target: share for link, share in cost_shares(cost, links) if link is not None}
    return [(link, carried.get(link.target, 0)) for link in links]
