"""What the rules test: one function a rule, from the facts to what it saw, or None.

They are asked in the order of ``rules.RULES``, so each may take for granted that no earlier one
matched. Times are compared with ``as_of`` only as a fact's time plus a threshold in days: ``rules``
finds the next change of a label by asking at those moments and no others.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from classifier.landed_work import (
    BESIDE_THE_POINT,
    DECIDING,
    Flaw,
    LandedWork,
    endless_from,
    id_of,
    landed_work,
    minor,
    seen_of_cost,
    seen_of_tasks,
    seen_together,
)
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


_FAILED = frozenset({ClosedReason.REJECTED_CODE, ClosedReason.CI_FAILURE, ClosedReason.AGENT_ERROR})
# The thresholds by which landed work is judged.
_OF_LANDED = (
    "endless_rounds",
    "costly_percentile",
    "costly_times",
    "costly_cents",
    "takeover_share",
    "minor_share",
    "tasks_share",
    "tasks_changes",
    "revert_window_days",
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


def evaluation(facts: SessionFacts, _: Thresholds, as_of: datetime) -> Seen | None:
    """Match a session that did a past task again, so that routes can be compared."""
    return Seen({"evaluations": list(facts.evaluations)}, as_of) if facts.evaluations else None


def endless_review(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match where everything that stands took too many review rounds."""
    return _all_of_it(facts, thresholds, Flaw.ENDLESS)


