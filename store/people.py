"""Who is who: what is said about identities, and the persons that follow from it.

Statements are only ever added; the operator's file may be replaced (``store.people_file``). What is
new marks the identities that it is about; the classifier resolves them anew, with all that hang
together with them (``classifier.identify``).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    String,
    Subquery,
    Table,
    bindparam,
    delete,
    or_,
    select,
)

from domain.events import Trace
from domain.people import Named, SamePerson, Statements, Strength
from store import outdated_days
from store import tables as t
from store.dirty import mark_labels, mark_sessions
from store.given import among, asking
from store.membership import chunks
from store.upsert import added, merge_into, replaced


def told(connection: Connection, same: Iterable[SamePerson], named: Iterable[Named]) -> None:
    """Keep what is said, and mark the identities about which something new was."""
    pairs = {
        (*sorted((each.one, each.other)), each.source, each.strength.value)
        for each in same
        if each.one != each.other
    }
    new_pairs = _new(connection, t.same_person, pairs)
    names = {(each.repo, each.name, each.identity) for each in named}
    new_names = _new(connection, t.display_names, names)
    about = {identity for pair in new_pairs for identity in pair[:2]}
    mark(connection, about | {name[2] for name in new_names})


def _new(
    connection: Connection, table: Table, told: Iterable[tuple[str, ...]]
) -> Sequence[tuple[str, ...]]:
    """Add these rows of nothing but their key; those that were not there before."""
    keys, columns = set(told), list(table.primary_key)
    known = select(*columns).where(among(connection, columns, sorted(keys)))
    held = {tuple(row) for row in connection.execute(known)}
    new = sorted(keys - held)
    names = [column.name for column in columns]
    merge_into(connection, table, [dict(zip(names, key, strict=True)) for key in new], {})
    return new


def mark(connection: Connection, identities: Iterable[str]) -> None:
    """Who these are must be resolved anew."""
    rows = [{"identity": identity, "marks": 1} for identity in sorted(set(identities))]
    merge_into(connection, t.dirty_people, rows, {"marks": added})


def marked(connection: Connection, limit: int) -> dict[str, int]:
    """Some marked identities with the marks that they have now."""
    query = select(t.dirty_people).limit(limit)
    return {row.identity: row.marks for row in connection.execute(query)}


def statements_about(connection: Connection, identities: Iterable[str]) -> Statements:
    """All that is said of these identities, and of all that hang together with them.

    What the file names hangs together with nothing: it is settled, whatever is said of it.
    """
    identities = set(identities)
    same: dict[tuple[str, ...], SamePerson] = {}
    named: dict[tuple[str, ...], Named] = {}
    filed: dict[str, str] = {}
    seen: set[str] = set()
    frontier = identities
    while frontier:
        seen |= frontier
        filed |= _filed(connection, frontier)
        open_ends = {each for each in frontier if each in identities or each not in filed}
        found = _pairs(connection, open_ends)
        same |= found
        names = _names(connection, open_ends)
        filed |= _filed(connection, {each.name for each in names.values()})
        named |= names
        told_of = {identity for each in found.values() for identity in (each.one, each.other)}
        frontier = told_of | {each.identity for each in names.values()}
        frontier -= seen
    return Statements(
        identities=frozenset(seen),
        same=tuple(same.values()),
        named=tuple(named.values()),
        filed=filed,
    )


def _filed(connection: Connection, values: Iterable[str]) -> dict[str, str]:
    table = t.people_file.c
    return {
        row.identity: row.person
        for some in chunks(sorted(values))
        for row in connection.execute(
            select(table.identity, table.person).where(table.identity.in_(some))
        )
    }


def _pairs(connection: Connection, about: Iterable[str]) -> dict[tuple[str, ...], SamePerson]:
    table = t.same_person.c
    return {
        tuple(row): SamePerson(
            one=row.one, other=row.other, strength=Strength(row.strength), source=row.source
        )
        for some in chunks(sorted(about))
        for row in connection.execute(
            select(t.same_person).where(or_(table.one.in_(some), table.other.in_(some)))
        )
    }


def _names(connection: Connection, of: Iterable[str]) -> dict[tuple[str, ...], Named]:
    """Everybody who bears a display name of one of these, in the same repository."""
    table = t.display_names.c
    places = {
        (row.repo, row.name)
        for some in chunks(sorted(of))
        for row in connection.execute(
            select(table.repo, table.name).where(table.identity.in_(some))
        )
    }
    named = among(connection, (table.repo, table.name), sorted(places))
    return {
        tuple(row): Named(repo=row.repo, name=row.name, identity=row.identity)
        for row in connection.execute(select(t.display_names).where(named))
    }


def keep(connection: Connection, identities: Iterable[str], persons: Mapping[str, str]) -> None:
    """Keep the persons of these identities; those without one are persons of their own.

    Sessions of everybody whom this joins or parts are marked.
    """
    before = _persons(connection, identities)
    joined = {of: person for of, person in persons.items() if before.get(of) != person}
    parted = before.keys() - persons.keys()
    affected = {before.get(of, of) for of in (*joined, *parted)} | set(joined.values())
    concerned = _of_persons(connection, affected) | affected
    if parted:
        gone = delete(t.persons).where(t.persons.c.identity == bindparam("of"))
        connection.execute(gone, [{"of": of} for of in sorted(parted)])
    rows = [{"identity": of, "person": person} for of, person in sorted(joined.items())]
    merge_into(connection, t.persons, rows, {"person": replaced})
    concerned |= _of_persons(connection, affected)
    sessions = _sessions(connection, concerned)
    mark_sessions(connection, sessions)
    if _in_teams(connection, affected):
        outdated_days.outdate_sessions(connection, sessions)


def _in_teams(connection: Connection, persons: Iterable[str]) -> bool:
    """Whether the usage of any of these persons is some team's for who they are."""
    return any(
        connection.execute(
            select(t.team_members.c.person).where(t.team_members.c.person.in_(some)).limit(1)
        ).first()
        for some in chunks(sorted(persons))
    )


