"""Shapes that the histories of real teams have, taken on by a share of a company's work.

``shaped`` changes a history that ``living`` made; ``assay demo`` shows none of it. A shape changes
by which commits and in whose words things went, never what came of them: the truth stays what the
ending says. Shares are ours: what is rare in life is common enough here to be seen in one company,
so they say how right each shape is, and nothing of how often it happens.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from simulation import endings
from simulation.history import Change, Commit, Ending, History, Piece, Push, Renaming
from simulation.reverting import by_button, by_force, by_hand, in_part
from simulation.rewriting import fresh, rewritten

_SHIPPING = frozenset({Ending.SHIPPED, Ending.COSTLY, Ending.ENDLESS})
_RELEASE = "release/1.0"
_SOON = timedelta(minutes=5)
# Half of a company's machines are told to name the repository that a clone comes from.
_NAMING = 0.5
# Whoever cloned under the old name mostly keeps it: the forge redirects.
_KEEPING = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a shape may draw from; ``merges`` are those of the repository before its change's."""

    chance: random.Random
    colleagues: Sequence[str]
    merges: Sequence[tuple[datetime, Commit]]
    squash: bool


_Shape: TypeAlias = Callable[[Piece, Around], bool]
"""Takes the shape on; False where this piece of work can't have it."""


def shaped(history: History) -> History:
    """The same history in other shapes."""
    chance = random.Random(f"shapes {history.company.seed}")
    merges = _merges(history)
    teams = {each.login: each.team for each in history.company.developers}
    for piece in history.pieces:
        if not piece.changes:
            continue
        first = piece.changes[0]
        around = Around(
            chance=chance,
            colleagues=[
                login
                for login, team in teams.items()
                if team == teams[first.author] and login != first.author
            ],
            merges=merges[first.repository],
            squash=first.repository in history.company.squashes,
        )
        for name, share, take in SHAPES:
            if chance.random() < share and take(piece, around):
                piece.shapes.append(name)
    endings.number(history.pieces)
    for change in (each for piece in history.pieces for each in piece.changes):
        if change.mentions:
            change.branch = change.branch.replace("{}", str(change.mentions.number))
    history.renamings = tuple(_renamings(history, chance))
    _name_repositories(history, chance)
    return history


def _merges(history: History) -> dict[str, list[tuple[datetime, Commit]]]:
    found: defaultdict[str, list[tuple[datetime, Commit]]] = defaultdict(list)
    for piece in history.pieces:
        for change in piece.changes:
            if change.merge and change.merged_at:
                found[change.repository].append((change.merged_at, change.merge))
    for merges in found.values():
        merges.sort(key=lambda each: each[0])
    return found


def _renamings(history: History, chance: random.Random) -> Iterator[Renaming]:
    """In the middle of it one repository is renamed, and the default branch of another."""
    one, other = chance.sample(
        sorted({name for team in history.company.teams for name in team.repositories}), 2
    )
    middle = history.since + (history.until - history.since) / 2
    yield Renaming(repository=one, at=middle, name=f"{one}-core")
    yield Renaming(repository=other, at=middle + timedelta(days=3), branch="trunk")


def _name_repositories(history: History, chance: random.Random) -> None:
    naming = {each.login for each in history.company.developers if chance.random() < _NAMING}
    renamed = {each.repository: each for each in history.renamings if each.name}
    for piece in history.pieces:
        for session in piece.sessions:
            moved = renamed.get(session.repository)
            if session.developer in naming:
                session.remote = session.repository
            if moved and moved.name and session.started_at >= moved.at:
                piece.shapes.append("after_renaming")
                if chance.random() >= _KEEPING:
                    session.repository = moved.name
                    session.remote = session.remote and moved.name


def _two_of_a_second(piece: Piece, around: Around) -> bool:
    """Each commit of a session is made as two with different files, in one command."""
    taken = False
    for session in piece.sessions:
        for commit in [each for each in session.commits if each.files[1:]]:
            half = len(commit.files) // 2
            one = replace(commit, sha=fresh(around.chance), files=commit.files[:half])
            two = replace(commit, parent=one.sha, files=commit.files[half:])
            for held in (session.commits, *_pushed(piece)):
                if commit in held:
                    where = held.index(commit)
                    held[where : where + 1] = [one, two]
            taken = True
    return taken


