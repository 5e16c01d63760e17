"""Budgets and forecasts as they are asked for and answered."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.parameters import Day, Parameters, Text
from api.schemas.shape import Shape
from domain.budgets import (
    Backtest,
    Basis,
    Budget,
    Outlook,
    Part,
    PeriodKind,
    Range,
    RunsOut,
    ScopeKind,
    Standing,
    Unit,
    Unsaid,
)
from domain.usage import NANOUSD, nanousd

_IN_UNIT = "in the unit of the budget: US dollars or tokens"
_MOST_USD, _MOST_TOKENS = 1_000_000_000, 10**15
SCOPE = "What it is about: the company, or one team, repository, tool, model or person."
VALUE = (
    "Which one: the team's name, the repository (owner/name), the tool, the model as the tool"
    " spells it, or the person's pseudonym; empty for the company."
)
_BASIS = "`effective`: what the company pays by its price file; `list`: list price, without one."


class BudgetAsked(BaseModel):
    """A new budget."""

    model_config = ConfigDict(extra="forbid")

    name: Text = Field(min_length=1, max_length=200, description="Its name, for people.")
    scope: ScopeKind = Field(default=ScopeKind.COMPANY, description=SCOPE)
    value: Text = Field(default="", max_length=500, description=VALUE)
    period: PeriodKind = Field(
        default=PeriodKind.MONTH, description="How long the amount is for; then it begins anew."
    )
    unit: Unit = Field(default=Unit.USD, description="What `amount` is in.")
    amount: float = Field(
        ge=0.01,
        le=_MOST_TOKENS,
        allow_inf_nan=False,
        description="How much for a period, in US dollars or whole tokens.",
    )
    thresholds: list[int] = Field(
        default=[50, 80, 100],
        min_length=1,
        max_length=10,
        description="Percents of the amount that raise an alert when they are reached.",
    )
    valid_from: Day | None = Field(
        default=None, description="UTC day from which it holds; its period counts as a whole."
    )
    valid_to: Day | None = Field(default=None, description="Last UTC day; null: no end.")

    @model_validator(mode="after")
    def _sound(self) -> "BudgetAsked":
        if (self.scope is ScopeKind.COMPANY) == bool(self.value):
            raise ValueError("'value' says which one; only for the company it is empty")
        if self.unit is Unit.USD and self.amount > _MOST_USD:
            raise ValueError(f"at most {_MOST_USD:,} US dollars")
        if self.unit is Unit.TOKENS and self.amount != int(self.amount):
            raise ValueError("tokens are whole numbers")
        if any(not 0 < each <= 1000 for each in self.thresholds):  # noqa: PLR2004
            raise ValueError("thresholds are percents from 1 to 1000")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("'valid_to' must not be before 'valid_from'")
        return self

    def budget(self, budget_id: str, by: str, now: datetime) -> Budget:
        """The budget as it is kept; from today on where it does not say."""
        money = self.unit is Unit.USD
        return Budget(
            id=budget_id,
            name=self.name,
            part=Part(kind=self.scope, value=self.value),
            period=self.period,
            unit=self.unit,
            amount=nanousd(self.amount) if money else int(self.amount),
            thresholds=tuple(sorted(set(self.thresholds))),
            valid_from=self.valid_from or now.date(),
            valid_to=self.valid_to,
            created_by=by,
            created_at=now,
        )


class RangeShape(Shape):
    """An amount to be expected."""

    expected: float = Field(description="The amount to be expected, in `unit`.")
    low: float | None = Field(
        description="Lower end of the 80 % interval, in `unit`; null: too little history to tell."
    )
    high: float | None = Field(
        description="Upper end of the 80 % interval, in `unit`; null: too little history to tell."
    )


class BacktestShape(Shape):
    """How wrong the same forecast was when it was made from earlier days."""

    origins: int = Field(description="From how many earlier days it was made anew.")
    horizon_days: int = Field(description="Over how many days totals were compared.")
    wape: float | None = Field(
        description="Sum of the absolute errors over the sum of the amounts; 0.1 is 10 % off."
    )
    bias: float | None = Field(
        description="The same with signs: above 0 where too much was forecast."
    )
    interval_coverage: float | None = Field(
        description="Share of totals that fell into the 80 % interval told from what was known at"
        " the time, from 0 to 1; null: too few to say."
    )


class BudgetRow(Shape):
    """A budget."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name.")
    scope: ScopeKind = Field(description=SCOPE)
    value: str = Field(description=VALUE)
    period: PeriodKind = Field(description="How long the amount is for.")
    unit: Unit = Field(description="What amounts are in: US dollars or tokens.")
    amount: float = Field(description=f"How much for a period, {_IN_UNIT}.")
    thresholds: list[int] = Field(description="Percents that raise an alert.")
    valid_from: date = Field(description="UTC day from which it holds.")
    valid_to: date | None = Field(description="Last UTC day; null: no end.")
    created_by: str = Field(
        description="Id of the access token that made it; `local`: without one."
    )
    created_at: datetime = Field(description="When it was made, UTC.")


