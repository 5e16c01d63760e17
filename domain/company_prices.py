"""What the company pays: prices, discounts, seats and credit pools, each valid from its first day.

A rule says what usage costs in its scope. Of all that match, the kind decides first (what a seat
includes costs nothing more; then prices, pools, discounts), then the narrower scope. Usage that no
rule matches costs its list price. The file that says all this is read by ``domain.price_file``.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from fractions import Fraction
from itertools import product
from typing import TypeAlias

from domain.pricing import Priced, Unpriced
from domain.tariff import Rates, Tariff

STANDARD = "standard"
"""What the file calls the tier of usage that tells no other."""
# What usage costs that a seat includes: nothing more.
FREE = Tariff(Rates(0, 0, 0, 0, 0, 0))


class Kind(IntEnum):
    """What a rule is; of several that match, the highest decides."""

    DISCOUNT = 1
    POOL = 2
    PRICE = 3
    SEATS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Whole UTC days from ``first`` through ``last``; None: until further notice."""

    first: date
    last: date | None = None

    def covers(self, day: date) -> bool:
        """Whether the day is in it."""
        return self.first <= day and (self.last is None or day <= self.last)

    def meets(self, other: "Period") -> bool:
        """Whether any day is in both."""
        return self.covers(other.first) or other.covers(self.first)

    def within(self, start: date, end: date) -> tuple[date, date]:
        """Its part of the days from ``start`` up to, not including, ``end``; maybe empty."""
        after = end if self.last is None else min(end, self.last + timedelta(days=1))
        begin = max(start, self.first)
        return begin, max(begin, after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which usage: of these tools, teams, models and tiers; empty means any, also where untold.

    A model is named whole or, with ``*`` at the end, by its beginning; case does not matter. A tier
    is in lower case; ``STANDARD`` is also that of usage that tells none.
    """

    tools: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()

    def match(
        self, tool: str, team: str | None, model: str | None, tier: str | None = None
    ) -> tuple[int, ...] | None:
        """How narrowly it matches, to be compared: by model, team, tool and tier; None: not."""
        foreign = self.tools and tool not in self.tools
        if foreign or (self.teams and team not in self.teams):
            return None
        if self.tiers and (tier or STANDARD) not in self.tiers:
            return None
        name = (model or "").lower()
        lengths = [_narrowness(pattern) for pattern in self.models if _matches(pattern, name)]
        if self.models and not lengths:
            return None
        others = (self.teams, self.tools, self.tiers)
        return max(lengths, default=0), *(int(bool(each)) for each in others)

    def corners(self) -> Iterator[tuple[str | None, str | None, str | None, str | None]]:
        """Each tool with each team, model pattern and tier; None where any is meant."""
        models = [None if each == "*" else each.lower() for each in self.models]
        any_of: tuple[None] = (None,)
        yield from product(
            self.tools or any_of, self.teams or any_of, models or any_of, self.tiers or any_of
        )


def _matches(pattern: str, name: str) -> bool:
    wanted = pattern.lower()
    return name.startswith(wanted[:-1]) if wanted.endswith("*") else name == wanted


def _narrowness(pattern: str) -> int:
    """Longer beginnings are narrower, and a whole name is narrower than any beginning of it."""
    return 2 * len(pattern) - 2 if pattern.endswith("*") else 2 * len(pattern) + 1


Terms: TypeAlias = Tariff | Fraction
"""What usage costs: these rates, or this share of its list price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry of the file. ``place`` names it for people, for example ``price[2] (line 14)``."""

    kind: Kind
    scope: Scope
    period: Period
    terms: Terms
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """So many seats of a tool at a monthly fee; accrued by the day, whoever uses them.

    ``included`` tells that the fee covers the usage in scope, which then costs nothing more.
    """

    name: str
    scope: Scope
    period: Period
    seats: int
    month_nanousd: int
    included: bool

    def cost_nanousd(self, start: date, end: date) -> int:
        """The fees of the days from ``start`` up to, not including, ``end``.

        A month's fee is spread over its days so that the days add up to it, to the nano-dollar.
        """
        begin, after = self.period.within(start, end)
        return self._until(after) - self._until(begin)

    def _until(self, day: date) -> int:
        """The fees from the year 1 up to this day: differences of it are fees of a time."""
        monthly = self.seats * self.month_nanousd
        days = monthrange(day.year, day.month)[1]
        return monthly * (day.year * 12 + day.month) + monthly * (day.day - 1) // days


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Credit bought in advance: ``credit`` dollars of usage at list price, for ``paid`` dollars.

    Usage in its scope costs the share of list price at which the credit was bought. Whether it is
    used up is a balance of its own: a price that depended on what was used before could not be
    told of one request.
    """

    name: str
    period: Period
    paid_nanousd: int
    credit_nanousd: int
    place: str  # of the rule that prices by it

    @property
    def share(self) -> Fraction:
        """The part of its list price that usage costs."""
        return Fraction(self.paid_nanousd, self.credit_nanousd)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyPrices:
    """Everything the file says."""

    rules: tuple[Rule, ...] = ()
    seats: tuple[Seats, ...] = ()
    pools: tuple[Pool, ...] = ()

    def rule(
        self,
        tool: str,
        team: str | None,
        model: str | None,
        day: date,
        tier: str | None = None,
    ) -> Rule | None:
        """The rule that says what this usage costs; None: none does, it costs its list price.

        ``tier`` is None for the standard tier.
        """
        found = [
            (rule.kind, narrowness, rule)
            for rule in self.rules
            if rule.period.covers(day)
            and (narrowness := rule.scope.match(tool, team, model, tier)) is not None
        ]
        return max(found, key=lambda each: each[:2])[2] if found else None

    def steps(self) -> frozenset[int]:
        """All prompt lengths at which any price changes."""
        fixed = [rule.terms for rule in self.rules if isinstance(rule.terms, Tariff)]
        return frozenset(step for tariff in fixed for step in tariff.steps)

    def turns(self, start: date, end: date) -> list[date]:
        """``start``, and the days after it and before ``end`` on which a rule begins or ended."""
        begun = {rule.period.first for rule in self.rules}
        ended = {
            rule.period.last + timedelta(days=1)
            for rule in self.rules
            if rule.period.last is not None
        }
        return [start, *sorted(day for day in begun | ended if start < day < end)]


def effective_tariff(rule: Rule | None, listed: Priced) -> Priced:
    """What usage costs under a rule, given its list price."""
    if rule is None:
        return listed
    if isinstance(rule.terms, Tariff):
        return rule.terms
    return listed if isinstance(listed, Unpriced) else listed.scaled(rule.terms)