def _pushed(piece: Piece) -> Iterator[list[Commit]]:
    for change in piece.changes:
        for _, commits in change.pushes:
            yield commits


def _generated(piece: Piece, around: Around) -> bool:
    """The last commit of each session has a lock file with it that a command wrote."""
    for session in piece.sessions:
        for commit in session.commits[-1:]:
            wide = replace(commit, files=(*commit.files, "package-lock.json"))
            for held in (session.commits, *_pushed(piece)):
                if commit in held:
                    held[held.index(commit)] = wide
    piece.changes[0].lines += around.chance.randint(400, 6000)
    return True


def _updated(piece: Piece, around: Around) -> bool:
    """Somebody presses "Update branch" before it is merged."""
    change = piece.changes[0]
    at = _room(change)
    before = [commit for when, commit in around.merges if at and when < at]
    if at is None or not before:
        return False
    brought = replace(before[-1], distinct=False)
    join = Commit(
        sha=fresh(around.chance),
        author=around.chance.choice(around.colleagues),
        authored_at=at.replace(microsecond=0),
        message=f"Merge branch 'main' into {change.branch}",
        files=(),
        parent=change.held()[-1].sha,
    )
    change.pushes.append((at, [brought, join]))
    return True


def _room(change: Change) -> datetime | None:
    """Shortly before it was merged or closed, if nothing has been pushed since."""
    if change.closed_at is None:
        return None
    at = change.closed_at - _SOON
    return at if at > max(when for when, _ in change.pushes) else None


def _rebased_before(piece: Piece, around: Around) -> bool:
    """The author rebases the branch and forces it up before it is merged."""
    change = piece.changes[0]
    at = _room(change)
    if at is None:
        return False
    own = [each for each in change.held() if each.distinct and not each.message.startswith("Merge")]
    change.forced.add(len(change.pushes))
    change.pushes.append((at, rewritten(around.chance, own)))
    return True


def _from_a_fork(piece: Piece, _: Around) -> bool:
    """The branch lies in a fork, of which no pushes are told; whoever works there cloned it."""
    for change in piece.changes:
        if not change.title.startswith("Revert"):
            change.fork = f"{change.author}/{change.repository.partition('/')[2]}"
    for session in piece.sessions:
        session.repository = piece.changes[0].fork or session.repository
        session.remote = session.repository
    return True


def _stacked(piece: Piece, around: Around) -> bool:
    """The first session's part is a change of its own, on which the rest is stacked."""
    upper = piece.changes[0]
    at, merge = upper.merged_at, upper.merge
    if at is None or merge is None or len(piece.sessions) == 1 or upper.forced or upper.fork:
        return False
    if piece.ending not in (Ending.SHIPPED, Ending.REVERTED):
        # Of two changes only one may have been endless, or dear: what is the truth of each?
        return False
    first = piece.sessions[0]
    lines = upper.lines // len(piece.sessions)
    lower = Change(
        repository=upper.repository,
        title=f"{upper.title}: groundwork",
        body=upper.body,
        branch=f"{upper.branch}-base",
        author=upper.author,
        opened_at=first.ended_at + _SOON,
        lines=max(lines, 1),
        pushes=upper.pushes[:1],
    )
    first.branch, upper.lines = lower.branch, max(upper.lines - lines, 1)
    below = [replace(each, distinct=False) for each in lower.held()]
    when, commits = upper.pushes[1]
    upper.pushes[:2] = [(when, [*below, *commits])]
    upper.opened_at = max(when, upper.opened_at) + timedelta(seconds=30)
    early = max(at - timedelta(minutes=30), max(when for when, _ in upper.pushes) + _SOON)
    own = replace(merge, sha=fresh(around.chance), authored_at=early.replace(microsecond=0))
    if piece.ending is Ending.REVERTED or around.chance.random() < 0.5:  # noqa: PLR2004
        # Merged into the one below, which lands with both, and is what a revert names.
        upper.bases = ((None, lower.branch),)
        lower.merged_at = lower.closed_at = max(at, early + _SOON)
        lower.merge, upper.merge = merge, own
        lower.landed = None if around.squash else [*lower.held(), *upper.held(), own]
        lower.landed = [] if around.squash else lower.landed
        upper.merged_at = upper.closed_at = early
        for change in piece.changes[1:]:
            change.mentions = lower if change.mentions is upper else change.mentions
    else:
        lower.merged_at = lower.closed_at = early
        lower.merge = own
        upper.bases = ((None, lower.branch), (early + timedelta(minutes=1), "main"))
        upper.merged_at = upper.closed_at = max(at, early + _SOON)
    piece.changes.append(lower)
    return True


