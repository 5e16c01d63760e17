"""The contract by which a provider is read: what webhooks missed, and what was there before them.

A provider that can be read has a module ``collector/forges/<name>_sync.py`` (or ``trackers``) with
one ``SOURCE``, and a row in ``collector.sources``. What a source does:

- ``root`` makes the API's address of what the operator wrote, ``authorise`` the headers.
- ``scopes`` lists what can be read: repositories, or projects of a tracker. A scope fails alone.
- Each of its ``streams`` reads one kind of thing of one scope (changes, issues, deployments, …)
  from a cursor on, and gives pages. A stream fails alone too.
- A page's facts, its cursor and its tags are written in one transaction. So the cursor says: all
  until here is in the database. It is the stream's own text; after a crash, and at the next sync,
  the stream gets back the last one that was written. What is read twice does no harm.
- A tag (of an answer, or a mark of something that never changes) is written with the page that
  holds the last fact of that answer. Only then may the next sync skip what has not changed.

What can't be read of one object is counted in ``Page.unreadable`` and the rest goes on. Errors of
``collector.client`` pass through: the caller knows which end a stream and which all of a provider.
A stream that a token may not read, or that a server does not have, is skipped and shown, unless it
is ``needed``. Helpers for reading by time of change are in ``collector.passes``.
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from collector.client import Authorise, Client
from collector.client_answer import Tag
from collector.client_errors import Limited
from collector.forges.errors import UnreadablePayload
from collector.forges.reading import read
from domain.pseudonym import Pseudonyms
from domain.work import WorkFact

_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What the operator gave to read a provider with. ``app_key`` is the text of a PEM file."""

    url: str
    token: str | None = None
    user: str | None = None
    app_id: str | None = None
    app_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What cursors are kept for: one repository, one project of a tracker, or a whole workspace.

    ``name`` is what people call it and is stable: for a repository the name that its facts carry.
    ``key`` is what the provider's addresses need in its place, ``account`` what ``authorise`` does.
    ``before`` is the name that was asked for, where the repository has another one by now.
    """

    name: str
    key: str = ""
    account: str = ""
    default_branch: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is written together. ``cursor`` None leaves the last one as it is."""

    facts: tuple[WorkFact, ...] = ()
    cursor: str | None = None
    tags: tuple[Tag, ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a stream is given. ``since`` bounds the first reading: nothing that last changed before.

    ``now`` is when this sync began.
    """

    client: Client
    scope: Scope
    cursor: str | None
    since: datetime | None
    pseudonyms: Pseudonyms
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One kind of thing that a scope has. Without a ``needed`` one a scope has failed."""

    name: str
    read: Callable[[Reading], Iterator[Page]]
    needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that ``assay connect`` looked at: whether it is well, and if not, what to do."""

    ok: bool
    text: str
    advice: str = ""


Connect: TypeAlias = Callable[[Authorise], Client]
"""Makes another client of the same server, for example one that fetches tokens."""


def no_limit(_status: int, _headers: Mapping[str, str], _body: bytes) -> Limited | None:
    """For providers that tell their limits by status 429 and the usual headers only."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One row of ``collector.sources``.

    ``scopes(client, wanted)`` gives those that ``wanted`` names (``owner/name``, ``owner/*``, keys
    of projects), all where it is empty; a name that does not exist fails when it is read, not here.
    ``check(client, wanted)`` tells what a token can see and what it lacks. ``limited`` finds limits
    that are told otherwise than by 429, ``Retry-After`` and ``X-RateLimit-*``.
    """

    name: str
    root: Callable[[str], str]
    authorise: Callable[[Access, Connect], Authorise]
    scopes: Callable[[Client, Sequence[str]], Iterator[Scope]]
    streams: tuple[Stream, ...]
    check: Callable[[Client, Sequence[str]], Iterator[Finding]]
    headers: Mapping[str, str] = field(default_factory=dict)
    limited: Callable[[int, Mapping[str, str], bytes], Limited | None] = no_limit


def bearer(access: Access, _connect: Connect) -> Authorise:
    """Authorise by the token: with a user as password (Basic), otherwise as ``Bearer``."""
    token = (access.token or "").strip()
    if access.user:
        pair = base64.b64encode(f"{access.user}:{token}".encode()).decode()
        value = f"Basic {pair}"
    else:
        value = f"Bearer {token}"
    return lambda _account: {"Authorization": value}


def readable(
    items: Iterable[Any], shape: type[_Told], provider: str, unreadable: list[str]
) -> Iterator[_Told]:
    """Give each object this shape; of those that have another, the code goes to ``unreadable``."""
    for item in items:
        try:
            yield read(item, shape, provider)
        except UnreadablePayload as error:
            unreadable.append(error.code)


def wanted_scope(name: str, wanted: Sequence[str]) -> bool:
    """Tell whether ``wanted`` names this repository, all of its owner (``owner/*``), or nothing."""
    owner = name.rpartition("/")[0]
    told = {each.lower() for each in wanted}
    return not told or name.lower() in told or f"{owner.lower()}/*" in told
