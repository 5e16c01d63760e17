from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.posterior import (
    UNTOLD,
    Cell,
    Piece,
    Stratum,
    cells,
    chance,
    interval,
    mean,
    posterior,
)

BUG, FEATURE = Stratum("bug", "small"), Stratum("feature", "large")


def worked(tool: str, stratum: Stratum, good: int, bad: int, spend: int = 100) -> list[Piece]:
    return [
        Piece(tool=tool, stratum=stratum, spend=spend, productive=spend if n < good else 0)
        for n in range(good + bad)
    ]


def test_what_is_seen_is_shares_and_equal_pieces() -> None:
    uneven = [
        Piece(tool="a", stratum=BUG, spend=900, productive=900),
        Piece(tool="a", stratum=BUG, spend=100, productive=0),
        Piece(tool="a", stratum=FEATURE, spend=0, productive=0),
    ]
    assert cells(uneven) == {BUG: Cell(1000, 900, 900**2 + 100**2)}
    assert cells(uneven)[BUG].share == 0.9
    assert cells(uneven)[BUG].pieces == pytest.approx(1.22, abs=0.01)


def test_work_of_an_unknown_type_is_spread_as_the_known_is() -> None:
    known = worked("a", BUG, 3, 0) + worked("a", FEATURE, 1, 0)
    lost = worked("a", UNTOLD, 0, 4)
    assert cells(known + lost) == {
        BUG: Cell(600, 300, 60_000),
        FEATURE: Cell(200, 100, 20_000),
    }
    # Where nothing is known of any, there is nothing to go by.
    assert cells(lost) == {UNTOLD: Cell(400, 0, 40_000)}


def test_two_tools_are_compared_over_the_same_work() -> None:
    """The better tool at both kinds of work looks worse, since it is given the hard one."""
    pieces = [
        *worked("better", BUG, 19, 1),
        *worked("better", FEATURE, 120, 80),
        *worked("worse", BUG, 160, 40),
        *worked("worse", FEATURE, 8, 12),
    ]

    def raw(tool: str) -> float:
        own = [piece for piece in pieces if piece.tool == tool]
        return sum(piece.productive for piece in own) / sum(piece.spend for piece in own)

    assert raw("better") < raw("worse")
    better, worse = posterior("better", pieces), posterior("worse", pieces)
    assert mean(better.overall) > mean(worse.overall) + 0.05
    assert better.baseline == worse.baseline


def test_more_work_makes_surer() -> None:
    def width(times: int) -> float:
        pieces = worked("a", BUG, 6 * times, 4 * times) + worked("b", BUG, 50, 50)
        low, high = interval(posterior("a", pieces).overall)
        return high - low

    assert width(1) > width(4) > width(16)


def test_one_expensive_piece_is_little_evidence() -> None:
    others = worked("b", BUG, 50, 50)
    even = posterior("a", worked("a", BUG, 30, 0) + others)
    lucky = [Piece(tool="a", stratum=BUG, spend=10**6, productive=10**6)]
    uneven = posterior("a", lucky + worked("a", BUG, 15, 14) + others)
    assert chance(even.overall, 0.75) > 0.95
    assert chance(uneven.overall, 0.75) < 0.5


def test_a_tool_never_used_for_some_work_is_unsure_there() -> None:
    pieces = worked("a", BUG, 90, 10) + worked("b", FEATURE, 50, 50) + worked("b", BUG, 50, 50)
    found = posterior("a", pieces)
    assert found.pieces == {"bug": 100.0, "feature": 0.0}
    sure, unsure = interval(found.by_type["bug"]), interval(found.by_type["feature"])
    assert unsure[1] - unsure[0] > 2 * (sure[1] - sure[0])


def test_the_same_facts_give_the_same_numbers() -> None:
    pieces = worked("a", BUG, 9, 3) + worked("a", FEATURE, 4, 4) + worked("b", BUG, 5, 5)
    shuffled = Random(1).sample(pieces, len(pieces))
    assert posterior("a", shuffled) == posterior("a", pieces)


def test_where_nothing_was_spent_there_is_no_answer() -> None:
    with pytest.raises(ValueError, match="nothing was spent"):
        posterior("a", worked("a", BUG, 3, 3, spend=0))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(1, 30))
def test_shares_are_shares_and_the_interval_holds_the_mean(
    good: int, bad: int, others_good: int, others_bad: int
) -> None:
    pieces = worked("a", BUG, good, bad) + worked("b", BUG, others_good, others_bad)
    found = posterior("a", pieces)
    assert all(0 <= draw <= 1 for draw in found.overall)
    low, high = interval(found.overall)
    assert low <= mean(found.overall) <= high
    assert 0 < found.baseline < 1


@given(st.integers(0, 20), st.integers(0, 20))
def test_more_productive_work_never_looks_worse(good: int, bad: int) -> None:
    others = worked("b", BUG, 20, 20)
    before = mean(posterior("a", worked("a", BUG, good, bad) + others).overall)
    after = mean(posterior("a", worked("a", BUG, good + 5, bad) + others).overall)
    # Draws are the same but for the shape of each: a hundredth covers what chance is left.
    assert after >= before - 0.01
