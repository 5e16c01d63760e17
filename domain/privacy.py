"""The privacy floor: what may be told apart so that no answer is about fewer than k people.

Groups are told apart in fixed pieces of time, never in the period that somebody asks for: in blocks
of four weeks (``part``), in single weeks where each of these has people enough, and two dimensions
crossed in quarters of twelve weeks (``cross``). An answer is a sum of such pieces. So whatever two
answers are subtracted, what is left is a sum of pieces as well, each of k people or more.

Sessions whose person is not told are nobody's: they never make a group large enough.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from heapq import heappop, heappush
from operator import or_
from typing import TypeAlias

People: TypeAlias = int
"""A set of people: a number of which the bit of each person's own number is set."""

Pair: TypeAlias = tuple[str, str]
_Line: TypeAlias = tuple[int, str]
_NOBODY: People = 0
_POOL = "\0pool"
# Ways by so many of the cheapest pairs of a row are tried for a first price.
_TRIED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """The groups of one block that may be shown; all others are one pool.

    ``weekly``: in each single week of the block; else only over all of it.
    """

    weekly: bool
    shown: frozenset[str]


def part(weeks: Mapping[int, Mapping[str, People]], floor: int) -> Parted | None:
    """How the groups of a block may be told apart; None: not even all of them together.

    ``weeks`` holds who is in each group that has sessions in a week. Where too few are in the pool,
    the smallest group that could be shown joins it. Single weeks are told only where no group is
    lost by it.
    """
    over_all = merged(weeks.values())
    if together(over_all.values()).bit_count() < floor:
        return None
    shown = _shown([over_all], floor)
    by_week = list(weeks.values())
    enough = all(together(held.values()).bit_count() >= floor for held in by_week)
    weekly = enough and _shown(by_week, floor) == shown
    return Parted(weekly=weekly, shown=shown)


def _shown(times: Collection[Mapping[str, People]], floor: int) -> frozenset[str]:
    """The groups that have people enough, at each time that they have any sessions at."""
    size = {group: who.bit_count() for group, who in merged(times).items()}
    shown = {
        group
        for group in size
        if all(held[group].bit_count() >= floor for held in times if group in held)
    }
    pool = size.keys() - shown
    joining = deque(sorted(shown, key=lambda group: (size[group], group)))
    while pool and joining and not _enough(pool, times, floor):
        group = joining.popleft()
        pool.add(group)
        shown.discard(group)
    return frozenset(shown)


def _enough(pool: Collection[str], times: Iterable[Mapping[str, People]], floor: int) -> bool:
    for held in times:
        present = [held[group] for group in pool if group in held]
        if present and together(present).bit_count() < floor:
            return False
    return True


def cross(
    cells: Mapping[Pair, People],
    ones: Collection[str],
    others: Collection[str],
    floor: int,
) -> frozenset[Pair]:
    """The pairs of values of two dimensions that may be shown, beside each dimension's own sums.

    ``ones`` and ``others`` are the values that are shown alone; all others of their dimension are
    one. A pair of fewer people is withheld. Since the sums of its row and column are known, that is
    not enough: others are withheld so that it lies on a ring of pairs, each in the row or column of
    the next, that are all withheld and all but it of people enough. Then whatever is added and
    subtracted, it never stands alone. Where there is no such ring, no pair is shown.
    """
    held = _pooled(cells, ones, others)
    large = {pair: who for pair, who in held.items() if who.bit_count() >= floor}
    lines: dict[_Line, list[Pair]] = {}
    for pair in sorted(large):
        lines.setdefault((0, pair[0]), []).append(pair)
        lines.setdefault((1, pair[1]), []).append(pair)
    withheld = {pair for pair in held if _POOL in pair}
    # What it costs to withhold a pair: its people; nothing where it is withheld already.
    costs = {pair: 0 if pair in withheld else who.bit_count() for pair, who in large.items()}
    joined = _Joined()
    for pair in withheld & large.keys():
        joined.join((0, pair[0]), (1, pair[1]))
    for line in lines.values():
        line.sort(key=costs.__getitem__)
    for pair in sorted(held.keys() - large.keys()):
        if joined.are((0, pair[0]), (1, pair[1])):
            continue  # Pairs that are withheld already lead round.
        ring = _ring(pair, lines, costs)
        if ring is None:
            return frozenset()
        withheld |= ring
        costs |= dict.fromkeys(ring, 0)
        for each in ring:
            lines[0, each[0]].sort(key=costs.__getitem__)
            lines[1, each[1]].sort(key=costs.__getitem__)
            joined.join((0, each[0]), (1, each[1]))
    return frozenset(large.keys() - withheld)


