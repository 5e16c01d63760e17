"""Which sessions have labels of their own."""

from sqlalchemy import Connection, select

from store import families
from store import tables as t


def labelled_sessions(connection: Connection) -> list[int]:
    """Every active session that belongs to no other one, in the order of their keys."""
    s = t.sessions.c
    query = select(s.pk).where(s.active.is_(True), ~families.belongs(s.pk)).order_by(s.pk)
    return list(connection.execute(query).scalars())
