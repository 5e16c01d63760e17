"""Scenarios as they are asked for, and their answers."""

from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.parameters import Text
from api.schemas.budgets import SCOPE, VALUE, check_part
from api.schemas.shape import Shape
from domain import scenarios as asked
from domain.budgets import ScopeKind
from domain.outcomes import WorkType
from domain.scenarios import ScenarioResult
from domain.usage import nanousd, usd

_MODEL = "Models as tools spell them; one that ends with `*` names many by their beginning."
_MOST = 1_000_000_000


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PriceChange(_Asked):
    """Models cost more or less."""

    kind: Literal["price_change"] = Field(description="A price changes.")
    model: Text = Field(min_length=1, description=_MODEL)
    factor: float = Field(ge=0, le=1000, description="So many times what they cost now.")

    def change(self) -> asked.Change:
        """As the arithmetic takes it."""
        return asked.PriceChange(model=self.model, factor=self.factor)


class ModelSwitch(_Asked):
    """Tokens go to another model."""

    kind: Literal["model_switch"] = Field(description="Another model does the same work.")
    model: Text = Field(min_length=1, description=_MODEL)
    to: Text = Field(min_length=1, description="The model that takes over.")

    def change(self) -> asked.Change:
        """As the arithmetic takes it."""
        return asked.ModelSwitch(model=self.model, to=self.to)


class HeadCount(_Asked):
    """More or fewer people."""

    kind: Literal["head_count"] = Field(description="More or fewer people use tools.")
    people: int | None = Field(
        default=None, ge=-1_000_000, le=1_000_000, description="So many more; fewer: below 0."
    )
    factor: float | None = Field(
        default=None, ge=0, le=1000, description="Or so many times as many as now."
    )

    @model_validator(mode="after")
    def _one(self) -> "HeadCount":
        if (self.people is None) == (self.factor is None):
            raise ValueError("say either 'people' or 'factor'")
        return self

    def change(self) -> asked.Change:
        """As the arithmetic takes it."""
        return asked.HeadCount(people=self.people, factor=self.factor)


class CacheShare(_Asked):
    """More or less of each prompt is read from the cache."""

    kind: Literal["cache_share"] = Field(description="Another share of prompts is cached.")
    share: float = Field(ge=0, le=1, description="Prompt tokens read from the cache, from 0 to 1.")

    def change(self) -> asked.Change:
        """As the arithmetic takes it."""
        return asked.CacheShare(share=self.share)


class Routing(_Asked):
    """A routing policy is adopted."""

    kind: Literal["routing"] = Field(description="Each kind of work goes to its model.")
    models: dict[WorkType, Text] = Field(
        min_length=1, description="The model of each kind of work; others stay where they are."
    )

    def change(self) -> asked.Change:
        """As the arithmetic takes it."""
        return asked.Routing(models=self.models)


class OwnHosting(_Asked):
    """A model of the company's own machines takes over."""

    kind: Literal["own_hosting"] = Field(description="A model on the company's own machines.")
    model: Text = Field(min_length=1, description=f"Which it replaces. {_MODEL}")
    month_usd: float = Field(
        ge=0, le=_MOST, description="US dollars a month, whatever is used: machines and people."
    )
    mtok_usd: float = Field(ge=0, le=_MOST, description="US dollars for a million tokens on top.")

    def change(self) -> asked.Change:
        """As the arithmetic takes it."""
        return asked.OwnHosting(
            model=self.model,
            month_nanousd=nanousd(self.month_usd),
            mtok_nanousd=nanousd(self.mtok_usd),
        )


class SmallModelTrial(_Asked):
    """Narrow work goes to a small model."""

    kind: Literal["small_model_trial"] = Field(description="A small model tries narrow work.")
    model: Text = Field(min_length=1, description="The small model.")

    def change(self) -> asked.Change:
        """As the arithmetic takes it."""
        return asked.SmallModelTrial(model=self.model)


ScenarioAsked: TypeAlias = Annotated[
    PriceChange | ModelSwitch | HeadCount | CacheShare | Routing | OwnHosting | SmallModelTrial,
    Field(discriminator="kind"),
]


class ScenariosAsked(_Asked):
    """What to try, on which part of the company."""

    scope: ScopeKind = Field(default=ScopeKind.COMPANY, description=SCOPE)
    value: Text = Field(default="", description=VALUE)
    scenarios: list[ScenarioAsked] = Field(
        min_length=1, max_length=20, description="Each is tried by itself, not on top of others."
    )

    @model_validator(mode="after")
    def _whole(self) -> "ScenariosAsked":
        check_part(self.scope, self.value)
        return self


class ScenarioRow(Shape):
    """What a month costs, and would cost."""

    kind: str = Field(description="The scenario.")
    month_usd_now: float | None = Field(description="US dollars a month now; null: cannot say.")
    month_usd_then: float | None = Field(description="US dollars a month then; null: cannot say.")
    delta_usd: float | None = Field(
        description="US dollars more a month (saved: below 0); null: cannot say."
    )
    tokens_a_month: int | None = Field(description="Tokens a month that it concerns.")
    break_even_tokens: int | None = Field(
        description="Own hosting pays from so many tokens a month on; null: never, or no question."
    )
    worth_a_trial: bool | None = Field(
        description="Whether so much narrow work goes to frontier models that a trial is worth it;"
        " null: no question."
    )
    assumptions: list[str] = Field(description="What the answer takes for granted.")
    missing: list[str] = Field(description="What it leaves out.")
    unsaid: str | None = Field(description="Why there is no answer; null: there is one.")


class ScenarioReport(Shape):
    """Each scenario by itself."""

    start: date = Field(serialization_alias="from", description="First UTC day it rests on.")
    end: date = Field(serialization_alias="to", description="The UTC day after the last.")
    rows: list[ScenarioRow] = Field(description="One row for each scenario, in their order.")


def scenario_row(kind: str, told: ScenarioResult) -> ScenarioRow:
    """A result as it is answered."""
    return ScenarioRow(
        kind=kind,
        month_usd_now=usd(told.now_nanousd),
        month_usd_then=usd(told.then_nanousd),
        delta_usd=usd(told.delta_nanousd),
        tokens_a_month=told.tokens,
        break_even_tokens=told.break_even_tokens,
        worth_a_trial=told.worth_a_trial,
        assumptions=list(told.assumptions),
        missing=list(told.missing),
        unsaid=told.unsaid,
    )
