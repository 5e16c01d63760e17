"""What to do about a tool, and how sure that is."""

from datetime import datetime

from pydantic import Field

from api.schemas.shape import MODEL, TOOL, Shape
from domain.judgement import By, Given, Judgement, Move, Moved, moves
from domain.labels import (
    CostPerChange,
    Decision,
    Requirement,
    Sensitivity,
    Use,
    Verdict,
    WorkTypeShare,
)

_NANO = 1e9
_TOO_LITTLE = "null: too little evidence to say."


class Interval(Shape):
    """A 95 % interval."""

    low: float = Field(description="Lower end, from 0 to 1.")
    high: float = Field(description="Upper end, from 0 to 1.")


class Dollars(Shape):
    """A 95 % interval of money."""

    low_usd: float = Field(description="Lower end, in US dollars.")
    high_usd: float = Field(description="Upper end, in US dollars.")


class RequirementRow(Shape):
    """One thing that a verdict takes."""

    name: str = Field(description="Its name.")
    sentence: str = Field(description="What is counted or measured.")
    have: float = Field(description="How much there is; shares are from 0 to 1.")
    need: float = Field(description="How much it takes; shares are from 0 to 1.")
    met: bool = Field(description="Whether there is enough.")


class WorkTypeRow(Shape):
    """How a tool does at one type of work."""

    work_type: str = Field(description="`bug`, `feature`, `docs`, `test`, `refactor`, …")
    use: Use = Field(description="`keep` it for this, `stop` using it for this, or `unclear`.")
    share: float = Field(description="Expected productive share of spend there, from 0 to 1.")
    interval: Interval = Field(description="How sure the share is.")
    good: float = Field(description="Probability that it reaches the bar for keeping.")
    pieces: float = Field(description="Equal pieces of work that it rests on.")
    weight: float = Field(description="Part of the tool's spend, from 0 to 1.")


class CostPerChangeRow(Shape):
    """What a surviving change costs: one that landed, and is neither reverted nor reworked."""

    standardised_usd: float = Field(
        description="What it would cost over the company's mix of work, in US dollars of settled"
        " spend, that of failed work included."
    )
    interval: Dollars = Field(description="How sure the standardised cost is.")
    actual_usd: float = Field(
        description="What it did cost over the work that the tool was given, in US dollars."
    )
    surviving: float = Field(
        description="Surviving changes; one that others worked on too counts by its part."
    )


class SensitivityRow(Shape):
    """What the verdict would be under another assumption."""

    changed: str = Field(description="What was assumed.")
    verdict: Decision = Field(description="The verdict then.")
    share: float | None = Field(
        description=f"The productive share over the company's mix then; {_TOO_LITTLE}"
    )


class MoveRow(Shape):
    """One thing that moved between two verdicts."""

    what: Moved = Field(
        description="`threshold`, `requirement`, `share`, `certainty`, `work_type` or `evidence`."
    )
    name: str = Field(description="Its name.")
    before: str = Field(description="What it was; empty: there was none.")
    after: str = Field(description="What it came to be; empty: there is none.")


class GivenRow(Shape):
    """One verdict of the history, from when it was given until the next one."""

    by: By = Field(description="Whether it is on the tool, or on it with one model.")
    model: str | None = Field(description=MODEL)
    verdict: Decision = Field(description="What was said.")
    reason: str = Field(description="Why, as a sentence.")
    share: float | None = Field(
        description=f"The productive share over the company's mix then; {_TOO_LITTLE}"
    )
    given_at: datetime = Field(description="When it was given, UTC.")
    last_judged_at: datetime = Field(description="When it was last found to stand, UTC.")
    moved: list[MoveRow] = Field(
        description="All that moved since the verdict before was given; empty for the first."
    )


class VerdictRow(Shape):
    """What to do about one tool, or one of its models, and how sure that is."""

    tool: str = Field(description=TOOL)
    model: str | None = Field(
        description="The model that it is on, as the tool spells it; null: all of the tool's, or"
        " (by tool and model) one that was not told."
    )
    verdict: Decision = Field(
        description="`keep`, `scope` (keep it for some work), `cut`, or `insufficient_evidence`."
    )
    reason: str = Field(description="Why, as a sentence.")
    productive_share: float | None = Field(
        description=f"Productive part of settled, non-neutral spend, from 0 to 1; {_TOO_LITTLE}"
    )
    standardised_share: float | None = Field(
        description="What that share would be over the company's mix of work, from 0 to 1: the"
        f" verdict is on this one; {_TOO_LITTLE}"
    )
    interval: Interval | None = Field(
        description=f"How sure the standardised share is; {_TOO_LITTLE}"
    )
    baseline: float | None = Field(
        description=f"The company's own share over the same mix, from 0 to 1; {_TOO_LITTLE}"
    )
    good: float | None = Field(
        description=f"Probability that the share reaches the bar for keeping; {_TOO_LITTLE}"
    )
    bad: float | None = Field(
        description="Probability that it is below the bar for cutting and clearly below the other"
        f" tools'; {_TOO_LITTLE}"
    )
    cost_per_surviving_change: CostPerChangeRow | None = Field(
        description="What a surviving change costs; null: too little evidence to say, or none"
        " survived."
    )
    by_work_type: list[WorkTypeRow] = Field(description="The same by type of work, by name.")
    sensitivity: list[SensitivityRow] = Field(
        description="What the verdict would be under other assumptions."
    )
    requirements: list[RequirementRow] = Field(
        description="Everything a verdict takes; the unmet ones say what is missing."
    )
    as_of: datetime = Field(description="The time that the verdict is given for, UTC.")


