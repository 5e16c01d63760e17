"""What can't be concluded is set aside: its neighbours are concluded, and it is once it can be."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from classifier import spread
from classifier.run import classify
from domain.folded import SessionKey
from domain.people import SamePerson, Strength
from store import aside, dirty, people, work
from store.dirty import CommitMark, Marks, WorkMark
from store.engine import Database, StoreError
from tests.api.answering import client, get
from tests.classifier import test_join as join
from tests.filling import one, rows
from tests.spending import Used, put
from tests.store.working import change

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
NAMES = ("a", "b", "c")
# A tier that no version knows: whoever reads the link of such a row fails.
LINK = (
    "INSERT INTO links (id, session_pk, kind, repo, target_id, tier, probability)"
    " VALUES ('poison', {pk}, '{kind}', 'acme/shop', '{target}', 'Z', 1)"
)
UNLINK = "DELETE FROM links WHERE id = 'poison'"
# A time that is none.
NEVER = 9 * 10**18


def pk(name: str) -> int:
    return SessionKey("opencode", name, "").pk


def say(database: Database, statement: str) -> None:
    with database.writing() as connection:
        connection.execute(text(statement))


def conclude(database: Database, now: datetime = NOW) -> None:
    """Conclude all there is to; it must come to an end."""
    for _ in range(50):
        if not classify(database, now):
            return
    pytest.fail("there is always something left to conclude")


def use(database: Database, *names: str) -> None:
    """What these sessions used today."""
    put(database, [Used(at=NOW - timedelta(hours=2), session=name) for name in names])


def labelled(database: Database) -> set[int]:
    return {row[0] for row in rows(database, "labels WHERE current", "session_pk")}


def labels(database: Database) -> list[tuple[Any, ...]]:
    """What every session has now, and when that changes with time."""
    return rows(database, "labels WHERE current", "session_pk, label, maturity, due_at")


def set_aside(database: Database) -> list[tuple[Any, ...]]:
    return rows(database, "set_aside", "kind, key, reason")


def status(database: Database) -> tuple[int, int]:
    told = get(client(database), "/v1/status")
    return told["pending"], told["set_aside"]


@pytest.fixture
def poisoned(database: Database) -> Database:
    """Three sessions to conclude, one of which can't be labelled."""
    use(database, *NAMES)
    say(database, LINK.format(pk=pk("b"), kind="change", target="7"))
    return database


def test_the_neighbours_of_what_fails_are_concluded(
    poisoned: Database, caplog: pytest.LogCaptureFixture
) -> None:
    assert classify(poisoned, NOW)
    assert labelled(poisoned) == {pk("a"), pk("c")}
    assert set_aside(poisoned) == [("labels", str(pk("b")), "ValueError")]
    assert status(poisoned) == (0, 1)
    [error] = [each for each in caplog.records if each.levelno == logging.ERROR]
    told = error.getMessage()
    assert told.startswith(f"labels {pk('b')} can't be concluded and is set aside: ValueError in")
    assert not classify(poisoned, NOW)


def test_once_the_cause_is_gone_the_next_mark_concludes_it(poisoned: Database) -> None:
    conclude(poisoned)
    since = rows(poisoned, "set_aside", "since")
    use(poisoned, "b")
    conclude(poisoned, NOW + timedelta(hours=1))
    assert status(poisoned) == (0, 1)
    assert rows(poisoned, "set_aside", "since") == since
    say(poisoned, UNLINK)
    put(poisoned, [Used(at=NOW - timedelta(hours=1), session="b", requests=2)])
    conclude(poisoned)
    assert labelled(poisoned) == {pk(name) for name in NAMES}
    assert status(poisoned) == (0, 0)


def test_what_others_conclude_leaves_it_set_aside(poisoned: Database) -> None:
    conclude(poisoned)
    use(poisoned, "d")
    conclude(poisoned)
    assert pk("d") in labelled(poisoned)
    assert status(poisoned) == (0, 1)


def test_a_release_tries_again(poisoned: Database) -> None:
    conclude(poisoned)
    aside.release(poisoned)
    assert status(poisoned) == (1, 0)
    conclude(poisoned)
    assert status(poisoned) == (0, 1)
    say(poisoned, UNLINK)
    aside.release(poisoned)
    conclude(poisoned)
    assert status(poisoned) == (0, 0)
    assert labelled(poisoned) == {pk(name) for name in NAMES}


