"""Ingest keys: tokens for sending, each with what it says of its sender."""

from datetime import UTC, datetime

from domain.stamp import Stamp
from store import access, keys
from store.access import MAY_SEND, Access, Gate, Role
from store.engine import Database
from store.keys import IngestKey
from tests.filling import rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STAMP = Stamp(user="p_alice", attributes=(("team", "payments"), ("repo", "acme/payments")))


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def create(database: Database, stamp: Stamp = STAMP, name: str = "") -> tuple[str, str]:
    with database.writing() as connection:
        return keys.create(connection, name, stamp, NOW)


def revoke(database: Database, key_id: str) -> bool:
    with database.writing() as connection:
        return keys.revoke(connection, key_id, NOW)


def listed(database: Database) -> list[IngestKey]:
    with database.reading() as connection:
        return keys.keys(connection)


def shown(key_id: str, stamp: Stamp, name: str = "", revoked: datetime | None = None) -> IngestKey:
    return IngestKey(
        id=key_id, name=name, stamp=stamp, created_at=NOW, last_used_at=None, revoked_at=revoked
    )


def test_keys_are_listed_with_what_they_say_and_without_their_secrets(database: Database) -> None:
    first, _ = create(database, name="laptops")
    second, _ = create(database, Stamp())
    with database.writing() as connection:
        token, _ = access.create(connection, "plain", Role.INGEST, NOW)
        access.create(connection, "reader", Role.VIEWER, NOW)
    expected = [
        shown(first, STAMP, "laptops"),
        shown(second, Stamp()),
        shown(token, Stamp(), "plain"),
    ]
    assert sorted(listed(database), key=lambda k: k.id) == sorted(expected, key=lambda k: k.id)


def test_a_key_is_a_token_for_sending_wherever_tokens_are_asked_for(database: Database) -> None:
    key_id, _ = create(database, name="laptops")
    with database.reading() as connection:
        [token] = access.tokens(connection)
    assert (token.id, token.name, token.role) == (key_id, "laptops", Role.INGEST)


def test_only_the_hash_of_a_key_is_kept(database: Database) -> None:
    _, secret = create(database)
    kept = rows(database, "access_tokens") + rows(database, "ingest_keys")
    assert secret not in repr(kept)


def test_a_key_is_revoked_once_and_no_other_token_is(database: Database) -> None:
    key_id, _ = create(database)
    with database.writing() as connection:
        viewer, _ = access.create(connection, "", Role.VIEWER, NOW)
    assert not revoke(database, viewer)
    assert not revoke(database, "00000000")
    assert revoke(database, key_id)
    assert not revoke(database, key_id)
    assert listed(database) == [shown(key_id, STAMP, revoked=NOW)]


def test_what_a_key_says_outlives_it(database: Database) -> None:
    key_id, _ = create(database)
    create(database, Stamp(user="p_bob"))
    revoke(database, key_id)
    with database.reading() as connection:
        assert keys.stamps(connection, [key_id, key_id, "00000000"]) == {key_id: STAMP}
        assert keys.stamps(connection, []) == {}


def test_the_gate_knows_whose_key_it_lets_in(database: Database) -> None:
    clock = Clock()
    gate = Gate(database, open_without=True, monotonic=clock)
    key_id, secret = create(database)
    token_id, plain = create(database, Stamp())
    shown = (secret, plain, "nonsense")
    assert [gate.admit(each, MAY_SEND) for each in shown] == [
        (Access.GRANTED, key_id),
        (Access.GRANTED, None),
        (Access.UNAUTHENTICATED, None),
    ]
    revoke(database, key_id)
    clock.now += 60
    assert gate.admit(secret, MAY_SEND) == (Access.UNAUTHENTICATED, None)
    # Where nobody needs a key, one that is revoked says nothing.
    revoke(database, token_id)
    clock.now += 60
    assert gate.admit(secret, MAY_SEND) == (Access.GRANTED, None)
