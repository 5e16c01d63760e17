"""What sessions left that may tie them to work, of many sessions at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, Subquery, select

from domain.events import Trace
from domain.labels import SessionTraces, Worked
from store import families, renamed
from store import tables as t
from store.given import asking
from store.people import persons_of

_TOLD = (
    Trace.COMMIT,
    Trace.BRANCH,
    Trace.REPOSITORY,
    Trace.IDENTITY,
    Trace.FILE,
    Trace.TICKET,
    Trace.EVALUATION,
)
_PK = {"pk": BigInteger()}


def traces_of(connection: Connection, session_pks: Collection[int]) -> dict[int, SessionTraces]:
    """Traces of these sessions, each with those of all that belong to it.

    Session-less telemetry has none, since it can't be tied to anything; nor has what is tied as a
    part of another session.
    """
    if not session_pks:
        return {}
    members = families.members(connection, families.alone(connection, session_pks))
    root_of = {pk: root for root, all_of in members.items() for pk in all_of}
    rows = _sessions(connection, root_of)
    told = _told(connection, root_of)
    identities = {each for of in told.values() for each in of[Trace.IDENTITY]}
    persons = persons_of(connection, identities)
    called = renamed.called(
        connection, {each for of in told.values() for each in of[Trace.REPOSITORY]}
    )
    found: dict[int, SessionTraces] = {}
    for root, all_of in members.items():
        tool, session_id, _, _ = rows[root]
        if session_id is None:
            continue
        of = told.get(root) or defaultdict(dict)
        found[root] = SessionTraces(
            tool=tool,
            session_id=session_id,
            started_at=min(rows[pk][2] for pk in all_of if pk in rows),
            ended_at=max(rows[pk][3] for pk in all_of if pk in rows),
            commits=_firsts(of[Trace.COMMIT]),
            branches=_firsts(of[Trace.BRANCH]),
            repositories=frozenset(
                each for told in of[Trace.REPOSITORY] for each in called.get(told, (told,))
            ),
            people=frozenset(persons[identity] for identity in of[Trace.IDENTITY]),
            files=of[Trace.FILE],
            tickets=_firsts(of[Trace.TICKET]),
            evaluations=_firsts(of[Trace.EVALUATION]),
        )
    return found


def _firsts(told: dict[str, Worked]) -> dict[str, datetime]:
    return {value: worked.first_at for value, worked in told.items()}


def _sessions(
    connection: Connection, pks: Iterable[int]
) -> dict[int, tuple[str, str | None, datetime, datetime]]:
    rows = _kept(connection, [(pk,) for pk in pks])
    return {pk: (tool, of, first, last) for pk, tool, of, first, last in rows}


@asking(_PK)
def _kept(wanted: Subquery) -> Select[Any]:
    s = t.sessions.c
    query = select(s.pk, s.tool, s.session_id, s.first_at, s.last_at)
    return query.join(wanted, wanted.c.pk == s.pk)


def _told(
    connection: Connection, root_of: dict[int, int]
) -> dict[int, defaultdict[str, dict[str, Worked]]]:
    """By root and kind of trace: each value with the first and the last time it was told."""
    told: dict[int, defaultdict[str, dict[str, Worked]]] = {}
    for pk, trace, value, first_at, last_at in _traces(connection, [(pk,) for pk in root_of]):
        if trace not in _TOLD:
            continue
        of = told.setdefault(root_of[pk], defaultdict(dict))[trace]
        before = of.get(value)
        of[value] = (
            Worked(first_at, last_at)
            if before is None
            else Worked(min(before.first_at, first_at), max(before.last_at, last_at))
        )
    return told


@asking(_PK)
def _traces(wanted: Subquery) -> Select[Any]:
    c = t.session_traces.c
    query = select(c.session_pk, c.trace, c.value, c.first_at, c.last_at)
    return query.join(wanted, wanted.c.pk == c.session_pk)
