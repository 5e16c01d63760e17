"""Budgets and the spend they go by, alerts, what happened to each, and what was told where."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, String, Table, Text

from store.tables.base import Moment, metadata

budgets = Table(
    "budgets",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", Text, nullable=False),
    Column("scope", String(16), nullable=False),
    Column("value", Text, nullable=False),
    Column("period", String(16), nullable=False),
    Column("unit", String(16), nullable=False),
    # Nano-dollars, or tokens.
    Column("amount", BigInteger, nullable=False),
    # Percents, apart by commas.
    Column("thresholds", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("created_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("archived_at", Moment),
)

# ``holds`` tells whether the condition was there when it was last looked for.
alerts = Table(
    "alerts",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    # Of a session that it is about, with which it is forgotten.
    Column("session_pk", BigInteger),
    Column("state", String(16), nullable=False),
    Column("level", Integer, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("private", Boolean, nullable=False),
    Column("holds", Boolean, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("count", Integer, nullable=False),
    Column("resolved_at", Moment),
    Column("snoozed_until", Moment),
    Column("changed_by", Text),
    Column("changed_at", Moment),
    Column("note", Text),
    Index("ix_alerts_kind_subject", "kind", "subject"),
    Index("ix_alerts_last_at", "last_at"),
    Index("ix_alerts_session_pk", "session_pk"),
)

# What is worth telling somebody: an alert opened, rose, opened again, or was resolved.
alert_events = Table(
    "alert_events",
    metadata,
    Column("alert_id", String(16), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("at", Moment, nullable=False),
    Column("sentence", Text, nullable=False),
    Index("ix_alert_events_at", "at"),
)

# One row for each event and channel, made before anything is sent.
notifications = Table(
    "notifications",
    metadata,
    Column("alert_id", String(16), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("channel", String(32), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("told_at", Moment),
    Column("error", Text),
    Index("ix_notifications_state_due_at", "state", "due_at"),
)

# Spend by the day, as it was when it was last read: what would take seconds to sum. Not by person.
spend_days = Table(
    "spend_days",
    metadata,
    Column("basis", String(16), primary_key=True),
    Column("scope", String(16), primary_key=True),
    Column("value", Text, primary_key=True),
    # Days since the epoch.
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("nanousd", BigInteger),
    Column("tokens", BigInteger, nullable=False),
    Column("unpriced_tokens", BigInteger, nullable=False),
    Index("ix_spend_days_day", "day"),
    sqlite_with_rowid=False,
)

# Which days were read, also those without any spend.
spend_days_read = Table(
    "spend_days_read",
    metadata,
    Column("basis", String(16), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("read_at", Moment, nullable=False),
)
