"""One table of the price file: its fields read and checked, each problem with its line.

A field that is wrong is recorded and read as something harmless: the file as a whole is refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, TypeVar

_TABLE = re.compile(r"^\s*\[\[?\s*([A-Za-z0-9_.\s-]+?)\s*\]\]?\s*(#.*)?$")
_FIELD = re.compile(r"^\s*([A-Za-z0-9_-]+)\s*=")
_Told = TypeVar("_Told")
_YEARS = range(2000, 2200)
_QUOTES = ('"""', "'''")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the file: where, and what to do about it."""

    line: int | None
    where: str
    message: str

    def __str__(self) -> str:
        """For people."""
        parts = ([f"line {self.line}"] if self.line else []) + ([self.where] if self.where else [])
        return f"{', '.join(parts)}: {self.message}" if parts else self.message


class Lines:
    """The lines on which tables and fields begin; the TOML reader does not tell."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        self._tables: dict[str, int] = {}
        path, quoted = "", False
        for number, line in enumerate(text.splitlines(), start=1):
            inside, quoted = quoted, quoted ^ _turns(line)
            if inside:
                continue
            if table := _TABLE.match(line):
                path = self._entered(re.sub(r"\s", "", table[1]))
                self._lines.setdefault(path, number)
            elif told := _FIELD.match(line):
                self._lines.setdefault(f"{path}.{told[1]}" if path else told[1], number)

    def of(self, path: str) -> int | None:
        """The line of ``price[2].input``, or of the table that it is missing from."""
        return self._lines.get(path) or self._lines.get(path.rpartition(".")[0])

    def _entered(self, name: str) -> str:
        """A table's path, each of its names with its number so far."""
        parts: list[str] = []
        names = name.split(".")
        for depth, part in enumerate(names, start=1):
            path = ".".join([*parts, part])
            if depth == len(names):
                self._tables[path] = self._tables.get(path, 0) + 1
            parts.append(f"{part}[{self._tables.get(path, 1)}]")
        return ".".join(parts)


def _turns(line: str) -> bool:
    """Whether a text of several lines begins or ends here."""
    return any(line.count(quotes) % 2 for quotes in _QUOTES)


@dataclass(slots=True)
class Entry:
    """A table of the file, for example the second ``[[price]]``."""

    told: Mapping[str, Any]
    place: str
    lines: Lines
    problems: list[Problem]
    sound: bool = True
    _asked: list[str] = field(default_factory=list)

    @staticmethod
    def all_of(
        told: Mapping[str, Any], name: str, lines: Lines, problems: list[Problem], within: str = ""
    ) -> "Iterator[Entry]":
        """The tables of this name, in the file's order."""
        tables = told.get(name, [])
        prefix = f"{within}." if within else ""
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            place = prefix + name
            message = f"is written as tables, each under its own [[{name}]]"
            problems.append(Problem(lines.of(f"{place}[1]"), place, message))
            return
        for number, table in enumerate(tables, start=1):
            yield Entry(table, f"{prefix}{name}[{number}]", lines, problems)

    def problem(self, name: str, message: str) -> None:
        """Record what is wrong with a field; an empty name means the table."""
        self.sound = False
        path = f"{self.place}.{name}" if name else self.place
        self.problems.append(Problem(self.lines.of(path), path, message))

    @property
    def shown(self) -> str:
        """The table for people, with its line."""
        line = self.lines.of(self.place)
        return f"{self.place} (line {line})" if line else self.place

    def refuse_the_rest(self) -> None:
        """Every field that nobody asked for is a problem."""
        for name in self.told:
            if name not in self._asked:
                near = get_close_matches(name, self._asked, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(self._asked)}"
                self.problem(name, f"is not known; {hint}")

    def day(self, name: str) -> date:
        """A day that must be there."""
        return self.maybe_day(name) or self._missing(name, date.min)

    def maybe_day(self, name: str) -> date | None:
        """A day."""
        value = self._value(name)
        if value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            self.problem(name, "is not a day; write it without quotes, for example 2026-11-01")
        elif value.year not in _YEARS:
            self.problem(name, f"is not in the years {_YEARS[0]} to {_YEARS[-1]}: {value}")
        else:
            return value
        return date.min

    def number(self, name: str, *, most: Decimal, decimals: int) -> Decimal:
        """An amount that must be there."""
        amount = self.maybe_number(name, most=most, decimals=decimals)
        return self._missing(name, Decimal(1)) if amount is None else amount

    def maybe_number(self, name: str, *, most: Decimal, decimals: int) -> Decimal | None:
        """An amount, not negative and with no more decimals than can be kept."""
        value = self._value(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.problem(name, f"is not a number: {value!r}")
            return Decimal(1)
        amount = Decimal(value)
        wrong = _wrong(amount, most, decimals)
        if wrong:
            self.problem(name, f"{wrong}: {value}")
            return Decimal(1)
        return amount

    def whole(self, name: str) -> int:
        """A whole number of at least 1, which must be there."""
        value = self._value(name)
        if value is None:
            return self._missing(name, 1)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
            self.problem(name, f"is not a whole number of at least 1: {value!r}")
            return 1
        return value

    def text(self, name: str) -> str:
        """Words that must be there."""
        value = self._value(name)
        if value is None:
            return self._missing(name, "")
        if not isinstance(value, str) or not value.strip():
            self.problem(name, f"is not a text: {value!r}")
            return ""
        return value

    def maybe_text(self, name: str) -> str:
        """Words; empty where the field is missing."""
        value = self._value(name)
        return "" if value is None else self.text(name)

    def flag(self, name: str) -> bool:
        """True or false, which must be there."""
        value = self._value(name)
        if value is None:
            return self._missing(name, False)
        if not isinstance(value, bool):
            self.problem(name, f"is neither true nor false: {value!r}")
        return value is True

    def names(self, name: str) -> tuple[str, ...]:
        """A list of names; empty where the field is missing."""
        value = self._value(name)
        if value is None:
            return ()
        sound = isinstance(value, list) and all(isinstance(each, str) and each for each in value)
        if not sound or not value:
            self.problem(name, 'is not a list of names, for example ["a", "b"]')
            return ()
        return tuple(value)

    def parts(self, name: str) -> "list[Entry]":
        """Tables inside this one; their problems are this one's too."""
        self._asked.append(name)
        return list(Entry.all_of(self.told, name, self.lines, self.problems, self.place))

    def _value(self, name: str) -> Any:
        self._asked.append(name)
        return self.told.get(name)

    def _missing(self, name: str, harmless: _Told) -> _Told:
        self.problem(name, "is missing")
        return harmless


def _wrong(amount: Decimal, most: Decimal, decimals: int) -> str:
    if not amount.is_finite():
        return "is not a number"
    if amount < 0:
        return "is negative"
    if amount > most:
        return f"is more than {most:,}, which nobody pays"
    # As an exponent: 0.0625 has -4.
    finer = -int(amount.normalize().as_tuple().exponent) > decimals
    return f"has more than {decimals} decimals, which can't be kept" if finer else ""
