"""The company's price file: TOML text to ``CompanyPrices``, or everything that is wrong with it.

``docs/prices.md`` describes the format. Nothing is guessed: an unknown field, a date that is none,
two entries that say different things of the same usage are problems, and all are named at once.
"""

import tomllib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import TypeVar

from domain.company_prices import (
    FREE,
    STANDARD,
    CompanyPrices,
    Kind,
    Period,
    Pool,
    Rule,
    Scope,
    Seats,
    Terms,
)
from domain.price_entry import Entry, Lines, Problem
from domain.tariff import Rates, Tariff, rate
from domain.usage import nanousd

_BUCKETS = ("input", "cache_read", "cache_write", "cache_write_1h", "output")
# Nobody pays more; whoever writes more has mistaken the unit.
_MOST_PER_MTOK = Decimal(100_000)
_MOST_USD = Decimal(1_000_000_000)
# A millionth of a dollar per million tokens is a pico-dollar a token.
_PRICE_DECIMALS = 6
_PERCENT_DECIMALS = 6
_USD_DECIMALS = 2


class PriceFileInvalid(Exception):
    """What is wrong with the file, each problem with its place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(slots=True)
class _Read:
    """What the entries say so far; ``named`` are the seats and pools by their names."""

    rules: list[tuple[Entry, Rule]] = field(default_factory=list)
    seats: list[Seats] = field(default_factory=list)
    pools: list[Pool] = field(default_factory=list)
    named: list[tuple[Entry, str, Period]] = field(default_factory=list)


def parse(text: str) -> CompanyPrices:
    """Read the file's text. Raises PriceFileInvalid."""
    try:
        told = tomllib.loads(text, parse_float=Decimal)
    except ValueError as error:  # also of a number too long to be read
        raise PriceFileInvalid([Problem(None, "", f"this is not TOML: {error}")]) from error
    problems: list[Problem] = []
    lines, read = Lines(text), _Read()
    for name in told:
        if name not in _READERS:
            known = ", ".join(f"[[{each}]]" for each in _READERS)
            line = lines.of(name) or lines.of(f"{name}[1]")
            problems.append(Problem(line, name, f"is not known; there are {known}"))
    for name, reader in _READERS.items():
        for entry in Entry.all_of(told, name, lines, problems):
            reader(entry, read)
            entry.maybe_text("note")
            entry.refuse_the_rest()
    _refuse_contradictions(read)
    if problems:
        raise PriceFileInvalid(sorted(problems, key=lambda each: each.line or 0))
    rules = tuple(rule for _, rule in read.rules)
    return CompanyPrices(rules=rules, seats=tuple(read.seats), pools=tuple(read.pools))


def _discount(entry: Entry, read: _Read) -> None:
    scope, period = _scope(entry), _period(entry)
    percent = entry.number("percent_off", most=Decimal(100), decimals=_PERCENT_DECIMALS)
    _add(read, entry, Kind.DISCOUNT, 1 - Fraction(percent) / 100, of=(scope, period))


def _price(entry: Entry, read: _Read) -> None:
    scope, period = _scope(entry), _period(entry)
    if not scope.tiers:
        # Whoever writes down a price means the usual one: that others cost the same is a guess.
        scope = replace(scope, tiers=(STANDARD,))
    base = _rates(entry)
    longer: dict[int, Rates] = {}
    for part in entry.parts("long_prompt"):
        over = part.whole("over")
        if over in longer:
            part.problem("over", f"{over} stands in two tables of one price")
        longer[over] = _rates(part)
        part.refuse_the_rest()
    tariff = Tariff(base, tuple(sorted(longer.items())))
    _add(read, entry, Kind.PRICE, tariff, of=(scope, period))


def _seats(entry: Entry, read: _Read) -> None:
    scope, period = _scope(entry), _period(entry)
    if not scope.tools:
        entry.problem("tools", "is missing: seats are those of a tool")
    seats = Seats(
        name=entry.text("name"),
        scope=scope,
        period=period,
        seats=entry.whole("seats"),
        month_nanousd=nanousd(
            entry.number("usd_per_seat_month", most=_MOST_USD, decimals=_USD_DECIMALS)
        ),
        included=entry.flag("usage_included"),
    )
    read.seats.append(seats)
    read.named.append((entry, seats.name, period))
    if seats.included:
        _add(read, entry, Kind.SEATS, FREE, of=(scope, period))


