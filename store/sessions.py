"""Writing what was folded: sessions, usage, counts, traces, and the keys of records seen."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, select, update

from domain.folded import CoverageKey, Folded, SessionKey, context_pk
from store import tables as t
from store.dirty import mark_sessions
from store.upsert import Row, added, earliest, either, insert_into, latest, merge_into

_CHUNK = 500


def unseen(connection: Connection, keys: Iterable[bytes]) -> set[bytes]:
    """Remember these record keys; those that were new. Each key is new to exactly one caller."""
    insertion = insert_into(connection, t.seen).on_conflict_do_nothing().returning(t.seen.c.key)
    new: set[bytes] = set()
    # Sorted, so that two folders that meet the same keys wait for each other and never deadlock.
    ordered = sorted(set(keys))
    for start in range(0, len(ordered), _CHUNK):
        chunk = [{"key": key} for key in ordered[start : start + _CHUNK]]
        new.update(bytes(row.key) for row in connection.execute(insertion, chunk))
    return new


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
    _apply_sessions(connection, folded)
    _apply_usage(connection, folded)
    counts: list[Row] = [
        {
            "session_pk": key.session.pk,
            "quantity": key.quantity.value,
            "rank": key.rank,
            "item": key.item,
            "amount": amount,
        }
        for key, amount in folded.counts.items()
    ]
    counts.sort(key=lambda row: (row["session_pk"], row["quantity"], row["rank"], row["item"]))
    merge_into(connection, t.session_counts, counts, {"amount": added})
    traces: list[Row] = [
        {"session_pk": session.pk, "trace": trace.value, "value": value, "first_at": at}
        for (session, trace, value), at in folded.traces.items()
    ]
    traces.sort(key=lambda row: (row["session_pk"], row["trace"], row["value"]))
    merge_into(connection, t.session_traces, traces, {"first_at": earliest})
    mark_sessions(connection, {session.pk for session in folded.sessions})


def _apply_sessions(connection: Connection, folded: Folded) -> None:
    rows: list[Row] = [
        {
            "pk": session.pk,
            "tool": session.tool,
            "session_id": session.session_id,
            "installation": session.installation,
            "first_at": span.first_at,
            "last_at": span.last_at,
            "usage_rank": span.usage_rank,
            "active": span.active,
        }
        for session, span in folded.sessions.items()
    ]
    rows.sort(key=lambda row: row["pk"])
    merges = {
        "first_at": earliest,
        "last_at": latest,
        "usage_rank": earliest,
        "active": either,
    }
    merge_into(connection, t.sessions, rows, merges)
    _apply_installations(connection, folded)


def _apply_installations(connection: Connection, folded: Folded) -> None:
    """Session-less usage gives way to a better source of the same installation.

    A tool may be told to leave session ids off its metrics alone: these metrics repeat what its
    logs say with ids, and must not be booked beside them.
    """
    rows: list[Row] = [
        {"tool": tool, "installation": installation, "usage_rank": rank}
        for (tool, installation), rank in sorted(folded.installations.items())
    ]
    merge_into(connection, t.installations, rows, {"usage_rank": earliest})
    keys = {SessionKey(tool, None, sender).pk for tool, sender in folded.installations}
    keys |= {session.pk for session in folded.sessions if session.session_id is None}
    if not keys:
        return
    best = (
        select(t.installations.c.usage_rank)
        .where(
            t.installations.c.tool == t.sessions.c.tool,
            t.installations.c.installation == t.sessions.c.installation,
        )
        .scalar_subquery()
    )
    lower = case((best < t.sessions.c.usage_rank, best), else_=t.sessions.c.usage_rank)
    statement = update(t.sessions).where(t.sessions.c.pk == bindparam("key"))
    connection.execute(
        statement.where(t.sessions.c.usage_rank.is_not(None)).values(usage_rank=lower),
        [{"key": key} for key in sorted(keys)],
    )


def _apply_usage(connection: Connection, folded: Folded) -> None:
    contexts = {context_pk(key.context): key.context for key in folded.usage}
    merge_into(
        connection,
        t.contexts,
        [{"pk": pk, **asdict(contexts[pk])} for pk in sorted(contexts)],
        {},
    )
    rows: list[Row] = [
        {
            "session_pk": key.session.pk,
            "rank": key.rank,
            "hour": key.hour,
            "model": key.model or "",
            "purpose": key.purpose.value if key.purpose else "",
            "context_pk": context_pk(key.context),
            "source": key.source.value,
            **asdict(total),
        }
        for key, total in folded.usage.items()
    ]
    key_columns = [column.name for column in t.usage.primary_key]
    rows.sort(key=lambda row: [row[name] for name in key_columns])
    merge_into(connection, t.usage, rows, dict.fromkeys(t.USAGE_COUNTERS, added))


def cover(connection: Connection, tallies: Mapping[CoverageKey, int], at: datetime) -> None:
    """Count records by what became of them. Resends count again: it is what arrived."""
    rows = [
        {**key._asdict(), "records": records, "first_at": at, "last_at": at}
        for key, records in sorted(tallies.items())
    ]
    merges = {"records": added, "first_at": earliest, "last_at": latest}
    merge_into(connection, t.coverage, rows, merges)
