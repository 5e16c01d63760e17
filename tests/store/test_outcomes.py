"""Sums of what sessions bought: whatever was said in whatever order, they follow from the rows."""

from collections import Counter, defaultdict
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.contributions import Contribution, Counts, Facet, Standing, bin_of, upper_end
from domain.weeks import quarter_of
from store import claims, outcomes, report_outcomes
from store.engine import Database
from store.outcomes_anew import rebuild
from store.packed import NOBODY, members, packed, unpacked
from store.report_outcomes import Stamps
from tests.conftest import Fresh
from tests.filling import one, rows

SUMS = ("outcome_rollups", "outcome_presence", "outcome_bins")
COUNTED: st.SearchStrategy[Counts] = st.fixed_dictionaries(
    {"sessions": st.just(1)},
    optional={name: st.integers(1, 5) for name in ("cost_nanousd", "tasks", "looping")},
)
CONTRIBUTIONS = st.builds(
    Contribution,
    week=st.integers(2900, 2906),
    facets=st.fixed_dictionaries(
        {
            Facet.TOOL: st.sampled_from(["codex", "droid"]),
            Facet.TEAM: st.sampled_from(["", "pay"]),
            Facet.REPO: st.sampled_from(["acme/a", "acme/b"]),
            Facet.WORK_TYPE: st.sampled_from(["", "bug"]),
        }
    ),
    person=st.sampled_from([None, "p_ada", "p_bob"]),
    standing=st.builds(
        Standing,
        label=st.sampled_from(["productive", "wasteful"]),
        maturity=st.sampled_from(["final", "provisional"]),
        rule=st.just("so"),
    ),
    counts=COUNTED,
    models=st.dictionaries(st.sampled_from(["", "sonnet", "opus"]), COUNTED, max_size=2),
    cost_bin=st.none() | st.integers(-3, 3),
    lead_bins=st.lists(st.integers(0, 3), max_size=2).map(lambda bins: tuple(sorted(bins))),
)
STEPS = st.lists(st.dictionaries(st.integers(1, 4), st.none() | CONTRIBUTIONS, max_size=3))


def say(database: Database, step: dict[int, Contribution | None]) -> None:
    """Conclude these sessions; None withdraws what one has added."""
    with database.writing() as connection:
        new = {pk: each for pk, each in step.items() if each is not None}
        outcomes.keep(connection, step.keys(), new)


def sums(database: Database) -> dict[str, list[tuple[object, ...]]]:
    return {table: rows(database, table) for table in SUMS}


@settings(max_examples=25)
@given(STEPS)
def test_sums_are_what_follows_from_the_sessions_alone(
    fresh: Fresh, steps: list[dict[int, Contribution | None]]
) -> None:
    with fresh() as database:
        for step in steps:
            say(database, step)
        kept = sums(database)
        rebuild(database)
        assert sums(database) == kept


@settings(max_examples=25)
@given(STEPS)
def test_what_of_a_time_is_written_stamps_a_week_of_it(
    fresh: Fresh, steps: list[dict[int, Contribution | None]]
) -> None:
    with fresh() as database:
        for step in steps:
            stamps, before = stamped(database), parts(database)
            say(database, step)
            stamps_after, after = stamped(database), parts(database)
            for stamp, weeks, first in before.keys() | after.keys():
                part = stamp, weeks, first
                same = all(
                    getattr(stamps.get(week), stamp, None) == getattr(told, stamp)
                    for week, told in stamps_after.items()
                    if first <= week < first + weeks
                )
                assert not same or before.get(part) == after.get(part), part


def stamped(database: Database) -> dict[int, Stamps]:
    with database.reading() as connection:
        return report_outcomes.stamps(connection)


def parts(database: Database) -> dict[tuple[str, int, int], list[object]]:
    """What each stamp stands for, by the weeks that it is over and the first of them."""
    found: dict[tuple[str, int, int], list[object]] = defaultdict(list)
    for dimension, weeks, first, *told in rows(database, "outcome_rollups"):
        found["sums", weeks, first].append((dimension, *told))
        if "final" in told:
            found["settled", weeks, first].append((dimension, *told))
    for dimension, weeks, first, *values, held in rows(database, "outcome_presence"):
        found["people", weeks, first].append((dimension, *values, set(unpacked(held))))
    return dict(found)


def test_a_session_of_who_is_there_that_is_not_final_leaves_the_other_stamps(
    database: Database,
) -> None:
    first = drawn(Random(1))
    open_still = Standing(label="pending", maturity="provisional", rule="so")
    say(database, {1: first})
    [before] = stamped(database).values()
    say(database, {2: replace(first, standing=open_still)})
    [after] = stamped(database).values()
    assert (after.settled, after.people) == (before.settled, before.people)
    assert after.sums != before.sums
    say(database, {1: None})
    [left] = stamped(database).values()
    assert left.settled != after.settled, "a final one is gone"
    assert left.people == after.people, "and whoever had it is there still"
    say(database, {2: None})
    [none] = stamped(database).values()
    assert (none.settled, none.people != left.people) == (left.settled, True)


