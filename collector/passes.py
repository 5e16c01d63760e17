"""Reading what changed, by time of change, so that an interruption at any point loses nothing.

Two ways in which providers list what changed:

- oldest first, from a moment on (``oldest_first``): the cursor is the last moment read;
- newest first, without a beginning (``NewestFirst``): everything down to a floor is listed.

Things change while they are listed, and move in the list. Moments are told in whole seconds, so two
things may share one: what stands at a boundary is read again.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

_Item = TypeVar("_Item")


class _Interval(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cursor: all before ``floor`` was read, and of an unfinished pass all of an interval."""

    floor: datetime | None = None
    top: datetime | None = None
    bottom: datetime | None = None


class NewestFirst:
    """One pass over a list that begins with what changed last.

    A pass that was interrupted goes on where it stopped: what is new is read, what was read is
    skipped. ``cursor`` is the text to write with the facts of the thing read last.
    """

    def __init__(self, cursor: str | None, since: datetime | None) -> None:
        """``since`` bounds the first pass."""
        self._was = _decoded(cursor)
        self._floor = self._was.floor or since
        self._top: datetime | None = None
        self.cursor: str | None = None

    def over(self, moments: Sequence[datetime]) -> bool:
        """Whether a page of the list with these moments of change ends the pass."""
        floor = self._floor
        return not moments or (floor is not None and all(each < floor for each in moments))

    def wants(self, at: datetime) -> bool:
        """Whether what changed then is still to be read."""
        was = self._was
        if self._top is None or at > self._top:
            self._top = at
        if self._floor is not None and at < self._floor:
            return False
        return was.top is None or was.bottom is None or not was.bottom < at < was.top

    def since_floor(self, at: datetime | None) -> bool:
        """Whether this lies after what all earlier passes have read."""
        return at is not None and self._was.floor is not None and at >= self._was.floor

    def read(self, at: datetime) -> None:
        """Note that this was read, and with it all that stands before it in the list."""
        was = self._was
        # Above what the interrupted pass has read there is a gap until all of that is reached; what
        # shares the moment of its top may stand on either side.
        if was.top is None or at < was.top:
            self.cursor = _encoded(_Interval(was.floor, self._top, at))

    def finished(self) -> str:
        """The cursor once the list is at its end."""
        reached = [each for each in (self._top, self._was.top, self._was.floor) if each]
        return _encoded(_Interval(floor=max(reached, default=None)))


def oldest_first(
    fetch: Callable[[datetime | None, int], tuple[Sequence[_Item], bool]],
    moment: Callable[[_Item], datetime],
    start: datetime | None,
) -> Iterator[Sequence[_Item]]:
    """Give pages of what changed since ``start``, including that moment.

    ``fetch(since, page)`` asks for one page (from 1 on) and says whether there are more. The next
    page is asked for by time: what changes while it is listed moves to the end, and pages asked for
    by number would let another thing slip to a page that was read already.
    """
    since = start
    while True:
        items, more = fetch(since, 1)
        if items:
            yield items
        if not (items and more):
            return
        last = max(map(moment, items))
        if since is None or last > since:
            since = last
            continue
        later = yield from _of_one_moment(fetch, moment, since)
        if later is None:
            return
        since = later


def _of_one_moment(
    fetch: Callable[[datetime | None, int], tuple[Sequence[_Item], bool]],
    moment: Callable[[_Item], datetime],
    at: datetime,
) -> Generator[Sequence[_Item], None, datetime | None]:
    """Pages of more things of one moment than a page holds, by number, until none are new.

    Gives back the moment from which to go on; None where that is the end of the list.
    """
    seen: list[_Item] = []
    while True:
        page, found = 1, False
        items, more = fetch(at, page)
        while items:
            # Later things wait: a cursor at theirs would say that this moment is done.
            new = [item for item in items if moment(item) == at and item not in seen]
            if new:
                found = True
                seen += new
                yield new
            later = [told for told in map(moment, items) if told > at]
            if later or not more:
                break
            page += 1
            items, more = fetch(at, page)
        if not found:
            return min(later, default=None) if items else None


def moment_of(cursor: str | None, since: datetime | None = None) -> datetime | None:
    """The moment in a cursor that ``at_moment`` made; ``since`` where there is none yet."""
    return datetime.fromisoformat(cursor) if cursor else since


def at_moment(at: datetime) -> str:
    """A cursor that holds a moment."""
    return at.astimezone(UTC).isoformat()


def _encoded(interval: _Interval) -> str:
    return msgspec.json.encode(interval).decode()


def _decoded(cursor: str | None) -> _Interval:
    return msgspec.json.decode(cursor, type=_Interval) if cursor else _Interval()
