"""The ways in which work is taken back: a button, ``git revert`` by hand, force, or in part."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from simulation.history import Change, Commit, Ending, Piece, Push
from simulation.rewriting import fresh


def by_button(piece: Piece, _: random.Random) -> bool:
    """As GitHub's button does it: the branch names the change, the text names it, too."""
    change = _reverting(piece)
    if change is None or change.mentions is None:
        return False
    change.branch = f"revert-{{}}-{change.mentions.branch}"
    return True


def by_hand(piece: Piece, chance: random.Random, squash: bool) -> bool:
    """``git revert`` on the default branch: of a merge with ``-m 1``, else of each commit."""
    reverting = _reverting(piece)
    of = reverting and reverting.mentions
    if not reverting or not of or not of.merge or not reverting.merged_at:
        return False
    if piece.ending is not Ending.REVERTED:
        return False
    piece.changes.remove(reverting)
    landed = of.landed if of.landed and of.landed[-1].sha == of.merge.sha else None
    told = list(reversed(landed or [of.merge]))
    reversing = "" if landed or squash else f", reversing\nchanges made to {of.merge.parent}"
    _push(piece, of, told, reverting.merged_at, chance, reversing)
    return True


def in_part(piece: Piece, chance: random.Random, squash: bool) -> bool:
    """One of several commits is taken back some days later; the rest stands."""
    change = piece.changes[0]
    if piece.ending is not Ending.SHIPPED or not change.merged_at or not change.merge:
        return False
    landed = change.landed or ([] if squash else change.held())
    own = [each for each in landed if each.distinct and each.files]
    if not own[1:] or change.bases[-1][1] != "main":
        return False
    _push(piece, change, own[-1:], change.merged_at + timedelta(days=2), chance, "")
    return True


def by_force(
    piece: Piece, chance: random.Random, merges: Sequence[tuple[datetime, Commit]]
) -> bool:
    """Somebody forces the default branch back to what it was before the merge."""
    reverting = _reverting(piece)
    of = reverting and reverting.mentions
    if not reverting or not of or not of.merge or not of.merged_at:
        return False
    before = [commit for at, commit in merges if at < of.merged_at]
    if piece.ending is not Ending.REVERTED or of.bases[-1][1] != "main" or not before:
        return False
    piece.changes.remove(reverting)
    back = Push(
        repository=of.repository,
        branch="main",
        at=of.merged_at + timedelta(minutes=chance.uniform(5, 60)),
        commits=(),
        before=of.merge.sha,
        after=before[-1].sha,
    )
    piece.pushes.append(back)
    return True


def _reverting(piece: Piece) -> Change | None:
    """The change that takes the first one back, where there still is one."""
    told = (each for each in piece.changes if each.title.startswith("Revert"))
    return next(told, None)


def _push(
    piece: Piece,
    of: Change,
    commits: Sequence[Commit],
    at: datetime,
    chance: random.Random,
    reversing: str,
) -> None:
    made: list[Commit] = []
    parent = fresh(chance)
    for number, each in enumerate(commits):
        subject = each.message.partition("\n")[0].format(of.number)
        made.append(
            replace(
                each,
                sha=fresh(chance),
                author=of.author,
                authored_at=(at + timedelta(seconds=number)).replace(microsecond=0),
                message=f'Revert "{subject}"\n\nThis reverts commit {each.sha}{reversing}.',
                parent=parent,
                distinct=True,
            )
        )
        parent = made[-1].sha
    piece.pushes.append(
        Push(repository=of.repository, branch=of.bases[-1][1], at=at, commits=tuple(made))
    )
