"""The operator's own word on who is who, as it was imported: hashed, but for names turned on."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, select

from store import people
from store import tables as t
from store.membership import chunks
from store.upsert import merge_into, replaced

NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledIdentity:
    """One row of the file: an identity, or (``kind`` is ``NAME``) a display name, of a person."""

    identity: str
    kind: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import changed, in rows."""

    added: int
    changed: int
    removed: int


def import_file(
    connection: Connection,
    rows: Mapping[str, FiledIdentity],
    names: Mapping[str, str],
    *,
    replace: bool,
) -> Imported:
    """Take over these rows (by identity), and mark whom they concern.

    ``names`` are the names in plain words to keep, by person. Rows of earlier imports that are not
    among these stay, unless they are to be replaced; so do names.
    """
    table = t.people_file
    kinds = {row.identity: row.kind for row in connection.execute(select(table))}
    kinds |= {of: row.kind for of, row in rows.items()}
    held = filed(connection)
    added = rows.keys() - held.keys()
    changed = {of for of in rows.keys() & held.keys() if held[of] != rows[of].person}
    removed = held.keys() - rows.keys() if replace else set()
    if removed:
        gone = delete(table).where(table.c.identity == bindparam("of"))
        connection.execute(gone, [{"of": of} for of in sorted(removed)])
    if replace:
        connection.execute(delete(t.people_names))
    merge_into(
        connection,
        table,
        [{"identity": of, "kind": rows[of].kind, "person": rows[of].person} for of in sorted(rows)],
        {"person": replaced, "kind": replaced},
    )
    merge_into(
        connection,
        t.people_names,
        [{"person": person, "name": names[person]} for person in sorted(names)],
        {"name": replaced},
    )
    touched = {*added, *changed, *removed}
    names_touched = {of for of in touched if kinds[of] == NAME}
    people.mark(connection, (touched - names_touched) | _bearers(connection, names_touched))
    return Imported(added=len(added), changed=len(changed), removed=len(removed))


def _bearers(connection: Connection, names: set[str]) -> set[str]:
    """Identities that bear one of these display names."""
    table = t.display_names.c
    return {
        identity
        for some in chunks(sorted(names))
        for identity in connection.execute(
            select(table.identity).where(table.name.in_(some))
        ).scalars()
    }


def filed(connection: Connection) -> dict[str, str]:
    """The person of every identity and display name in the file."""
    return {row.identity: row.person for row in connection.execute(select(t.people_file))}
