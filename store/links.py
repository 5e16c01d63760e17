"""Links with their evidence: read, written where they changed, and reviewed."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Row,
    Select,
    String,
    Subquery,
    bindparam,
    delete,
    select,
    update,
)

from domain.labels import Evidence, Link, Target, TargetKind, Tier
from store import tables as t
from store.dirty import CommitMark, mark_commits, mark_labels
from store.given import asking
from store.membership import CommitId
from store.upsert import merge_into, replaced


class KeptLink(NamedTuple):
    """A link as it is kept, with the session's cost that is booked on it in nano-dollars."""

    id: str
    link: Link
    cost_nanousd: int | None


def links_of(connection: Connection, session_pks: Collection[int]) -> dict[int, list[KeptLink]]:
    """The links of these sessions, strongest first."""
    found: dict[int, list[KeptLink]] = defaultdict(list)
    for pk, kept in _kept(connection, _of_sessions(connection, [(pk,) for pk in session_pks])):
        found[pk].append(kept)
    return found


@asking({"pk": BigInteger()})
def _of_sessions(wanted: Subquery) -> Select[Any]:
    c = t.links.c
    query = select(t.links).join(wanted, wanted.c.pk == c.session_pk)
    return query.order_by(c.tier, c.probability.desc(), c.id)


def links_to(
    connection: Connection, commits: Collection[CommitId]
) -> dict[CommitId, dict[int, Link]]:
    """The links to these commits, by session."""
    found: dict[CommitId, dict[int, Link]] = defaultdict(dict)
    for pk, kept in _kept(connection, _to_commits(connection, commits)):
        found[kept.link.target.repo, kept.link.target.id][pk] = kept.link
    return found


@asking({"repo": String(), "sha": String()})
def _to_commits(wanted: Subquery) -> Select[Any]:
    c = t.links.c
    return (
        select(t.links)
        .join(wanted, (wanted.c.repo == c.repo) & (wanted.c.sha == c.target_id))
        .where(c.kind == TargetKind.COMMIT.value)
    )


def _kept(
    connection: Connection, rows: Sequence[Row[*tuple[Any, ...]]]
) -> list[tuple[int, KeptLink]]:
    evidence: dict[str, list[Evidence]] = {row.id: [] for row in rows}
    for row in _evidence(connection, [(each,) for each in evidence]):
        evidence[row.link_id].append(
            Evidence(kind=row.kind, value=row.value, observed_at=row.observed_at)
        )
    return [
        (
            row.session_pk,
            KeptLink(
                row.id,
                Link(
                    target=Target(kind=row.kind, repo=row.repo, id=row.target_id),
                    tier=Tier(row.tier),
                    probability=row.probability,
                    evidence=tuple(
                        sorted(evidence[row.id], key=lambda e: (e.kind, e.value, e.observed_at))
                    ),
                ),
                row.cost_nanousd,
            ),
        )
        for row in rows
    ]


@asking({"id": String()})
def _evidence(wanted: Subquery) -> Select[Any]:
    return select(t.link_evidence).join(wanted, wanted.c.id == t.link_evidence.c.link_id)


def put_links(connection: Connection, links: Iterable[tuple[int, Link, int | None]]) -> None:
    """Write these links of sessions, each with its share of the cost, over what is there."""
    rows: list[dict[str, object]] = []
    evidence: list[dict[str, object]] = []
    ids: list[str] = []
    for session_pk, link, cost in links:
        link_id = link_id_of(session_pk, link.target)
        ids.append(link_id)
        rows.append(
            {
                "id": link_id,
                "session_pk": session_pk,
                "kind": str(link.target.kind),
                "repo": link.target.repo,
                "target_id": link.target.id,
                "tier": link.tier.value,
                "probability": link.probability,
                "cost_nanousd": cost,
            }
        )
        evidence += [
            {
                "link_id": link_id,
                "kind": str(piece.kind),
                "value": piece.value,
                "observed_at": piece.observed_at,
            }
            for piece in link.evidence
        ]
    _drop_evidence(connection, ids)
    changed = dict.fromkeys(("tier", "probability", "cost_nanousd"), replaced)
    merge_into(connection, t.links, rows, changed)
    # Twice the same piece at two times: either says the same.
    merge_into(connection, t.link_evidence, evidence, {})


