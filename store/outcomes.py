"""What sessions bought, summed by week and group; each session taken out before it is put in anew.

``session_outcomes`` and ``session_model_outcomes`` hold what each session adds. From these alone
follow the sums (``outcome_rollups``), who is in them (``outcome_presence``) and how costs and lead
times are spread (``outcome_bins``); ``store.outcomes_anew`` makes them from nothing.

One transaction at a time writes here: a sum or a set of people is read before it is written.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from operator import add
from secrets import randbits
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    String,
    Subquery,
    and_,
    bindparam,
    delete,
    func,
    select,
)

from domain.contributions import COUNTS, Contribution, Counts, Facet, Standing
from domain.labels import Maturity
from domain.weeks import BLOCK, HALF, QUARTER, block_of, half_of, quarter_of
from store import tables as t
from store.given import asking
from store.packed import NOBODY, packed, unpacked
from store.upsert import Row, added, merge_into, replaced

EVERYTHING = ""
"""The dimension of sums over all sessions."""

PAIRS = tuple(combinations(Facet, 2))
_LOCK = 5_124_095_576_030_431
_CHUNK = 500
_OWN = (Facet.TOOL, Facet.TEAM, Facet.REPO, Facet.WORK_TYPE)
_CELL = ("dimension", "weeks", "week", "value", "other")
_KEY = (*_CELL, "label", "maturity", "rule")
_STAMPS = ("stamp", "settled_stamp", "people_stamp")


def paired(one: Facet, other: Facet) -> str:
    """The dimension of two facets' pairs of values; they come in the order of ``Facet``."""
    order = list(Facet)
    first, second = sorted((one, other), key=order.index)
    return f"{first},{second}"


_PAIRED = tuple((one, other, paired(one, other)) for one, other in PAIRS)


class Cell(NamedTuple):
    """What something is summed in: a dimension with its values, over ``weeks`` from ``week`` on."""

    dimension: str
    weeks: int
    week: int
    value: str
    other: str

    def holds(self, week: int) -> bool:
        """Whether a week is among those of this."""
        return self.week <= week < self.week + self.weeks


class _Key(NamedTuple):
    dimension: str
    weeks: int
    week: int
    value: str
    other: str
    label: str
    maturity: str
    rule: str


