"""What routes and pages need from outside, given once to ``create_app``."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from domain.company_prices import CompanyPrices
from domain.labels import Labelled, Verdict
from domain.outcomes import ChangeOutcome
from store import people
from store.access import Gate
from store.engine import Connection, Database
from store.membership import ChangeId

Labeller: TypeAlias = Callable[[Connection, int, datetime], Labelled | None]
"""The label of a session (by its key) as of a time; None where there is no such session."""

Judge: TypeAlias = Callable[[Connection, datetime], Sequence[Verdict]]
"""The verdict of every tool as of a time."""


OutcomeReader: TypeAlias = Callable[
    [Connection, Collection[ChangeId], datetime], Mapping[ChangeId, ChangeOutcome]
]
"""What became of changes as of a time, of those that were open by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The parts of one running API. ``otlp_http_port`` is what the first page tells to send to.

    ``company`` is what the company pays; None: it has not said. ``show_names`` tells whether the
    operator turned on that people are shown by name.
    """

    database: Database
    gate: Gate
    version: str
    clock: Callable[[], datetime]
    labeller: Labeller
    judge: Judge
    outcomes: OutcomeReader
    otlp_http_port: int
    company: CompanyPrices | None
    show_names: bool

    def names(self, connection: Connection, persons: Iterable[str | None]) -> dict[str, str]:
        """Names in plain words by person, as far as they are kept; none where they are not on."""
        if not self.show_names:
            return {}
        return people.known_names(connection, {each for each in persons if each})


def _wiring(request: Request) -> Wiring:
    wiring: Wiring = request.app.state.wiring
    return wiring


Wired = Annotated[Wiring, Depends(_wiring)]
