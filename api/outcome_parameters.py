"""Query parameters of what sessions bought: one dimension to group by, and one value to filter by.

With more than two dimensions at once no rule is known to us that keeps what few people did from
being worked out by subtraction; so there are no more.
"""

from pydantic import Field, model_validator

from api.parameters import Period, Text
from domain.contributions import Facet
from domain.efficiency import Asked, Interval


def _one(of: str) -> str:
    return (
        f"Only this {of}; an empty value means *not told*. At most one of these filters at a time."
    )


class KpiParameters(Period):
    """Which indicators. ``from`` and ``to`` take the whole weeks between them."""

    group_by: Facet | None = Field(default=None, description="One row for each of its values.")
    interval: Interval = Field(
        default=Interval.NONE,
        description="One row for each week or each four weeks; where too few people are behind a"
        " week, it is told with those around it.",
    )
    tool: Text | None = Field(default=None, description=_one("tool"))
    team: Text | None = Field(default=None, description=_one("team"))
    repo: Text | None = Field(default=None, description=_one("repository (owner/name)"))
    model: Text | None = Field(default=None, description=_one("model, as the tool spells it"))
    work_type: Text | None = Field(default=None, description=_one("type of work"))
    limit: int = Field(
        default=50,
        ge=1,
        le=500,
        description="At most so many groups, the costliest; the rest is in `others`.",
    )

    @model_validator(mode="after")
    def _one_filter(self) -> "KpiParameters":
        if len(self._filters()) > 1:
            raise ValueError("only one of tool, team, repo, model and work_type at a time")
        return self

    def _filters(self) -> list[tuple[Facet, str]]:
        told = ((facet, getattr(self, facet.value)) for facet in Facet)
        return [(facet, value) for facet, value in told if value is not None]

    def asked(self) -> Asked:
        """What is asked for."""
        return Asked(
            group_by=self.group_by,
            only=next(iter(self._filters()), None),
            interval=self.interval,
            start=self.start,
            end=self.end,
            limit=self.limit,
        )


class EfficiencyParameters(KpiParameters):
    """Which ratios. ``from`` and ``to`` take the whole weeks between them."""

    group_by: Facet | None = Field(
        default=Facet.TEAM, description="One row for each of its values."
    )
