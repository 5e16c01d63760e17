"""The audit log: added to, read a page at a time, forgotten when it is old."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from store import audit
from store.audit import AuditPosition, Entry, Noted
from store.engine import Database
from tests.conftest import Fresh

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def noted(minutes: int = 0, actor: str = "token:1", **told: str) -> Noted:
    return Noted(
        at=NOW + timedelta(minutes=minutes),
        actor=actor,
        person="p_1",
        action=told.get("action", "GET /v1/sessions"),
        object=told.get("object", ""),
        status=200,
        people=3,
        address="a_1",
    )


def note(database: Database, *told: Noted) -> None:
    with database.writing() as connection:
        for each in told:
            audit.note(connection, each)


def page(database: Database, limit: int = 100, **asked: object) -> list[Entry]:
    with database.reading() as connection:
        return audit.page(connection, limit, **asked)  # type: ignore[arg-type]


def test_a_row_is_as_it_was_noted(database: Database) -> None:
    note(database, noted())
    [entry] = page(database)
    assert (entry.at, entry.actor, entry.person, entry.people) == (NOW, "token:1", "p_1", 3)
    assert (entry.action, entry.object, entry.status) == ("GET /v1/sessions", "", 200)
    assert entry.address == "a_1"


@given(st.lists(st.integers(min_value=0, max_value=3)), st.integers(min_value=1, max_value=4))
def test_pages_hold_every_row_once_newest_first(
    fresh: Fresh, minutes: list[int], limit: int
) -> None:
    with fresh() as database:
        note(database, *(noted(each) for each in minutes))
        seen: list[Entry] = []
        after = None
        while found := page(database, limit, after=after):
            seen += found
            after = AuditPosition(at=found[-1].at, id=found[-1].id)
        assert [(e.at, e.id) for e in seen] == sorted(((e.at, e.id) for e in seen), reverse=True)
        assert len({entry.id for entry in seen}) == len(minutes)


def test_rows_of_a_time_and_an_actor(database: Database) -> None:
    note(database, noted(0), noted(1, "local"), noted(2, "command"))
    start, end = NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)
    assert [e.actor for e in page(database, start=start, end=end)] == ["local"]
    assert [e.actor for e in page(database, actors=["command", "token:1"])] == [
        "command",
        "token:1",
    ]


def test_whatever_stood_in_an_address_is_kept(database: Database) -> None:
    note(database, noted(object="a\0b\ud800\n" + "x" * 1000, action="GET " + "/" * 500))
    [entry] = page(database)
    assert entry.object.startswith("a\ufffdb\ufffd\ufffdxxx")
    assert (len(entry.object), len(entry.action)) == (256, 128)


def test_what_is_old_is_forgotten(database: Database) -> None:
    note(database, noted(0), noted(1), noted(2))
    assert audit.forget(database, NOW + timedelta(minutes=1)) == 1
    assert len(page(database)) == 2