def drop_links(connection: Connection, ids: Collection[str]) -> None:
    """Take these links away."""
    _drop_evidence(connection, ids)
    if ids:
        gone = delete(t.links).where(t.links.c.id == bindparam("gone"))
        connection.execute(gone, [{"gone": each} for each in sorted(ids)])


def _drop_evidence(connection: Connection, ids: Collection[str]) -> None:
    if ids:
        gone = delete(t.link_evidence).where(t.link_evidence.c.link_id == bindparam("of"))
        connection.execute(gone, [{"of": each} for each in sorted(ids)])


def book(connection: Connection, costs: Mapping[str, int | None]) -> None:
    """Exchange the cost that is booked on these links (by id), in nano-dollars."""
    if costs:
        statement = update(t.links).where(t.links.c.id == bindparam("of"))
        rows = [{"of": each, "cost": cost} for each, cost in sorted(costs.items())]
        connection.execute(statement.values(cost_nanousd=bindparam("cost")), rows)


def link_id_of(session_pk: int, target: Target) -> str:
    """A link's id follows from what it ties: it stays when the link is found again."""
    told = f"{session_pk}\0{target.kind}\0{target.repo}\0{target.id}"
    return hashlib.blake2b(told.encode(), digest_size=10).hexdigest()


def review_link(
    connection: Connection, link_id: str, *, accepted: bool, by: str, at: datetime, note: str = ""
) -> bool:
    """Keep what a person said of a link, and have it concluded anew; False: there is none.

    The last review stands. A link that was rejected is gone once it was concluded, and comes back
    by no evidence; its review is found by what it tied.
    """
    c = t.links.c
    row = connection.execute(select(t.links).where(c.id == link_id)).first()
    if row is None:
        return False
    review = {
        "session_pk": row.session_pk,
        "kind": row.kind,
        "repo": row.repo,
        "target_id": row.target_id,
        "accepted": accepted,
        "reviewed_by": by,
        "reviewed_at": at,
        "note": note,
    }
    said = ("accepted", "reviewed_by", "reviewed_at", "note")
    merge_into(connection, t.link_reviews, [review], dict.fromkeys(said, replaced))
    if row.kind == TargetKind.COMMIT:
        mark_commits(connection, [CommitMark("", row.repo, row.target_id)])
    mark_labels(connection, [row.session_pk])
    return True


def reviews_of(
    connection: Connection, session_pks: Collection[int]
) -> dict[int, dict[Target, tuple[bool, str, datetime]]]:
    """What people said of the links of these sessions: accepted, by whom, when."""
    found: dict[int, dict[Target, tuple[bool, str, datetime]]] = defaultdict(dict)
    for row in _reviews(connection, [(pk,) for pk in session_pks]):
        target = Target(kind=row.kind, repo=row.repo, id=row.target_id)
        found[row.session_pk][target] = (row.accepted, row.reviewed_by, row.reviewed_at)
    return found


@asking({"pk": BigInteger()})
def _reviews(wanted: Subquery) -> Select[Any]:
    return select(t.link_reviews).join(wanted, wanted.c.pk == t.link_reviews.c.session_pk)


def proven_commits(connection: Connection) -> list[CommitId]:
    """The commits that a session is proven to have made, or that a person said something of."""
    c, r = t.links.c, t.link_reviews.c
    proven = select(c.repo, c.target_id).where(
        c.kind == TargetKind.COMMIT.value, c.tier == Tier.A.value
    )
    said = select(r.repo, r.target_id).where(r.kind == TargetKind.COMMIT.value)
    rows = {*connection.execute(proven), *connection.execute(said)}
    return sorted((repo, sha) for repo, sha in rows)
