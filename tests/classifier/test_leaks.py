"""Each detector on sessions whose loss can be worked out with a pencil, in both databases."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.leak_detector import Detector
from classifier.leak_measure import Tally, together
from classifier.leak_report import Measuring, keep_leaks
from classifier.leak_usual import Cheaper, Usual, observe, usual
from classifier.leaks import DETECTORS, page
from classifier.thresholds import LeakThresholds
from domain.leaks import Group, LeakFound, Money, Untold, Watched
from store.engine import Database
from store.leaks import found
from tests.capturing import CAPTURES
from tests.filling import bodies, fill
from tests.leaking import CENT, NOW, SONNET, UNTIL, prompts, put, session, tokens

ROOT = Path(__file__).parents[2]
BARS = LeakThresholds()
BY_NAME = {each.name: each for each in DETECTORS}
WEEK = timedelta(weeks=1)


def findings(database: Database, sessions: Sequence[Watched], name: str) -> list[LeakFound]:
    """What a detector finds after these sessions were measured and kept."""
    put(database, sessions)
    assert keep_leaks(database, NOW)
    with database.reading() as connection:
        return [each for each in found(connection) if each.group.detector == name]


def measure(database: Database, now: datetime) -> Tally:
    """All weeks up to then."""
    measuring = Measuring(now, UNTIL - 30 * WEEK, BARS)
    with database.reading() as connection:
        for week in measuring.weeks():
            measuring.look(connection, week)
    return measuring.tally


def answer(name: str, of: Watched, known: Usual | None = None) -> Money | Untold | None:
    return BY_NAME[name].test(of, known or Usual(), BARS)


def uncached(number: int, **told: Any) -> Watched:
    """Twenty requests that send 45,000 tokens at the end, and nothing from the cache."""
    row = tokens(input=500_000, cache_read=0, cache_write=0, cost_nanousd=170 * CENT)
    return session(number, tokens=(row,), **told)


def test_caching_that_is_off(database: Database) -> None:
    off = [uncached(number, team="search") for number in range(5, 11)]
    on = [session(number) for number in range(20, 30)]
    [row] = findings(database, [*off, *on], "caching_off")
    assert row.group == Group(
        detector="caching_off", tool="claude-code", team="search", model=SONNET
    )
    assert (row.sessions, row.people) == (6, 6)
    # All but the last context had been sent before: 455,000 tokens at 3 - 0.3 dollars a million.
    upper = 455_000 * 2_700
    # Elsewhere 500,000 of 542,000 tokens come from the cache: more than had been sent before.
    assert row.lost == Money(low=6 * upper, estimate=6 * upper, high=6 * upper)
    assert row.spent_nanousd == 6 * 170 * CENT
    assert "92 %" in row.how


def test_where_nobody_caches_the_estimate_is_halfway() -> None:
    upper = 455_000 * 2_700
    told = answer("caching_off", uncached(1))
    assert told == Money(low=0, estimate=upper // 2, high=upper)
    # What is usual is less than all: so much would come from the cache here, too.
    here = usual([observe([session(2), *map(half_cached, range(3, 9))], BARS)], BARS)
    told = answer("caching_off", uncached(1), here)
    assert isinstance(told, Money)
    assert (told.low, told.estimate) == (250_000 * 2_700, 250_000 * 2_700)


def half_cached(number: int) -> Watched:
    row = tokens(input=250_000, cache_read=250_000, cache_write=0)
    return session(number, tokens=(row,))


@pytest.mark.parametrize(
    ("of", "told"),
    [
        (session(1), None),
        (session(1, tokens=(tokens(requests=4, input=60_000, cache_read=0),)), None),
        # Not told is not zero.
        (session(1, tokens=(tokens(cache_read=None),)), Untold.QUANTITY_UNTOLD),
        (session(1, tokens=()), Untold.PRICE_UNKNOWN),
        (
            session(1, tokens=(tokens(model="m-1", input=9**6, cache_read=0, cache_write=0),)),
            Untold.PRICE_UNKNOWN,
        ),
        # A subagent's prompts are its own; the tool's own small requests do not repeat anything.
        (session(1, tokens=(tokens(), tokens(purpose="auxiliary", cache_read=0))), None),
    ],
)
def test_caching_that_is_not_said_to_be_off(of: Watched, told: object) -> None:
    assert answer("caching_off", of) == told


def test_a_cache_that_is_written_and_never_read(database: Database) -> None:
    row = tokens(input=1_000, cache_read=0, cache_write=300_000, cost_nanousd=120 * CENT)
    broken = [session(number, tokens=(row,)) for number in range(6)]
    [told] = findings(database, broken, "cache_never_read")
    # 256,000 tokens were written again: 0.75 dollars a million more than sending them.
    again = 301_000 - 45_000
    low, high = again * 750, again * 3_450
    assert told.lost == Money(low=6 * low, estimate=6 * (low + high) // 2, high=6 * high)
    assert "halfway" in told.how
    assert answer("caching_off", broken[0]) is None


def test_a_context_that_grows_without_end(database: Database) -> None:
    sizes = prompts(last=250_000, largest=250_000, requests=40, over_100k=20, over_200k=8)
    row = tokens(input=0, cache_read=1_000_000, cache_write=0, requests=40, cost_nanousd=90 * CENT)
    grown = [session(number, prompts=sizes, tokens=(row,)) for number in range(6)]
    compacted = session(9, prompts=sizes, tokens=(row,), compactions=1)
    small = session(10, prompts=prompts(last=60_000, largest=150_000, over_100k=6))
    [told] = findings(database, [*grown, compacted, small], "context_growth")
    low = 8 * 100_000
    high = 8 * 150_000 + 12 * 100_000
    assert told.sessions == 6
    assert told.lost == Money(
        low=6 * low * 300, estimate=6 * (low + high) // 2 * 300, high=6 * high * 300
    )


def test_a_call_that_fails_again_and_again(database: Database) -> None:
    looping = [session(number, repeats=11, again=15) for number in range(6)]
    fine = [session(number, repeats=4, again=3) for number in range(10, 20)]
    [told] = findings(database, [*looping, *fine], "repeated_failures")
    assert told.group.repo == "acme/payments"
    assert told.sessions == 6
    # 15 of 30 calls; 15 of 20 requests; prompts from 15,000 to 45,000, 27,100 in the middle.
    cost = 50 * CENT
    assert told.lost.estimate == 6 * cost // 2
    assert told.lost.low == pytest.approx(6 * cost * 0.5 * 15_000 / 27_100, rel=1e-6)
    assert told.lost.high == 6 * cost
    assert told.spent_nanousd == 16 * cost
    assert answer("repeated_failures", session(1, tool_calls=None)) is Untold.QUANTITY_UNTOLD


def test_a_first_prompt_that_is_larger_than_elsewhere(database: Database) -> None:
    repos = ("acme/a", "acme/b", "acme/c", "acme/d")
    usual_ones = [
        session(100 * place + number, repo=repo)
        for place, repo in enumerate(repos, start=1)
        for number in range(10)
    ]
    large = [
        session(number, repo="acme/big", prompts=prompts(first=40_000)) for number in range(10)
    ]
    [told] = findings(database, [*usual_ones, *large], "fixed_context")
    assert told.group == Group(detector="fixed_context", tool="claude-code", repo="acme/big")
    excess = 25_000
    reads = 20 * excess * 300
    written = excess * 3_750 + 19 * excess * 300
    mean = (2_000 * 3_000 + 500_000 * 300 + 40_000 * 3_750) / 542_000
    assert told.lost.low == 10 * reads
    assert told.lost.estimate == 10 * written
    assert told.lost.high == pytest.approx(10 * 20 * excess * mean, rel=1e-6)
    assert "40,000" in told.how
    assert "15,000" in told.how


def test_a_first_prompt_with_nothing_to_compare_with() -> None:
    assert answer("fixed_context", session(1)) is Untold.NO_COMPARISON
    assert answer("fixed_context", session(1, repo=None)) is Untold.QUANTITY_UNTOLD


def fanned(number: int, share: float, **told: Any) -> Watched:
    main = tokens(cost_nanousd=round((1 - share) * 100 * CENT))
    sub = tokens(purpose="subagent", cost_nanousd=round(share * 100 * CENT))
    return session(number, tokens=(main, sub), **told)


@pytest.mark.parametrize("label", ["productive", "wasteful", "pending"])
def test_subagents_that_fan_out(database: Database, label: str) -> None:
    usual_ones = [fanned(number, 0.2, label="productive") for number in range(250)]
    beyond = [fanned(1_000 + number, 0.9, label=label) for number in range(10)]
    told = findings(database, [*usual_ones, *beyond], "subagent_fanout")
    [row] = told
    assert row.sessions == 10
    assert row.lost.high == pytest.approx(10 * 70 * CENT, abs=10)
    beyond_p95 = pytest.approx(10 * 70 * CENT, abs=10)
    # As good as the others is no reason for the money; nothing labelled is no answer.
    assert row.lost.low == (0 if label == "pending" else beyond_p95)


def test_subagents_whose_work_ends_well_more_often_are_no_leak(database: Database) -> None:
    usual_ones = [fanned(number, 0.2, label="wasteful") for number in range(250)]
    beyond = [fanned(1_000 + number, 0.9) for number in range(10)]
    assert findings(database, [*usual_ones, *beyond], "subagent_fanout") == []


def test_subagents_where_nothing_is_usual() -> None:
    assert answer("subagent_fanout", fanned(1, 0.9)) is Untold.NO_COMPARISON
    assert answer("subagent_fanout", fanned(1, 0.4)) is None
    no_purpose = session(1, tokens=(tokens(purpose=None),))
    assert answer("subagent_fanout", no_purpose) is Untold.QUANTITY_UNTOLD


def test_work_that_came_to_nothing(database: Database) -> None:
    ended = {"label": "wasteful", "rule": "nothing_came_of_it"}
    nothing = [session(number, weeks_ago=8, **ended) for number in range(6)]
    reverted = session(10, weeks_ago=8, label="wasteful", rule="reverted")
    young = [session(20 + number, weeks_ago=2, **ended) for number in range(6)]
    [told] = findings(database, [*nothing, reverted, *young], "no_commit")
    cost = 6 * 50 * CENT
    assert told.lost == Money(low=cost, estimate=cost, high=cost)
    # Weeks whose labels are not final yet count on neither side.
    assert told.spent_nanousd == 7 * 50 * CENT
    coverage = measure(database, NOW).measured(NOW, NOW.date(), NOW.date()).coverage["no_commit"]
    assert (coverage.judged, coverage.untold) == (7, {"not_settled": 6})


@pytest.mark.parametrize(
    ("label", "final", "told"),
    [
        ("pending", False, Untold.NOT_SETTLED),
        ("unknown", True, Untold.OUTCOME_UNKNOWN),
        ("wasteful", False, Untold.NOT_SETTLED),
        ("neutral", True, None),
    ],
)
def test_what_is_not_known_to_have_come_to_nothing(label: str, final: bool, told: object) -> None:
    rule = "nothing_came_of_it" if label == "wasteful" else "other"
    of = session(1, label=label, rule=rule, final=final)
    assert answer("no_commit", of) is told


HAIKU = "claude-haiku-4-5-20251001"


def worked(number: int, model: str, label: str) -> Watched:
    """Settled work of one type, six weeks ago."""
    return session(
        number,
        weeks_ago=6,
        work_type="bug",
        changes=(("acme/shop", number + 1),),
        lines=80,
        label=label,
        tokens=(tokens(model=model, cost_nanousd=50 * CENT if model == SONNET else 10 * CENT),),
    )


def test_a_model_that_is_dearer_and_no_better(database: Database) -> None:
    dear = [worked(number, SONNET, "productive") for number in range(40)]
    cheap = [worked(100 + number, HAIKU, "productive") for number in range(40)]
    [told] = findings(database, [*dear, *cheap], "dear_model")
    assert (told.group.model, told.group.work_type) == (SONNET, "bug")
    # The same tokens cost a third of it, and a piece of work here a fifth.
    spent = 40 * 50 * CENT
    assert told.lost.estimate == pytest.approx(spent * 2 / 3, rel=0.01)
    assert told.lost.low == told.lost.estimate
    assert told.lost.high == pytest.approx(spent * 0.8, rel=1e-6)
    assert HAIKU in told.how


def test_a_cheaper_model_that_does_worse_is_no_reason(database: Database) -> None:
    dear = [worked(number, SONNET, "productive") for number in range(40)]
    cheap = [worked(100 + number, HAIKU, "wasteful") for number in range(40)]
    assert findings(database, [*dear, *cheap], "dear_model") == []


def test_a_cheaper_model_that_takes_more_tokens_has_zero_as_its_lower_bound() -> None:
    key = ("claude-code", SONNET, "bug")
    cheaper = Cheaper(tool="claude-code", model=HAIKU, probability=0.9, by_piece=-0.4)
    known = Usual(cheaper={key: cheaper}, compared=frozenset({key}))
    told = answer("dear_model", worked(1, SONNET, "productive"), known)
    assert isinstance(told, Money)
    assert told.low == 0
    assert told.estimate == told.high > 0
    assert answer("dear_model", session(1, work_type="bug")) is Untold.NO_COMPARISON
    assert answer("dear_model", session(1)) is Untold.QUANTITY_UNTOLD


@pytest.mark.parametrize(
    ("scenario", "name"),
    [
        ("05-failed-tool-loop-http-json-cumulative", "repeated_failures"),
        ("24-commit-variants-tool-details", "caching_off"),
    ],
)
def test_real_sessions(embedded: Database, scenario: str, name: str) -> None:
    """Captures of Claude Code: one loops on a call, one sends its context without a cache."""
    fill(embedded, bodies(CAPTURES / "claude-code" / scenario))
    tally = measure(embedded, NOW + 2 * WEEK)
    [told] = [each for each in tally.found() if each.group.detector in (name, "caching_off")]
    assert told.group.detector == name
    assert 0 <= told.lost.low <= told.lost.estimate <= told.lost.high
    assert told.lost.estimate > 0


AMOUNTS = st.integers(0, 10**12)
MONEY = st.lists(AMOUNTS, min_size=3, max_size=3).map(
    lambda told: Money(**dict(zip(("low", "estimate", "high"), sorted(told), strict=True)))
)
COUNTS = st.one_of(st.none(), st.integers(0, 2_000_000))
ROWS = st.builds(
    tokens,
    model=st.sampled_from([SONNET, HAIKU, "gpt-5", "unheard-of", None]),
    purpose=st.sampled_from(["main", "subagent", "auxiliary", None]),
    requests=st.one_of(st.none(), st.integers(0, 300)),
    input=COUNTS,
    cache_read=COUNTS,
    cache_write=COUNTS,
    output=COUNTS,
    cost_nanousd=COUNTS,
)
SIZES = st.builds(
    prompts,
    first=st.integers(0, 300_000),
    last=st.integers(0, 300_000),
    largest=st.integers(0, 300_000),
    requests=st.integers(0, 300),
    over_100k=st.integers(0, 50),
    over_200k=st.integers(0, 50),
)
SESSIONS = st.builds(
    session,
    st.integers(0, 10**6),
    tokens=st.lists(ROWS, max_size=4).map(tuple),
    prompts=st.one_of(st.none(), SIZES),
    tool_calls=st.one_of(st.none(), st.integers(0, 50)),
    repeats=st.integers(0, 50),
    again=st.integers(0, 80),
    compactions=st.integers(0, 3),
    label=st.sampled_from([None, "productive", "wasteful", "pending", "unknown"]),
    rule=st.sampled_from([None, "nothing_came_of_it", "reverted"]),
    final=st.booleans(),
    work_type=st.sampled_from([None, "bug"]),
    repo=st.sampled_from([None, "acme/a", "acme/b"]),
    team=st.sampled_from([None, "payments"]),
)


@given(st.lists(SESSIONS, max_size=12, unique_by=lambda each: each.pk))
def test_a_total_counts_no_cost_twice(sessions: list[Watched]) -> None:
    tally = Tally(BARS, NOW)
    key = ("claude-code", SONNET, "bug")
    cheaper = Cheaper(tool="claude-code", model=HAIKU, probability=0.9, by_piece=0.2)
    seen = usual([observe(sessions, BARS)], BARS)
    known = Usual(caching=seen.caching, cheaper={key: cheaper}, compared=frozenset({key}))
    week = UNTIL.date() - 8 * WEEK
    tally.add(week, sessions, known)
    told = tally.measured(NOW, week, UNTIL.date())
    found = tally.found()
    assert told.lost.low <= told.lost.estimate <= told.lost.high <= told.spent_nanousd
    assert told.lost.high <= sum(each.lost.high for each in found)
    for each in found:
        assert 0 <= each.lost.low <= each.lost.estimate <= each.lost.high <= each.spent_nanousd
        # No way of leaking is left out of the whole.
        assert each.lost.low <= told.lost.low
        assert each.lost.estimate <= told.lost.estimate
        assert each.lost.high <= told.lost.high
    judged = [
        coverage.judged + sum(coverage.untold.values()) for coverage in told.coverage.values()
    ]
    assert judged == [len(sessions)] * len(DETECTORS)


@given(st.lists(MONEY, min_size=1, max_size=5), st.integers(0, 10**12))
def test_together_is_between_the_largest_and_the_sum(lost: list[Money], more: int) -> None:
    cost = max(each.high for each in lost) + more
    whole = together(lost, cost)
    assert whole.low <= whole.estimate <= whole.high <= cost
    assert all(each.low <= whole.low and each.high <= whole.high for each in lost)
    assert whole.high <= sum(each.high for each in lost)


def test_ids_tell_groups_apart_and_never_change() -> None:
    group = Group(detector="no_commit", tool="codex", team="payments")
    assert group.id == "a58fbb05b0255f00"
    others = [
        Group(detector="no_commit", tool="codex"),
        Group(detector="no_commit", tool="codex", team=""),
        Group(detector="no_commit", tool="codex", repo="payments"),
        Group(detector="context_growth", tool="codex", team="payments"),
    ]
    assert len({group.id, *(each.id for each in others)}) == 5


def test_every_detector_is_documented_as_it_is() -> None:
    written = (ROOT / "docs" / "leaks.md").read_text()
    assert written == page()
    assert [f"### {each.name}\n" in written for each in DETECTORS] == [True] * len(DETECTORS)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda each: each.name)
def test_what_a_group_is_told_says_something_of_it(detector: Detector) -> None:
    told = detector.told(Group(detector=detector.name, tool="codex"), Usual())
    assert told.endswith(".")
