"""Alembic migrations: one file a step; each works beside the version before it."""
