"""What is booked on nothing: summed by when sessions began, whoever wrote it."""

from sqlalchemy import update

from domain.unlinked import Unlinked
from store import tables as t
from store import unlinked
from store.engine import Database
from store.unlinked import UnlinkedSpend, spend_unlinked
from tests.spending import Used, put
from tests.store.working import at


def test_bounds_take_sessions_that_began_between_them(database: Database) -> None:
    put(database, [Used(at=at(hour), session=f"s{hour}") for hour in (0, 5, 9)])
    with database.writing() as connection:
        pks = {row.session_id: row.pk for row in connection.execute(t.sessions.select())}
        told: dict[int, tuple[Unlinked, int | None]] = {
            pks["s0"]: (Unlinked.NO_FORGE, 3),
            pks["s5"]: (Unlinked.NO_FORGE, 4),
            pks["s9"]: (Unlinked.NO_IDENTITY, None),
        }
        unlinked.keep_unlinked(connection, list(told), told)

    def spend(sessions: int, nanousd: int | None, reason: Unlinked) -> UnlinkedSpend:
        return UnlinkedSpend(reason=reason, sessions=sessions, cost_nanousd=nanousd)

    everything = [spend(2, 7, Unlinked.NO_FORGE), spend(1, None, Unlinked.NO_IDENTITY)]
    later = [spend(1, 4, Unlinked.NO_FORGE), spend(1, None, Unlinked.NO_IDENTITY)]
    for _ in range(2):
        with database.reading() as connection:
            assert spend_unlinked(connection) == everything
            assert spend_unlinked(connection, at(0), at(10)) == everything
            assert spend_unlinked(connection, at(5)) == later
            assert spend_unlinked(connection, at(5), at(9)) == later[:1]
            assert spend_unlinked(connection, until=at(5)) == [spend(1, 3, Unlinked.NO_FORGE)]
        # As a process of before the column writes it.
        with database.writing() as connection:
            connection.execute(update(t.unlinked).values(first_at=None))
