from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.default_branches import UNTOLD, DefaultBranches, ToldDefault, default_branches

DAY_0 = datetime(2026, 3, 2, tzinfo=UTC)
NAMES = ("main", "master", "develop")
Telling = tuple[str, int]


def day(number: float) -> datetime:
    return DAY_0 + timedelta(days=number)


def known(tellings: list[Telling]) -> DefaultBranches:
    """What follows from these branches, each told on a day."""
    days: dict[str, list[int]] = {}
    for branch, on in tellings:
        days.setdefault(branch, []).append(on)
    return default_branches(
        ToldDefault(branch, day(min(of)), day(max(of))) for branch, of in days.items()
    )


def test_where_nobody_told_main_and_master_are_taken() -> None:
    assert known([]) == UNTOLD
    assert UNTOLD.has("main", day(-9_000))
    assert UNTOLD.has("master", day(0))
    assert not UNTOLD.has("develop", day(0))
    assert UNTOLD.reached("develop", day(0)) is None


def test_what_was_told_is_no_longer_guessed() -> None:
    assert not known([("develop", 1)]).has("main", day(2))


def test_a_renamed_branch_keeps_its_past() -> None:
    renamed = known([("master", 1), ("master", 9), ("main", 50)])
    assert renamed.has("master", day(-100))
    assert renamed.has("master", day(60))
    assert not renamed.has("main", day(9))
    # Nobody tells when it was renamed: what is merged before any other news counts.
    assert renamed.has("main", day(10))


def test_what_a_branch_held_lands_when_it_becomes_the_default_one() -> None:
    adopted = known([("main", 1), ("main", 20), ("develop", 21)])
    assert adopted.reached("develop", day(5)) == day(20) + timedelta(microseconds=1)
    assert adopted.reached("develop", day(22)) == day(22)
    assert adopted.reached("main", day(22)) == day(22)


def test_a_name_that_comes_back_leaves_the_one_between() -> None:
    tried = known([("main", 1), ("develop", 5), ("main", 9)])
    assert not tried.has("develop", day(4))
    assert tried.has("develop", day(5))


TELLINGS = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 30)), min_size=1, max_size=12)


@given(TELLINGS, st.data())
def test_what_is_told_later_changes_no_moment_at_which_anything_was_told(
    tellings: list[Telling], data: st.DataObject
) -> None:
    _, on = data.draw(st.sampled_from(tellings))
    then, now = known([each for each in tellings if each[1] <= on]), known(tellings)
    for name in NAMES:
        assert then.has(name, day(on)) == now.has(name, day(on))


@given(TELLINGS)
def test_whatever_was_told_held_then_and_ever_after(tellings: list[Telling]) -> None:
    defaults = known(tellings)
    for branch, on in tellings:
        assert defaults.has(branch, day(on))
        assert defaults.has(branch, day(100))
        assert defaults.reached(branch, day(on)) == day(on)
