"""Commits made anew under other SHAs, as a rebase or cherry-pick makes them."""

import random
from collections.abc import Iterable
from dataclasses import replace

from simulation.history import Commit


def fresh(chance: random.Random) -> str:
    """A SHA that nothing has yet."""
    return f"{chance.getrandbits(160):040x}"


def rewritten(chance: random.Random, commits: Iterable[Commit]) -> list[Commit]:
    """The same work by the same authors of the same second, on something else."""
    made: list[Commit] = []
    parent = fresh(chance)
    for each in commits:
        made.append(replace(each, sha=fresh(chance), parent=parent))
        parent = made[-1].sha
    return made
