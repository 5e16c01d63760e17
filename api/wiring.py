"""What routes and pages need from outside, given once to ``create_app``."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from api.doors import Doors
from api.guide import GuideReader, no_guides
from api.planner import Planner
from domain.company_prices import CompanyPrices
from domain.efficiency import Asked, EfficiencyReport, KpiReport
from domain.evaluations import Report
from domain.judgement import By, Judgement
from domain.labels import Labelled
from domain.leaks import LeakReport
from domain.outcomes import ChangeOutcome
from domain.overrules import RuleBook
from domain.routing import Policy
from store import people
from store.access import Gate
from store.engine import Connection, Database
from store.membership import ChangeId

ASKER = "asker"
"""Where in ``request.state`` it stands who asks (``api.asker``)."""

Labeller: TypeAlias = Callable[[Connection, int, datetime], Labelled | None]
"""The label of a session (by its key) as of a time; None where there is no such session."""

Judge: TypeAlias = Callable[[Connection, datetime, By], Judgement]
"""The verdicts on every tool, or tool and model, that were given last by a time."""

PolicyReader: TypeAlias = Callable[[Connection, datetime], Policy | None]
"""The routing policy that was in force at a time; None where none was."""

EvaluationReader: TypeAlias = Callable[[Connection, str, datetime], Report | None]
"""What came of an evaluation (by its id) as of a time; None where there is no such one."""

OutcomeReader: TypeAlias = Callable[
    [Connection, Collection[ChangeId], datetime], Mapping[ChangeId, ChangeOutcome]
]
"""What became of changes as of a time, of those that were open by then."""

EfficiencyReader: TypeAlias = Callable[[Connection, Asked, datetime, int], EfficiencyReport]
"""How efficient spend was as of a time, about no fewer than so many people. Raises TooFewPeople."""

KpiReader: TypeAlias = Callable[[Connection, Asked, datetime, int], KpiReport]
"""The indicators as of a time, about no fewer than so many people. Raises TooFewPeople."""


LeakReader: TypeAlias = Callable[[Connection, int], LeakReport]
"""The leaks as last measured, of those that are about so many people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The parts of one running API. ``otlp_http_port`` is what the first page tells to send to.

    ``company`` is what the company pays; None: it has not said. ``show_names`` tells whether the
    operator turned on that people are shown by name. ``privacy_floor`` is the fewest people that an
    answer about a group is about. ``doors`` guard it. ``guides`` say how tools and providers are
    connected. ``shows`` tells whether whoever asks may see a person, given their pseudonym.
    """

    database: Database
    gate: Gate
    version: str
    clock: Callable[[], datetime]
    labeller: Labeller
    rules: RuleBook
    judge: Judge
    policy: PolicyReader
    evaluation: EvaluationReader
    outcomes: OutcomeReader
    efficiency: EfficiencyReader
    kpis: KpiReader
    leaks: LeakReader
    planner: Planner
    otlp_http_port: int = 4318
    company: CompanyPrices | None = None
    show_names: bool = False
    ready_backlog: timedelta | None = timedelta(minutes=15)
    privacy_floor: int = 5
    doors: Doors = field(default_factory=Doors)
    guides: GuideReader = no_guides
    shows: Callable[[str], bool] = lambda _: True

    def names(self, connection: Connection, persons: Iterable[str | None]) -> dict[str, str]:
        """Names in plain words by person, as far as they are kept and whoever asks may see them.

        None where they are not on.
        """
        if not self.show_names:
            return {}
        return people.known_names(
            connection, {each for each in persons if each and self.shows(each)}
        )


def _wiring(request: Request) -> Wiring:
    wiring: Wiring = request.app.state.wiring

    def shows(person: str) -> bool:
        # Found out by ``api.auth`` before any route looks at people.
        asker = request.scope.get("state", {}).get(ASKER)
        return asker is not None and bool(asker.sees(person))

    return replace(wiring, shows=shows)


Wired = Annotated[Wiring, Depends(_wiring)]
