"""When signals agree, what they tell beyond each other, and when a session is complete."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.completeness import Completeness, Told, owed, sources_agree, together, tokens_missing
from domain.usage import Tokens

COUNTS = st.none() | st.integers(0, 5)
TOLD = st.builds(
    Completeness,
    requests_started=COUNTS,
    requests_unanswered=COUNTS,
    requests_unmeasured=COUNTS,
    sources_agree=st.none() | st.booleans(),
    tokens_missing=COUNTS,
    processes_started=COUNTS,
    processes_unended=COUNTS,
)


@pytest.mark.parametrize(
    ("booked", "other", "wanted"),
    [
        (Tokens(input=1), Tokens(output=1), None),
        (Tokens(input=1, output=2), Tokens(input=1), True),
        (Tokens(input=1, output=2), Tokens(input=1, output=3), False),
        (Tokens(input=0, cache_read=0), Tokens(input=0), True),
        # A counter that leaves the cached part inside the input.
        (Tokens(input=40, cache_read=60), Tokens(input=100), True),
        (Tokens(input=40, cache_read=60), Tokens(input=40), True),
        (Tokens(input=40, cache_read=60), Tokens(input=90), False),
        (Tokens(input=40, cache_read=60, cache_write=0), Tokens(input=60, cache_read=40), True),
        (
            Tokens(input=40, cache_read=60, cache_write=0),
            Tokens(input=60, cache_read=40, cache_write=0),
            False,
        ),
        # A span that leaves thoughts out of the output.
        (Tokens(output=30, reasoning=10), Tokens(output=20), True),
        (Tokens(output=20), Tokens(output=30, reasoning=10), True),
        (Tokens(output=30, reasoning=10), Tokens(output=20, reasoning=0), False),
        (Tokens(output=30, reasoning=10), Tokens(output=25), False),
    ],
)
def test_signals_agree_over_what_both_tell(
    booked: Tokens, other: Tokens, wanted: bool | None
) -> None:
    assert sources_agree(Told(booked), [Told(other)]) is wanted
    assert sources_agree(Told(other), [Told(booked)]) is wanted
    assert sources_agree(Told(booked), [Told(other), Told(Tokens())]) is wanted


def test_one_signal_that_differs_is_enough() -> None:
    booked = Told(Tokens(input=1))
    assert sources_agree(booked, []) is None
    assert sources_agree(booked, [booked, Told(Tokens(input=2))]) is False


@pytest.mark.parametrize(
    ("booked", "other", "wanted"),
    [
        (4, 4, True),
        (4, 3, False),
        (4, None, False),
        (None, None, False),
    ],
)
def test_as_many_requests_with_fewer_tokens_are_all_of_them(
    booked: int | None, other: int | None, wanted: bool
) -> None:
    more = Told(Tokens(input=3298, cache_read=1842, output=360, reasoning=170), booked)
    fewer = Told(Tokens(input=5110, output=190), other)
    assert sources_agree(more, [fewer]) is wanted
    assert sources_agree(fewer, [more]) is False


@pytest.mark.parametrize(
    ("booked", "others", "wanted"),
    [
        (Tokens(input=5), [], None),
        (Tokens(input=5), [Tokens()], None),
        (Tokens(input=5, output=1), [Tokens(input=4, output=1)], 0),
        (Tokens(input=5, output=1), [Tokens(input=9, output=3), Tokens(input=6)], 6),
        (Tokens(), [Tokens(input=9, output=3)], 12),
        (Tokens(input=40, cache_read=60), [Tokens(input=100)], 0),
        # What one bucket tells more does not make up for another.
        (Tokens(input=5, output=0), [Tokens(input=0, output=5)], 5),
    ],
)
def test_what_another_signal_tells_beyond(
    booked: Tokens, others: list[Tokens], wanted: int | None
) -> None:
    assert tokens_missing(Told(booked), [Told(each) for each in others]) == wanted


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (Completeness(), None),
        (Completeness(sources_agree=True), True),
        (Completeness(sources_agree=False, tokens_missing=0), None),
        (Completeness(sources_agree=False, tokens_missing=3), False),
        (Completeness(requests_unanswered=0), True),
        (Completeness(requests_unanswered=1, sources_agree=True), False),
        (Completeness(requests_unmeasured=0), None),
        (Completeness(requests_unmeasured=1, sources_agree=True), False),
        (Completeness(processes_unended=1), False),
        (Completeness(processes_unended=0), True),
    ],
)
def test_complete_is_what_something_confirms(told: Completeness, wanted: bool | None) -> None:
    assert told.complete is wanted


def test_what_is_owed() -> None:
    assert [owed(3, 1), owed(1, 3), owed(None, 1), owed(3, None)] == [2, 0, None, None]


@given(st.permutations([1, 2, 3]).map(tuple), st.lists(TOLD, min_size=3, max_size=3))
def test_sessions_that_count_as_one_do_so_in_any_order(
    order: tuple[int, ...], told: list[Completeness]
) -> None:
    total = together(told)
    assert together(told[each - 1] for each in order) == total
    assert total.complete is not True or all(each.complete is not False for each in told)
    assert together(told[:1]) == told[0]
