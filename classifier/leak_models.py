"""Which models do as well as dearer ones at a type of work, in this company.

By the same statistics as verdicts (``classifier.posterior``), with a tool and a model as what is
judged: settled spend only, strata of work type and size, pieces of work instead of sessions.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

from classifier.cohort import pieces
from classifier.leak_detector import rates_of
from classifier.leak_usual import Cheaper
from classifier.posterior import Piece, Posterior, posterior
from classifier.thresholds import LeakThresholds
from domain.labels import JudgedChange, JudgedSession, Label, Maturity
from domain.leaks import Watched
from domain.tariff import cost_of
from domain.usage import Tokens, add

_COUNTED = frozenset({Label.PRODUCTIVE.value, Label.INEFFICIENT.value, Label.WASTEFUL.value})
SETTLING = timedelta(days=30)

Pair = tuple[str, str]
"""A tool and a model."""


def work_done(sessions: Iterable[Watched], as_of: datetime) -> list[Piece]:
    """Pieces of settled work, of sessions that are old enough; ``tool`` is a tool and a model."""
    counted: dict[Pair, list[JudgedSession]] = defaultdict(list)
    for session in sessions:
        model = session.model
        old = session.ended_at <= as_of - SETTLING
        if model is not None and old and session.final and session.label in _COUNTED:
            counted[session.tool, model].append(_judged(session))
    return [
        replace(piece, tool=spelled(pair))
        for pair, held in sorted(counted.items())
        for piece in pieces(held)
    ]


def mixed(before: Mapping[Pair, Tokens], sessions: Iterable[Watched]) -> dict[Pair, Tokens]:
    """What tokens each tool used of each model, before and in these sessions."""
    sums: dict[Pair, Tokens] = dict(before)
    for session in sessions:
        for each in session.tokens:
            if each.model is not None:
                held = sums.get((session.tool, each.model), Tokens())
                sums[session.tool, each.model] = Tokens(
                    input=add(held.input, each.input),
                    cache_read=add(held.cache_read, each.cache_read),
                    cache_write=add(held.cache_write, each.cache_write),
                    output=add(held.output, each.output),
                )
    return sums


def cheaper_models(
    work: Sequence[Piece],
    mix: Mapping[Pair, Tokens],
    as_of: datetime,
    thresholds: LeakThresholds,
) -> tuple[dict[tuple[str, str, str], Cheaper], frozenset[tuple[str, str, str]]]:
    """By tool, model and type of work: the cheapest that does as well; and which were compared."""
    held: dict[str, list[Piece]] = defaultdict(list)
    for piece in work:
        held[piece.tool].append(piece)
    enough = {name: own for name, own in held.items() if len(own) >= thresholds.model_pieces}
    spent = [piece for own in enough.values() for piece in own if piece.spend]
    if len(enough) <= 1 or not spent:
        return {}, frozenset()
    found = {name: posterior(name, spent) for name in sorted(enough)}
    compared: set[tuple[str, str, str]] = set()
    best: dict[tuple[str, str, str], tuple[float, Cheaper]] = {}
    for dear, other in permutations(sorted(found), 2):
        ratio = _ratio(_pair(dear), _pair(other), mix, as_of)
        for kind in _kinds(found[dear], found[other], thresholds):
            key = (*_pair(dear), kind)
            compared.add(key)
            probability = _as_good(found[dear], found[other], kind, thresholds.as_good_margin)
            cheap = ratio is not None and 1 - ratio >= thresholds.cheaper_by
            if ratio is None or not cheap or probability < thresholds.as_good:
                continue
            tool, model = _pair(other)
            by_piece = 1 - _a_piece(held[other], kind) / _a_piece(held[dear], kind)
            told = Cheaper(tool=tool, model=model, probability=probability, by_piece=by_piece)
            if key not in best or ratio < best[key][0]:
                best[key] = (ratio, told)
    return {key: told for key, (_, told) in best.items()}, frozenset(compared)


def spelled(pair: Pair) -> str:
    """A tool and a model as one name."""
    return "\0".join(pair)


def _pair(name: str) -> Pair:
    tool, _, model = name.partition("\0")
    return tool, model


def _judged(session: Watched) -> JudgedSession:
    changes = tuple(
        JudgedChange(
            repo=repo,
            number=number,
            title="",
            # The lines are those of all changes together: told once, they are not added up.
            work_type=session.work_type,
            lines=session.lines if place == 0 else None,
        )
        for place, (repo, number) in enumerate(session.changes)
    )
    return JudgedSession(
        tool=session.tool,
        session_id=session.session_id,
        person=session.person,
        started_at=session.ended_at,
        ended_at=session.ended_at,
        cost_nanousd=session.cost_nanousd,
        label=Label(session.label or Label.UNKNOWN),
        maturity=Maturity.FINAL,
        changes=changes,
    )


def _kinds(dear: Posterior, other: Posterior, thresholds: LeakThresholds) -> list[str]:
    """The types of work that both did enough of."""
    least = thresholds.model_pieces
    return [
        kind
        for kind in sorted(each for each in dear.by_type if each is not None)
        if min(dear.pieces[kind], other.pieces.get(kind, 0)) >= least
    ]


def _as_good(dear: Posterior, other: Posterior, kind: str, margin: float) -> float:
    draws = zip(other.by_type[kind], dear.by_type[kind], strict=True)
    good = [one >= than - margin for one, than in draws]
    return sum(good) / len(good)


def _ratio(dear: Pair, other: Pair, mix: Mapping[Pair, Tokens], at: datetime) -> float | None:
    """What the dear one's tokens would cost with the other model, over what they cost."""
    own, instead = rates_of(dear[1], at), rates_of(other[1], at)
    tokens = mix.get(dear)
    if own is None or instead is None or tokens is None:
        return None
    cost, less = cost_of(tokens, own), cost_of(tokens, instead)
    if not cost.pico or less.pico is None or cost.unpriced or less.unpriced:
        return None
    return less.pico / cost.pico


def _a_piece(work: Iterable[Piece], kind: str) -> float:
    """What a piece of such work costs, of those that cost anything, in nano-dollars."""
    costs = [piece.spend for piece in work if piece.stratum.work_type == kind and piece.spend]
    return sum(costs) / len(costs) if costs else 0.0
