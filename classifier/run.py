"""From marks to labels: link what is new, judge it, keep what follows.

Everything is read first and written in one short transaction, so that the collector never waits
long. A session that was marked again meanwhile stays marked and is concluded again.
"""

from collections.abc import Sequence
from datetime import datetime

from classifier.cost import cost_shares
from classifier.link import link_at, link_session
from classifier.outcomes import landed, last_active, reverted_at, review_rounds
from classifier.rules import label_session
from classifier.thresholds import Thresholds, VerdictThresholds
from classifier.verdicts import judge_tool
from domain.events import Quantity
from domain.labels import (
    Labelled,
    LandedCommit,
    Link,
    LinkedChange,
    SessionFacts,
    SessionTraces,
    Target,
    TargetKind,
    Verdict,
)
from store import conclusions, dirty, evidence, history, judged
from store.conclusions import SessionTotals, count_of
from store.engine import Connection, Database
from store.history import ChangeHistory

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
    return _label(connection, totals, traces, links, as_of)


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
    return shares, _label(connection, totals, traces, links, now)


def _shares(totals: SessionTotals, links: Sequence[Link]) -> list[tuple[Link, int | None]]:
    """Each link with its share of the cost; None where the session's cost is unknown."""
    cost = _cost(totals)
    if cost is None:
        return [(link, None) for link in links]
    carried = {link.target: share for link, share in cost_shares(cost, links) if link is not None}
    return [(link, carried.get(link.target, 0)) for link in links]


def _cost(totals: SessionTotals) -> int | None:
    told = totals.reported_nanousd
    return totals.list_nanousd if told is None else told


def _label(
    connection: Connection,
    totals: SessionTotals,
    traces: SessionTraces | None,
    links: Sequence[Link],
    as_of: datetime,
) -> Labelled:
    known = [seen for link in links if (seen := link_at(link, as_of)) is not None]
    reverts = history.reverts_of(connection, {link.target.repo for link in known})
    undone = reverted_at(reverts, as_of)
    facts = SessionFacts(
        tool=totals.tool,
        session_id=totals.session_id,
        started_at=totals.first_at,
        ended_at=totals.last_at,
        tokens=totals.tokens,
        cost_nanousd=_cost(totals),
        edits_accepted=count_of(totals, Quantity.EDITS_ACCEPTED),
        lines_changed=count_of(totals, Quantity.LINES_ADDED, Quantity.LINES_REMOVED),
        commits=_commits(totals),
        tool_calls=count_of(totals, Quantity.TOOL_CALLS),
        changes=tuple(_changes(connection, known, undone, as_of)),
        direct=tuple(_direct(connection, known, undone)),
        forge_connected=conclusions.forge_connected(
            connection, traces.repositories if traces else frozenset()
        ),
    )
    return label_session(facts, Thresholds(), as_of)


def _commits(totals: SessionTotals) -> int | None:
    """Commits counted or named by SHA, whichever are more: quiet ones are only counted."""
    counted = count_of(totals, Quantity.COMMITS)
    return max(counted or 0, totals.named_commits) if totals.named_commits else counted


def _changes(
    connection: Connection,
    links: Sequence[Link],
    undone: dict[Target, datetime | None],
    as_of: datetime,
) -> list[LinkedChange]:
    found: list[LinkedChange] = []
    for link in links:
        if link.target.kind != TargetKind.CHANGE:
            continue
        change = history.change_history(connection, (link.target.repo, int(link.target.id)))
        if change is not None:
            found.append(_linked(change, link, undone.get(link.target), as_of))
    return found


def _linked(
    change: ChangeHistory, link: Link, reverted: datetime | None, as_of: datetime
) -> LinkedChange:
    return LinkedChange(
        repo=change.repo,
        number=change.number,
        tier=link.tier,
        opened_at=change.created_at,
        active_at=last_active(change.created_at, change.pushed_at, as_of),
        merged_at=change.merged_at,
        landed=landed(change.base_ref, change.default_branch, change.merged_at, as_of),
        closed_at=change.closed_at,
        reverted_at=reverted,
        review_rounds=review_rounds(change.feedback, change.pushed_at, as_of),
        tasks=change.tasks,
        title=change.title,
    )


def _direct(
    connection: Connection, links: Sequence[Link], undone: dict[Target, datetime | None]
) -> list[LandedCommit]:
    """Linked commits that reached the default branch and belong to no change."""
    commits = [link for link in links if link.target.kind == TargetKind.COMMIT]
    inside = history.inside_changes(
        connection, {(link.target.repo, link.target.id) for link in commits}
    )
    found: list[LandedCommit] = []
    for link in commits:
        commit = (link.target.repo, link.target.id)
        at = evidence.on_default_branch_at(connection, *commit)
        if at is not None and commit not in inside:
            found.append(
                LandedCommit(
                    repo=commit[0],
                    sha=commit[1],
                    tier=link.tier,
                    landed_at=at,
                    reverted_at=undone.get(link.target),
                )
            )
    return found
