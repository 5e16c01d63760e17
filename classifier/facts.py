"""The facts that the rules look at: a session's own, and what became of the work it is tied to."""

from collections.abc import Sequence
from datetime import datetime

from classifier.link import link_at
from classifier.outcomes import landed, last_active, reverted_at, review_rounds
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
from store import conclusions, evidence, history
from store.conclusions import SessionTotals, count_of
from store.engine import Connection
from store.history import ChangeHistory


def label(
    connection: Connection,
    totals: SessionTotals,
    traces: SessionTraces | None,
    links: Sequence[Link],
    as_of: datetime,
) -> Labelled:
    """The label of a session with these links, as of a moment."""
    known = [seen for link in links if (seen := link_at(link, as_of)) is not None]
    reverts = history.reverts_of(connection, {link.target.repo for link in known})
    undone = reverted_at(reverts, as_of)
    facts = SessionFacts(
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


def cost(totals: SessionTotals) -> int | None:
    """What the session cost in nano-dollars: as reported, else at list price; None if unknown."""
    told = totals.reported_nanousd
    return totals.list_nanousd if told is None else told