def test_who_comes_into_a_pair_alone_stamps_the_people_of_the_week(database: Database) -> None:
    first = replace(drawn(Random(1)), week=2906, person="p_ada")
    assert quarter_of(first.week) != first.week, "pairs are kept by another week than this"

    def of(team: str, repo: str) -> Contribution:
        return replace(first, facets={**first.facets, Facet.TEAM: team, Facet.REPO: repo})

    say(database, {1: of("pay", "acme/a"), 2: of("", "acme/b")})
    [before] = stamped(database).values()
    say(database, {3: of("pay", "acme/b")})
    [after] = stamped(database).values()
    assert after.people != before.people


def test_the_same_holds_of_each_database(database: Database) -> None:
    luck = Random(5)
    for _ in range(12):
        pks = luck.sample(range(9), 4)
        say(database, {pk: None if luck.random() < 0.2 else drawn(luck) for pk in pks})
    kept = sums(database)
    assert all(kept.values())
    rebuild(database)
    assert sums(database) == kept
    say(database, dict.fromkeys(range(9)))
    assert sums(database) == {table: [] for table in SUMS}
    assert rows(database, "session_outcomes") == rows(database, "session_model_outcomes") == []


def drawn(luck: Random) -> Contribution:
    return Contribution(
        week=luck.randrange(2900, 2908),
        facets={
            Facet.TOOL: luck.choice(["codex", "droid"]),
            Facet.TEAM: luck.choice(["", "pay"]),
            Facet.REPO: luck.choice(["acme/a", "acme/b"]),
            Facet.WORK_TYPE: luck.choice(["", "bug"]),
        },
        person=luck.choice([None, "p_ada", "p_bob"]),
        standing=Standing(label=luck.choice("pw"), maturity="final", rule="so"),
        counts={"sessions": 1, "cost_nanousd": 10**12 + luck.randrange(9)},
        models={luck.choice(["", "opus"]): {"sessions": 1}},
        cost_bin=luck.choice([None, 3]),
        lead_bins=(1, 2),
    )


def test_what_a_session_adds_is_read_as_it_was_written(database: Database) -> None:
    told = {pk: drawn(Random(pk)) for pk in range(5)}
    say(database, dict(told))
    with database.reading() as connection:
        assert outcomes.contributions_of(connection, range(9)) == told


def test_what_says_the_same_again_writes_nothing(database: Database) -> None:
    told: dict[int, Contribution | None] = {pk: drawn(Random(pk)) for pk in range(5)}
    say(database, told)
    before = one(database, "SELECT SUM(cost_nanousd) FROM outcome_rollups WHERE dimension = ''")
    say(database, told)
    assert before == one(
        database, "SELECT SUM(cost_nanousd) FROM outcome_rollups WHERE dimension = ''"
    )


def test_a_change_counts_with_one_of_its_sessions_and_the_other_is_told(
    database: Database,
) -> None:
    def settle(pk: int, **weights: int) -> dict[int, frozenset[str]]:
        with database.writing() as connection:
            return claims.settle(connection, [pk], {pk: weights})

    def marked() -> set[int]:
        return {pk for (pk,) in rows(database, "dirty_labels", "session_pk")}

    assert settle(1, c7=5, c8=1) == {1: frozenset({"c7", "c8"})}
    assert settle(2, c7=5) == {}  # of equal weights the lower key
    assert marked() == set()
    assert settle(3, c7=6) == {3: frozenset({"c7"})}
    assert marked() == {1}
    assert settle(1, c7=5, c8=1) == {1: frozenset({"c8"})}
    assert settle(3) == {}
    assert settle(1, c7=5, c8=1) == {1: frozenset({"c7", "c8"})}
    assert settle(1, c8=1) == {1: frozenset({"c8"})}
    assert marked() == {1, 2}


@given(st.dictionaries(st.integers(0, 9_000), st.integers(0, 2**32 - 1)))
def test_who_is_in_a_group_comes_back_as_it_was_packed(counts: dict[int, int]) -> None:
    told = packed(counts)
    present = {number for number, count in counts.items() if count}
    assert unpacked(told) == Counter({n: c for n, c in counts.items() if c})
    assert members(told) == sum(1 << number for number in present - {NOBODY})


@pytest.mark.parametrize("amount", [0.0, 1e-9, 0.3, 1.0, 1.1, 7.5, 1e6])
def test_an_amount_lies_below_the_upper_end_of_its_bin_and_above_that_before(
    amount: float,
) -> None:
    assert amount <= upper_end(bin_of(amount)) * (1 + 1e-12)
    assert amount > upper_end(bin_of(amount) - 1) or bin_of(amount) == bin_of(0)
