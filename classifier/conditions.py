"""What the rules test: one function a rule, from the facts to what it saw, or None.

They are asked in the order of ``rules.RULES``, so each may take for granted that no earlier one
matched. Times are compared with ``as_of`` only as a fact's time plus a threshold in days: ``rules``
finds the next change of a label by asking at those moments and no others.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from classifier.thresholds import Thresholds
from domain.closing import ClosedReason
from domain.labels import LinkedChange, SessionFacts, Tier


@dataclass(frozen=True, slots=True)
class Seen:
    """The facts that a rule matched on, as JSON values, and when its label becomes final.

    ``final_at`` is None where time never makes it final.
    """

    facts: dict[str, object]
    final_at: datetime | None


Condition = Callable[[SessionFacts, Thresholds, datetime], Seen | None]


@dataclass(frozen=True, slots=True)
class _Landed:
    """Work on the default branch: a change, or a commit that came without one."""

    id: str
    tier: Tier
    at: datetime
    reverted_at: datetime | None
    reworked_at: datetime | None
    rounds: int


_DECIDING = frozenset({Tier.A, Tier.B})
_FAILED = frozenset({ClosedReason.REJECTED_CODE, ClosedReason.CI_FAILURE, ClosedReason.AGENT_ERROR})
_BESIDE_THE_POINT = frozenset(
    {
        ClosedReason.SUPERSEDED,
        ClosedReason.DUPLICATE,
        ClosedReason.SCOPE_DECLINED,
        ClosedReason.TEST_OR_EXPERIMENT,
    }
)


def no_session(facts: SessionFacts, _: Thresholds, as_of: datetime) -> Seen | None:
    """Match usage that the telemetry books to no session."""
    if facts.session_id is not None:
        return None
    return Seen({"session_id": None, "tool": facts.tool}, as_of)


def not_begun(facts: SessionFacts, _: Thresholds, as_of: datetime) -> Seen | None:
    """Match a moment before the session."""
    if facts.started_at <= as_of:
        return None
    return Seen({"started_at": facts.started_at.isoformat()}, None)


def endless_review(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match where everything that stands took too many review rounds."""
    standing = _standing(facts)
    if not standing or any(work.rounds < thresholds.endless_rounds for work in standing):
        return None
    return _stands(facts, standing, thresholds)


