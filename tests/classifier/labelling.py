"""Sessions and changes to label, made by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from classifier.thresholds import Thresholds
from domain.closing import ClosedReason
from domain.labels import LandedCommit, LinkedChange, SessionFacts, Tier
from domain.norms import CostNorm, Norms, Scope

DAY_0 = datetime(2026, 3, 2, tzinfo=UTC)
DEFAULTS = Thresholds()


def day(number: float) -> datetime:
    return DAY_0 + timedelta(days=number)


SESSION = SessionFacts(
    tool="claude-code",
    session_id="s1",
    started_at=day(-0.1),
    ended_at=day(0),
    tokens=1_000,
    cost_nanousd=2_000,
    edits_accepted=None,
    lines_changed=None,
    commits=None,
    tool_calls=None,
    changes=(),
    direct=(),
    forge_connected=True,
)
TRIED = replace(SESSION, edits_accepted=3)

OPEN = LinkedChange(
    repo="acme/shop",
    number=7,
    tier=Tier.A,
    opened_at=day(0),
    active_at=day(1),
    merged_at=None,
    landed_at=None,
    closed_at=None,
    reverted_at=None,
    reworked_at=None,
    review_rounds=0,
    closed_reason=None,
    tasks=(),
    title="feat: basket",
)
MERGED = replace(OPEN, merged_at=day(2), closed_at=day(2), landed_at=day(2))
ELSEWHERE = replace(MERGED, number=8, landed_at=None)
STACKED = replace(ELSEWHERE, number=14, landed_at=day(6))
BY_HAND = replace(OPEN, number=15, closed_at=day(3), landed_at=day(2))
CLOSED = replace(OPEN, number=9, closed_at=day(2), closed_reason=ClosedReason.UNKNOWN)
SUPERSEDED = replace(CLOSED, number=16, closed_reason=ClosedReason.SUPERSEDED)
REJECTED = replace(CLOSED, number=17, closed_reason=ClosedReason.REJECTED_CODE)
REWORKED = replace(MERGED, number=18, reworked_at=day(9))
REVERTED = replace(MERGED, number=10, reverted_at=day(5))
ENDLESS = replace(MERGED, number=11, review_rounds=4)
DOLLAR = 1_000_000_000
COMPARED = replace(
    MERGED,
    cost_nanousd=6 * DOLLAR,
    tied=True,
    norms=Norms(
        cost=CostNorm(
            scope=Scope.REPO_AND_TYPE,
            peers=30,
            expected_nanousd=4 * DOLLAR,
            percentile=0.7,
            tool_factor=2.0,
            slope=0.5,
            most_lines=2_000,
            upper_times=2.5,
        ),
        usual_rounds=2,
        rounds_peers=40,
        tied_share=2 / 3,
        tied_peers=30,
    ),
)
DIRECT = LandedCommit(
    repo="acme/shop", sha="a" * 40, tier=Tier.B, landed_at=day(1), reverted_at=None
)


def costly(number: int = 19, **told: object) -> LinkedChange:
    """One that cost far more than expected; ``told`` says what is otherwise of its norm."""
    norms = COMPARED.norms
    assert norms is not None
    assert norms.cost is not None
    values = {"expected_nanousd": 2 * DOLLAR, "percentile": 0.95, **told}
    cost = replace(norms.cost, **values)  # type: ignore[arg-type]
    return replace(COMPARED, number=number, norms=replace(norms, cost=cost))


def among(rounds: int | None = 2, share: float | None = 2 / 3, peers: int = 30) -> LinkedChange:
    """One without a task, among changes of which so many are tied and took so many rounds."""
    norms = Norms(usual_rounds=rounds, rounds_peers=40, tied_share=share, tied_peers=peers)
    return replace(MERGED, number=20, tied=False, norms=norms)


def with_changes(*changes: LinkedChange) -> SessionFacts:
    return replace(TRIED, changes=changes)
