"""Who is charged what, as it is answered."""

from datetime import date, datetime, time, timedelta
from typing import Any

from pydantic import Field

from api.parameters import Day, Parameters, Period, Text
from api.schemas.shape import Shape
from domain.company_prices import CompanyPrices, Seats
from domain.record import EPOCH
from domain.usage import usd
from store.chargeback import ChargeBy, Charged, ChargeRow, Unallocated
from store.doubts import Doubts
from store.report_usage import hour_floor

MOST_DAYS = 366


class ChargebackParameters(Period):
    """Of when, and by what; by default the month of the last day so far, by team."""

    group_by: ChargeBy = Field(
        default=ChargeBy.TEAM,
        description="`team`, `repo`, `tool`, `model` or `person`.",
    )

    def span(self, today: date) -> tuple[datetime, datetime] | None:
        """The whole hours asked for; None where that is none."""
        tomorrow = datetime.combine(today + timedelta(days=1), time(), EPOCH.tzinfo)
        end = hour_floor(self.end) if self.end else tomorrow
        last = end - timedelta(hours=1)
        month = last.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        start = hour_floor(self.start) if self.start else month
        return (start, end) if start < end else None


class FocusParameters(Parameters):
    """Of which UTC days; by default the month of the last day, today where that is not told."""

    first: Day | None = Field(default=None, alias="from", description="First UTC day.")
    after: Day | None = Field(default=None, alias="to", description="The UTC day after the last.")
    billing_account: Text = Field(
        min_length=1,
        max_length=200,
        description="BillingAccountId: what your accounting calls whoever pays. FOCUS wants one in"
        " every row, and nothing tells it.",
    )

    def span(self, today: date) -> tuple[date, date] | None:
        """The days asked for, up to the day after the last; None where it is none or too long."""
        last = self.after - timedelta(days=1) if self.after else today
        first = self.first or last.replace(day=1)
        after = self.after or max(today, first) + timedelta(days=1)
        return (first, after) if 0 < (after - first).days <= MOST_DAYS else None


class ChargedShape(Shape):
    """Usage and its three costs, which are never added."""

    requests: int | None = Field(description="Model requests that were answered.")
    tokens: int | None = Field(description="Tokens that somebody pays for.")
    reported_usd: float | None = Field(description="US dollars as the tools reported them.")
    list_usd: float | None = Field(description="US dollars at list price.")
    unpriced_tokens: int | None = Field(description="Tokens that `list_usd` lacks.")
    effective_usd: float | None = Field(
        description="US dollars at the company's own prices; null: it has told none."
    )
    effective_unpriced_tokens: int | None = Field(description="Tokens that `effective_usd` lacks.")
    partial: list[str] = Field(
        description="Values that only a part of the usage tells, as `effective_usd` of usage that"
        " was booked before the company told its prices: the true one is at least what is given."
    )
    incomplete_sessions: int = Field(
        description="Sessions in it of whose telemetry something is known to be missing: they used"
        " at least what is summed of them."
    )


class ChargeRowShape(ChargedShape):
    """What is charged to one value, or to none."""

    value: str | None = Field(
        description="The team, repository, tool, model or person; null: allocated to none."
    )
    reason: Unallocated | None = Field(
        description="Why it is allocated to none; null: it is. `no_person`: telemetry tells nobody;"
        " `person_in_no_team`; `no_repository`; `no_model`."
    )


class SeatFee(Shape):
    """Fees of seats, which no usage carries."""

    name: str = Field(description="Their name in the price file.")
    value: str | None = Field(
        description="The team or tool that they are seats of; null: of several, or of neither."
    )
    cost_usd: float | None = Field(description="US dollars in the period.")


class Chargeback(Shape):
    """Every nano-dollar of usage in exactly one row."""

    start: datetime = Field(serialization_alias="from", description="Beginning of the period, UTC.")
    end: datetime = Field(serialization_alias="to", description="Its end (exclusive), UTC.")
    group_by: ChargeBy = Field(description="What the rows are by.")
    rows: list[ChargeRowShape] = Field(
        description="One row for each value, in the order of values; what is allocated to none"
        " comes last, a row for each reason."
    )
    total: ChargedShape = Field(
        description="All rows together: exactly what `/v1/usage` answers for the period."
    )
    seats: list[SeatFee] = Field(description="Fees beside usage; no row above has any of them.")
    seats_usd: float | None = Field(description="US dollars of all seats; null: no price file.")


def chargeback_answer(
    by: ChargeBy,
    rows: list[ChargeRow],
    total: Charged,
    in_doubt: Doubts,
    company: CompanyPrices | None,
    span: tuple[datetime, datetime],
) -> Chargeback:
    """All rows as they are answered; fees are of the whole days in the period."""
    start, end = span
    days = (start.date(), end.date())
    seats = [each for each in company.seats if each.cost_nanousd(*days)] if company else []
    fees = sum(each.cost_nanousd(*days) for each in seats)
    return Chargeback(
        start=start,
        end=end,
        group_by=by,
        rows=[
            ChargeRowShape(value=row.value, reason=row.reason, **_charged(row.charged, row.doubts))
            for row in rows
        ],
        total=ChargedShape(**_charged(total, in_doubt)),
        seats=[
            SeatFee(name=each.name, value=_of(by, each), cost_usd=usd(each.cost_nanousd(*days)))
            for each in seats
        ],
        seats_usd=usd(fees) if company else None,
    )


def _of(by: ChargeBy, seats: Seats) -> str | None:
    held = {ChargeBy.TEAM: seats.scope.teams, ChargeBy.TOOL: seats.scope.tools}.get(by, ())
    return held[0] if len(held) == 1 else None


def _charged(told: Charged, in_doubt: Doubts) -> dict[str, Any]:
    return {
        "requests": told.requests,
        "tokens": told.tokens,
        "reported_usd": usd(told.reported_nanousd),
        "list_usd": usd(told.list_nanousd),
        "unpriced_tokens": told.unpriced_tokens,
        "effective_usd": usd(told.effective_nanousd),
        "effective_unpriced_tokens": told.effective_unpriced_tokens,
        "partial": [name.replace("_nanousd", "_usd") for name in told.partial],
        "incomplete_sessions": in_doubt.incomplete,
    }
