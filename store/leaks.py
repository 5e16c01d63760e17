"""Leaks as last measured, what each lost week by week, and what was tried against it."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, String, delete, func, insert, select

from domain.leaks import (
    DetectorCoverage,
    Group,
    LeakAction,
    LeakEvidence,
    LeakFound,
    LeakWeek,
    Measured,
    Money,
)
from store import tables as t
from store.given import given
from store.upsert import merge_into, replaced

# A group that was found within this time is watched on, leaking or not.
_WATCHED = timedelta(weeks=52)


def measured(connection: Connection) -> Measured | None:
    """The last measurement."""
    row = connection.execute(select(t.leak_measurements)).first()
    if row is None:
        return None
    return Measured(
        at=row.measured_at,
        since=date.fromisoformat(row.since),
        until=date.fromisoformat(row.until),
        lost=_money(row),
        spent_nanousd=row.spent_nanousd,
        sessions=row.sessions,
        people=row.people,
        coverage={
            name: DetectorCoverage(judged=told["judged"], untold=told["untold"])
            for name, told in json.loads(row.coverage).items()
        },
    )


def known(connection: Connection, until: date) -> frozenset[str]:
    """The ids of leaks that were found within the year before, or that something was tried on."""
    since = (until - _WATCHED).isoformat()
    weeks = select(t.leak_weeks.c.leak_id).where(t.leak_weeks.c.week >= since).distinct()
    tried = select(t.leak_actions.c.leak_id).distinct()
    return frozenset(connection.execute(weeks.union(tried)).scalars())


def keep(
    connection: Connection,
    told: Measured,
    found: Sequence[LeakFound],
    weeks: Mapping[str, tuple[Group, Sequence[LeakWeek]]],
    first_week: date,
) -> None:
    """Replace the measurement before; the weeks from the first one on are told anew, too."""
    for table in (t.leak_measurements, t.leaks, t.leak_people, t.leak_evidence):
        connection.execute(delete(table))
    row = {
        "measured_at": told.at,
        "since": told.since.isoformat(),
        "until": told.until.isoformat(),
        **_amounts(told.lost),
        "spent_nanousd": told.spent_nanousd,
        "sessions": told.sessions,
        "people": told.people,
        "coverage": json.dumps({name: asdict(each) for name, each in told.coverage.items()}),
    }
    connection.execute(insert(t.leak_measurements), row)
    again = t.leak_weeks.c.week >= first_week.isoformat()
    connection.execute(delete(t.leak_weeks).where(again))
    _insert(connection, t.leaks, [_leak(each) for each in found])
    people = [(each.group.id, person) for each in found for person in sorted(each.persons)]
    _insert(connection, t.leak_people, [{"leak_id": id_, "person": p} for id_, p in people])
    evidence = [
        {"leak_id": each.group.id, "session_pk": shown.session_pk, **_amounts(shown.lost)}
        for each in found
        for shown in each.evidence
    ]
    _insert(connection, t.leak_evidence, evidence)
    rows = [
        {
            "leak_id": leak_id,
            "week": each.week.isoformat(),
            "detector": group.detector,
            **_amounts(each.lost),
            "spent_nanousd": each.spent_nanousd,
            "people": each.people,
        }
        for leak_id, (group, own) in weeks.items()
        for each in own
        if each.week >= first_week
    ]
    _insert(connection, t.leak_weeks, rows)


def found(connection: Connection) -> list[LeakFound]:
    """All findings of the last measurement, the one that loses most first; without evidence."""
    counted = select(t.leak_people.c.leak_id, func.count()).group_by(t.leak_people.c.leak_id)
    people = {row[0]: row[1] for row in connection.execute(counted)}
    query = select(t.leaks).order_by(t.leaks.c.estimate_nanousd.desc(), t.leaks.c.leak_id)
    return [
        LeakFound(
            group=_group(row),
            lost=_money(row),
            spent_nanousd=row.spent_nanousd,
            sessions=row.sessions,
            people=people.get(row.leak_id, 0),
            seen_on=date.fromisoformat(row.seen_on),
            how=row.how,
            evidence=(),
        )
        for row in connection.execute(query)
    ]


def evidence(
    connection: Connection, leak_ids: Collection[str]
) -> dict[str, tuple[LeakEvidence, ...]]:
    """The sessions named for these leaks that are still known, the dearest first."""
    c, s = t.leak_evidence.c, t.sessions.c
    asked = given(connection, {"leak_id": String()}, [(each,) for each in sorted(leak_ids)])
    query = (
        select(t.leak_evidence, s.tool, s.session_id)
        .join(asked, asked.c.leak_id == c.leak_id)
        .join(t.sessions, s.pk == c.session_pk)
        .order_by(c.estimate_nanousd.desc(), c.session_pk)
    )
    told: dict[str, list[LeakEvidence]] = defaultdict(list)
    for row in connection.execute(query):
        told[row.leak_id].append(
            LeakEvidence(
                session_pk=row.session_pk,
                tool=row.tool,
                session_id=row.session_id,
                lost=_money(row),
            )
        )
    return {leak_id: tuple(each) for leak_id, each in told.items()}


def people_behind(connection: Connection, leak_ids: Collection[str]) -> int:
    """How many different people are behind these leaks together."""
    c = t.leak_people.c
    asked = given(connection, {"leak_id": String()}, [(each,) for each in sorted(leak_ids)])
    query = select(func.count(c.person.distinct())).join(asked, asked.c.leak_id == c.leak_id)
    return int(connection.execute(query).scalar_one())


def weeks(
    connection: Connection, detector: str, since: date, until: date
) -> dict[str, list[LeakWeek]]:
    """By leak id: the weeks in [since, until) of every group of a detector."""
    c = t.leak_weeks.c
    query = (
        select(t.leak_weeks)
        .where(c.detector == detector, c.week >= since.isoformat(), c.week < until.isoformat())
        .order_by(c.leak_id, c.week)
    )
    told: dict[str, list[LeakWeek]] = defaultdict(list)
    for row in connection.execute(query):
        told[row.leak_id].append(
            LeakWeek(
                week=date.fromisoformat(row.week),
                lost=_money(row),
                spent_nanousd=row.spent_nanousd,
                people=row.people,
            )
        )
    return dict(told)


def actions(connection: Connection) -> list[LeakAction]:
    """What was tried, the latest first; without its effect."""
    c = t.leak_actions.c
    query = select(t.leak_actions).order_by(c.tried_on.desc(), c.leak_id)
    return [
        LeakAction(
            group=_group(row),
            tried_on=date.fromisoformat(row.tried_on),
            note=row.note,
            tried_by=row.tried_by,
            recorded_at=row.recorded_at,
        )
        for row in connection.execute(query)
    ]


def mark_tried(
    connection: Connection, group: Group, tried_on: date, *, by: str, at: datetime, note: str
) -> None:
    """Keep that a fix was tried on this day; said again, the last word stands."""
    row = {
        "leak_id": group.id,
        "tried_on": tried_on.isoformat(),
        **asdict(group),
        "note": note,
        "tried_by": by,
        "recorded_at": at,
    }
    said = ("note", "tried_by", "recorded_at")
    merge_into(connection, t.leak_actions, [row], dict.fromkeys(said, replaced))


def withdraw(connection: Connection, leak_id: str, tried_on: date) -> bool:
    """Take back that a fix was tried on this day; False: nobody had said so."""
    c = t.leak_actions.c
    this = delete(t.leak_actions).where(c.leak_id == leak_id, c.tried_on == tried_on.isoformat())
    return connection.execute(this).rowcount > 0


def _insert(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    # Not a plain insert: names come from outside, and PostgreSQL refuses some of their characters.
    merge_into(connection, table, rows, {})


def _leak(found: LeakFound) -> dict[str, Any]:
    return {
        "leak_id": found.group.id,
        **asdict(found.group),
        **_amounts(found.lost),
        "spent_nanousd": found.spent_nanousd,
        "sessions": found.sessions,
        "seen_on": found.seen_on.isoformat(),
        "how": found.how,
    }


def _amounts(money: Money) -> dict[str, int]:
    return {
        "low_nanousd": money.low,
        "estimate_nanousd": money.estimate,
        "high_nanousd": money.high,
    }


def _money(row: Row[Any]) -> Money:
    return Money(low=row.low_nanousd, estimate=row.estimate_nanousd, high=row.high_nanousd)


def _group(row: Row[Any]) -> Group:
    return Group(
        detector=row.detector,
        tool=row.tool,
        team=row.team,
        repo=row.repo,
        model=row.model,
        work_type=row.work_type,
    )
