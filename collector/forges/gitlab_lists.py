"""GitLab's lists: by time of change, oldest first; and what they share with all its answers.

GitLab offers keyset paging for none of the lists that matter here. So they are read by time of
change from the last moment on, and ``_Reached`` remembers which things of that moment were read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from collector.client import Client
from collector.client_answer import Answer, Tag
from collector.client_errors import BadAnswer
from collector.forges import gitlab_words as words
from collector.forges.errors import UnreadablePayload
from collector.passes import at_moment, oldest_first
from collector.shaped import shaped
from collector.source import Reading, readable

PER_PAGE = 100
"""The most that GitLab gives."""

_Told = TypeVar("_Told")


class _Reached(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cursor: all that changed before ``at`` was read, and of that moment these."""

    at: datetime
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Things that changed, each with the cursor to write once it was read."""

    things: Sequence[tuple[Any, str]]
    tags: tuple[Tag, ...] = ()


def changed(reading: Reading, path: str, params: Mapping[str, str]) -> Iterator[Listed]:
    """Give what changed since the reading's cursor, in pages; an empty one may hold a tag."""
    was = msgspec.json.decode(reading.cursor, type=_Reached) if reading.cursor else None
    answers: list[Answer] = []

    def fetch(since: datetime | None, page: int) -> tuple[Sequence[Any], bool]:
        asked: dict[str, str | int] = {
            **params,
            "order_by": "updated_at",
            "sort": "asc",
            "per_page": PER_PAGE,
        }
        if since:
            asked["updated_after"] = at_moment(since)
        if page > 1:
            asked["page"] = page
        answer = reading.client.get(path, asked, conditional=not answers)
        answers.append(answer)
        return ((), False) if answer.unchanged else (answer.items(), more(answer))

    done = was
    start = was.at if was else reading.since
    for items in oldest_first(fetch, _touched_at, start):
        things = []
        for item in items:
            at, number = _touched_at(item), item.get("id")
            if done and at == done.at and number in done.ids:
                continue
            same = done.ids if done and done.at == at else ()
            done = _Reached(at=at, ids=(*same, number))
            things.append((item, msgspec.json.encode(done).decode()))
        last = answers[-1]
        yield Listed(things=things, tags=() if more(last) else last.tags)


def everything(
    client: Client,
    path: str,
    shape: type[_Told],
    unreadable: list[str],
    params: Mapping[str, str] | None = None,
) -> list[_Told]:
    """Give all of a list that is short enough to be asked for at once."""
    return [
        each
        for answer in client.pages(path, {"per_page": PER_PAGE, **(params or {})})
        for each in readable(answer.items(), shape, words.PROVIDER, unreadable)
    ]


def one(answer: Answer, shape: type[_Told]) -> _Told:
    """Give the thing that an answer holds. Raises BadAnswer where it is none of the kind."""
    return shaped(answer, shape, words.PROVIDER)


def more(answer: Answer) -> bool:
    """Whether another page follows."""
    return bool(answer.next_link or answer.headers.get("x-next-page"))


def _touched_at(item: Any) -> datetime:
    try:
        if isinstance(item["id"], int):
            return words.moment(item.get("updated_at") or item["created_at"])
    except (AttributeError, KeyError, TypeError, IndexError, UnreadablePayload):
        pass
    raise BadAnswer("GitLab lists something without a number or a time of change")
