"""A week tells apart what of it was written: any sum, sums of final labels, who is in it"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Until something is written, all stamps of a week are the one that it had."""
    added = ("settled_stamp", "people_stamp")
    for name in added:
        op.add_column("outcome_weeks", sa.Column(name, sa.BigInteger()))
    op.execute("UPDATE outcome_weeks SET settled_stamp = stamp, people_stamp = stamp")
    with op.batch_alter_table("outcome_weeks") as batch:
        for name in added:
            batch.alter_column(name, existing_type=sa.BigInteger(), nullable=False)
