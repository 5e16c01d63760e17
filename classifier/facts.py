"""The facts that the rules look at: a session's own, and what became of the work it is tied to.

Of many sessions at once: what they share is read once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from classifier.fates import NEVER_REVERTED, Fate, Reverted, fates, reverts_at
from classifier.link import link_at
from classifier.rules import label_session
from classifier.thresholds import Thresholds
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
)
from store import conclusions
from store.engine import Connection
from store.landing import on_default_branch
from store.membership import ChangeId, CommitId, changes_of_commits
from store.totals import SessionTotals, count_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """A session whose links stand. ``traces`` are None for usage without a session."""

    totals: SessionTotals
    traces: SessionTraces | None
    links: Sequence[Link]


@dataclass(frozen=True, slots=True)
class _Work:
    """What became of all work that any of the sessions is linked to."""

    fates: Mapping[ChangeId, Fate]
    landed: Mapping[CommitId, datetime]
    reverted: Mapping[Target, Reverted]
    connected: frozenset[str]


def label_all(
    connection: Connection,
    sessions: Sequence[Concluded],
    thresholds: Thresholds,
    as_of: datetime,
) -> list[Labelled]:
    """The labels of these sessions with these links, as of a moment."""
    known = [
        [seen for link in session.links if (seen := link_at(link, as_of)) is not None]
        for session in sessions
    ]
    work = _work(connection, {link.target for of in known for link in of}, thresholds, as_of)
    return [
        label_session(_facts(session, links, work), thresholds, as_of)
        for session, links in zip(sessions, known, strict=True)
    ]


def _work(
    connection: Connection,
    targets: Collection[Target],
    thresholds: Thresholds,
    as_of: datetime,
) -> _Work:
    changes = {(x.repo, int(x.id)) for x in targets if x.kind == TargetKind.CHANGE}
    commits = {(x.repo, x.id) for x in targets if x.kind == TargetKind.COMMIT}
    # What belongs to a change has landed or not as that change.
    direct = commits - changes_of_commits(connection, commits).keys()
    landed = on_default_branch(connection, direct)
    loose = [x for x in targets if x.kind == TargetKind.COMMIT and (x.repo, x.id) in landed]
    return _Work(
        fates=fates(connection, changes, thresholds, as_of),
        landed=landed,
        reverted=reverts_at(connection, loose, thresholds, as_of),
        connected=conclusions.connected_repositories(connection),
    )


def _facts(session: Concluded, links: Sequence[Link], work: _Work) -> SessionFacts:
    totals = session.totals
    named = session.traces.repositories if session.traces else frozenset()
    return SessionFacts(
        tool=totals.tool,
        session_id=totals.session_id,
        started_at=totals.first_at,
        ended_at=totals.last_at,
        tokens=totals.tokens,
        cost_nanousd=cost(totals),
        edits_accepted=count_of(totals, Quantity.EDITS_ACCEPTED),
        lines_changed=count_of(totals, Quantity.LINES_ADDED, Quantity.LINES_REMOVED),
        commits=_commits(totals),
        tool_calls=count_of(totals, Quantity.TOOL_CALLS),
        changes=tuple(_changes(links, work)),
        direct=tuple(_direct(links, work)),
        # Where nobody reports, work may have landed unseen: its absence says nothing.
        forge_connected=bool(named & work.connected if named else work.connected),
    )


def _commits(totals: SessionTotals) -> int | None:
    """Commits counted or named by SHA, whichever are more: quiet ones are only counted."""
    counted = count_of(totals, Quantity.COMMITS)
    return max(counted or 0, totals.named_commits) if totals.named_commits else counted


def _changes(links: Sequence[Link], work: _Work) -> list[LinkedChange]:
    found: list[LinkedChange] = []
    for link in links:
        if link.target.kind == TargetKind.CHANGE:
            fate = work.fates.get((link.target.repo, int(link.target.id)))
            if fate is not None:
                found.append(_linked(fate, link))
    return found


def _linked(fate: Fate, link: Link) -> LinkedChange:
    change = fate.history
    return LinkedChange(
        repo=change.repo,
        number=change.number,
        tier=link.tier,
        opened_at=change.created_at,
        active_at=fate.active_at,
        merged_at=change.merged_at,
        landed_at=fate.landing.at if fate.landing else None,
        closed_at=change.closed_at,
        reverted_at=fate.reverted.at,
        reworked_at=fate.rework.heavy_at if fate.rework else None,
        review_rounds=fate.review_rounds,
        closed_reason=fate.closed_reason,
        tasks=change.tasks,
        title=change.title,
    )


def _direct(links: Sequence[Link], work: _Work) -> list[LandedCommit]:
    """Linked commits that reached the default branch and belong to no change."""
    found: list[LandedCommit] = []
    for link in links:
        at = work.landed.get((link.target.repo, link.target.id))
        if link.target.kind == TargetKind.COMMIT and at is not None:
            found.append(
                LandedCommit(
                    repo=link.target.repo,
                    sha=link.target.id,
                    tier=link.tier,
                    landed_at=at,
                    reverted_at=work.reverted.get(link.target, NEVER_REVERTED).at,
                )
            )
    return found


def cost(totals: SessionTotals) -> int | None:
    """What the session cost in nano-dollars: as reported, else at list price; None if unknown."""
    told = totals.reported_nanousd
    return totals.list_nanousd if told is None else told
