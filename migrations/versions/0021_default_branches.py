"""Every default branch that was ever told is kept, and of which repositories not all is known"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_EPOCH = 2**63


def upgrade() -> None:
    """Apply. The branch that was told last stands there already, with the time of that."""
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
    op.create_table(
        "lost_repositories",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("lost_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("repo", name=op.f("pk_lost_repositories")),
    )
    # When the first of these facts was for is not kept; it was not after it came.
    op.execute(
        "INSERT INTO lost_repositories (repo, lost_at) SELECT name, MIN(first_at) FROM coverage"
        " WHERE outcome = 'other_forge' GROUP BY name"
    )
