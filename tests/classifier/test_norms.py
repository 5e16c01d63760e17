"""What is usual among changes: the line of their cost, and whom one is compared with."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.norms import Peers, line, quantile
from classifier.thresholds import Thresholds
from domain.landed import LandedChange
from domain.norms import Norms, Scope
from domain.outcomes import SizeBucket, WorkType
from domain.weeks import monday
from store import landed
from store.engine import Database

DEFAULTS = Thresholds()
WEEK = 2_950
NOW = monday(WEEK)
LINES = st.integers(1, 1_000_000).map(math.log)
POINTS = st.lists(st.tuples(LINES, st.floats(10, 30)), min_size=1, max_size=40)


@given(POINTS, st.floats(-5, 5))
def test_dearer_by_a_factor_is_the_same_line_higher_up(
    points: list[tuple[float, float]], more: float
) -> None:
    one, other = line(points), line([(x, y + more) for x, y in points])
    assert one.slope == pytest.approx(other.slope, abs=1e-6)
    assert one.over == pytest.approx(other.over, abs=1e-4)
    x, y = points[0]
    assert one.excess(x, y) == pytest.approx(other.excess(x, y + more), abs=1e-4)


@given(POINTS)
def test_the_order_of_peers_does_not_matter(points: list[tuple[float, float]]) -> None:
    assert line(points[::-1]).over == pytest.approx(line(points).over, abs=1e-9)


@given(POINTS)
def test_more_lines_never_cost_less_and_half_cost_no_more_than_expected(
    points: list[tuple[float, float]],
) -> None:
    found = line(points)
    assert found.slope >= 0
    assert list(found.over) == sorted(found.over)
    assert found.percentile(1e-9) >= 0.5
    assert found.percentile(found.over[-1]) == 1
    assert found.percentile(found.over[0] - 1) == 0


def test_peers_of_one_size_say_nothing_of_others() -> None:
    costs = (10.0, 10.0, 23.0)
    slopes = {line([(math.log(lines), y) for y in costs]).slope for lines in range(1, 1_000)}
    assert slopes == {0.0}


def test_a_power_of_size_is_found_whatever_one_outlier_says() -> None:
    peers = [(math.log(n), 20 + 0.8 * math.log(n)) for n in range(10, 400, 7)]
    found = line([*peers, (math.log(100), 30)])
    assert found.slope == pytest.approx(0.8, abs=0.1)
    assert found.excess(math.log(100), 20 + 0.8 * math.log(100)) == pytest.approx(0, abs=0.15)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1), (0.2, 1), (0.21, 2), (0.95, 5), (1.0, 5)]
)
def test_quantiles_are_values_that_are_there(share: float, expected: int) -> None:
    assert quantile([1, 2, 3, 4, 5], share) == expected


def change(number: int, **told: object) -> LandedChange:
    """A change of 100 lines for a dollar that landed a day before the week; or as ``told``."""
    plain = LandedChange(
        repo="acme/shop",
        number=number,
        landed_at=NOW - timedelta(days=1),
        first_reverted_at=None,
        lines=100,
        size=SizeBucket.UNDER_200,
        rounds=1,
        work_type=WorkType.BUG,
        by_bot=False,
        tied=True,
        cost_nanousd=1_000_000_000,
        tool="codex",
    )
    return replace(plain, **told)  # type: ignore[arg-type]


ASKED = change(1, landed_at=NOW, cost_nanousd=4_000_000_000, lines=100, tied=False)


def compared(database: Database, *changes: LandedChange, asked: LandedChange = ASKED) -> Norms:
    with database.writing() as connection:
        landed.keep_landed(connection, changes)
    with database.reading() as connection:
        return Peers(connection, DEFAULTS).norms(asked)


def several(first: int, count: int, **told: object) -> list[LandedChange]:
    return [change(number, **told) for number in range(first, first + count)]


def test_a_change_is_compared_with_the_nearest_of_whom_there_are_enough(
    database: Database,
) -> None:
    other_type, other_repo = {"work_type": WorkType.DOCS}, {"repo": "acme/web"}
    steps = (
        (several(100, 29), None),
        (several(200, 30, **other_type, **other_repo), Scope.COMPANY),
        (several(300, 1, **other_type), Scope.REPO),
        (several(400, 1, **other_repo), Scope.TYPE),
        (several(500, 1), Scope.REPO_AND_TYPE),
    )
    for told, scope in steps:
        cost = compared(database, *told).cost
        assert (cost.scope if cost else None) is scope
    assert cost is not None
    assert (cost.expected_nanousd, cost.percentile, cost.tool_factor) == (10**9, 1, 1)
    assert cost.peers == 30


def test_without_peers_before_it_a_change_is_compared_with_the_weeks_after_it(
    database: Database,
) -> None:
    dear = replace(ASKED, cost_nanousd=90_000_000_000)
    # Its own week is over once something has landed in the next; 30 are there, and it is one.
    assert compared(database, dear, *several(100, 29, landed_at=NOW), asked=dear).cost is None
    over = change(200, landed_at=NOW + timedelta(days=7), cost_nanousd=None, tool=None)
    found = compared(database, over, asked=dear).cost
    assert found is not None
    assert (found.scope, found.peers, found.known_at) == (
        Scope.REPO_AND_TYPE,
        30,
        NOW + timedelta(days=7),
    )
    assert found.expected_nanousd == pytest.approx(1_000_000_000)
    assert found.percentile == 1
    # What lands later changes nothing: of the weeks that hold enough these are the fewest.
    more = several(300, 99, landed_at=NOW + timedelta(days=8), cost_nanousd=5)
    assert compared(database, *more, asked=dear).cost == found


def test_what_landed_after_a_label_is_final_is_no_peer(database: Database) -> None:
    last = NOW + timedelta(days=28)
    there = [*several(100, 29, landed_at=NOW), change(200, landed_at=last + timedelta(days=7))]
    assert compared(database, *there, change(201, landed_at=last)).cost is None
    found = compared(database, change(202, landed_at=last - timedelta(microseconds=1))).cost
    assert found is not None
    assert found.known_at == last
    assert found.known_at <= NOW + timedelta(days=DEFAULTS.revert_window_days)


def test_a_moment_does_not_know_what_was_compared_since(database: Database) -> None:
    later = NOW + timedelta(days=7)
    told = compared(database, *several(100, 30, landed_at=NOW), change(200, landed_at=later))
    assert told.as_of(later) == told
    assert told.as_of(later - timedelta(microseconds=1)) == replace(told, cost=None)
    assert told.cost is not None
    before = replace(told, cost=replace(told.cost, known_at=None))
    assert before.as_of(NOW) == before


NO_PEERS: dict[str, dict[str, object]] = {
    "in its own week": {"landed_at": NOW},
    "long before": {"landed_at": NOW - timedelta(days=90, microseconds=1)},
    "reverted by then": {"first_reverted_at": NOW - timedelta(microseconds=1)},
    "of unknown size": {"lines": None},
    "with lines that nobody wrote": {"size": None, "lines": 5_000},
    "of unknown cost": {"cost_nanousd": None, "tool": None},
    "for nothing": {"cost_nanousd": 0},
}


@pytest.mark.parametrize("case", NO_PEERS)
def test_who_is_no_peer(case: str, database: Database) -> None:
    told = several(100, 29)
    assert compared(database, *told, change(200, **NO_PEERS[case])).cost is None
    assert compared(database, change(201, first_reverted_at=NOW)).cost is not None


def test_a_dear_tool_is_not_held_against_its_work(database: Database) -> None:
    dear = several(200, 30, tool="claude-code", cost_nanousd=5_000_000_000)
    told = [*several(100, 60), *dear]
    mine = replace(ASKED, tool="claude-code", cost_nanousd=5_000_000_000)
    found = compared(database, *told, asked=mine).cost
    assert found is not None
    assert found.tool_factor == pytest.approx(5)
    assert found.expected_nanousd == pytest.approx(5_000_000_000)
    # The same money with the cheap tool is five times what is usual for it.
    other = compared(database, asked=replace(mine, tool="codex")).cost
    assert other is not None
    assert other.expected_nanousd == pytest.approx(1_000_000_000)
    # Of a tool that hardly anybody has used nobody knows what is usual.
    assert compared(database, asked=replace(mine, tool="goose")).cost is None


@pytest.mark.parametrize("told", [{"cost_nanousd": None}, {"lines": None}, {"lines": 0}])
def test_what_has_no_cost_or_size_is_not_compared(
    told: dict[str, object], database: Database
) -> None:
    assert (
        compared(database, *several(100, 40), asked=change(1, landed_at=NOW, **told)).cost is None
    )


def test_usual_rounds_are_those_of_changes_of_that_size(database: Database) -> None:
    few = several(100, 29)
    assert compared(database, *few).usual_rounds is None
    larger = several(200, 40, rounds=9, size=SizeBucket.FROM_1000)
    found = compared(database, *larger, change(300, rounds=7), change(301, rounds=6))
    assert (found.usual_rounds, found.rounds_peers) == (6, 31)
    assert compared(database, asked=replace(ASKED, size=None)).usual_rounds is None


def test_people_who_name_their_tasks_make_the_share(database: Database) -> None:
    assert compared(database).tied_share is None
    found = compared(
        database,
        *several(100, 15),
        *several(200, 5, tied=False),
        *several(300, 9, by_bot=True, tied=False),
        *several(400, 9, repo="acme/web", tied=False),
    )
    assert (found.tied_share, found.tied_peers) == (0.75, 20)


def test_of_a_change_with_lines_that_nobody_wrote_too_much_is_expected_never_too_little(
    database: Database,
) -> None:
    peers = [
        change(n, lines=lines, cost_nanousd=lines * 10**7)
        for n, lines in enumerate(range(20, 420, 10), start=100)
    ]
    written = compared(database, *peers, asked=replace(ASKED, lines=100)).cost
    padded = compared(database, asked=replace(ASKED, lines=6_000, size=None)).cost
    assert written is not None
    assert padded is not None
    assert padded.expected_nanousd > written.expected_nanousd
    # As much as the company's largest change cost, and no more.
    assert padded.most_lines == 410
