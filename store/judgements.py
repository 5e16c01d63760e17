"""Judgements as they were given: the last one of each day, kept whole so that it is read at once.

What is kept is JSON of values of ``domain``; one whose form is of an older version and can't be
read any more counts as not kept.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec
from sqlalchemy import Connection, func, select

from domain.judgement import By, Judgement
from domain.routing import Policy
from store import tables as t
from store.upsert import merge_into, replaced

Value = TypeVar("Value")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    """What is judged."""

    TOOL = "tool"
    TOOL_MODEL = "tool_model"
    ROUTING = "routing"


@dataclass(frozen=True, slots=True)
class Kept(Generic[Value]):
    """What was judged, and when."""

    value: Value
    judged_at: datetime


def keep_judgement(connection: Connection, judgement: Judgement, took: timedelta) -> None:
    """Keep it as that of its day. Raises ValueError for one without a time."""
    if judgement.judged_at is None:
        raise ValueError("nothing was judged")
    _keep(connection, Kind(judgement.by.value), judgement.judged_at, took, judgement)


def keep_policy(connection: Connection, policy: Policy, took: timedelta) -> None:
    """Keep it as that of its day."""
    _keep(connection, Kind.ROUTING, policy.as_of, took, policy)


def judgement(connection: Connection, by: By, as_of: datetime) -> Judgement | None:
    """The last one that had been given by then; None where none is kept."""
    return _read(connection, Kind(by.value), as_of, Judgement)


def policy(connection: Connection, as_of: datetime) -> Policy | None:
    """The routing policy that was in force then; None where none is kept."""
    return _read(connection, Kind.ROUTING, as_of, Policy)


def judged(connection: Connection) -> tuple[datetime, timedelta] | None:
    """When everything was last judged, and how long that took; None if it never was."""
    # The policy is kept together with the verdicts.
    c = t.judgements.c
    query = select(c.judged_at, c.took_ms).where(c.kind == Kind.ROUTING.value)
    row = connection.execute(query.order_by(c.day.desc()).limit(1)).first()
    return None if row is None else (row.judged_at, timedelta(milliseconds=row.took_ms))


def first_judged(connection: Connection) -> datetime | None:
    """When the first judgement that is kept was given; None if none is."""
    at: datetime | None = connection.execute(select(func.min(t.judgements.c.judged_at))).scalar()
    return at


def _keep(
    connection: Connection, kind: Kind, at: datetime, took: timedelta, value: Judgement | Policy
) -> None:
    row = {
        "kind": kind.value,
        "day": _day(at),
        "judged_at": at,
        "took_ms": took // timedelta(milliseconds=1),
        "judged": msgspec.json.encode(value).decode(),
    }
    names = ("judged_at", "took_ms", "judged")
    merge_into(connection, t.judgements, [row], dict.fromkeys(names, replaced))


def _read(connection: Connection, kind: Kind, as_of: datetime, form: type[Value]) -> Value | None:
    c = t.judgements.c
    query = (
        select(c.judged)
        # Days are the key: the newest of them is found without looking at the others.
        .where(c.kind == kind.value, c.day <= _day(as_of), c.judged_at <= as_of)
        .order_by(c.day.desc())
        .limit(1)
    )
    told = connection.execute(query).scalar()
    try:
        return None if told is None else msgspec.json.decode(told, type=form)
    except msgspec.ValidationError:
        return None


def _day(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(days=1)
