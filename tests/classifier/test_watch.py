"""Looking for alerts over usage in a database: each kind is found, resolved, and only then."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from assay.retention import forget
from classifier.alert_thresholds import AlertThresholds
from classifier.watch import Watch
from domain.alerts import Alert, AlertKind, AlertState
from domain.budgets import COMPANY, Budget, Part, PeriodKind, ScopeKind, Unit
from domain.usage import NANOUSD
from store import alerts, budgets, notices, sync
from store import tables as t
from store.alerts import AlertFilter
from store.engine import Database
from tests.filling import rows
from tests.spending import SONNET, Used, put

NOW = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
TEAM = Part(kind=ScopeKind.TEAM, value="payments")


def watch(**more: int) -> Watch:
    return Watch(None, AlertThresholds(**more), reading_seconds=60)


def set_budget(database: Database, dollars: int, part: Part = COMPANY) -> str:
    budget = Budget(
        id=budgets.new_id(),
        name="the budget",
        part=part,
        period=PeriodKind.MONTH,
        unit=Unit.USD,
        amount=dollars * NANOUSD,
        thresholds=(50, 80, 100),
        valid_from=date(2026, 1, 1),
        valid_to=None,
        created_by="me",
        created_at=NOW,
    )
    with database.writing() as connection:
        budgets.add(connection, budget)
    return budget.id


def kept(database: Database, kind: AlertKind) -> list[Alert]:
    with database.reading() as connection:
        wanted = AlertFilter(kinds=frozenset({kind}), private=True)
        return alerts.find(connection, wanted, 100)


def weeks(number: int, requests: int = 10, **more: Any) -> Iterable[Used]:
    """So many requests at nine each workday of so many weeks before today."""
    for back in range(1, 7 * number):
        at = NOW.replace(hour=9) - back * DAY
        if at.weekday() < 5:
            yield Used(at=at, requests=requests, session=f"{more.get('tool')}{back}", **more)


@pytest.mark.parametrize("part", [COMPANY, TEAM, Part(kind=ScopeKind.REPO, value="acme/x")])
def test_a_budget_whose_threshold_is_reached(database: Database, part: Part) -> None:
    set_budget(database, 10, part)
    looking = watch()
    steps = ((16, None), (1, 50), (9, 50), (1, 80), (7, 100))
    for number, (requests, level) in enumerate(steps):
        told = Used(at=NOW, requests=requests, session=f"s{number}", team="payments", repo="acme/x")
        put(database, [told])
        assert looking.look(database, NOW + number * timedelta(seconds=20))
        found = kept(database, AlertKind.BUDGET)
        assert [each.level for each in found] == ([] if level is None else [level])
    events = [kind for _, kind in rows(database, "alert_events", "number, kind")]
    assert events == ["opened", "raised", "raised"]
    [alert] = found
    assert "$10.20 of $10.00 used (102%)" in alert.sentence


def test_a_budget_s_alert_ends_with_its_period_or_with_it(database: Database) -> None:
    budget_id = set_budget(database, 1)
    put(database, [Used(at=NOW, requests=5)])
    looking = watch()
    looking.look(database, NOW)
    [alert] = kept(database, AlertKind.BUDGET)
    assert alert.state is AlertState.OPEN
    looking.look(database, datetime(2026, 12, 1, 1, tzinfo=UTC))
    [alert] = kept(database, AlertKind.BUDGET)
    assert alert.state is AlertState.RESOLVED
    looking.look(database, NOW)
    with database.writing() as connection:
        budgets.archive(connection, budget_id, NOW)
    looking.look(database, NOW)
    assert not any(each.holds for each in kept(database, AlertKind.BUDGET))


def test_late_records_of_long_ago_are_noticed(database: Database) -> None:
    set_budget(database, 3)
    looking = watch()
    looking.look(database, NOW)
    put(database, [Used(at=NOW - 12 * DAY, requests=10)])
    for _ in range(100):
        looking.look(database, NOW)
    assert [each.level for each in kept(database, AlertKind.BUDGET)] == [100]


def test_a_budget_of_one_person_is_private(database: Database) -> None:
    set_budget(database, 1, Part(kind=ScopeKind.PERSON, value="p_1"))
    put(database, [Used(at=NOW, requests=3, user="p_1"), Used(at=NOW, session="s2", user="p_2")])
    watch().look(database, NOW)
    [alert] = kept(database, AlertKind.BUDGET)
    assert (alert.private, alert.level) == (True, 80)


def test_a_runaway_session_is_found_while_it_runs(database: Database) -> None:
    put(
        database,
        [
            Used(at=NOW, requests=5, session="calm", repeats=30),
            Used(at=NOW, requests=5, session="failing", repeats=31),
            Used(at=NOW, requests=12, session="long"),
            Used(at=NOW - 7 * timedelta(hours=1), requests=50, session="over"),
        ],
    )
    looking = watch(runaway_requests=11)
    looking.look(database, NOW)
    found = kept(database, AlertKind.RUNAWAY_SESSION)
    assert sorted(each.subject for each in found) == ["opencode/failing", "opencode/long"]
    looking.look(database, NOW + 7 * timedelta(hours=1))
    states = {each.state for each in kept(database, AlertKind.RUNAWAY_SESSION)}
    assert states == {AlertState.RESOLVED}


def test_an_alert_about_a_session_is_forgotten_with_it(database: Database) -> None:
    put(database, [Used(at=NOW, session="wild", repeats=99), Used(at=NOW + DAY, session="calm")])
    watch().look(database, NOW)
    with database.writing() as connection:
        notices.enqueue(connection, ["mail"], NOW)
        for marks in (t.dirty_sessions, t.dirty_labels):
            connection.execute(delete(marks))
    before = NOW.replace(minute=0) + timedelta(hours=1)
    told = forget(database, sessions_before=before, horizon=before, now=NOW + 2 * DAY)
    assert told.sessions == 1
    for table in ("alerts", "alert_events", "notifications"):
        assert rows(database, table) == []


def test_spend_far_above_the_same_hours_of_earlier_weeks(database: Database) -> None:
    put(database, weeks(9, 100, tool="codex", team="payments"))
    put(database, weeks(9, 100, tool="copilot", team="data"))
    looking = watch()
    put(database, [Used(at=NOW, requests=150, tool="copilot", team="data", session="today")])
    looking.look(database, NOW)
    assert kept(database, AlertKind.SPEND_ANOMALY) == []
    put(database, [Used(at=NOW, requests=400, tool="codex", team="payments", session="wild")])
    looking.look(database, NOW)
    found = {each.subject: each for each in kept(database, AlertKind.SPEND_ANOMALY)}
    # Both tools use one model, which spent nearly three times as much as usual as well.
    assert sorted(found) == [f"model {SONNET}", "team payments", "tool codex"]
    sentence = found["tool codex"].sentence
    assert "spent $120.00 in 24 hours, 4.0 times as much" in sentence
    looking.look(database, NOW + DAY + timedelta(hours=1))
    assert not any(each.holds for each in kept(database, AlertKind.SPEND_ANOMALY))


def test_with_few_weeks_of_history_no_spend_is_unusual(database: Database) -> None:
    put(database, weeks(3, 100, tool="codex"))
    put(database, [Used(at=NOW, requests=2_000, tool="codex", session="wild")])
    watch(runaway_requests=10**6, runaway_tokens=10**12).look(database, NOW)
    assert kept(database, AlertKind.SPEND_ANOMALY) == []


def test_a_tool_that_falls_silent_and_comes_back(database: Database) -> None:
    used = [
        Used(at=(NOW - back * DAY).replace(hour=hour), session=f"{back} {hour}", tool="codex")
        for back in range(3, 70)
        for hour in range(9, 17)
        if (NOW - back * DAY).weekday() < 5
    ]
    put(database, used)
    looking = watch()
    looking.look(database, NOW)
    assert kept(database, AlertKind.TOOL_SILENT) == []
    tomorrow = NOW + DAY
    looking.look(database, tomorrow)
    [alert] = kept(database, AlertKind.TOOL_SILENT)
    assert (alert.subject, alert.state) == ("codex", AlertState.OPEN)
    put(database, [Used(at=tomorrow, session="back", tool="codex")])
    looking.look(database, tomorrow)
    [alert] = kept(database, AlertKind.TOOL_SILENT)
    assert alert.state is AlertState.RESOLVED


def test_a_provider_that_can_t_be_read(database: Database) -> None:
    with database.writing() as connection:
        sync.note_success(connection, "github", "acme/x", "changes", NOW - timedelta(hours=3))
        sync.note_failure(
            connection, "github", "acme/x", "changes", at=NOW, code="forbidden", error="no"
        )
    looking = watch()
    looking.look(database, NOW)
    [alert] = kept(database, AlertKind.SYNC_FAILING)
    assert alert.subject == "github"
    with database.writing() as connection:
        sync.note_success(connection, "github", "acme/x", "changes", NOW)
    looking.look(database, NOW)
    [alert] = kept(database, AlertKind.SYNC_FAILING)
    assert alert.state is AlertState.RESOLVED


def test_one_process_looks_at_a_time(database: Database) -> None:
    other = watch()
    with database.alone(7_275_347) as mine:
        assert mine
        assert other.look(database, NOW) is False


def test_until_the_past_is_read_nothing_that_needs_it_is_looked_for(database: Database) -> None:
    set_budget(database, 1)
    put(database, [Used(at=NOW, requests=5), Used(at=NOW, requests=1, session="f", repeats=99)])
    slow = Watch(None, AlertThresholds(), reading_seconds=0)
    assert slow.look(database, NOW) is False
    assert kept(database, AlertKind.BUDGET) == []
    assert len(kept(database, AlertKind.RUNAWAY_SESSION)) == 1
    looks = 0
    while not slow.look(database, NOW):
        looks += 1
    assert looks > 10
    assert len(kept(database, AlertKind.BUDGET)) == 1
