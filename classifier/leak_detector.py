"""What a leak detector is, and the arithmetic of prompts and prices that all of them share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from classifier.leak_usual import Usual
from classifier.thresholds import LeakThresholds
from domain.leaks import Group, ModelTokens, Money, Untold, Watched
from domain.pricing import list_tariff
from domain.tariff import PICO_PER_NANO, Rates, Tariff

Answer: TypeAlias = Money | Untold | None
"""What a session loses; None: nothing; or why nothing can be said of it."""

Test: TypeAlias = Callable[[Watched, Usual, LeakThresholds], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One way in which spend leaks.

    ``sentence`` says what is looked for, ``money`` how the loss is estimated and what its bounds
    are, ``fix`` what to try; they may name thresholds in braces. ``by`` are the attributes of a
    session that make a group besides its tool. ``told`` says with a group's numbers how its loss
    was worked out. A week can be judged ``settles_days`` after its end, not before.
    """

    name: str
    sentence: str
    money: str
    fix: str
    by: tuple[str, ...]
    test: Test
    told: Callable[[Group, Usual], str]
    settles_days: int = 0


@dataclass(frozen=True, slots=True)
class Prompted:
    """The prompts of a session's own conversation with one model, in tokens by bucket.

    ``fresh`` is what had to be sent at least once: with every compaction a context grows anew.
    """

    model: str | None
    requests: int
    input: int
    cache_read: int | None
    cache_write: int
    fresh: int

    @property
    def all(self) -> int:
        """All prompt tokens, cached or not."""
        return self.input + (self.cache_read or 0) + self.cache_write

    @property
    def unread(self) -> int:
        """Tokens that were sent before and did not come from the cache."""
        return max(self.all - self.fresh - (self.cache_read or 0), 0)

    def rate(self, rates: Rates) -> float | None:
        """What a prompt token cost on average, in pico-dollars; None where a price is missing."""
        buckets = (
            (self.input, rates.input),
            (self.cache_read or 0, rates.cache_read),
            (self.cache_write, rates.cache_write),
        )
        if not self.all or any(amount and price is None for amount, price in buckets):
            return None
        return sum(amount * (price or 0) for amount, price in buckets) / self.all


def prompted(session: Watched) -> list[Prompted]:
    """By model, of those whose requests and prompts were told; subagents' prompts are their own."""
    rows = [each for each in session.tokens if each.purpose in (None, "main")]
    models = sorted({each.model for each in rows}, key=lambda model: model or "")
    found = (_prompted(session, [r for r in rows if r.model == m], len(models)) for m in models)
    return [each for each in found if each is not None]


def _prompted(session: Watched, rows: list[ModelTokens], models: int) -> Prompted | None:
    sent, requests = _sum(row.input for row in rows), _sum(row.requests for row in rows)
    if sent is None or not requests:
        return None
    read, written = _sum(row.cache_read for row in rows), _sum(row.cache_write for row in rows)
    whole = sent + (read or 0) + (written or 0)
    # Of a context that grows evenly the last prompt is twice the mean.
    largest = 2 * whole // requests
    if session.prompts is not None and models == 1:
        largest = session.prompts.largest
    return Prompted(
        model=rows[0].model,
        requests=requests,
        input=sent,
        cache_read=read,
        cache_write=written or 0,
        fresh=min((session.compactions + 1) * largest, whole),
    )


def rates_of(model: str | None, at: datetime) -> Rates | None:
    """The list price of a model at this time, of prompts that are not long; None: not known."""
    price = list_tariff(model, at)
    return price.base if isinstance(price, Tariff) else None


def nano(tokens: float, pico_each: float) -> float:
    """What so many tokens cost, in nano-dollars."""
    return tokens * pico_each / PICO_PER_NANO


def share_shown(share: float) -> str:
    """A share for people."""
    return f"{share:.0%}".replace("%", " %")


def _sum(values: Iterable[int | None]) -> int | None:
    told = [value for value in values if value is not None]
    return sum(told) if told else None
