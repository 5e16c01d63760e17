"""Spend of many days put straight into the books, for tests of budgets, forecasts and alerts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from collector.dialects import tells
from collector.fold import fold
from domain.events import Context, Counted, Fact, Quantity, RequestAnswered, Source
from domain.price_book import LIST_PRICES, PriceBook
from domain.usage import Tokens
from store import sessions
from store.engine import Database
from tests.telling import observation

SONNET = "claude-sonnet-4-5"
# A million input tokens of Sonnet in requests of 100,000: three dollars, list price.
_PROMPT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """So many requests of 100,000 input tokens (of Sonnet: 30 cents each) in one session."""

    at: datetime
    requests: int = 1
    session: str = "s1"
    tool: str = "opencode"
    model: str | None = SONNET
    team: str | None = None
    repo: str | None = None
    user: str | None = None
    repeats: int = 0


def put(database: Database, used: Iterable[Used], prices: PriceBook = LIST_PRICES) -> None:
    """Book all of it as if telemetry had told it."""
    observations = []
    for place, each in enumerate(used):
        for number in range(each.requests):
            facts: list[Fact] = [
                RequestAnswered(model=each.model, tokens=Tokens(input=_PROMPT, output=0))
            ]
            if number == 0 and each.repeats:
                facts.append(
                    Counted(quantity=Quantity.REPEATED_FAILURES, amount=each.repeats, item="call")
                )
            observations.append(
                observation(
                    tool=each.tool,
                    session_id=each.session,
                    installation="i",
                    key=f"{place:08d}{number:08d}".encode(),
                    at=each.at + timedelta(milliseconds=number),
                    source=Source.LOG,
                    rank=0,
                    context=Context(user=each.user, team=each.team, repo=each.repo),
                    facts=tuple(facts),
                )
            )
    with database.writing() as connection:
        sessions.apply(connection, fold(observations, [], tells, prices))
