"""How far each provider was read: cursors, tags of answers, and the last success and failure.

The caller writes a cursor and tags in the transaction that writes the facts they speak of.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from store import tables as t
from store.upsert import merge_into, replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncState:
    """How one stream of one scope (a repository, a project) stands.

    ``scope`` and ``stream`` are empty for the provider itself. ``error_code`` and ``error`` are of
    the last attempt, None where that went well; ``succeeded_at`` is when one last did.
    """

    provider: str
    scope: str
    stream: str
    succeeded_at: datetime | None
    failed_at: datetime | None
    error_code: str | None
    error: str | None


def cursor(connection: Connection, provider: str, scope: str, stream: str) -> str | None:
    """Until where this stream was read."""
    s = t.sync_states.c
    query = select(s.cursor).where(s.provider == provider, s.scope == scope, s.stream == stream)
    return connection.execute(query).scalar()


def keep_cursor(
    connection: Connection, provider: str, scope: str, stream: str, cursor: str
) -> None:
    """Note until where this stream was read."""
    row = _key(provider, scope, stream) | {"cursor": cursor}
    merge_into(connection, t.sync_states, [row], {"cursor": replaced})


def tag(connection: Connection, provider: str, address: str) -> str | None:
    """What was kept for this address."""
    g = t.sync_tags.c
    query = select(g.value).where(g.provider == provider, g.address == address)
    return connection.execute(query).scalar()


def keep_tags(connection: Connection, provider: str, tags: Mapping[str, str], at: datetime) -> None:
    """Keep these values by address."""
    rows = [
        {"provider": provider, "address": address, "value": tags[address], "kept_at": at}
        for address in sorted(tags)
    ]
    merge_into(connection, t.sync_tags, rows, {"value": replaced, "kept_at": replaced})


def forget_tags(connection: Connection, provider: str, before: datetime) -> None:
    """Drop tags that were kept before this; what they stand for is read once more."""
    g = t.sync_tags.c
    connection.execute(delete(t.sync_tags).where(g.provider == provider, g.kept_at < before))


def note_success(
    connection: Connection, provider: str, scope: str, stream: str, at: datetime
) -> None:
    """Note that this was read to its end."""
    row = _key(provider, scope, stream) | {"succeeded_at": at, "error_code": None, "error": None}
    names = ("succeeded_at", "error_code", "error")
    merge_into(connection, t.sync_states, [row], dict.fromkeys(names, replaced))


def note_failure(
    connection: Connection,
    provider: str,
    scope: str,
    stream: str,
    *,
    at: datetime,
    code: str,
    error: str,
) -> None:
    """Note why this could not be read to its end."""
    row = _key(provider, scope, stream) | {"failed_at": at, "error_code": code, "error": error}
    names = ("failed_at", "error_code", "error")
    merge_into(connection, t.sync_states, [row], dict.fromkeys(names, replaced))


def states(connection: Connection, providers: Iterable[str] = ()) -> list[SyncState]:
    """How each stream stands, by provider, scope and stream."""
    s = t.sync_states.c
    query = select(
        s.provider, s.scope, s.stream, s.succeeded_at, s.failed_at, s.error_code, s.error
    ).order_by(s.provider, s.scope, s.stream)
    if told := sorted(providers):
        query = query.where(s.provider.in_(told))
    return [SyncState(**row._mapping) for row in connection.execute(query)]


def _key(provider: str, scope: str, stream: str) -> dict[str, object]:
    return {"provider": provider, "scope": scope, "stream": stream}
