"""Signing in with a browser: what was begun, and who is signed in.

Secrets are kept as hashes. A sign-in that was begun can be taken up once, by the browser that began
it. A session of a browser ends when it is idle too long, at its absolute end, or by signing out.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select, update

from store import tables as t
from store.access import Role, digest, read_teams, told_teams
from store.engine import Database

SIGN_IN_LASTS = timedelta(minutes=10)
# That a browser is in use is noted at most so often: otherwise every page would be a write.
_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What must come back from the provider (``nonce``), or be shown to it (``verifier``)."""

    nonce: str
    verifier: str
    return_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What somebody who signs in may do: the role, the teams that they lead, and who they are."""

    role: Role
    teams: frozenset[str]
    person: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(Admitted):
    """A browser that somebody is signed in with."""

    id: str
    expires_at: datetime


def begin(connection: Connection, state: str, browser: str, sign_in: SignIn, now: datetime) -> None:
    """Keep a sign-in until it comes back with this state from this browser; forget old ones."""
    table = t.sign_ins
    connection.execute(delete(table).where(table.c.begun_at < now - SIGN_IN_LASTS))
    connection.execute(
        insert(table).values(
            state=digest(state),
            browser=digest(browser),
            nonce=sign_in.nonce,
            verifier=sign_in.verifier,
            return_to=sign_in.return_to,
            begun_at=now,
        )
    )


def take_up(connection: Connection, state: str, browser: str, now: datetime) -> SignIn | None:
    """The sign-in that was begun with this state; None where it never was, or was taken up.

    Whoever shows the state ends it, also from another browser than the one that began it.
    """
    table = t.sign_ins
    taken = connection.execute(
        delete(table).where(table.c.state == digest(state)).returning(*table.c)
    ).first()
    if taken is None or taken.begun_at < now - SIGN_IN_LASTS:
        return None
    if not secrets.compare_digest(bytes(taken.browser), digest(browser)):
        return None
    return SignIn(nonce=taken.nonce, verifier=taken.verifier, return_to=taken.return_to)


def sign_in(
    connection: Connection, admitted: Admitted, now: datetime, lasts: timedelta
) -> tuple[str, str]:
    """Begin a session of a browser: (id, secret of its cookie)."""
    session_id, secret = f"s{secrets.token_hex(6)}", secrets.token_urlsafe(32)
    connection.execute(
        insert(t.browser_sessions).values(
            digest=digest(secret),
            id=session_id,
            role=admitted.role.value,
            person=admitted.person,
            teams=told_teams(admitted.teams),
            created_at=now,
            last_seen_at=now,
            expires_at=now + lasts,
        )
    )
    return session_id, secret


def signed_in(database: Database, secret: str, now: datetime, idle: timedelta) -> SignedIn | None:
    """Whose session this is; None where there is none, or it has ended. Notes its use."""
    table = t.browser_sessions
    with database.reading() as connection:
        found = connection.execute(select(table).where(table.c.digest == digest(secret))).first()
    if found is None or found.expires_at <= now or found.last_seen_at <= now - idle:
        return None
    if found.last_seen_at <= now - _NOTED_EVERY:
        with database.writing() as connection:
            connection.execute(
                update(table).where(table.c.digest == found.digest).values(last_seen_at=now)
            )
    return SignedIn(
        id=found.id,
        role=Role(found.role),
        teams=read_teams(found.teams),
        person=found.person,
        expires_at=found.expires_at,
    )


def sign_out(connection: Connection, secret: str) -> bool:
    """End a session; False where there is none."""
    table = t.browser_sessions
    return connection.execute(delete(table).where(table.c.digest == digest(secret))).rowcount > 0


def forget_ended(database: Database, now: datetime, idle: timedelta) -> int:
    """Delete sessions that have ended, and sign-ins that never came back; how many sessions."""
    table = t.browser_sessions
    ended = or_(table.c.expires_at <= now, table.c.last_seen_at <= now - idle)
    with database.writing() as connection:
        old = t.sign_ins.c.begun_at < now - SIGN_IN_LASTS
        connection.execute(delete(t.sign_ins).where(old))
        return connection.execute(delete(table).where(ended)).rowcount
