"""Labels: kept and withdrawn."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, Subquery, bindparam, select, update

from domain.labels import Labelled
from store import tables as t
from store.given import asking
from store.upsert import merge_into, replaced

_SAME = ("label", "maturity", "rule", "rule_set")
_VALUES = (*_SAME, "reason", "facts", "due_at", "current")
_WITHDRAWN = update(t.labels).where(t.labels.c.session_pk == bindparam("of")).values(current=False)


def withdraw_labels(connection: Connection, session_pks: Collection[int]) -> None:
    """Leave sessions without any label; those that they had stay as history."""
    if session_pks:
        # All of a session's: a plan that begins with the current one reads those of all sessions.
        rows = [{"of": pk} for pk in sorted(session_pks)]
        connection.execute(_WITHDRAWN, rows)


def keep_labels(connection: Connection, labelled: Mapping[int, Labelled]) -> None:
    """Make these the current labels of these sessions.

    The one before stays as history unless it says the same.
    """
    before = _current(connection, labelled)
    rows = []
    replaced_by_others = []
    for pk, label in sorted(labelled.items()):
        values = {
            "label": label.label.value,
            "maturity": label.maturity.value,
            "rule": label.rule,
            "reason": label.reason,
            "facts": json.dumps(label.facts),
            "rule_set": label.rule_set,
            "due_at": label.due_at,
            "current": True,
        }
        said = before.get(pk)
        same = said is not None and all(getattr(said, name) == values[name] for name in _SAME)
        if said is not None and not same:
            replaced_by_others.append(pk)
        labelled_at = said.labelled_at if said is not None and same else label.as_of
        rows.append({"session_pk": pk, "labelled_at": labelled_at, **values})
    withdraw_labels(connection, replaced_by_others)
    merge_into(connection, t.labels, rows, dict.fromkeys(_VALUES, replaced))


def _current(connection: Connection, session_pks: Collection[int]) -> dict[int, Any]:
    rows = _kept(connection, [(pk,) for pk in session_pks])
    return {row.session_pk: row for row in rows if row.current}


@asking({"pk": BigInteger()})
def _kept(wanted: Subquery) -> Select[Any]:
    c = t.labels.c
    # Whether it is the current one is asked afterwards: a plan that begins with it reads all.
    query = select(c.session_pk, c.labelled_at, c.current, *(c[name] for name in _SAME))
    return query.join(wanted, wanted.c.pk == c.session_pk)