class StandingShape(Shape):
    """How a budget stands in its present period."""

    start: date = Field(serialization_alias="from", description="First UTC day of the period.")
    end: date = Field(serialization_alias="to", description="The UTC day after its last.")
    basis: Basis = Field(description=f"Which cost money is. {_BASIS}")
    spent: float | None = Field(
        description=f"Usage so far, {_IN_UNIT}; null: nothing that was used has a price."
    )
    committed: float | None = Field(
        description="Seat fees of the whole period, in US dollars (0 for tokens); null: cannot say,"
        " since no price file is set or seats are not this scope's alone."
    )
    used_share: float | None = Field(
        description="Spent and committed, as far as either is known, over the amount; 1 is all;"
        " null: neither is known."
    )
    coverage: float | None = Field(
        description="Share of the tokens so far that have a price, from 0 to 1; null: no tokens."
    )
    passed: int | None = Field(description="Highest threshold reached, in percent; null: none.")
    at_end: RangeShape | None = Field(
        description="Spent and committed when the period ends; null: cannot say, see `unsaid`."
    )
    backtest: BacktestShape | None = Field(description="How wrong this forecast was before.")
    runs_out: RunsOut = Field(description="Whether the amount is used up within the period.")
    runs_out_on: date | None = Field(
        description="The UTC day on which it is to be expected; null: on none, or cannot say."
    )
    unsaid: str | None = Field(description="Why there is no forecast; null: there is one.")


class BudgetStanding(BudgetRow):
    """A budget and how it stands."""

    standing: StandingShape | None = Field(
        description="Null: it holds in no period of today's, or is `withheld`."
    )
    withheld: bool = Field(
        description="Whether how it stands is not told to whoever asks, as too few people are"
        " behind it, or beside it."
    )


class BudgetFloor(Shape):
    """What keeps budgets from being about few people, for whoever may not see everybody."""

    people: int = Field(description="The fewest people that anything told is about.")
    budgets_withheld: int = Field(
        description="So many budgets are not told how they stand, as too few people are behind"
        " them, or beside them."
    )


class BudgetReport(Shape):
    """All budgets."""

    rows: list[BudgetStanding] = Field(description="One row for each budget, by name.")
    floor: BudgetFloor | None = Field(
        default=None, description="Only where whoever asks may not see everybody behind them."
    )


class ForecastParameters(Parameters):
    """What to forecast."""

    scope: ScopeKind = Field(default=ScopeKind.COMPANY, description=SCOPE)
    value: Text = Field(default="", description=VALUE)
    unit: Unit = Field(default=Unit.USD, description="US dollars or tokens.")
    horizon: int = Field(default=30, ge=1, le=366, description="How many days, today the first.")

    @model_validator(mode="after")
    def _whole(self) -> "ForecastParameters":
        check_part(self.scope, self.value)
        return self


class ForecastDay(Shape):
    """One day of a forecast, and the total up to its end."""

    day: date = Field(description="The UTC day.")
    expected: float = Field(description="What the day is expected to come to, in `unit`.")
    total: RangeShape = Field(description="All days up to its end.")


