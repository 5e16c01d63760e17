"""What sessions spent, by model, person, team and repository; each with all that belong to it."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, Subquery, func, select

from domain.events import Quantity
from domain.people import somebody
from domain.usage import Tokens
from store import families
from store import tables as t
from store.given import GivenRow, asking
from store.report_usage import PERSON, TEAM, with_people

_ASKED = {"pk": BigInteger(), "root": BigInteger()}
_BUCKETS = ("input", "cache_read", "cache_write", "output")
_SUMMED = (*_BUCKETS, "requests", "failed_requests", "reported_nanousd", "list_nanousd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """One part of a session's usage, from its best signal; None where that did not tell.

    ``first_hour`` is the first hour since the epoch in which there was any of it.
    """

    model: str
    person: str | None
    team: str | None
    repo: str | None
    first_hour: int
    tokens: Tokens
    requests: int | None
    failed_requests: int | None
    reported_nanousd: int | None
    list_nanousd: int | None

    @property
    def somebody(self) -> str | None:
        """The person; None also for a machine that nobody is known for."""
        return somebody(self.person)


def booked(connection: Connection, session_pks: Collection[int]) -> dict[int, list[Booked]]:
    """What each of these sessions spent, in an order that depends on nothing else."""
    found: dict[int, list[Booked]] = defaultdict(list)
    rows = _spent(connection, _asked(connection, session_pks))
    for root, model, person, team, repo, hour, *told in rows:
        told_of = dict(zip(_SUMMED, map(_whole, told), strict=True))
        found[root].append(
            Booked(
                model=model,
                person=person,
                team=team,
                repo=repo,
                first_hour=hour,
                tokens=Tokens(**{name: told_of.pop(name) for name in _BUCKETS}),
                **told_of,
            )
        )
    for parts in found.values():
        parts.sort(key=_order)
    return found


@asking(_ASKED)
def _spent(asked: Subquery) -> Select[Any]:
    source = (
        asked.join(t.sessions, t.sessions.c.pk == asked.c.pk)
        .join(
            t.usage,
            (t.usage.c.session_pk == asked.c.pk) & (t.usage.c.rank == t.sessions.c.usage_rank),
        )
        .join(t.contexts, t.contexts.c.pk == t.usage.c.context_pk)
    )
    keys = (asked.c.root, t.usage.c.model, PERSON, TEAM, t.contexts.c.repo)
    sums = [func.sum(t.usage.c[name]) for name in _SUMMED]
    return (
        select(*keys, func.min(t.usage.c.hour), *sums)
        .select_from(with_people(source))
        .group_by(*keys)
    )


def _order(part: Booked) -> tuple[str, ...]:
    return part.model, part.person or "", part.team or "", part.repo or ""


def most_repeated(connection: Connection, session_pks: Collection[int]) -> dict[int, int]:
    """How often at most the very same call failed again in each session, of those where one did."""
    rows = _repeated(connection, _asked(connection, session_pks))
    best: dict[int, int] = {}
    for _, pk, _, rank, _ in rows:
        best[pk] = min(rank, best.get(pk, rank))
    found: dict[int, int] = defaultdict(int)
    for root, pk, _, rank, amount in rows:
        if rank == best[pk]:
            found[root] = max(found[root], int(amount))
    return dict(found)


@asking(_ASKED)
def _repeated(asked: Subquery) -> Select[Any]:
    c = t.session_counts.c
    return (
        select(asked.c.root, c.session_pk, c.item, c.rank, func.sum(c.amount))
        .join(asked, asked.c.pk == c.session_pk)
        .where(c.quantity == Quantity.REPEATED_FAILURES.value)
        .group_by(asked.c.root, c.session_pk, c.item, c.rank)
    )


def _asked(connection: Connection, session_pks: Collection[int]) -> list[GivenRow]:
    members = families.members(connection, families.alone(connection, session_pks))
    return [(pk, root) for root, all_of in members.items() for pk in all_of]


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