def mark_labels_of(connection: Connection, persons: Collection[str]) -> None:
    """All sessions of these persons must be labelled anew."""
    identities = _of_persons(connection, persons) | set(persons)
    mark_labels(connection, _sessions(connection, identities))


def _sessions(connection: Connection, identities: Iterable[str]) -> set[int]:
    traces = t.session_traces.c
    return {
        pk
        for some in chunks(sorted(identities))
        for pk in connection.execute(
            select(traces.session_pk).where(
                traces.trace == Trace.IDENTITY.value, traces.value.in_(some)
            )
        ).scalars()
    }


def _persons(connection: Connection, identities: Iterable[str]) -> dict[str, str]:
    rows = _known_persons(connection, [(each,) for each in sorted(set(identities))])
    return {row.identity: row.person for row in rows}


@asking({"identity": String()})
def _known_persons(wanted: Subquery) -> Select[Any]:
    p = t.persons.c
    return select(p.identity, p.person).join(wanted, wanted.c.identity == p.identity)


def _of_persons(connection: Connection, persons: Iterable[str]) -> set[str]:
    return {
        identity
        for some in chunks(sorted(persons))
        for identity in connection.execute(
            select(t.persons.c.identity).where(t.persons.c.person.in_(some))
        ).scalars()
    }


def persons_of(connection: Connection, identities: Iterable[str]) -> dict[str, str]:
    """The person of each identity; one of which nothing is known is a person of its own."""
    wanted = set(identities)
    return {identity: identity for identity in wanted} | _persons(connection, wanted)


def identities_of(connection: Connection, person: str) -> frozenset[str]:
    """All identities of a person; of an identity that nothing is known of, itself."""
    return frozenset(_of_persons(connection, [person])) or frozenset({person})


def known_names(connection: Connection, persons: Iterable[str]) -> dict[str, str]:
    """Names in plain words, of those whose name is kept."""
    names = t.people_names.c
    found: dict[str, str] = defaultdict(str)
    for some in chunks(sorted(set(persons))):
        query = select(names.person, names.name).where(names.person.in_(some))
        found |= {row.person: row.name for row in connection.execute(query)}
    return dict(found)
