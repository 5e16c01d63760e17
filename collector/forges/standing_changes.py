"""Reading changes where a server can't list them by time of change.

What is open may change, what is closed hardly does. So at every reading

1. all that is open is listed, and read where its mark (a hash of what the list says of it) is new;
2. what was open at the last reading and is no longer listed is asked for by its number;
3. all is listed, what was made last first, down to the last number that the reading before reached:
   what was opened and closed in between.

The cursor holds all three: marks, numbers, and how far an unfinished walk has come. What is made
during a walk moves others down the list, so that they are listed twice; numbers only grow and none
is taken away, so none is missed. A closed change that is commented on is not read again: webhooks
tell of that.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Generic, TypeVar

import msgspec

from collector.source import Page

_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Generic[_Told]):
    """A change as a list tells it; ``told`` is what ``read`` needs to know of it."""

    number: int
    open: bool
    touched_at: datetime
    mark: str
    told: _Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[_Told]):
    """How a server lists changes.

    ``open`` gives all that are open. ``newest(skip)`` gives a page of all, what was made last
    first, and what to skip for the next page, None at the end. ``one`` gives a change by its
    number, None where it is gone. ``read`` reads all that belongs to one.
    """

    open: Callable[[], Iterable[Listed[_Told]]]
    newest: Callable[[int], tuple[Sequence[Listed[_Told]], int | None]]
    one: Callable[[int], Listed[_Told] | None]
    read: Callable[[Listed[_Told]], Page]


class _Reach(msgspec.Struct, frozen=True, omit_defaults=True):
    """The highest number and the latest touch that a walk met; ``skip`` of the list are behind."""

    top: int = 0
    touched_at: datetime | None = None
    skip: int = 0


class _Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the last walk reached, how far the one under way has come, and the marks of the open."""

    reached: _Reach = _Reach()
    walk: _Reach = _Reach()
    open: dict[str, str] = {}


def changes(listing: Listing[_Told], cursor: str | None, since: datetime | None) -> Iterator[Page]:
    """Read what is new since the cursor; ``since`` bounds the first reading."""
    now = msgspec.json.decode(cursor, type=_Cursor) if cursor else _Cursor()
    listed: set[str] = set()
    for each in listing.open():
        listed.add(str(each.number))
        if now.open.get(str(each.number)) != each.mark:
            marks = {**now.open, str(each.number): each.mark}
            now = _Cursor(now.reached, now.walk, marks)
            yield replace(listing.read(each), cursor=_encoded(now))
    for number in sorted(set(now.open) - listed, key=int):
        ended = listing.one(int(number))
        marks = {key: mark for key, mark in now.open.items() if key != number}
        now = _Cursor(now.reached, now.walk, marks)
        yield replace(listing.read(ended) if ended else Page(), cursor=_encoded(now))
    resumed = now.walk.skip > 0
    now = yield from _walk(listing, now, since)
    if resumed:
        # What was made since it was interrupted stands above where it went on.
        yield from _walk(listing, now, since)


def _walk(
    listing: Listing[_Told], now: _Cursor, bound: datetime | None
) -> Generator[Page, None, _Cursor]:
    before, walk = now.reached, now.walk
    since = bound if before.top == 0 else None
    floor = before.touched_at or since
    skip: int | None = walk.skip
    while skip is not None:
        told, skip = listing.newest(skip)
        for each in told:
            fresh = each.number > before.top or _touched_after(each, before.touched_at)
            if fresh and not each.open and (since is None or each.touched_at >= since):
                yield listing.read(each)
        touches = [each.touched_at for each in told]
        walk = _Reach(
            top=max([walk.top, *(each.number for each in told)]),
            touched_at=max(filter(None, (walk.touched_at, *touches)), default=None),
            skip=skip or 0,
        )
        # Some servers list what was touched last first: then older numbers stand above newer ones.
        known = since is not None or all(each.number <= before.top for each in told)
        if known and floor is not None and touches and max(touches) < floor:
            break
        if skip is not None:
            yield Page(cursor=_encoded(_Cursor(before, walk, now.open)))
    # A walk that ends early need not have met what was touched last.
    touched_at = max(filter(None, (walk.touched_at, before.touched_at)), default=None)
    reached = _Reach(top=max(walk.top, before.top), touched_at=touched_at)
    done = _Cursor(reached, _Reach(), now.open)
    yield Page(cursor=_encoded(done))
    return done


def _touched_after(told: Listed[_Told], at: datetime | None) -> bool:
    return at is not None and told.touched_at > at


def mark_of(told: object) -> str:
    """A short hash of what a list says of a change."""
    return blake2b(msgspec.json.encode(told, order="sorted"), digest_size=8).hexdigest()


def _encoded(cursor: _Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
