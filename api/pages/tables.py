"""Tables as values: what a page shows in rows, and the same rows as a file to download.

A cell has its text for people and its plain values for programs: an interval is one cell on a page
and two columns more in a file. A cell that a spreadsheet would take for a formula gets an
apostrophe before it.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import TypeAlias

from fastapi.responses import Response

from api.pages import formats
from api.problems import Refusal
from domain.labels import Label
from domain.leaks import Money
from domain.usage import NANOUSD, split

Plain: TypeAlias = str | int | float | None
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
CANNOT_SAY = "cannot say"
_ALL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its heading, and the names of its values in a file, with their units.

    ``wide``: left out on a narrow screen. ``numeric``: right-aligned.
    """

    title: str
    names: tuple[str, ...]
    numeric: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell. ``text`` of None is shown as ``missing``, in words.

    ``values`` are those of the column's names. ``href`` leads to what it is about, ``note`` is
    small print below it, ``part`` a share from 0 to 1 that is drawn as a bar, ``mark`` a class.
    """

    text: str | None
    values: tuple[Plain, ...]
    href: str | None = None
    note: str | None = None
    part: float | None = None
    mark: str = ""
    missing: str = "not told"


Row: TypeAlias = Sequence[Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; ``name`` is what it is downloaded by. The first cell of a row is its heading."""

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]


def words(value: str | None, *, href: str | None = None, note: str | None = None) -> Cell:
    """A text; "" and None were not told."""
    return Cell(text=value or None, values=(value or None,), href=href, note=note)


def count(value: float | None, *, note: str | None = None) -> Cell:
    """A number."""
    text = None if value is None else formats.number(value)
    return Cell(text=text, values=(value,), note=note)


def dollars(nanousd: int | None, *, note: str | None = None, missing: str = "not told") -> Cell:
    """An amount; in a file in US dollars."""
    if nanousd is None:
        return Cell(text=None, values=(None,), note=note, missing=missing)
    return Cell(text=formats.money(nanousd), values=(nanousd / NANOUSD,), note=note)


def dollars_between(money: Money | None) -> Cell:
    """An estimate between two bounds; in a file estimate, low and high."""
    if money is None:
        return Cell(text=None, values=(None, None, None), missing=CANNOT_SAY)
    return Cell(
        text=formats.money(money.estimate),
        values=(money.estimate / NANOUSD, money.low / NANOUSD, money.high / NANOUSD),
        note=f"{formats.money(money.low)} to {formats.money(money.high)}",
    )


def part(value: float | None) -> Cell:
    """A share as a number and a bar."""
    text = None if value is None else formats.share(value)
    return Cell(text=text, values=(_round(value),), part=value, missing=CANNOT_SAY)


def parts(amounts: Sequence[int | None]) -> list[Cell]:
    """What each amount is of all of them, in whole per cent that add up to 100.

    Rounded each by itself, seven parts can add up to 103 % on a page. Nothing can be said of what
    is not known (None), nor where all of them are nothing.
    """
    known = [each or 0 for each in amounts]
    whole = sum(known)
    if not whole:
        return [part(None) for _ in amounts]
    return [
        part(None) if each is None else replace(part(each / whole), text=_percent(each, of, whole))
        for each, of in zip(amounts, split(_ALL, known), strict=True)
    ]


def _percent(amount: int, percent: int, whole: int) -> str:
    # A part is never shown as nothing, nor as all.
    if amount and not percent:
        return "under 1 %"
    return "over 99 %" if amount < whole and percent == _ALL else f"{percent} %"


def share(value: float | None, between: tuple[float, float] | None = None) -> Cell:
    """A share with its interval; in a file value, low and high."""
    low, high = between or (None, None)
    return Cell(
        text=None if value is None else formats.share(value),
        values=(_round(value), _round(low), _round(high)),
        note=interval(between) if between else None,
        missing=CANNOT_SAY,
    )


def interval(between: tuple[float, float]) -> str:
    """An interval of shares in words."""
    return f"{formats.share(between[0])} to {formats.share(between[1])}"


def label(value: Label | str) -> Cell:
    """A label of a session."""
    return Cell(text=str(value), values=(str(value),), mark=f"label {value}")


def moment(at: datetime | None, *, missing: str = "never") -> Cell:
    """A time, in UTC."""
    text = None if at is None else formats.moment(at)
    return Cell(text=text, values=(at.isoformat() if at else None,), missing=missing)


def download(tables: Sequence[Table], name: str | None) -> Response:
    """The table of this name (None: the first) as a file."""
    table = next((each for each in tables if name in (None, each.name)), None)
    if table is None:
        known = ", ".join(each.name for each in tables) or "none"
        detail = f"table: this page has no such table; it has: {known}"
        raise Refusal(HTTPStatus.BAD_REQUEST, "invalid_parameter", detail)
    kept = f'attachment; filename="{table.name}.csv"'
    return Response(
        as_csv(table), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": kept}
    )


def as_csv(table: Table) -> str:
    """All rows of a table as comma-separated values with a line of headings."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([name for column in table.columns for name in column.names])
    for row in table.rows:
        writer.writerow([_harmless(value) for cell in row for value in cell.values])
    return text.getvalue()


def _harmless(value: Plain) -> Plain:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
