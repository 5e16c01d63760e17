"""Ingest keys: access tokens for sending that say for whom and what they send.

The token is a row of ``access_tokens`` with the role ``ingest``, so that hashing, checking,
revoking and the time of the last use are those of every token; its stamp is a row of
``ingest_keys``, which is never changed. A token without a stamp is a key that says nothing.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from domain.stamp import Stamp
from store import access
from store.tables import access_tokens, ingest_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestKey:
    """A key as it is shown: never the secret itself."""

    id: str
    name: str
    stamp: Stamp
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def create(connection: Connection, name: str, stamp: Stamp, now: datetime) -> tuple[str, str]:
    """Make a key: (id, secret). The secret is shown only now."""
    key_id, secret = access.create(connection, name, access.Role.INGEST, now)
    if stamp:
        row = {
            "token_id": key_id,
            "user": stamp.user,
            "attributes": json.dumps(dict(stamp.attributes)),
        }
        connection.execute(insert(ingest_keys), row)
    return key_id, secret


def revoke(connection: Connection, key_id: str, now: datetime) -> bool:
    """End a key; False where there is none of this id that still works. Its stamp stays."""
    query = select(access_tokens.c.id).where(
        access_tokens.c.id == key_id, access_tokens.c.role == access.Role.INGEST.value
    )
    known = connection.execute(query).first() is not None
    return known and access.revoke(connection, key_id, now)


def keys(connection: Connection) -> list[IngestKey]:
    """All keys ever made, oldest first; tokens for sending are among them."""
    t = access_tokens.c
    query = (
        select(access_tokens, ingest_keys.c.user, ingest_keys.c.attributes)
        .select_from(access_tokens.outerjoin(ingest_keys, ingest_keys.c.token_id == t.id))
        .where(t.role == access.Role.INGEST.value)
        .order_by(t.created_at)
    )
    return [
        IngestKey(
            id=row.id,
            name=row.name,
            stamp=_stamp(row.user, row.attributes),
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )
        for row in connection.execute(query)
    ]


def stamps(connection: Connection, key_ids: Iterable[str]) -> dict[str, Stamp]:
    """The stamps of these keys, revoked ones too: what was accepted was sent with a valid key."""
    wanted = sorted(set(key_ids))
    if not wanted:
        return {}
    query = select(ingest_keys).where(ingest_keys.c.token_id.in_(wanted))
    return {row.token_id: _stamp(row.user, row.attributes) for row in connection.execute(query)}


def _stamp(user: str | None, attributes: str | None) -> Stamp:
    told: dict[str, str] = json.loads(attributes or "{}")
    return Stamp(user=user, attributes=tuple(told.items()))
