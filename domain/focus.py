"""Charges as FOCUS tells them: the FinOps Open Cost and Usage Specification, version 1.2.

All columns that it calls mandatory, some that it recommends or asks for under conditions, and our
own behind them (``x_``). FOCUS knows no charge without a cost: usage of which nothing has a price
has no row, rather than one that says it was free. Nothing here is an invoice: what is billed is
taken to be what usage effectively costs.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from domain.budgets import PeriodKind, period_of
from domain.pricing import listed
from domain.usage import NANOUSD

VERSION = "1.2"
COLUMNS = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "Tags",
    "x_Model",
    "x_ReportedCost",
    "x_ReportedInPart",
    "x_Team",
    "x_Repository",
    "x_UnpricedTokens",
)
_TOKENS, _SEATS = "Tokens", "Units"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCharge:
    """The usage of one day; costs in nano-dollars, None where nothing has a price.

    ``billed`` is what the company pays where that is known, else the list price, and lacks
    ``unpriced_tokens``. ``reported_in_part``: some of it reported no cost.
    """

    day: date
    tool: str
    model: str | None
    team: str | None
    repo: str | None
    tokens: int
    unpriced_tokens: int
    listed_nanousd: int | None
    billed_nanousd: int | None
    reported_nanousd: int | None
    reported_in_part: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatCharge:
    """The fees of some seats for the days from ``first`` up to, not including, ``after``.

    ``tool`` and ``team`` are None where the seats are of several.
    """

    name: str
    first: date
    after: date
    seats: int
    nanousd: int
    tool: str | None
    team: str | None


def table(account: str, usage: Iterable[UsageCharge], seats: Iterable[SeatCharge]) -> str:
    """All charges as CSV with a header. ``account`` is what accounting calls the payer."""
    told = io.StringIO()
    writer = csv.DictWriter(told, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for charge in usage:
        if charge.billed_nanousd is not None:
            writer.writerow(_usage(account, charge, charge.billed_nanousd))
    for each in seats:
        writer.writerow(_seats(account, each))
    return told.getvalue()


def _usage(account: str, charge: UsageCharge, cost: int) -> Mapping[str, str | None]:
    known = listed(charge.model)
    provider = known.provider if known else charge.tool
    model = charge.model or "a model that was not told"
    row = _row(account, charge.day, charge.day + _DAY, cost)
    listed_cost = cost if charge.listed_nanousd is None else charge.listed_nanousd
    return row | {
        "ChargeCategory": "Usage",
        "ChargeDescription": f"Tokens of {model} through {charge.tool}",
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": str(charge.tokens),
        "ConsumedUnit": _TOKENS,
        "InvoiceIssuerName": provider,
        "ListCost": _dollars(listed_cost),
        "PricingQuantity": str(charge.tokens),
        "PricingUnit": _TOKENS,
        "ProviderName": provider,
        "PublisherName": provider,
        "ServiceName": charge.tool,
        "Tags": _tags(charge.team, charge.repo),
        "x_Model": charge.model,
        "x_ReportedCost": None
        if charge.reported_nanousd is None
        else _dollars(charge.reported_nanousd),
        "x_ReportedInPart": "true" if charge.reported_in_part else None,
        "x_Team": charge.team,
        "x_Repository": charge.repo,
        "x_UnpricedTokens": str(charge.unpriced_tokens),
    }


def _seats(account: str, fee: SeatCharge) -> Mapping[str, str | None]:
    seller = fee.tool or fee.name
    row = _row(account, fee.first, fee.after, fee.nanousd)
    return row | {
        "ChargeCategory": "Purchase",
        "ChargeDescription": f"Seats: {fee.name}",
        "ChargeFrequency": "Recurring",
        "InvoiceIssuerName": seller,
        "ListCost": _dollars(fee.nanousd),
        "PricingQuantity": str(fee.seats),
        "PricingUnit": _SEATS,
        "ProviderName": seller,
        "PublisherName": seller,
        "ServiceName": seller,
        "Tags": _tags(fee.team, None),
        "x_Team": fee.team,
    }


def _row(account: str, first: date, after: date, cost: int) -> dict[str, str | None]:
    month = period_of(PeriodKind.MONTH, first)
    row: dict[str, str | None] = dict.fromkeys(COLUMNS)
    return row | {
        "BilledCost": _dollars(cost),
        "BillingAccountId": account,
        "BillingCurrency": "USD",
        "BillingPeriodStart": _moment(month.first),
        "BillingPeriodEnd": _moment(month.after),
        "ChargePeriodStart": _moment(first),
        "ChargePeriodEnd": _moment(after),
        "ContractedCost": _dollars(cost),
        "EffectiveCost": _dollars(cost),
        "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Generative AI",
    }


def _tags(team: str | None, repo: str | None) -> str | None:
    told = {name: value for name, value in (("team", team), ("repository", repo)) if value}
    return json.dumps(told, sort_keys=True) if told else None


def _moment(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _dollars(nanousd: int) -> str:
    """Exact dollars, without an exponent."""
    sign = "-" if nanousd < 0 else ""
    whole, rest = divmod(abs(nanousd), NANOUSD)
    return f"{sign}{whole}.{rest:09d}".rstrip("0").rstrip(".") if rest else f"{sign}{whole}"
