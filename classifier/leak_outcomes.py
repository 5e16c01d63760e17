"""Spend that bought nothing, and spend that would have bought the same for less."""

from collections.abc import Iterator

from classifier.leak_detector import Answer, Detector, rates_of, share_shown
from classifier.leak_usual import Usual
from classifier.thresholds import LeakThresholds
from domain.labels import Label
from domain.leaks import Group, Money, Untold, Watched
from domain.tariff import cost_of
from domain.usage import Tokens

_NOTHING_CAME = "nothing_came_of_it"


def _no_commit(session: Watched, _: Usual, __: LeakThresholds) -> Answer:
    """All that the session cost."""
    if session.label is None or session.label == Label.PENDING:
        return Untold.NOT_SETTLED
    if session.label == Label.UNKNOWN:
        return Untold.OUTCOME_UNKNOWN
    if session.rule != _NOTHING_CAME:
        return None
    if not session.final:
        return Untold.NOT_SETTLED
    if session.cost_nanousd is None:
        return Untold.PRICE_UNKNOWN
    cost = session.cost_nanousd
    return Money(low=cost, estimate=cost, high=cost) if cost else None


def _dear(session: Watched, usual: Usual, thresholds: LeakThresholds) -> Answer:
    """What the same tokens, or the same work, would have cost less with the cheaper model."""
    model = session.model
    if model is None or session.work_type is None:
        return Untold.QUANTITY_UNTOLD
    key = (session.tool, model, session.work_type)
    if key not in usual.compared:
        return Untold.NO_COMPARISON
    cheaper = usual.cheaper.get(key)
    if cheaper is None:
        return None
    ratio, spent = _priced(session, model, cheaper.model)
    if ratio is None or session.cost_nanousd is None:
        return Untold.PRICE_UNKNOWN
    by_price = 1 - ratio
    if by_price < thresholds.cheaper_by:
        return None
    low, high = sorted((by_price, cheaper.by_piece))
    return Money.between(spent * low, spent * by_price, spent * high, most=session.cost_nanousd)


def _priced(session: Watched, model: str, instead: str) -> tuple[float | None, int]:
    """What the tokens of a model would cost with another, over what they cost; and what they did.

    Both are list prices but the last, which is nano-dollars as they are shown everywhere.
    """
    own, other = rates_of(model, session.ended_at), rates_of(instead, session.ended_at)
    rows = [each for each in session.tokens if each.model == model]
    spent = sum(each.cost_nanousd or 0 for each in rows)
    if own is None or other is None:
        return None, spent
    tokens = Tokens(
        input=sum(each.input or 0 for each in rows),
        cache_read=sum(each.cache_read or 0 for each in rows),
        cache_write=sum(each.cache_write or 0 for each in rows),
        cache_write_1h=sum(each.cache_write_1h or 0 for each in rows),
        output=sum(each.output or 0 for each in rows),
        reasoning=sum(each.reasoning or 0 for each in rows),
    )
    dear, cheap = cost_of(tokens, own), cost_of(tokens, other)
    if not dear.pico or cheap.pico is None or dear.unpriced or cheap.unpriced:
        return None, spent
    return cheap.pico / dear.pico, spent


def _no_commit_told(_: Group, __: Usual) -> str:
    return (
        "What these sessions cost, all of it, as their label is final. What somebody learned from"
        " them is not counted."
    )


def _dear_told(group: Group, usual: Usual) -> str:
    key = (group.tool, group.model or "", group.work_type or "")
    cheaper = usual.cheaper.get(key)
    if cheaper is None:
        return "When last measured no cheaper model did as well any more."
    less = share_shown(abs(cheaper.by_piece))
    piece = f"{less} less" if cheaper.by_piece >= 0 else f"{less} more"
    return (
        f"{cheaper.tool} with {cheaper.model} does as well at this work with a probability of"
        f" {cheaper.probability:.2f}; a piece of it costs {piece} there, which is the other bound."
    )


def detectors() -> Iterator[Detector]:
    """Both of them."""
    yield Detector(
        name="dear_model",
        sentence="At this type of work a model that costs less for the same tokens, by"
        " {cheaper_by} or more, does as well in this company (its productive share of settled spend"
        " is at most {as_good_margin} lower) with a probability of {as_good} or more.",
        money="What the model cost, times one less the ratio of both list prices for the same"
        " tokens. The other bound takes what a piece of such work costs with either instead: the"
        " cheaper model may take more tokens for it, or fewer.",
        fix="Make the cheaper model the default for this type of work, and leave the dear one to"
        " those who ask for it.",
        by=("model", "work_type"),
        test=_dear,
        told=_dear_told,
    )
    yield Detector(
        name="no_commit",
        sentence="It edited or committed, and long after its end no change and no landed commit of"
        " it is known: it is labelled wasteful by the rule `nothing_came_of_it`, for good.",
        money="What the session cost. Both bounds are the same, as nothing is estimated.",
        fix="Look at some of the sessions with those who know the work: tasks too vague for an"
        " agent, experiments that nobody calls so, work that is done elsewhere and not told (then"
        " connect that forge).",
        by=("team",),
        test=_no_commit,
        told=_no_commit_told,
        settles_days=31,
    )
