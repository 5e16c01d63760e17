"""What forges told us about the work: changes, commits, reviews, deployments, in one vocabulary.

A *change* is a pull or merge request. Providers parse their payloads into these values; texts of
comments, diffs and commit messages are read for references and dropped. Every value may arrive any
number of times and in any order: ``updated_at`` decides which of two states of a change is newer.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from domain.people import SamePerson
from domain.tickets import TicketMoved, TicketSeen, TicketTied


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
    """Who did it: pseudonyms of all identities told (login, e-mail), and whether it is a bot.

    ``name`` is the pseudonym of the display name: two people may share one, so it is medium
    evidence and never among ``identities``, which all belong to one person.
    """

    identities: tuple[str, ...]
    bot: bool = False
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One repository of a forge; ``name`` is ``owner/name`` in lower case."""

    forge: str
    name: str
    default_branch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSeen:
    """The state of a change at ``updated_at``. Counts are None where the payload has none.

    ``reverts`` holds the numbers of the changes that this one says it reverts, ``superseded_by``
    of those that it says replace it; ``tasks`` the ticket keys that title, body and branch name.
    ``tools`` are the coding tools that its text or author names as having made it: a lower bound,
    and never a session. ``labels`` are None where the payload does not list them. ``head_sha`` and
    ``merge_sha`` may be the first twelve digits only, where a forge tells no more. ``squash_sha``
    is the commit that its own were squashed to, where a merge commit then brought that.
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
    superseded_by: tuple[int, ...] = ()
    tasks: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None
    squash_sha: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTrailer:
    """A trailer in a commit message that names the session: ``Agent-Session: <tool>/<id>``."""

    tool: str
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTouched:
    """One file that a commit or change touches; counts of lines are None where not told.

    They are 0 where nobody writes them: in lock files and generated ones (``domain.effective``).
    ``file`` is what ``Pseudonyms.file`` makes of its path, so that it can be compared with the
    files that a session edited.
    """

    file: str
    additions: int | None = None
    deletions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitSeen:
    """One commit. ``reverts`` holds the (possibly short) SHAs its message says it reverts.

    ``authored_at`` survives a rebase or cherry-pick, ``committed_at`` does not; ``parents`` and
    ``files`` are None where the payload does not list them. ``tools`` are the coding tools that the
    message or the author names: a lower bound, and never a session.
    """

    sha: str
    author: Actor
    authored_at: datetime
    committed_at: datetime | None = None
    parents: tuple[str, ...] | None = None
    files: tuple[FileTouched, ...] | None = None
    sessions: tuple[SessionTrailer, ...] = ()
    reverts: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCommits:
    """The commits that a change holds at ``seen_at``, before any squash: what its forge lists."""

    repository: Repository
    number: int
    seen_at: datetime
    commits: tuple[CommitSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFiles:
    """The files that a change touches, all commits together, at ``seen_at``."""

    repository: Repository
    number: int
    seen_at: datetime
    files: tuple[FileTouched, ...]


class CheckState(StrEnum):
    """How a check (CI run, pipeline, build, commit status) stands."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"  # skipped, cancelled, or said to be neither


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSeen:
    """One check of a commit. ``at`` is when it took this state; the last state of a name stands."""

    repository: Repository
    sha: str
    name: str
    state: CheckState
    at: datetime


class DeploymentState(StrEnum):
    """How a deployment stands."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    INACTIVE = "inactive"  # replaced by a later one, or cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSeen:
    """A commit put into an environment. ``production`` as its forge or the name says it."""

    repository: Repository
    deployment_id: str
    sha: str
    environment: str
    production: bool
    state: DeploymentState
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRewritten:
    """One commit made anew as another: by amend, rebase, squash or cherry-pick."""

    repository: Repository
    old_sha: str
    new_sha: str
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryRenamed:
    """A repository got another name or owner: what happens there is told under that from then on.

    ``repository`` has the new name, ``before`` is the one that it had.
    """

    repository: Repository
    before: str
    at: datetime


WorkFact: TypeAlias = (
    ChangeSeen
    | ChangeCommits
    | ChangeFiles
    | CommitsPushed
    | CommitRewritten
    | ReviewSeen
    | CheckSeen
    | DeploymentSeen
    | RepositoryRenamed
    | TicketSeen
    | TicketMoved
    | TicketTied
    | SamePerson
)
