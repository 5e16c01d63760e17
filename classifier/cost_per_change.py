"""What a surviving change costs with a tool, over the company's mix of work, and how sure that is.

All settled spend counts, also that of work which came to nothing: it is part of the price of what
survives. In each stratum (``classifier.posterior``) a tool has a cost a piece of work and a number
of surviving changes a piece. Few pieces tell little, so both are pulled, with the weight of
``CELL_WEIGHT`` pieces, towards the company's there times what the tool takes elsewhere against the
company. The two sums over the company's mix of pieces give the ratio.

How sure it is comes from drawing the tool's own pieces again and again (a cluster bootstrap:
sessions and changes that hang together are drawn together), with a fixed seed.
"""

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from classifier.posterior import CELL_WEIGHT, UNTOLD, Piece, Stratum, interval

DRAWS = 400
# More pieces are drawn in so many bundles of several: the spread is the same, and time bounded.
_MOST_CLUSTERS = 1_000


@dataclass(slots=True)
class Tally:
    """Sums over pieces of one stratum: how many, their spend, the changes of them that survive."""

    pieces: float = 0.0
    spend: float = 0.0
    survived: float = 0.0

    def take(self, other: "Tally") -> None:
        """Add another's sums."""
        self.pieces += other.pieces
        self.spend += other.spend
        self.survived += other.survived


Tallies = dict[Stratum, Tally]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Cost of a surviving change in nano-dollars, and equally likely values of it."""

    nanousd: float
    draws: tuple[float, ...]

    @property
    def interval(self) -> tuple[float, float]:
        """Where it lies with a probability of 95 %."""
        return interval(self.draws)


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of one tool: ``over`` any strata.

    Of the tool's pieces as they are and of each draw there are two numbers by stratum: cost a
    piece, and surviving changes a piece.
    """

    own: Tally
    mix: Mapping[Stratum, float]
    _rates: Mapping[Stratum, tuple[float, float]]
    _drawn: Sequence[Mapping[Stratum, tuple[float, float]]]

    def over(self, strata: Collection[Stratum] | None = None) -> Estimate | None:
        """The cost over the company's mix of these strata; None where nothing is known there."""
        mix = self.mix if strata is None else {s: self.mix[s] for s in strata if s in self.mix}
        expected = _ratio(self._rates, mix)
        if expected is None:
            return None
        drawn = (_ratio(rates, mix) for rates in self._drawn)
        return Estimate(expected, tuple(each for each in drawn if each is not None))


@dataclass(frozen=True, slots=True)
class Company:
    """All tools' pieces of work: the mix of strata, and what a piece costs and leaves in each."""

    mix: Mapping[Stratum, float]
    usual: Mapping[Stratum, tuple[float, float]] = field(repr=False)


def company(work: Iterable[Sequence[Piece]]) -> Company | None:
    """The company's costs from every tool's pieces; None where no stratum is known."""
    whole: Tallies = defaultdict(Tally)
    for pieces in work:
        for stratum, tally in _spread(_tallied(_known(pieces))).items():
            whole[stratum].take(tally)
    number = sum(tally.pieces for stratum, tally in whole.items() if stratum != UNTOLD)
    if not number:
        return None
    strata = sorted((s for s in whole if s != UNTOLD), key=_sortable)
    return Company(
        mix={stratum: whole[stratum].pieces / number for stratum in strata},
        usual={
            stratum: (
                whole[stratum].spend / whole[stratum].pieces,
                whole[stratum].survived / whole[stratum].pieces,
            )
            for stratum in strata
        },
    )


def costs(
    name: str, pieces: Sequence[Piece], company: Company | None, known: float
) -> Costs | None:
    """What surviving changes cost with one tool.

    None where less than ``known`` (a share) of its spend is of pieces of which it was told whether
    they survive, or where none does.
    """
    told = _known(pieces)
    spent = sum(piece.spend for piece in pieces)
    enough = spent and sum(piece.spend for piece in told) >= known * spent
    own = Tally()
    for tally in _tallied(told).values():
        own.take(tally)
    if company is None or not enough or not own.survived:
        return None
    drawn = [_pulled(again, company) for again in _drawn(name, told)]
    return Costs(own, company.mix, _pulled(_tallied(told), company), drawn)


