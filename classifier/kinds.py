"""What kind of work many changes are, by all that tells it (``classifier.work_types``)."""

from collections.abc import Collection

from classifier.work_types import kind_of_work
from domain.outcomes import KindOfWork
from store.engine import Connection
from store.history import ChangeHistory, histories
from store.learned import learned_kinds
from store.membership import ChangeId
from store.tied_tasks import Ties, ties_of


def kinds_of_work(connection: Connection, ids: Collection[ChangeId]) -> dict[ChangeId, KindOfWork]:
    """The kind of work of each of these changes, of those where anything tells it."""
    known = histories(connection, ids)
    ties = ties_of(connection, known)
    learned = learned_kinds(connection, known)
    told = {
        change: kind_told(change, history, ties, learned.get(change))
        for change, history in known.items()
    }
    return {change: kind for change, kind in told.items() if kind is not None}


def kind_told(
    change: ChangeId, history: ChangeHistory, ties: Ties, learned: KindOfWork | None = None
) -> KindOfWork | None:
    """The kind of work of one change, with the tickets that it is tied to."""
    keys = sorted(ties.sources.get(change, ()))
    tickets = [ties.tickets[key] for key in keys if key in ties.tickets]
    return kind_of_work(history, tickets, learned)
