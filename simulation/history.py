"""What happened: sessions, commits, changes and tickets, with the truth about each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from simulation.company import Company, WorkType


class Ending(StrEnum):
    """What became of a piece of work."""

    SHIPPED = "shipped"
    RELANDED = "relanded"  # reverted, and landed again within days
    ENDLESS = "endless"  # shipped after too many rounds of review
    COSTLY = "costly"  # shipped, for many times the tokens of its like
    REVERTED = "reverted"
    REJECTED = "rejected"  # closed after a request for changes
    STALLED = "stalled"  # opened, and never touched again
    UNPUSHED = "unpushed"  # edited, and never committed
    SUPERSEDED = "superseded"  # closed in favour of another change, which shipped
    EXPERIMENT = "experiment"  # said to be one, and closed
    QUESTION = "question"  # nothing was edited


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One model request: its tokens by bucket, and how long after the session's start it came."""

    after_s: float
    input: int
    cache_read: int
    cache_write: int
    output: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit with the paths of its files."""

    sha: str
    author: str
    authored_at: datetime
    message: str
    files: tuple[str, ...]
    parent: str


@dataclass(slots=True, kw_only=True)
class Session:
    """One session of a tool. ``failures`` are calls that failed, the same one each time."""

    id: str
    tool: str
    developer: str
    started_at: datetime
    ended_at: datetime
    repository: str
    branch: str
    requests: Sequence[Request]
    files: tuple[str, ...] = ()
    lines: int = 0
    failures: int = 0
    commits: list[Commit] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Review:
    """What a reviewer said: ``approved`` or ``changes_requested``."""

    reviewer: str
    state: str
    at: datetime


@dataclass(slots=True, kw_only=True)
class Change:
    """A pull request with everything that happened to it.

    Numbers are given once all of a repository's changes are known; ``{}`` in ``body`` stands for
    the number of the change that it ``mentions``.
    """

    repository: str
    title: str
    body: str
    branch: str
    author: str
    opened_at: datetime
    lines: int
    pushes: list[tuple[datetime, list[Commit]]]
    mentions: "Change | None" = None
    number: int = 0
    reviews: list[Review] = field(default_factory=list)
    merged_at: datetime | None = None
    closed_at: datetime | None = None
    merge: Commit | None = None


@dataclass(slots=True, kw_only=True)
class Piece:
    """One ticket's work with one tool, from the first session to what became of it.

    ``settled_at`` is when its ending became known to anybody; None for what never ends by an event.
    """

    ticket: str | None
    title: str
    team: str
    tool: str
    work_type: WorkType
    ending: Ending
    sessions: list[Session]
    changes: list[Change]
    created_at: datetime
    settled_at: datetime | None


@dataclass(slots=True, kw_only=True)
class History:
    """The company and all its pieces of work, by time."""

    company: Company
    since: datetime
    until: datetime
    pieces: list[Piece]
