"""Changes of servers that list none by time of change: all that happened is read, once it has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from collector.forges.standing_changes import Listed, Listing, changes, mark_of
from collector.source import Page

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Server:
    """Holds changes; ``by_touch`` lists what was touched last first, not what was made last."""

    by_touch: bool
    now: datetime = BEGAN
    held: dict[int, Listed[int]] = field(default_factory=dict)
    made_at: dict[int, datetime] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    calls: int = 0

    def do(self, action: int) -> None:
        """Make a change, or end, touch or reopen one that is there."""
        self.now += timedelta(minutes=1)
        kind, which = divmod(action, 7)
        if kind == 0 or not self.held:
            number = len(self.held) + 1
            self._hold(number, opened=True, version=0)
            return
        told = self.held[sorted(self.held)[which % len(self.held)]]
        version = told.told + 1
        if kind == 1 and told.open:
            self._hold(told.number, opened=False, version=version)
        elif told.open:
            self._hold(told.number, opened=True, version=version)

    def _hold(self, number: int, *, opened: bool, version: int) -> None:
        self.made_at.setdefault(number, self.now)
        self.held[number] = Listed(
            number=number,
            open=opened,
            touched_at=self.now,
            mark=mark_of([number, version]),
            told=version,
        )

    def listing(self) -> Listing[int]:
        return Listing(open=self._open, newest=self._newest, one=self.held.get, read=self._read)

    def _ordered(self) -> list[Listed[int]]:
        moments = {
            number: told.touched_at if self.by_touch else self.made_at[number]
            for number, told in self.held.items()
        }
        return [self.held[number] for number in sorted(moments, key=moments.__getitem__)][::-1]

    def _open(self) -> Iterator[Listed[int]]:
        return (each for each in self._ordered() if each.open)

    def _newest(self, skip: int) -> tuple[list[Listed[int]], int | None]:
        self.calls += 1
        ordered = self._ordered()
        end = skip + 2
        return ordered[skip:end], end if end < len(ordered) else None

    def _read(self, told: Listed[int]) -> Page:
        self.calls += 1
        self.read[told.number] = told.told
        return Page()


ACTIONS = st.lists(st.integers(0, 20), max_size=12)


@given(st.booleans(), st.lists(st.tuples(ACTIONS, st.integers(0, 8)), max_size=6))
def test_all_that_happened_is_read_whenever_it_is_interrupted(
    by_touch: bool, story: list[tuple[list[int], int]]
) -> None:
    server, cursor = Server(by_touch), None
    for actions, interrupted_after in story:
        for action in actions:
            server.do(action)
        for number, page in enumerate(changes(server.listing(), cursor, None)):
            cursor = page.cursor or cursor
            if number == interrupted_after:
                break
    for page in changes(server.listing(), cursor, None):
        cursor = page.cursor or cursor
    assert server.read == {number: told.told for number, told in server.held.items()}
    # What moved to the top of the list while a walk was interrupted may be read once more.
    for page in changes(server.listing(), cursor, None):
        cursor = page.cursor or cursor
    before = server.calls
    assert [page.facts for page in changes(server.listing(), cursor, None)][-1:] == [()]
    assert server.calls - before <= max(1, (len(server.held) + 1) // 2)


@given(st.booleans(), ACTIONS, ACTIONS)
def test_a_first_reading_since_a_day_reads_what_was_touched_since(
    by_touch: bool, before: list[int], after: list[int]
) -> None:
    server = Server(by_touch)
    for action in before:
        server.do(action)
    since = server.now + timedelta(seconds=1)
    for action in after:
        server.do(action)
    list(changes(server.listing(), None, since))
    touched = {
        number: told.told
        for number, told in server.held.items()
        if told.open or (told.touched_at >= since and (by_touch or server.made_at[number] >= since))
    }
    assert touched.items() <= server.read.items()
    assert all(
        server.held[number].open or server.held[number].touched_at >= since
        for number in server.read
    )


def test_a_page_of_which_nothing_can_be_read_is_no_end() -> None:
    server = Server(by_touch=False)
    for action in (0, 0, 0, 0, 7, 8, 9, 10):
        server.do(action)
    since = BEGAN

    def newest(skip: int) -> tuple[Sequence[Listed[int]], int | None]:
        told, after = server.listing().newest(skip)
        return ([] if skip == 0 else told), after

    list(changes(replace(server.listing(), newest=newest), None, since))
    assert server.read == {1: 1, 2: 1}


def test_one_that_is_gone_is_asked_for_no_more() -> None:
    server = Server(by_touch=False)
    server.do(0)
    cursor = [page.cursor for page in changes(server.listing(), None, None)][-1]
    server.held.clear()
    pages = list(changes(server.listing(), cursor, None))
    assert [page.facts for page in pages] == [(), ()]
    assert '"open":{"1"' not in (pages[-1].cursor or "")
