"""Sessions as they are summed, made by hand: what each cost, who had it, and what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.contributions import Contribution, Counts, Facet, Standing, bin_of, squared
from domain.usage import NANOUSD
from store import outcomes
from store.engine import Database

FIRST = 2904
"""A week that begins a block and a quarter: that of 25 August 2025."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One session; ``usd`` is what it cost, ``more`` what else it is counted for."""

    week: int = 0
    tool: str = "codex"
    team: str = "pay"
    repo: str = "acme/pay"
    model: str = "gpt-5"
    work_type: str = "bug"
    person: str | None = "p_1"
    label: str = "productive"
    maturity: str = "final"
    usd: float | None = 1.0
    more: Counts = field(default_factory=dict)
    lead_hours: tuple[float, ...] = ()

    def contribution(self) -> Contribution:
        """What it adds."""
        counts: dict[str, int] = {"sessions": 1, **self.more}
        if self.usd is not None:
            cost = round(self.usd * NANOUSD)
            counts |= {"priced": 1, "cost_nanousd": cost, "cost_squares": squared(cost)}
        return Contribution(
            week=FIRST + self.week,
            facets={
                Facet.TOOL: self.tool,
                Facet.TEAM: self.team,
                Facet.REPO: self.repo,
                Facet.WORK_TYPE: self.work_type,
            },
            person=self.person,
            standing=Standing(label=self.label, maturity=self.maturity, rule=f"r_{self.label}"),
            counts=counts,
            models={self.model: counts},
            cost_bin=None if self.usd is None else bin_of(self.usd),
            lead_bins=tuple(sorted(map(bin_of, self.lead_hours))),
        )


def put(database: Database, sessions: Iterable[Made]) -> None:
    """Keep what these sessions add."""
    told = {pk: each.contribution() for pk, each in enumerate(sessions, start=1)}
    with database.writing() as connection:
        outcomes.keep(connection, told.keys(), told)
