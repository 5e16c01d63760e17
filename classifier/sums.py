"""Sums of what sessions bought, by time and group: read, remembered, and added."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TypeAlias

from classifier.parting import Pieces
from classifier.tally import Tally, spent_by_label, tally
from domain.contributions import NOTHING, Counts, Standing
from domain.efficiency import Spent
from store import report_outcomes
from store.engine import Connection
from store.report_outcomes import Slice, Summed

Bucket: TypeAlias = int | None
"""The first week of the time that a row is about; None: all of the period."""


class Sums(dict[Standing, Counts]):
    """Counts by label, maturity and rule; never changed, so what follows is worked out once."""

    @cached_property
    def tally(self) -> Tally:
        """What a ratio takes of them."""
        return tally(self)

    @cached_property
    def counted(self) -> Counter[str]:
        """The sums over all labels."""
        found = Counter[str]()
        for counts in self.values():
            found.update(counts)
        return found

    @cached_property
    def spent(self) -> tuple[Spent, ...]:
        """What went to each label."""
        return spent_by_label(self)


Held: TypeAlias = Mapping[tuple[Bucket, str], Sums]
"""Sums by time and group."""

Placed: TypeAlias = Callable[[Summed], tuple[Bucket, str]]
"""Where a sum belongs."""


def held(
    made: Pieces,
    wanted: Slice,
    placed: Placed,
    how: Hashable,
    *,
    by_value: bool = True,
    by_span: bool = False,
) -> Held:
    """The sums of a slice, each where ``placed`` says; ``how`` tells all that this depends on."""
    weeks, parts = made.weeks, _parts(made, wanted)
    found: Held = {}
    for place, part in enumerate(parts, 1):
        told = tuple(parts[:place])
        make = partial(_with, found, weeks.connection, part, placed, by_value, by_span)
        key = "sums", told, how, by_value, by_span
        found = weeks.remembered(key, (span for each in told for span in each.spans), make, _many)
    return found


def _with(
    before: Held,
    connection: Connection,
    part: Slice,
    placed: Placed,
    by_value: bool,
    by_span: bool,
) -> Held:
    """What stands before, and what this part adds."""
    read = report_outcomes.summed(connection, part, by_value=by_value, by_span=by_span)
    found = _held((*placed(each), each) for each in read)
    return _joined((before, found)) if before else found


def _parts(made: Pieces, wanted: Slice) -> list[Slice]:
    if wanted.shown is None:
        return [replace(wanted, spans=tuple(sorted(of))) for of in made.parts(wanted.spans)]
    shown = dict(wanted.shown)
    return [
        replace(wanted, spans=of, shown=tuple((span, shown[span]) for span in of))
        for of in (tuple(sorted(part)) for part in made.parts(shown))
    ]


def added(all_of: Iterable[Mapping[Standing, Counts]]) -> Sums:
    """All of these together."""
    return _gathered(each for sums in all_of for each in sums.items())


def without(whole: Mapping[Standing, Counts], known: Mapping[Standing, Counts]) -> Sums:
    """What is left of these when those are taken out."""
    left: dict[Standing, Counts] = {}
    for standing, counts in whole.items():
        less = known.get(standing, NOTHING)
        rest = {name: amount - less.get(name, 0) for name, amount in counts.items()}
        if any(rest.values()):
            left[standing] = {name: amount for name, amount in rest.items() if amount}
    return Sums(left)


def _held(told: Iterable[tuple[Bucket, str, Summed]]) -> Held:
    found: dict[tuple[Bucket, str], list[tuple[Standing, Counts]]] = defaultdict(list)
    for bucket, value, each in told:
        found[bucket, value].append((each.standing, each.counts))
    return {key: _gathered(of) for key, of in found.items()}


def _joined(parts: Iterable[Held]) -> Held:
    found: dict[tuple[Bucket, str], Sums] = {}
    for part in parts:
        for key, sums in part.items():
            known = found.get(key)
            found[key] = sums if known is None else _both(known, sums)
    return found


def _both(one: Sums, other: Sums) -> Sums:
    """As ``added``, in a third of the time: thousands are put together so with each session."""
    found = Sums(one)
    for standing, counts in other.items():
        known = found.get(standing, NOTHING)
        more = {name: known.get(name, 0) + amount for name, amount in counts.items()}
        found[standing] = {**known, **more}
    return found


def _gathered(told: Iterable[tuple[Standing, Counts]]) -> Sums:
    found: dict[Standing, list[Counts]] = defaultdict(list)
    for standing, counts in told:
        found[standing].append(counts)
    return Sums({each: of[0] if len(of) == 1 else _total(of) for each, of in found.items()})


def _total(all_of: Sequence[Counts]) -> Counts:
    names = {name for counts in all_of for name in counts}
    return {name: sum([counts.get(name, 0) for counts in all_of]) for name in names}


def _many(told: Held) -> int:
    return sum(map(len, told.values()))
