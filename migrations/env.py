"""Run by Alembic: migrates the connection that ``store.migrating`` gives it."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from store.tables import Moment, metadata


def _render(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """A migration stands alone: our own column type is written as what it is in the database."""
    return "sa.BigInteger()" if kind == "type" and isinstance(item, Moment) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=_render,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
