"""The rule by which usage is told as reported or at list price, for any usage."""

from functools import reduce
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from domain.spent import by_report, spent
from domain.usage import add


class Part(NamedTuple):
    """One row of usage."""

    tokens: int
    reported: int | None
    listed: int | None


_COST = st.none() | st.integers(0, 1000)
_PARTS = st.lists(st.builds(Part, st.integers(0, 9), _COST, _COST), max_size=5)


def sums(parts: list[Part]) -> tuple[int | None, int | None, int]:
    return (
        reduce(add, (part.reported for part in parts), None),
        reduce(add, (part.listed for part in parts), None),
        sum(part.tokens for part in parts if part.reported is None),
    )


@given(_PARTS)
def test_the_reported_cost_stands_where_it_is_told_for_all_tokens(parts: list[Part]) -> None:
    told = [part for part in parts if part.reported is not None or not part.tokens]
    reported, listed, unreported = sums(told)
    expected = listed if reported is None else reported
    assert (unreported, spent(reported, listed, unreported)) == (0, expected)


@given(_PARTS)
def test_a_cost_that_leaves_out_tokens_hides_no_greater_one(parts: list[Part]) -> None:
    known = sums([*parts, Part(1, None, None)])
    least = max((cost for cost in known[:2] if cost is not None), default=None)
    assert spent(*known) == least


@given(_PARTS)
def test_parts_told_by_the_same_cost_add_up_to_the_whole(parts: list[Part]) -> None:
    known = sums(parts)
    reports = by_report(*known)
    told = [part.reported if reports else part.listed for part in parts]
    assert reduce(add, told, None) == spent(*known)
