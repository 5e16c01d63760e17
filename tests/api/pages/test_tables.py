"""Tables: a file has the rows of the page, in plain values that no spreadsheet runs."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.tables import (
    Cell,
    Column,
    Table,
    as_csv,
    dollars,
    dollars_between,
    download,
    part,
    share,
    words,
)
from api.problems import Refusal
from domain.leaks import Money


def table(*values: str) -> Table:
    return Table(
        name="teams",
        caption="Teams",
        columns=(Column(title="Team", names=("team",)),),
        rows=[(words(value),) for value in values],
    )


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"))))
def test_a_file_has_every_row_and_no_formula(values: list[str]) -> None:
    rows = read(as_csv(table(*values)))
    assert rows[0] == ["team"]
    told = [row[0] if row else "" for row in rows[1:]]
    assert len(told) == len(values)
    for value, written in zip(values, told, strict=True):
        assert written in (value, f"'{value}")
        assert written[:1] not in ("=", "+", "-", "@", "\t")


def test_an_interval_is_one_cell_and_three_values() -> None:
    cell = share(0.5, (0.4, 0.6))
    assert (cell.text, cell.note, cell.values) == ("50 %", "40 % to 60 %", (0.5, 0.4, 0.6))
    money = dollars_between(Money(low=1_000_000_000, estimate=2_000_000_000, high=3_000_000_000))
    assert (money.text, money.note, money.values) == ("$2.00", "$1.00 to $3.00", (2.0, 1.0, 3.0))


@pytest.mark.parametrize("cell", [share(None), part(None), dollars(None), words(None), words("")])
def test_what_is_not_known_is_no_number(cell: Cell) -> None:
    assert cell.text is None
    assert set(cell.values) == {None}
    assert cell.missing in ("cannot say", "not told")


def test_a_table_is_found_by_its_name_or_is_the_first() -> None:
    answer = download([table("a"), table("b")], None)
    assert answer.headers["content-disposition"] == 'attachment; filename="teams.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    with pytest.raises(Refusal) as refused:
        download([table("a")], "people")
    assert refused.value.problem.code == "invalid_parameter"
