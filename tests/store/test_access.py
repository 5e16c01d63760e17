"""Access tokens: never kept as they are, each good for its role, and gone when revoked."""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from store import access
from store.access import MAY_READ, MAY_SEND, Access, Bearer, Gate, Role, Token
from store.engine import Database, StoreError
from tests.filling import rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ALLOWED = {
    (Role.INGEST, MAY_SEND): Access.GRANTED,
    (Role.INGEST, MAY_READ): Access.FORBIDDEN,
    (Role.VIEWER, MAY_SEND): Access.FORBIDDEN,
    (Role.VIEWER, MAY_READ): Access.GRANTED,
    (Role.LEAD, MAY_SEND): Access.FORBIDDEN,
    (Role.LEAD, MAY_READ): Access.GRANTED,
    (Role.ADMIN, MAY_SEND): Access.GRANTED,
    (Role.ADMIN, MAY_READ): Access.GRANTED,
}


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def create(database: Database, role: Role, name: str = "") -> tuple[str, str]:
    with database.writing() as connection:
        return access.create(connection, name, role, NOW)


def revoke(database: Database, token_id: str) -> bool:
    with database.writing() as connection:
        return access.revoke(connection, token_id, NOW)


def tokens(database: Database) -> list[Token]:
    with database.reading() as connection:
        return access.tokens(connection)


