from dataclasses import replace
from datetime import timedelta
from math import exp, log1p

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.score import Likeness, probability

ALIKE = Likeness(
    cover=1.0,
    fresh=1.0,
    used_up=0.0,
    latest=1.0,
    of_session=0.5,
    gap=timedelta(),
    same_branch=None,
    rival=0.0,
)
SHARES = st.integers(0, 100).map(lambda n: n / 100)
LIKENESSES = st.builds(
    Likeness,
    cover=SHARES,
    fresh=SHARES,
    used_up=SHARES,
    latest=SHARES,
    of_session=SHARES,
    gap=st.integers(0, 168 * 60).map(lambda minutes: timedelta(minutes=minutes)),
    same_branch=st.none() | st.booleans(),
    rival=SHARES,
    agent_marker=st.booleans(),
    same_ticket=st.booleans(),
)


def test_it_can_be_worked_out_with_a_pencil() -> None:
    weight = -2.46 + 1.29 + 2.64 + 2.54 + 1.79 * 0.5 - 1.19 * log1p(0.5) + 0.99
    told = replace(ALIKE, gap=timedelta(minutes=30), same_branch=True)
    assert probability(told) == pytest.approx(1 / (1 + exp(-weight)), abs=1e-12)


def test_a_session_that_edited_everything_last_is_near_proof() -> None:
    assert probability(ALIKE) > 0.98


def test_a_session_that_edited_nothing_of_it_is_next_to_nothing() -> None:
    nothing = Likeness(
        cover=0, fresh=0, used_up=0, latest=0, of_session=0, gap=timedelta(), same_branch=None,
        rival=0,
    )  # fmt: skip
    assert probability(nothing) < 0.1


@given(LIKENESSES, SHARES)
def test_what_speaks_for_a_session_never_speaks_against_it(one: Likeness, share: float) -> None:
    for name in ("cover", "latest", "of_session"):
        more = replace(one, **{name: max(share, getattr(one, name))})
        assert probability(more) >= probability(one)


@given(LIKENESSES, SHARES, st.integers(0, 168))
def test_what_speaks_against_a_session_never_speaks_for_it(
    one: Likeness, share: float, hours: int
) -> None:
    assert probability(replace(one, rival=max(share, one.rival))) <= probability(one)
    assert probability(replace(one, used_up=max(share, one.used_up))) <= probability(one)
    later = replace(one, gap=max(one.gap, timedelta(hours=hours)))
    assert probability(later) <= probability(one)
    assert probability(replace(one, same_branch=False)) <= probability(
        replace(one, same_branch=None)
    )
