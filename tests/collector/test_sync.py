"""One sync: what fails alone, what ends all, and what stands in the database afterwards."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collector.client import Client
from collector.source import (
    Access,
    Finding,
    Page,
    Reading,
    Scope,
    Source,
    Stream,
    bearer,
    wanted_scope,
)
from collector.sync import Progress, Result
from domain.tickets import TicketSeen, TicketState
from store import sync as store
from store.engine import Database, StoreError
from tests.collector.sync_server import (
    NOW,
    Clock,
    Request,
    Response,
    SyncServer,
    synced,
)
from tests.filling import rows
from tests.store.working import merged


def ticket(key: str) -> TicketSeen:
    return TicketSeen(
        tracker="toy",
        key=key,
        project="P",
        kind=None,
        title="A title",
        state=TicketState.OPEN,
        state_name="open",
        created_at=NOW,
        updated_at=NOW,
    )


def scopes(client: Client, wanted: Sequence[str]) -> Iterator[Scope]:
    for name in client.get("scopes").items():
        if wanted_scope(name, wanted):
            yield Scope(name=name, account=name)


def things(reading: Reading) -> Iterator[Page]:
    """Reads numbers one by one; the cursor is the last."""
    last = int(reading.cursor or 0)
    for answer in reading.client.pages(f"{reading.scope.name}/things", {"after": last}):
        for number in answer.items():
            if number < 0:
                yield Page(unreadable=("unreadable_field",))
            elif number == 13:
                raise RuntimeError("a secret that stands in a payload")
            elif number == 66:
                # No database has numbers as large as this one.
                poison = replace(merged(1, 1), number=2**70)
                yield Page(facts=(ticket("A-65"), poison, ticket("A-66")), cursor="66")
            else:
                key = f"{reading.scope.name}-{number}"
                yield Page(facts=(ticket(key),), cursor=str(number))


def extras(reading: Reading) -> Iterator[Page]:
    yield Page(tags=reading.client.get(f"{reading.scope.name}/extras", conditional=True).tags)


def check(_client: Client, _wanted: Sequence[str]) -> Iterator[Finding]:
    yield Finding(ok=True, text="well")


TOY = Source(
    name="toy",
    root=lambda url: url,
    authorise=bearer,
    scopes=scopes,
    streams=(
        Stream(name="things", read=things, needed=True),
        Stream(name="extras", read=extras),
    ),
    check=check,
)


class Toy:
    """What the server of the toy provider answers; tests change it."""

    def __init__(self, **things: Any) -> None:
        self.things: dict[str, Any] = things
        self.extras: dict[str, int] = {}

    def respond(self, request: Request) -> Response:
        if request.path == "/scopes":
            return Response(list(self.things))
        _, scope, kind = request.path.split("/")
        if kind == "extras":
            return Response(["extra"], self.extras.get(scope, 200))
        told = self.things[scope]
        if isinstance(told, int):
            return Response({}, told)
        return request.page([each for each in told if abs(each) > int(request.query["after"])])


def outcome(results: list[Result]) -> dict[str, tuple[Any, ...]]:
    return {
        f"{result.scope} {result.stream}".strip(): (
            result.facts.total(),
            result.unreadable,
            result.skipped,
            result.error,
        )
        for result in results
    }


def tickets(database: Database) -> list[str]:
    return sorted(row[1] for row in rows(database, "tickets"))


def states(database: Database) -> dict[str, tuple[Any, ...]]:
    with database.reading() as connection:
        return {
            f"{each.scope} {each.stream}".strip(): (
                each.succeeded_at,
                each.failed_at,
                each.error_code,
            )
            for each in store.states(connection, ["toy"])
        }


def test_one_failing_scope_never_stops_the_others(database: Database) -> None:
    toy = Toy(A=[1, 2, 3], B=404, C=[1, -2, 3], D=[12, 13, 14], E=[1])
    toy.extras = {"A": 403, "C": 404, "E": 400}
    with SyncServer(toy.respond) as server:
        results = synced(database, TOY, server)
    assert outcome(results) == {
        "A things": (3, 0, False, None),
        "A extras": (0, 0, True, "/A/extras: the token may not read this (403)"),
        "B things": (
            *(0, 0, False),
            "/B/things: there is none, or the token may not know of it (404)",
        ),
        "C things": (2, 1, False, None),
        "C extras": (
            *(0, 0, True),
            "/C/extras: there is none, or the token may not know of it (404)",
        ),
        # What was read before it broke is kept, and what broke it is told nobody.
        "D things": (1, 0, False, "unforeseen: RuntimeError"),
        "D extras": (0, 0, False, None),
        "E things": (1, 0, False, None),
        "E extras": (0, 0, False, "/E/extras: status 400"),
    }
    assert tickets(database) == ["A-1", "A-2", "A-3", "C-1", "C-3", "D-12", "E-1"]
    assert states(database) == {
        "": (NOW, None, None),
        "A things": (NOW, None, None),
        "A extras": (None, NOW, "not_allowed"),
        "B things": (None, NOW, "not_there"),
        "C things": (NOW, None, None),
        "C extras": (None, NOW, "not_there"),
        "D things": (None, NOW, "unforeseen"),
        "D extras": (NOW, None, None),
        "E things": (NOW, None, None),
        "E extras": (None, NOW, "bad_answer"),
    }
    assert sorted(row[:5] for row in rows(database, "coverage")) == [
        ("toy", "sync", "things", "understood", 7),
        ("toy", "sync", "things", "unreadable_field", 1),
    ]


def test_the_next_sync_goes_on_from_the_cursor(embedded: Database) -> None:
    toy = Toy(A=[12, 13])
    with SyncServer(toy.respond) as server:
        synced(embedded, TOY, server)
        toy.things["A"] = [12, 14, 15]
        server.requests.clear()
        later = Clock(NOW + timedelta(hours=1))
        results = synced(embedded, TOY, server, later)
        asked = [request.query for request, _ in server.requests if request.path == "/A/things"]
    assert (asked[0], outcome(results)["A things"]) == ({"after": "12"}, (2, 0, False, None))
    assert states(embedded)["A things"] == (later.now, NOW, None)
    assert tickets(embedded) == ["A-12", "A-14", "A-15"]


def test_again_forgets_the_cursors(embedded: Database) -> None:
    with SyncServer(Toy(A=[1, 2]).respond) as server:
        synced(embedded, TOY, server)
        assert outcome(synced(embedded, TOY, server))["A things"] == (0, 0, False, None)
        assert outcome(synced(embedded, TOY, server, again=True))["A things"] == (2, 0, False, None)


def test_only_what_is_wanted_is_read(embedded: Database) -> None:
    with SyncServer(Toy(A=[1], B=[1], C=[1]).respond) as server:
        results = synced(embedded, TOY, server, wanted=("a", "C", "missing"))
    assert [result.scope for result in results] == ["A", "A", "C", "C"]


@pytest.mark.parametrize("status", [401, 429])
def test_bad_credentials_and_long_limits_end_the_provider(embedded: Database, status: int) -> None:
    toy = Toy(A=[1], B=status, C=[1])
    headers = {"Retry-After": "86400"} if status == 429 else {}

    def respond(request: Request) -> Response:
        return replace(toy.respond(request), headers=headers)

    with SyncServer(respond) as server:
        results = synced(embedded, TOY, server)
    assert [(result.scope, result.error is not None) for result in results] == [
        ("A", False),
        ("A", False),
        ("", True),
    ]
    code = "bad_credentials" if status == 401 else "limited"
    assert states(embedded)[""] == (None, NOW, code)
    assert states(embedded)["B things"] == (None, NOW, code)
    assert tickets(embedded) == ["A-1"]


def test_credentials_that_were_never_right(embedded: Database) -> None:
    with SyncServer(lambda _: Response({}, 401)) as server:
        results = synced(embedded, TOY, server)
    assert outcome(results) == {"": (0, 0, False, "/scopes: the token is not accepted (401)")}


def test_a_server_that_is_down_is_not_asked_for_every_scope(embedded: Database) -> None:
    toy = Toy(A=[1], B=500, C=[1], D=500, E=500, F=500, G=[1])
    toy.extras = {"D": 500}
    with SyncServer(toy.respond) as server:
        results = synced(embedded, TOY, server)
    assert [f"{each.scope} {each.stream}" for each in results if each.error] == [
        "B things",
        "D things",
        "D extras",
        "E things",
        " ",
    ]
    assert tickets(embedded) == ["A-1", "C-1"]


def test_a_fact_that_the_database_refuses_costs_no_other(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with SyncServer(Toy(A=[1, 66, 67]).respond) as server:
        results = synced(database, TOY, server)
    assert outcome(results)["A things"] == (4, 1, False, None)
    assert tickets(database) == ["A-1", "A-65", "A-66", "A-67"]
    assert rows(database, "changes") == []
    with database.reading() as connection:
        assert store.cursor(connection, "toy", "A", "things") == "67"
    counted = {row[3]: row[4] for row in rows(database, "coverage")}
    assert counted == {"understood": 4, "not_storable": 1}
    assert "a ChangeSeen can't be kept" in caplog.text
    assert str(2**70) not in caplog.text


def test_what_cannot_be_written_moves_no_cursor(
    embedded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SyncServer(Toy(A=[1, 2, 3]).respond) as server:
        kept = store.keep_cursor

        def full(*told: Any) -> None:
            kept(*told)
            if told[-1] == "2":
                raise StoreError("the disk is full", passing=True)

        monkeypatch.setattr("collector.sync.store.keep_cursor", full)
        with pytest.raises(StoreError):
            synced(embedded, TOY, server)
        assert tickets(embedded) == ["A-1"]
        with embedded.reading() as connection:
            assert store.cursor(connection, "toy", "A", "things") == "1"
        monkeypatch.setattr("collector.sync.store.keep_cursor", kept)
        synced(embedded, TOY, server)
    assert tickets(embedded) == ["A-1", "A-2", "A-3"]


def test_progress_is_told_page_by_page(embedded: Database) -> None:
    heard: list[Progress] = []
    with SyncServer(Toy(A=[1, 2], B=[]).respond) as server:
        synced(embedded, TOY, server, tell=heard.append)
    assert [(at.scope, at.stream, at.number, at.of, at.facts) for at in heard] == [
        ("A", "things", 1, 2, 0),
        ("A", "things", 1, 2, 1),
        ("A", "things", 1, 2, 2),
        ("A", "extras", 1, 2, 0),
        ("A", "extras", 1, 2, 0),
        ("B", "things", 2, 2, 0),
        ("B", "extras", 2, 2, 0),
        ("B", "extras", 2, 2, 0),
    ]


def test_old_tags_are_forgotten(embedded: Database) -> None:
    with SyncServer(Toy(A=[]).respond) as server:
        synced(embedded, TOY, server)
        assert len(rows(embedded, "sync_tags")) == 1
        server.requests.clear()
        synced(embedded, TOY, server, Clock(NOW + timedelta(days=181)))
        assert [status for request, status in server.requests if "extras" in request.path] == [304]
        assert rows(embedded, "sync_tags") == []


def test_one_process_at_a_time(database: Database) -> None:
    with database.alone(7) as first, database.alone(7) as second, database.alone(8) as other:
        assert (first, second, other) == (True, False, True)
    with database.alone(7) as again:
        assert again


@pytest.mark.parametrize(
    ("user", "header"), [(None, "Bearer t"), ("a@example.com", "Basic YUBleGFtcGxlLmNvbTp0")]
)
def test_with_a_user_the_token_is_a_password(user: str | None, header: str) -> None:
    def connect(_: object) -> Client:
        raise AssertionError("no other client is needed")

    authorise = bearer(Access(url="https://x.test", token=" t\n", user=user), connect)
    assert authorise("") == {"Authorization": header}