def _pool(entry: Entry, read: _Read) -> None:
    scope, period = _scope(entry), _period(entry)
    if period.last is None:
        entry.problem("through", "is missing: prepaid credit ends on a day")
    pool = Pool(
        name=entry.text("name"),
        period=period,
        paid_nanousd=nanousd(entry.number("paid_usd", most=_MOST_USD, decimals=_USD_DECIMALS)),
        credit_nanousd=nanousd(entry.number("credit_usd", most=_MOST_USD, decimals=_USD_DECIMALS)),
        place=entry.shown,
    )
    if not pool.credit_nanousd:
        entry.problem("credit_usd", "is zero: there is nothing to use up")
        return
    read.pools.append(pool)
    read.named.append((entry, pool.name, period))
    _add(read, entry, Kind.POOL, pool.share, of=(scope, period))


_READERS: dict[str, Callable[[Entry, _Read], None]] = {
    "discount": _discount,
    "price": _price,
    "seats": _seats,
    "pool": _pool,
}


def _add(read: _Read, entry: Entry, kind: Kind, terms: Terms, *, of: tuple[Scope, Period]) -> None:
    scope, period = of
    rule = Rule(kind=kind, scope=scope, period=period, terms=terms, place=entry.shown)
    read.rules.append((entry, rule))


def _scope(entry: Entry) -> Scope:
    models = entry.names("models")
    for pattern in models:
        if "*" in pattern[:-1]:
            entry.problem("models", f"{pattern!r} has a * before its end; only the last may be one")
    return Scope(
        tools=entry.names("tools"),
        teams=entry.names("teams"),
        models=models,
        tiers=tuple(each.lower() for each in entry.names("tiers")),
    )


def _period(entry: Entry) -> Period:
    first, last = entry.day("from"), entry.maybe_day("through")
    if entry.sound and last is not None and last < first:
        entry.problem("through", f"is {last}, before the first day {first}")
    return Period(first=first, last=last)


def _rates(entry: Entry) -> Rates:
    """The buckets that have a price; reasoning is output."""
    told = {
        name: entry.maybe_number(name, most=_MOST_PER_MTOK, decimals=_PRICE_DECIMALS)
        for name in _BUCKETS
    }
    rates = {name: rate(price) for name, price in told.items() if price is not None}
    if not rates:
        entry.problem("", f"has no price; give any of {', '.join(_BUCKETS)}")
    return Rates(**rates, reasoning=rates.get("output"))


_Key = TypeVar("_Key", bound=Hashable)


def _refuse_contradictions(read: _Read) -> None:
    """Two entries of one kind must not say different things of the same usage on the same day."""
    # Seats may include the same usage twice: it costs nothing more either way.
    corners = [
        ((rule.kind, *corner), entry, rule.period)
        for entry, rule in read.rules
        if rule.kind is not Kind.SEATS
        for corner in rule.scope.corners()
    ]
    told: set[tuple[str, str]] = set()
    for (_, tool, team, model, tier), former, entry, first in _meeting(corners):
        if (former.place, entry.place) not in told:
            told.add((former.place, entry.place))
            untold = entry.told.get("tiers") is None
            named = {"tool": tool, "team": team, "model": model, "tier": None if untold else tier}
            whose = ", ".join(f"{what} {name}" for what, name in named.items() if name)
            message = f"overlaps {former.shown}: both are about {whose or 'all usage'} on {first}"
            entry.problem("from", message)
    named_so = [(name, entry, period) for entry, name, period in read.named]
    for name, former, entry, first in _meeting(named_so):
        entry.problem("name", f"{name!r} is also the name of {former.shown}, on {first}")


def _meeting(
    entries: Iterable[tuple[_Key, Entry, Period]],
) -> Iterator[tuple[_Key, Entry, Entry, date]]:
    """The pairs of sound entries of one key that meet, and the first day on which they do."""
    by_key: dict[_Key, list[tuple[Entry, Period]]] = defaultdict(list)
    for key, entry, period in entries:
        if entry.sound and all(entry is not other for other, _ in by_key[key]):
            by_key[key].append((entry, period))
    for key, same in by_key.items():
        for (former, earlier), (entry, later) in combinations(same, 2):
            if earlier.meets(later):
                yield key, former, entry, max(earlier.first, later.first)
