"""Stored usage priced anew: read in pieces, and written where its price is another now.

Each piece is a transaction of its own, so that nobody who writes waits for long, and a reader may
see a part done. Usage that is folded meanwhile adds its own price to whatever stands.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    bindparam,
    select,
    update,
)

from domain.price_book import PriceBook
from domain.repricing import Booked, Kept, UsageRow, repriced
from domain.tariff import PromptRange
from domain.usage import Tokens, add
from store import tables as t
from store.dirty import mark_sessions
from store.engine import Database
from store.families import families_of
from store.outdated_days import outdate_hours

_SESSIONS = 200
_BUCKETS = Tokens.__struct_fields__
_KEY = tuple(column.name for column in t.usage.primary_key)
_LISTED = ("list_nanousd", "list_rest_picousd", "unpriced_tokens")
_EFFECTIVE = ("effective_nanousd", "effective_rest_picousd", "effective_unpriced_tokens")


@dataclass(slots=True, kw_only=True)
class Money:
    """Sums of one kind of cost before and after; None where nothing has such a cost."""

    before: int | None = None
    after: int | None = None
    unpriced_before: int = 0
    unpriced_after: int = 0

    def count(self, old: Booked, new: Booked) -> None:
        """Add one row."""
        self.before = add(self.before, old.nanousd)
        self.after = add(self.after, new.nanousd)
        self.unpriced_before += old.unpriced_tokens or 0
        self.unpriced_after += new.unpriced_tokens or 0


@dataclass(slots=True, kw_only=True)
class ToolMoney:
    """What the usage of one tool costs, before and after, without what repeats it."""

    listed: Money = field(default_factory=Money)
    effective: Money = field(default_factory=Money)


@dataclass(slots=True, kw_only=True)
class Repricing:
    """What was done: rows seen and changed, money by tool, and tokens that keep their price."""

    rows: int = 0
    changed: int = 0
    tools: dict[str, ToolMoney] = field(default_factory=dict)
    kept: dict[tuple[str, str, Kept], int] = field(default_factory=dict)


def reprice(
    database: Database, prices: PriceBook, start: int, end: int | None, *, dry_run: bool
) -> Repricing:
    """Price the usage of the hours from ``start`` up to, not including, ``end`` anew.

    Sessions whose list price has changed are concluded anew. Raises StoreError; what was done until
    then stays, and the same again does the rest.
    """
    done = Repricing()
    hours = t.usage.c.hour >= start
    if end is not None:
        hours = and_(hours, t.usage.c.hour < end)
    after: int | None = None
    while True:
        with database.reading() if dry_run else database.writing() as connection:
            pks = _next_sessions(connection, hours, after)
            if not pks:
                return done
            query = _rows_of(and_(hours, t.usage.c.session_pk.in_(pks)))
            if not dry_run:
                query = query.with_for_update(of=t.usage)
            changes = _priced(connection.execute(query).mappings(), prices, done)
            if not dry_run:
                _write(connection, changes)
        after = pks[-1]


def _next_sessions(
    connection: Connection, hours: ColumnElement[bool], after: int | None
) -> list[int]:
    pk = t.usage.c.session_pk
    query = select(pk).where(hours).distinct().order_by(pk).limit(_SESSIONS)
    if after is not None:
        query = query.where(pk > after)
    return list(connection.execute(query).scalars())


def _rows_of(which: ColumnElement[bool]) -> Select[Any]:
    return (
        select(
            *t.usage.c,
            t.sessions.c.tool,
            t.sessions.c.usage_rank,
            t.contexts.c.team,
            t.contexts.c.tier,
        )
        .join(t.sessions, t.sessions.c.pk == t.usage.c.session_pk)
        .join(t.contexts, t.contexts.c.pk == t.usage.c.context_pk)
        .where(which)
        # In the order in which folders write, so that neither waits for the other for ever.
        .order_by(*t.usage.primary_key)
    )


def _priced(rows: Iterable[RowMapping], prices: PriceBook, done: Repricing) -> list[dict[str, Any]]:
    """Count these rows; those that change, with their new values."""
    changes: list[dict[str, Any]] = []
    for found in rows:
        row = _row(found)
        new = repriced(row, prices)
        done.rows += 1
        if found["rank"] == found["usage_rank"]:
            for why in new.kept:
                which = (row.tool, row.model or "", why)
                done.kept[which] = done.kept.get(which, 0) + row.tokens.billable()
            money = done.tools.setdefault(row.tool, ToolMoney())
            money.listed.count(row.listed, new.listed)
            money.effective.count(row.effective, new.effective)
        if (new.listed, new.effective) != (row.listed, row.effective):
            done.changed += 1
            key = {f"key_{name}": found[name] for name in _KEY}
            values = zip((*_LISTED, *_EFFECTIVE), (*new.listed, *new.effective), strict=True)
            changes.append({**key, **dict(values)})
    return changes


def _row(found: RowMapping) -> UsageRow:
    return UsageRow(
        tool=found["tool"],
        team=found["team"],
        tier=found["tier"],
        model=found["model"] or None,
        hour=found["hour"],
        prompts=PromptRange(found["prompt_over"], found["prompt_upto"]),
        tokens=Tokens(**{name: found[name] for name in _BUCKETS}),
        listed=Booked(*(found[name] for name in _LISTED)),
        effective=Booked(*(found[name] for name in _EFFECTIVE)),
    )


def _write(connection: Connection, changes: Sequence[dict[str, Any]]) -> None:
    if not changes:
        return
    this = and_(*(t.usage.c[name] == bindparam(f"key_{name}") for name in _KEY))
    values: dict[str, Any] = {name: bindparam(name) for name in (*_LISTED, *_EFFECTIVE)}
    connection.execute(update(t.usage).where(this).values(**values), list(changes))
    outdate_hours(connection, (change["key_hour"] for change in changes))
    # What a session has cost is a part of its links, its label and its tool's verdict.
    pks = {change["key_session_pk"] for change in changes}
    mark_sessions(connection, pks | families_of(connection, pks))