class ForecastReport(Shape):
    """A forecast, and how wrong it was before."""

    scope: ScopeKind = Field(description=SCOPE)
    value: str = Field(description=VALUE)
    unit: Unit = Field(description="What amounts are in: US dollars or tokens.")
    basis: Basis = Field(description=f"Which cost money is. {_BASIS}")
    history_days: int | None = Field(description="Days since the first usage that it rests on.")
    total: RangeShape | None = Field(description="All of the horizon; null: cannot say.")
    days: list[ForecastDay] = Field(description="Day by day.")
    backtest: BacktestShape | None = Field(description="How wrong this forecast was before.")
    unsaid: str | None = Field(description="Why there is no forecast; null: there is one.")


def check_part(scope: ScopeKind, value: str) -> None:
    """Raises ValueError where a scope does not say which one, or the company does."""
    if (scope is ScopeKind.COMPANY) == bool(value):
        raise ValueError("'value' says which one; only for the company it is empty")


def budget_row(budget: Budget) -> BudgetRow:
    """A budget as it is answered."""
    return BudgetRow(
        id=budget.id,
        name=budget.name,
        scope=budget.part.kind,
        value=budget.part.value,
        period=budget.period,
        unit=budget.unit,
        amount=_in_unit(budget.amount, budget.unit),
        thresholds=list(budget.thresholds),
        valid_from=budget.valid_from,
        valid_to=budget.valid_to,
        created_by=budget.created_by,
        created_at=budget.created_at,
    )


def budget_standing(budget: Budget, standing: Standing | None, *, withheld: bool) -> BudgetStanding:
    """A budget with how it stands, or whether that is withheld."""
    row = budget_row(budget).model_dump()
    told = _standing(standing) if standing else None
    return BudgetStanding(**row, standing=told, withheld=withheld)


def _standing(told: Standing) -> StandingShape:
    unit = told.budget.unit
    return StandingShape(
        start=told.span.first,
        end=told.span.after,
        basis=told.basis,
        spent=None if told.spent is None else _in_unit(told.spent, unit),
        committed=None if told.committed is None else _in_unit(told.committed, unit),
        used_share=told.used_share,
        coverage=told.coverage,
        passed=told.passed,
        at_end=_range(told.end, unit),
        backtest=_backtest(told.backtest),
        runs_out=told.runs_out,
        runs_out_on=told.runs_out_on,
        unsaid=told.unsaid,
    )


def forecast_report(
    part: Part, unit: Unit, basis: Basis, told: Outlook | Unsaid, days: list[date]
) -> ForecastReport:
    """A forecast as it is answered; ``days`` are those that it is about."""
    said = told if isinstance(told, Outlook) else None
    return ForecastReport(
        scope=part.kind,
        value=part.value,
        unit=unit,
        basis=basis,
        history_days=said.history_days if said else None,
        total=_range(said.totals[-1], unit) if said else None,
        days=[
            ForecastDay(day=day, expected=_in_unit(expected, unit), total=_ranged(total, unit))
            for day, expected, total in zip(days, said.daily, said.totals, strict=True)
        ]
        if said
        else [],
        backtest=_backtest(said.backtest) if said else None,
        unsaid=told.reason if isinstance(told, Unsaid) else None,
    )


def _range(told: Range | None, unit: Unit) -> RangeShape | None:
    return None if told is None else _ranged(told, unit)


def _ranged(told: Range, unit: Unit) -> RangeShape:
    return RangeShape(
        expected=_in_unit(told.expected, unit),
        low=None if told.low is None else _in_unit(told.low, unit),
        high=None if told.high is None else _in_unit(told.high, unit),
    )


def _backtest(told: Backtest | None) -> BacktestShape | None:
    if told is None:
        return None
    return BacktestShape(
        origins=told.origins,
        horizon_days=told.horizon_days,
        wape=told.wape,
        bias=told.bias,
        interval_coverage=told.interval_coverage,
    )


def _in_unit(amount: float, unit: Unit) -> float:
    """Nano-dollars as dollars; tokens as they are, forecasts of them rounded to whole ones."""
    return amount / NANOUSD if unit is Unit.USD else round(amount)
