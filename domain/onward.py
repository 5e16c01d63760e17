"""How work goes on from one branch to the next until it lands."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol


class Merged(Protocol):
    """A branch was merged into another one."""

    @property
    def into(self) -> str:
        """The branch that it was merged into."""

    @property
    def at(self) -> datetime:
        """When that was."""


def landings(
    branch: str,
    since: datetime,
    onward: Callable[[str], Sequence[Merged]],
    lands: Callable[[str], bool],
) -> Iterator[datetime]:
    """When what a branch held since then reached any branch on which work lands.

    ``onward`` tells what a branch was merged into, ``lands`` whether work lands on one.
    """
    reached: dict[str, datetime] = {}
    frontier = [(branch, since)]
    while frontier:
        branch, since = frontier.pop()
        if branch in reached and reached[branch] <= since:
            continue
        reached[branch] = since
        for merge in onward(branch):
            if merge.at < since:
                continue
            if lands(merge.into):
                yield merge.at
            else:
                frontier.append((merge.into, merge.at))
