"""What landed, as other changes are compared with, and how each compares itself."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text

from store.tables.base import Moment, metadata

# ``scope`` and what follows say how a change compares with those that landed before its week;
# ``cost_known_at`` that those of some weeks after it were needed to say what it should have cost.
landed_changes = Table(
    "landed_changes",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("landed_at", Moment, nullable=False),
    Column("first_reverted_at", Moment),
    Column("lines", Integer),
    Column("size", String(16)),
    Column("rounds", Integer, nullable=False),
    Column("work_type", String(16)),
    Column("by_bot", Boolean, nullable=False),
    Column("tied", Boolean, nullable=False),
    Column("cost_nanousd", BigInteger),
    Column("tool", String(64)),
    Column("scope", String(16)),
    Column("peers", Integer),
    Column("expected_nanousd", BigInteger),
    Column("percentile", Float),
    Column("tool_factor", Float),
    Column("usual_rounds", Integer),
    Column("rounds_peers", Integer),
    Column("tied_share", Float),
    Column("tied_peers", Integer),
    Column("cost_known_at", Moment),
    Column("slope", Float),
    Column("most_lines", Integer),
    Column("upper_times", Float),
    Index("ix_landed_changes_landed_at", "landed_at"),
    Index("ix_landed_changes_repo_landed_at", "repo", "landed_at"),
    Index("ix_landed_changes_size_landed_at", "size", "landed_at"),
    Index("ix_landed_changes_tool_landed_at", "tool", "landed_at"),
    Index("ix_landed_changes_work_type_landed_at", "work_type", "repo", "landed_at"),
)

# Changes to be measured anew.
dirty_changes = Table(
    "dirty_changes",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("marks", BigInteger, nullable=False),
)

# Weeks whose changes must be compared anew, by their number (``domain.weeks``).
dirty_weeks = Table(
    "dirty_weeks",
    metadata,
    Column("week", Integer, primary_key=True, autoincrement=False),
    Column("marks", BigInteger, nullable=False),
)
