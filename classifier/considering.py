"""Scenarios over what is in the database: reads the last four weeks and asks what would be."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from classifier.kinds import kinds_of_work
from classifier.scenarios import DAYS, Month, Session, scenario
from domain.budgets import Basis, Part, basis_of
from domain.company_prices import CompanyPrices
from domain.scenarios import Change, Routing, ScenarioResult, SmallModelTrial
from store import narrow_work, spending
from store.engine import Connection


def consider(
    connection: Connection,
    part: Part,
    changes: Sequence[Change],
    now: datetime,
    company: CompanyPrices | None,
) -> list[ScenarioResult]:
    """What a month of this part would cost with each of these changes, each by itself."""
    after = now.date()
    first = after - timedelta(days=DAYS)
    listed = spending.by_model(connection, part, Basis.LIST, first, after)
    basis = basis_of(company)
    paid = listed
    if basis is not Basis.LIST:
        paid = spending.by_model(connection, part, basis, first, after)
    sessions: list[Session] = []
    if any(isinstance(each, Routing | SmallModelTrial) for each in changes):
        used = spending.by_session(connection, part, Basis.LIST, first, after)
        work = narrow_work.work_of(connection, used)
        kinds = kinds_of_work(connection, {each.change for each in work.values()})
        for pk, usage in used.items():
            worked = work.get(pk)
            kind = kinds.get(worked.change) if worked else None
            sessions.append(
                Session(
                    usage=usage,
                    work_type=kind.work_type if kind else None,
                    lines=worked.lines if worked else None,
                )
            )
    month = Month(
        paid=paid,
        listed=listed,
        people=spending.people(connection, part, first, after),
        at=now,
        sessions=sessions,
    )
    return [scenario(each, month) for each in changes]
