"""What a forge told us about the work: changes, commits, reviews, in one vocabulary.

A *change* is a pull or merge request. Providers parse their payloads into these values; texts of
comments, diffs and commit messages are read for references and dropped. Every value may arrive any
number of times and in any order: ``updated_at`` decides which of two states of a change is newer.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


class ChangeState(StrEnum):
    """Where a change stands. ``closed`` means closed without a merge."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class ReviewState(StrEnum):
    """What a reviewer said."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    COMMENTED = "commented"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did it: pseudonyms of all identities told (login, e-mail), and whether it is a bot."""

    identities: tuple[str, ...]
    bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One repository of a forge; ``name`` is ``owner/name`` in lower case."""

    forge: str
    name: str
    default_branch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSeen:
    """The state of a change at ``updated_at``. Counts are None where the payload has none.

    ``reverts`` holds the numbers of the changes that this one says it reverts; ``tasks`` the ticket
    keys that title, body and branch name.
    """

    repository: Repository
    number: int
    state: ChangeState
    draft: bool
    title: str
    author: Actor
    head_ref: str
    head_sha: str
    base_ref: str
    head_repository: str | None
    merge_sha: str | None
    created_at: datetime
    updated_at: datetime
    merged_at: datetime | None
    closed_at: datetime | None
    additions: int | None = None
    deletions: int | None = None
    changed_files: int | None = None
    commit_count: int | None = None
    reverts: tuple[int, ...] = ()
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTrailer:
    """A trailer in a commit message that names the session: ``Agent-Session: <tool>/<id>``."""

    tool: str
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitSeen:
    """One commit. ``reverts`` holds the (possibly short) SHAs its message says it reverts."""

    sha: str
    author: Actor
    authored_at: datetime
    sessions: tuple[SessionTrailer, ...] = ()
    reverts: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitsPushed:
    """A push to a branch. ``after`` is the branch's new tip, also where it lists no commits."""

    repository: Repository
    branch: str
    before: str
    after: str
    forced: bool
    pushed_at: datetime
    commits: tuple[CommitSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSeen:
    """One review of a change, or its dismissal."""

    repository: Repository
    number: int
    review_id: str
    state: ReviewState
    reviewer: Actor
    submitted_at: datetime


WorkFact: TypeAlias = ChangeSeen | CommitsPushed | ReviewSeen
