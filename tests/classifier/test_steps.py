"""Whatever fails among marks that are concluded together, all others are concluded."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.steps import Concluding, Holding, Step
from store.dirty import CommitMark, Marks
from store.engine import StoreError


def step(
    conclude: Callable[[Mapping[Any, int]], None],
    kind: Marks = Marks.LABELS,
    holding: Holding = Holding.ANY,
) -> Step[Any]:
    return Step(
        kind=kind,
        most=3,
        read=lambda _connection, _most: {},
        conclude=conclude,
        holding=holding,
    )


class Books:
    """What a step writes to: nothing of what it concludes together with a bad mark."""

    def __init__(self, bad: Callable[[int], bool], error: Exception | None = None) -> None:
        self._bad = bad
        self._error = error
        self.attempts = 0
        self.concluded: list[int] = []
        self.aside: list[tuple[Marks, object, int, str]] = []

    def conclude(self, marks: Mapping[int, int]) -> None:
        self.attempts += 1
        if any(self._bad(key) for key in marks):
            raise self._error or ValueError("a private " + "word")
        self.concluded += marks

    def set_aside(self, kind: Marks, key: object, marks: int, reason: str) -> None:
        self.aside.append((kind, key, marks, reason))

    def carry_out(self, marks: Mapping[int, int]) -> None:
        Concluding(self.set_aside).carry_out(step(self.conclude), marks)


MARKS = st.dictionaries(st.integers(), st.integers(0, 5), max_size=40)


@given(MARKS, st.data())
def test_exactly_those_that_fail_alone_are_set_aside(
    marks: dict[int, int], data: st.DataObject
) -> None:
    bad = data.draw(st.sets(st.sampled_from(sorted(marks)))) if marks else set()
    books = Books(bad.__contains__)
    books.carry_out(marks)
    assert sorted(books.concluded) == sorted(marks.keys() - bad)
    assert sorted(each[1:3] for each in books.aside) == sorted((key, marks[key]) for key in bad)
    assert {each[3] for each in books.aside} <= {"ValueError"}


@given(MARKS)
def test_what_fails_only_together_is_concluded_apart(marks: dict[int, int]) -> None:
    done: list[int] = []

    def conclude(some: Mapping[int, int]) -> None:
        if len(some) > 3:
            raise MemoryError
        done.extend(some)

    books = Books(lambda _: False)
    Concluding(books.set_aside).carry_out(step(conclude), marks)
    assert sorted(done) == sorted(marks)
    assert books.aside == []


def test_one_among_a_thousand_takes_few_attempts() -> None:
    books = Books(lambda key: key == 617)
    books.carry_out(dict.fromkeys(range(1_000), 1))
    assert len(books.concluded) == 999
    assert books.attempts <= 21


@pytest.mark.parametrize("count", [1, 9])
def test_a_database_that_is_away_sets_nothing_aside(count: int) -> None:
    books = Books(lambda key: key == 0, StoreError("busy", passing=True))
    with pytest.raises(StoreError):
        books.carry_out(dict.fromkeys(range(count), 1))
    assert (books.aside, books.attempts) == ([], 1)


def test_what_the_database_refuses_is_set_aside_by_its_own_reason() -> None:
    error = StoreError("NumericValueOutOfRange: a number")
    error.__cause__ = OverflowError()
    books = Books(lambda key: key == 0, error)
    books.carry_out({0: 7, 1: 1})
    assert books.aside == [(Marks.LABELS, 0, 7, "OverflowError")]


def test_the_log_names_each_and_the_way_to_a_place_once(caplog: pytest.LogCaptureFixture) -> None:
    books = Books(lambda key: key < 2)
    books.carry_out(dict.fromkeys(range(4), 1))
    together, *alone = caplog.records
    assert together.levelno == logging.WARNING
    assert together.getMessage().startswith("4 labels can't be concluded together: ValueError in")
    assert [each.levelno for each in alone] == [logging.ERROR, logging.ERROR]
    assert [each.getMessage().partition(" can't")[0] for each in alone] == ["labels 0", "labels 1"]
    assert ["in conclude\n" in each.getMessage() for each in alone] == [True, False]
    assert "a private word" not in caplog.text


@pytest.mark.parametrize(
    ("kind", "key", "shown"),
    [
        (Marks.PEOPLE, "p_ada", "people (somebody)"),
        (Marks.COMMITS, CommitMark("p_ada", "acme/shop", "abc"), "commits acme/shop abc"),
        (Marks.CHANGES, ("acme/shop", 7), "changes acme/shop 7"),
        (Marks.WEEKS, 2904, "weeks 2904"),
    ],
)
def test_the_log_names_nobody(
    kind: Marks, key: object, shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    def conclude(_: Mapping[object, int]) -> None:
        raise KeyError(key)

    Concluding(lambda *_: None).carry_out(step(conclude, kind), {key: 1})
    [record] = caplog.records
    assert record.getMessage().startswith(f"{shown} can't be concluded and is set aside: KeyError")
    assert "p_ada" not in caplog.text


@pytest.mark.parametrize(
    ("holding", "held"),
    [
        (Holding.NEVER, [False, False, False]),
        (Holding.FULL, [False, False, True]),
        (Holding.ANY, [False, True, True]),
    ],
)
def test_when_what_follows_has_to_wait(holding: Holding, held: list[bool]) -> None:
    carried = step(lambda _: None, holding=holding)
    assert [carried.holds(found) for found in (0, 1, 3)] == held
