"""Who may read, and who may send."""

from sqlalchemy import Column, LargeBinary, String, Table, Text

from store.tables.base import Moment, metadata

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment),
    Column("revoked_at", Moment),
)

ingest_keys = Table(
    "ingest_keys",
    metadata,
    Column("token_id", String(16), primary_key=True),
    Column("user", String(64)),
    Column("attributes", Text, nullable=False),
)
