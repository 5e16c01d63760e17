"""What stands in the database and is worth watching from outside, by queries that cost little."""

from sqlalchemy import BigInteger, Connection, cast, func, select

from store import tables as t
from store.outcomes import EVERYTHING


def sessions_by_label(connection: Connection) -> dict[str, int]:
    """Sessions with usage, by the label that they have now, from the weekly sums."""
    c = t.outcome_rollups.c
    query = (
        select(c.label, cast(func.sum(c.sessions), BigInteger))
        .where(c.dimension == EVERYTHING, c.weeks == 1)
        .group_by(c.label)
    )
    return {label: int(sessions) for label, sessions in connection.execute(query)}


def marked(connection: Connection) -> dict[str, int]:
    """How much is marked to be concluded anew, by what it is."""
    tables = {
        "people": t.dirty_people,
        "sessions": t.dirty_sessions,
        "commits": t.dirty_commits,
        "labels": t.dirty_labels,
        "work": t.dirty_work,
    }
    return {
        name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        for name, table in tables.items()
    }
