"""What one person used, and what it bought."""

from datetime import datetime

from sqlalchemy import Connection, and_, distinct, func, select

from store import tables as t
from store.families import ROOT
from store.report_usage import (
    BOOKED,
    Dimension,
    Selection,
    Usage,
    combined,
    conditions,
    report,
)


def own_usage(
    connection: Connection, person: str, since: datetime
) -> tuple[Usage, dict[str | None, int]]:
    """Their usage since then, and their sessions by current label; None: not classified yet."""
    selection = Selection(start=since, values={Dimension.USER: frozenset({person})})
    rows, total = report(connection, (Dimension.TOOL,), selection)
    return total if rows else combined((), 0), _labels(connection, selection)


def _labels(connection: Connection, selection: Selection) -> dict[str | None, int]:
    shown = func.coalesce(ROOT.c.pk, t.sessions.c.pk)
    label = and_(t.labels.c.session_pk == shown, t.labels.c.current)
    query = (
        select(t.labels.c.label, func.count(distinct(shown)))
        .select_from(BOOKED.outerjoin(t.labels, label))
        .where(t.sessions.c.session_id.is_not(None), *conditions(selection))
        .group_by(t.labels.c.label)
        .order_by(t.labels.c.label)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
