"""How much is waiting to be folded, and for how long, found without counting it."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from store.tables import inbox


def most_waiting(connection: Connection) -> int:
    """As many inbox rows as may be waiting at most; parked ones do not wait.

    Rows are appended with growing ids and folded from the oldest on, so the ids tell. Gaps between
    them (rows parked, writes undone) make it more than there are, never fewer.
    """
    waiting = select(inbox.c.id).where(inbox.c.parked.is_(None)).order_by(inbox.c.id).limit(1)
    oldest = connection.execute(waiting).scalar()
    if oldest is None:
        return 0
    newest = connection.execute(select(func.max(inbox.c.id))).scalar_one()
    return int(newest) - int(oldest) + 1


def oldest_at(connection: Connection) -> datetime | None:
    """When the oldest request arrived that waits to be folded; None where none does."""
    waiting = select(inbox.c.received_at).where(inbox.c.parked.is_(None))
    return connection.execute(waiting.order_by(inbox.c.id).limit(1)).scalar()
