"""What a budget has spent is the sum of usage, whatever arrived or was told anew, and whenever."""

from collections.abc import Callable
from datetime import date
from random import Random

import pytest

from classifier import budgets as standing
from classifier.watch import Watch
from collector.dialects import tells
from collector.fold import fold
from domain.budgets import COMPANY, Basis, Budget, Part, PeriodKind, ScopeKind, Unit
from domain.events import Context, RequestAnswered, Source, Trace, Traced
from domain.price_book import LIST_PRICES
from domain.usage import Tokens
from store import people, retention, sessions, spend_days, spending, teams
from store.engine import Database
from store.repricing import reprice
from store.teams import Membership
from tests.store.test_spend_days import DAY, NOW, TODAY
from tests.telling import observation

PARTS = (
    COMPANY,
    *(Part(kind=ScopeKind.TEAM, value=team) for team in ("payments", "search")),
    Part(kind=ScopeKind.TOOL, value="claude-code"),
    Part(kind=ScopeKind.MODEL, value="claude-sonnet-4-5"),
    Part(kind=ScopeKind.REPO, value="acme/x"),
    Part(kind=ScopeKind.PERSON, value="p_1"),
)


def told(
    database: Database, *ranks: tuple[int, int], session: str | None = "s", key: object = 0
) -> None:
    """One request each of (days ago, rank), of one session of somebody without a team."""
    observations = [
        observation(
            tool="claude-code",
            session_id=session,
            installation="i",
            key=f"{session} {key} {back} {rank}".encode(),
            at=NOW - back * DAY,
            source=Source.LOG,
            rank=rank,
            context=Context(user="p_1", team=None, repo="acme/x"),
            facts=(
                Traced(trace=Trace.IDENTITY, value="p_1"),
                RequestAnswered(
                    model="claude-sonnet-4-5", tokens=Tokens(input=1000 * (rank + 1), output=0)
                ),
            ),
        )
        for back, rank in ranks
    ]
    with database.writing() as connection:
        sessions.apply(connection, fold(observations, [], tells, LIST_PRICES))


def budget(part: Part, unit: Unit = Unit.TOKENS) -> Budget:
    return Budget(
        id=f"{part.kind}-{part.value}",
        name="the budget",
        part=part,
        period=PeriodKind.QUARTER,
        unit=unit,
        amount=1,
        thresholds=(100,),
        valid_from=date(2026, 1, 1),
        valid_to=None,
        created_by="me",
        created_at=NOW,
    )


def assert_true(database: Database) -> None:
    """Every budget of a quarter, and every day that a forecast is made of, is as usage is."""
    first = date(2026, 10, 1)
    with database.reading() as connection:
        stand = standing.standings(connection, [budget(part) for part in PARTS], NOW, None)
        for each in stand:
            anew = spending.by_day(connection, each.budget.part, Basis.LIST, first, TODAY + DAY)
            assert each.spent == sum(day.tokens for day in anew.values()), each.budget.part
        for part in PARTS:
            span = TODAY - 190 * DAY, TODAY + DAY
            kept = spend_days.by_day(connection, part, Basis.LIST, *span, TODAY)
            assert kept == spending.by_day(connection, part, Basis.LIST, *span), part


@pytest.fixture
def watched(database: Database) -> Database:
    told(database, *((back, 1) for back in range(0, 60, 3)))
    told(database, *((back, 1) for back in range(1, 60, 3)), session=None)
    with database.writing() as connection:
        # Prices of before the catalogue was mended.
        connection.exec_driver_sql("UPDATE usage SET list_nanousd = 1")
    Watch(reading_seconds=60).look(database, NOW)
    assert_true(database)
    return database


def join_a_team(database: Database) -> None:
    member = Membership(team="payments", person="p_1")
    with database.writing() as connection:
        teams.replace_teams(connection, [member])


def become_somebody_of_a_team(database: Database) -> None:
    with database.writing() as connection:
        teams.replace_teams(connection, [Membership(team="search", person="p_9")])
    Watch(reading_seconds=60).look(database, NOW)
    with database.writing() as connection:
        people.keep(connection, ["p_1"], {"p_1": "p_9"})


def cost_otherwise(database: Database) -> None:
    reprice(database, LIST_PRICES, 0, None, dry_run=False)


def grow_old(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM dirty_sessions")
    retention.raise_horizon(database, NOW)
    assert sum(retention.forget_sessions(database, NOW - DAY / 2)) > 0


@pytest.mark.parametrize(
    "happens",
    [
        lambda database: told(database, (20, 1), key="more"),
        lambda database: told(database, (0, 0)),
        lambda database: told(database, (0, 0), session="another"),
        lambda database: told(database, (7, 0), (0, 2)),
        join_a_team,
        become_somebody_of_a_team,
        cost_otherwise,
        grow_old,
    ],
    ids=[
        "a day that is past",
        "a better source today",
        "a better source of the sender today",
        "a better source of a day that is past",
        "a member",
        "another person",
        "prices",
        "retention",
    ],
)
def test_what_changes_usage_changes_budgets_at_once(
    happens: Callable[[Database], None], watched: Database
) -> None:
    with watched.reading() as connection:
        span = TODAY - 100 * DAY, TODAY + DAY
        before = [spending.by_day(connection, part, Basis.LIST, *span) for part in PARTS]
    happens(watched)
    with watched.reading() as connection:
        after = [spending.by_day(connection, part, Basis.LIST, *span) for part in PARTS]
    assert after != before
    assert_true(watched)
    Watch(reading_seconds=60).look(watched, NOW)
    assert_true(watched)


@pytest.mark.parametrize("seed", range(2))
def test_after_any_batch(seed: int, database: Database) -> None:
    random, watch = Random(seed), Watch(reading_seconds=0)
    for number in range(14):
        if random.random() < 0.4:
            watch.look(database, NOW)
        else:
            days = [(random.randrange(100), random.choice((0, 1, 1, 2))) for _ in range(2)]
            told(database, *days, session=random.choice(("a", "b", None)), key=number)
        assert_true(database)
