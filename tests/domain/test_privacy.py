"""The privacy floor: no sum or difference of answers is about fewer than k people.

Groups and tables of all shapes; ``tests/classifier/test_parting.py`` asks for all that can be.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, combinations, product
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.privacy import Pair, People, cross, merged, part, together

Weeks: TypeAlias = dict[int, dict[str, People]]

PEOPLE = st.sets(st.integers(1, 9), max_size=6).map(lambda told: who(*told))
BLOCKS = st.dictionaries(
    st.integers(0, 3), st.dictionaries(st.sampled_from("abcd"), PEOPLE, min_size=1), min_size=1
)
FLOORS = st.integers(1, 4)
TABLES = st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), PEOPLE)


def who(*numbers: int) -> People:
    return sum(1 << number for number in set(numbers))


def size(*sets: People) -> int:
    return together(sets).bit_count()


def over(weeks: Weeks) -> dict[str, People]:
    return merged(weeks.values())


def subsets(values: Iterable[str]) -> Iterator[tuple[str, ...]]:
    told = sorted(values)
    return chain.from_iterable(combinations(told, size) for size in range(len(told) + 1))


@given(BLOCKS, FLOORS)
def test_each_piece_that_is_told_is_of_people_enough(weeks: Weeks, floor: int) -> None:
    parted = part(weeks, floor)
    if parted is None:
        assert size(*over(weeks).values()) < floor
        return
    for held in weeks.values() if parted.weekly else [over(weeks)]:
        pool = [held[group] for group in held if group not in parted.shown]
        assert all(size(held[group]) >= floor for group in held if group in parted.shown)
        assert not pool or size(*pool) >= floor


@given(BLOCKS, FLOORS)
def test_the_smaller_group_is_never_shown_in_the_place_of_a_larger(
    weeks: Weeks, floor: int
) -> None:
    parted = part(weeks, floor)
    if parted is not None and not parted.weekly:
        sizes = {group: size(told) for group, told in over(weeks).items()}
        hidden = [sizes[group] for group in sizes if group not in parted.shown]
        joined = [many for many in hidden if many >= floor]
        assert all(many <= min((sizes[g] for g in parted.shown), default=many) for many in joined)


def test_one_who_would_be_alone_takes_the_smallest_group_along() -> None:
    weeks = {0: {"a": who(1, 2, 3, 4), "b": who(5, 6, 7), "c": who(8)}}
    parted = part(weeks, 3)
    assert parted is not None
    assert parted.shown == {"a"}


def test_a_group_of_nobody_told_is_not_shown() -> None:
    weeks = {0: {"a": who(1, 2), "b": who()}}
    parted = part(weeks, 2)
    assert parted is not None
    assert parted.shown == frozenset()
    assert part({0: {"a": who(1)}}, 2) is None


@given(BLOCKS, st.integers(2, 4))
def test_a_block_is_told_by_week_only_where_every_week_has_people_enough(
    weeks: Weeks, floor: int
) -> None:
    parted = part(weeks, floor)
    if parted is not None and parted.weekly:
        assert all(size(*held.values()) >= floor for held in weeks.values())


def pooled(
    table: dict[Pair, People], ones: frozenset[str], others: frozenset[str]
) -> dict[Pair, People]:
    """By row and column, where those that are not shown alone are one."""
    found: dict[Pair, People] = {}
    for (one, other), told in table.items():
        pair = (one if one in ones else "rest", other if other in others else "rest")
        found[pair] = found.get(pair, 0) | told
    return found


def alone(groups: Mapping[str, People], floor: int) -> frozenset[str]:
    parted = part({0: dict(groups)}, floor)
    return parted.shown if parted else frozenset()


@settings(max_examples=300)
@given(TABLES, st.integers(2, 4))
def test_whatever_is_subtracted_from_a_table_nobody_stands_alone(
    table: dict[Pair, People], floor: int
) -> None:
    rows = merged({one: told} for (one, _), told in table.items())
    columns = merged({other: told} for (_, other), told in table.items())
    if size(*rows.values()) < floor:
        return
    ones, others = alone(rows, floor), alone(columns, floor)
    shown = cross(table, ones, others, floor)
    cells = pooled(table, ones, others)
    assert all(size(cells[pair]) >= floor for pair in shown)
    withheld = {pair: told for pair, told in cells.items() if pair not in shown}
    # What follows from sums of rows and columns without what is shown: the withheld of some rows
    # less the withheld of some columns, where nothing is subtracted that was not added before.
    all_rows, all_columns = {r for r, _ in cells}, {c for _, c in cells}
    for some_rows, some_columns in product(subsets(all_rows), subsets(all_columns)):
        taken = [p for p in withheld if p[1] in some_columns and p[0] not in some_rows]
        if not taken:
            left = [
                told
                for (r, c), told in withheld.items()
                if r in some_rows and c not in some_columns
            ]
            if left and shown:
                assert size(*left) >= floor


def test_a_small_pair_takes_a_ring_of_others_along() -> None:
    many = [who(*range(start, start + 5)) for start in (10, 20, 30)]
    table = {
        ("a", "x"): who(1),
        ("a", "y"): many[0],
        ("b", "x"): many[1],
        ("b", "y"): many[2],
        ("c", "x"): many[0],
        ("c", "y"): many[1],
    }
    shown = cross(table, "abc", "xy", 3)
    # One of the other rows is withheld with it, the other one is shown.
    assert len(shown) == 2
    assert len({one for one, _ in shown}) == 1
    assert cross({key: told for key, told in table.items() if key[0] == "a"}, "a", "xy", 3) == set()
