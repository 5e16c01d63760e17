"""Who saw or changed what: rows that are only ever added, until they are old.

An actor is an access token, a signed-in browser, ``local`` (everybody on a machine without tokens)
or ``command`` (the command line). No row holds what was seen or said, only what it was about.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, select

from store import tables as t
from store.engine import Database

_OBJECT_LENGTH = 256
_ACTION_LENGTH = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One thing that somebody did or saw.

    ``actor`` is the kind and id of who it was, ``person`` their pseudonym where it is known.
    ``action`` is the route (``POST /v1/links/{link_id}/review``) or command, ``object`` what stood
    in the place of its braces. ``status`` is that of the answer (HTTP). ``people`` is how many
    people the answer named by pseudonym, besides whoever asked; None where it does not matter.
    ``address`` is a keyed hash.
    """

    at: datetime
    actor: str
    person: str | None
    action: str
    object: str
    status: int
    people: int | None
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Noted):
    """The same as it is kept, with its number."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPosition:
    """Where a page ended."""

    at: datetime
    id: int


def note(connection: Connection, noted: Noted) -> None:
    """Add a row."""
    connection.execute(
        insert(t.audit_log).values(
            at=noted.at,
            actor=noted.actor,
            person=noted.person,
            action=_storable(noted.action)[:_ACTION_LENGTH],
            object=_storable(noted.object)[:_OBJECT_LENGTH],
            status=noted.status,
            people=noted.people,
            address=noted.address,
        )
    )


def _storable(told: str) -> str:
    """A text that every database takes: what comes from an address may hold anything."""
    return "".join(each if each.isprintable() else "\ufffd" for each in told)


def page(
    connection: Connection,
    limit: int,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    actors: Collection[str] = (),
    after: AuditPosition | None = None,
) -> list[Entry]:
    """Rows of [``start``, ``end``), newest first."""
    c = t.audit_log.c
    query = select(t.audit_log).order_by(c.at.desc(), c.id.desc()).limit(limit)
    if start is not None:
        query = query.where(c.at >= start)
    if end is not None:
        query = query.where(c.at < end)
    if actors:
        query = query.where(c.actor.in_(sorted(actors)))
    if after is not None:
        query = query.where(or_(c.at < after.at, (c.at == after.at) & (c.id < after.id)))
    return [Entry(**row._mapping) for row in connection.execute(query)]


def forget(database: Database, before: datetime) -> int:
    """Delete the rows from before this time; how many."""
    with database.writing() as connection:
        old = delete(t.audit_log).where(t.audit_log.c.at < before)
        return connection.execute(old).rowcount
