"""What a surviving change costs: over the same work, with the spend that failed, and how surely."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.cohort import pieces, weights
from classifier.cost_per_change import company, costs
from classifier.posterior import UNTOLD, Piece, Stratum
from domain.labels import JudgedChange, JudgedSession, Label
from simulation.company import USUAL_TOOLS
from tests.classifier.judging import company as simulated
from tests.classifier.judging import judged, session

BUG, FEATURE = Stratum("bug", "small"), Stratum("feature", "large")


def work(
    tool: str, number: int, stratum: Stratum, spend: int, survived: float | None = 1.0
) -> list[Piece]:
    return [
        Piece(tool=tool, stratum=stratum, spend=spend, productive=0, survived=survived)
        for _ in range(number)
    ]


def test_failed_work_is_part_of_the_price() -> None:
    mine = [*work("one", 60, BUG, 100), *work("one", 40, BUG, 100, 0.0)]
    found = costs("one", mine, company([mine]), 0.9)
    assert found is not None
    over = found.over()
    assert over is not None
    assert found.own.spend / found.own.survived == pytest.approx(10_000 / 60)
    assert over.nanousd == pytest.approx(10_000 / 60)
    assert over.interval[0] < over.nanousd < over.interval[1]


def test_what_left_nothing_to_tell_is_put_on_the_known_work() -> None:
    mine = [*work("one", 60, BUG, 100), *work("one", 20, UNTOLD, 150, 0.0)]
    found = costs("one", mine, company([mine]), 0.9)
    assert found is not None
    over = found.over()
    assert over is not None
    assert over.nanousd == pytest.approx(9_000 / 60)


def test_the_mix_is_the_companys() -> None:
    """Simpson's paradox: cheaper at both kinds of work, dearer in all, having the dear one."""
    one = [*work("one", 20, BUG, 90), *work("one", 200, FEATURE, 900)]
    other = [*work("other", 200, BUG, 100), *work("other", 20, FEATURE, 1_000)]
    whole = company([one, other])
    cheap, dear = (costs(p[0].tool, p, whole, 0.9) for p in (one, other))
    assert cheap is not None
    assert dear is not None
    assert cheap.own.spend / cheap.own.survived > dear.own.spend / dear.own.survived
    for strata in (None, [BUG], [FEATURE]):
        mine, theirs = cheap.over(strata), dear.over(strata)
        assert mine is not None
        assert theirs is not None
        assert mine.nanousd < theirs.nanousd
    assert cheap.over([Stratum("docs", None)]) is None


@pytest.mark.parametrize(
    "mine",
    [
        [],
        work("one", 50, BUG, 100, 0.0),
        work("one", 50, BUG, 0),
        work("one", 50, BUG, 100, None),
        [*work("one", 80, BUG, 100), *work("one", 20, BUG, 100, None)],
    ],
)
def test_where_nothing_survived_or_it_is_not_told_there_is_no_cost(mine: list[Piece]) -> None:
    assert costs("one", mine, company([mine, work("other", 50, BUG, 100)]), 0.9) is None


def on(tool: str, cost: int, *numbers: int, survives: bool | None = True) -> JudgedSession:
    changes = tuple(
        JudgedChange(repo="acme/shop", number=n, title="", work_type="bug", survives=survives)
        for n in numbers
    )
    one = session(0, tool, Label.PRODUCTIVE)
    return JudgedSession(
        **{name: getattr(one, name) for name in JudgedSession.__slots__}
        | {"changes": changes, "cost_nanousd": cost}
    )


def test_a_change_that_two_tools_worked_on_counts_once_in_all() -> None:
    mine, theirs = [on("one", 300, 1), on("one", 100, 2)], [on("other", 100, 1)]
    whole = weights([*mine, *theirs])
    told = [p.survived for p in (*pieces(mine, whole), *pieces(theirs, whole))]
    assert told == [0.75, 1.0, 0.25]
    # By itself all of it is the tool's; and what is not told of one change is not told of a piece.
    assert [p.survived for p in pieces(mine)] == [1.0, 1.0]
    assert [p.survived for p in pieces([on("one", 1, 1, survives=None)])] == [None]


def test_chopping_sessions_changes_nothing() -> None:
    whole = [on("one", 400, n) for n in range(30)]
    chopped = [on("one", 100, n) for n in range(30) for _ in range(4)]
    assert sorted(map(repr, pieces(whole))) == sorted(map(repr, pieces(chopped)))


PIECES = st.lists(
    st.builds(
        Piece,
        tool=st.just("one"),
        stratum=st.sampled_from([BUG, FEATURE, UNTOLD]),
        spend=st.integers(0, 1_000),
        productive=st.just(0),
        survived=st.sampled_from([0.0, 0.5, 1.0]),
    ),
    max_size=30,
)


@given(PIECES, PIECES, st.integers(2, 1_000), st.randoms(use_true_random=False))
def test_order_does_not_matter_and_the_currency_neither(
    mine: list[Piece], theirs: list[Piece], factor: int, random: Random
) -> None:
    found = costs("one", mine, company([mine, theirs]), 0.0)
    shuffled = random.sample(mine, len(mine))
    again = costs("one", shuffled, company([shuffled, theirs]), 0.0)
    dearer = [[_dearer(piece, factor) for piece in of] for of in (mine, theirs)]
    scaled = costs("one", dearer[0], company(dearer), 0.0)
    one, two, three = (of.over() if of else None for of in (found, again, scaled))
    assert (one is None) == (two is None) == (three is None)
    if one is not None and two is not None and three is not None:
        assert two.nanousd == pytest.approx(one.nanousd)
        assert three.nanousd == pytest.approx(one.nanousd * factor)
        # Drawings in which nothing survived at all have no ratio.
        assert two.draws == pytest.approx(one.draws)


def _dearer(piece: Piece, factor: int) -> Piece:
    return Piece(
        tool=piece.tool,
        stratum=piece.stratum,
        spend=piece.spend * factor,
        productive=0,
        survived=piece.survived,
    )


def test_very_much_work_is_drawn_in_bundles_with_the_same_spread() -> None:
    drawing = Random(3)
    mine = [
        Piece(
            tool="one",
            stratum=BUG,
            spend=drawing.randint(1, 1_000),
            productive=0,
            survived=float(drawing.random() < 0.5),
        )
        for _ in range(8_000)
    ]
    few = mine[:1_000]
    wide, narrow = (costs("one", of, company([of]), 0.9) for of in (few, mine))
    assert wide is not None
    assert narrow is not None
    spreads = []
    for each in (wide, narrow):
        over = each.over()
        assert over is not None
        spreads.append((over.interval[1] - over.interval[0]) / over.nanousd)
    # Eight times the work: the interval is the root of eight times narrower.
    assert spreads[0] / spreads[1] == pytest.approx(8**0.5, rel=0.25)


def test_on_a_simulated_company_thrift_and_quality_show() -> None:
    """The tools' thirst and quality are known; the order of their costs follows from both."""
    sessions = judged(simulated(0))
    by_tool = {tool.name: [s for s in sessions if s.tool == tool.name] for tool in USUAL_TOOLS}
    work_of = {name: pieces(of) for name, of in by_tool.items()}
    whole = company(work_of.values())
    found = {}
    for name, of in work_of.items():
        told = costs(name, of, whole, 0.9)
        over = told.over() if told else None
        assert over is not None
        found[name] = over.nanousd
    assert sorted(found, key=found.__getitem__) == [
        "copilot",
        "codex",
        "claude-code",
        "gemini-cli",
        "qwen-code",
    ]
