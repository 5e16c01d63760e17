"""How far each provider has been read, and what need not be read again."""

from sqlalchemy import Column, String, Table, Text

from store.tables.base import Moment, metadata

sync_states = Table(
    "sync_states",
    metadata,
    Column("provider", String(32), primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("stream", String(32), primary_key=True),
    Column("cursor", Text),
    Column("succeeded_at", Moment),
    Column("failed_at", Moment),
    Column("error_code", String(32)),
    Column("error", Text),
)

sync_tags = Table(
    "sync_tags",
    metadata,
    Column("provider", String(32), primary_key=True),
    Column("address", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    Column("kept_at", Moment, nullable=False),
)
