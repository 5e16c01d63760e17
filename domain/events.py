"""What a coding tool told us, in the past tense and free of its dialect.

A dialect turns one decoded record into one ``Observation``: who and when, and the facts it states.
Facts hold counts, names and hashes only; prompts, arguments, outputs and paths never get this far.
"""

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from domain.record import moment
from domain.usage import Tokens


class Word(StrEnum):
    """A word of ours. Hashed as the text it is: an Enum's own hash is many times slower."""

    __hash__ = str.__hash__


class Source(Word):
    """The signal that carried a fact. Two sources of one quantity are never added."""

    LOG = "log"
    METRIC = "metric"
    SPAN = "span"


class Purpose(Word):
    """What a request was for: the user's turn, a subagent's, or the tool's own housekeeping."""

    MAIN = "main"
    SUBAGENT = "subagent"
    AUXILIARY = "auxiliary"


class Quantity(Word):
    """Everything countable of a session besides token usage; the item says of what."""

    PROMPTS = "prompts"
    TOOL_CALLS = "tool_calls"  # item: tool name
    TOOL_FAILURES = "tool_failures"  # item: tool name
    TOOL_DENIALS = "tool_denials"  # item: tool name
    REPEATED_FAILURES = "repeated_failures"  # item: keyed hash of the failing call
    EDITS_ACCEPTED = "edits_accepted"  # item: tool name
    EDITS_REJECTED = "edits_rejected"  # item: tool name
    LINES_ADDED = "lines_added"
    LINES_REMOVED = "lines_removed"
    COMMITS = "commits"
    CHANGES_OPENED = "changes_opened"
    COMPACTIONS = "compactions"
    LOOPS_DETECTED = "loops_detected"
    SUBAGENTS = "subagents"
    PROCESS_STARTS = "process_starts"  # item: fresh, resume, continue
    PROCESS_ENDS = "process_ends"  # in good order; a killed process tells none
    ACTIVE_MS = "active_ms"  # item: user, cli
    RETRIES = "retries"
    REQUESTS_STARTED = "requests_started"
    REQUESTS_UNMEASURED = "requests_unmeasured"  # answered, but the tool reported no usage
    # The four buckets and the cost as told by counters, for tools or times without per-request
    # records; they become usage, not session counts.
    TOKENS_INPUT = "tokens.input"
    TOKENS_CACHE_READ = "tokens.cache_read"
    TOKENS_CACHE_READ_INSIDE = "tokens.cache_read_inside"  # which a counter of input holds as well
    TOKENS_CACHE_WRITE = "tokens.cache_write"
    TOKENS_OUTPUT = "tokens.output"
    TOKENS_REASONING = "tokens.reasoning"  # which a counter of output holds as well
    TOKENS_REASONING_BESIDE = "tokens.reasoning_beside"  # which no counter of output holds
    COST_NANOUSD = "cost_nanousd"
    REQUESTS = "requests"
    REQUESTS_FAILED = "requests_failed"


class Trace(Word):
    """What ties a session to the world outside: kinds of evidence a session leaves."""

    COMMIT = "commit"  # full or abbreviated SHA, lower-case hex
    BRANCH = "branch"
    REPOSITORY = "repository"  # owner/name, lower case
    TICKET = "ticket"
    IDENTITY = "identity"  # pseudonym
    PARENT_SESSION = "parent_session"  # id of the session that started this one
    CHILD_SESSION = "child_session"  # id of a session that this one started
    FILE = "file"  # an edited file, as ``Pseudonyms.file`` names it
    TOOL_VERSION = "tool_version"
    EVALUATION = "evaluation"  # id/route/task of an evaluation that this session takes part in


class Context(Struct, frozen=True, kw_only=True, gc=False):
    """The dimensions that usage is reported and priced by, as the record itself names them.

    ``user`` is a pseudonym, ``tier`` the service tier of a model request (``fast``, ``priority``)
    where it is told and not the standard one. None where the telemetry does not say.
    """

    tool_version: str | None = None
    user: str | None = None
    team: str | None = None
    repo: str | None = None
    tier: str | None = None


class RequestAnswered(Struct, frozen=True, kw_only=True, gc=False):
    """A model request that came back, with the usage the tool reported for it."""

    model: str | None
    tokens: Tokens
    purpose: Purpose | None = None
    cost_nanousd: int | None = None


class RequestFailed(Struct, frozen=True, kw_only=True, gc=False):
    """A model request that the tool gave up on (retries that succeeded are not failures)."""

    model: str | None
    purpose: Purpose | None = None
    status_code: int | None = None


class Counted(Struct, frozen=True, kw_only=True, gc=False):
    """So many of a quantity. ``model`` and ``purpose`` matter for tokens and cost only."""

    quantity: Quantity
    amount: int
    item: str = ""
    model: str | None = None
    purpose: Purpose | None = None


class Traced(Struct, frozen=True, kw_only=True, gc=False):
    """A tie to the outside: this session made that commit, or worked on that branch."""

    trace: Trace
    value: str


Fact: TypeAlias = RequestAnswered | RequestFailed | Counted | Traced


class Origin(Struct, frozen=True):
    """Where records come from: a session, its sender, and the signal that tells.

    Many records have the same. ``rank`` orders the sources of one tool: of facts about the same
    quantity only those of the lowest rank count. ``session_id`` is None where the telemetry names
    no session; the facts are then booked to ``installation``, the pseudonym of whatever sent them.
    ``ties`` are those of the sender, which each of its records repeats.
    """

    tool: str
    session_id: str | None
    installation: str
    source: Source
    rank: int
    context: Context
    ties: tuple[Traced, ...] = ()


class Place(Struct, frozen=True, gc=False):
    """Where the span of a request stands: hashes of its trace, of itself and of what is around it.

    ``within`` is 0 where no span is, ``response`` where the response has no id.
    """

    trace: int
    span: int
    within: int
    response: int = 0


class Observation(Struct, frozen=True):
    """What one record says.

    ``key`` identifies the record across resends, re-batching and encodings; ``at_us`` is in
    microseconds since the epoch, and ``stated`` what the record states beside its origin's ties.
    ``place`` is told of a request whose span may repeat what others around or inside it tell; its
    first fact is that request. Of another span it says that requests inside it are of its session.
    """

    origin: Origin
    key: bytes
    at_us: int
    stated: tuple[Fact, ...]
    series: "Series | None" = None
    place: Place | None = None

    @property
    def at(self) -> datetime:
        """When it was recorded, as aware UTC."""
        return moment(self.at_us)

    @property
    def request(self) -> RequestAnswered | None:
        """The answered request that the record is of, if it is of one."""
        first = self.stated[0] if self.stated else None
        return first if isinstance(first, RequestAnswered) else None

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All that the record says, with the ties of its origin."""
        return (*self.stated, *self.origin.ties)


class Series(Struct, frozen=True, kw_only=True, gc=False):
    """A cumulative counter's reading: the one fact's ``amount`` is the value since ``start``.

    ``key`` identifies the series with its start time: a restarted process is another series.
    ``start_us`` is that time in microseconds since the epoch, where the record tells it.
    """

    key: bytes
    start_us: int | None = None


class Pass(StrEnum):
    """Why a record yields no observation."""

    IGNORED = "ignored"  # known, and of no use
    DUPLICATE_SOURCE = "duplicate_source"  # the same quantity is read from another signal
    UNKNOWN = "unknown"  # the dialect has never seen this name
    MALFORMED = "malformed"  # known, but without what makes it usable, for example any time


Outcome: TypeAlias = Observation | Pass
