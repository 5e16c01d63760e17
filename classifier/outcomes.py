"""What became of the work at a given moment: landed, reverted, reviewed in how many rounds.

Every function takes ``as_of`` and looks at nothing later, so that it gives last month's answer
again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from domain.default_branches import DefaultBranches
from domain.labels import Feedback, Maturity, Revert, Target
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
    onward: Mapping[BranchId, Sequence[BranchMerged]],
    arrived_at: datetime | None,
    release_branches: Collection[str],
    as_of: datetime,
) -> Landing | None:
    """Tell when and how the change landed by then; None if it did not.

    A merge into any other branch lands with the first merge of that branch, maybe through more
    (``onward``), or as soon as its merge commit is on the default branch (``arrived_at``). A change
    without a merge has landed where its head came there all the same: one that was closed, and one
    that is open because nobody told of its end.
    """
    merged_at = change.merged_at
    if merged_at is not None and merged_at <= as_of:
        if lands_on(change.base_ref, change.defaults, release_branches, merged_at):
            return Landing(at=merged_at, route=Route.MERGED)
        later = _landings_of(change, onward, release_branches)
        moments = [at for at in later if at <= as_of]
        if arrived_at is not None and merged_at <= arrived_at <= as_of:
            moments.append(arrived_at)
        return Landing(at=min(moments), route=Route.STACKED) if moments else None
    if arrived_at is not None and change.created_at <= arrived_at <= as_of:
        return Landing(at=arrived_at, route=Route.MANUAL)
    return None


def _landings_of(
    change: ChangeHistory,
    onward: Mapping[BranchId, Sequence[BranchMerged]],
    release_branches: Collection[str],
) -> Iterator[datetime]:
    """Follow the branch that a change was merged into, to wherever it lands."""

    def of(branch: str) -> Sequence[BranchMerged]:
        return onward.get((change.repo, branch), ())

    def landed(branch: str, at: datetime) -> datetime | None:
        if lands_on(branch, change.defaults, release_branches, at):
            return at
        # Since it became the default branch itself, all that it held has landed.
        return change.defaults.reached(branch, at)

    return landings(change.base_ref, change.merged_at or change.created_at, of, landed)


def last_active(opened_at: datetime, activity: Iterable[datetime], as_of: datetime) -> datetime:
    """Tell the last activity of the author's side by then: at least the opening itself."""
    return max([opened_at, *(at for at in activity if at <= as_of)])


def reverted_at(reverts: Iterable[Revert], as_of: datetime) -> dict[Target, datetime | None]:
    """Tell when each target was reverted, or None where it stands again (its revert was reverted).

    A revert counts once it has landed, unless it is undone itself; so an even chain re-lands. Of
    several reverts in force the earliest gives the time. Reverts that undo each other in a circle
    contradict themselves: nothing follows from them, and their targets stand.
    """
    undone_by = _landed_edges(reverts, as_of)
    in_force = _in_force(undone_by)
    return {
        target: min((at for by, at in edges.items() if by in in_force), default=None)
        for target, edges in undone_by.items()
    }


def _in_force(undone_by: Mapping[Target, Mapping[Target, datetime]]) -> set[Target]:
    """Find what nothing in force undoes, from the ends of the chains backwards."""
    in_force: set[Target] = set()
    undone: set[Target] = set()
    undecided = {*undone_by, *(by for edges in undone_by.values() for by in edges)}
    found = True
    while found:
        found = False
        for target in list(undecided):
            by = undone_by.get(target, {}).keys()
            if by & in_force:
                undone.add(target)
            elif by <= undone:
                in_force.add(target)
            else:
                continue
            undecided.remove(target)
            found = True
    return in_force


def _landed_edges(
    reverts: Iterable[Revert], as_of: datetime
) -> Mapping[Target, dict[Target, datetime]]:
    """Map each target to what undid it and when that landed; the earliest of several times."""
    edges: dict[Target, dict[Target, datetime]] = defaultdict(dict)
    for revert in reverts:
        if revert.landed_at is not None and revert.landed_at <= as_of:
            known = edges[revert.reverted].get(revert.reverting, revert.landed_at)
            edges[revert.reverted][revert.reverting] = min(known, revert.landed_at)
    return edges


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
