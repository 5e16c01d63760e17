"""The facts that the rules look at: a session's own, and what became of the work it is tied to.

Of many sessions at once: what they share is read once.
"""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from classifier.fates import NEVER_REVERTED, Fate, Reverted, fates, reverts_at
from classifier.landed_work import DECIDING
from classifier.link import link_at
from classifier.outcomes import takeover
from classifier.overruled import overruled
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
from domain.landed import LandedChange
from domain.outcomes import Route
from domain.reported import Reported
from store import overrules
from store.engine import Connection
from store.landed import landed_changes
from store.landing import on_default_branch
from store.membership import ChangeId, CommitId, changes_of_commits
from store.reported import reported
from store.revert_names import Holding
from store.totals import SessionTotals, count_of
from store.unlinked import with_commits


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """A session whose links stand. ``traces`` are None for usage without a session."""

    pk: int
    totals: SessionTotals
    traces: SessionTraces | None
    links: Sequence[Link]


Compared: TypeAlias = Callable[[Connection, Collection[ChangeId]], Mapping[ChangeId, LandedChange]]
"""Changes that landed, with how each compares with others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What became of all work that any of the sessions is linked to.

    For as long as ``waiting`` after a session its work may still turn up, and as long as
    ``idling`` something may still become of an open change that nobody touches.
    """

    fates: Mapping[ChangeId, Fate]
    compared: Mapping[ChangeId, LandedChange]
    landed: Mapping[CommitId, datetime]
    brought: Mapping[CommitId, Set[ChangeId]]
    reverted: Mapping[Target, Reverted]
    reported: Reported
    waiting: timedelta
    idling: timedelta
    as_of: datetime
    authorless: Set[int] = frozenset()


def label_all(
    connection: Connection,
    sessions: Sequence[Concluded],
    thresholds: Thresholds,
    as_of: datetime,
    compared: Compared = landed_changes,
    known: Mapping[ChangeId, Fate] | None = None,
) -> list[Labelled]:
    """The labels of these sessions with these links, as of a moment.

    Where a person has said what a session bought, that is its label, and what the rules say stands
    beside it. ``known`` is what became by then of all changes that they are linked to, for whoever
    has asked already.
    """
    said = overrules.standing(connection, [session.pk for session in sessions], as_of)
    by_rules = label_by_rules(connection, sessions, thresholds, as_of, compared, known)
    return [
        overruled(label, said[session.pk]) if session.pk in said else label
        for session, label in zip(sessions, by_rules, strict=True)
    ]


def label_by_rules(
    connection: Connection,
    sessions: Sequence[Concluded],
    thresholds: Thresholds,
    as_of: datetime,
    compared: Compared = landed_changes,
    known: Mapping[ChangeId, Fate] | None = None,
) -> list[Labelled]:
    """The labels that the rules give these sessions, whatever people have said."""
    seen_links = [
        [seen for link in session.links if (seen := link_at(link, as_of)) is not None]
        for session in sessions
    ]
    targets = {link.target for of in seen_links for link in of}
    work = replace(
        _work(connection, targets, thresholds, as_of, compared, known),
        authorless=_authorless(connection, sessions, seen_links),
    )
    return [
        label_session(_facts(session, links, work), thresholds, as_of)
        for session, links in zip(sessions, seen_links, strict=True)
    ]


def _authorless(
    connection: Connection, sessions: Sequence[Concluded], known: Sequence[Sequence[Link]]
) -> set[int]:
    """Sessions with nothing that decides, whose people have no commit under any identity."""
    loose = {
        session.pk: session.traces
        for session, links in zip(sessions, known, strict=True)
        if session.traces and not any(link.tier in DECIDING for link in links)
    }
    committers, _ = with_commits(connection, loose)
    return loose.keys() - committers


def _work(
    connection: Connection,
    targets: Collection[Target],
    thresholds: Thresholds,
    as_of: datetime,
    compared: Compared,
    known: Mapping[ChangeId, Fate] | None,
) -> _Work:
    changes = {(x.repo, int(x.id)) for x in targets if x.kind == TargetKind.CHANGE}
    commits = {(x.repo, x.id) for x in targets if x.kind == TargetKind.COMMIT}
    # What belongs to a change has landed or not as that change.
    direct = commits - changes_of_commits(connection, commits).keys()
    landed = on_default_branch(connection, direct)
    loose = [x for x in targets if x.kind == TargetKind.COMMIT and (x.repo, x.id) in landed]
    became = fates(connection, changes, thresholds, as_of) if known is None else known
    return _Work(
        fates=became,
        compared=compared(connection, changes),
        landed=landed,
        brought=_brought(connection, landed, became),
        reverted=reverts_at(connection, loose, thresholds, as_of),
        reported=reported(connection),
        waiting=timedelta(days=thresholds.unlinked_final_days),
        idling=timedelta(days=thresholds.abandoned_final_days),
        as_of=as_of,
    )


