"""Who may read, who may send, who is signed in, and who did what."""

from sqlalchemy import Column, Index, Integer, LargeBinary, SmallInteger, String, Table, Text

from store.tables.base import SERIAL, Moment, metadata

# ``person`` is a pseudonym, ``teams`` a list in JSON; null: none.
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
    Column("expires_at", Moment),
    Column("person", String(64)),
    Column("teams", Text),
)

ingest_keys = Table(
    "ingest_keys",
    metadata,
    Column("token_id", String(16), primary_key=True),
    Column("user", String(64)),
    Column("attributes", Text, nullable=False),
)

# A sign-in that was begun: until it comes back from the provider, once.
sign_ins = Table(
    "sign_ins",
    metadata,
    Column("state", LargeBinary(32), primary_key=True),
    Column("browser", LargeBinary(32), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("return_to", Text, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Index("ix_sign_ins_begun_at", "begun_at"),
)

# Who is signed in, by the hash of the cookie's secret.
browser_sessions = Table(
    "browser_sessions",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("id", String(16), nullable=False),
    Column("role", String(16), nullable=False),
    Column("person", String(64)),
    Column("teams", Text),
    Column("created_at", Moment, nullable=False),
    Column("last_seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("ix_browser_sessions_last_seen_at", "last_seen_at"),
)

# Of an answer: how many people it showed. Of anything else null.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", String(24), nullable=False),
    Column("person", String(64)),
    Column("action", String(128), nullable=False),
    Column("object", String(256), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("people", Integer),
    Column("address", String(32)),
    Index("ix_audit_log_at", "at"),
    Index("ix_audit_log_person", "person"),
)
