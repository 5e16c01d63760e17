"""What to do about a tool, and how sure that is."""

from datetime import datetime

from pydantic import Field

from api.schemas.shape import TOOL, Shape
from domain.labels import Decision, Verdict


class Interval(Shape):
    """A 95 % interval."""

    low: float = Field(description="Lower end, from 0 to 1.")
    high: float = Field(description="Upper end, from 0 to 1.")


class RequirementRow(Shape):
    """One thing that a verdict takes."""

    name: str = Field(description="Its name.")
    sentence: str = Field(description="What is counted or measured.")
    have: float = Field(description="How much there is; shares are from 0 to 1.")
    need: float = Field(description="How much it takes; shares are from 0 to 1.")
    met: bool = Field(description="Whether there is enough.")


class VerdictRow(Shape):
    """What to do about one tool, and how sure that is."""

    tool: str = Field(description=TOOL)
    verdict: Decision = Field(
        description="`keep`, `scope` (keep it for some work), `cut`, or `insufficient_evidence`."
    )
    reason: str = Field(description="Why, as a sentence.")
    productive_share: float | None = Field(
        description="Productive part of settled, non-neutral spend, from 0 to 1; null: too little"
        " evidence to say."
    )
    interval: Interval | None = Field(
        description="How sure the share is; null: too little evidence to say."
    )
    requirements: list[RequirementRow] = Field(
        description="Everything a verdict takes; the unmet ones say what is missing."
    )
    as_of: datetime = Field(description="The time that the verdict is given for, UTC.")


class VerdictReport(Shape):
    """The verdict of every tool."""

    rows: list[VerdictRow] = Field(description="One row for each tool, by name.")


def verdict_row(verdict: Verdict) -> VerdictRow:
    """A verdict as it is answered."""
    interval = verdict.interval
    return VerdictRow(
        tool=verdict.tool,
        verdict=verdict.decision,
        reason=verdict.reason,
        productive_share=verdict.productive_share,
        interval=Interval(low=interval[0], high=interval[1]) if interval else None,
        requirements=[
            RequirementRow(
                name=each.name,
                sentence=each.sentence,
                have=each.have,
                need=each.need,
                met=each.met,
            )
            for each in verdict.requirements
        ],
        as_of=verdict.as_of,
    )
