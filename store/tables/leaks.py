"""What spend leaks through, as last measured, what it was week by week, and what was tried.

Weeks and days are ISO dates; a week is named by its Monday.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from store.tables.base import Moment, metadata

_MONEY = ("low_nanousd", "estimate_nanousd", "high_nanousd")


def _group() -> tuple[Column[str], ...]:
    return (
        Column("detector", String(32), nullable=False),
        Column("tool", String(64), nullable=False),
        Column("team", Text),
        Column("repo", Text),
        Column("model", Text),
        Column("work_type", String(32)),
    )


def _money() -> tuple[Column[int], ...]:
    return tuple(Column(name, BigInteger, nullable=False) for name in _MONEY)


# One row: of the last measurement.
leak_measurements = Table(
    "leak_measurements",
    metadata,
    Column("measured_at", Moment, primary_key=True),
    Column("since", String(10), nullable=False),
    Column("until", String(10), nullable=False),
    *_money(),
    Column("spent_nanousd", BigInteger, nullable=False),
    Column("sessions", Integer, nullable=False),
    Column("people", Integer, nullable=False),
    Column("coverage", Text, nullable=False),
)

# The findings of the last measurement, with those behind them.
leaks = Table(
    "leaks",
    metadata,
    Column("leak_id", String(16), primary_key=True),
    *_group(),
    *_money(),
    Column("spent_nanousd", BigInteger, nullable=False),
    Column("sessions", Integer, nullable=False),
    Column("seen_on", String(10), nullable=False),
    Column("how", Text, nullable=False),
)

leak_people = Table(
    "leak_people",
    metadata,
    Column("leak_id", String(16), primary_key=True),
    Column("person", String(64), primary_key=True),
)

leak_evidence = Table(
    "leak_evidence",
    metadata,
    Column("leak_id", String(16), primary_key=True),
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    *_money(),
    Index("ix_leak_evidence_session_pk", "session_pk"),
)

# A row for each week in which the group spent anything, from when it was first found to leak.
leak_weeks = Table(
    "leak_weeks",
    metadata,
    Column("leak_id", String(16), primary_key=True),
    Column("week", String(10), primary_key=True),
    Column("detector", String(32), nullable=False),
    *_money(),
    Column("spent_nanousd", BigInteger, nullable=False),
    Column("people", Integer, nullable=False),
    Index("ix_leak_weeks_detector_week", "detector", "week"),
)

# What people tried. A day's last word stands.
leak_actions = Table(
    "leak_actions",
    metadata,
    Column("leak_id", String(16), primary_key=True),
    Column("tried_on", String(10), primary_key=True),
    *_group(),
    Column("note", Text, nullable=False),
    Column("tried_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
)
