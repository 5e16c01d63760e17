"""Cumulative counters: what the hours grew by, whatever the order and batching of the readings."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from collector.counters import Change, correction, growth
from collector.fold import fold
from collector.growth import Growth, grown, highest
from domain.events import (
    Context,
    Counted,
    Observation,
    Quantity,
    Series,
    Source,
    Trace,
    Traced,
)
from domain.folded import SessionSums, UsageSum
from tests.telling import observation

START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
FIRST_HOUR = int(START.timestamp()) // 3600

hours = st.dictionaries(st.integers(0, 9), st.integers(0, 100))


@st.composite
def rising(draw: st.DrawFn) -> list[tuple[int, int]]:
    """(minute, value) of a counter that is read now and then and never falls."""
    minutes = sorted(draw(st.sets(st.integers(0, 400), min_size=1, max_size=12)))
    values = sorted(draw(st.lists(st.integers(0, 50), min_size=len(minutes))))
    return list(zip(minutes, values, strict=False))


@st.composite
def dealt(draw: st.DrawFn, told: Sequence[Observation]) -> list[list[Observation]]:
    """The readings in any order, some twice, in batches."""
    again = draw(st.lists(st.sampled_from(told), max_size=4))
    return batched(draw, draw(st.permutations([*told, *again])))


def batched(draw: st.DrawFn, told: Sequence[Observation]) -> list[list[Observation]]:
    cuts = sorted(draw(st.sets(st.integers(1, len(told)))) | {len(told)})
    return [list(told[a:b]) for a, b in zip([0, *cuts], cuts, strict=False)]


def reading(
    minute: int,
    value: int,
    quantity: Quantity = Quantity.TOKENS_INPUT,
    model: str = "claude-sonnet-4-5",
) -> Observation:
    return observation(
        tool="a tool",
        session_id="s",
        installation="i",
        key=f"{minute}".encode(),
        at=START + timedelta(minutes=minute),
        source=Source.METRIC,
        rank=1,
        context=Context(),
        facts=(
            Counted(quantity=quantity, amount=value, model=model),
            Traced(trace=Trace.BRANCH, value="main"),
        ),
        series=Series(key=b"series"),
    )


def book(batches: Sequence[Sequence[Observation]]) -> tuple[list[Observation], list[Growth]]:
    """What ``ingest`` books for one series that comes in these batches."""
    known: dict[int, int] = {}
    telling: list[Observation] = []
    growths: list[Growth] = []
    for batch in batches:
        seen, changed = grown(known, batch)
        telling += seen
        growths += changed
        for hour, value in highest(batch).items():
            known[hour] = max(value, known.get(hour, 0))
    return telling, growths


def folded(batches: Sequence[Sequence[Observation]]) -> SessionSums:
    """What the one session of these readings comes to."""
    [sums] = fold(*book(batches), lambda _tool, _source: frozenset()).values()
    return sums


def by_hour(told: SessionSums) -> dict[int, UsageSum]:
    """Usage by hours from the first, without those that nothing happened in."""
    rows = {key.hour - FIRST_HOUR: row for key, row in told.usage.items() if row.input}
    return dict(sorted(rows.items()))


# Growth


@given(hours)
def test_the_hours_together_grew_by_the_highest_reading(told: Mapping[int, int]) -> None:
    assert sum(growth(told).values()) == max(told.values(), default=0)
    assert all(amount >= 0 for amount in growth(told).values())


def test_each_hour_grew_by_what_it_is_above_all_before() -> None:
    assert growth({}) == {}
    assert growth({3: 5, 1: 2, 7: 5, 8: 4, 9: 11}) == {1: 2, 3: 3, 7: 0, 8: 0, 9: 6}


@given(hours, hours, hours)
def test_corrections_lead_to_the_same_growth_by_any_way(
    first: dict[int, int], second: dict[int, int], third: dict[int, int]
) -> None:
    everything = {
        hour: max(told.get(hour, 0) for told in (first, second, third))
        for hour in first | second | third
    }
    booked: dict[int, int] = {}
    known: dict[int, int] = {}
    for told in (first, second, third, second):
        for hour, (before, after) in correction(known, told).items():
            assert booked.get(hour, 0) == before
            booked[hour] = after
        known |= {hour: max(value, known.get(hour, 0)) for hour, value in told.items()}
    assert {h: n for h, n in booked.items() if n} == {
        h: n for h, n in growth(everything).items() if n
    }


@given(hours)
def test_readings_known_already_correct_nothing(told: dict[int, int]) -> None:
    assert correction(told, told) == {}


def test_a_late_reading_takes_growth_back_from_a_later_hour() -> None:
    assert correction({10: 5}, {9: 3}) == {9: Change(0, 3), 10: Change(5, 2)}


# Booking


@given(rising().flatmap(lambda told: dealt([reading(*each) for each in told])))
def test_any_order_batching_and_repetition_books_the_same_hours(
    batches: list[list[Observation]],
) -> None:
    in_order = sorted((each for batch in batches for each in batch), key=lambda each: each.at)
    got, whole = folded(batches), folded([in_order])
    assert by_hour(got) == by_hour(whole)
    assert sum(row.input or 0 for row in got.usage.values()) == max(highest(in_order).values())
    assert got.active
    # An early arrival can make the session longer, and never shorter.
    assert got.last_at >= whole.last_at


@st.composite
def in_order(draw: st.DrawFn) -> list[list[Observation]]:
    return batched(draw, [reading(*each) for each in draw(rising())])


@given(in_order())
def test_in_order_the_batching_is_not_to_be_seen_at_all(batches: list[list[Observation]]) -> None:
    together = folded([[each for batch in batches for each in batch]])
    assert folded(batches) == together


@given(rising())
def test_a_session_lasts_from_its_first_reading_to_the_last_that_brought_something(
    told: list[tuple[int, int]],
) -> None:
    got = folded([[reading(*each)] for each in told])
    top = max(value for _, value in told)
    reached = next(minute for minute, value in told if value == top)
    first = told[0][0]
    assert got.first_at == START + timedelta(minutes=first)
    assert got.last_at == START + timedelta(minutes=reached if top else first)
    assert set(got.traces.values()) == {got.first_at}


@st.composite
def falling(draw: st.DrawFn) -> list[list[Observation]]:
    told = draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 50)), min_size=1))
    return batched(draw, [reading(*each) for each in told])


@given(falling())
def test_a_counter_that_falls_without_a_new_start_still_comes_to_its_highest(
    batches: list[list[Observation]],
) -> None:
    top = max(highest(each for batch in batches for each in batch).values())
    assert sum(row.input or 0 for row in folded(batches).usage.values()) == top


def test_a_late_first_reading_makes_the_session_earlier() -> None:
    assert folded([[reading(20, 7)], [reading(5, 3)]]).first_at == START + timedelta(minutes=5)


def test_an_idle_tool_that_repeats_its_readings_brings_nothing() -> None:
    telling, growths = grown({FIRST_HOUR: 5}, [reading(20, 5), reading(90, 5), reading(300, 5)])
    assert (telling, growths) == ([], [])


def test_a_first_reading_of_zero_makes_the_bucket_zero_and_not_unknown() -> None:
    got = folded([[reading(0, 0)], [reading(1, 0)]])
    [row] = got.usage.values()
    assert row == UsageSum(input=0, list_nanousd=0, unpriced_tokens=0)


# Prices of counters


def test_a_counter_is_priced_at_the_base_tier_since_it_hides_the_requests() -> None:
    # Above 200,000 prompt tokens Sonnet 4.5 costs twice as much, a request; not an hour.
    once = folded([[reading(0, 300_000)]])
    twice = folded([[reading(0, 150_000)], [reading(1, 300_000)]])
    assert [row.list_nanousd for row in once.usage.values()] == [900_000_000]
    assert [row.list_nanousd for row in twice.usage.values()] == [900_000_000]


@given(rising())
def test_the_price_of_many_small_readings_is_that_of_one(told: list[tuple[int, int]]) -> None:
    # 37.5 nano-dollars a token: half of one would be lost or won at every reading.
    readings = [reading(minute, value, model="gemini-flash-1.5-8b") for minute, value in told]
    assert by_hour(folded([[each] for each in readings])) == by_hour(folded([readings]))


def test_tokens_of_an_unknown_model_are_unpriced_also_when_they_move() -> None:
    readings = [[reading(60, 9, model="nobody-1")], [reading(0, 4, model="nobody-1")]]
    rows = {
        hour: (row.unpriced_tokens, row.list_nanousd)
        for hour, row in by_hour(folded(readings)).items()
    }
    assert rows == {0: (4, None), 1: (5, None)}


def test_session_counts_grow_without_hours() -> None:
    lines = Quantity.LINES_ADDED
    got = folded([[reading(60, 9, lines)], [reading(0, 4, lines)], [reading(200, 12, lines)]])
    assert list(got.counts.values()) == [12]
    assert got.usage == {}
