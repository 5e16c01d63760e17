from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Integer, Select, String, Subquery, bindparam, event, select

from store.engine import Database
from store.given import asking, given
from store.tables import Moment, pushes

COLUMNS = {"pk": BigInteger(), "name": String(), "number": Integer(), "at": Moment()}
AT = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)


@asking(COLUMNS)
def _from(wanted: Subquery) -> Select[Any]:
    return select(wanted).where(wanted.c.number >= bindparam("least", type_=Integer))


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


def test_what_is_asked_again_is_answered_for_its_own_rows(database: Database) -> None:
    first, second = (1, "a", -7, AT), (2, "b", 9, AT)
    with database.reading() as connection:
        assert [tuple(row) for row in _from(connection, [first, second], least=0)] == [second]
        assert [tuple(row) for row in _from(connection, [first], least=-9)] == [first]
        [row] = _from(connection, [second], least=-9)
    assert (row.pk, row.name, row.at) == (2, "b", AT)


def test_without_rows_nothing_is_asked(database: Database) -> None:
    asked: list[object] = []
    event.listen(database.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    with database.reading() as connection:
        assert not _from(connection, [], least=0)
        assert not [each for each in asked if "given" in str(each)]
        assert len(_from(connection, iter([(1, "a", 0, AT)]), least=0)) == 1
    assert [each for each in asked if "given" in str(each)]


def test_a_large_table_is_looked_into_for_each_row_not_the_other_way_round(
    embedded: Database,
) -> None:
    columns = {"repo": String(), "branch": String()}
    # As SQLite came to think of pushes where each repository has one branch of many.
    known = (
        ("sqlite_autoindex_pushes_1", "10854 1001 501 1"),
        ("ix_pushes_repo_sha", "8540 1001 1"),
        ("ix_pushes_sha", "5700 1"),
    )
    with embedded.writing() as connection:
        connection.exec_driver_sql("ANALYZE")
        for index in known:
            connection.exec_driver_sql("INSERT INTO sqlite_stat1 VALUES ('pushes', ?, ?)", index)
        connection.exec_driver_sql("ANALYZE sqlite_schema")
        rows = given(connection, columns, [("acme/shop", "main")])
        same = (rows.c.repo == pushes.c.repo) & (rows.c.branch == pushes.c.branch)
        asked = str(select(pushes.c.pushed_at).join(rows, same).compile(embedded.engine))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", ("[]",)).all()
    assert not [step.detail for step in plan if step.detail.startswith("SCAN pushes")]
