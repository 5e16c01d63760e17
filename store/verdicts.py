"""Verdicts as they were given: a row where one changed, and when all were last judged."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from domain.labels import Decision, Verdict
from store import tables as t


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A verdict from the moment it was given; ``share`` is the standardised one, if any."""

    tool: str
    given_at: datetime
    decision: Decision
    reason: str
    share: float | None


def standing(connection: Connection, as_of: datetime) -> dict[str, Decision]:
    """The verdict that each tool had at that moment, of those that were ever given one."""
    return {each.tool: each.decision for each in _last(connection, as_of)}


def judged_at(connection: Connection) -> datetime | None:
    """When verdicts were last given, also if none of them changed."""
    at: datetime | None = connection.execute(select(func.max(t.verdicts.c.judged_at))).scalar()
    return at


def keep(connection: Connection, verdicts: Iterable[Verdict], now: datetime) -> None:
    """Keep those that differ from what stood; of the others, that they still stand."""
    stood = {each.tool: each for each in _last(connection, now)}
    changed = [
        {
            "tool": verdict.tool,
            "given_at": now,
            "judged_at": now,
            "decision": verdict.decision.value,
            "reason": verdict.reason,
            "share": verdict.standardised_share,
        }
        for verdict in verdicts
        if verdict.tool not in stood or stood[verdict.tool].decision is not verdict.decision
    ]
    if changed:
        connection.execute(insert(t.verdicts), changed)
    now_judged = update(t.verdicts).values(judged_at=now)
    for tool in sorted(stood.keys() - {row["tool"] for row in changed}):
        this = (t.verdicts.c.tool == tool) & (t.verdicts.c.given_at == stood[tool].given_at)
        connection.execute(now_judged.where(this))


def history(connection: Connection, tool: str) -> list[Given]:
    """Every change of a tool's verdict with its reason, the newest first."""
    query = (
        select(t.verdicts).where(t.verdicts.c.tool == tool).order_by(t.verdicts.c.given_at.desc())
    )
    return [_given(row) for row in connection.execute(query)]


def _last(connection: Connection, as_of: datetime) -> list[Given]:
    table = t.verdicts
    newest = (
        select(table.c.tool, func.max(table.c.given_at).label("given_at"))
        .where(table.c.given_at <= as_of)
        .group_by(table.c.tool)
        .subquery()
    )
    query = select(table).join(
        newest, (newest.c.tool == table.c.tool) & (newest.c.given_at == table.c.given_at)
    )
    return [_given(row) for row in connection.execute(query)]


def _given(row: Row[Any]) -> Given:
    return Given(
        tool=row.tool,
        given_at=row.given_at,
        decision=Decision(row.decision),
        reason=row.reason,
        share=row.share,
    )
