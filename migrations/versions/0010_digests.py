"""Who gets the weekly digest, and what became of each copy"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "digest_recipients",
        sa.Column("identity", sa.String(64), primary_key=True),
        sa.Column("address", sa.Text),
        sa.Column("person", sa.String(64)),
        sa.Column("unsubscribed_at", sa.BigInteger),
    )
    op.create_table(
        "digest_subscriptions",
        sa.Column("identity", sa.String(64), primary_key=True),
        sa.Column("team", sa.Text, primary_key=True),
        sa.Column("added_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "digest_sendings",
        sa.Column("week", sa.Date, primary_key=True),
        sa.Column("through", sa.String(16), primary_key=True),
        sa.Column("recipient", sa.String(64), primary_key=True),
        sa.Column("scope", sa.String(16), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("error", sa.Text),
    )
