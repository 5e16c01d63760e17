from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Integer, String, select

from store.engine import Database
from store.given import given
from store.tables import Moment

COLUMNS = {"pk": BigInteger(), "name": String(), "number": Integer(), "at": Moment()}
AT = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)


def test_rows_come_back_as_they_were_given(database: Database) -> None:
    rows = [
        (2**62, "quoted ' and \" and {braces}", -7, AT),
        (-1, "Ünïcode \u2028 and \\ slashes", 0, AT - timedelta(days=30_000)),
        (0, "", 2**31 - 1, AT),
    ]
    with database.reading() as connection:
        found = connection.execute(select(given(connection, COLUMNS, rows))).all()
    assert sorted(map(tuple, found)) == sorted(rows)


def test_of_no_rows_nothing_comes_back(database: Database) -> None:
    with database.reading() as connection:
        assert connection.execute(select(given(connection, COLUMNS, []))).all() == []


def test_two_may_stand_in_one_statement(database: Database) -> None:
    with database.reading() as connection:
        one = given(connection, {"name": String()}, [("a",), ("b",)], "one")
        two = given(connection, {"name": String()}, [("b",), ("c",)], "two")
        query = select(one.c.name).join(two, one.c.name == two.c.name)
        assert connection.execute(query).scalars().all() == ["b"]
