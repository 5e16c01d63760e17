"""What is paid whatever is used: seats and prepaid credit."""

from datetime import date

from pydantic import Field

from api.schemas.shape import Shape
from domain.company_prices import CompanyPrices, Seats
from domain.usage import usd
from store.report_prices import Balance


class SeatsRow(Shape):
    """Seats of a tool, and their fees in the period."""

    name: str = Field(description="Their name in the price file.")
    tools: list[str] = Field(description="The tools that they are seats of.")
    teams: list[str] = Field(description="The teams that have them; empty: any.")
    seats: int = Field(description="How many.")
    month_usd: float | None = Field(description="US dollars for one seat a month.")
    usage_included: bool = Field(
        description="Whether the fee covers the usage, whose `effective_usd` then is 0."
    )
    cost_usd: float | None = Field(
        description="US dollars for all seats in the period, each month's fee spread over its days."
    )


class PoolRow(Shape):
    """Prepaid credit, and how much of it usage has drawn in all of its time."""

    name: str = Field(description="Its name in the price file.")
    first_day: date = Field(description="First UTC day on which it can be drawn.")
    last_day: date | None = Field(description="Last UTC day on which it can be drawn.")
    paid_usd: float | None = Field(description="US dollars paid for it.")
    credit_usd: float | None = Field(description="US dollars of usage at list price that it buys.")
    drawn_usd: float | None = Field(description="US dollars at list price drawn so far.")
    left_usd: float | None = Field(description="US dollars of credit left.")
    overdrawn_usd: float | None = Field(
        description="US dollars at list price of usage beyond the credit. `effective_usd` has it at"
        " the price of prepaid credit, as if there were enough."
    )


class FixedCosts(Shape):
    """What is paid beside the effective cost of usage; nothing of it is in `effective_usd`."""

    start: date = Field(serialization_alias="from", description="First UTC day of the period.")
    end: date = Field(
        serialization_alias="to", description="The UTC day after the last of the period."
    )
    company_prices: bool = Field(
        description="Whether a price file is set; false: nothing is known."
    )
    seats: list[SeatsRow] = Field(description="Seats that have fees in the period.")
    seats_usd: float | None = Field(description="US dollars of all seats in the period.")
    pools: list[PoolRow] = Field(description="Pools of credit that can be drawn in the period.")


def fixed_costs(
    company: CompanyPrices | None, balances: list[Balance], start: date, end: date
) -> FixedCosts:
    """The fixed costs of the days from ``start`` up to, not including, ``end``."""
    seats = company.seats if company else ()
    rows = [_seats(each, start, end) for each in seats if _meets(each.period.within(start, end))]
    total = sum(each.cost_nanousd(start, end) for each in seats)
    return FixedCosts(
        start=start,
        end=end,
        company_prices=company is not None,
        seats=rows,
        seats_usd=usd(total if company else None),
        pools=[_pool(each) for each in balances if _meets(each.pool.period.within(start, end))],
    )


def _meets(span: tuple[date, date]) -> bool:
    return span[0] < span[1]


def _seats(seats: Seats, start: date, end: date) -> SeatsRow:
    return SeatsRow(
        name=seats.name,
        tools=list(seats.scope.tools),
        teams=list(seats.scope.teams),
        seats=seats.seats,
        month_usd=usd(seats.month_nanousd),
        usage_included=seats.included,
        cost_usd=usd(seats.cost_nanousd(start, end)),
    )


def _pool(balance: Balance) -> PoolRow:
    pool = balance.pool
    return PoolRow(
        name=pool.name,
        first_day=pool.period.first,
        last_day=pool.period.last,
        paid_usd=usd(pool.paid_nanousd),
        credit_usd=usd(pool.credit_nanousd),
        drawn_usd=usd(balance.drawn_nanousd),
        left_usd=usd(balance.left_nanousd),
        overdrawn_usd=usd(balance.overdrawn_nanousd),
    )
