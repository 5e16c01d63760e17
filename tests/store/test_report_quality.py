"""What keeps answers from being complete, on each database."""

from datetime import UTC, date, datetime, timedelta

from domain.budgets import Basis, Part, ScopeKind
from domain.folded import SessionKey, SessionSums
from store import report_quality, sessions, spend_days, spending
from store.engine import Database
from store.report_quality import Idle, Unpriced
from tests.spending import SONNET, Used, put

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
WEEK = timedelta(weeks=1)
TODAY = NOW.date()
_DAY = timedelta(days=1)


def told(database: Database, *seen: tuple[str, str, float]) -> None:
    """Sessions of (tool, installation) that ended so many days ago."""
    with database.writing() as connection:
        for number, (tool, installation, back) in enumerate(seen):
            at = NOW - timedelta(days=back)
            key = SessionKey(tool, f"s{number}", installation)
            sessions.apply(connection, {key: SessionSums(at, at, usage_rank=0, active=True)})


def test_installations_that_fell_silent(database: Database) -> None:
    told(
        database,
        ("codex", "a", 1),
        ("codex", "a", 9),
        ("codex", "b", 8),
        ("codex", "c", 15),
        ("copilot", "a", 13),
    )
    with database.reading() as connection:
        assert report_quality.idle(connection, NOW, WEEK) == [
            Idle(tool="codex", before=2, not_since=1),
            Idle(tool="copilot", before=1, not_since=1),
        ]


def unpriced(database: Database, days: int = 7) -> list[Unpriced]:
    with database.reading() as connection:
        first = TODAY - days * _DAY
        return report_quality.unpriced(connection, Basis.LIST, first, TODAY + _DAY, TODAY)


def test_of_many_kept_days_the_first_is_where_it_is_told_at_once(database: Database) -> None:
    first = TODAY - 300 * _DAY
    for kept, since in ((0, first), (90, first), (91, TODAY - 91 * _DAY), (400, first)):
        days: dict[date, dict[Part, spending.Spend]] = {
            TODAY - number * _DAY: {} for number in range(1, kept + 1)
        }
        with database.writing() as connection:
            spend_days.claim(connection, Basis.LIST, days)
            spend_days.keep(connection, Basis.LIST, days, NOW)
        with database.reading() as connection:
            told = report_quality.told_since(connection, Basis.LIST, first, TODAY)
        assert told == since, kept


def test_what_is_kept_by_the_day_tells_the_same(database: Database) -> None:
    put(
        database,
        [
            Used(at=NOW - timedelta(days=1), session="a", model=SONNET),
            Used(at=NOW - timedelta(days=2), session="b", model="house", requests=3),
            Used(at=NOW, session="c", model="house"),
            Used(at=NOW, session="d", model=None, requests=2),
            Used(at=NOW - timedelta(days=30), session="e", model="old"),
        ],
    )
    found = unpriced(database)
    assert found == [
        Unpriced(model="house", tokens=400_000, unpriced_tokens=400_000),
        Unpriced(model=None, tokens=200_000, unpriced_tokens=200_000),
    ]
    days = [TODAY - number * _DAY for number in range(1, 8)]
    with database.writing() as connection:
        kept = {
            day: {
                Part(kind=ScopeKind.MODEL, value=each.model or ""): each.spend
                for each in spending.by_model(
                    connection, Part(kind=ScopeKind.COMPANY), Basis.LIST, day, day + _DAY
                )
            }
            for day in days
        }
        # Marked by a wrong number, so that it shows where the answer comes from.
        kept[days[0]][Part(kind=ScopeKind.MODEL, value="kept")] = spending.Spend(
            tokens=9, unpriced_tokens=1
        )
        spend_days.claim(connection, Basis.LIST, kept)
        spend_days.claim(connection, Basis.LIST, kept)
        spend_days.keep(connection, Basis.LIST, kept, NOW)
    assert unpriced(database) == [*found, Unpriced(model="kept", tokens=9, unpriced_tokens=1)]
    # A day that was never read is summed beside them.
    put(database, [Used(at=NOW - timedelta(days=8), session="f", model=None, requests=9)])
    assert unpriced(database, days=8) == [
        Unpriced(model=None, tokens=1_100_000, unpriced_tokens=1_100_000),
        found[0],
        Unpriced(model="kept", tokens=9, unpriced_tokens=1),
    ]
    # One that is written to is right at once.
    put(database, [Used(at=NOW - timedelta(days=1), session="g", model="house")])
    assert unpriced(database) == [
        Unpriced(model="house", tokens=500_000, unpriced_tokens=500_000),
        found[1],
    ]