def test_what_is_marked_again_meanwhile_stays_marked(
    poisoned: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = aside.set_aside

    def meanwhile(connection: Connection, *told: Any) -> None:
        if not rows(poisoned, "set_aside"):
            dirty.mark_labels(connection, [pk("b")])
        kept(connection, *told)

    monkeypatch.setattr(aside, "set_aside", meanwhile)
    classify(poisoned, NOW)
    assert rows(poisoned, "dirty_labels", "session_pk, marks") == [(pk("b"), 2)]
    conclude(poisoned)
    assert status(poisoned) == (0, 1)


def test_a_session_that_is_due_and_fails_is_not_due_for_ever(database: Database) -> None:
    join.tell(database, join.push(1, 500, "README.md"))
    join.fold(database, *(join.session(name, 0, 1, "src/pay.py") for name in NAMES))
    conclude(database, join.at(24))
    [(label, maturity, due)] = {row[1:] for row in labels(database)}
    assert (label, maturity) == ("pending", "provisional")
    assert due is not None
    [bad, *others] = [row[0] for row in labels(database)]
    say(database, LINK.format(pk=bad, kind="change", target="7"))
    conclude(database, join.NOW)
    assert set_aside(database) == [("labels", str(bad), "ValueError")]
    # What was said of the one that fails stands; the others are as of that time.
    stands = {row[0]: row[1:] for row in labels(database)}
    assert stands.pop(bad) == (label, maturity, None)
    assert stands == dict.fromkeys(others, ("wasteful", "final", None))
    say(database, UNLINK)
    aside.release(database)
    conclude(database, join.NOW)
    assert {row[1:] for row in labels(database)} == {("wasteful", "final", None)}


def test_a_database_that_is_away_is_raised_and_sets_nothing_aside(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(database, *NAMES)

    def away(*_: object) -> None:
        raise StoreError("busy", passing=True)

    monkeypatch.setattr(spread, "traces_of", away)
    with pytest.raises(StoreError):
        classify(database, NOW)
    assert set_aside(database) == []
    assert len(rows(database, "dirty_sessions")) == 3
    monkeypatch.undo()
    conclude(database)
    assert labelled(database) == {pk(name) for name in NAMES}


def test_what_the_database_refuses_is_set_aside(
    embedded: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Such a refusal is no passing one: it would come again each time."""
    use(embedded, *NAMES)
    say(
        embedded,
        f"CREATE TRIGGER refusing BEFORE INSERT ON labels WHEN NEW.session_pk = {pk('b')}"
        " BEGIN SELECT RAISE(ABORT, 'not this one'); END",
    )
    assert classify(embedded, NOW)
    assert labelled(embedded) == {pk("a"), pk("c")}
    assert set_aside(embedded) == [("labels", str(pk("b")), "IntegrityError")]
    assert "from IntegrityError" in caplog.text
    assert "in keep_labels\n" in caplog.text
    assert "not this one" not in caplog.text


@dataclass(frozen=True)
class Poison:
    """What makes one mark of a kind fail, and what mends it."""

    kind: Marks
    key: str
    poison: Callable[[Connection], None]
    mark: Callable[[Connection], None]
    cure: str | None


def saying(statement: str) -> Callable[[Connection], None]:
    def say_it(connection: Connection) -> None:
        connection.execute(text(statement))

    return say_it


def told(connection: Connection) -> None:
    same = SamePerson(one="p_a", other="p_b", source="github", strength=Strength.STRONG)
    people.told(connection, [same], [])
    connection.execute(text("UPDATE same_person SET strength = 'strange'"))


def changed(connection: Connection) -> None:
    work.apply(connection, [change()])
    connection.execute(text(f"UPDATE changes SET created_at = {NEVER}"))


POISONS = [
    Poison(
        Marks.PEOPLE,
        '"p_a"',
        told,
        lambda connection: people.mark(connection, ["p_a"]),
        "UPDATE same_person SET strength = 'strong'",
    ),
    Poison(
        Marks.SESSIONS,
        str(pk("b")),
        saying(f"UPDATE sessions SET last_at = {NEVER} WHERE pk = {pk('b')}"),
        lambda connection: dirty.mark_sessions(connection, [pk("b")]),
        f"UPDATE sessions SET last_at = first_at WHERE pk = {pk('b')}",
    ),
    Poison(
        Marks.WORK,
        '["change", "acme/shöp", "seven"]',
        lambda _: None,
        lambda connection: dirty.mark_work(connection, [WorkMark("change", "acme/shöp", "seven")]),
        None,
    ),
    Poison(
        Marks.COMMITS,
        '["acme/shop", "abc"]',
        saying(LINK.format(pk=1, kind="commit", target="abc")),
        lambda connection: dirty.mark_commits(connection, [CommitMark("p_a", "acme/shop", "abc")]),
        UNLINK,
    ),
    Poison(
        Marks.CHANGES,
        '["acme/shop", 1]',
        changed,
        lambda connection: dirty.mark_changes(connection, [("acme/shop", 1)]),
        "DELETE FROM changes",
    ),
    Poison(
        Marks.WEEKS,
        "1000000000",
        lambda _: None,
        lambda connection: dirty.mark_weeks(connection, [10**9]),
        None,
    ),
]


@pytest.mark.parametrize("poison", POISONS, ids=lambda each: each.kind.value)
def test_one_mark_of_any_kind_costs_no_other(poison: Poison, database: Database) -> None:
    use(database, *NAMES)
    with database.writing() as connection:
        poison.poison(connection)
        poison.mark(connection)
    conclude(database)
    assert {pk("a"), pk("c")} <= labelled(database)
    mine = [row for row in set_aside(database) if row[0] == poison.kind.value]
    assert poison.key in [row[1] for row in mine]
    pending, aside_now = status(database)
    assert (pending, aside_now) == (0, len(set_aside(database)))
    if poison.cure is not None:
        say(database, poison.cure)
        aside.release(database)
        conclude(database)
        assert status(database) == (0, 0)
    else:
        aside.release(database)
        assert one(database, "SELECT COUNT(*) FROM set_aside") == 0
        conclude(database)
        assert set_aside(database) == mine