class VerdictReport(Shape):
    """The verdict of every tool, or tool and model."""

    by: By = Field(description="What each verdict is on.")
    judged_at: datetime | None = Field(
        description="When they were given, UTC; null: none had been given by then."
    )
    rows: list[VerdictRow] = Field(description="One row for each tool (and model), by name.")


class VerdictDetail(VerdictRow):
    """The verdict of one tool with those on its models, and all that were given before."""

    models: list[VerdictRow] = Field(description="The tool with each of its models, by name.")
    history: list[GivenRow] = Field(
        description="Every change of a verdict on it, or on it with a model, newest first."
    )


def verdict_report(judgement: Judgement) -> VerdictReport:
    """All verdicts as they are answered."""
    rows = [verdict_row(each) for each in judgement.verdicts]
    rows.sort(key=lambda row: (row.tool, row.model or ""))
    return VerdictReport(by=judgement.by, judged_at=judgement.judged_at, rows=rows)


def verdict_detail(verdict: Verdict, models: Judgement, history: list[Given]) -> VerdictDetail:
    """One tool's verdict with models and history."""
    own = [each for each in verdict_report(models).rows if each.tool == verdict.tool]
    row = {name: getattr(verdict_row(verdict), name) for name in VerdictRow.model_fields}
    return VerdictDetail(**row, models=own, history=_history(history))


def verdict_row(verdict: Verdict) -> VerdictRow:
    """A verdict as it is answered."""
    per_change = verdict.per_change
    return VerdictRow(
        tool=verdict.tool,
        model=verdict.model,
        verdict=verdict.decision,
        reason=verdict.reason,
        productive_share=verdict.productive_share,
        standardised_share=verdict.standardised_share,
        interval=interval(verdict.interval) if verdict.interval else None,
        baseline=verdict.baseline,
        good=verdict.good,
        bad=verdict.bad,
        cost_per_surviving_change=_per_change(per_change) if per_change else None,
        by_work_type=[_work_type(each) for each in verdict.by_work_type],
        sensitivity=[_sensitivity(each) for each in verdict.sensitivity],
        requirements=[_requirement(each) for each in verdict.requirements],
        as_of=verdict.as_of,
    )


def interval(told: tuple[float, float]) -> Interval:
    """An interval of shares as it is answered."""
    return Interval(low=told[0], high=told[1])


def dollars(told: tuple[int, int]) -> Dollars:
    """An interval of nano-dollars as it is answered."""
    return Dollars(low_usd=told[0] / _NANO, high_usd=told[1] / _NANO)


def _requirement(told: Requirement) -> RequirementRow:
    return RequirementRow(
        name=told.name, sentence=told.sentence, have=told.have, need=told.need, met=told.met
    )


def _work_type(told: WorkTypeShare) -> WorkTypeRow:
    return WorkTypeRow(
        work_type=told.work_type,
        use=told.use,
        share=told.share,
        interval=interval(told.interval),
        good=told.good,
        pieces=told.pieces,
        weight=told.weight,
    )


def _per_change(told: CostPerChange) -> CostPerChangeRow:
    return CostPerChangeRow(
        standardised_usd=told.standardised_nanousd / _NANO,
        interval=dollars(told.interval_nanousd),
        actual_usd=told.actual_nanousd / _NANO,
        surviving=told.surviving,
    )


def _sensitivity(told: Sensitivity) -> SensitivityRow:
    return SensitivityRow(changed=told.changed, verdict=told.decision, share=told.share)


def _history(given: list[Given]) -> list[GivenRow]:
    rows = []
    for place, each in enumerate(given):
        same = (e for e in given[place + 1 :] if (e.by, e.model) == (each.by, each.model))
        before = next(same, None)
        moved = moves(before.grounds, each.grounds) if before else ()
        rows.append(
            GivenRow(
                by=each.by,
                model=each.model,
                verdict=each.decision,
                reason=each.reason,
                share=each.grounds.share,
                given_at=each.given_at,
                last_judged_at=each.judged_at,
                moved=[_move(move) for move in moved],
            )
        )
    return rows


def _move(told: Move) -> MoveRow:
    return MoveRow(what=told.what, name=told.name, before=told.before, after=told.after)
