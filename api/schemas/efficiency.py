"""How efficient spend was, and the indicators beside it.

An answer by week has thousands of some parts. These are plain dicts: to make one takes a tenth of
the time, and nobody looks for cycles in them.
"""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from api.schemas.shape import Shape
from api.schemas.verdicts import Interval as Between
from domain import efficiency as told
from domain.contributions import Facet
from domain.efficiency import Interval, Kind, Reading
from domain.labels import Label
from domain.usage import usd


class RatioShape(Shape):
    """A share with its 95 % interval."""

    value: float = Field(description="From 0 to 1.")
    interval: Between = Field(description="How sure it is.")
    weight: float = Field(
        description="Number of equal sessions that it rests on: of a share of spend the effective"
        " number (Kish), since a few expensive ones weigh most."
    )


class RuleSpend(TypedDict):
    """What one rule gave a label to."""

    rule: Annotated[str, Field(description="Name of the rule, as in docs/rules.md.")]
    sessions: Annotated[int, Field(description="Number of sessions.")]
    cost_usd: Annotated[
        float | None,
        Field(description="US dollars that they cost; null: of none of them that is known."),
    ]


class LabelSpend(TypedDict):
    """What went to one label."""

    label: Annotated[Label, Field(description="The label.")]
    sessions: Annotated[int, Field(description="Number of sessions, whether final or provisional.")]
    cost_usd: Annotated[
        float | None,
        Field(
            description="US dollars that they cost, without those of unknown cost; null: of none of"
            " them the cost is known."
        ),
    ]
    unpriced_sessions: Annotated[int, Field(description="Those of them of unknown cost.")]
    final_sessions: Annotated[int, Field(description="Those of them whose label is final.")]
    final_usd: Annotated[
        float | None,
        Field(
            description="US dollars that these cost; only they count in ratios. Null: of none of"
            " them the cost is known."
        ),
    ]
    rules: Annotated[
        list[RuleSpend],
        Field(description="The reasons: by which rules, the costliest first."),
    ]


class TrendShape(Shape):
    """The ratio of the last settled time against that of the four before it."""

    start: datetime = Field(
        serialization_alias="from", description="Beginning of the time that is compared, UTC."
    )
    weeks: int = Field(description="Its weeks that have sessions.")
    weeks_before: int = Field(
        description="The weeks with sessions of the time before: four times as long, or as much of"
        " that as lies in the period. So an answer of another period may say otherwise."
    )
    ratio: float = Field(description="Its ratio by spend, from 0 to 1.")
    before: float = Field(description="That of the four times before it together, from 0 to 1.")
    change: float = Field(description="The difference of both, from -1 to 1.")
    interval: Between = Field(description="How sure the difference is; from -1 to 1.")
    spend_change: float = Field(
        description="Change of all spend a week against the time before, as a share of that: 0.5"
        " is half as much again."
    )


class Group(Shape):
    """Which group in which time."""

    kind: Kind = Field(
        description="`group`; `others`: all groups that are not named, since too few people are"
        " behind them or they come after `limit`; `total`."
    )
    group: str | None = Field(
        description="The group's value; null: not told, or this is not one group."
    )
    start: datetime | None = Field(
        serialization_alias="from",
        description="Beginning of the row's time, UTC; null: that of the answer.",
    )
    weeks: int | None = Field(
        description="Weeks of the row's time; more than were asked for where single weeks hold"
        " too few people. Null: all of the answer's."
    )
    weeks_pooled: int = Field(
        description="Weeks of the answer in which the group has sessions and is a part of `others`,"
        " since too few people are behind it then: this row lacks them."
    )
    people: int = Field(
        description="Number of different people behind it, as far as they are told."
    )


