"""What became of the work at a given moment: landed, reverted, reviewed in how many rounds.

Every function takes ``as_of`` and looks at nothing later, so that it gives last month's answer
again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple

from domain.default_branches import DefaultBranches
from domain.labels import Feedback, Maturity
from domain.onward import landings
from domain.outcomes import Route, SizeBucket
from domain.work import ReviewState
from store.history import ChangeHistory, HeldCommit
from store.landing import BranchId, BranchMerged

_WANTS_WORK = frozenset({ReviewState.CHANGES_REQUESTED, ReviewState.COMMENTED})
# From so many lines on; as the reference ranges of review effort.
_SIZES = (
    (1000, SizeBucket.FROM_1000),
    (500, SizeBucket.UNDER_1000),
    (200, SizeBucket.UNDER_500),
    (50, SizeBucket.UNDER_200),
    (10, SizeBucket.UNDER_50),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """When and how work landed."""

    at: datetime
    route: Route


class Carried(NamedTuple):
    """The branch that a change was merged into landed, by the changes of these numbers."""

    at: datetime
    through: tuple[int, ...]


def lands_on(
    branch: str, defaults: DefaultBranches, release_branches: Iterable[str], at: datetime
) -> bool:
    """Tell whether a merge into this branch landed then: the default branch, or one for releases.

    ``release_branches`` are patterns like ``release/*``.
    """
    if defaults.has(branch, at):
        return True
    return any(fnmatchcase(branch, pattern) for pattern in release_branches)


def landing(
    change: ChangeHistory,
    carried: Sequence[Carried],
    arrived_at: datetime | None,
    release_branches: Collection[str],
    as_of: datetime,
) -> Landing | None:
    """Tell when and how the change landed by then; None if it did not.

    A merge into any other branch lands with the first merge of that branch, maybe through more
    (``carried``), or as soon as its merge commit is on the default branch (``arrived_at``). A
    change without a merge has landed where its head came there all the same: one that was closed,
    and one that is open because nobody told of its end.
    """
    merged_at = change.merged_at
    if merged_at is not None and merged_at <= as_of:
        if lands_on(change.base_ref, change.defaults, release_branches, merged_at):
            return Landing(at=merged_at, route=Route.MERGED)
        moments = [each.at for each in carried]
        if arrived_at is not None and merged_at <= arrived_at <= as_of:
            moments.append(arrived_at)
        return Landing(at=min(moments), route=Route.STACKED) if moments else None
    if arrived_at is not None and change.created_at <= arrived_at <= as_of:
        return Landing(at=arrived_at, route=Route.MANUAL)
    return None


def carried_on(
    change: ChangeHistory,
    onward: Mapping[BranchId, Sequence[BranchMerged]],
    release_branches: Collection[str],
    as_of: datetime,
) -> list[Carried]:
    """Follow the branch that a change was merged into to wherever it landed by then, first first.

    Empty for a change that was merged where work lands, or not at all.
    """
    merged_at, defaults = change.merged_at, change.defaults
    if merged_at is None or lands_on(change.base_ref, defaults, release_branches, merged_at):
        return []

    def of(branch: str) -> Iterator[BranchMerged]:
        return (each for each in onward.get((change.repo, branch), ()) if each.at <= as_of)

    def landed(branch: str, at: datetime) -> datetime | None:
        if lands_on(branch, defaults, release_branches, at):
            return at
        # Since it became the default branch itself, all that it held has landed.
        return defaults.reached(branch, at)

    return sorted(
        Carried(at, tuple(each.number for each in through))
        for at, through in landings(change.base_ref, merged_at, of, landed)
        if at <= as_of
    )


def last_active(opened_at: datetime, activity: Iterable[datetime], as_of: datetime) -> datetime:
    """Tell the last activity of the author's side by then: at least the opening itself."""
    return max([opened_at, *(at for at in activity if at <= as_of)])


def author_activity(change: ChangeHistory) -> list[datetime]:
    """List when the author's side did something: pushed, committed or answered."""
    answers = [piece.submitted_at for piece in change.feedback if piece.by_author]
    return [*work_moments(change), *answers]


def work_moments(change: ChangeHistory) -> list[datetime]:
    """List when work came to the change: its pushes, and its commits where no pushes are told.

    Merges are nobody's work: neither they nor pushes of nothing else are among it.
    """
    return list(change.pushed_at) or [each.at for each in change.commits if not each.joins]


def abandoned(
    active_at: datetime, provisional_days: int, final_days: int, as_of: datetime
) -> Maturity | None:
    """Tell whether an open change is abandoned by then, and how surely; None while it is not."""
    idle = as_of - active_at
    if idle >= timedelta(days=final_days):
        return Maturity.FINAL
    return Maturity.PROVISIONAL if idle >= timedelta(days=provisional_days) else None


def size_of(lines: int | None) -> SizeBucket | None:
    """Tell the range of lines added and deleted; None where they were not told."""
    if lines is None:
        return None
    return next((bucket for least, bucket in _SIZES if lines >= least), SizeBucket.UNDER_10)


def reviewed_at(feedback: Iterable[Feedback], as_of: datetime) -> datetime | None:
    """Tell when somebody else than the author, and no bot, first said anything by then."""
    said = (
        piece.submitted_at
        for piece in feedback
        if piece.by_human and not piece.by_author and piece.submitted_at <= as_of
    )
    return min(said, default=None)


def takeover(change: ChangeHistory, as_of: datetime) -> float | None:
    """Tell what share of the commits of an agent's change people made without an agent.

    An agent's change is one that a bot opened. Merges are nobody's work. None for changes of
    people, and where no commits were told.
    """
    commits = [each for each in change.commits if not each.joins and each.authored_at <= as_of]
    if not change.author_is_bot or not commits:
        return None
    return sum(_by_hand(each) for each in commits) / len(commits)


def _by_hand(commit: HeldCommit) -> bool:
    return not commit.by_bot and not commit.by_tool


def review_rounds(feedback: Iterable[Feedback], pushes: Iterable[datetime], as_of: datetime) -> int:
    """Count how often the author's side had to go over the change again.

    One round is human feedback by somebody else that wants work (a comment or a request for
    changes) and the push that follows. Several pieces of feedback before that push are one round,
    and so are several pushes without feedback between them.
    """
    asked = (
        piece.submitted_at
        for piece in feedback
        if piece.state in _WANTS_WORK and piece.by_human and not piece.by_author
    )
    # A push at the very moment of the feedback does not answer it: it sorts before.
    moments = sorted([*((at, True) for at in asked), *((at, False) for at in pushes)])
    rounds = 0
    waiting = False
    for at, asks in moments:
        if at > as_of:
            break
        rounds += waiting and not asks
        waiting = asks
    return rounds
