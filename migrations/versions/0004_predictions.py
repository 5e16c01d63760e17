"""Early warnings and the models that gave them"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "prediction_models",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("trained_at", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("model", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction_models")),
    )
    op.create_table(
        "predictions",
        sa.Column("session_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("model_id", sa.String(length=16), nullable=False),
        sa.Column("predicted_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("p_productive", sa.Float(), nullable=False),
        sa.Column("p_inefficient", sa.Float(), nullable=False),
        sa.Column("p_wasteful", sa.Float(), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("session_pk", name=op.f("pk_predictions")),
    )
    op.create_index("ix_predictions_ended_at", "predictions", ["ended_at"], unique=False)
    op.create_table(
        "prediction_scores",
        sa.Column("tool", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("decile", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("predictions", sa.BigInteger(), nullable=False),
        sa.Column("probability_sum", sa.Float(), nullable=False),
        sa.Column("came_true", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tool", "label", "decile", name=op.f("pk_prediction_scores")),
    )
    op.create_table(
        "prediction_tallies",
        sa.Column("tool", sa.String(length=64), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=False),
        sa.Column("answered_right", sa.BigInteger(), nullable=False),
        sa.Column("squared_error_sum", sa.Float(), nullable=False),
        sa.Column("otherwise", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tool", name=op.f("pk_prediction_tallies")),
    )
