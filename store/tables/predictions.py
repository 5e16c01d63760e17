"""Early warnings: the models that gave them, the warnings that stand, and how past ones came out.

Only ``store.predictions`` reads or writes these: no label, ratio or verdict may turn on them.
"""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, String, Table, Text

from store.tables.base import Moment, metadata

# A row a training, the refused ones too. ``model`` is kept of the last one that is used.
prediction_models = Table(
    "prediction_models",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("trained_at", Moment, nullable=False),
    Column("refused", Text, nullable=False),
    Column("card", Text, nullable=False),
    Column("model", LargeBinary),
)

# ``ended_at`` is the session's end that the warning is for: one that has gone on since has none.
predictions = Table(
    "predictions",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("model_id", String(16), nullable=False),
    Column("predicted_at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=False),
    Column("p_productive", Float, nullable=False),
    Column("p_inefficient", Float, nullable=False),
    Column("p_wasteful", Float, nullable=False),
    Column("answer", String(16)),
    Index("ix_predictions_ended_at", "ended_at"),
)

# Of warnings whose session has settled: so many said about this probability, and how often rightly.
prediction_scores = Table(
    "prediction_scores",
    metadata,
    Column("tool", String(64), primary_key=True),
    Column("label", String(16), primary_key=True),
    Column("decile", Integer, primary_key=True, autoincrement=False),
    Column("predictions", BigInteger, nullable=False),
    Column("probability_sum", Float, nullable=False),
    Column("came_true", BigInteger, nullable=False),
)

# The same warnings, counted once each; ``otherwise`` ended as neutral or unknown.
prediction_tallies = Table(
    "prediction_tallies",
    metadata,
    Column("tool", String(64), primary_key=True),
    Column("settled", BigInteger, nullable=False),
    Column("answered", BigInteger, nullable=False),
    Column("answered_right", BigInteger, nullable=False),
    Column("squared_error_sum", Float, nullable=False),
    Column("otherwise", BigInteger, nullable=False),
)
