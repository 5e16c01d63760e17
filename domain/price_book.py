"""Both prices of any usage, and booking them: list price, and what the company pays."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.company_prices import CompanyPrices, effective_tariff
from domain.folded import UsageSum
from domain.pricing import QUARTER_MINUTES, Listed, Priced, list_tariff, listed
from domain.tariff import (
    PICO_PER_NANO,
    Cost,
    PromptRange,
    Tariff,
    cost_of,
    rounded,
)
from domain.usage import Tokens, add

# Where the catalogue knows of no step, these are kept apart all the same: the commonest ones, which
# a model that it does not know yet is likely to have once it does.
_LIKELY_STEPS = frozenset({200_000, 272_000})
_REMEMBERED = 4096
# Tool, team, model and tier.
_Asked = tuple[str, str | None, str | None, str | None]
_QUARTERS = [timedelta(minutes=minute) for minute in range(0, 60, QUARTER_MINUTES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What usage costs: at list price, and effectively (None: the company's prices are not known).

    ``ranges`` are the prompt lengths by which its requests are kept apart.
    """

    listed: Priced
    effective: Priced | None
    ranges: tuple[PromptRange, ...]

    def range_of(self, prompt: int) -> PromptRange:
        """Where a request belongs whose prompt has so many tokens."""
        for each in self.ranges:
            if prompt <= each.upto:
                return each
        return self.ranges[-1]

    def adds_up(self, shortest: int, longest: int) -> bool:
        """Whether requests with prompts from this to that length cost what their sum costs.

        All of them have the same rates then, and whole nano-dollars, so that nothing is rounded.
        """
        tariffs = [each for each in (self.listed, self.effective) if isinstance(each, Tariff)]
        return self.range_of(shortest) == self.range_of(longest) and all(
            each.at(shortest) == each.at(longest)
            and all(rate is None or rate % PICO_PER_NANO == 0 for rate in each.at(shortest))
            for each in tariffs
        )


class PriceBook:
    """The public catalogue and the company's own prices, if it has told any."""

    def __init__(self, company: CompanyPrices | None = None) -> None:
        self.company = company
        self._steps = company.steps() if company else frozenset()
        self._quotes: dict[tuple[object, ...], Quote] = {}

    def quote(
        self,
        tool: str,
        team: str | None,
        model: str | None,
        at: datetime,
        tier: str | None = None,
    ) -> Quote:
        """The prices of usage at this (UTC) time; ``tier`` is None for the standard tier."""
        # An hour has one price, but for models with prices by the half hour.
        key = (tool, team, model, tier, at.toordinal() * 24 + at.hour)
        found = self._quotes.get(key)
        if found is None:
            known = listed(model)
            found = self._ask((tool, team, model, tier), at, known)
            if known is None or not known.by_clock:
                # Names of models and teams come from outside: remember a bounded number.
                if len(self._quotes) >= _REMEMBERED:
                    self._quotes.clear()
                self._quotes[key] = found
        return found

    def of_hour(
        self,
        tool: str,
        team: str | None,
        model: str | None,
        start: datetime,
        tier: str | None = None,
    ) -> tuple[Quote, ...]:
        """The prices through the hour that begins then; mostly they are all the same."""
        return tuple(self.quote(tool, team, model, start + quarter, tier) for quarter in _QUARTERS)

    def _ask(self, of: _Asked, at: datetime, known: Listed | None) -> Quote:
        tool, team, model, tier = of
        price = list_tariff(model, at, tier)
        effective = None
        if self.company is not None:
            rule = self.company.rule(tool, team, model, at.date(), tier)
            effective = effective_tariff(rule, price)
        steps = (known and known.steps) or _LIKELY_STEPS
        ranges = PromptRange.between(sorted({*steps, *self._steps}))
        return Quote(listed=price, effective=effective, ranges=ranges)


# Without anything that the company has told.
LIST_PRICES = PriceBook()


def cost(price: Priced, tokens: Tokens, prompt: int) -> Cost:
    """The exact cost of one request's tokens."""
    if isinstance(price, Tariff):
        return cost_of(tokens, price.at(prompt))
    return Cost(None, tokens.billable())


def book(into: UsageSum, quote: Quote, tokens: Tokens, prompt: int, sign: int = 1) -> None:
    """Add what these tokens cost, or with sign -1 take it away again.

    ``prompt`` is the length of the request's prompt; 0 where the requests are not known.
    """
    listed = cost(quote.listed, tokens, prompt)
    into.unpriced_tokens = add(into.unpriced_tokens, sign * listed.unpriced)
    if listed.pico is not None:
        nano = rounded(listed.pico)
        into.list_nanousd = add(into.list_nanousd, sign * nano)
        into.list_rest_picousd += sign * (listed.pico - nano * PICO_PER_NANO)
    if quote.effective is None:
        return
    paid = listed if quote.effective is quote.listed else cost(quote.effective, tokens, prompt)
    into.effective_unpriced_tokens = add(into.effective_unpriced_tokens, sign * paid.unpriced)
    if paid.pico is not None:
        nano = rounded(paid.pico)
        into.effective_nanousd = add(into.effective_nanousd, sign * nano)
        into.effective_rest_picousd += sign * (paid.pico - nano * PICO_PER_NANO)