class EfficiencyRowShape(Group):
    """How efficient the spend of one group was."""

    ratio: RatioShape | None = Field(
        description="Productive share of settled, non-neutral spend; null: nothing settled cost"
        " anything."
    )
    ratio_by_sessions: RatioShape | None = Field(
        description="The same share of sessions, whatever they cost; null: none is settled."
    )
    sessions: int = Field(description="Number of sessions, whatever their label.")
    cost_usd: float | None = Field(
        description="US dollars that all of them cost: as reported where that is told for all of a"
        " session, else the greater of what is reported and the list price. Where"
        " `unpriced_sessions`, `lower_bound_sessions` or `incomplete_sessions` is not 0 they cost"
        " at least this; null: of none of them the cost is known."
    )
    unpriced_sessions: int = Field(
        description="Sessions of unknown cost: they count in shares of sessions only."
    )
    lower_bound_sessions: int = Field(
        description="Sessions whose cost is known in part only, so that they cost at least what is"
        " summed of them."
    )
    incomplete_sessions: int = Field(
        description="Sessions of whose telemetry something is known to be missing (`complete` is"
        " false): they used at least what is summed of them."
    )
    coverage: float | None = Field(
        description="Share of spend whose label is neither pending nor unknown, from 0 to 1; null:"
        " nothing was spent, as far as it is known."
    )
    spend: list[LabelSpend] = Field(description="What went to each label, and why.")
    baseline: float | None = Field(
        description="The whole company's ratio over the same time, from 0 to 1; null: nothing is"
        " settled."
    )
    same_mix: float | None = Field(
        description="What the company's ratio would be over this group's mix of types of work, from"
        " 0 to 1; null: too little of the mix is known or may be told, or it was not asked by a"
        " group over the whole period."
    )
    outlier: float | None = Field(
        description="How far the whole interval of `ratio` lies from `same_mix`: above is positive."
        " Null: it does not, or it cannot be said. Of forty groups that do not differ two come out"
        " so by chance."
    )
    trend: TrendShape | None = Field(
        description="How the ratio has moved; null: nothing is settled enough to say."
    )
    reading: Reading = Field(description="What follows, as a stable code.")
    sentence: str = Field(description="The same for people.")


class Answered(Shape):
    """Which time an answer is about."""

    start: datetime | None = Field(
        serialization_alias="from",
        description="Beginning of the period as it was used: whole weeks, Monday to Monday UTC."
        " Null: nothing can be told.",
    )
    end: datetime | None = Field(
        serialization_alias="to",
        description="End (exclusive) of the period as it was used; null: nothing can be told.",
    )
    weeks: int = Field(description="Weeks in it that have sessions and are in the sums.")
    narrowed: bool = Field(
        description="Whether weeks with sessions that were asked for are left out: single weeks, or"
        " blocks of which only a part was asked for, with too few people to be told apart."
    )
    group_by: Facet | None = Field(description="What the rows are grouped by; null: nothing.")
    interval: Interval = Field(description="By what time the rows are apart.")
    privacy_floor: int = Field(description="Fewest people that any row is about.")


class EfficiencyAnswer(Answered):
    """The productive share of settled spend, by group and time."""

    rows: list[EfficiencyRowShape] = Field(
        description="By time, and then the costliest group first; `others` come last."
    )
    total: EfficiencyRowShape | None = Field(
        description="All of it together; null: nothing can be told."
    )


class KpiShape(TypedDict):
    """One indicator."""

    name: Annotated[str, Field(description="Its name; docs/kpis.md says what it means.")]
    value: Annotated[float | None, Field(description="In its `unit`; null: `why` says why not.")]
    unit: Annotated[
        str, Field(description="`usd`, `tokens`, `ratio`, `share` (from 0 to 1) or `hours`.")
    ]
    sessions: Annotated[
        int,
        Field(description="How many sessions it rests on; of lead times, how many changes."),
    ]
    missing: Annotated[
        float | None,
        Field(
            description="Share of what it should rest on that does not tell it, from 0 to 1; null:"
            " that is not known."
        ),
    ]
    why: Annotated[str | None, Field(description="Why there is no value; null: there is one.")]


class KpiRowShape(Group):
    """The indicators of one group."""

    lower_bound_sessions: int = Field(
        description="Sessions of it whose cost is known in part only: what costs is told of it"
        " costs at least that."
    )
    incomplete_sessions: int = Field(
        description="Sessions of it of whose telemetry something is known to be missing: its sums"
        " of tokens and cost are at least what they are told to be."
    )
    kpis: list[KpiShape] = Field(description="All indicators, always in the same order.")