def eventually(condition: Callable[[], object]) -> None:
    """Wait for what another thread is about to do."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# At rest


def test_only_the_hash_of_a_token_is_kept(embedded: Database) -> None:
    token_id, secret = create(embedded, Role.INGEST, "laptops")
    assert len(secret) >= 6 + 43  # 256 bits
    [(kept_id, name, role, digest, *_)] = rows(embedded, "access_tokens")
    assert (kept_id, name, role) == (token_id, "laptops", "ingest")
    assert digest == hashlib.sha256(secret.encode()).digest()
    assert embedded.empty_log()
    path = embedded.engine.url.database
    assert path is not None
    folder = Path(path).parent
    assert all(secret.encode() not in file.read_bytes() for file in folder.iterdir())


def test_no_two_tokens_are_the_same(database: Database) -> None:
    made = [create(database, Role.VIEWER) for _ in range(20)]
    assert len({token_id for token_id, _ in made}) == len({secret for _, secret in made}) == 20


def test_a_token_is_shown_without_its_secret(database: Database) -> None:
    token_id, _ = create(database, Role.ADMIN, "me")
    assert tokens(database) == [Token(token_id, "me", Role.ADMIN, NOW, None, None)]
    assert revoke(database, token_id)
    assert tokens(database) == [Token(token_id, "me", Role.ADMIN, NOW, None, NOW)]


def test_a_token_is_revoked_once_and_only_where_there_is_one(database: Database) -> None:
    token_id, _ = create(database, Role.INGEST)
    assert not revoke(database, "00000000")
    assert revoke(database, token_id)
    assert not revoke(database, token_id)


# At the gate


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("allowed", [MAY_SEND, MAY_READ], ids=["send", "read"])
@pytest.mark.parametrize("open_without", [True, False], ids=["loopback", "elsewhere"])
def test_a_token_is_good_for_its_role(
    database: Database, role: Role, allowed: frozenset[Role], open_without: bool
) -> None:
    _, secret = create(database, role)
    create(database, Role.ADMIN)
    gate = Gate(database, open_without=open_without)
    assert gate.check(secret, allowed) is ALLOWED[role, allowed]
    for stranger in (None, "", "nonsense", secret[:-1], secret.upper()):
        assert gate.check(stranger, allowed) is Access.UNAUTHENTICATED


def test_a_token_says_whose_it_is(embedded: Database) -> None:
    token_id, secret = create(embedded, Role.LEAD, "lead of web")
    gate = Gate(embedded, open_without=True)
    assert gate.bearer(secret) == Bearer(token_id, Role.LEAD, None, frozenset({"*"}))
    assert gate.bearer("assay_never_made") is None
    assert gate.bearer(None) is None


def test_without_tokens_the_gate_is_open_on_loopback_only(database: Database) -> None:
    assert Gate(database, open_without=True).check(None, MAY_SEND) is Access.GRANTED
    assert Gate(database, open_without=False).check(None, MAY_SEND) is Access.UNAUTHENTICATED


def test_an_expired_token_is_no_token_and_opens_no_door(database: Database) -> None:
    now = [NOW]
    gate = Gate(database, open_without=True, clock=lambda: now[0])
    ends = NOW + timedelta(days=1)
    with database.writing() as connection:
        _, secret = access.create(connection, "", Role.VIEWER, NOW, expires_at=ends)
    now[0] = ends - timedelta(microseconds=1)
    assert gate.check(secret, MAY_READ) is Access.GRANTED
    now[0] = ends
    assert gate.check(secret, MAY_READ) is Access.UNAUTHENTICATED
    assert gate.bearer(secret) is None
    assert gate.check(None, MAY_READ) is Access.UNAUTHENTICATED


def test_a_token_says_whom_and_which_teams_it_is_of(database: Database) -> None:
    with database.writing() as connection:
        lead, secret = access.create(
            connection, "", Role.LEAD, NOW, teams=["b", "a", "a"], person="p_1"
        )
        viewer, _ = access.create(connection, "", Role.VIEWER, NOW, teams=["a"])
        access.create(connection, "", Role.LEAD, NOW, teams=[])
    found = Gate(database, open_without=False).bearer(secret)
    assert found == Bearer(lead, Role.LEAD, None, frozenset("ab"), "p_1")
    assert {token.id: token.teams for token in tokens(database)}[viewer] == frozenset()


def test_a_token_closes_the_door_it_is_for_and_no_other(database: Database) -> None:
    create(database, Role.VIEWER)
    gate = Gate(database, open_without=True)
    assert gate.check(None, MAY_READ) is Access.UNAUTHENTICATED
    assert gate.check(None, MAY_SEND) is Access.GRANTED


def test_a_revoked_token_is_refused_within_two_seconds(database: Database) -> None:
    clock = Clock()
    gate = Gate(database, open_without=False, monotonic=clock)
    token_id, secret = create(database, Role.INGEST)
    assert gate.check(secret, MAY_SEND) is Access.GRANTED
    revoke(database, token_id)
    assert gate.check(secret, MAY_SEND) is Access.GRANTED  # from the copy
    clock.now += 2.1
    assert gate.check(secret, MAY_SEND) is Access.UNAUTHENTICATED


def test_a_revoked_token_is_refused_however_long_nobody_knocked(database: Database) -> None:
    clock = Clock()
    gate = Gate(database, open_without=False, monotonic=clock)
    token_id, secret = create(database, Role.INGEST)
    assert gate.check(secret, MAY_SEND) is Access.GRANTED
    revoke(database, token_id)
    clock.now += 24 * 3600
    assert gate.check(secret, MAY_SEND) is Access.UNAUTHENTICATED


def test_where_many_knock_the_copy_is_renewed_beside_them(database: Database) -> None:
    clock = Clock()
    gate = Gate(database, open_without=False, monotonic=clock)
    assert gate.check("too early", MAY_SEND) is Access.UNAUTHENTICATED
    _, secret = create(database, Role.INGEST)
    clock.now += 1.5
    eventually(lambda: gate.check(secret, MAY_SEND) is Access.GRANTED)


def test_when_a_token_was_used_last_is_noted(database: Database) -> None:
    clock = Clock()
    gate = Gate(database, open_without=False, monotonic=clock)
    _, used = create(database, Role.INGEST)
    create(database, Role.INGEST, "unused")
    before = datetime.now(UTC)
    gate.check(used, MAY_SEND)
    clock.now += 60  # an exporter comes back once a minute
    gate.check(used, MAY_SEND)

    def noted() -> list[datetime]:
        return [t.last_used_at for t in tokens(database) if t.last_used_at is not None]

    eventually(noted)
    [at] = noted()
    assert before <= at <= datetime.now(UTC)


def test_nobody_slips_in_while_the_tokens_are_read_for_the_first_time(database: Database) -> None:
    create(database, Role.INGEST)
    for _ in range(20):
        gate = Gate(database, open_without=True)
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda _: gate.check(None, MAY_SEND), range(8))  # noqa: B023
            assert set(answers) == {Access.UNAUTHENTICATED}


def test_where_tokens_cannot_be_read_nobody_gets_an_answer(tmp_path: Path) -> None:
    clock = Clock()
    with closing(Database(f"sqlite:///{tmp_path}/no/where.db")) as nowhere:
        gate = Gate(nowhere, open_without=True, monotonic=clock)
        for _ in range(3):
            with pytest.raises(StoreError):
                gate.check(None, MAY_SEND)
