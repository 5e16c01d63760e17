"""What was learned from the company's own changes."""

from sqlalchemy import Column, Float, Integer, String, Table, Text

from store.tables.base import Moment, metadata

learned_work_types = Table(
    "learned_work_types",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("title_key", String(16), nullable=False),
    Column("work_type", String(16), nullable=False),
    Column("confidence", Float, nullable=False),
)

# One row: of the last training.
title_models = Table(
    "title_models",
    metadata,
    Column("trained_at", Moment, primary_key=True),
    Column("labelled", Integer, nullable=False),
    Column("accuracy", Float),
    Column("baseline", Float),
    Column("answered", Float),
    Column("refused", Text, nullable=False),
)
