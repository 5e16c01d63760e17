"""Reading by time of change: whatever changes meanwhile, wherever it stops, nothing is missed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from collector.passes import NewestFirst, at_moment, moment_of, oldest_first

START = datetime(2026, 1, 1, tzinfo=UTC)
SIZE = 2


@dataclass
class Listed:
    """A provider's list: things by number, each with when it last changed."""

    changed: dict[int, datetime] = field(default_factory=dict)
    now: datetime = START

    def touch(self, number: int, seconds: int) -> None:
        """Something changes, or is made, so many seconds after the last change."""
        self.now += timedelta(seconds=seconds)
        self.changed[number] = self.now

    def page(self, number: int, *, newest: bool, since: datetime | None = None) -> list[int]:
        """A page (from 1 on) of the list as it is now."""
        told = [n for n in self.changed if since is None or self.changed[n] >= since]
        ordered = sorted(told, key=lambda n: (self.changed[n], n), reverse=newest)
        return ordered[SIZE * (number - 1) : SIZE * number]


@dataclass
class Reader:
    """What was written of the list, and the cursor that was written with it."""

    listed: Listed
    seen: dict[int, datetime] = field(default_factory=dict)
    cursor: str | None = None
    reads: int = 0

    def read(self, number: int, at: datetime) -> None:
        self.seen[number] = max(at, self.seen.get(number, at))
        self.reads += 1


Change = tuple[int, int]
# What happens after each thing that is read: changes, and whether the process is killed there.
Events = list[tuple[list[Change], bool]]

changes = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2)), max_size=3)
events = st.lists(st.tuples(changes, st.booleans()), max_size=30)
stories = st.tuples(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2)), max_size=12), events)


class KilledHere(Exception):
    pass


def happens(reader: Reader, left: Events) -> None:
    if left:
        touched, killed = left.pop(0)
        for change in touched:
            reader.listed.touch(*change)
        if killed:
            raise KilledHere


def newest_pass(reader: Reader, left: Events) -> None:
    """One pass over a list that begins with the newest, as a source makes it."""
    listing = NewestFirst(reader.cursor, None)
    number = 1
    while True:
        page = reader.listed.page(number, newest=True)
        told = {n: reader.listed.changed[n] for n in page}
        for n, at in told.items():
            if listing.wants(at):
                listing.read(at)
                reader.read(n, at)
                reader.cursor = listing.cursor or reader.cursor
                happens(reader, left)
        if listing.over(list(told.values())):
            break
        number += 1
    reader.cursor = listing.finished()


def oldest_pass(reader: Reader, left: Events) -> None:
    """One pass over a list that begins where the last one ended."""

    def fetch(since: datetime | None, page: int) -> tuple[Sequence[tuple[int, datetime]], bool]:
        found = reader.listed.page(page, newest=False, since=since)
        return [(n, reader.listed.changed[n]) for n in found], len(found) == SIZE

    for items in oldest_first(fetch, lambda item: item[1], moment_of(reader.cursor)):
        for n, at in items:
            reader.read(n, at)
        reader.cursor = at_moment(max(at for _, at in items))
        happens(reader, left)


def everything_is_read(story: tuple[list[Change], Events], one_pass: object) -> None:
    assert callable(one_pass)
    before, left = story[0], list(story[1])
    reader = Reader(Listed())
    for change in before:
        reader.listed.touch(*change)
    while left:
        try:
            one_pass(reader, left)
            happens(reader, left)
        except KilledHere:
            pass
    one_pass(reader, [])
    assert reader.seen == reader.listed.changed


def test_one_of_many_of_a_second_changes_while_they_are_read() -> None:
    touched: Events = [([], False), ([], False), ([(0, 1)], False)]
    everything_is_read(([(number, 0) for number in range(8)], touched), oldest_pass)


@given(stories)
def test_newest_first_misses_nothing(story: tuple[list[Change], Events]) -> None:
    everything_is_read(story, newest_pass)


@given(stories)
def test_oldest_first_misses_nothing(story: tuple[list[Change], Events]) -> None:
    everything_is_read(story, oldest_pass)


def full(count: int) -> Reader:
    reader = Reader(Listed())
    for number in range(count):
        reader.listed.touch(number, 1)
    return reader


def test_what_was_read_before_an_interruption_is_not_read_again() -> None:
    reader = full(10)
    left: Events = [*[([], False)] * 6, ([], True)]
    try:
        newest_pass(reader, left)
    except KilledHere:
        assert reader.reads == 7
    reader.reads = 0
    newest_pass(reader, [])
    # What stands at the two ends of what was read may share its second with something else.
    assert reader.reads == 3 + 2


def test_a_second_pass_reads_what_changed_and_the_boundary() -> None:
    reader = full(10)
    newest_pass(reader, [])
    reader.listed.touch(3, 1)
    reader.reads = 0
    newest_pass(reader, [])
    assert reader.reads == 2


def test_the_first_pass_goes_no_further_back_than_it_should() -> None:
    since = START + timedelta(seconds=8)
    listing = NewestFirst(None, since)
    assert listing.wants(since)
    assert not listing.wants(since - timedelta(seconds=1))
    assert listing.over([since - timedelta(seconds=1)])
    assert not listing.over([since, since - timedelta(seconds=1)])
    assert moment_of(None, since) == since
    assert moment_of(at_moment(START), since) == START
