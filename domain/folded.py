"""The sum of many observations: what one transaction adds to the store.

All of it commutes: counters add, time ranges widen, sets unite, ranks take the minimum. So any
number of folders may write any batches in any order.
"""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from domain.events import Context, Purpose, Quantity, Source, Trace
from domain.tariff import UNTOLD_LENGTH, PromptRange


class SessionKey(NamedTuple):
    """One session; ``session_id`` is None for the session-less telemetry of an installation.

    That is kept by ``day`` (since the epoch, UTC), so that what better telemetry repeats of one day
    takes nothing away from another. Of a session there is one, whatever it lasts: its day is 0.
    """

    tool: str
    session_id: str | None
    installation: str
    day: int = 0

    @property
    def pk(self) -> int:
        """A 63-bit hash of what identifies the session: any folder computes the same."""
        if self.session_id is None:
            return hashed("installation", self.tool, self.installation, str(self.day))
        return hashed("session", self.tool, self.session_id)


class UsageKey(NamedTuple):
    """What a session's usage is kept by: the finest grain that any answer needs."""

    rank: int
    source: Source
    hour: int
    model: str | None
    purpose: Purpose | None
    context: Context
    prompts: PromptRange = UNTOLD_LENGTH


class CountKey(NamedTuple):
    """What a session's counts are kept by."""

    quantity: Quantity
    rank: int
    item: str


@dataclass(slots=True)
class UsageSum:
    """Counters of one usage row; None where no signal told them.

    A price and its rest are the exact cost: what rounding to nano-dollars has added is taken away
    again by the rest.
    """

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
    effective_nanousd: int | None = None
    effective_unpriced_tokens: int | None = None
    list_rest_picousd: int = 0
    effective_rest_picousd: int = 0


# Half of the usual context window, and where long prompts begin to cost more.
LONG_PROMPT, LONGEST_USUAL_PROMPT = 100_000, 200_000


@dataclass(slots=True)
class ContextSizes:
    """How the context of a session's own conversation grew: prompt tokens of its requests.

    A prompt is all of it, cached or not. Only what commutes is kept, in one row however many
    requests there are: the first, the last and the largest prompt, and how many were long. Of two
    prompts at one moment the smaller is the first, the larger the last.
    """

    first_at: datetime
    first_tokens: int
    last_at: datetime
    last_tokens: int
    largest_tokens: int = 0
    requests: int = 0
    over_100k: int = 0
    over_200k: int = 0

    def merge(self, other: "ContextSizes") -> None:
        """Prompts of the same session from elsewhere."""
        first = min((self.first_at, self.first_tokens), (other.first_at, other.first_tokens))
        last = max((self.last_at, self.last_tokens), (other.last_at, other.last_tokens))
        (self.first_at, self.first_tokens), (self.last_at, self.last_tokens) = first, last
        self.largest_tokens = max(self.largest_tokens, other.largest_tokens)
        self.requests += other.requests
        self.over_100k += other.over_100k
        self.over_200k += other.over_200k


@dataclass(slots=True)
class SessionSums:
    """What a batch adds to one session.

    ``usage_rank`` is the rank of its best source of usage, ``token_rank`` that of the best one that
    tells tokens, ``sources`` the signals that spoke of it, ``contexts`` the sizes of its prompts by
    rank. ``repeats`` names the session-less telemetry that would tell the same tokens, if its
    senders send any, with the best rank that tells them. ``traces`` maps each trace to the time it
    was first left, ``last_traced`` to the last.
    """

    first_at: datetime
    last_at: datetime
    usage_rank: int | None = None
    token_rank: int | None = None
    active: bool = False
    sources: set[Source] = field(default_factory=set)
    usage: dict[UsageKey, UsageSum] = field(default_factory=dict)
    counts: dict[CountKey, int] = field(default_factory=dict)
    traces: dict[tuple[Trace, str], datetime] = field(default_factory=dict)
    last_traced: dict[tuple[Trace, str], datetime] = field(default_factory=dict)
    repeats: dict[SessionKey, int] = field(default_factory=dict)
    contexts: dict[int, ContextSizes] = field(default_factory=dict)


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
    """The key of a context: a hash of its values.

    A tier is only added where there is one: the others have the keys that they always had.
    """
    told = (context.tool_version, context.user, context.team, context.repo)
    parts = ["" if value is None else "=" + value for value in told]
    if context.tier is not None:
        parts.append("=" + context.tier)
    return hashed("context", *parts)
