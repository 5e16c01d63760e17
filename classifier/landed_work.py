"""Work of a session that came to the default branch, and what speaks against each piece of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from classifier.thresholds import Thresholds
from domain.closing import ClosedReason
from domain.labels import LinkedChange, SessionFacts, Tier
from domain.norms import SCOPES, CostNorm, Norms
from domain.usage import usd

_CENT_NANOUSD = 10_000_000
DECIDING = frozenset({Tier.A, Tier.B})
BESIDE_THE_POINT = frozenset(
    {
        ClosedReason.SUPERSEDED,
        ClosedReason.DUPLICATE,
        ClosedReason.SCOPE_DECLINED,
        ClosedReason.TEST_OR_EXPERIMENT,
    }
)
"""Reasons for which closing a change says nothing of what was spent on it."""


class Flaw(StrEnum):
    """Why landed work was not worth what it took."""

    ENDLESS = "endless_review"
    COSTLY = "disproportionate_cost"
    TAKEN_OVER = "human_takeover"
    REWORKED = "heavy_rework"


_NOTHING: frozenset[Flaw] = frozenset()
_TOGETHER = frozenset({Flaw.COSTLY})


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedWork:
    """A change on the default branch, or a commit that came without one.

    ``untied`` says that it lacks the task that its repository works with. Nobody asks that of a
    commit that came without a change.
    """

    id: str
    tier: Tier
    at: datetime
    reverted_at: datetime | None
    change: LinkedChange | None = None
    flaws: frozenset[Flaw] = frozenset()
    untied: bool = False


def landed_work(facts: SessionFacts, thresholds: Thresholds) -> list[LandedWork]:
    """All that landed of what decides, whether it stands or not."""
    landed, minors = _landed(facts, thresholds)
    dear = _TOGETHER if _costly_together(landed, minors, thresholds) else _NOTHING
    changes = [
        LandedWork(
            id=id_of(change),
            tier=change.tier,
            at=change.landed_at,
            reverted_at=change.reverted_at,
            change=change,
            flaws=flaws(change, thresholds) | (dear if change.reverted_at is None else _NOTHING),
            untied=untied(change.tied, change.norms, thresholds),
        )
        for change in landed
        if change.landed_at
    ]
    commits = [
        LandedWork(
            id=f"{commit.repo}@{commit.sha}",
            tier=commit.tier,
            at=commit.landed_at,
            reverted_at=commit.reverted_at,
        )
        for commit in facts.direct
        if commit.tier in DECIDING
    ]
    return changes + commits


def minor(facts: SessionFacts, thresholds: Thresholds) -> list[LinkedChange]:
    """Changes that landed and are too small beside the session's largest to decide anything."""
    return _landed(facts, thresholds)[1]


def _landed(
    facts: SessionFacts, thresholds: Thresholds
) -> tuple[list[LinkedChange], list[LinkedChange]]:
    """Changes that landed of those that decide, and those too small to decide anything."""
    deciding = [change for change in facts.changes if change.tier in DECIDING]
    landed = [change for change in deciding if change.landed_at]
    if not landed or not deciding[1:]:
        return landed, []
    lines = (
        change.lines or 0
        for change in deciding
        if change.landed_at or change.closed_reason not in BESIDE_THE_POINT
    )
    least = thresholds.minor_share * max(lines, default=0)
    minors = [change for change in landed if change.lines is not None and change.lines < least]
    return [change for change in landed if change not in minors], minors


def _standing(changes: Iterable[LinkedChange]) -> list[LinkedChange]:
    return [change for change in changes if change.reverted_at is None]


def flaws(change: LinkedChange, thresholds: Thresholds) -> frozenset[Flaw]:
    """What speaks against a change that landed."""
    told = (
        (Flaw.ENDLESS, change.review_rounds >= endless_from(change.norms, thresholds)),
        (Flaw.COSTLY, costly(change.cost_nanousd, change.norms, thresholds)),
        (
            Flaw.TAKEN_OVER,
            change.takeover is not None and change.takeover >= thresholds.takeover_share,
        ),
        (Flaw.REWORKED, change.reworked_at is not None),
    )
    return frozenset(flaw for flaw, holds in told if holds)


def endless_from(norms: Norms | None, thresholds: Thresholds) -> int:
    """From how many review rounds on the review of such a change is endless."""
    usual = norms.usual_rounds if norms else None
    return max(thresholds.endless_rounds, usual or 0)


