"""Verdicts as they were given: a row where one changed, and when all were last judged."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from domain.judgement import By, Given, Grounds, grounds_of
from domain.labels import Decision, Verdict
from store import tables as t

Subject: TypeAlias = tuple[str, str]
"""A tool, and as it is kept the model: "" for all of them, else a colon and its name."""


def standing(
    connection: Connection, as_of: datetime, by: By = By.TOOL
) -> dict[tuple[str, str | None], Decision]:
    """The verdict that each tool (and model) had at that moment, of those ever given one."""
    return {(each.tool, each.model): each.decision for each in _last(connection, as_of, by)}


def judged_at(connection: Connection) -> datetime | None:
    """When verdicts were last given, also if none of them changed."""
    at: datetime | None = connection.execute(select(func.max(t.verdicts.c.judged_at))).scalar()
    return at


def keep(
    connection: Connection,
    verdicts: Iterable[Verdict],
    now: datetime,
    bars: Mapping[str, float] | None = None,
    by: By = By.TOOL,
) -> None:
    """Keep those that differ from what stood; of the others, that they still stand.

    ``bars`` are the thresholds that they were given by, all verdicts ``by`` tool, or tool and
    model.
    """
    stood = {_subject(each, by): each for each in _last(connection, now, by)}
    changed = [
        {
            "tool": verdict.tool,
            "model": _subject(verdict, by)[1],
            "given_at": now,
            "judged_at": now,
            "decision": verdict.decision.value,
            "reason": verdict.reason,
            "grounds": msgspec.json.encode(grounds_of(verdict, bars or {})).decode(),
        }
        for verdict in verdicts
        if (before := stood.get(_subject(verdict, by))) is None
        or before.decision is not verdict.decision
    ]
    if changed:
        connection.execute(insert(t.verdicts), changed)
    now_judged = update(t.verdicts).values(judged_at=now)
    c = t.verdicts.c
    for tool, model in sorted(stood.keys() - {(row["tool"], row["model"]) for row in changed}):
        given_at = stood[tool, model].given_at
        this = (c.tool == tool) & (c.model == model) & (c.given_at == given_at)
        connection.execute(now_judged.where(this))


def history(connection: Connection, tool: str, as_of: datetime | None = None) -> list[Given]:
    """Every change of the verdicts on a tool and on it with its models by then, newest first."""
    c = t.verdicts.c
    query = select(t.verdicts).where(c.tool == tool).order_by(c.given_at.desc(), c.model)
    if as_of is not None:
        query = query.where(c.given_at <= as_of)
    return [_given(row) for row in connection.execute(query)]


def _last(connection: Connection, as_of: datetime, by: By) -> list[Given]:
    c = t.verdicts.c
    newest = (
        select(c.tool, c.model, func.max(c.given_at).label("given_at"))
        .where(c.given_at <= as_of, (c.model == "") if by is By.TOOL else (c.model != ""))
        .group_by(c.tool, c.model)
        .subquery()
    )
    same = (newest.c.tool == c.tool) & (newest.c.model == c.model)
    query = select(t.verdicts).join(newest, same & (newest.c.given_at == c.given_at))
    return [_given(row) for row in connection.execute(query)]


def _subject(of: Verdict | Given, by: By) -> Subject:
    return of.tool, "" if by is By.TOOL else f":{of.model or ''}"


def _given(row: Row[Any]) -> Given:
    return Given(
        tool=row.tool,
        by=By.TOOL_MODEL if row.model else By.TOOL,
        model=row.model.removeprefix(":") or None,
        given_at=row.given_at,
        judged_at=row.judged_at,
        decision=Decision(row.decision),
        reason=row.reason,
        grounds=msgspec.json.decode(row.grounds, type=Grounds),
    )
