"""No label is made better by splitting changes, chopping sessions, padding, or trivial changes."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from classifier.norms import Line, cost_norm, line
from classifier.rules import label_session
from domain.labels import Label, LinkedChange, SessionFacts
from domain.norms import Norms, Scope
from domain.usage import NANOUSD
from store.landed import Cost
from tests.classifier.labelling import (
    DEFAULTS,
    ENDLESS,
    MERGED,
    REJECTED,
    REVERTED,
    REWORKED,
    SUPERSEDED,
    day,
    with_changes,
)

LATER = day(60)
PEER = st.tuples(st.floats(0.0, 8.0), st.floats(18.0, 26.0))
PEERS = st.lists(PEER, min_size=30, max_size=50).map(line)
LINES = st.integers(1, 6_000)
COSTS = st.integers(DEFAULTS.costly_cents * NANOUSD // 100, 400 * NANOUSD)
TIMES = st.floats(1.01, 20.0)
PARTS = st.lists(st.integers(1, 100), min_size=2, max_size=8)
FAILED = st.sampled_from((REVERTED, REJECTED, REWORKED, ENDLESS))


def change(peers: Line, lines: int, cost: int, number: int = 1) -> LinkedChange:
    """One that landed, compared with these peers."""
    norm = cost_norm(
        peers,
        Cost(lines, cost, "codex"),
        scope=Scope.COMPANY,
        dearer=0.0,
        widest=peers.widest,
        share=DEFAULTS.costly_percentile,
        known_at=None,
    )
    told = {"number": number, "lines": lines, "cost_nanousd": cost, "norms": Norms(cost=norm)}
    return replace(MERGED, **told)  # type: ignore[arg-type]


def label(*changes: LinkedChange) -> Label:
    return label_session(with_changes(*changes), DEFAULTS, LATER).label


def shares(whole: int, weights: list[int]) -> list[int]:
    """A whole number in so many parts, none of them empty."""
    parts = [max(whole * weight // sum(weights), 1) for weight in weights[:-1]]
    return [*parts, max(whole - sum(parts), 1)]


def too_much(peers: Line, lines: int, times: float) -> int:
    """What is out of all proportion for so many lines, by so many times."""
    norms = change(peers, lines, 1).norms
    assert norms is not None
    assert norms.cost is not None
    bar = max(norms.cost.upper_times, DEFAULTS.costly_times) * norms.cost.expected_nanousd
    return max(round(bar * times), DEFAULTS.costly_cents * NANOUSD // 100)


@given(PEERS, st.integers(200, 6_000), TIMES, PARTS)
def test_a_change_that_cost_too_much_does_so_in_parts(
    peers: Line, lines: int, times: float, weights: list[int]
) -> None:
    cost = too_much(peers, lines, times)
    assert label(change(peers, lines, cost)) is Label.INEFFICIENT
    of_lines, of_cost = shares(lines, weights), shares(cost, weights[::-1])
    parts = [
        change(peers, some, spent, number)
        for number, (some, spent) in enumerate(zip(of_lines, of_cost, strict=True))
    ]
    assert label(*parts) is Label.INEFFICIENT


@given(PEERS, st.integers(21, 6_000), COSTS, FAILED, PARTS)
def test_trivial_changes_beside_what_failed_save_nothing(
    peers: Line, lines: int, cost: int, failed: LinkedChange, weights: list[int]
) -> None:
    """Also where they bear most of what the session cost."""
    small = (lines - 1) // 20
    of_cost = shares(cost, weights)
    main = replace(failed, lines=lines, cost_nanousd=of_cost[0], number=99)
    trivial = [change(peers, small, spent, number) for number, spent in enumerate(of_cost[1:])]
    before = label(replace(main, cost_nanousd=cost))
    assert before in (Label.WASTEFUL, Label.INEFFICIENT)
    assert label(main, *trivial) is before


@given(PEERS, st.integers(1_000, 6_000), TIMES, PARTS)
def test_trivial_changes_beside_what_cost_too_much_save_nothing(
    peers: Line, lines: int, times: float, weights: list[int]
) -> None:
    """Their lines count as lines of the change, and so does what they bear of its cost."""
    cost = too_much(peers, lines + len(weights) - 1, times)
    of_cost = shares(cost, weights)
    trivial = [change(peers, 1, spent, number + 2) for number, spent in enumerate(of_cost[1:])]
    assert label(change(peers, lines, of_cost[0]), *trivial) is Label.INEFFICIENT


@given(PEERS, COSTS, st.integers(1, 1_000_000))
def test_padding_beyond_the_largest_change_is_worth_nothing(
    peers: Line, cost: int, more: int
) -> None:
    largest = change(peers, 3_000, cost)
    padded = change(peers, 3_000 + more, cost)
    assert padded.norms == largest.norms
    assert label(padded) is label(largest)


@given(PEERS, LINES, COSTS, st.integers(2, 9))
def test_more_lines_make_nothing_productive_worse_and_no_failure_better(
    peers: Line, lines: int, cost: int, times: int
) -> None:
    """What a change costs is all that its lines can excuse."""
    good = change(peers, lines, cost)
    if label(good) is Label.PRODUCTIVE:
        assert label(change(peers, lines * times, cost)) is Label.PRODUCTIVE
    for failed in (REVERTED, REJECTED, REWORKED):
        small = replace(failed, lines=lines)
        assert label(replace(small, lines=lines * times)) is label(small) is not Label.PRODUCTIVE


@given(PEERS, LINES, COSTS, st.integers(2, 9))
def test_each_part_of_a_chopped_session_has_the_label_of_the_whole(
    peers: Line, lines: int, cost: int, parts: int
) -> None:
    """A change costs what all its sessions have booked on it, however many these are."""
    facts = with_changes(change(peers, lines, cost))
    part = replace(facts, cost_nanousd=(facts.cost_nanousd or 0) // parts, tokens=100 // parts)
    told = [label_session(each, DEFAULTS, LATER) for each in (facts, part)]
    assert told[0].label is told[1].label
    assert told[0].facts == told[1].facts


def test_what_is_small_beside_a_superseded_change_decides_all_the_same() -> None:
    small = replace(MERGED, lines=20)
    assert label(small, replace(SUPERSEDED, lines=500)) is Label.PRODUCTIVE
    assert label(small, replace(REVERTED, lines=500)) is Label.WASTEFUL
    assert label(small, replace(REVERTED, lines=200)) is Label.PRODUCTIVE
    assert label(small, replace(REVERTED, lines=None)) is Label.PRODUCTIVE


def test_who_is_told_a_label_sees_what_was_too_small_and_what_all_cost_together() -> None:
    peers = line([(float(x), 20.0 + x / 2) for x in range(8)] * 5)
    facts: SessionFacts = with_changes(
        change(peers, 400, 6 * NANOUSD, 1),
        change(peers, 300, 6 * NANOUSD, 2),
        replace(MERGED, number=3, lines=39),
    )
    seen = label_session(facts, DEFAULTS, LATER).facts
    assert seen["minor"] == ["acme/shop#3"]
    assert seen["landed"] == ["acme/shop#1", "acme/shop#2"]
    together = seen["together"]
    assert isinstance(together, dict)
    assert (together["lines"], together["cost_usd"]) == (700, 12.0)
