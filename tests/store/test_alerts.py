"""Alerts as they are kept: one a condition, told when it matters, handled by people."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.alerts import Alert, AlertKind, AlertState, Finding
from store import alerts
from store.alerts import REGROUP, AlertFilter
from store.engine import Database
from tests.conftest import Fresh
from tests.filling import rows

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ALL = AlertFilter(private=True)


def finding(
    subject: str = "codex", level: int = 0, kind: AlertKind = AlertKind.TOOL_SILENT
) -> Finding:
    return Finding(
        kind=kind, subject=subject, level=level, sentence=f"{subject} at {level}", facts={"n": 1}
    )


def see(
    database: Database, at: datetime, *findings: Finding, kind: AlertKind = AlertKind.TOOL_SILENT
) -> None:
    """Look, and find these of one kind."""
    with database.writing() as connection:
        alerts.reconcile(connection, {kind: list(findings)}, at)


def kept(database: Database) -> list[Alert]:
    with database.reading() as connection:
        return alerts.find(connection, ALL, 100)


def events(database: Database) -> list[tuple[int, str]]:
    return [(number, kind) for number, kind in rows(database, "alert_events", "number, kind")]


def handle(database: Database, state: AlertState, until: datetime | None = None) -> None:
    [alert] = kept(database)
    with database.writing() as connection:
        alerts.handle(connection, alert.id, state, by="me", at=NOW, note="seen", until=until)


def test_a_condition_is_one_alert_as_long_as_it_holds(database: Database) -> None:
    for minute in range(30):
        see(database, NOW + minute * MINUTE, finding())
    [alert] = kept(database)
    assert (alert.state, alert.holds, alert.count) == (AlertState.OPEN, True, 1)
    assert alert.opened_at == NOW
    assert NOW + 25 * MINUTE <= alert.last_at <= NOW + 29 * MINUTE
    assert (alert.sentence, alert.facts) == ("codex at 0", {"n": 1})
    assert events(database) == [(1, "opened")]


def test_it_resolves_itself_once_the_condition_is_gone(database: Database) -> None:
    see(database, NOW, finding(), finding("copilot"))
    see(database, NOW + HOUR, finding("copilot"))
    resolved, holding = sorted(kept(database), key=lambda each: each.holds)
    assert (resolved.subject, resolved.state) == ("codex", AlertState.RESOLVED)
    assert resolved.resolved_at == NOW + HOUR
    assert holding.state is AlertState.OPEN
    assert events(database) == [(1, "opened"), (1, "opened"), (2, "resolved")]


def test_what_was_not_looked_for_stays_as_it_is(database: Database) -> None:
    see(database, NOW, finding())
    see(database, NOW + HOUR, kind=AlertKind.SYNC_FAILING)
    [alert] = kept(database)
    assert alert.state is AlertState.OPEN


def test_worse_is_told_again_and_better_is_not(database: Database) -> None:
    for minute, level in enumerate((50, 80, 80, 50, 80, 100)):
        see(database, NOW + 6 * minute * MINUTE, finding(level=level))
    assert events(database) == [(1, "opened"), (2, "raised"), (3, "raised"), (4, "raised")]
    [alert] = kept(database)
    assert alert.level == 100


def test_the_same_again_soon_is_the_same_alert_and_later_another(database: Database) -> None:
    see(database, NOW, finding())
    see(database, NOW + HOUR)
    see(database, NOW + 2 * HOUR, finding())
    [alert] = kept(database)
    assert (alert.state, alert.count, alert.resolved_at) == (AlertState.OPEN, 2, None)
    assert events(database) == [(1, "opened"), (2, "resolved")]
    see(database, NOW + 3 * HOUR)
    see(database, NOW + 4 * HOUR + REGROUP, finding())
    assert sorted(each.count for each in kept(database)) == [1, 2]


def test_budgets_and_runaways_end_quietly(database: Database) -> None:
    for kind in (AlertKind.BUDGET, AlertKind.RUNAWAY_SESSION):
        see(database, NOW, finding(kind=kind), kind=kind)
        see(database, NOW + HOUR, kind=kind)
    assert {each.state for each in kept(database)} == {AlertState.RESOLVED}
    assert {kind for _, kind in events(database)} == {"opened"}


def test_acknowledged_is_told_again_only_if_it_gets_worse(database: Database) -> None:
    see(database, NOW, finding())
    handle(database, AlertState.ACKNOWLEDGED)
    see(database, NOW + HOUR, finding())
    [alert] = kept(database)
    assert (alert.state, alert.changed_by, alert.note) == (AlertState.ACKNOWLEDGED, "me", "seen")
    assert events(database) == [(1, "opened")]
    see(database, NOW + 2 * HOUR, finding(level=1))
    [alert] = kept(database)
    assert alert.state is AlertState.OPEN
    assert events(database) == [(1, "opened"), (2, "raised")]


def test_snoozed_tells_nothing_until_it_wakes(database: Database) -> None:
    see(database, NOW, finding())
    handle(database, AlertState.SNOOZED, NOW + 3 * HOUR)
    see(database, NOW + HOUR, finding(level=2))
    assert events(database) == [(1, "opened")]
    see(database, NOW + 3 * HOUR, finding(level=2))
    [alert] = kept(database)
    assert (alert.state, alert.level, alert.snoozed_until) == (AlertState.OPEN, 2, None)
    assert events(database) == [(1, "opened"), (2, "raised")]


def test_snoozed_and_gone_is_resolved_without_a_word(database: Database) -> None:
    see(database, NOW, finding())
    handle(database, AlertState.SNOOZED, NOW + 3 * HOUR)
    see(database, NOW + HOUR)
    [alert] = kept(database)
    assert (alert.state, alert.snoozed_until) == (AlertState.RESOLVED, None)
    assert events(database) == [(1, "opened")]


def test_what_somebody_resolved_stays_so_while_it_lasts(database: Database) -> None:
    see(database, NOW, finding())
    handle(database, AlertState.RESOLVED)
    for hour in range(1, 30):
        see(database, NOW + hour * HOUR, finding())
    [alert] = kept(database)
    assert (alert.state, alert.holds, alert.resolved_at) == (AlertState.RESOLVED, True, NOW)
    assert events(database) == [(1, "opened")]
    see(database, NOW + 30 * HOUR, finding(level=1))
    [alert] = kept(database)
    assert (alert.state, alert.resolved_at) == (AlertState.OPEN, None)
    assert events(database) == [(1, "opened"), (2, "raised")]


def test_nothing_is_written_where_nothing_changes(database: Database) -> None:
    found = {AlertKind.TOOL_SILENT: [finding()]}
    with database.reading() as connection:
        assert alerts.outstanding(connection, found, NOW)
    see(database, NOW, finding())
    with database.reading() as connection:
        assert not alerts.outstanding(connection, found, NOW + MINUTE)
        assert alerts.outstanding(connection, {AlertKind.TOOL_SILENT: []}, NOW + MINUTE)


def test_alerts_about_people_are_shown_only_where_asked_for(database: Database) -> None:
    private = Finding(kind=AlertKind.BUDGET, subject="b", sentence="s", private=True)
    see(database, NOW, private, kind=AlertKind.BUDGET)
    with database.reading() as connection:
        assert alerts.find(connection, AlertFilter(), 9) == []
        assert len(alerts.find(connection, ALL, 9)) == 1
        other = AlertFilter(kinds=frozenset({AlertKind.TOOL_SILENT}), private=True)
        assert alerts.find(connection, other, 9) == []
        closed = AlertFilter(states=frozenset({AlertState.RESOLVED}), private=True)
        assert alerts.find(connection, closed, 9) == []


LOOKS = st.lists(
    st.tuples(
        st.integers(1, 600), st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=3)
    ),
    max_size=12,
)


@settings(max_examples=30)
@given(LOOKS)
def test_whatever_is_found_alerts_say_what_holds(
    fresh: Fresh, looks: Sequence[tuple[int, dict[str, int]]]
) -> None:
    """After any look: one alert holds of each condition that does, and only of these."""
    with fresh() as database:
        at = NOW
        for minutes, found in looks:
            at += minutes * MINUTE
            see(database, at, *(finding(subject, level) for subject, level in found.items()))
            alerts_now = kept(database)
            holding = [each for each in alerts_now if each.holds]
            assert sorted(each.subject for each in holding) == sorted(found)
            assert all(each.state is AlertState.OPEN for each in holding)
            assert all(each.state is AlertState.RESOLVED for each in alerts_now if not each.holds)
        numbers = rows(database, "alert_events", "alert_id, number")
        assert len(set(numbers)) == len(numbers)


def test_there_is_no_alert_of_an_unknown_id(database: Database) -> None:
    with database.reading() as connection:
        assert alerts.get(connection, "nobody") is None


@pytest.mark.parametrize("count", [0, 5])
def test_no_more_than_asked_for(count: int, database: Database) -> None:
    see(database, NOW, *(finding(f"t{number}") for number in range(7)))
    with database.reading() as connection:
        assert len(alerts.find(connection, ALL, count)) == count
