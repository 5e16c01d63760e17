"""How work goes on from one branch to the next until it lands."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar


class Merged(Protocol):
    """A branch was merged into another one."""

    @property
    def into(self) -> str:
        """The branch that it was merged into."""

    @property
    def at(self) -> datetime:
        """When that was."""


_Key = TypeVar("_Key")
_Merged = TypeVar("_Merged", bound=Merged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """From which branch (repository, name) a change brings work to which.

    ``merged_at`` and ``ended_at`` (merged or closed) are None where that has not happened.
    """

    head: tuple[str, str]
    base: tuple[str, str]
    merged_at: datetime | None
    ended_at: datetime | None


def carrying(ways: Mapping[_Key, Way]) -> set[_Key]:
    """Which of the changes that hold one commit only carry it on, as a release does.

    Another one had brought it to their branch before. The first to be merged is never among them.
    """
    return {
        later
        for later, way in ways.items()
        if any(_brought_before(way, other) for other in ways.values())
    }


def _brought_before(way: Way, other: Way) -> bool:
    if other.base != way.head or other.merged_at is None:
        return False
    return way.ended_at is None or other.merged_at < way.ended_at


def landings(
    branch: str,
    since: datetime,
    onward: Callable[[str], Iterable[_Merged]],
    landed: Callable[[str, datetime], datetime | None],
) -> Iterator[tuple[datetime, tuple[_Merged, ...]]]:
    """When what came to a branch then reached any branch on which work lands, and by which merges.

    ``onward`` tells what a branch was merged into; ``landed`` when what came to one then has landed
    there, which may be later, once it became such a branch, or never.
    """
    reached: dict[str, datetime] = {}
    frontier: list[tuple[str, datetime, tuple[_Merged, ...]]] = [(branch, since, ())]
    while frontier:
        branch, since, through = frontier.pop()
        at = landed(branch, since)
        if at is not None:
            yield at, through
        if at == since or (branch in reached and reached[branch] <= since):
            continue
        reached[branch] = since
        later = (each for each in onward(branch) if each.at >= since)
        frontier += [(each.into, each.at, (*through, each)) for each in later]
