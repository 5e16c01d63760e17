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
    parts,
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


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=12))
def test_parts_of_a_whole_add_up(amounts: list[int]) -> None:
    told = parts(amounts)
    assert [cell.part for cell in told] == [
        pytest.approx(each / sum(amounts)) if any(amounts) else None for each in amounts
    ]
    whole = [int(cell.text.removesuffix(" %")) for cell in told if cell.text and cell.text[0] < "a"]
    over = any(cell.text == "over 99 %" for cell in told)
    assert sum(whole) == (0 if over or not any(amounts) else 100)
    for amount, cell in zip(amounts, told, strict=True):
        assert (cell.text == "0 %") <= (amount == 0)
        assert (cell.text == "100 %") <= (amount == sum(amounts))


def test_what_is_rounded_by_itself_would_not_add_up() -> None:
    amounts = [166, 166, 166, 166, 168, 168]
    assert sum(round(each / 10) for each in amounts) == 102
    assert [cell.text for cell in parts(amounts)] == [
        *("17 %", "17 %", "16 %", "16 %", "17 %", "17 %")
    ]
    assert [cell.text for cell in parts([3, None, 1])] == ["75 %", None, "25 %"]


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