def heavy_rework(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match where everything that stands took much effort more: rework, or endless review."""
    standing = _standing(facts)
    if not standing or any(_good(work, thresholds) for work in standing):
        return None
    return _stands(facts, standing, thresholds)


def landed_and_stands(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match where something landed, stands, and took neither endless review nor heavy rework."""
    standing = [work for work in _standing(facts) if _good(work, thresholds)]
    return _stands(facts, standing, thresholds) if standing else None


def open_change(facts: SessionFacts, thresholds: Thresholds, as_of: datetime) -> Seen | None:
    """Match an open change at which its author's side is at work."""
    changes = _open(facts)
    if not changes or _since(_active(changes), thresholds.abandoned_provisional_days, as_of):
        return None
    return _waits(changes, thresholds)


def merged_elsewhere(facts: SessionFacts, thresholds: Thresholds, as_of: datetime) -> Seen | None:
    """Match a merge into a branch that may still land."""
    merges = _merged_elsewhere(facts)
    if not merges or _since(max(merges.values()), thresholds.elsewhere_days, as_of):
        return None
    return Seen(_elsewhere(merges, thresholds), None)


def lost_elsewhere(facts: SessionFacts, thresholds: Thresholds, as_of: datetime) -> Seen | None:
    """Match a merge into a branch of which nobody can say whether it landed."""
    merges = _merged_elsewhere(facts)
    return Seen(_elsewhere(merges, thresholds), as_of) if merges else None


def reverted(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match work that landed: none of it stands, so all of it was reverted."""
    landed = _landed(facts)
    last = max((work.reverted_at for work in landed if work.reverted_at), default=None)
    if last is None:
        return None
    seen: dict[str, object] = {
        "reverted": sorted(work.id for work in landed),
        "reverted_at": last.isoformat(),
        "tier": _weakest(work.tier for work in landed),
        "reland_days": thresholds.reland_days,
    }
    return Seen(seen, last + timedelta(days=thresholds.reland_days))


def abandoned(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match open changes: none has seen its author's side for long."""
    changes = _open(facts)
    if not changes:
        return None
    final_at = _active(changes) + timedelta(days=thresholds.abandoned_final_days)
    return Seen(_waits(changes, thresholds).facts, final_at)


def beside_the_point(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match closed changes: each for a reason that says nothing against the work."""
    closed = _closed(facts)
    if not closed or any(c.closed_reason not in _BESIDE_THE_POINT for c in closed):
        return None
    return _was_closed(closed, thresholds)


def closed_as_failed(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match closed changes: some for failing, and none for a reason that can't be told."""
    closed = _closed(facts)
    reasons = {change.closed_reason for change in closed}
    if not reasons & _FAILED or not reasons <= _FAILED | _BESIDE_THE_POINT:
        return None
    return _was_closed(closed, thresholds)


def closed_unmerged(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match changes closed without landing, for whatever reason."""
    closed = _closed(facts)
    return _was_closed(closed, thresholds) if closed else None


def no_tools_used(facts: SessionFacts, _: Thresholds, as_of: datetime) -> Seen | None:
    """Match where the tool told that nothing was called: nothing can have been changed."""
    return Seen(_counts(facts), as_of) if facts.tool_calls == 0 and not _tried(facts) else None


def weak_links(facts: SessionFacts, _: Thresholds, as_of: datetime) -> Seen | None:
    """Match where there is work that may be the session's, but nothing near proof."""
    tiers = {_id(c): c.tier for c in facts.changes}
    tiers |= {f"{c.repo}@{c.sha}": c.tier for c in facts.direct}
    if not tiers:
        return None
    return Seen({"possible": sorted(tiers), "tier": min(tiers.values()).value}, as_of)


def no_forge(facts: SessionFacts, _: Thresholds, as_of: datetime) -> Seen | None:
    """Match a session that tried, where no forge can tell what came of it."""
    if facts.forge_connected or not _tried(facts):
        return None
    return Seen({**_counts(facts), "forge_connected": False}, as_of)


def work_may_come(facts: SessionFacts, thresholds: Thresholds, as_of: datetime) -> Seen | None:
    """Match a session that tried and ended not long ago."""
    if not _tried(facts) or _since(facts.ended_at, thresholds.unlinked_provisional_days, as_of):
        return None
    return Seen(_fruitless(facts, thresholds), None)


def nothing_came_of_it(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match a session that tried and of which no work was ever seen."""
    if not _tried(facts):
        return None
    final_at = facts.ended_at + timedelta(days=thresholds.unlinked_final_days)
    return Seen(_fruitless(facts, thresholds), final_at)


def no_edits(facts: SessionFacts, _: Thresholds, as_of: datetime) -> Seen | None:
    """Match where the tool told that nothing was edited."""
    told = facts.edits_accepted is not None or facts.lines_changed is not None
    return Seen(_counts(facts), as_of) if told and not _tried(facts) else None


def not_told(facts: SessionFacts, _: Thresholds, as_of: datetime) -> Seen | None:
    """Match all the rest: the tool tells neither edits nor lines, and no work is linked."""
    return Seen(_counts(facts), as_of)


def _decisive(facts: SessionFacts) -> list[LinkedChange]:
    return [change for change in facts.changes if change.tier in _DECIDING]


def _landed(facts: SessionFacts) -> list[_Landed]:
    changes = [
        _Landed(_id(c), c.tier, c.landed_at, c.reverted_at, c.reworked_at, c.review_rounds)
        for c in _decisive(facts)
        if c.landed_at
    ]
    commits = [
        _Landed(f"{c.repo}@{c.sha}", c.tier, c.landed_at, c.reverted_at, None, 0)
        for c in facts.direct
        if c.tier in _DECIDING
    ]
    return changes + commits


def _standing(facts: SessionFacts) -> list[_Landed]:
    return [work for work in _landed(facts) if work.reverted_at is None]


def _good(work: _Landed, thresholds: Thresholds) -> bool:
    return work.rounds < thresholds.endless_rounds and work.reworked_at is None


def _open(facts: SessionFacts) -> list[LinkedChange]:
    return [c for c in _nowhere(facts) if c.merged_at is None and c.closed_at is None]


def _merged_elsewhere(facts: SessionFacts) -> dict[str, datetime]:
    return {_id(c): c.merged_at for c in _nowhere(facts) if c.merged_at}


def _closed(facts: SessionFacts) -> list[LinkedChange]:
    return [c for c in _nowhere(facts) if c.closed_at and c.merged_at is None]


def _nowhere(facts: SessionFacts) -> list[LinkedChange]:
    return [change for change in _decisive(facts) if change.landed_at is None]


def _stands(facts: SessionFacts, standing: list[_Landed], thresholds: Thresholds) -> Seen:
    # The first that lasts settles it: what becomes of the others changes nothing any more.
    first = min(work.at for work in standing)
    seen: dict[str, object] = {
        "landed": sorted(work.id for work in standing),
        "landed_at": first.isoformat(),
        "tier": _weakest(work.tier for work in standing),
        "review_rounds": min(work.rounds for work in standing),
        "reworked": sorted(work.id for work in standing if work.reworked_at),
        "reverted": sorted(work.id for work in _landed(facts) if work.reverted_at),
        "endless_rounds": thresholds.endless_rounds,
        "revert_window_days": thresholds.revert_window_days,
    }
    return Seen(seen, first + timedelta(days=thresholds.revert_window_days))


def _waits(changes: list[LinkedChange], thresholds: Thresholds) -> Seen:
    seen: dict[str, object] = {
        "open": sorted(_id(change) for change in changes),
        "active_at": _active(changes).isoformat(),
        "tier": _weakest(change.tier for change in changes),
        "abandoned_provisional_days": thresholds.abandoned_provisional_days,
        "abandoned_final_days": thresholds.abandoned_final_days,
    }
    return Seen(seen, None)


def _was_closed(closed: list[LinkedChange], thresholds: Thresholds) -> Seen:
    last = max(change.closed_at for change in closed if change.closed_at)
    seen: dict[str, object] = {
        "closed": {_id(change): change.closed_reason for change in sorted(closed, key=_id)},
        "closed_at": last.isoformat(),
        "superseded_days": thresholds.superseded_days,
    }
    return Seen(seen, last + timedelta(days=thresholds.superseded_days))


def _elsewhere(merges: dict[str, datetime], thresholds: Thresholds) -> dict[str, object]:
    return {
        "merged": sorted(merges),
        "merged_at": max(merges.values()).isoformat(),
        "elsewhere_days": thresholds.elsewhere_days,
    }


def _fruitless(facts: SessionFacts, thresholds: Thresholds) -> dict[str, object]:
    return {
        **_counts(facts),
        "ended_at": facts.ended_at.isoformat(),
        "unlinked_provisional_days": thresholds.unlinked_provisional_days,
        "unlinked_final_days": thresholds.unlinked_final_days,
    }


def _counts(facts: SessionFacts) -> dict[str, object]:
    return {
        "edits_accepted": facts.edits_accepted,
        "lines_changed": facts.lines_changed,
        "commits": facts.commits,
        "tool_calls": facts.tool_calls,
    }


def _tried(facts: SessionFacts) -> bool:
    counts = (facts.edits_accepted, facts.lines_changed, facts.commits)
    return any(count is not None and count > 0 for count in counts)


def _active(changes: Iterable[LinkedChange]) -> datetime:
    return max(max(change.opened_at, change.active_at) for change in changes)


def _since(at: datetime, days: int, as_of: datetime) -> bool:
    return as_of - at >= timedelta(days=days)


def _weakest(tiers: Iterable[Tier]) -> str:
    return max(tiers).value


def _id(change: LinkedChange) -> str:
    return f"{change.repo}#{change.number}"