def _drawn(name: str, pieces: Sequence[Piece]) -> Iterator[Tallies]:
    """Sums over as many of these pieces as there are, drawn with replacement, again and again."""
    strata = sorted({piece.stratum for piece in pieces}, key=_sortable)
    place = {stratum: number for number, stratum in enumerate(strata)}
    # Plain numbers: all the time goes into adding them up.
    clusters = [
        [(place[s], tally.pieces, tally.spend, tally.survived) for s, tally in cluster.items()]
        for cluster in _clusters(name, pieces)
    ]
    drawing = random.Random(f"cost with {name}")  # noqa: S311
    for _ in range(DRAWS):
        number, spend, survived = ([0.0] * len(strata) for _ in range(3))
        for cluster in drawing.choices(clusters, k=len(clusters)):
            for at, pieces_there, spend_there, survived_there in cluster:
                number[at] += pieces_there
                spend[at] += spend_there
                survived[at] += survived_there
        sums = zip(strata, number, spend, survived, strict=True)
        yield {stratum: Tally(*told) for stratum, *told in sums if told[0]}


def _known(pieces: Iterable[Piece]) -> list[Piece]:
    return [piece for piece in pieces if piece.survived is not None]


def _tallied(pieces: Iterable[Piece]) -> Tallies:
    found: Tallies = defaultdict(Tally)
    for piece in pieces:
        found[piece.stratum].take(Tally(1.0, float(piece.spend), piece.survived or 0.0))
    return found


def _clusters(name: str, pieces: Sequence[Piece]) -> list[Tallies]:
    """What is drawn together: single pieces, or bundles of them where there are very many."""
    ordered = sorted(pieces, key=lambda p: (_sortable(p.stratum), p.spend, p.survived or 0.0))
    random.Random(f"bundles of {name}").shuffle(ordered)  # noqa: S311
    number = min(len(ordered), _MOST_CLUSTERS)
    return [_tallied(ordered[start::number]) for start in range(number)]


def _spread(tallies: Tallies) -> Tallies:
    """With the spend that left nothing to tell what it was for put on the tool's known work.

    It is a cost of that work, not work of another kind (as in ``classifier.posterior``).
    """
    untold = tallies.get(UNTOLD)
    known = {stratum: tally for stratum, tally in tallies.items() if stratum != UNTOLD}
    whole = sum(tally.spend for tally in known.values())
    if untold is None or not whole:
        return known or tallies
    factor = 1 + untold.spend / whole
    return {s: Tally(t.pieces, t.spend * factor, t.survived) for s, t in known.items()}


def _pulled(told: Tallies, company: Company) -> Mapping[Stratum, tuple[float, float]]:
    """Cost and surviving changes a piece in every stratum of the company."""
    own = _spread(told)
    cost, usual_cost, left, usual_left = 0.0, 0.0, 0.0, 0.0
    for stratum, tally in own.items():
        usual = company.usual.get(stratum)
        if usual is not None:
            cost, usual_cost = cost + tally.spend, usual_cost + tally.pieces * usual[0]
            left, usual_left = left + tally.survived, usual_left + tally.pieces * usual[1]
    dearer = cost / usual_cost if usual_cost else 1.0
    better = left / usual_left if usual_left else 1.0
    rates = {}
    for stratum, (a_piece, survived) in company.usual.items():
        tally = own.get(stratum) or Tally()
        weight = tally.pieces + CELL_WEIGHT
        rates[stratum] = (
            (tally.spend + CELL_WEIGHT * dearer * a_piece) / weight,
            (tally.survived + CELL_WEIGHT * better * survived) / weight,
        )
    return rates


def _ratio(
    rates: Mapping[Stratum, tuple[float, float]], mix: Mapping[Stratum, float]
) -> float | None:
    survived = sum(weight * rates[stratum][1] for stratum, weight in mix.items())
    cost = sum(weight * rates[stratum][0] for stratum, weight in mix.items())
    return cost / survived if survived else None


def _sortable(stratum: Stratum) -> tuple[str, str]:
    return stratum.work_type or "", stratum.size or ""
