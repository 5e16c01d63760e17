"""What forges said: changes, commits, reviews, checks, deployments and their people.

A ``version`` says which of two tellings of the same thing stands (``store.standing``). Indexes
begin with what tells most: without statistics SQLite takes a repository for as small as a branch.
"""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from store.tables.base import Moment, Version, metadata

repositories = Table(
    "repositories",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("forge", String(32), nullable=False),
    Column("default_branch", Text),
    Column("default_version", Version),
)

changes = Table(
    "changes",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("version", Version, nullable=False),
    Column("state", String(16), nullable=False),
    Column("draft", Boolean, nullable=False),
    Column("title", Text, nullable=False),
    Column("title_key", String(16), nullable=False),
    Column("author", Text),
    Column("author_name", Text),
    Column("author_is_bot", Boolean, nullable=False),
    Column("head_ref", Text, nullable=False),
    Column("head_sha", String(64), nullable=False),
    Column("head_repo", Text),
    Column("head_repo_version", Version),
    Column("base_ref", Text, nullable=False),
    Column("merge_sha", String(64)),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("merged_at", Moment),
    Column("closed_at", Moment),
    Column("size_version", Version),
    Column("additions", Integer),
    Column("deletions", Integer),
    Column("changed_files_version", Version),
    Column("changed_files", Integer),
    Column("commit_count_version", Version),
    Column("commit_count", Integer),
    Column("tasks", Text, nullable=False),
    Column("tools", Text, nullable=False),
    Column("superseded_by", Text, nullable=False),
    Column("labels_version", Version),
    Column("labels", Text),
    Index("ix_changes_created_at", "created_at"),
    Index("ix_changes_head_ref_repo", "head_ref", "repo"),
    Index("ix_changes_base_ref_repo", "base_ref", "repo"),
    Index("ix_changes_merge_sha_repo", "merge_sha", "repo"),
    Index("ix_changes_title_key_repo", "title_key", "repo"),
)

change_people = Table(
    "change_people",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("identity", String(64), primary_key=True),
)

# Every ticket that a change ever named, to find changes by ticket; what stands is in ``changes``.
change_tasks = Table(
    "change_tasks",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Index("ix_change_tasks_key_repo", "key", "repo", "number"),
)

# When the forge last listed a change's commits and files; null: it never did.
change_listings = Table(
    "change_listings",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("commits_at", Moment),
    Column("files_at", Moment),
)

# Every commit that a change ever held; ``listed_at`` is the last of the forge's lists to hold it,
# null for one that was its head only.
change_commits = Table(
    "change_commits",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("sha", String(64), primary_key=True),
    Column("seen_at", Moment, nullable=False),
    Column("listed_at", Moment),
    Index("ix_change_commits_sha", "sha"),
)

# The files of the last list.
change_files = Table(
    "change_files",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("file", Text, primary_key=True),
    Column("listed_at", Moment, nullable=False),
    Column("version", Version, nullable=False),
    Column("additions", Integer),
    Column("deletions", Integer),
    Index("ix_change_files_file_repo", "file", "repo", "number", "deletions"),
)

commits = Table(
    "commits",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("authored_at", Moment, nullable=False),
    Column("committed_at", Moment),
    Column("author_name", Text),
    Column("author_is_bot", Boolean, nullable=False),
    Column("files_told", Boolean, nullable=False),
    Column("parents_told", Boolean, nullable=False),
    Index("ix_commits_sha", "sha"),
    Index("ix_commits_authored_at", "authored_at"),
)

commit_people = Table(
    "commit_people",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("identity", String(64), primary_key=True),
    # As in ``commits``: whoever looks for a person's commits looks for those of some days.
    Column("authored_at", Moment, nullable=False),
    Index("ix_commit_people_identity_authored_at", "identity", "authored_at"),
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

commit_tools = Table(
    "commit_tools",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("tool", Text, primary_key=True),
)

commit_tasks = Table(
    "commit_tasks",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("key", Text, primary_key=True),
    Index("ix_commit_tasks_key", "key"),
)

commit_parents = Table(
    "commit_parents",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("parent", String(64), primary_key=True),
)

commit_files = Table(
    "commit_files",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("file", Text, primary_key=True),
    Column("additions", Integer),
    Column("deletions", Integer),
    sqlite_with_rowid=False,
)

# One commit made anew as another: by amend, rebase, squash or cherry-pick.
commit_aliases = Table(
    "commit_aliases",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("old_sha", String(64), primary_key=True),
    Column("new_sha", String(64), primary_key=True),
    Column("seen_at", Moment, nullable=False),
    Index("ix_commit_aliases_new_sha", "new_sha"),
    Index("ix_commit_aliases_old_sha", "old_sha"),
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
    Index("ix_pushes_sha", "sha"),
)

# What a branch held at ``pushed_at`` was replaced: ``before`` need not be in ``after``.
forced_pushes = Table(
    "forced_pushes",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("branch", Text, primary_key=True),
    Column("pushed_at", Moment, primary_key=True),
    Column("before", String(64), primary_key=True),
    Column("after", String(64), primary_key=True),
)

reverts = Table(
    "reverts",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("reverting", String(80), primary_key=True),
    Column("reverted", String(80), primary_key=True),
    Index("ix_reverts_reverted_repo", "reverted", "repo", "reverting"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("review_id", Text, primary_key=True),
    Column("version", Version, nullable=False),
    Column("state", String(24), nullable=False),
    Column("reviewer", Text),
    Column("bot", Boolean, nullable=False),
    Column("submitted_at", Moment, nullable=False),
)

# The last state of each check of a commit.
checks = Table(
    "checks",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Version, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", Moment, nullable=False),
)

# A deployment's states, each with the first time it was in it.
deployments = Table(
    "deployments",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("deployment_id", Text, primary_key=True),
    Column("state", String(16), primary_key=True),
    Column("sha", String(64), nullable=False),
    Column("environment", Text, nullable=False),
    Column("production", Boolean, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_deployments_repo_at", "repo", "at"),
)

# Every branch that was ever told to be a repository's default one, first and last of these times.
default_branches = Table(
    "default_branches",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("branch", Text, primary_key=True),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
)

# Since when not all that happens in a repository is kept under its name: facts of another forge
# were refused, or another repository has it by now.
lost_repositories = Table(
    "lost_repositories",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("lost_at", Moment, nullable=False),
)

# A name that a repository had ``before``, the one that it has today, and until when the old one is
# known to have meant the same.
repository_names = Table(
    "repository_names",
    metadata,
    Column("before", Text, primary_key=True),
    Column("repo", Text, nullable=False),
    Column("until", Moment, nullable=False),
)
