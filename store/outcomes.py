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
from secrets import randbits
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, String, and_, bindparam, delete, func, select

from domain.contributions import COUNTS, Contribution, Counts, Facet, Standing
from domain.weeks import BLOCK, HALF, QUARTER, block_of, half_of, quarter_of
from store import tables as t
from store.given import given
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


def paired(one: Facet, other: Facet) -> str:
    """The dimension of two facets' pairs of values; they come in the order of ``Facet``."""
    order = list(Facet)
    first, second = sorted((one, other), key=order.index)
    return f"{first},{second}"


class Cell(NamedTuple):
    """What something is summed in: a dimension with its values, over ``weeks`` from ``week`` on."""

    dimension: str
    weeks: int
    week: int
    value: str
    other: str


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
    told = {each.person for each in (*old.values(), *new.values()) if each.person is not None}
    numbers = _numbers(connection, told)
    changes = _Changes()
    for sign, of in ((-1, old), (1, new)):
        for each in of.values():
            _add(changes, each, numbers, sign)
    _write_sessions(connection, set(old) - set(new), new, numbers)
    _write_sums(connection, changes)
    _write_people(connection, changes)
    _write_bins(connection, changes)
    stamp(connection, {each.week for each in (*old.values(), *new.values())})


def stamp(connection: Connection, weeks: Iterable[int]) -> None:
    """Tell whoever remembers these weeks that they are not what they were.

    The stamp is drawn, so that none is ever seen again, in whichever database.
    """
    rows: list[Row] = [{"week": week, "stamp": randbits(63)} for week in sorted(set(weeks))]
    merge_into(connection, t.outcome_weeks, rows, {"stamp": replaced})


def lock(connection: Connection) -> None:
    """Let nobody else write sums until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def contributions_of(
    connection: Connection, session_pks: Collection[int]
) -> dict[int, Contribution]:
    """What these sessions add at present, of those that add anything."""
    wanted = given(connection, {"pk": BigInteger()}, [(pk,) for pk in session_pks])
    s, m, p = t.session_outcomes.c, t.session_model_outcomes.c, t.outcome_people.c
    models: dict[int, dict[str, Counts]] = defaultdict(dict)
    parts = select(t.session_model_outcomes).join(wanted, wanted.c.pk == m.session_pk)
    for row in connection.execute(parts).mappings():
        models[row["session_pk"]][row["model"]] = _counts(dict(row))
    query = (
        select(t.session_outcomes, p.person.label("pseudonym"))
        .join(wanted, wanted.c.pk == s.session_pk)
        .outerjoin(t.outcome_people, p.number == s.person)
    )
    return {
        row["session_pk"]: Contribution(
            week=row["week"],
            facets={facet: row[facet.value] for facet in _OWN},
            person=row["pseudonym"],
            standing=Standing(label=row["label"], maturity=row["maturity"], rule=row["rule"]),
            counts=_counts(dict(row)),
            models=models[row["session_pk"]],
            cost_bin=row["cost_bin"],
            lead_bins=tuple(json.loads(row["lead_bins"])),
        )
        for row in connection.execute(query).mappings()
    }


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
    p = t.outcome_people.c
    wanted = given(connection, {"person": String()}, [(each,) for each in sorted(set(persons))])
    query = select(p.person, p.number).join(wanted, wanted.c.person == p.person)
    return {row.person: row.number for row in connection.execute(query)}


def cells_of(contribution: Contribution) -> Iterator[tuple[str, str, str, Counts]]:
    """In which dimensions and values a session is summed, and with what."""
    values, counts = contribution.facets, contribution.counts
    yield EVERYTHING, "", "", counts
    for facet in _OWN:
        yield facet.value, values[facet], "", counts
    for model, part in contribution.models.items():
        yield Facet.MODEL.value, model, "", part
    for one, other in PAIRS:
        if Facet.MODEL not in (one, other):
            yield paired(one, other), values[one], values[other], counts
            continue
        for model, part in contribution.models.items():
            first = model if one is Facet.MODEL else values[one]
            second = model if other is Facet.MODEL else values[other]
            yield paired(one, other), first, second, part


def _spans(dimension: str, week: int) -> Iterator[tuple[int, int]]:
    """(weeks, first week) of the sums that a week belongs to."""
    if "," in dimension:
        yield QUARTER, quarter_of(week)
    else:
        yield 1, week
        yield BLOCK, block_of(week)
        yield HALF, half_of(week)


def _add(
    changes: _Changes, contribution: Contribution, numbers: Mapping[str, int], sign: int
) -> None:
    standing = contribution.standing
    labelled = (standing.label, standing.maturity, standing.rule)
    number = NOBODY if contribution.person is None else numbers[contribution.person]
    for dimension, value, other, counts in cells_of(contribution):
        amounts = [sign * counts.get(name, 0) for name in COUNTS]
        for weeks, week in _spans(dimension, contribution.week):
            key = _Key(dimension, weeks, week, value, other, *labelled)
            held = changes.sums.get(key)
            changes.sums[key] = (
                amounts
                if held is None
                else [one + more for one, more in zip(held, amounts, strict=True)]
            )
            if weeks in (1, QUARTER):  # who is in more than a week follows from its weeks
                changes.people[Cell(dimension, weeks, week, value, other)][number] += sign
        if "," not in dimension:
            _add_bins(changes, contribution, dimension, value, sign)


def _add_bins(
    changes: _Changes, contribution: Contribution, dimension: str, value: str, sign: int
) -> None:
    told = [("lead", each) for each in contribution.lead_bins]
    if contribution.cost_bin is not None:
        told.append((f"cost {contribution.facets[Facet.TOOL]}", contribution.cost_bin))
    for weeks, week in _spans(dimension, contribution.week):
        if weeks != 1:
            for kind, number in told:
                changes.bins[dimension, weeks, week, value, kind, number] += sign


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


def _write_people(connection: Connection, changes: _Changes) -> None:
    moved = {cell: more for cell, more in sorted(changes.people.items()) if any(more.values())}
    rows: list[Row] = []
    gone: list[Row] = []
    for cell, held in presence(connection, moved).items():
        held.update(moved[cell])
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


def presence(connection: Connection, cells: Collection[Cell]) -> dict[Cell, Counter[int]]:
    """How many sessions each person has in each of these cells."""
    kinds = (String(), BigInteger(), BigInteger(), String(), String())
    wanted = given(connection, dict(zip(_CELL, kinds, strict=True)), cells)
    c = t.outcome_presence.c
    same = and_(*(c[name] == wanted.c[name] for name in _CELL))
    found: dict[Cell, Counter[int]] = {cell: Counter() for cell in cells}
    query = select(t.outcome_presence).select_from(wanted.join(t.outcome_presence, same))
    for row in connection.execute(query):
        found[Cell(*row[:5])] = unpacked(row.people)
    return found


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