@dataclass(slots=True)
class _Changes:
    """What is to be added to sums, sets and bins; negative where it is taken out."""

    sums: dict[_Key, list[int]] = field(default_factory=dict)
    people: dict[Cell, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    bins: Counter[tuple[str, int, int, str, str, int]] = field(default_factory=Counter)


class _Group(NamedTuple):
    """What the sessions of a week may have in common; ``values`` in the order of ``_OWN``."""

    week: int
    values: tuple[str, ...]
    standing: Standing


@dataclass(slots=True)
class _Part:
    """What some sessions add: counts, how many are of each person, how many are in each bin."""

    counts: Counter[str] = field(default_factory=Counter)
    people: Counter[int] = field(default_factory=Counter)
    bins: Counter[tuple[str, int]] = field(default_factory=Counter)

    def add(self, counts: Counts, number: int, bins: Iterable[tuple[str, int]], sign: int) -> None:
        """Add one session, or take it out (-1)."""
        for name, amount in counts.items():
            self.counts[name] += sign * amount
        self.people[number] += sign
        for each in bins:
            self.bins[each] += sign


@dataclass(slots=True)
class _Alike:
    """What the sessions of a group add, in all and by model: summed before it is spread."""

    whole: _Part = field(default_factory=_Part)
    models: dict[str, _Part] = field(default_factory=lambda: defaultdict(_Part))


def keep(
    connection: Connection,
    session_pks: Collection[int],
    contributions: Mapping[int, Contribution],
) -> None:
    """Exchange what these sessions add for this; who is not in it adds nothing any more."""
    if not session_pks:
        return
    lock(connection)
    before = contributions_of(connection, session_pks)
    old = {pk: each for pk, each in before.items() if contributions.get(pk) != each}
    new = {pk: each for pk, each in contributions.items() if before.get(pk) != each}
    if not old and not new:
        return
    persons = {each.person for each in (*old.values(), *new.values()) if each.person is not None}
    numbers = _numbers(connection, persons)
    changes = _Changes()
    told = [*((-1, each) for each in old.values()), *((1, each) for each in new.values())]
    for group, alike in _grouped(told, numbers).items():
        _add(changes, group, alike)
    _write_sessions(connection, set(old) - set(new), new, numbers)
    _write_sums(connection, changes)
    moved = _write_people(connection, changes)
    _write_bins(connection, changes)
    written = [*old.values(), *new.values()]
    weeks = {each.week for each in written}
    stamp(
        connection,
        weeks,
        settled={each.week for each in written if each.standing.maturity == Maturity.FINAL},
        people={week for week in weeks if any(cell.holds(week) for cell in moved)},
    )


def stamp(
    connection: Connection,
    weeks: Collection[int],
    *,
    settled: Collection[int] = (),
    people: Collection[int] = (),
) -> None:
    """Tell whoever remembers these weeks that they are not what they were.

    ``settled`` and ``people`` name those of them in which sums of final labels, and who is in which
    group, are not. A stamp is drawn, so that none is ever seen again, in whichever database.
    """
    for name, told in (("stamp", weeks), ("settled_stamp", settled), ("people_stamp", people)):
        rows: list[Row] = [
            dict.fromkeys(_STAMPS, randbits(63)) | {"week": week} for week in sorted(told)
        ]
        merge_into(connection, t.outcome_weeks, rows, {name: replaced})


def lock(connection: Connection) -> None:
    """Let nobody else write sums until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def contributions_of(
    connection: Connection, session_pks: Collection[int]
) -> dict[int, Contribution]:
    """What these sessions add at present, of those that add anything."""
    asked = [(pk,) for pk in session_pks]
    models: dict[int, dict[str, Counts]] = defaultdict(dict)
    for part in _parts(connection, asked):
        row = part._asdict()
        models[row["session_pk"]][row["model"]] = _counts(row)
    rows = (each._asdict() for each in _added(connection, asked))
    return {
        row["session_pk"]: Contribution(
            week=row["week"],
            facets={facet: row[facet.value] for facet in _OWN},
            person=row["pseudonym"],
            standing=Standing(label=row["label"], maturity=row["maturity"], rule=row["rule"]),
            counts=_counts(row),
            models=models[row["session_pk"]],
            cost_bin=row["cost_bin"],
            lead_bins=tuple(json.loads(row["lead_bins"])),
        )
        for row in rows
    }


@asking({"pk": BigInteger()})
def _parts(wanted: Subquery) -> Select[Any]:
    same = wanted.c.pk == t.session_model_outcomes.c.session_pk
    return select(t.session_model_outcomes).join(wanted, same)


@asking({"pk": BigInteger()})
def _added(wanted: Subquery) -> Select[Any]:
    s, p = t.session_outcomes.c, t.outcome_people.c
    return (
        select(t.session_outcomes, p.person.label("pseudonym"))
        .join(wanted, wanted.c.pk == s.session_pk)
        .outerjoin(t.outcome_people, p.number == s.person)
    )


def _counts(row: Mapping[str, Any]) -> Counts:
    return {name: row[name] for name in COUNTS if row[name]}


def _numbers(connection: Connection, persons: Collection[str]) -> dict[str, int]:
    """The number of each person; who has none gets one."""
    known = _known(connection, persons)
    new = [{"person": person} for person in sorted(set(persons) - known.keys())]
    if new:
        connection.execute(t.outcome_people.insert(), new)
        known |= _known(connection, [row["person"] for row in new])
    return known


def _known(connection: Connection, persons: Iterable[str]) -> dict[str, int]:
    rows = _numbered(connection, [(each,) for each in sorted(set(persons))])
    return {row.person: row.number for row in rows}


@asking({"person": String()})
def _numbered(wanted: Subquery) -> Select[Any]:
    p = t.outcome_people.c
    return select(p.person, p.number).join(wanted, wanted.c.person == p.person)


def _grouped(
    told: Iterable[tuple[int, Contribution]], numbers: Mapping[str, int]
) -> dict[_Group, _Alike]:
    """What sessions add (1) or take away (-1), by what they have in common."""
    groups: dict[_Group, _Alike] = defaultdict(_Alike)
    for sign, each in told:
        values = tuple(each.facets[facet] for facet in _OWN)
        alike = groups[_Group(each.week, values, each.standing)]
        number = NOBODY if each.person is None else numbers[each.person]
        bins = [("lead", bin_number) for bin_number in each.lead_bins]
        if each.cost_bin is not None:
            bins.append((f"cost {each.facets[Facet.TOOL]}", each.cost_bin))
        alike.whole.add(each.counts, number, bins, sign)
        for model, counts in each.models.items():
            alike.models[model].add(counts, number, bins, sign)
    return groups


def _cells_of(group: _Group, alike: _Alike) -> Iterator[tuple[str, str, str, _Part]]:
    """In which dimensions and values sessions are summed, and with what."""
    values = dict(zip(_OWN, group.values, strict=True))
    yield EVERYTHING, "", "", alike.whole
    for facet in _OWN:
        yield facet.value, values[facet], "", alike.whole
    for model, part in alike.models.items():
        yield Facet.MODEL.value, model, "", part
    for one, other, dimension in _PAIRED:
        if Facet.MODEL not in (one, other):
            yield dimension, values[one], values[other], alike.whole
            continue
        for model, part in alike.models.items():
            first = model if one is Facet.MODEL else values[one]
            second = model if other is Facet.MODEL else values[other]
            yield dimension, first, second, part


def _spans(dimension: str, week: int) -> Iterator[tuple[int, int]]:
    """(weeks, first week) of the sums that a week belongs to."""
    if "," in dimension:
        yield QUARTER, quarter_of(week)
    else:
        yield 1, week
        yield BLOCK, block_of(week)
        yield HALF, half_of(week)


def _add(changes: _Changes, group: _Group, alike: _Alike) -> None:
    for dimension, value, other, part in _cells_of(group, alike):
        amounts = [part.counts[name] for name in COUNTS]
        for weeks, week in _spans(dimension, group.week):
            key = _Key(dimension, weeks, week, value, other, *group.standing)
            held = changes.sums.get(key)
            changes.sums[key] = amounts if held is None else list(map(add, held, amounts))
            if weeks in (1, QUARTER):  # who is in more than a week follows from its weeks
                changes.people[Cell(dimension, weeks, week, value, other)].update(part.people)
            if weeks in (BLOCK, HALF):
                for (kind, number), sessions in part.bins.items():
                    changes.bins[dimension, weeks, week, value, kind, number] += sessions


def _write_sessions(
    connection: Connection,
    gone: Collection[int],
    new: Mapping[int, Contribution],
    numbers: Mapping[str, int],
) -> None:
    for table, pks in ((t.session_outcomes, gone), (t.session_model_outcomes, {*gone, *new})):
        if pks:
            rows = [{"of": pk} for pk in sorted(pks)]
            connection.execute(delete(table).where(table.c.session_pk == bindparam("of")), rows)
    sessions: list[Row] = [
        {
            "session_pk": pk,
            "week": each.week,
            **{facet.value: each.facets[facet] for facet in _OWN},
            "person": None if each.person is None else numbers[each.person],
            "label": each.standing.label,
            "maturity": each.standing.maturity,
            "rule": each.standing.rule,
            **_whole(each.counts),
            "cost_bin": each.cost_bin,
            "lead_bins": json.dumps(each.lead_bins),
        }
        for pk, each in sorted(new.items())
    ]
    columns = [each.name for each in t.session_outcomes.c if not each.primary_key]
    merge_into(connection, t.session_outcomes, sessions, dict.fromkeys(columns, replaced))
    models: list[Row] = [
        {"session_pk": pk, "model": model, **_whole(part)}
        for pk, each in sorted(new.items())
        for model, part in sorted(each.models.items())
    ]
    merge_into(connection, t.session_model_outcomes, models, {})


def _whole(counts: Counts) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in COUNTS}


def _write_sums(connection: Connection, changes: _Changes) -> None:
    rows: list[Row] = [
        dict(zip((*_KEY, *COUNTS), (*key, *amounts), strict=True))
        for key, amounts in sorted(changes.sums.items())
        if any(amounts)
    ]
    merge_into(connection, t.outcome_rollups, rows, dict.fromkeys(COUNTS, added))
    shrunk = [row for row in rows if any(row[name] < 0 for name in COUNTS)]
    c = t.outcome_rollups.c
    if shrunk:
        empty = and_(
            *(c[name] == bindparam(f"of_{name}") for name in _KEY),
            *(c[name] == 0 for name in COUNTS),
        )
        named = [{f"of_{name}": row[name] for name in _KEY} for row in shrunk]
        connection.execute(delete(t.outcome_rollups).where(empty), named)


def _write_people(connection: Connection, changes: _Changes) -> list[Cell]:
    """Those cells are returned in which there is somebody else now, or nobody any more."""
    moved = {cell: more for cell, more in sorted(changes.people.items()) if any(more.values())}
    rows: list[Row] = []
    gone: list[Row] = []
    others: list[Cell] = []
    for cell, held in presence(connection, moved).items():
        before = +held
        held.update(moved[cell])
        if before.keys() != (+held).keys():
            others.append(cell)
        named = dict(zip(_CELL, cell, strict=True))
        if any(held.values()):
            rows.append({**named, "people": packed(held)})
        else:
            gone.append({f"of_{name}": value for name, value in named.items()})
    merge_into(connection, t.outcome_presence, rows, {"people": replaced})
    c = t.outcome_presence.c
    if gone:
        this = and_(*(c[name] == bindparam(f"of_{name}") for name in _CELL))
        connection.execute(delete(t.outcome_presence).where(this), gone)
    return others


def presence(connection: Connection, cells: Collection[Cell]) -> dict[Cell, Counter[int]]:
    """How many sessions each person has in each of these cells."""
    found: dict[Cell, Counter[int]] = {cell: Counter() for cell in cells}
    for row in _present(connection, cells):
        found[Cell(*row[:5])] = unpacked(row.people)
    return found


@asking(dict(zip(_CELL, (String(), BigInteger(), BigInteger(), String(), String()), strict=True)))
def _present(wanted: Subquery) -> Select[Any]:
    c = t.outcome_presence.c
    same = and_(*(c[name] == wanted.c[name] for name in _CELL))
    return select(t.outcome_presence).select_from(wanted.join(t.outcome_presence, same))


def _write_bins(connection: Connection, changes: _Changes) -> None:
    names = ("dimension", "weeks", "week", "value", "kind", "bin")
    rows: list[Row] = [
        {**dict(zip(names, key, strict=True)), "sessions": amount}
        for key, amount in sorted(changes.bins.items())
        if amount
    ]
    merge_into(connection, t.outcome_bins, rows, {"sessions": added})
    c = t.outcome_bins.c
    shrunk = [{f"of_{name}": row[name] for name in names} for row in rows if row["sessions"] < 0]
    if shrunk:
        empty = and_(*(c[name] == bindparam(f"of_{name}") for name in names), c.sessions == 0)
        connection.execute(delete(t.outcome_bins).where(empty), shrunk)
