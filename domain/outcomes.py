"""What became of a change, as far as can be told at a moment (``classifier.change_outcomes``).

Everything here is as of a moment and looks at nothing later. None means that nobody told it or
that it has not happened; the fields say which.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.closing import ClosedReason
from domain.labels import Maturity


class Route(StrEnum):
    """How work landed."""

    MERGED = "merged"  # the change was merged into the default or a release branch
    STACKED = "stacked"  # into another branch, which landed later
    MANUAL = "manual"  # nobody told of a merge, but its head is on the default branch


class WorkType(StrEnum):
    """What kind of work a change is."""

    BUG = "bug"
    FEATURE = "feature"
    MAINTENANCE = "maintenance"
    DOCS = "docs"
    TEST = "test"
    REFACTOR = "refactor"
    TOOLING = "tooling"


class WorkTypeSource(StrEnum):
    """What told the kind of work, the surest first."""

    TRACKER = "tracker"  # the type of a ticket that it is tied to
    LABEL = "label"
    TITLE = "title"  # a conventional commit: "fix(cart): …"
    BRANCH = "branch"  # a prefix: "fix/…"
    MODEL = "model"  # a model of the company's own titles


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOfWork:
    """A kind of work, what told it, and how sure that is (1 unless a model says it)."""

    work_type: WorkType
    source: WorkTypeSource
    confidence: float = 1.0


class SizeBucket(StrEnum):
    """Lines added and deleted, in the ranges by which changes are compared."""

    UNDER_10 = "under_10"
    UNDER_50 = "10_49"
    UNDER_200 = "50_199"
    UNDER_500 = "200_499"
    UNDER_1000 = "500_999"
    FROM_1000 = "from_1000"


class Deployed(StrEnum):
    """Whether a landed change runs in production."""

    YES = "yes"
    NOT_YET = "not_yet"  # every production deployment since is known not to contain it
    UNKNOWN = "unknown"  # there were some of which nobody told what they contain
    NOT_TOLD = "not_told"  # no production deployment of the repository was ever told


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Whether and when a change was first deployed; ``at`` is None unless it was."""

    state: Deployed
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rework:
    """How much of a landed change was worked on again within the window.

    No provider tells whose lines a later change rewrites, so this is a proxy by files: ``touched``
    is the share of the change's files that a later change on the default branch touched, ``usual``
    the share to be expected from how often these files were touched before. ``lines_at_most`` is
    the share of its added lines that can have been rewritten, given how many lines were deleted
    from these files since; None where lines were not told. ``complete`` says that the window is
    over. ``heavy_at`` is when it became heavy rework, None if it did not.
    """

    files: int
    touched: float
    usual: float
    lines_at_most: float | None
    complete: bool
    heavy_at: datetime | None

    @property
    def excess(self) -> float:
        """The share of files touched beyond what is usual for them."""
        return max(0.0, self.touched - self.usual)


class TieSource(StrEnum):
    """What ties a change to a ticket, the surest first."""

    PROVIDER = "provider"  # the forge's closing list, or the tracker's own link
    NAMED = "named"  # its key in the title, text or branch of the change
    COMMIT = "commit"  # its key in a commit of the change
    SESSION = "session"  # the ``ticket.id`` that a session linked to the change told


@dataclass(frozen=True, slots=True, kw_only=True)
class TiedTask:
    """A ticket that a change is tied to, and what became of that ticket.

    ``validated`` is False where no tracker told of the key's project, so that nobody knows whether
    there is such a ticket. ``done_at`` is None unless it was done in time after the change landed,
    ``reopened_at`` unless it was then reopened in time.
    """

    key: str
    source: TieSource
    validated: bool
    done_at: datetime | None = None
    reopened_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOutcome:
    """What became of one change.

    ``reverted_at`` is None where its revert was reverted itself: then ``relanded`` is true.
    ``revert_is_weak`` means that only its title says so. ``takeover`` is the share of the commits
    of a change made by an agent that people made without one, None for other changes.
    ``unreviewed`` says that it was merged without review by a person; None where the forge tells
    of no reviews at all.
    """

    repo: str
    number: int
    title: str
    opened_at: datetime
    merged_at: datetime | None
    closed_at: datetime | None
    landed_at: datetime | None
    route: Route | None
    deployment: Deployment | None
    reverted_at: datetime | None
    revert_is_weak: bool
    relanded: bool
    rework: Rework | None
    review_rounds: int
    first_review_at: datetime | None
    unreviewed: bool | None
    lines: int | None
    size: SizeBucket | None
    first_commit_at: datetime | None
    abandoned: Maturity | None
    closed_reason: ClosedReason | None
    tasks: tuple[TiedTask, ...]
    takeover: float | None
    kind: KindOfWork | None

    @property
    def time_to_first_review(self) -> timedelta | None:
        """From opening to the first feedback by another person."""
        return _span(self.opened_at, self.first_review_at)

    @property
    def time_to_merge(self) -> timedelta | None:
        """From opening to landing."""
        return _span(self.opened_at, self.landed_at)

    @property
    def lead_time(self) -> timedelta | None:
        """From its first commit (author's time) to landing."""
        return _span(self.first_commit_at, self.landed_at)

    @property
    def time_to_deploy(self) -> timedelta | None:
        """From landing to production."""
        return _span(self.landed_at, self.deployment.at if self.deployment else None)


def _span(since: datetime | None, until: datetime | None) -> timedelta | None:
    """The time between the two; None where one is missing, or where clocks contradict."""
    if since is None or until is None or until < since:
        return None
    return until - since
