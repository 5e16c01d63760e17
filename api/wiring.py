"""What routes and pages need from outside, given once to ``create_app``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from domain.company_prices import CompanyPrices
from domain.labels import Labelled, Verdict
from store.access import Gate
from store.engine import Connection, Database

Labeller: TypeAlias = Callable[[Connection, int, datetime], Labelled | None]
"""The label of a session (by its key) as of a time; None where there is no such session."""

Judge: TypeAlias = Callable[[Connection, datetime], Sequence[Verdict]]
"""The verdict of every tool as of a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The parts of one running API. ``otlp_http_port`` is what the first page tells to send to.

    ``company`` is what the company pays; None: it has not said.
    """

    database: Database
    gate: Gate
    version: str
    clock: Callable[[], datetime]
    labeller: Labeller
    judge: Judge
    otlp_http_port: int
    company: CompanyPrices | None


def _wiring(request: Request) -> Wiring:
    wiring: Wiring = request.app.state.wiring
    return wiring


Wired = Annotated[Wiring, Depends(_wiring)]
