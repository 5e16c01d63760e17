"""Writing what was folded: sessions, usage, counts, traces, and the readings of counters."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import structs
from sqlalchemy import Connection, bindparam, case, select, update

from domain.folded import CoverageKey, Folded, SessionKey, SessionSums, context_pk
from store import context_sizes, families, outdated_days
from store import tables as t
from store.dirty import mark_sessions
from store.upsert import Row, added, earliest, either, latest, merge_into

_CHUNK = 500
_HOURS = 24
_SUMMED = (*t.USAGE_COUNTERS, *t.USAGE_RESTS)


def readings(connection: Connection, keys: Iterable[bytes]) -> dict[bytes, dict[int, int]]:
    """The highest reading of each hour of these cumulative series."""
    found: dict[bytes, dict[int, int]] = {}
    ordered = sorted(set(keys))
    if connection.dialect.name == "postgresql":
        # A reading of zero at the epoch is true of every series; writing it locks the series
        # against other folders until this transaction ends.
        zero = [{"key": key, "hour": 0, "highest": 0} for key in ordered]
        merge_into(connection, t.series, zero, {"highest": latest})
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        query = select(t.series).where(t.series.c.key.in_(chunk), t.series.c.hour > 0)
        for row in connection.execute(query):
            found.setdefault(bytes(row.key), {})[row.hour] = row.highest
    return found


def raise_readings(connection: Connection, new: Mapping[bytes, Mapping[int, int]]) -> None:
    """Keep the highest reading of each hour."""
    rows = [
        {"key": key, "hour": hour, "highest": value}
        for key in sorted(new)
        for hour, value in sorted(new[key].items())
    ]
    merge_into(connection, t.series, rows, {"highest": latest})


def apply(connection: Connection, folded: Folded) -> None:
    """Add a batch. Rows are written in key order, so that folders never deadlock."""
    ordered = sorted((session.pk, session, sums) for session, sums in folded.items())
    used = {pk for pk, _, sums in ordered if sums.usage_rank is not None}
    booked = outdated_days.booked_ranks(connection, used | _nameless(folded))
    _apply_sessions(connection, ordered)
    _book_tokens(connection, ordered)
    _apply_repeats(connection, folded)
    _apply_usage(connection, ordered)
    counts: list[Row] = [
        {
            "session_pk": pk,
            "quantity": key.quantity.value,
            "rank": key.rank,
            "item": key.item,
            "amount": sums.counts[key],
        }
        for pk, _, sums in ordered
        for key in sorted(sums.counts)
    ]
    merge_into(connection, t.session_counts, counts, {"amount": added})
    traces: list[Row] = [
        {
            "session_pk": pk,
            "trace": trace.value,
            "value": value,
            "first_at": sums.traces[key],
            "last_at": sums.last_traced[key],
        }
        for pk, _, sums in ordered
        for key in sorted(sums.traces)
        for trace, value in (key,)
    ]
    merge_into(connection, t.session_traces, traces, {"first_at": earliest, "last_at": latest})
    context_sizes.apply(connection, ((pk, sums) for pk, _, sums in ordered))
    pks = {pk for pk, _, _ in ordered}
    mark_sessions(connection, pks | families.apply(connection, ordered))
    # Of one that tells no tokens it depends on what was told before.
    ranks = {pk: s.token_rank for pk, _, s in ordered if s.token_rank == s.usage_rank}
    otherwise = outdated_days.booked_otherwise(connection, booked, ranks)
    days = outdated_days.days_of(connection, otherwise)
    days |= {key.hour // _HOURS for _, _, sums in ordered for key in sums.usage}
    outdated_days.outdate(connection, days)


_Ordered = list[tuple[int, SessionKey, SessionSums]]


def _nameless(folded: Folded) -> set[int]:
    """Sessions without an id that give way to what this batch tells of their senders."""
    return {session.pk for sums in folded.values() for session in sums.repeats}


def _apply_sessions(connection: Connection, ordered: _Ordered) -> None:
    rows: list[Row] = [
        {
            "pk": pk,
            "tool": session.tool,
            "session_id": session.session_id,
            "installation": session.installation,
            "first_at": sums.first_at,
            "last_at": sums.last_at,
            "usage_rank": sums.usage_rank,
            "active": sums.active,
            "token_rank": sums.token_rank,
        }
        for pk, session, sums in ordered
    ]
    merges = {
        "first_at": earliest,
        "last_at": latest,
        "usage_rank": earliest,
        "active": either,
        "token_rank": earliest,
    }
    merge_into(connection, t.sessions, rows, merges)


def _book_tokens(connection: Connection, ordered: _Ordered) -> None:
    """Book the best source that tells tokens: one that tells only failures must not hide them."""
    c = t.sessions.c
    told = c.token_rank != c.usage_rank
    statement = update(t.sessions).where(c.pk == bindparam("key"), told)
    keys = [{"key": pk} for pk, _, sums in ordered if sums.usage_rank is not None]
    if keys:
        connection.execute(statement.values(usage_rank=c.token_rank), keys)


def _apply_repeats(connection: Connection, folded: Folded) -> None:
    """Session-less usage gives way to a better source of the same sender, on the same day.

    A tool may be told to leave session ids off its metrics alone: these metrics repeat what its
    logs say with ids, and must not be booked beside them.
    """
    ranks: dict[SessionKey, int] = {}
    for sums in folded.values():
        for session, rank in sums.repeats.items():
            ranks[session] = min(rank, ranks.get(session, rank))
    rows = [
        {"pk": session.pk, "day": session.day, "usage_rank": rank}
        for session, rank in ranks.items()
    ]
    rows.sort(key=lambda row: row["pk"])
    merge_into(connection, t.repeated, rows, {"usage_rank": earliest})
    nameless = {session.pk for session in folded if session.session_id is None}
    keys = sorted(nameless.union(row["pk"] for row in rows))
    if not keys:
        return
    best = (
        select(t.repeated.c.usage_rank).where(t.repeated.c.pk == t.sessions.c.pk).scalar_subquery()
    )
    lower = case((best < t.sessions.c.usage_rank, best), else_=t.sessions.c.usage_rank)
    statement = update(t.sessions).where(t.sessions.c.pk == bindparam("key"))
    connection.execute(
        statement.where(t.sessions.c.usage_rank.is_not(None)).values(usage_rank=lower),
        [{"key": key} for key in keys],
    )


def _apply_usage(connection: Connection, ordered: _Ordered) -> None:
    contexts = {key.context: 0 for _, _, sums in ordered for key in sums.usage}
    contexts = {context: context_pk(context) for context in contexts}
    merge_into(
        connection,
        t.contexts,
        sorted(
            ({"pk": pk, **structs.asdict(context)} for context, pk in contexts.items()),
            key=lambda row: row["pk"],
        ),
        {},
    )
    rows: list[Row] = [
        {
            "session_pk": pk,
            "rank": key.rank,
            "hour": key.hour,
            "model": key.model or "",
            "purpose": key.purpose.value if key.purpose else "",
            "context_pk": contexts[key.context],
            "prompt_over": key.prompts.over,
            "prompt_upto": key.prompts.upto,
            "source": key.source.value,
            **{name: getattr(total, name) for name in _SUMMED},
        }
        for pk, _, sums in ordered
        for key, total in sums.usage.items()
    ]
    key_columns = [column.name for column in t.usage.primary_key]
    rows.sort(key=lambda row: [row[name] for name in key_columns])
    merge_into(connection, t.usage, rows, dict.fromkeys(_SUMMED, added))


def cover(
    connection: Connection, tallies: Iterable[tuple[Mapping[CoverageKey, int], datetime]]
) -> None:
    """Count records by what became of them, each tally with the time it arrived.

    Resends count again: it is what arrived.
    """
    rows: dict[CoverageKey, dict[str, Any]] = {}
    for tally, at in tallies:
        for key, records in tally.items():
            row = rows.get(key)
            if row is None:
                row = rows[key] = {**key._asdict(), "records": 0, "first_at": at, "last_at": at}
            row["records"] += records
            row["first_at"], row["last_at"] = min(at, row["first_at"]), max(at, row["last_at"])
    merges = {"records": added, "first_at": earliest, "last_at": latest}
    merge_into(connection, t.coverage, [rows[key] for key in sorted(rows)], merges)
