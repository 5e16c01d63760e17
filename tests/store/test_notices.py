"""Each event once through each channel, whatever happens to whoever sends."""

from datetime import UTC, datetime, timedelta

from domain.alerts import AlertKind, Finding, Told
from store import alerts, notices
from store.alerts import AlertFilter
from store.engine import Database
from tests.filling import rows

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHANNELS = ("mail", "slack")


def opened(database: Database, *subjects: str, at: datetime = NOW) -> None:
    found = [
        Finding(kind=AlertKind.TOOL_SILENT, subject=each, sentence=f"{each}!") for each in subjects
    ]
    with database.writing() as connection:
        alerts.reconcile(connection, {AlertKind.TOOL_SILENT: found}, at)


def enqueue(database: Database, at: datetime = NOW) -> int:
    with database.writing() as connection:
        return notices.enqueue(connection, CHANNELS, at)


def states(database: Database) -> list[tuple[str, str, int]]:
    return [
        (channel, state, attempts)
        for channel, state, attempts in rows(database, "notifications", "channel, state, attempts")
    ]


def test_every_event_is_put_down_once_for_each_channel(database: Database) -> None:
    opened(database, "codex")
    with database.reading() as connection:
        assert notices.waiting(connection, CHANNELS, NOW)
    assert enqueue(database) == 2
    assert enqueue(database) == 0
    assert states(database) == [("mail", "pending", 0), ("slack", "pending", 0)]


def test_old_events_are_no_news(database: Database) -> None:
    opened(database, "codex", at=NOW - timedelta(days=1, minutes=1))
    assert enqueue(database) == 0
    with database.reading() as connection:
        assert not notices.waiting(connection, CHANNELS, NOW)


def test_what_is_claimed_is_nobody_else_s(database: Database) -> None:
    opened(database, "codex", "copilot")
    enqueue(database)
    with database.writing() as connection:
        first = notices.claim(connection, "mail", NOW, 1)
        rest = notices.claim(connection, "mail", NOW, 9)
        assert notices.claim(connection, "mail", NOW, 9) == []
        assert notices.attempts(connection, "mail", first) == 1
    assert sorted(each.sentence for each in (*first, *rest)) == ["codex!", "copilot!"]
    assert len(first) == 1
    assert [row for row in states(database) if row[0] == "slack"] == [("slack", "pending", 0)] * 2


def test_what_was_being_sent_by_who_is_gone_is_uncertain_and_not_sent_again(
    database: Database,
) -> None:
    opened(database, "codex")
    enqueue(database)
    with database.writing() as connection:
        notices.claim(connection, "mail", NOW, 9)
    # As if the process had been killed here: another one comes.
    with database.writing() as connection:
        notices.give_up_claimed(connection)
        assert notices.claim(connection, "mail", NOW, 9) == []
    assert states(database) == [("mail", "uncertain", 1), ("slack", "pending", 0)]
    with database.reading() as connection:
        [alert] = alerts.find(connection, AlertFilter(), 9)
    assert [(each.channel, each.state) for each in alert.tellings] == [
        ("mail", Told.UNCERTAIN),
        ("slack", Told.PENDING),
    ]


def test_what_is_to_be_tried_again_waits_its_time(database: Database) -> None:
    opened(database, "codex")
    enqueue(database)
    later = NOW + timedelta(minutes=1)
    with database.writing() as connection:
        claimed = notices.claim(connection, "mail", NOW, 9)
        notices.settle(
            connection, "mail", claimed, Told.PENDING, now=NOW, error="x" * 999, again_at=later
        )
        assert notices.claim(connection, "mail", NOW, 9) == []
        again = notices.claim(connection, "mail", later, 9)
        assert again == claimed
        assert notices.attempts(connection, "mail", again) == 2
        notices.settle(connection, "mail", again, Told.SENT, now=later)
    [told] = [
        row
        for row in rows(database, "notifications", "channel, state, told_at, error")
        if row[0] == "mail"
    ]
    assert told == ("mail", "sent", int(later.timestamp() * 1e6), None)