def _rebased(piece: Piece, around: Around) -> bool:
    """Merged by rebase: its commits come to the default branch under other SHAs."""
    change = piece.changes[0]
    if change.merge is None or len(change.bases) > 1 or "stacked" in piece.shapes:
        return False
    own = [each for each in change.held() if each.distinct and not each.message.startswith("Merge")]
    landed = rewritten(around.chance, own)
    landed[-1] = replace(landed[-1], sha=change.merge.sha)
    change.landed = landed
    change.merge = replace(landed[-1], parent=change.merge.parent)
    return True


def _hotfix(piece: Piece, _: Around) -> bool:
    """It is made for a release alone."""
    if piece.ending not in _SHIPPING | {Ending.REVERTED} or "stacked" in piece.shapes:
        return False
    for change in piece.changes:
        change.bases = ((None, _RELEASE),)
    return True


def _picked(piece: Piece, around: Around) -> bool:
    """What landed is picked to a release, where it may be taken back."""
    change = piece.changes[0]
    if piece.ending not in _SHIPPING or change.merged_at is None or change.merge is None:
        return False
    if change.bases[-1][1] != "main":
        return False
    at = change.merged_at + timedelta(hours=around.chance.uniform(1, 30))
    picked = replace(
        change.merge,
        sha=fresh(around.chance),
        message=f"{change.title}\n\n(cherry picked from commit {change.merge.sha})",
    )
    back = Change(
        repository=change.repository,
        title=f"{change.title} [{_RELEASE}]",
        body="Backport of #{}",
        mentions=change,
        branch="backport-{}",
        author=change.author,
        opened_at=at,
        lines=change.lines,
        pushes=[(at - timedelta(seconds=30), [picked])],
        bases=((None, _RELEASE),),
        merged_at=at + timedelta(hours=1),
        closed_at=at + timedelta(hours=1),
        merge=replace(picked, sha=fresh(around.chance), message=f"{change.title} (#{{}})"),
        landed=[],
    )
    piece.changes.append(back)
    if around.chance.random() < 0.3 and back.merge:  # noqa: PLR2004
        undone = replace(
            back.merge,
            sha=fresh(around.chance),
            message=f'Revert "{change.title}"\n\nThis reverts commit {back.merge.sha}.',
            authored_at=(at + timedelta(days=1)).replace(microsecond=0),
        )
        piece.pushes.append(
            Push(
                repository=change.repository,
                branch=_RELEASE,
                at=at + timedelta(days=1),
                commits=(undone,),
            )
        )
        piece.shapes.append("pick_reverted")
    return True


# In the order in which they are taken on: first what the commits are, then the branch, the merge,
# and what came after it.
SHAPES: Sequence[tuple[str, float, _Shape]] = (
    ("two_of_a_second", 0.15, _two_of_a_second),
    ("generated", 0.1, _generated),
    ("from_a_fork", 0.08, _from_a_fork),
    ("stacked", 0.3, _stacked),
    ("updated", 0.15, _updated),
    ("rebased_before", 0.12, _rebased_before),
    ("rebased", 0.25, _rebased),
    ("hotfix", 0.05, _hotfix),
    ("picked", 0.06, _picked),
    ("reverted_by_button", 0.3, lambda piece, around: by_button(piece, around.chance)),
    ("reverted_by_hand", 0.4, lambda piece, around: by_hand(piece, around.chance, around.squash)),
    (
        "taken_out_by_force",
        0.15,
        lambda piece, around: by_force(piece, around.chance, around.merges),
    ),
    ("reverted_in_part", 0.05, lambda piece, around: in_part(piece, around.chance, around.squash)),
)
