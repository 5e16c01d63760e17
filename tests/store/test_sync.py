"""How far providers were read: what is kept, and what the last attempt says."""

from datetime import UTC, datetime, timedelta

from store import sync
from store.engine import Database
from store.sync import SyncState

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def test_a_cursor_is_of_one_stream_of_one_scope(database: Database) -> None:
    with database.writing() as connection:
        sync.keep_cursor(connection, "github", "acme/a", "changes", "1")
        sync.keep_cursor(connection, "github", "acme/a", "issues", "2")
        sync.keep_cursor(connection, "gitlab", "acme/a", "changes", "3")
        sync.keep_cursor(connection, "github", "acme/a", "changes", "4")
    with database.reading() as connection:
        assert [
            sync.cursor(connection, *place)
            for place in (
                ("github", "acme/a", "changes"),
                ("github", "acme/a", "issues"),
                ("gitlab", "acme/a", "changes"),
                ("github", "acme/b", "changes"),
            )
        ] == ["4", "2", "3", None]


def test_the_last_attempt_says_how_it_stands(database: Database) -> None:
    place = ("github", "acme/a", "changes")
    with database.writing() as connection:
        sync.note_failure(connection, *place, at=NOW, code="limited", error="wait")
        sync.keep_cursor(connection, *place, "1")
        sync.note_success(connection, "jira", "", "", NOW)
    failed = SyncState(
        provider="github",
        scope="acme/a",
        stream="changes",
        succeeded_at=None,
        failed_at=NOW,
        error_code="limited",
        error="wait",
    )
    with database.reading() as connection:
        assert sync.states(connection, ["github"]) == [failed]
        assert [each.provider for each in sync.states(connection)] == ["github", "jira"]
    with database.writing() as connection:
        sync.note_success(connection, *place, LATER)
    with database.reading() as connection:
        [state] = sync.states(connection, ["github"])
        assert state == SyncState(
            provider="github",
            scope="acme/a",
            stream="changes",
            succeeded_at=LATER,
            failed_at=NOW,
            error_code=None,
            error=None,
        )
        # Neither forgets the cursor.
        assert sync.cursor(connection, *place) == "1"


def test_tags_are_replaced_and_forgotten(database: Database) -> None:
    with database.writing() as connection:
        sync.keep_tags(connection, "github", {"a": "1", "b": "1"}, NOW)
        sync.keep_tags(connection, "github", {"b": "2"}, LATER)
        sync.keep_tags(connection, "gitlab", {"a": "3"}, NOW)
        sync.keep_tags(connection, "gitlab", {}, NOW)
        sync.forget_tags(connection, "github", LATER)
    with database.reading() as connection:
        assert [
            sync.tag(connection, provider, address)
            for provider, address in (("github", "a"), ("github", "b"), ("gitlab", "a"))
        ] == [None, "2", "3"]
