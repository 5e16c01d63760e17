"""What forges said: changes, commits, reviews and their people."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from store.tables.base import Moment, metadata

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
