"""Budgets: how much a part of the company may spend in a month or quarter, and how that stands.

Amounts are whole nano-dollars or tokens, as the budget's unit says. Days are UTC.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.company_prices import CompanyPrices, Seats

_MONTHS = 12


class ScopeKind(StrEnum):
    """By what a budget, a forecast or an alert takes its part of all usage."""

    COMPANY = "company"
    TEAM = "team"
    REPO = "repo"
    TOOL = "tool"
    MODEL = "model"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Part:
    """A part of all usage. ``value`` is empty for the company, and a pseudonym for a person."""

    kind: ScopeKind
    value: str = ""


COMPANY = Part(kind=ScopeKind.COMPANY)


class PeriodKind(StrEnum):
    """How long a budget lasts before it begins anew."""

    MONTH = "month"
    QUARTER = "quarter"


class Unit(StrEnum):
    """What is counted."""

    USD = "usd"
    TOKENS = "tokens"


class Basis(StrEnum):
    """Which of the costs that are never added a sum of money is made of."""

    EFFECTIVE = "effective"  # what the company pays, where it has told its prices
    LIST = "list"


def basis_of(company: CompanyPrices | None) -> Basis:
    """What the company pays where it has said so, else list prices."""
    return Basis.LIST if company is None else Basis.EFFECTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days from ``first`` up to, not including, ``after``."""

    first: date
    after: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.after - self.first).days


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """An amount for a part of the company, anew each period.

    ``amount`` is in nano-dollars or tokens, ``thresholds`` are rising percents of it. Periods that
    overlap with ``valid_from`` through ``valid_to`` (None: no end) count, always as a whole.
    ``archived_at`` is None while the budget stands.
    """

    id: str
    name: str
    part: Part
    period: PeriodKind
    unit: Unit
    amount: int
    thresholds: tuple[int, ...]
    valid_from: date
    valid_to: date | None
    created_by: str
    created_at: datetime
    archived_at: datetime | None = None

    def span(self, day: date) -> Span | None:
        """The period that a day is in; None where the budget is not valid in it."""
        span = period_of(self.period, day)
        early = span.after <= self.valid_from
        late = self.valid_to is not None and self.valid_to < span.first
        return None if early or late else span

    def passed(self, used: int) -> int | None:
        """The highest threshold, in percent, that so much has reached; None: not even the first."""
        reached = [percent for percent in self.thresholds if used * 100 >= percent * self.amount]
        return max(reached, default=None)


def period_of(kind: PeriodKind, day: date) -> Span:
    """The month or quarter that a day is in."""
    if kind is PeriodKind.MONTH:
        first = day.replace(day=1)
        return Span(first=first, after=_later(first, 1))
    first = date(day.year, day.month - (day.month - 1) % 3, 1)
    return Span(first=first, after=_later(first, 3))


def _later(first: date, months: int) -> date:
    number = first.year * _MONTHS + first.month - 1 + months
    return date(number // _MONTHS, number % _MONTHS + 1, 1)


def committed_nanousd(part: Part, company: CompanyPrices | None, span: Span) -> int | None:
    """Fees of seats that fall due in these days, whatever is used.

    None where nobody can say: the company has told no prices, or seats have a wider scope than
    this part, whose share of them is nowhere written.
    """
    if company is None:
        return None
    total = 0
    for seats in company.seats:
        cost = seats.cost_nanousd(span.first, span.after)
        if not cost:
            continue
        belongs = _belongs(part, seats)
        if belongs is None:
            return None
        total += cost if belongs else 0
    return total


def _belongs(part: Part, seats: Seats) -> bool | None:
    """Whether seats are all this part's; None where some may be."""
    if part.kind is ScopeKind.COMPANY:
        return True
    held = {ScopeKind.TOOL: seats.scope.tools, ScopeKind.TEAM: seats.scope.teams}.get(part.kind)
    if not held:
        return None
    if part.value not in held:
        return False
    return True if len(held) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """An amount to be expected, with an 80 % interval where past errors allow to tell one."""

    expected: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """How wrong the same forecast was before, made anew at each of ``origins`` earlier days.

    ``wape`` is the sum of all absolute errors over the sum of all amounts, of totals over
    ``horizon_days``; ``bias`` the same with signs, above 0 where too much was forecast.
    ``interval_coverage`` is the share of totals that fell into the interval as it could have been
    told at the time. None: too few to say.
    """

    origins: int
    horizon_days: int
    wape: float | None
    bias: float | None
    interval_coverage: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A forecast: the amount of each day from ``first`` on, and running totals up to each."""

    first: date
    history_days: int
    daily: tuple[float, ...]
    totals: tuple[Range, ...]
    backtest: Backtest


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaid:
    """Why there is no forecast, or no answer to a scenario."""

    reason: str


class RunsOut(StrEnum):
    """Whether a budget is used up before its period is over."""

    ALREADY = "already"
    ON_DAY = "on_day"
    NOT_IN_PERIOD = "not_in_period"
    CANNOT_SAY = "cannot_say"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a budget stands. Amounts are in its unit.

    ``spent`` is usage so far, None where none of it has a price; ``committed`` is what falls due in
    the period whatever is used, None where nobody can say. ``coverage`` is the share of tokens that
    have a price (None: no tokens). ``end`` is what will have been spent and committed at the
    period's end, None where ``unsaid`` says why it can't be told. ``passed`` is the highest
    threshold reached, in percent.
    """

    budget: Budget
    span: Span
    basis: Basis
    spent: int | None
    committed: int | None
    coverage: float | None
    passed: int | None
    end: Range | None
    backtest: Backtest | None
    runs_out: RunsOut
    runs_out_on: date | None
    unsaid: str | None

    @property
    def used(self) -> int:
        """Spent and committed, as far as either is known."""
        return (self.spent or 0) + (self.committed or 0)

    @property
    def used_share(self) -> float | None:
        """The same over the amount; None where neither is known."""
        if self.spent is None and self.committed is None:
            return None
        return self.used / self.budget.amount
