"""How good a tool really is, as probabilities: standardised to one mix of work, partially pooled.

Tools are given different work, and what work they are given moves their success more than they do.
So shares are taken in strata (type of work and size), and a tool is judged by what its share would
be over the *company's* mix of strata. In most strata a tool has few pieces of work, so each share
is pulled towards what the stratum and the tool lead to expect:

- a stratum's own share, over all tools, pulled towards the company's with the weight of
  ``STRATUM_WEIGHT`` pieces;
- the tool's offset from it in log-odds, one number over all strata, with a normal prior of standard
  deviation ``OFFSET_SD`` around no difference (most tools differ by less than a factor of three);
- the tool's share in the stratum: a beta distribution around both, with the weight of
  ``CELL_WEIGHT`` pieces, updated by what was seen.

What counts is pieces of work, not sessions: sessions that share a change succeed or fail together.
A share of spend rests on the few expensive pieces, so their number is Kish's. Draws are made with a
fixed seed: the same facts give the same verdict.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

STRATUM_WEIGHT = 4.0
OFFSET_SD = 1.0
CELL_WEIGHT = 6.0
DRAWS = 1000

_NEWTON_STEPS = 30
_CLOSE_ENOUGH = 1e-9
# Shares of 0 and 1 have no log-odds.
_LEAST = 1e-3


@dataclass(frozen=True, slots=True, order=True)
class Stratum:
    """One kind of work: its type and its size, None where not known."""

    work_type: str | None
    size: str | None


UNTOLD = Stratum(None, None)
"""The stratum of work that left nothing to tell what it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One independent piece of work: sessions that hang together by shared changes.

    ``spend`` and ``productive`` (the part of it that was) in nano-dollars. ``survived`` is the
    number of its changes that survive, each by the part of it that is this tool's; None: not known.
    """

    tool: str
    stratum: Stratum
    spend: int
    productive: int
    survived: float | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """What one tool was seen to do in a stratum: the sums of its pieces' spend.

    ``squares`` is the sum of the squares of each piece's spend.
    """

    spend: float
    productive: float
    squares: float

    @property
    def share(self) -> float:
        """The productive share of spend."""
        return self.productive / self.spend

    @property
    def pieces(self) -> float:
        """The number of equally expensive pieces that the share rests on (Kish)."""
        return self.spend * self.spend / self.squares


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """What a tool's productive share may be, as equally likely draws.

    ``overall`` is over the company's mix of work, ``by_type`` over that of one type, ``by_stratum``
    in each stratum of the company; ``baseline`` the company's own share over the same mix,
    ``others`` that of all other tools. ``weight`` is each type's part of the tool's spend,
    ``pieces`` the number of equal pieces of it, ``stratum_pieces`` that in each stratum.
    """

    overall: tuple[float, ...]
    by_type: Mapping[str | None, tuple[float, ...]]
    by_stratum: Mapping[Stratum, tuple[float, ...]]
    stratum_pieces: Mapping[Stratum, float]
    baseline: float
    others: float
    weight: Mapping[str | None, float]
    pieces: Mapping[str | None, float]


def posterior(tool: str, pieces: Sequence[Piece]) -> Posterior:
    """What the productive share of this tool may be, from the pieces of all tools.

    Raises ValueError where no piece of any tool has cost anything.
    """
    tools = sorted({piece.tool for piece in pieces})
    by_tool = {name: cells(piece for piece in pieces if piece.tool == name) for name in tools}
    own = by_tool.get(tool, {})
    mix = _mix(by_tool.values())
    usual = _usual(mix, by_tool.values())
    others = _usual(mix, [held for name, held in by_tool.items() if name != tool])
    offset, spread = _offset(usual, own)
    draws = _drawn(tool, usual, own, offset, spread)
    types = {stratum.work_type for stratum in mix}
    spent = sum(cell.spend for cell in own.values())
    return Posterior(
        overall=_over(draws, mix),
        by_type={
            kind: _over(draws, {s: w for s, w in mix.items() if s.work_type == kind})
            for kind in types
        },
        by_stratum={stratum: tuple(of) for stratum, of in draws.items()},
        stratum_pieces={stratum: cell.pieces for stratum, cell in own.items()},
        baseline=sum(weight * usual[stratum] for stratum, weight in mix.items()),
        others=sum(weight * others[stratum] for stratum, weight in mix.items()),
        weight={
            kind: _of_type(kind, own, lambda cell: cell.spend) / (spent or 1) for kind in types
        },
        pieces={kind: _of_type(kind, own, lambda cell: cell.pieces) for kind in types},
    )


def cells(pieces: Iterable[Piece]) -> dict[Stratum, Cell]:
    """What one tool was seen to do in each stratum; where nothing was spent there is none.

    Work that came to nothing mostly leaves no change to tell its type or size. It can't be left in
    a stratum of its own: every tool's share there is zero, and the one that wastes more would not
    be seen to. It is taken to be spread as the tool's known work is.
    """
    held: defaultdict[Stratum, list[Piece]] = defaultdict(list)
    for piece in pieces:
        held[piece.stratum].append(piece)
    known = {
        stratum: cell
        for stratum in sorted(held, key=_sortable)
        if (cell := _cell(held[stratum])) is not None
    }
    untold = known.pop(UNTOLD, None)
    if untold is None or not known:
        return known if untold is None else {UNTOLD: untold}
    whole = sum(cell.spend for cell in known.values())
    return {stratum: _joined(cell, untold, cell.spend / whole) for stratum, cell in known.items()}


def _cell(pieces: Sequence[Piece]) -> Cell | None:
    spend = sum(piece.spend for piece in pieces)
    if not spend:
        return None
    squares = sum(piece.spend * piece.spend for piece in pieces)
    return Cell(spend, sum(piece.productive for piece in pieces), squares)


def _joined(one: Cell, other: Cell, part: float) -> Cell:
    """A cell together with so many of another's pieces, told as a part of them."""
    return Cell(
        one.spend + part * other.spend,
        one.productive + part * other.productive,
        one.squares + part * other.squares,
    )


