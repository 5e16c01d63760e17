"""Every default branch that a repository was ever told to have is kept"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_EPOCH = 2**63


def upgrade() -> None:
    """Apply. The one that was told last stands there already, with the time of that."""
    table = op.create_table(
        "default_branches",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("repo", "branch", name=op.f("pk_default_branches")),
    )
    told = op.get_bind().execute(
        sa.text("SELECT repo, default_branch, default_version FROM repositories")
    )
    rows = []
    for repo, branch, version in told:
        if branch and version:
            # A version begins with its time in microseconds, so that it sorts by it.
            at = int.from_bytes(bytes(version)[:8]) - _EPOCH
            rows.append({"repo": repo, "branch": branch, "first_at": at, "last_at": at})
    op.bulk_insert(table, rows)
