"""Access tokens: made once, kept as hashes, checked from memory."""

import hashlib
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import bindparam, func, insert, select, update

from store.engine import Connection, Database, StoreError
from store.tables import access_tokens, ingest_keys

_log = logging.getLogger(__name__)

_REFRESH_SECONDS = 1.0
_TOO_OLD_SECONDS = 2.0
# A use is noted at most so often: with a key a developer every use would be a write.
_NOTE_SECONDS = 60.0


ALL_TEAMS = "*"
"""In the place of a team: every one."""


class Role(StrEnum):
    """What a token may do.

    Send telemetry; read answers; read who it was of the own teams, and review what is theirs; or
    everything.
    """

    INGEST = "ingest"
    VIEWER = "viewer"
    LEAD = "lead"
    ADMIN = "admin"


MAY_SEND = frozenset({Role.INGEST, Role.ADMIN})
MAY_READ = frozenset({Role.VIEWER, Role.LEAD, Role.ADMIN})
MAY_REVIEW = frozenset({Role.LEAD, Role.ADMIN})
MAY_ADMINISTER = frozenset({Role.ADMIN})


class Access(StrEnum):
    """The answer to whoever knocks."""

    GRANTED = "granted"
    UNAUTHENTICATED = "unauthenticated"  # no token, or one that does not exist or work any more
    FORBIDDEN = "forbidden"  # a valid token of another role


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is shown: never the secret itself.

    ``person`` is the pseudonym of whose token it is, ``teams`` those that it leads; ``ALL_TEAMS``
    stands for every one. It works until ``expires_at``; None: until it is revoked.
    """

    id: str
    name: str
    role: Role
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    expires_at: datetime | None = None
    person: str | None = None
    teams: frozenset[str] = frozenset()


def create(
    connection: Connection,
    name: str,
    role: Role,
    now: datetime,
    *,
    teams: Collection[str] | None = None,
    person: str | None = None,
    expires_at: datetime | None = None,
) -> tuple[str, str]:
    """Make a token: (id, secret). The secret has 256 random bits and is shown only now.

    ``teams`` are those of a lead; None: a lead of all of them. ``person`` is a pseudonym.
    """
    if role is not Role.LEAD:
        teams = ()
    elif teams is None:
        teams = (ALL_TEAMS,)
    token_id, secret = secrets.token_hex(4), f"assay_{secrets.token_urlsafe(32)}"
    connection.execute(
        insert(access_tokens).values(
            id=token_id,
            name=name,
            role=role.value,
            digest=digest(secret),
            created_at=now,
            expires_at=expires_at,
            person=person,
            teams=told_teams(teams),
        )
    )
    return token_id, secret


def revoke(connection: Connection, token_id: str, now: datetime) -> bool:
    """End a token; False where there is none of this id that still works."""
    statement = (
        update(access_tokens)
        .where(access_tokens.c.id == token_id, access_tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(access_tokens.c.id)
    )
    return connection.execute(statement).first() is not None


def tokens(connection: Connection) -> list[Token]:
    """All tokens ever made, oldest first."""
    rows = connection.execute(select(access_tokens).order_by(access_tokens.c.created_at))
    return [
        Token(
            row.id,
            row.name,
            Role(row.role),
            row.created_at,
            row.last_used_at,
            row.revoked_at,
            row.expires_at,
            row.person,
            read_teams(row.teams),
        )
        for row in rows
    ]


def told_teams(teams: Collection[str]) -> str | None:
    """Teams as they are kept."""
    return json.dumps(sorted(set(teams))) if teams else None


def read_teams(kept: str | None) -> frozenset[str]:
    """Teams as ``told_teams`` wrote them."""
    return frozenset(json.loads(kept)) if kept else frozenset()


class Bearer(NamedTuple):
    """Whose token it is: its id, its role, and the id of the key that stamps what is sent.

    The rest as in ``Token``.
    """

    id: str
    role: Role
    key_id: str | None
    teams: frozenset[str] = frozenset()
    person: str | None = None
    expires_at: datetime | None = None


class _Known(NamedTuple):
    """All tokens that are not revoked, by their digests. ``held`` are the roles among them.

    One that has expired is still among them: a door that it closed does not open by itself.
    """

    tokens: dict[bytes, Bearer]
    held: frozenset[Role]
    version: tuple[int, int]


class Gate:
    """Checks tokens against a copy of the table that is at most two seconds old.

    ``open_without`` says what happens while no token for a purpose exists: on loopback everyone
    may; elsewhere nobody.
    """

    def __init__(
        self,
        database: Database,
        *,
        open_without: bool,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._open_without = open_without
        self._monotonic = monotonic
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._known = _Known({}, frozenset(), (0, 0))
        self._used: set[bytes] = set()
        self._noted: dict[bytes, float] = {}
        self._refreshing = False

    def check(self, secret: str | None, allowed: frozenset[Role]) -> Access:
        """Whether the bearer of this secret may do what these roles may.

        Raises StoreError where the tokens can't be read: then nobody can tell.
        """
        return self.admit(secret, allowed)[0]

    def admit(self, secret: str | None, allowed: frozenset[Role]) -> tuple[Access, str | None]:
        """The same, and the id of the key that stamps what is sent, where it is such a key."""
        known = self._current()
        if self._open_without and not allowed & known.held:
            return Access.GRANTED, None
        bearer = self._bearer(known, secret)
        if bearer is None:
            return Access.UNAUTHENTICATED, None
        if bearer.role not in allowed:
            return Access.FORBIDDEN, None
        return Access.GRANTED, bearer.key_id

    def bearer(self, secret: str | None) -> Bearer | None:
        """Whose valid token this is; None where it is none."""
        return self._bearer(self._current(), secret)

    def _bearer(self, known: _Known, secret: str | None) -> Bearer | None:
        key = digest(secret) if secret else b""
        found = known.tokens.get(key)
        if found is None or (found.expires_at is not None and found.expires_at <= self._clock()):
            return None
        self._note(key)
        return found

    def _note(self, key: bytes) -> None:
        now = self._monotonic()
        if now - self._noted.get(key, float("-inf")) >= _NOTE_SECONDS:
            self._noted[key] = now
            self._used.add(key)

    def _current(self) -> _Known:
        """The known tokens; usually refreshed in the background, since callers may be event loops.

        Raises StoreError where the copy is too old to answer from and no newer one can be had.
        """
        with self._lock:
            age = self._monotonic() - self._read_at
            too_old = age > _TOO_OLD_SECONDS
            if too_old:
                self._read()
            due = bool(self._used) if too_old else age > _REFRESH_SECONDS
            if due and not self._refreshing:
                self._refreshing = True
                threading.Thread(target=self._refresh, name="tokens", daemon=True).start()
            return self._known

    def _read(self) -> None:
        began = self._monotonic()
        t = access_tokens.c
        # Tokens are only ever added and revoked: where both counts stand still, so does the rest.
        counts = select(func.count(), func.count(t.revoked_at)).select_from(access_tokens)
        query = (
            select(access_tokens, ingest_keys.c.token_id)
            .select_from(access_tokens.outerjoin(ingest_keys, ingest_keys.c.token_id == t.id))
            .where(t.revoked_at.is_(None))
        )
        with self._database.reading() as connection:
            made, revoked = connection.execute(counts).one()
            if (made, revoked) != self._known.version:
                rows = connection.execute(query)
                tokens = {
                    bytes(row.digest): Bearer(
                        row.id,
                        Role(row.role),
                        row.token_id,
                        read_teams(row.teams),
                        row.person,
                        row.expires_at,
                    )
                    for row in rows
                }
                held = frozenset(bearer.role for bearer in tokens.values())
                self._known = _Known(tokens, held, (made, revoked))
        self._read_at = began

    def _refresh(self) -> None:
        try:
            self._read()
            self._note_use()
        except StoreError as error:
            _log.warning("access tokens can't be refreshed: %s", error)
        finally:
            self._refreshing = False

    def _note_use(self) -> None:
        used, self._used = self._used, set()
        if not used:
            return
        statement = update(access_tokens).where(access_tokens.c.digest == bindparam("used"))
        with self._database.writing() as connection:
            connection.execute(
                statement.values(last_used_at=datetime.now(UTC)), [{"used": u} for u in used]
            )


def digest(secret: str) -> bytes:
    """What is kept of a random secret."""
    # A random secret of 256 bits needs no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).digest()
