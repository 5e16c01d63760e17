"""The sum of many observations: what one transaction adds to the store.

All of it commutes: counters add, time ranges widen, sets unite, ranks take the minimum. So any
number of folders may write any batches in any order.
"""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from domain.events import Context, Purpose, Quantity, Source, Trace


class SessionKey(NamedTuple):
    """One session; ``session_id`` is None for the session-less telemetry of an installation."""

    tool: str
    session_id: str | None
    installation: str

    @property
    def pk(self) -> int:
        """A 63-bit hash of what identifies the session: any folder computes the same."""
        who = self.installation if self.session_id is None else self.session_id
        kind = "installation" if self.session_id is None else "session"
        return hashed(kind, self.tool, who)


class UsageKey(NamedTuple):
    """What a session's usage is kept by: the finest grain that any answer needs."""

    rank: int
    source: Source
    hour: int
    model: str | None
    purpose: Purpose | None
    context: Context


class CountKey(NamedTuple):
    """What a session's counts are kept by."""

    quantity: Quantity
    rank: int
    item: str


@dataclass(slots=True)
class UsageSum:
    """Counters of one usage row; None where no signal told them."""

    requests: int | None = None
    failed_requests: int | None = None
    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    output: int | None = None
    reasoning: int | None = None
    reported_nanousd: int | None = None
    list_nanousd: int | None = None
    unpriced_tokens: int | None = None


@dataclass(slots=True)
class SessionSums:
    """What a batch adds to one session.

    ``usage_rank`` is the rank of its best source of usage, ``sources`` the signals that spoke of
    it, ``installations`` the best rank of usage by the installation that sent it.
    """

    first_at: datetime
    last_at: datetime
    usage_rank: int | None = None
    active: bool = False
    sources: set[Source] = field(default_factory=set)
    usage: dict[UsageKey, UsageSum] = field(default_factory=dict)
    counts: dict[CountKey, int] = field(default_factory=dict)
    traces: dict[tuple[Trace, str], datetime] = field(default_factory=dict)
    installations: dict[str, int] = field(default_factory=dict)


Folded = dict[SessionKey, SessionSums]
"""Everything that one batch adds."""


class CoverageKey(NamedTuple):
    """One kind of record; ``outcome`` is ``understood`` or a ``Pass``."""

    tool: str
    signal: str
    name: str
    outcome: str


def hashed(*parts: str) -> int:
    """A non-negative 63-bit hash of these texts."""
    digest = blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def context_pk(context: Context) -> int:
    """The key of a context: a hash of its values."""
    told = (context.tool_version, context.user, context.team, context.repo)
    return hashed("context", *("" if value is None else "=" + value for value in told))
