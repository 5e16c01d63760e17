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
    """A commit with the paths of its files.

    ``distinct`` is false for one that another branch has had before, as its forge tells it.
    """

    sha: str
    author: str
    authored_at: datetime
    message: str
    files: tuple[str, ...]
    parent: str
    distinct: bool = True


@dataclass(slots=True, kw_only=True)
class Session:
    """One session of a tool. ``failures`` are calls that failed, the same one each time.

    ``remote`` is the repository that its clone came from, where the tool is told to say so.
    """

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
    remote: str | None = None


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

    ``bases`` are the branches that it was to be merged into, each with the time since which. Its
    own branch lies in ``fork``, where that is another repository, of which nothing is delivered. A
    push whose number is in ``forced`` took the place of all before. ``landed`` is what its merge
    brought beside the merge commit; None: what its repository's way of merging brings.
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
    bases: tuple[tuple[datetime | None, str], ...] = ((None, "main"),)
    fork: str | None = None
    forced: set[int] = field(default_factory=set)
    landed: list[Commit] | None = None

    def held(self) -> list[Commit]:
        """The commits of its branch in the end, the first one first."""
        since = max(self.forced, default=0)
        return [each for _, commits in self.pushes[since:] for each in commits if each.distinct]


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Commits that came to a branch by hand.

    Where ``before`` is told, they replaced that; ``after`` is the branch's new tip, where that is
    none of them.
    """

    repository: str
    branch: str
    at: datetime
    commits: tuple[Commit, ...]
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """What a repository is called from ``at`` on: itself, or its default branch."""

    repository: str
    at: datetime
    name: str | None = None
    branch: str | None = None


@dataclass(slots=True, kw_only=True)
class Piece:
    """One ticket's work with one tool, from the first session to what became of it.

    ``pushes`` are those beside its changes, ``shapes`` what is unusual about its history.
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
    pushes: list[Push] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class History:
    """The company and all its pieces of work, by time."""

    company: Company
    since: datetime
    until: datetime
    pieces: list[Piece]
    renamings: tuple[Renaming, ...] = ()
