"""Which session a change or a task counts with, where several were at it: so it counts once.

It counts with the one of the greatest weight, of equal ones with the lowest key. Where a claim of
one session takes it from another, or gives it to another, that one is marked to be concluded anew.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    String,
    Subquery,
    and_,
    bindparam,
    delete,
    select,
)

from store import tables as t
from store.dirty import mark_labels
from store.given import asking
from store.upsert import merge_into, replaced

Weights = Mapping[str, int]
"""What a session claims, each with its weight."""


def settle(
    connection: Connection, session_pks: Collection[int], claims: Mapping[int, Weights]
) -> dict[int, frozenset[str]]:
    """Exchange the claims of these sessions for these; what each of them is given by it."""
    pks = set(session_pks)
    before = _held_by(connection, pks)
    refs = {ref for of in before.values() for ref in of}
    refs |= {ref for of in claims.values() for ref in of}
    if not refs:
        return {}
    held = _claims_on(connection, refs)
    owners = {ref: _owner(held.get(ref, {})) for ref in refs}
    gone = [(ref, pk) for pk, of in before.items() for ref in of if ref not in claims.get(pk, ())]
    for ref, pk in gone:
        del held[ref][pk]
    for pk, of in claims.items():
        for ref, weight in of.items():
            held[ref][pk] = weight
    _write(connection, gone, claims, before)
    owned: dict[int, set[str]] = defaultdict(set)
    moved: set[int] = set()
    for ref in refs:
        owner = _owner(held[ref])
        if owner in pks and owner is not None:
            owned[owner].add(ref)
        if owner != owners[ref]:
            moved |= {pk for pk in (owner, owners[ref]) if pk is not None} - pks
    mark_labels(connection, moved)
    return {pk: frozenset(of) for pk, of in owned.items()}


def _owner(weights: Mapping[int, int]) -> int | None:
    return min(weights, key=lambda pk: (-weights[pk], pk), default=None)


def _held_by(connection: Connection, pks: Iterable[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for ref, pk, weight in _of_sessions(connection, [(pk,) for pk in sorted(pks)]):
        found[pk][ref] = weight
    return found


@asking({"pk": BigInteger()})
def _of_sessions(wanted: Subquery) -> Select[Any]:
    c = t.outcome_claims.c
    return select(t.outcome_claims).join(wanted, wanted.c.pk == c.session_pk)


def _claims_on(connection: Connection, refs: Iterable[str]) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for ref, pk, weight in _on(connection, [(ref,) for ref in sorted(refs)]):
        found[ref][pk] = weight
    return found


@asking({"ref": String()})
def _on(wanted: Subquery) -> Select[Any]:
    return select(t.outcome_claims).join(wanted, wanted.c.ref == t.outcome_claims.c.ref)


def _write(
    connection: Connection,
    gone: Iterable[tuple[str, int]],
    claims: Mapping[int, Weights],
    before: Mapping[int, Weights],
) -> None:
    c = t.outcome_claims.c
    leaving = [{"of_ref": ref, "of_pk": pk} for ref, pk in sorted(gone)]
    if leaving:
        this = and_(c.ref == bindparam("of_ref"), c.session_pk == bindparam("of_pk"))
        connection.execute(delete(t.outcome_claims).where(this), leaving)
    rows = [
        {"ref": ref, "session_pk": pk, "weight": weight}
        for pk, of in sorted(claims.items())
        for ref, weight in sorted(of.items())
        if before.get(pk, {}).get(ref) != weight
    ]
    merge_into(connection, t.outcome_claims, rows, {"weight": replaced})
