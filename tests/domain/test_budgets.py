"""Periods, thresholds, and what is committed whatever is used."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.budgets import (
    COMPANY,
    Budget,
    Part,
    PeriodKind,
    ScopeKind,
    Span,
    Unit,
    committed_nanousd,
    period_of,
)
from domain.price_file import parse
from domain.usage import NANOUSD

DAYS = st.dates(date(2000, 1, 1), date(2999, 12, 31))
NOVEMBER = Span(first=date(2026, 11, 1), after=date(2026, 12, 1))


def budget(**more: object) -> Budget:
    told: dict[str, object] = {
        "id": "b",
        "name": "B",
        "part": COMPANY,
        "period": PeriodKind.MONTH,
        "unit": Unit.USD,
        "amount": 100,
        "thresholds": (50, 80, 100),
        "valid_from": date(2026, 11, 10),
        "valid_to": None,
        "created_by": "me",
        "created_at": datetime(2026, 11, 10, tzinfo=UTC),
    }
    return Budget(**{**told, **more})  # type: ignore[arg-type]


@given(DAYS, st.sampled_from(PeriodKind))
def test_every_day_is_in_one_period_and_periods_follow_each_other(
    day: date, kind: PeriodKind
) -> None:
    span = period_of(kind, day)
    assert span.first <= day < span.after
    assert (span.first.day, span.after.day) == (1, 1)
    last = span.after - timedelta(days=1)
    assert period_of(kind, span.first) == period_of(kind, last) == span
    if span.after.year < 3000:
        assert period_of(kind, span.after).first == span.after
    assert span.days in (range(28, 32) if kind is PeriodKind.MONTH else range(90, 93))


def test_a_quarter_begins_in_january_april_july_and_october() -> None:
    assert period_of(PeriodKind.QUARTER, date(2026, 12, 31)) == Span(
        first=date(2026, 10, 1), after=date(2027, 1, 1)
    )


@pytest.mark.parametrize(
    ("day", "valid"),
    [
        (date(2026, 10, 31), False),
        (date(2026, 11, 1), True),  # the period that it begins in counts as a whole
        (date(2026, 12, 31), True),
        (date(2027, 1, 31), True),
        (date(2027, 2, 1), False),
    ],
)
def test_a_budget_holds_in_whole_periods(day: date, *, valid: bool) -> None:
    assert (budget(valid_to=date(2027, 1, 15)).span(day) is not None) is valid


@pytest.mark.parametrize(
    ("used", "passed"),
    [(0, None), (49, None), (50, 50), (79, 50), (80, 80), (100, 100), (999, 100)],
)
def test_the_highest_threshold_that_is_reached(used: int, passed: int | None) -> None:
    assert budget().passed(used) == passed


SEATS = parse("""
[[seats]]
name = "Copilot"
from = 2026-01-01
tools = ["copilot", "copilot-chat"]
teams = ["payments"]
seats = 10
usd_per_seat_month = 30
usage_included = true

[[seats]]
name = "Cursor"
from = 2026-11-16
tools = ["cursor"]
teams = ["payments"]
seats = 1
usd_per_seat_month = 20
usage_included = false
""")


@pytest.mark.parametrize(
    ("part", "dollars"),
    [
        (COMPANY, 310),
        (Part(kind=ScopeKind.TEAM, value="payments"), 310),
        (Part(kind=ScopeKind.TEAM, value="data"), 0),
        (Part(kind=ScopeKind.TOOL, value="cursor"), 10),
        (Part(kind=ScopeKind.TOOL, value="codex"), 0),
        # Which of two tools a seat is for is nowhere written.
        (Part(kind=ScopeKind.TOOL, value="copilot"), None),
        (Part(kind=ScopeKind.MODEL, value="gpt-5"), None),
        (Part(kind=ScopeKind.PERSON, value="p"), None),
    ],
)
def test_seats_are_committed_where_they_are_surely_this_part_s(
    part: Part, dollars: int | None
) -> None:
    expected = None if dollars is None else dollars * NANOUSD
    assert committed_nanousd(part, SEATS, NOVEMBER) == expected


def test_without_a_price_file_nobody_can_say_what_is_committed() -> None:
    assert committed_nanousd(COMPANY, None, NOVEMBER) is None
