"""What reverts undid at a given moment, and what stands again.

A revert counts once it has landed, unless it is undone itself; so an even chain re-lands. A change
is undone with the commit that its merge made, or with all of its pieces: not with some.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.labels import Revert, Target

_Ways: TypeAlias = Mapping[Target, Sequence[Sequence[Mapping[Target, datetime]]]]
"""The ways in which each target is undone: of several reverts one each of all that it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """When a target was undone: ``at`` is None where it stands (again).

    ``first_at`` is the first time ever, by reverts that may have been undone since.
    """

    at: datetime | None
    first_at: datetime


def undone_at(reverts: Iterable[Revert], as_of: datetime) -> dict[Target, Undone]:
    """What of the targets was undone by then, maybe to stand again.

    Of several reverts in force the earliest gives the time, and of several pieces the last. Reverts
    that undo each other in a circle contradict themselves: nothing follows from them, and their
    targets stand.
    """
    ways = _ways(_ever_in_force(reverts, as_of))
    in_force, _ = _standing(ways)
    return {
        target: Undone(
            at=min((at for way in of if (at := _moment(way, in_force)) is not None), default=None),
            first_at=min(at for way in of if (at := _moment(way)) is not None),
        )
        for target, of in ways.items()
    }


def reverted_at(reverts: Iterable[Revert], as_of: datetime) -> dict[Target, datetime | None]:
    """When each target that was ever undone by then was, or None where it stands again."""
    return {target: undone.at for target, undone in undone_at(reverts, as_of).items()}


def own_chains(reverts: Iterable[Revert], as_of: datetime) -> Mapping[Target, frozenset[Target]]:
    """The changes that took each target back and took that back again: neither is rework.

    Where only a piece was undone, and that stands, what undid it worked the target over.
    """
    landed = _landed(reverts, as_of)
    _, undone = _standing(_ways(_ever_in_force(landed, as_of)))
    told: dict[Target, set[Target]] = defaultdict(set)
    brought: dict[Target, frozenset[Target]] = {}
    for revert in landed:
        brought[revert.reverting] = revert.within
        if revert.piece is None or revert.reverting in undone:
            told[revert.reverted].add(revert.reverting)
    return {
        target: frozenset(each for by in _reached(target, told) for each in brought[by])
        for target in told
    }


def _reached(start: Target, told: Mapping[Target, Collection[Target]]) -> set[Target]:
    reached: set[Target] = set()
    frontier = set(told.get(start, ()))
    while frontier:
        reached |= frontier
        frontier = {by for each in frontier for by in told.get(each, ())} - reached
    return reached


def _landed(reverts: Iterable[Revert], as_of: datetime) -> list[Revert]:
    return [each for each in reverts if each.landed_at is not None and each.landed_at <= as_of]


def _ever_in_force(reverts: Iterable[Revert], as_of: datetime) -> list[Revert]:
    """Those that landed, without what was undone by the very change that brought it."""
    landed = _landed(reverts, as_of)
    within = {each.reverting: each.within for each in landed}
    inside = [each for each in landed if each.within & within.get(each.reverted, frozenset())]
    _, never = _standing(_ways(inside))
    return [each for each in landed if each.reverting not in never]


def _ways(reverts: Iterable[Revert]) -> _Ways:
    whole: dict[Target, dict[Target, datetime]] = defaultdict(dict)
    pieces: dict[tuple[Target, Target, int], dict[str, dict[Target, datetime]]] = defaultdict(dict)
    for each in reverts:
        if each.landed_at is None:
            continue
        if each.piece is None:
            by = whole[each.reverted]
        else:
            group = pieces[each.reverted, each.piece.of, each.piece.count]
            by = group.setdefault(each.piece.sha, {})
        by[each.reverting] = min(each.landed_at, by.get(each.reverting, each.landed_at))
    ways: dict[Target, list[Sequence[Mapping[Target, datetime]]]] = defaultdict(list)
    for target, by in whole.items():
        ways[target].append((by,))
    for (target, _, count), of in pieces.items():
        if len(of) == count:
            ways[target].append(tuple(of.values()))
    return ways


def _standing(ways: _Ways) -> tuple[set[Target], set[Target]]:
    """What nothing in force undoes, and what is undone, from the ends of the chains backwards."""
    in_force: set[Target] = set()
    undone: set[Target] = set()
    undecided = {*ways, *(by for of in ways.values() for way in of for each in way for by in each)}
    found = True
    while found:
        found = False
        for target in list(undecided):
            of = ways.get(target, ())
            if any(all(each.keys() & in_force for each in way) for way in of):
                undone.add(target)
            elif all(any(each.keys() <= undone for each in way) for way in of):
                in_force.add(target)
            else:
                continue
            undecided.remove(target)
            found = True
    return in_force, undone


def _moment(
    way: Sequence[Mapping[Target, datetime]], in_force: Collection[Target] | None = None
) -> datetime | None:
    """When a way came true, by reverts in force or (None) by any; None where it did not."""
    moments = [
        min((at for by, at in each.items() if in_force is None or by in in_force), default=None)
        for each in way
    ]
    told = [at for at in moments if at is not None]
    return max(told) if len(told) == len(moments) else None
