"""Contexts that are larger than they need to be: grown without end, or large from the beginning."""

from collections.abc import Iterator

from classifier.leak_detector import Answer, Detector, Prompted, nano, prompted, rates_of
from classifier.leak_usual import Usual
from classifier.thresholds import LeakThresholds
from domain.leaks import Group, Money, Untold, Watched
from domain.tariff import Rates

_LONG, _LONGER = 100_000, 200_000
# A last prompt of less than this part of the largest tells a compaction that nothing counted.
_COMPACTED = 0.5


def _growth(session: Watched, _: Usual, thresholds: LeakThresholds) -> Answer:
    """What prompt tokens beyond the first 100,000 cost."""
    sizes = session.prompts
    if sizes is None:
        return Untold.QUANTITY_UNTOLD
    compacted = session.compactions or sizes.last < _COMPACTED * sizes.largest
    if sizes.over_100k < thresholds.long_requests or compacted:
        return None
    priced = _priced(session)
    if priced is None or session.cost_nanousd is None:
        return Untold.PRICE_UNKNOWN
    mean, least = priced[1], priced[2]
    between = sizes.over_100k - sizes.over_200k
    low = sizes.over_200k * (_LONGER - _LONG)
    low = max(low, sizes.largest - _LONG)
    high = sizes.over_200k * (sizes.largest - _LONG)
    high += between * (min(sizes.largest, _LONGER) - _LONG)
    return Money.between(
        nano(low, least),
        nano((low + high) / 2, mean),
        nano(high, mean),
        most=session.cost_nanousd,
    )


def _fixed(session: Watched, usual: Usual, thresholds: LeakThresholds) -> Answer:
    """What the excess of the first prompt cost, sent again with every request."""
    sizes = session.prompts
    if sizes is None or session.repo is None:
        return Untold.QUANTITY_UNTOLD
    first = usual.first.get((session.tool, session.repo))
    if first is None:
        return Untold.NO_COMPARISON
    excess = sizes.first - first.others
    if not _oversized(first.own, first.others, thresholds) or excess <= 0:
        return None
    priced = _priced(session)
    if priced is None or session.cost_nanousd is None:
        return Untold.PRICE_UNKNOWN
    rates, mean, least = priced
    sent = rates.cache_write or rates.input or 0
    surely = max(sizes.first - first.upper, 0)
    return Money.between(
        nano(surely * sizes.requests, least),
        nano(excess, sent) + nano(excess * (sizes.requests - 1), least),
        nano(excess * sizes.requests, max(mean, least)),
        most=session.cost_nanousd,
    )


def _oversized(own: float, others: float, thresholds: LeakThresholds) -> bool:
    excess = own - others
    relative = thresholds.first_excess_share * others
    return excess >= thresholds.first_excess_tokens and excess >= relative


def _priced(session: Watched) -> tuple[Rates, float, float] | None:
    """The rates of the session's main model, what a prompt token cost, and what it cost at least.

    In pico-dollars. The least is a cache read where the session read anything from the cache.
    """
    main = _main(session)
    rates = rates_of(main.model, session.ended_at) if main else None
    mean = main.rate(rates) if main and rates else None
    if main is None or rates is None or mean is None:
        return None
    least = rates.cache_read if main.cache_read and rates.cache_read is not None else mean
    return rates, mean, min(least, mean)


def _main(session: Watched) -> Prompted | None:
    return max(prompted(session), key=lambda each: (each.all, each.model or ""), default=None)


def _growth_told(_: Group, __: Usual) -> str:
    return (
        "Of each session it is known how many prompts were over 100,000 and over 200,000 tokens and"
        " how long the longest was, not each one's length: the bounds take the shortest and the"
        " longest that they can have been, the estimate the middle."
    )


def _fixed_told(group: Group, usual: Usual) -> str:
    first = usual.first.get((group.tool, group.repo or ""))
    if first is None:
        return "In the last four weeks there were too few sessions to compare with."
    return (
        f"The median first prompt here has {first.own:,.0f} tokens; in {first.repositories} other"
        f" repositories the median is {first.others:,.0f}, the third quartile {first.upper:,.0f}."
    )


def detectors() -> Iterator[Detector]:
    """Both of them."""
    yield Detector(
        name="context_growth",
        sentence="{long_requests} or more requests of a conversation had prompts of over 100,000"
        " tokens, and it was not compacted.",
        money="Prompt tokens beyond the first 100,000 of each request, at what the session's prompt"
        " tokens cost on average. Bounds: the shortest and the longest that these prompts can have"
        " been, the lower one at the price of a cache read.",
        fix="Begin a new session for a new task, compact earlier (most tools do so at a limit that"
        " can be set), and keep large files and logs out of the conversation.",
        by=("team",),
        test=_growth,
        told=_growth_told,
    )
    yield Detector(
        name="fixed_context",
        sentence="The median first prompt in this repository is larger than in the company's other"
        " repositories by {first_excess_share} of theirs and by {first_excess_tokens} tokens.",
        money="Tokens of the first prompt beyond the median of the other repositories: sent once,"
        " then read from the cache with every later request. Lower bound: only those beyond their"
        " third quartile, all at the price of a cache read. Upper bound: all at what the session's"
        " prompt tokens cost on average.",
        fix="Cut down what every session loads: long instruction files, tool servers (MCP) that"
        " nobody uses here, imported documents. What is needed now and then can be read on demand.",
        by=("repo",),
        test=_fixed,
        told=_fixed_told,
    )
