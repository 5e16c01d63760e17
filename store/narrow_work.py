"""Which change each session worked on, and how large that is: by it, what kind of work it was."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, String, cast, select

from domain.labels import TargetKind, Tier
from store import families
from store import tables as t
from store.given import given
from store.membership import ChangeId
from store.sizes import LINES

_DECIDING = (Tier.A.value, Tier.B.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """The change that a session worked on; ``lines`` added and deleted, None where not told."""

    change: ChangeId
    lines: int | None


def work_of(connection: Connection, session_pks: Collection[int]) -> dict[int, Worked]:
    """The likeliest change of each of these sessions, of those that are linked to one.

    What belongs to another session worked on what that did. Only links that carry cost count.
    """
    shown = families.shown_as(connection, session_pks)
    if not shown:
        return {}
    wanted = given(connection, {"pk": BigInteger()}, [(pk,) for pk in set(shown.values())])
    k, c = t.links.c, t.changes.c
    query = (
        select(k.session_pk, c.repo, c.number, LINES.label("lines"))
        .join(wanted, wanted.c.pk == k.session_pk)
        .join(t.changes, (c.repo == k.repo) & (k.target_id == cast(c.number, String)))
        .where(k.kind == TargetKind.CHANGE.value, k.tier.in_(_DECIDING))
        .order_by(k.probability, c.repo.desc(), c.number.desc())
    )
    # Of each session the likeliest comes last and stands.
    found = {
        row.session_pk: Worked(change=(row.repo, row.number), lines=row.lines)
        for row in connection.execute(query)
    }
    return {pk: found[root] for pk, root in shown.items() if root in found}
