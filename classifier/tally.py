"""What a ratio takes of sums by label, gathered in one pass."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from classifier.intervals import effective, share_of
from classifier.parting import SETTLED
from domain.contributions import Counts, Standing
from domain.efficiency import Share
from domain.labels import Label, Maturity

_OPEN = frozenset({Label.PENDING, Label.UNKNOWN})
_NANO_A_SQUARED_UNIT = 100_000


class Tally(NamedTuple):
    """Sessions and cost in nano-dollars: of all, of those of which something is said, and settled.

    ``said`` have a label that is neither pending nor unknown, ``final`` one that is final as well,
    ``settled`` one that counts in a ratio, and ``good`` were productive.
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

    @property
    def ratio(self) -> Share | None:
        """The productive share of settled spend; None where nothing settled has cost anything."""
        weight = effective(self.settled_cost / _NANO_A_SQUARED_UNIT, self.settled_squares)
        # Costs below a hundredth of a cent have no square: each session then counts as one.
        weight = min(weight or self.settled_priced, self.settled_priced)
        return share_of(self.good_cost, self.settled_cost, weight)

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


def tally(sums: Mapping[Standing, Counts]) -> Tally:
    """The tally of sums by label and rule."""
    return _gathered(
        (
            (standing.label, standing.maturity),
            (
                counts.get("sessions", 0),
                counts.get("priced", 0),
                counts.get("cost_nanousd", 0),
                counts.get("cost_squares", 0),
            ),
        )
        for standing, counts in sums.items()
    )


def tally_of_brief(held: Mapping[tuple[str, str], tuple[int, int, int, int]]) -> Tally:
    """The tally of brief sums (``store.report_outcomes.brief``) of one group."""
    return _gathered(held.items())


def together(tallies: Sequence[Tally]) -> Tally:
    """All of these together."""
    return Tally(*map(sum, zip(*tallies, strict=True))) if tallies else Tally()


def _gathered(
    told: Iterable[tuple[tuple[str, str], tuple[int, int, int, int]]],
) -> Tally:
    sessions = priced = cost = said = final = 0
    settled = [0, 0, 0, 0]
    good_sessions = good_cost = 0
    for (label, maturity), (many, known, spent, squares) in told:
        sessions, priced, cost = sessions + many, priced + known, cost + spent
        if label in _OPEN:
            continue
        said += spent
        if maturity != Maturity.FINAL:
            continue
        final += spent
        if label in SETTLED:
            for place, amount in enumerate((many, known, spent, squares)):
                settled[place] += amount
            if label == Label.PRODUCTIVE:
                good_sessions, good_cost = good_sessions + many, good_cost + spent
    return Tally(
        sessions=sessions,
        priced=priced,
        cost=cost,
        said_cost=said,
        final_cost=final,
        settled_sessions=settled[0],
        settled_priced=settled[1],
        settled_cost=settled[2],
        settled_squares=settled[3],
        good_sessions=good_sessions,
        good_cost=good_cost,
    )