def _brought(
    connection: Connection, landed: Mapping[CommitId, datetime], became: Mapping[ChangeId, Fate]
) -> dict[CommitId, set[ChangeId]]:
    """The changes that landed and brought each of these commits, though it is none of theirs.

    They hold the same work under another SHA, or their merge came to the default branch by the
    same push: so it is where a forge rebases, and where nobody told what a fork's branch holds.
    What came only after such a change was reverted was taken up again and stands for itself.
    """
    if not landed:
        return {}
    merges = {
        (repo, fate.history.merge_sha): (repo, number)
        for (repo, number), fate in became.items()
        if fate.landing is not None and fate.history.merge_sha
    }
    by_push: dict[tuple[str, datetime], set[ChangeId]] = {}
    for merge, at in on_default_branch(connection, merges).items():
        by_push.setdefault((merge[0], at), set()).add(merges[merge])
    holding = Holding(connection, landed)
    found: dict[CommitId, set[ChangeId]] = {}
    for commit, at in landed.items():
        told = holding.changes(commit) | by_push.get((commit[0], at), set())
        found[commit] = {each for each in told if _came_with(at, became.get(each))}
    return found


def _came_with(at: datetime, fate: Fate | None) -> bool:
    if fate is None or fate.landing is None:
        return False
    change, landed = fate.history, fate.landing
    if landed.route is Route.MERGED and not change.defaults.has(change.base_ref, landed.at):
        return False  # It landed on a release alone; its copy here came otherwise.
    undone_at = fate.reverted.first_at
    return undone_at is None or at <= undone_at


def _facts(session: Concluded, links: Sequence[Link], work: _Work) -> SessionFacts:
    totals = session.totals
    named = session.traces.repositories if session.traces else frozenset()
    linked = _fates(links, work)
    seen = [(fate, link) for fate, link in linked if not _out_of_sight(fate, work)]
    reports = work.reported.reports(named, totals.last_at + work.waiting, work.as_of)
    return SessionFacts(
        tool=totals.tool,
        session_id=totals.session_id,
        started_at=totals.first_at,
        ended_at=totals.last_at,
        tokens=totals.tokens,
        cost_nanousd=totals.cost_nanousd,
        edits_accepted=count_of(totals, Quantity.EDITS_ACCEPTED),
        lines_changed=count_of(totals, Quantity.LINES_ADDED, Quantity.LINES_REMOVED),
        commits=commits_of(totals),
        tool_calls=count_of(totals, Quantity.TOOL_CALLS),
        files_edited=len(session.traces.files) or None if session.traces else None,
        changes=tuple(_linked(fate, link, work) for fate, link in seen),
        direct=tuple(_direct(links, work)),
        # Where nobody reports, work may have landed unseen: its absence says nothing.
        forge_connected=reports and len(seen) == len(linked),
        author_known=session.pk not in work.authorless,
        evaluations=tuple(sorted(session.traces.evaluations)) if session.traces else (),
    )


def commits_of(totals: SessionTotals) -> int | None:
    """Commits counted or named by SHA, whichever are more: quiet ones are only counted."""
    counted = count_of(totals, Quantity.COMMITS)
    return max(counted or 0, totals.named_commits) if totals.named_commits else counted


def _fates(links: Sequence[Link], work: _Work) -> list[tuple[Fate, Link]]:
    """What became of the linked changes, as far as they are known."""
    found: list[tuple[Fate, Link]] = []
    for link in links:
        if link.target.kind == TargetKind.CHANGE:
            fate = work.fates.get((link.target.repo, int(link.target.id)))
            if fate is not None:
                found.append((fate, link))
    return found


def _out_of_sight(fate: Fate, work: _Work) -> bool:
    """Whether the change had neither landed nor failed when its repository was lost from sight."""
    change = fate.history
    closed = change.closed_at is not None and change.closed_at <= work.as_of
    if fate.landing or (closed and change.merged_at is None):
        return False
    return work.reported.lost(change.repo, fate.active_at + work.idling, work.as_of)


def _linked(fate: Fate, link: Link, work: _Work) -> LinkedChange:
    change = fate.history
    # Compared at its landing: at a moment before, it has not landed for the rules either.
    landed = work.compared.get((change.repo, change.number)) if fate.landing else None
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
        lines=change.lines,
        takeover=takeover(change, work.as_of),
        cost_nanousd=landed.cost_nanousd if landed else None,
        tied=landed.tied if landed else None,
        norms=landed.norms.as_of(work.as_of) if landed and landed.norms else None,
    )


def _direct(links: Sequence[Link], work: _Work) -> list[LandedCommit]:
    """Linked commits that reached the default branch, and not with a change that decides."""
    found: list[LandedCommit] = []
    changes = {
        (link.target.repo, int(link.target.id))
        for link in links
        if link.target.kind == TargetKind.CHANGE and link.tier in DECIDING
    }
    for link in links:
        commit = (link.target.repo, link.target.id)
        at = work.landed.get(commit) if link.target.kind == TargetKind.COMMIT else None
        if at is not None and not work.brought[commit] & changes:
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
