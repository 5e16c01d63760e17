from hypothesis import given
from hypothesis import strategies as st

from domain.judgement import Grounds, Moved, moves

SHARES = st.none() | st.floats(0, 1)
HAVE = st.dictionaries(st.sampled_from(["people", "coverage"]), st.floats(0, 99), max_size=2)


@st.composite
def grounds(draw: st.DrawFn) -> Grounds:
    have = draw(HAVE)
    return Grounds(
        share=draw(SHARES),
        good=draw(SHARES),
        bad=draw(SHARES),
        have=have,
        need={name: draw(st.floats(0, 99)) for name in have},
        bars={"keep_from": draw(st.sampled_from([0.4, 0.5]))},
        uses=draw(st.dictionaries(st.sampled_from(["bug", "docs"]), st.sampled_from(["keep"]))),
    )


@given(grounds(), grounds())
def test_nothing_moves_between_the_same_and_back_is_the_other_way_round(
    one: Grounds, other: Grounds
) -> None:
    assert moves(one, one) == ()
    there = [(each.what, each.name, each.before, each.after) for each in moves(one, other)]
    back = [(each.what, each.name, each.after, each.before) for each in moves(other, one)]
    assert there == back


def test_noise_has_not_moved() -> None:
    assert moves(Grounds(share=0.5), Grounds(share=0.504)) == ()
    [move] = moves(Grounds(share=0.5), Grounds(share=0.51))
    assert (move.what, move.before, move.after) == (Moved.SHARE, "0.50", "0.51")


def test_a_changed_threshold_is_told_apart_from_changed_facts() -> None:
    before = Grounds(have={"people": 6.0}, need={"people": 5.0}, bars={"keep_from": 0.5})
    after = Grounds(have={"people": 6.0}, need={"people": 8.0}, bars={"keep_from": 0.6})
    assert [(each.what, each.name, each.before, each.after) for each in moves(before, after)] == [
        (Moved.THRESHOLD, "keep_from", "0.5", "0.6"),
        (Moved.THRESHOLD, "people", "5", "8"),
        (Moved.REQUIREMENT, "people", "met", "unmet"),
    ]
