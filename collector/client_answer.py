"""What a provider answered: its body, its tag, and what its headers say of pages and limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from math import isfinite
from typing import Any, TypeAlias
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from collector.client_errors import BadAnswer, BadCredentials, NotAllowed, NotThere

_GONE = frozenset({404, 409, 410, 451})


@dataclass(frozen=True, slots=True)
class Tag:
    """What to remember of something that was read to its end, by a hash of its address."""

    address: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. ``unchanged``: 304, there is no body. ``tag``: to be kept once all is written."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    tag: Tag | None = None

    @property
    def unchanged(self) -> bool:
        """Whether nothing has changed since the tag was kept."""
        return self.status == httpx.codes.NOT_MODIFIED

    @property
    def tags(self) -> tuple[Tag, ...]:
        """The tag as what a page takes."""
        return (self.tag,) if self.tag else ()

    def json(self) -> Any:
        """The body decoded. Raises BadAnswer."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadAnswer(f"{place(self.url)}: the answer is no JSON") from error

    def items(self, name: str = "") -> list[Any]:
        """The list in the body, or in its field of this name. Raises BadAnswer."""
        told = self.json()
        if name:
            told = told.get(name) if isinstance(told, dict) else None
        if not isinstance(told, list):
            raise BadAnswer(f"{place(self.url)}: the answer holds no list")
        return told

    @property
    def next_link(self) -> str | None:
        """The address in ``Link: <…>; rel="next"``. Raises BadAnswer where it is none."""
        for link in self.headers.get("link", "").split(","):
            target, _, rest = link.strip().partition(";")
            if 'rel="next"' in rest.replace(" ", "") and target[:1] == "<":
                return _joined(self.url, target.strip()[1:-1])
        return None


NextPage: TypeAlias = Callable[[Answer], str | None]
"""Gives the address of the page after an answer, None at the end."""


def check_status(answer: Answer) -> None:
    """Raise what the answer's status means, unless it is 2xx or 304."""
    status, where = answer.status, place(answer.url)
    if status == httpx.codes.UNAUTHORIZED:
        raise BadCredentials(f"{where}: the token is not accepted (401)")
    if status == httpx.codes.FORBIDDEN:
        raise NotAllowed(f"{where}: the token may not read this (403)")
    if status in _GONE:
        raise NotThere(f"{where}: there is none, or the token may not know of it ({status})")
    if not (200 <= status < 300 or answer.unchanged):  # noqa: PLR2004
        raise BadAnswer(f"{where}: status {status}")


def seconds_to_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the server asks to wait; None where it does not, or names no usable time."""
    after = headers.get("retry-after")
    if after is not None:
        return _after(after, now)
    return seconds_until_refilled(headers, now)


def seconds_until_refilled(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long until there are calls again; None where some remain or nothing is told."""
    if _remaining(headers) != 0:
        return None
    at = _number(headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset") or "")
    if at is None:
        return None
    # GitHub and GitLab tell a moment, the draft standard seconds; no wait is a year.
    epoch = at > timedelta(days=365).total_seconds()
    return max(0.0, at - now.timestamp() if epoch else at)


def _remaining(headers: Mapping[str, str]) -> float | None:
    return _number(headers.get("x-ratelimit-remaining") or headers.get("ratelimit-remaining") or "")


def _number(told: str) -> float | None:
    """A number of things or seconds; None where it is none, or has no end."""
    try:
        number = float(told)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _after(told: str, now: datetime) -> float | None:
    seconds = _number(told)
    if seconds is not None:
        return max(0.0, seconds)
    try:
        return max(0.0, (parsedate_to_datetime(told) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _joined(url: str, link: str) -> str:
    try:
        return urljoin(url, link)
    except ValueError as error:
        raise BadAnswer(f"{place(url)}: the next page has no address") from error


def hashed(text: str) -> str:
    """What stands for an address in the database."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def place(url: str) -> str:
    """The path of an address: its query may hold what nobody should read in a log."""
    return urlsplit(url).path or "/"
