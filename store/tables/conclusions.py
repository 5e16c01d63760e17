"""What we concluded: links, labels, and what must be concluded anew."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, String, Table, Text

from store.tables.base import Moment, metadata

links = Table(
    "links",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("session_pk", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("repo", Text, nullable=False),
    Column("target_id", Text, nullable=False),
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

# What a person said of a link. It stands whether the link is there at the moment or not.
link_reviews = Table(
    "link_reviews",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    Column("repo", Text, primary_key=True),
    Column("target_id", Text, primary_key=True),
    Column("accepted", Boolean, nullable=False),
    Column("reviewed_by", Text, nullable=False),
    Column("reviewed_at", Moment, nullable=False),
    Column("note", Text, nullable=False),
    Index("ix_link_reviews_target", "repo", "kind", "target_id"),
)

# What of each session's cost is booked on nothing, and why.
unlinked = Table(
    "unlinked",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", String(32), nullable=False),
    Column("cost_nanousd", BigInteger),
    # As of the session when it was last concluded. Null: a process of before this column wrote it.
    Column("first_at", Moment),
    # All that sums take, so that they read nothing else; by reason, so that nothing is sorted.
    Index("ix_unlinked_reason_first_at_cost_nanousd", "reason", "first_at", "cost_nanousd"),
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

# Commits whose sessions must be found anew. ``person`` keeps together what is read together.
dirty_commits = Table(
    "dirty_commits",
    metadata,
    Column("person", Text, primary_key=True),
    Column("repo", Text, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("marks", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Sessions whose links to commits stand, and whose links to changes, cost and label do not.
dirty_labels = Table(
    "dirty_labels",
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

# Marks that can't be concluded, by what they are of (``store.dirty.Marks``) and their key as JSON.
set_aside = Table(
    "set_aside",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("since", Moment, nullable=False),
    Column("reason", String(200), nullable=False),
)
