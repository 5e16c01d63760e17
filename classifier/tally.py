"""What a ratio takes of sums by label, gathered in one pass."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from classifier.intervals import effective, share_of
from domain.contributions import Counts, Standing
from domain.efficiency import Share, Spent
from domain.labels import Label, Maturity
from store.report_outcomes import Wanted

SETTLED = frozenset({Label.PRODUCTIVE, Label.INEFFICIENT, Label.WASTEFUL})
"""Labels that count in a ratio, once they are final."""
_OPEN = frozenset({Label.PENDING, Label.UNKNOWN})
_SAID = frozenset(Label) - _OPEN
_GOOD = frozenset({Label.PRODUCTIVE})
BRIEF = ("sessions", "priced", "cost_nanousd", "cost_squares")
"""The counts that a ratio is made of."""
DOUBTS = ("incomplete", "lower_bounds")
"""The counts of sessions whose numbers are too low, for all that is known."""
TALLIED = (
    *(Wanted("sessions"), Wanted("priced"), Wanted("cost_nanousd")),
    *(Wanted("cost_nanousd", _SAID), Wanted("cost_nanousd", _SAID, final=True)),
    *(Wanted(name, SETTLED, final=True) for name in BRIEF),
    *(Wanted("sessions", _GOOD, final=True), Wanted("cost_nanousd", _GOOD, final=True)),
    *map(Wanted, DOUBTS),
)
"""The fields of a tally in their order, as sums to be read."""
_NANO_A_SQUARED_UNIT = 100_000


class Tally(NamedTuple):
    """Sessions and cost in nano-dollars: of all, of those of which something is said, and settled.

    ``said`` have a label that is neither pending nor unknown, ``final`` one that is final as well,
    ``settled`` one that counts in a ratio, and ``good`` were productive. Of all of them something
    is missing of ``incomplete``, and ``lower_bounds`` cost more than is known.
    """

    sessions: int = 0
    priced: int = 0
    cost: int = 0
    said_cost: int = 0
    final_cost: int = 0
    settled_sessions: int = 0
    settled_priced: int = 0
    settled_cost: int = 0
    settled_squares: int = 0
    good_sessions: int = 0
    good_cost: int = 0
    incomplete: int = 0
    lower_bounds: int = 0

    @property
    def ratio(self) -> Share | None:
        """The productive share of settled spend; None where nothing settled has cost anything."""
        return _ratio(self.good_cost, self.settled_cost, self.settled_squares, self.settled_priced)

    @property
    def ratio_by_sessions(self) -> Share | None:
        """The productive share of settled sessions; None where there are none."""
        return share_of(self.good_sessions, self.settled_sessions, self.settled_sessions)

    @property
    def coverage(self) -> float | None:
        """The share of spend whose label says something, final or not."""
        return self.said_cost / self.cost if self.cost else None

    @property
    def settled_share(self) -> float:
        """The share of spend whose label is final, neutral ones too."""
        return self.final_cost / self.cost if self.cost else 0.0


# A time is compared with the four before it, so each is asked for again and again.
@lru_cache(maxsize=4096)
def _ratio(good: int, cost: int, squares: int, priced: int) -> Share | None:
    weight = effective(cost / _NANO_A_SQUARED_UNIT, squares)
    # Costs below a hundredth of a cent have no square: each session then counts as one.
    return share_of(good, cost, min(weight or priced, priced))


def tally(sums: Mapping[Standing, Counts]) -> Tally:
    """The tally of sums by label and rule: what ``TALLIED`` says, in one pass."""
    sessions = priced = cost = said = final = 0
    settled_sessions = settled_priced = settled_cost = settled_squares = 0
    good_sessions = good_cost = incomplete = lower = 0
    for (label, maturity, _), counts in sums.items():
        many, known, spent = (counts.get(name, 0) for name in BRIEF[:3])
        sessions, priced, cost = sessions + many, priced + known, cost + spent
        incomplete += counts.get("incomplete", 0)
        lower += counts.get("lower_bounds", 0)
        if label in _OPEN:
            continue
        said += spent
        if maturity != Maturity.FINAL:
            continue
        final += spent
        if label in SETTLED:
            settled_sessions, settled_priced = settled_sessions + many, settled_priced + known
            settled_cost += spent
            settled_squares += counts.get("cost_squares", 0)
            if label == Label.PRODUCTIVE:
                good_sessions, good_cost = good_sessions + many, good_cost + spent
    return Tally(
        sessions=sessions,
        priced=priced,
        cost=cost,
        said_cost=said,
        final_cost=final,
        settled_sessions=settled_sessions,
        settled_priced=settled_priced,
        settled_cost=settled_cost,
        settled_squares=settled_squares,
        good_sessions=good_sessions,
        good_cost=good_cost,
        incomplete=incomplete,
        lower_bounds=lower,
    )


def spent_by_label(sums: Mapping[Standing, Counts]) -> tuple[Spent, ...]:
    """What went to each label: labels in their own order, of each the costliest rule first."""
    by_label: dict[str, list[tuple[Standing, Counts]]] = defaultdict(list)
    for standing, counts in sums.items():
        by_label[standing.label].append((standing, counts))
    return tuple(_spent(label, by_label[label]) for label in Label if label in by_label)


def _spent(label: Label, told: Iterable[tuple[Standing, Counts]]) -> Spent:
    rules: dict[str, _Sum] = {}
    every = final = _Sum()
    for standing, counts in told:
        own = _Sum(*(counts.get(name, 0) for name in BRIEF[:3]))
        rules[standing.rule] = rules.get(standing.rule, _Sum()).plus(own)
        every = every.plus(own)
        if standing.maturity == Maturity.FINAL:
            final = final.plus(own)
    return Spent(
        label=label,
        sessions=every.sessions,
        cost_nanousd=every.known,
        unpriced_sessions=every.sessions - every.priced,
        final_sessions=final.sessions,
        final_nanousd=final.known if final.sessions else final.cost,
        rules={
            name: (own.sessions, own.known) for name, own in sorted(rules.items(), key=_dearest)
        },
    )


class _Sum(NamedTuple):
    """Sessions, those of known cost, and nano-dollars."""

    sessions: int = 0
    priced: int = 0
    cost: int = 0

    def plus(self, other: "_Sum") -> "_Sum":
        """Both together."""
        return _Sum(
            self.sessions + other.sessions, self.priced + other.priced, self.cost + other.cost
        )

    @property
    def known(self) -> int | None:
        """What they cost; None where that is not known of any.

        Telemetry that names no session costs something and is none.
        """
        return self.cost if self.priced or self.cost else None


def _dearest(rule: tuple[str, _Sum]) -> tuple[int, str]:
    name, own = rule
    return -own.cost, name


def together(tallies: Sequence[Tally]) -> Tally:
    """All of these together."""
    return Tally(*map(sum, zip(*tallies, strict=True))) if tallies else Tally()
