"""What telemetry said: acknowledged bytes until they are folded, then sessions and their usage.

Keys of sessions and contexts are hashes of what they stand for, so that any folder writes the same
key without asking.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)

from store.tables.base import SERIAL, Moment, metadata

REQUEST_AMOUNTS = ("input", "cache_read", "cache_write", "output", "reasoning", "reported_nanousd")

installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("created_at", Moment, nullable=False),
    Column("pseudonym_key", LargeBinary, nullable=False),
    # Records from before are not booked any more; null: all are.
    Column("horizon", Moment),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("received_at", Moment, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("name", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("parked", String(200)),
    Column("key_id", String(16)),
    sqlite_autoincrement=True,
)

# Beside an embedded database: rows of the inbox that are folded and may not be deleted yet.
folded_requests = Table(
    "folded_requests",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("provider", String(32), primary_key=True),
    Column("delivery_id", String(128), primary_key=True),
    Column("received_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)

seen = Table(
    "seen",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("keys", LargeBinary, nullable=False),
)

series = Table(
    "series",
    metadata,
    Column("key", LargeBinary(16), primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("highest", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What a model request's span told, where spans around or inside it may tell the same, and spans of
# agents around such that name their session. ``within`` is the span around it, ``response``
# the id of what came back, 0 where there is none. Ids are hashes.
request_spans = Table(
    "request_spans",
    metadata,
    Column("trace", BigInteger, primary_key=True, autoincrement=False),
    Column("span", BigInteger, primary_key=True, autoincrement=False),
    Column("within", BigInteger, nullable=False),
    Column("response", BigInteger, nullable=False),
    Column("hour", Integer, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("tool", String(64), nullable=False),
    Column("session_id", Text),
    Column("installation", String(64), nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("request", Boolean, nullable=False),
    Column("tool_version", Text),
    Column("user", Text),
    Column("team", Text),
    Column("repo", Text),
    Column("tier", Text),
    Column("model", Text),
    Column("purpose", String(16)),
    *(Column(name, BigInteger) for name in REQUEST_AMOUNTS),
    Index("ix_request_spans_hour", "hour"),
    sqlite_with_rowid=False,
)

contexts = Table(
    "contexts",
    metadata,
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Column("tool_version", Text),
    Column("user", Text),
    Column("team", Text),
    Column("repo", Text),
    # Of model requests: their service tier where it is told and not the standard one.
    Column("tier", Text),
    Index("ix_contexts_user", "user"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Column("tool", String(64), nullable=False),
    Column("session_id", Text),
    Column("installation", String(64), nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("usage_rank", SmallInteger),
    Column("active", Boolean, nullable=False),
    # Of the best source that tells tokens; where one does, it is the usage rank.
    Column("token_rank", SmallInteger),
    Index("ix_sessions_tool_session_id", "tool", "session_id"),
    Index("ix_sessions_last_at", "last_at"),
)

# Session-less telemetry of a sender and a day, by the key of what would be its session, whether it
# exists or not: the best rank by which that sender told tokens then.
repeated = Table(
    "repeated",
    metadata,
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, nullable=False),
    Column("usage_rank", SmallInteger, nullable=False),
    Index("ix_repeated_day", "day"),
)

USAGE_COUNTERS = (
    "requests",
    "failed_requests",
    "input",
    "cache_read",
    "cache_write",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
    "reported_nanousd",
    "list_nanousd",
    "unpriced_tokens",
    "effective_nanousd",
    "effective_unpriced_tokens",
)

# What rounding to nano-dollars has left: with it a price is exact, and can be told anew exactly.
USAGE_RESTS = ("list_rest_picousd", "effective_rest_picousd")

usage = Table(
    "usage",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("rank", SmallInteger, primary_key=True, autoincrement=False),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("model", Text, primary_key=True),
    Column("purpose", String(16), primary_key=True),
    Column("context_pk", BigInteger, primary_key=True, autoincrement=False),
    # The prompts of its requests are longer than the one and at most the other; -1: not known.
    Column("prompt_over", Integer, primary_key=True, autoincrement=False),
    Column("prompt_upto", Integer, primary_key=True, autoincrement=False),
    Column("source", String(8), nullable=False),
    *(Column(name, BigInteger) for name in USAGE_COUNTERS),
    *(Column(name, BigInteger, nullable=False) for name in USAGE_RESTS),
    Index("ix_usage_hour", "hour"),
    Index("ix_usage_context_pk_hour", "context_pk", "hour"),
    Index("ix_usage_model_hour", "model", "hour"),
    sqlite_with_rowid=False,
)

session_counts = Table(
    "session_counts",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("quantity", String(32), primary_key=True),
    Column("rank", SmallInteger, primary_key=True, autoincrement=False),
    Column("item", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

session_traces = Table(
    "session_traces",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("trace", String(16), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Index("ix_session_traces_trace_value", "trace", "value"),
    sqlite_with_rowid=False,
)

session_families = Table(
    "session_families",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("parent_pk", BigInteger, nullable=False),
    Column("root_pk", BigInteger, nullable=False),
    Index("ix_session_families_root_pk", "root_pk"),
    sqlite_with_rowid=False,
)

CONTEXT_COUNTERS = ("requests", "over_100k", "over_200k")

context_sizes = Table(
    "context_sizes",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("rank", SmallInteger, primary_key=True, autoincrement=False),
    Column("first_at", Moment, nullable=False),
    Column("first_tokens", BigInteger, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("last_tokens", BigInteger, nullable=False),
    Column("largest_tokens", BigInteger, nullable=False),
    *(Column(name, Integer, nullable=False) for name in CONTEXT_COUNTERS),
    sqlite_with_rowid=False,
)

coverage = Table(
    "coverage",
    metadata,
    Column("tool", String(64), primary_key=True),
    Column("signal", String(8), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("outcome", String(20), primary_key=True),
    Column("records", BigInteger, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
)
