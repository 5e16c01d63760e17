"""All tables of one installation.

``inbox`` holds acknowledged bytes until they are folded; ``sessions``, ``usage``,
``session_counts``, ``session_traces``, ``session_families`` and ``context_sizes`` what they said;
``changes``, ``commits``, ``reviews`` what forges said; ``links``, ``labels`` what we concluded.
Keys of sessions and contexts are hashes of what they stand for, so that any folder writes the same
key without asking.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """An aware UTC time, stored as microseconds since the epoch."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Aware time to microseconds."""
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Microseconds to aware time."""
        return None if value is None else _EPOCH + timedelta(microseconds=int(value))


_SERIAL = BigInteger().with_variant(Integer, "sqlite")

installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("created_at", Moment, nullable=False),
    Column("pseudonym_key", LargeBinary, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    Column("received_at", Moment, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("name", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("parked", String(200)),
    Column("key_id", String(16)),
    sqlite_autoincrement=True,
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

contexts = Table(
    "contexts",
    metadata,
    Column("pk", BigInteger, primary_key=True, autoincrement=False),
    Column("tool_version", Text),
    Column("user", Text),
    Column("team", Text),
    Column("repo", Text),
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
    Index("ix_sessions_tool_session_id", "tool", "session_id"),
    Index("ix_sessions_last_at", "last_at"),
)

installations = Table(
    "installations",
    metadata,
    Column("tool", String(64), primary_key=True),
    Column("installation", String(64), primary_key=True),
    Column("usage_rank", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
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

repositories = Table(
    "repositories",
    metadata,
    Column("forge", String(32), primary_key=True),
    Column("repo", Text, primary_key=True),
    Column("default_branch", Text),
)

changes = Table(
    "changes",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("draft", Boolean, nullable=False),
    Column("title", Text, nullable=False),
    Column("author", Text),
    Column("author_is_bot", Boolean, nullable=False),
    Column("head_ref", Text, nullable=False),
    Column("head_repo", Text),
    Column("base_ref", Text, nullable=False),
    Column("merge_sha", String(64)),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("merged_at", Moment),
    Column("closed_at", Moment),
    Column("additions", Integer),
    Column("deletions", Integer),
    Column("changed_files", Integer),
    Column("tasks", Text, nullable=False),
    Index("ix_changes_head_ref", "head_ref"),
    Index("ix_changes_merge_sha", "merge_sha"),
)

change_people = Table(
    "change_people",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("identity", String(64), primary_key=True),
)

change_commits = Table(
    "change_commits",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("sha", String(64), primary_key=True),
    Column("seen_at", Moment, nullable=False),
    Index("ix_change_commits_sha", "sha"),
)

commits = Table(
    "commits",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("authored_at", Moment, nullable=False),
    Column("author_is_bot", Boolean, nullable=False),
    Index("ix_commits_sha", "sha"),
    Index("ix_commits_authored_at", "authored_at"),
)

commit_people = Table(
    "commit_people",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("identity", String(64), primary_key=True),
    Index("ix_commit_people_identity", "identity"),
)

commit_sessions = Table(
    "commit_sessions",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("tool", String(64), primary_key=True),
    Column("session_id", Text, primary_key=True),
    Index("ix_commit_sessions_tool_session_id", "tool", "session_id"),
)

pushes = Table(
    "pushes",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("branch", Text, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("pushed_at", Moment, nullable=False),
    Column("tip", Boolean, nullable=False),
    Index("ix_pushes_repo_sha", "repo", "sha"),
)

reverts = Table(
    "reverts",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("reverting", String(80), primary_key=True),
    Column("reverted", String(80), primary_key=True),
    Index("ix_reverts_repo_reverted", "repo", "reverted"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("review_id", String(64), primary_key=True),
    Column("state", String(24), nullable=False),
    Column("reviewer", Text),
    Column("bot", Boolean, nullable=False),
    Column("submitted_at", Moment, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("session_pk", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("repo", Text, nullable=False),
    Column("target_id", String(80), nullable=False),
    Column("tier", String(1), nullable=False),
    Column("probability", Float, nullable=False),
    Column("cost_nanousd", BigInteger),
    Index("ix_links_session_pk", "session_pk"),
    Index("ix_links_target", "repo", "kind", "target_id"),
)

link_evidence = Table(
    "link_evidence",
    metadata,
    Column("link_id", String(32), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("observed_at", Moment, nullable=False),
)

labels = Table(
    "labels",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("labelled_at", Moment, primary_key=True),
    Column("label", String(16), nullable=False),
    Column("maturity", String(16), nullable=False),
    Column("rule", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("rule_set", String(32), nullable=False),
    Column("due_at", Moment),
    Column("current", Boolean, nullable=False),
    Index("ix_labels_current_due_at", "current", "due_at"),
)

dirty_sessions = Table(
    "dirty_sessions",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("marks", BigInteger, nullable=False),
)

dirty_work = Table(
    "dirty_work",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("repo", Text, primary_key=True),
    Column("target_id", String(80), primary_key=True),
    Column("marks", BigInteger, nullable=False),
)

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