class KpiAnswer(Answered):
    """Indicators by group and time."""

    rows: list[KpiRowShape] = Field(
        description="By time, and then the costliest group first; `others` come last."
    )
    total: KpiRowShape | None = Field(description="All of it together; null: nothing can be told.")


def efficiency_answer(
    report: told.EfficiencyReport, asked: told.Asked, floor: int
) -> EfficiencyAnswer:
    """A report as it is answered."""
    return EfficiencyAnswer(
        **_answered(report.period, asked, floor),
        rows=[_row(each) for each in report.rows],
        total=_row(report.total) if report.total else None,
    )


def kpi_answer(report: told.KpiReport, asked: told.Asked, floor: int) -> KpiAnswer:
    """Indicators as they are answered."""
    return KpiAnswer(
        **_answered(report.period, asked, floor),
        rows=[_kpis(each) for each in report.rows],
        total=_kpis(report.total) if report.total else None,
    )


def _answered(period: told.Period, asked: told.Asked, floor: int) -> dict[str, Any]:
    return {
        "start": period.start,
        "end": period.end,
        "weeks": period.weeks,
        "narrowed": period.narrowed,
        "group_by": asked.group_by,
        "interval": asked.interval,
        "privacy_floor": floor,
    }


def _group(measured: told.Measured) -> dict[str, Any]:
    return {
        "kind": measured.kind,
        "group": measured.value or None,
        "start": measured.start,
        "weeks": measured.weeks,
        "weeks_pooled": measured.weeks_pooled,
        "people": measured.people,
    }


# Nearly all of an answer by week is what it was in the last one.
@lru_cache(maxsize=2048)
def _row(row: told.EfficiencyRow) -> EfficiencyRowShape:
    return EfficiencyRowShape(
        **_group(row.measured),
        ratio=_ratio(row.by_spend),
        ratio_by_sessions=_ratio(row.by_sessions),
        sessions=sum(each.sessions for each in row.spent),
        cost_usd=usd(row.cost_nanousd),
        unpriced_sessions=row.unpriced_sessions,
        lower_bound_sessions=row.lower_bound_sessions,
        incomplete_sessions=row.incomplete_sessions,
        coverage=row.coverage,
        spend=[_spent(each) for each in row.spent],
        baseline=row.baseline,
        same_mix=row.same_mix,
        outlier=row.outlier.by if row.outlier else None,
        trend=_trend(row.trend) if row.trend else None,
        reading=row.reading,
        sentence=row.sentence,
    )


def _ratio(share: told.Share | None) -> RatioShape | None:
    if share is None:
        return None
    interval = Between(low=share.low, high=share.high)
    return RatioShape(value=share.value, interval=interval, weight=share.weight)


def _spent(spent: told.Spent) -> LabelSpend:
    return {
        "label": spent.label,
        "sessions": spent.sessions,
        "cost_usd": usd(spent.cost_nanousd),
        "unpriced_sessions": spent.unpriced_sessions,
        "final_sessions": spent.final_sessions,
        "final_usd": usd(spent.final_nanousd),
        "rules": [
            {"rule": rule, "sessions": sessions, "cost_usd": usd(cost)}
            for rule, (sessions, cost) in spent.rules.items()
        ],
    }


def _trend(trend: told.Trend) -> TrendShape:
    return TrendShape(
        start=trend.start,
        weeks=trend.weeks,
        weeks_before=trend.weeks_before,
        ratio=trend.ratio,
        before=trend.before,
        change=trend.change,
        interval=Between(low=trend.low, high=trend.high),
        spend_change=trend.spend_change,
    )


def _kpis(row: told.KpiRow) -> KpiRowShape:
    return KpiRowShape(
        **_group(row.measured),
        lower_bound_sessions=row.lower_bound_sessions,
        incomplete_sessions=row.incomplete_sessions,
        kpis=[
            {
                "name": each.name,
                "value": each.value,
                "unit": each.unit,
                "sessions": each.sessions,
                "missing": each.missing,
                "why": each.why,
            }
            for each in row.kpis
        ],
    )
