"""What routes about money to come need from outside: standings, forecasts and scenarios."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.budgets import Budget, Outlook, Part, Standing, Unit, Unsaid
from domain.company_prices import CompanyPrices
from domain.scenarios import Change, ScenarioResult
from store.engine import Connection

Standings: TypeAlias = Callable[
    [Connection, Sequence[Budget], datetime, CompanyPrices | None], Sequence[Standing]
]
"""How budgets stand, of those that have a period at that time."""

Forecaster: TypeAlias = Callable[
    [Connection, Part, Unit, int, datetime, CompanyPrices | None], Outlook | Unsaid
]
"""The forecast of a part of the company for so many days, the present one the first of them."""

Considering: TypeAlias = Callable[
    [Connection, Part, Sequence[Change], datetime, CompanyPrices | None], Sequence[ScenarioResult]
]
"""What a month would cost with each of these changes, each by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """All three of them."""

    standings: Standings
    forecaster: Forecaster
    considering: Considering
