"""What holds for the labels of all sessions, whatever the facts and the thresholds."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from classifier.rule_table import RULES
from classifier.rules import known_at, label_session
from classifier.thresholds import Thresholds
from domain.closing import ClosedReason
from domain.labels import Label, LandedCommit, LinkedChange, Maturity, SessionFacts, Tier
from domain.norms import CostNorm, Norms, Scope

DAY_0 = datetime(2026, 3, 2, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DEFAULTS = Thresholds()

TIMES = st.integers(-5 * 24, 70 * 24).map(lambda hours: DAY_0 + timedelta(hours=hours))
COUNTS = st.none() | st.integers(0, 3)
NORMS = st.none() | st.builds(
    Norms,
    cost=st.none()
    | st.builds(
        CostNorm,
        scope=st.sampled_from(Scope),
        peers=st.sampled_from([29, 30]),
        expected_nanousd=st.integers(0, 3) | st.just(2_000_000_000),
        percentile=st.sampled_from([0.5, 0.9, 1.0]),
        tool_factor=st.just(1.5),
    ),
    usual_rounds=st.none() | st.integers(0, 6),
    rounds_peers=st.just(30),
    tied_share=st.none() | st.sampled_from([0.5, 0.6, 1.0]),
    tied_peers=st.sampled_from([19, 20]),
)
CHANGES = st.builds(
    LinkedChange,
    repo=st.just("acme/shop"),
    number=st.integers(1, 9),
    tier=st.sampled_from(Tier),
    opened_at=TIMES,
    active_at=TIMES,
    merged_at=st.none() | TIMES,
    landed_at=st.none() | TIMES,
    closed_at=st.none() | TIMES,
    reverted_at=st.none() | TIMES,
    reworked_at=st.none() | TIMES,
    review_rounds=st.integers(0, 6),
    closed_reason=st.none() | st.sampled_from(ClosedReason),
    tasks=st.just(()),
    title=st.just(""),
    takeover=st.none() | st.sampled_from([0.0, 0.5, 1.0]),
    cost_nanousd=st.none() | st.sampled_from([0, 1, 7_000_000_000]),
    tied=st.none() | st.booleans(),
    norms=NORMS,
)
COMMITS = st.builds(
    LandedCommit,
    repo=st.just("acme/shop"),
    sha=st.sampled_from(["a" * 40, "b" * 40]),
    tier=st.sampled_from(Tier),
    landed_at=TIMES,
    reverted_at=st.none() | TIMES,
)
FACTS = st.builds(
    SessionFacts,
    tool=st.just("codex"),
    session_id=st.sampled_from(["s1", "s1", "s1", None]),
    started_at=TIMES,
    ended_at=TIMES,
    tokens=COUNTS,
    cost_nanousd=COUNTS,
    edits_accepted=COUNTS,
    lines_changed=COUNTS,
    commits=COUNTS,
    tool_calls=COUNTS,
    files_edited=COUNTS,
    changes=st.lists(CHANGES, max_size=3, unique_by=lambda c: c.number).map(tuple),
    direct=st.lists(COMMITS, max_size=2, unique_by=lambda c: c.sha).map(tuple),
    forge_connected=st.booleans(),
    author_known=st.booleans(),
)
DAYS = st.integers(0, 40)
THRESHOLDS = st.just(DEFAULTS) | st.builds(
    Thresholds,
    revert_window_days=DAYS,
    reland_days=DAYS,
    abandoned_provisional_days=DAYS,
    abandoned_final_days=DAYS,
    unlinked_provisional_days=DAYS,
    unlinked_final_days=DAYS,
    elsewhere_days=DAYS,
    superseded_days=DAYS,
    endless_rounds=st.integers(0, 5),
    costly_cents=st.sampled_from([0, 500]),
    costly_times=st.integers(0, 3),
    takeover_share=st.sampled_from([0.0, 0.5]),
)
NAMES = {rule.name for rule in RULES}


@given(FACTS, THRESHOLDS, TIMES)
def test_every_session_gets_a_label_that_json_can_keep(
    facts: SessionFacts, thresholds: Thresholds, as_of: datetime
) -> None:
    labelled = label_session(facts, thresholds, as_of)
    assert labelled == label_session(facts, thresholds, as_of)
    assert labelled.rule in NAMES
    assert labelled.facts
    assert json.loads(json.dumps(labelled.facts)) == labelled.facts
    assert "{" not in labelled.reason


@given(FACTS, THRESHOLDS, TIMES, st.permutations(range(3)))
def test_the_order_of_links_does_not_matter(
    facts: SessionFacts, thresholds: Thresholds, as_of: datetime, order: list[int]
) -> None:
    shuffled = replace(
        facts,
        changes=tuple(facts.changes[i] for i in order if i < len(facts.changes)),
        direct=tuple(reversed(facts.direct)),
    )
    assert label_session(shuffled, thresholds, as_of) == label_session(facts, thresholds, as_of)


@given(FACTS, THRESHOLDS, TIMES, TIMES)
def test_what_came_later_is_invisible(
    facts: SessionFacts, thresholds: Thresholds, one: datetime, other: datetime
) -> None:
    as_of, later = sorted((one, other))
    assert known_at(known_at(facts, later), as_of) == known_at(facts, as_of)
    assert label_session(known_at(facts, later), thresholds, as_of) == label_session(
        facts, thresholds, as_of
    )


@given(FACTS, THRESHOLDS, st.lists(TIMES, min_size=2, max_size=6))
def test_a_final_label_stays_whatever_time_passes(
    facts: SessionFacts, thresholds: Thresholds, times: list[datetime]
) -> None:
    known = known_at(facts, min(times))
    for earlier, later in pairwise(sorted(times)):
        before = label_session(known, thresholds, earlier)
        if before.maturity is Maturity.FINAL:
            after = label_session(known, thresholds, later)
            assert (after.label, after.maturity) == (before.label, Maturity.FINAL)


def decided(facts: SessionFacts, thresholds: Thresholds, at: datetime) -> tuple[Label, Maturity]:
    labelled = label_session(facts, thresholds, at)
    return labelled.label, labelled.maturity


@given(FACTS, THRESHOLDS, TIMES, TIMES)
def test_a_label_is_due_exactly_when_it_next_changes(
    facts: SessionFacts, thresholds: Thresholds, as_of: datetime, between: datetime
) -> None:
    known = known_at(facts, as_of)
    labelled = label_session(known, thresholds, as_of)
    now = (labelled.label, labelled.maturity)
    due_at = labelled.due_at
    if due_at is not None:
        assert due_at > as_of
        assert decided(known, thresholds, due_at - TICK) == now
        assert decided(known, thresholds, due_at) != now
    if as_of <= between and (due_at is None or between < due_at):
        assert decided(known, thresholds, between) == now
    if due_at is None:
        assert decided(known, thresholds, as_of + timedelta(days=5_000)) == now
