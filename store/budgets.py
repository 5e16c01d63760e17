"""Budgets as they are kept. One that is removed is archived: alerts about it stay readable."""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from domain.budgets import Budget, Part, PeriodKind, ScopeKind, Unit
from store import tables as t


def new_id() -> str:
    """An id that no budget has."""
    return secrets.token_hex(6)


def add(connection: Connection, budget: Budget) -> None:
    """Keep a new budget."""
    connection.execute(
        insert(t.budgets).values(
            id=budget.id,
            name=budget.name,
            scope=budget.part.kind.value,
            value=budget.part.value,
            period=budget.period.value,
            unit=budget.unit.value,
            amount=budget.amount,
            thresholds=",".join(map(str, budget.thresholds)),
            valid_from=budget.valid_from,
            valid_to=budget.valid_to,
            created_by=budget.created_by,
            created_at=budget.created_at,
            archived_at=budget.archived_at,
        )
    )


def standing(connection: Connection) -> list[Budget]:
    """All budgets that are not archived, by name."""
    b = t.budgets.c
    query = select(t.budgets).where(b.archived_at.is_(None)).order_by(b.name, b.id)
    return [_budget(row) for row in connection.execute(query)]


def find(connection: Connection, budget_id: str) -> Budget | None:
    """The budget of this id, archived or not."""
    row = connection.execute(select(t.budgets).where(t.budgets.c.id == budget_id)).first()
    return None if row is None else _budget(row)


def archive(connection: Connection, budget_id: str, at: datetime) -> bool:
    """End a budget; False where none of this id stands."""
    b = t.budgets.c
    statement = update(t.budgets).where(b.id == budget_id, b.archived_at.is_(None))
    done = connection.execute(statement.values(archived_at=at).returning(b.id))
    return done.first() is not None


def _budget(row: Any) -> Budget:
    return Budget(
        id=row.id,
        name=row.name,
        part=Part(kind=ScopeKind(row.scope), value=row.value),
        period=PeriodKind(row.period),
        unit=Unit(row.unit),
        amount=row.amount,
        thresholds=tuple(map(int, filter(None, row.thresholds.split(",")))),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        created_by=row.created_by,
        created_at=row.created_at,
        archived_at=row.archived_at,
    )