def disproportionate_cost(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match where everything that stands cost many times what is usual for its like."""
    return _all_of_it(facts, thresholds, Flaw.COSTLY)


def human_takeover(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match where people did most of everything that stands and an agent began."""
    return _all_of_it(facts, thresholds, Flaw.TAKEN_OVER)


def heavy_rework(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match where everything that stands was heavily reworked."""
    return _all_of_it(facts, thresholds, Flaw.REWORKED)


def laboured(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match where something speaks against each piece that stands, not the same against all."""
    standing = _standing(facts, thresholds)
    if not standing or not all(work.flaws for work in standing):
        return None
    return _stands(facts, standing, thresholds)


def landed_without_task(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match where what stands and is good lacks the task that its repository works with."""
    standing = [work for work in _standing(facts, thresholds) if not work.flaws]
    if not standing or not all(work.untied for work in standing):
        return None
    return _stands(facts, standing, thresholds)


def landed_and_stands(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match where something landed and stands, nothing speaks against it, and it has its task."""
    standing = [w for w in _standing(facts, thresholds) if not w.flaws and not w.untied]
    return _stands(facts, standing, thresholds) if standing else None


def open_change(facts: SessionFacts, thresholds: Thresholds, as_of: datetime) -> Seen | None:
    """Match an open change at which its author's side is at work."""
    changes = _open(facts)
    if not changes or _since(_active(changes), thresholds.abandoned_provisional_days, as_of):
        return None
    return _waits(changes, thresholds)


def merged_elsewhere(facts: SessionFacts, thresholds: Thresholds, as_of: datetime) -> Seen | None:
    """Match a merge into a branch that may still land."""
    merged = _merged_elsewhere(facts)
    if not merged or _since(_merged_at(merged), thresholds.elsewhere_days, as_of):
        return None
    return Seen(_elsewhere(merged, thresholds), None)


def lost_elsewhere(facts: SessionFacts, thresholds: Thresholds, as_of: datetime) -> Seen | None:
    """Match a merge into a branch of which nobody can say whether it landed."""
    merged = _merged_elsewhere(facts)
    return Seen(_elsewhere(merged, thresholds), as_of) if merged else None


def reverted(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match work that landed: none of it stands, so all of it was reverted."""
    landed = landed_work(facts, thresholds)
    last = max((work.reverted_at for work in landed if work.reverted_at), default=None)
    if last is None:
        return None
    seen: dict[str, object] = {
        "reverted": sorted(work.id for work in landed),
        "reverted_at": last.isoformat(),
        "tier": _weakest(work.tier for work in landed),
        "reland_days": thresholds.reland_days,
        "minor": sorted(id_of(change) for change in minor(facts, thresholds)),
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
    if not closed or any(c.closed_reason not in BESIDE_THE_POINT for c in closed):
        return None
    return _was_closed(closed, thresholds)


def closed_as_failed(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match closed changes: some for failing, and none for a reason that can't be told."""
    closed = _closed(facts)
    reasons = {change.closed_reason for change in closed}
    if not reasons & _FAILED or not reasons <= _FAILED | BESIDE_THE_POINT:
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
    tiers = {id_of(c): c.tier for c in facts.changes}
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


def author_unknown(facts: SessionFacts, thresholds: Thresholds, _: datetime) -> Seen | None:
    """Match a session that tried, by somebody of whom no commit is known."""
    if facts.author_known or not _tried(facts):
        return None
    final_at = facts.ended_at + timedelta(days=thresholds.unlinked_final_days)
    return Seen({**_fruitless(facts, thresholds), "author_known": False}, final_at)


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


def _standing(facts: SessionFacts, thresholds: Thresholds) -> list[LandedWork]:
    return [work for work in landed_work(facts, thresholds) if work.reverted_at is None]


def _all_of_it(facts: SessionFacts, thresholds: Thresholds, flaw: Flaw) -> Seen | None:
    standing = _standing(facts, thresholds)
    if not standing or not all(flaw in work.flaws for work in standing):
        return None
    return _stands(facts, standing, thresholds)


def _open(facts: SessionFacts) -> list[LinkedChange]:
    return [c for c in _nowhere(facts) if c.merged_at is None and c.closed_at is None]


def _merged_elsewhere(facts: SessionFacts) -> list[LinkedChange]:
    return [change for change in _nowhere(facts) if change.merged_at]


def _closed(facts: SessionFacts) -> list[LinkedChange]:
    return [c for c in _nowhere(facts) if c.closed_at and c.merged_at is None]


def _nowhere(facts: SessionFacts) -> list[LinkedChange]:
    deciding = (change for change in facts.changes if change.tier in DECIDING)
    return [change for change in deciding if change.landed_at is None]


def _stands(facts: SessionFacts, standing: list[LandedWork], thresholds: Thresholds) -> Seen:
    # The first that lasts settles it: what becomes of the others changes nothing any more.
    first = min(work.at for work in standing)
    landed = landed_work(facts, thresholds)
    seen: dict[str, object] = {
        "landed": sorted(work.id for work in standing),
        "landed_at": first.isoformat(),
        "tier": _weakest(work.tier for work in standing),
        "review_rounds": _by_id(landed, lambda change: change.review_rounds),
        "endless_from": _by_id(landed, lambda change: endless_from(change.norms, thresholds)),
        "flaws": {work.id: sorted(work.flaws) for work in landed if work.flaws},
        "cost": seen_of_cost(landed),
        "takeover": _by_id(landed, lambda change: change.takeover),
        "tasks": seen_of_tasks(landed),
        "reworked": sorted(work.id for work in landed if Flaw.REWORKED in work.flaws),
        "reverted": sorted(work.id for work in landed if work.reverted_at),
        "minor": sorted(id_of(change) for change in minor(facts, thresholds)),
        **seen_together(facts, thresholds),
        **{name: getattr(thresholds, name) for name in _OF_LANDED},
    }
    return Seen(seen, first + timedelta(days=thresholds.revert_window_days))


def _by_id(
    landed: list[LandedWork], told: Callable[[LinkedChange], float | None]
) -> dict[str, float | None]:
    return {work.id: told(work.change) for work in landed if work.change}


def _waits(changes: list[LinkedChange], thresholds: Thresholds) -> Seen:
    seen: dict[str, object] = {
        "open": sorted(id_of(change) for change in changes),
        "active_at": _active(changes).isoformat(),
        "tier": _weakest(change.tier for change in changes),
        "abandoned_provisional_days": thresholds.abandoned_provisional_days,
        "abandoned_final_days": thresholds.abandoned_final_days,
    }
    return Seen(seen, None)


def _was_closed(closed: list[LinkedChange], thresholds: Thresholds) -> Seen:
    last = max(change.closed_at for change in closed if change.closed_at)
    seen: dict[str, object] = {
        "closed": {id_of(change): change.closed_reason for change in sorted(closed, key=id_of)},
        "closed_at": last.isoformat(),
        "tier": _weakest(change.tier for change in closed),
        "superseded_days": thresholds.superseded_days,
    }
    return Seen(seen, last + timedelta(days=thresholds.superseded_days))


def _merged_at(merged: Iterable[LinkedChange]) -> datetime:
    return max(change.merged_at for change in merged if change.merged_at)


def _elsewhere(merged: list[LinkedChange], thresholds: Thresholds) -> dict[str, object]:
    return {
        "merged": sorted(id_of(change) for change in merged),
        "merged_at": _merged_at(merged).isoformat(),
        "tier": _weakest(change.tier for change in merged),
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
        "files_edited": facts.files_edited,
        "tool_calls": facts.tool_calls,
    }


def _tried(facts: SessionFacts) -> bool:
    counts = (facts.edits_accepted, facts.lines_changed, facts.commits, facts.files_edited)
    return any(count is not None and count > 0 for count in counts)


def _active(changes: Iterable[LinkedChange]) -> datetime:
    return max(max(change.opened_at, change.active_at) for change in changes)


def _since(at: datetime, days: int, as_of: datetime) -> bool:
    return as_of - at >= timedelta(days=days)


def _weakest(tiers: Iterable[Tier]) -> str:
    return max(tiers).value
