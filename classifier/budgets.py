"""How budgets stand: spent, committed, what the period will end with, and when one runs out."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from classifier.forecast import MOST_DAYS, forecast
from domain.budgets import (
    Basis,
    Budget,
    Outlook,
    Part,
    Range,
    RunsOut,
    Span,
    Standing,
    Unit,
    Unsaid,
    basis_of,
    committed_nanousd,
)
from domain.company_prices import CompanyPrices
from store import spend_days
from store.engine import Connection
from store.spending import Spend

_DAY = timedelta(days=1)
_ENOUGH_DAYS = 63


def standings(
    connection: Connection,
    budgets: Sequence[Budget],
    now: datetime,
    company: CompanyPrices | None,
) -> list[Standing]:
    """How each of these budgets stands in its present period, of those that have one now."""
    today, basis = now.date(), basis_of(company)
    begin = _history_from(connection, basis, today)
    standing_now = [(each, span) for each in budgets if (span := each.span(today))]
    first = min((span.first for _, span in standing_now), default=begin)
    parts = {budget.part for budget, _ in standing_now}
    read = spend_days.of_each(connection, parts, basis, min(first, begin), today + _DAY, today)
    return [
        standing(budget, span, today, read[budget.part], basis, _committed(budget, company, span))
        for budget, span in standing_now
    ]


def _history_from(connection: Connection, basis: Basis, today: date) -> date:
    """The first day that a forecast looks at.

    Where the last weeks are kept ready and older ones are still being read, these will do: a whole
    history that takes minutes to sum is worth less than a shorter one at once.
    """
    since = spend_days.complete_since(connection, basis, today)
    earliest = today - timedelta(days=MOST_DAYS)
    return max(since, earliest) if (today - since).days >= _ENOUGH_DAYS else earliest


def _committed(budget: Budget, company: CompanyPrices | None, span: Span) -> int | None:
    """Fees are money: of tokens nothing is committed."""
    return committed_nanousd(budget.part, company, span) if budget.unit is Unit.USD else 0


def standing(
    budget: Budget,
    span: Span,
    today: date,
    days: Mapping[date, Spend],
    basis: Basis,
    committed: int | None,
) -> Standing:
    """How a budget stands today, given what was spent on each day up to it."""
    spent = sum((days[day] for day in days if span.first <= day <= today), Spend())
    so_far = amount_of(spent, budget.unit)
    known = (so_far or 0) + (committed or 0)
    outlook = outlook_of(days, budget.unit, today, (span.after - today).days)
    end, runs_out, day = None, RunsOut.CANNOT_SAY, None
    if isinstance(outlook, Outlook):
        now = amount_of(days.get(today, Spend()), budget.unit) or 0
        ahead = _ahead(outlook, now)
        last = ahead[-1]
        end = Range(
            expected=known + last.expected,
            low=None if last.low is None else known + last.low,
            high=None if last.high is None else known + last.high,
        )
        runs_out, day = _runs_out(budget.amount, known, today, ahead)
    elif known >= budget.amount:
        runs_out = RunsOut.ALREADY
    return Standing(
        budget=budget,
        span=span,
        basis=basis,
        spent=so_far,
        committed=committed,
        coverage=spent.coverage,
        passed=budget.passed(known),
        end=end,
        backtest=outlook.backtest if isinstance(outlook, Outlook) else None,
        runs_out=runs_out,
        runs_out_on=day,
        unsaid=outlook.reason if isinstance(outlook, Unsaid) else None,
    )


def outlook(
    connection: Connection,
    part: Part,
    unit: Unit,
    horizon: int,
    now: datetime,
    company: CompanyPrices | None,
) -> Outlook | Unsaid:
    """The forecast of a part of the company for so many days, today the first of them."""
    today, basis = now.date(), basis_of(company)
    first = _history_from(connection, basis, today)
    days = spend_days.by_day(connection, part, basis, first, today, today)
    return outlook_of(days, unit, today, horizon)


def outlook_of(
    days: Mapping[date, Spend], unit: Unit, today: date, horizon: int
) -> Outlook | Unsaid:
    """The forecast from the complete days before today; a day that is not told had nothing."""
    before = [today - timedelta(days=back) for back in range(MOST_DAYS, 0, -1)]
    series = [amount_of(days.get(day, Spend()), unit) or 0 for day in before]
    return forecast(series, today, horizon)


def amount_of(spend: Spend, unit: Unit) -> int | None:
    """A spend in this unit: nano-dollars (None: nothing of it has a price), or tokens."""
    if unit is Unit.TOKENS:
        return spend.tokens
    return spend.nanousd if spend.tokens or spend.nanousd else 0


def _ahead(outlook: Outlook, now: int) -> list[Range]:
    """What is still to come up to the end of each day: today's forecast less its usage so far."""
    done = min(float(now), outlook.daily[0])
    return [
        Range(
            expected=max(total.expected - done, 0.0),
            low=None if total.low is None else max(total.low - done, 0.0),
            high=None if total.high is None else max(total.high - done, 0.0),
        )
        for total in outlook.totals
    ]


def _runs_out(
    amount: int, known: int, today: date, ahead: Sequence[Range]
) -> tuple[RunsOut, date | None]:
    if known >= amount:
        return RunsOut.ALREADY, None
    for number, total in enumerate(ahead):
        if known + total.expected >= amount:
            return RunsOut.ON_DAY, today + number * _DAY
    return RunsOut.NOT_IN_PERIOD, None
