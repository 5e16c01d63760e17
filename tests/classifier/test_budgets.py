"""How budgets stand, over usage in a database."""

from datetime import UTC, date, datetime, timedelta

import pytest

from classifier.budgets import outlook, standings
from domain.budgets import (
    COMPANY,
    Basis,
    Budget,
    Outlook,
    Part,
    PeriodKind,
    RunsOut,
    ScopeKind,
    Standing,
    Unit,
    Unsaid,
)
from domain.company_prices import CompanyPrices
from domain.price_book import PriceBook
from domain.price_file import parse
from domain.usage import NANOUSD
from store.engine import Database
from tests.spending import Used, put

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEAM = Part(kind=ScopeKind.TEAM, value="payments")
# A request costs 30 cents at list price.
EACH = 3 * NANOUSD // 10


def budget(amount: int, part: Part = COMPANY, unit: Unit = Unit.USD) -> Budget:
    return Budget(
        id="b",
        name="B",
        part=part,
        period=PeriodKind.MONTH,
        unit=unit,
        amount=amount,
        thresholds=(50, 80, 100),
        valid_from=date(2026, 1, 1),
        valid_to=None,
        created_by="me",
        created_at=NOW,
    )


def every_day(days: int, team: str | None = "payments") -> list[Used]:
    """Two requests on each of the days before today."""
    return [
        Used(at=NOW - timedelta(days=back), requests=2, session=f"{team}{back}", team=team)
        for back in range(1, days + 1)
    ]


def standing(database: Database, of: Budget, company: CompanyPrices | None = None) -> Standing:
    with database.reading() as connection:
        [told] = standings(connection, [of], NOW, company)
    return told


def test_spent_so_far_and_what_the_month_ends_with(database: Database) -> None:
    put(database, [*every_day(60), Used(at=NOW, session="today", team="payments")])
    told = standing(database, budget(100 * NANOUSD))
    # The 1st to the 19th with two requests each, and one today.
    assert told.spent == 39 * EACH
    assert told.committed is None
    assert told.coverage == 1
    assert told.basis is Basis.LIST
    assert told.end is not None
    assert told.end.expected == pytest.approx(60 * EACH)
    assert told.runs_out is RunsOut.NOT_IN_PERIOD
    assert told.passed is None
    assert told.backtest is not None
    assert told.backtest.wape == pytest.approx(0)


def test_the_day_on_which_it_runs_out(database: Database) -> None:
    put(database, every_day(60))
    # 38 requests are spent; four a day and half from today on reach 45 on the fourth day.
    told = standing(database, budget(45 * EACH))
    assert (told.runs_out, told.runs_out_on) == (RunsOut.ON_DAY, date(2026, 11, 23))
    assert told.passed == 80


def test_what_is_used_up_has_run_out_already(database: Database) -> None:
    put(database, every_day(3))
    told = standing(database, budget(6 * EACH))
    assert (told.runs_out, told.runs_out_on, told.passed) == (RunsOut.ALREADY, None, 100)


def test_with_little_history_it_cannot_say(database: Database) -> None:
    put(database, every_day(5))
    told = standing(database, budget(100 * NANOUSD))
    assert (told.end, told.backtest, told.runs_out) == (None, None, RunsOut.CANNOT_SAY)
    assert told.unsaid is not None
    assert "5 days" in told.unsaid


def test_a_budget_counts_its_own_part_only(database: Database) -> None:
    put(database, [*every_day(20), *every_day(20, None)])
    assert standing(database, budget(NANOUSD, TEAM)).spent == 38 * EACH
    assert standing(database, budget(NANOUSD)).spent == 76 * EACH
    other = Part(kind=ScopeKind.REPO, value="acme/none")
    assert standing(database, budget(NANOUSD, other)).spent == 0


def test_tokens_are_counted_whether_they_have_a_price_or_not(database: Database) -> None:
    put(database, [Used(at=NOW, requests=3, model="nobody-1"), Used(at=NOW, session="s2")])
    tokens = standing(database, budget(1_000_000, unit=Unit.TOKENS))
    assert (tokens.spent, tokens.committed, tokens.coverage) == (400_000, 0, 0.25)
    assert standing(database, budget(NANOUSD)).spent == EACH


def test_where_nothing_has_a_price_nobody_can_say_what_was_spent(database: Database) -> None:
    put(database, [Used(at=NOW, model="nobody-1")])
    told = standing(database, budget(NANOUSD))
    assert (told.spent, told.coverage, told.passed) == (None, 0, None)


def test_the_company_s_own_prices_and_seats_count(database: Database) -> None:
    company = parse("""
[[discount]]
from = 2026-01-01
percent_off = 50
[[seats]]
name = "Cursor"
from = 2026-01-01
tools = ["cursor"]
seats = 2
usd_per_seat_month = 20
usage_included = false
""")
    put(database, every_day(60), PriceBook(company))
    told = standing(database, budget(100 * NANOUSD), company)
    assert (told.basis, told.spent, told.committed) == (
        Basis.EFFECTIVE,
        38 * EACH // 2,
        40 * NANOUSD,
    )
    assert told.end is not None
    assert told.end.expected == pytest.approx(40 * NANOUSD + 60 * EACH / 2)


def test_what_was_booked_before_there_were_prices_is_not_covered(database: Database) -> None:
    put(database, every_day(2))
    told = standing(database, budget(NANOUSD), parse(""))
    assert (told.spent, told.coverage) == (None, 0)


def test_a_forecast_of_a_part(database: Database) -> None:
    put(database, every_day(60))
    with database.reading() as connection:
        told = outlook(connection, TEAM, Unit.TOKENS, 10, NOW, None)
        other = Part(kind=ScopeKind.TEAM, value="data")
        nobody = outlook(connection, other, Unit.TOKENS, 10, NOW, None)
    assert isinstance(told, Outlook)
    assert told.totals[-1].expected == pytest.approx(10 * 200_000)
    assert isinstance(nobody, Unsaid)
