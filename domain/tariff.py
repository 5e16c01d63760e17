"""What tokens cost by the bucket: exact arithmetic in pico-dollars, without any price of its own.

A price per million tokens is a whole number of pico-dollars per token, so the cost of any tokens is
exact and adds up: of two requests it is the sum of both, in any order and any split. It is rounded
to nano-dollars when it is booked, and what rounding took is kept beside it.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import NamedTuple, cast

from domain.usage import Tokens

PICO_PER_NANO = 1_000
# One dollar per million tokens is a million pico-dollars per token.
_PICO_PER_MTOK = 1_000_000


class PromptRange(NamedTuple):
    """How long the prompts of some requests were: over ``over`` and at most ``upto`` tokens."""

    over: int
    upto: int

    @classmethod
    def between(cls, steps: Sequence[int]) -> tuple["PromptRange", ...]:
        """The ranges that these rising steps make."""
        return tuple(map(cls, (0, *steps), (*steps, _LONGEST)))


_LONGEST = 2**31 - 1
# Of requests that no record tells apart, as in the sums of counters: they cost the base price.
UNTOLD_LENGTH = PromptRange(-1, _LONGEST)


class Rates(NamedTuple):
    """Pico-dollars a token, by bucket; None where a bucket has no price.

    ``cache_write`` is the rate of 5-minute writes and of those whose lifetime is not told, and
    ``output`` that of all output but reasoning.
    """

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    output: int | None = None
    reasoning: int | None = None

    def scaled(self, share: Fraction) -> "Rates":
        """These rates times a share, each rounded to a whole pico-dollar a token."""
        return Rates(*(rate if rate is None else round(rate * share) for rate in self))

    def missing(self, tokens: Tokens) -> tuple[str, ...]:
        """The buckets that hold tokens and have no price."""
        parts = zip(self._fields, _parts(tokens), self, strict=True)
        return tuple(name for name, amount, rate in parts if rate is None and amount)


class Cost(NamedTuple):
    """Exact cost of tokens; None where no bucket that was told has a price.

    ``unpriced`` counts the tokens that have no price: the cost lacks them.
    """

    pico: int | None
    unpriced: int


class Tariff(NamedTuple):
    """Rates by the length of a request's prompt.

    ``longer`` holds rising steps with their rates: over so many prompt tokens all tokens of the
    request cost these.
    """

    base: Rates
    longer: tuple[tuple[int, Rates], ...] = ()

    @property
    def steps(self) -> tuple[int, ...]:
        """The prompt lengths over which other rates hold."""
        return tuple(step for step, _ in self.longer)

    def at(self, prompt: int) -> Rates:
        """The rates of a request with a prompt of so many tokens."""
        rates = self.base
        for step, above in self.longer:
            if prompt > step:
                rates = above
        return rates

    def within(self, prompts: PromptRange) -> Rates | None:
        """The rates that all prompts of this range have; None where they differ."""
        if prompts == UNTOLD_LENGTH:
            return self.base
        if any(prompts.over < step < prompts.upto for step, _ in self.longer):
            return None
        return self.at(prompts.over + 1)

    def scaled(self, share: Fraction) -> "Tariff":
        """This tariff times a share."""
        longer = tuple((step, rates.scaled(share)) for step, rates in self.longer)
        return Tariff(self.base.scaled(share), longer)


def rate(dollars_per_mtok: Decimal) -> int:
    """Pico-dollars a token; a price finer than that (a float's noise) is rounded to it."""
    pico = dollars_per_mtok * _PICO_PER_MTOK
    return int(pico.to_integral_value(rounding=ROUND_HALF_EVEN))


def prompt_of(tokens: Tokens) -> int:
    """The length of a request's prompt, cached or not: what decides its tier."""
    return (tokens.input or 0) + (tokens.cache_read or 0) + (tokens.cache_write or 0)


def cost_of(tokens: Tokens, rates: Rates) -> Cost:
    """The exact cost of these tokens."""
    if None in rates:
        return _cost_with_gaps(tokens, rates)
    sent, read, written, hourly, told, thought = cast("tuple[int, ...]", rates)
    hour = 0 if tokens.cache_write is None else tokens.cache_write_1h or 0
    reasoning = 0 if tokens.output is None else tokens.reasoning or 0
    pico = (
        (tokens.input or 0) * sent
        + (tokens.cache_read or 0) * read
        + (tokens.cache_write or 0) * written
        + hour * (hourly - written)
        + (tokens.output or 0) * told
        + reasoning * (thought - told)
    )
    return Cost(pico if pico or tokens.told() else None, 0)


def rounded(pico: int) -> int:
    """Nano-dollars; half a one is rounded up."""
    return (pico + PICO_PER_NANO // 2) // PICO_PER_NANO


def _cost_with_gaps(tokens: Tokens, rates: Rates) -> Cost:
    pico, unpriced, priced = 0, 0, False
    for amount, price in zip(_parts(tokens), rates, strict=True):
        if amount is None:
            continue
        if price is None:
            unpriced += amount
        else:
            pico += amount * price
            priced = True
    return Cost(pico if priced else None, unpriced)


def _parts(tokens: Tokens) -> tuple[int | None, ...]:
    """Told tokens split as ``Rates`` prices them.

    Both splits are differences, so that they may be taken of a request or of a sum of requests.
    """
    write, hour = tokens.cache_write, tokens.cache_write_1h
    output, reasoning = tokens.output, tokens.reasoning
    return (
        tokens.input,
        tokens.cache_read,
        write if write is None or hour is None else write - hour,
        None if write is None else hour,
        output if output is None or reasoning is None else output - reasoning,
        None if output is None else reasoning,
    )