def costly(cost_nanousd: int | None, norms: Norms | None, thresholds: Thresholds) -> bool:
    """Whether a change cost out of all proportion to comparable ones."""
    norm = norms.cost if norms else None
    if norm is None or cost_nanousd is None:
        return False
    return (
        norm.peers >= thresholds.peer_changes
        and norm.percentile >= thresholds.costly_percentile
        and cost_nanousd >= thresholds.costly_times * norm.expected_nanousd
        and cost_nanousd >= thresholds.costly_cents * _CENT_NANOUSD
    )


class Together(NamedTuple):
    """What the changes of a session cost, and one with the lines of all of them should have."""

    lines: int
    cost_nanousd: int
    expected_nanousd: float
    norm: CostNorm


def together(changes: Iterable[LinkedChange], minors: Iterable[LinkedChange]) -> Together | None:
    """All of these as one; None where there are none, or it can't be said of each but the minors.

    So nothing is gained by splitting a change, nor by a trivial one that bears a part of its cost.
    """
    known = list(map(_measured, changes))
    if not known or None in known:
        return None
    known += map(_measured, minors)
    told = [each for each in known if each is not None]
    largest, _, norm = max(told, key=lambda each: each[0])
    lines = sum(each[0] for each in told)
    cost = sum(each[1] for each in told)
    return Together(lines, cost, norm.expected_of(lines, largest), norm)


def _measured(change: LinkedChange) -> tuple[int, int, CostNorm] | None:
    norm = change.norms.cost if change.norms else None
    if norm is None or not change.lines or not change.cost_nanousd:
        return None
    return change.lines, change.cost_nanousd, norm


def _costly_together(
    landed: Sequence[LinkedChange], minors: Sequence[LinkedChange], thresholds: Thresholds
) -> bool:
    """Whether those that stand cost out of all proportion to one with the lines of all of them.

    What a session cost is split over its changes, so that together they tell more than each.
    """
    if not landed[1:] and not minors:
        return False
    told = together(_standing(landed), _standing(minors))
    if told is None or told.norm.peers < thresholds.peer_changes:
        return False
    times = max(told.norm.upper_times, thresholds.costly_times)
    least = thresholds.costly_cents * _CENT_NANOUSD
    return told.cost_nanousd >= max(times * told.expected_nanousd, least)


def seen_together(facts: SessionFacts, thresholds: Thresholds) -> dict[str, object]:
    """What the standing changes cost together, where there are several and it can be said."""
    landed, minors = _landed(facts, thresholds)
    told = together(_standing(landed), _standing(minors)) if landed[1:] or minors else None
    if told is None:
        return {}
    seen = {
        "lines": told.lines,
        "cost_usd": usd(told.cost_nanousd),
        "expected_usd": usd(round(told.expected_nanousd)),
        "upper_times": _rounded(told.norm.upper_times),
    }
    return {"together": seen}


def untied(tied: bool | None, norms: Norms | None, thresholds: Thresholds) -> bool:
    """Whether a change lacks a task where its repository works with tasks."""
    if norms is None or tied is not False or norms.tied_share is None:
        return False
    enough = norms.tied_peers >= thresholds.tasks_changes
    return enough and norms.tied_share >= thresholds.tasks_share


def seen_of_cost(work: Collection[LandedWork]) -> dict[str, object]:
    """What each change cost beside what was to be expected; None where that can't be said."""
    return {each.id: _cost(each.change) for each in work if each.change}


def seen_of_tasks(work: Collection[LandedWork]) -> dict[str, object]:
    """Whether each change is tied to a task, and how usual that is in its repository."""
    return {
        each.id: {
            "tied": each.change.tied,
            "tied_share": _rounded(each.change.norms.tied_share),
            "of_changes": each.change.norms.tied_peers,
        }
        for each in work
        if each.change and each.change.norms
    }


def _cost(change: LinkedChange) -> object:
    norm = change.norms.cost if change.norms else None
    if norm is None or not change.cost_nanousd:
        return None
    seen: dict[str, object] = {
        "cost_usd": usd(change.cost_nanousd),
        "expected_usd": usd(norm.expected_nanousd),
        "times": _rounded(change.cost_nanousd / max(norm.expected_nanousd, 1)),
        "percentile": _rounded(norm.percentile),
        "tool_factor": _rounded(norm.tool_factor),
        "peers": norm.peers,
        "compared_with": SCOPES[norm.scope],
    }
    # Told only where it is more than the weeks before.
    return seen | {"peers_until": norm.known_at.isoformat()} if norm.known_at else seen


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def id_of(change: LinkedChange) -> str:
    """A change by its repository and number."""
    return f"{change.repo}#{change.number}"
