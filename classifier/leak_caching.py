"""Prompts that are paid in full again and again: caching that is off, and caching that is broken.

A conversation sends its whole context with every request. A working cache reads back what was sent
before, at about a tenth of the price.
"""

from collections.abc import Iterator

from classifier.leak_detector import (
    Answer,
    Detector,
    Prompted,
    nano,
    prompted,
    rates_of,
    share_shown,
)
from classifier.leak_usual import Usual
from classifier.thresholds import LeakThresholds
from domain.leaks import NOTHING, Group, Money, Untold, Watched
from domain.tariff import Rates


def _off(session: Watched, usual: Usual, thresholds: LeakThresholds) -> Answer:
    """What it would not have cost if repeated input had been read from the cache."""
    return _lost(session, usual, thresholds, written=False)


def _never_read(session: Watched, usual: Usual, thresholds: LeakThresholds) -> Answer:
    """What it would not have cost if what was written to the cache had been read."""
    return _lost(session, usual, thresholds, written=True)


def _lost(session: Watched, usual: Usual, thresholds: LeakThresholds, *, written: bool) -> Answer:
    if session.cost_nanousd is None:
        return Untold.PRICE_UNKNOWN
    lost, judged, why = NOTHING, False, Untold.QUANTITY_UNTOLD
    told = prompted(session)
    for each in told:
        if each.cache_read is None:
            continue
        if each.requests < thresholds.caching_requests or not _leaks(each, thresholds, written):
            judged = True
            continue
        rates = rates_of(each.model, session.ended_at)
        if rates is None or rates.input is None or rates.cache_read is None:
            why = Untold.PRICE_UNKNOWN
            continue
        judged = True
        low, estimate, high = _amounts(each, usual, session.tool, rates, written=written)
        lost += Money.between(low, estimate, high, most=session.cost_nanousd)
    if not judged:
        return why
    return _capped(lost, session.cost_nanousd) if lost.high else None


def _leaks(each: Prompted, thresholds: LeakThresholds, written: bool) -> bool:
    """Whether this is the one leak or the other; never both."""
    if not each.all:
        return False
    meant = each.cache_write / each.all >= thresholds.written_share
    read = each.cache_read or 0
    if meant:
        return written and read < thresholds.read_back * each.cache_write
    return not written and read / each.all < thresholds.caching_share


def _amounts(
    each: Prompted, usual: Usual, tool: str, rates: Rates, *, written: bool
) -> tuple[float, float, float]:
    sent, read = rates.input or 0, rates.cache_read or 0
    write = rates.cache_write or sent
    paid, tokens = (write, each.cache_write) if written else (sent, each.input)
    # At most everything that had been sent before.
    most = min(tokens, each.unread)
    reached = usual.caching.get((tool, each.model))
    if written:
        # At least what writing cost more than sending: nobody would have paid that for nothing.
        least = nano(most, max(write - sent, 0))
        high = nano(most, max(paid - read, 0))
        middle = (least + high) / 2
    else:
        least, high = 0.0, nano(most, max(paid - read, 0))
        middle = high / 2
    if reached is None:
        return least, middle, high
    gains = [
        nano(min(most, max(share * each.all - (each.cache_read or 0), 0)), max(paid - read, 0))
        for share in (reached.lower, reached.median)
    ]
    return max(least, gains[0]), max(least, gains[1]), high


def _capped(lost: Money, most: int) -> Money:
    return Money.between(lost.low, lost.estimate, lost.high, most=most)


def _told(group: Group, usual: Usual) -> str:
    reached = usual.caching.get((group.tool, group.model))
    if reached is None:
        return (
            "Nobody in the company uses this tool and model with a working cache, so the estimate"
            " lies halfway between the bounds."
        )
    return (
        f"Where caching works, {share_shown(reached.median)} of this tool's and model's prompt"
        f" tokens come from the cache (median of {reached.sessions} sessions in four weeks); the"
        f" lower bound takes their lower quartile, {share_shown(reached.lower)}."
    )


def detectors() -> Iterator[Detector]:
    """Both of them."""
    yield Detector(
        name="caching_off",
        sentence="Of the prompt tokens of {caching_requests} or more requests less than"
        " {caching_share} came from the cache, though the model's provider caches.",
        money="Input tokens that had been sent before, times the price of input less that of a"
        " cache read. Estimate: those that would come from the cache if this session reached the"
        " share that is usual for the tool and model in the company. Lower bound: the lower"
        " quartile of that share. Upper bound: all of them.",
        fix="Turn prompt caching on for this tool and model: look for a proxy or gateway that drops"
        " cache markers, a setting that disables caching, or text that changes at the beginning of"
        " each prompt (times, random ids).",
        by=("team", "model"),
        test=_off,
        told=_told,
    )
    yield Detector(
        name="cache_never_read",
        sentence="At least {written_share} of the prompt tokens of {caching_requests} or more"
        " requests were written to the cache, and for each less than {read_back} was read back.",
        money="Tokens written that had been sent before, times the price of a write less that of a"
        " read. Estimate: as many as would be read at the share that is usual for the tool and"
        " model in the company. Lower bound: what writing cost more than sending them. Upper"
        " bound: all of them.",
        fix="Find what changes at the beginning of each prompt, or what lets the cache lapse:"
        " pauses longer than five minutes between requests (an hour's cache costs more and lasts"
        " longer), requests spread over several accounts or regions.",
        by=("team", "model"),
        test=_never_read,
        told=_told,
    )
