"""The FOCUS export of some days: usage as it is booked, and the fees of seats by the month."""

from collections.abc import Iterator
from datetime import date

from domain.budgets import PeriodKind, period_of
from domain.company_prices import CompanyPrices
from domain.focus import SeatCharge, UsageCharge, table
from store import chargeback
from store.engine import Connection


def focus_table(
    connection: Connection, company: CompanyPrices | None, account: str, first: date, after: date
) -> str:
    """The days from ``first`` up to, not including, ``after`` as CSV (``domain.focus``)."""
    return table(account, _usage(connection, first, after), _seats(company, first, after))


def _usage(connection: Connection, first: date, after: date) -> Iterator[UsageCharge]:
    for each in chargeback.by_day(connection, first, after):
        charged = each.charged
        yield UsageCharge(
            day=each.day,
            tool=each.tool,
            model=each.model,
            team=each.team,
            repo=each.repo,
            tokens=charged.tokens or 0,
            unpriced_tokens=each.unpriced_tokens,
            listed_nanousd=each.listed_nanousd,
            billed_nanousd=each.billed_nanousd,
            reported_nanousd=charged.reported_nanousd,
            reported_in_part="reported_nanousd" in charged.partial,
        )


def _seats(company: CompanyPrices | None, first: date, after: date) -> Iterator[SeatCharge]:
    """A line a month: no charge may reach over the end of its billing period."""
    for seats in company.seats if company else ():
        begin, end = seats.period.within(first, after)
        while begin < end:
            until = min(period_of(PeriodKind.MONTH, begin).after, end)
            tools, teams = seats.scope.tools, seats.scope.teams
            yield SeatCharge(
                name=seats.name,
                first=begin,
                after=until,
                seats=seats.seats,
                nanousd=seats.cost_nanousd(begin, until),
                tool=tools[0] if len(tools) == 1 else None,
                team=teams[0] if len(teams) == 1 else None,
            )
            begin = until