def chance(draws: Sequence[float], at_least: float) -> float:
    """The probability that the share is at least this."""
    return sum(draw >= at_least for draw in draws) / len(draws)


def interval(draws: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Where the share lies with this probability, as much of the rest below it as above."""
    ordered = sorted(draws)
    out = round((1 - level) / 2 * len(ordered))
    return ordered[out], ordered[len(ordered) - 1 - out]


def mean(draws: Sequence[float]) -> float:
    """The expected share."""
    return sum(draws) / len(draws)


def _usual(
    strata: Iterable[Stratum], by_tool: Collection[Mapping[Stratum, Cell]]
) -> dict[Stratum, float]:
    """The share to expect in each stratum of whatever tool; pieces weigh, whatever they cost."""
    overall = _share_of([cell for own in by_tool for cell in own.values()])
    usual: dict[Stratum, float] = {}
    for stratum in strata:
        held = [own[stratum] for own in by_tool if stratum in own]
        seen = sum(cell.pieces for cell in held)
        pulled = STRATUM_WEIGHT * overall + seen * _share_of(held)
        usual[stratum] = _inside(pulled / (STRATUM_WEIGHT + seen))
    return usual


def _share_of(held: Sequence[Cell]) -> float:
    whole = sum(cell.pieces for cell in held)
    return sum(cell.pieces * cell.share for cell in held) / whole if whole else 0.0


def _offset(usual: Mapping[Stratum, float], own: Mapping[Stratum, Cell]) -> tuple[float, float]:
    """The tool's most likely offset from the usual log-odds, and its standard deviation."""
    offset = 0.0
    curvature = 1 / OFFSET_SD**2
    for _ in range(_NEWTON_STEPS):
        slope = -offset / OFFSET_SD**2
        curvature = 1 / OFFSET_SD**2
        for stratum, cell in own.items():
            expected = _share(_odds(usual[stratum]) + offset)
            slope += cell.pieces * (cell.share - expected)
            curvature += cell.pieces * expected * (1 - expected)
        step = slope / curvature
        offset += step
        if abs(step) < _CLOSE_ENOUGH:
            break
    return offset, curvature**-0.5


def _mix(by_tool: Iterable[Mapping[Stratum, Cell]]) -> dict[Stratum, float]:
    """Each stratum's part of the company's spend, in one order. Raises ValueError for nothing."""
    spent: defaultdict[Stratum, float] = defaultdict(float)
    for own in by_tool:
        for stratum, cell in own.items():
            spent[stratum] += cell.spend
    whole = sum(spent.values())
    if not whole:
        raise ValueError("nothing was spent")
    return {stratum: spent[stratum] / whole for stratum in sorted(spent, key=_sortable)}


def _drawn(
    tool: str,
    usual: Mapping[Stratum, float],
    own: Mapping[Stratum, Cell],
    offset: float,
    spread: float,
) -> dict[Stratum, list[float]]:
    """Draws of the tool's share in each stratum, also in those where it was never used."""
    drawing = random.Random(f"posterior of {tool}")  # noqa: S311
    draws: dict[Stratum, list[float]] = {stratum: [] for stratum in usual}
    for _ in range(DRAWS):
        drawn = drawing.gauss(offset, spread)
        for stratum, share in usual.items():
            centre = _inside(_share(_odds(share) + drawn))
            good, bad = CELL_WEIGHT * centre, CELL_WEIGHT * (1 - centre)
            if stratum in own:
                seen = own[stratum]
                good += seen.pieces * seen.share
                bad += seen.pieces * (1 - seen.share)
            draws[stratum].append(drawing.betavariate(good, bad))
    return draws


def _over(
    draws: Mapping[Stratum, Sequence[float]], mix: Mapping[Stratum, float]
) -> tuple[float, ...]:
    whole = sum(mix.values())
    return tuple(
        sum(weight * draws[stratum][number] for stratum, weight in mix.items()) / whole
        for number in range(DRAWS)
    )


def _of_type(
    kind: str | None, own: Mapping[Stratum, Cell], amount: Callable[[Cell], float]
) -> float:
    return sum(amount(cell) for stratum, cell in own.items() if stratum.work_type == kind)


def _sortable(stratum: Stratum) -> tuple[str, str]:
    return stratum.work_type or "", stratum.size or ""


def _inside(share: float) -> float:
    return min(max(share, _LEAST), 1 - _LEAST)


def _odds(share: float) -> float:
    return log(share / (1 - share))


def _share(odds: float) -> float:
    return 1 / (1 + exp(-odds))