class _Joined:
    """Which rows (0) and columns (1) withheld pairs lead to from each other."""

    def __init__(self) -> None:
        self._above: dict[_Line, _Line] = {}

    def join(self, one: _Line, other: _Line) -> None:
        """A withheld pair lies in both."""
        self._above[self._top(one)] = self._top(other)

    def are(self, one: _Line, other: _Line) -> bool:
        """Whether withheld pairs lead from the one to the other."""
        return self._top(one) == self._top(other)

    def _top(self, line: _Line) -> _Line:
        while (above := self._above.get(line, line)) != line:
            self._above[line] = line = self._above.get(above, above)
        return line


def _pooled(
    cells: Mapping[Pair, People], ones: Collection[str], others: Collection[str]
) -> dict[Pair, People]:
    held: dict[Pair, People] = {}
    for (one, other), people in cells.items():
        pair = (one if one in ones else _POOL, other if other in others else _POOL)
        held[pair] = held.get(pair, _NOBODY) | people
    return held


def _ring(
    pair: Pair,
    lines: Mapping[_Line, Sequence[Pair]],
    costs: Mapping[Pair, int],
) -> set[Pair] | None:
    """Large pairs that lead from a pair's row to its column, at the least cost.

    ``lines`` are the large pairs of each row (0) and column (1), the cheapest first.
    """
    start, goal = (0, pair[0]), (1, pair[1])
    if goal not in lines:
        return None
    # A way that is known, and what the last step costs at least: what must cost more is not gone.
    best, last = _short_way(pair, lines, costs), costs[lines[goal][0]]
    waiting: list[tuple[int, _Line, tuple[Pair, ...]]] = [(0, start, ())]
    reached: set[_Line] = set()
    least: dict[_Line, int] = {}
    while waiting:
        cost, at, path = heappop(waiting)
        if at == goal:
            return set(path)
        if at in reached:
            continue
        reached.add(at)
        side = 1 - at[0]
        for each in lines.get(at, ()):
            to = (side, each[side])
            further = cost + costs[each]
            if best is not None and further > best:
                break
            if best is not None and to != goal and further > best - last:
                continue
            if to not in reached and further <= least.get(to, further):
                least[to] = further
                heappush(waiting, (further, to, (*path, each)))
                if to == goal:
                    best = further
    return None


def _short_way(
    pair: Pair, lines: Mapping[_Line, Sequence[Pair]], costs: Mapping[Pair, int]
) -> int | None:
    """What one way of three pairs costs, a cheap one where there is; None: none was found."""
    found: int | None = None
    for first in lines.get((0, pair[0]), ())[:_TRIED]:
        for second in lines[1, first[1]]:
            third = costs.get((second[0], pair[1]))
            if third is not None and second != first:
                cost = costs[first] + costs[second] + third
                found = cost if found is None else min(found, cost)
                break
    return found


def merged(times: Iterable[Mapping[str, People]]) -> dict[str, People]:
    """Who is in each group at any of these times."""
    found: dict[str, People] = {}
    for held in times:
        for group, who in held.items():
            found[group] = found.get(group, _NOBODY) | who
    return found


def together(sets: Iterable[People]) -> People:
    """Everybody who is in any of these."""
    return reduce(or_, sets, _NOBODY)
