"""Who gets the weekly digest, as the operator's file says, and who has said that they want none.

Mail addresses stand here in plain words, since mail is sent to them; nowhere else.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, or_, select, union, update

from domain.digests import Recipient, Subscription
from store import people
from store import tables as t
from store.membership import chunks
from store.upsert import merge_into, replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledRecipient:
    """What the file says of an address: which teams' digests it gets, and whose it is."""

    address: str
    teams: frozenset[str]
    person: str | None = None


def import_recipients(
    connection: Connection, filed: Mapping[str, FiledRecipient], now: datetime
) -> None:
    """Take over these recipients, by the pseudonyms of their addresses, in the place of all before.

    What somebody got before and still gets holds since then. Who wants no more stays so; of those
    who are not among these any more nothing else is kept.
    """
    r, s = t.digest_recipients.c, t.digest_subscriptions.c
    held = connection.execute(select(r.identity)).scalars().all()
    gone = sorted(set(held) - filed.keys())
    for some in chunks(gone):
        connection.execute(
            delete(t.digest_recipients).where(r.identity.in_(some), r.unsubscribed_at.is_(None))
        )
        connection.execute(
            update(t.digest_recipients)
            .where(r.identity.in_(some))
            .values(address=None, person=None)
        )
    rows = [
        {"identity": identity, "address": each.address, "person": each.person}
        for identity, each in sorted(filed.items())
    ]
    merge_into(connection, t.digest_recipients, rows, {"address": replaced, "person": replaced})
    told = {(identity, team) for identity, each in filed.items() for team in each.teams}
    for identity, team in connection.execute(select(s.identity, s.team)).all():
        if (identity, team) not in told:
            connection.execute(
                delete(t.digest_subscriptions).where(s.identity == identity, s.team == team)
            )
    new = [{"identity": identity, "team": team, "added_at": now} for identity, team in sorted(told)]
    merge_into(connection, t.digest_subscriptions, new, {})


def recipients(connection: Connection) -> list[Recipient]:
    """All of them, by address; last those who are in no file any more."""
    r = t.digest_recipients.c
    subscriptions: dict[str, list[Subscription]] = defaultdict(list)
    s = t.digest_subscriptions.c
    for row in connection.execute(select(t.digest_subscriptions).order_by(s.identity, s.team)):
        subscriptions[row.identity].append(Subscription(team=row.team, added_at=row.added_at))
    query = select(t.digest_recipients).order_by(r.address.is_(None), r.address, r.identity)
    return [
        Recipient(
            identity=row.identity,
            address=row.address,
            person=row.person,
            unsubscribed_at=row.unsubscribed_at,
            subscriptions=tuple(subscriptions[row.identity]),
        )
        for row in connection.execute(query)
    ]


def person_of(connection: Connection, recipient: Recipient) -> str:
    """Whose address it is: as a file says, else as follows from what is known of identities."""
    if recipient.person is not None:
        return recipient.person
    f = t.people_file.c
    filed = select(f.person).where(f.identity == recipient.identity)
    told: str | None = connection.execute(filed).scalar_one_or_none()
    return told or people.persons_of(connection, [recipient.identity])[recipient.identity]


def unsubscribe(connection: Connection, identity: str, now: datetime) -> None:
    """Send nothing more to the address of this pseudonym, also if a file names it later."""
    row = {"identity": identity, "address": None, "person": None, "unsubscribed_at": now}
    merge_into(connection, t.digest_recipients, [row], {"unsubscribed_at": replaced})


def resubscribe(connection: Connection, identity: str) -> bool:
    """Send to it again what the file says; whether it had been unsubscribed."""
    r = t.digest_recipients.c
    changed = connection.execute(
        update(t.digest_recipients)
        .where(r.identity == identity, r.unsubscribed_at.is_not(None))
        .values(unsubscribed_at=None)
    )
    connection.execute(
        delete(t.digest_recipients).where(r.identity == identity, r.address.is_(None))
    )
    return changed.rowcount > 0


def forget(connection: Connection, identities: Collection[str]) -> None:
    """Delete whatever is known of the recipients of these pseudonyms, of address or person."""
    r = t.digest_recipients.c
    wanted = sorted(identities)
    theirs = connection.execute(
        select(r.identity).where(or_(r.identity.in_(wanted), r.person.in_(wanted)))
    ).scalars()
    for some in chunks(sorted({*theirs, *wanted})):
        for column in (
            r.identity,
            t.digest_subscriptions.c.identity,
            t.digest_sendings.c.recipient,
        ):
            connection.execute(delete(column.table).where(column.in_(some)))


def known_teams(connection: Connection) -> frozenset[str]:
    """Every team that the teams file or telemetry names."""
    told = union(
        select(t.team_members.c.team),
        select(t.contexts.c.team).where(t.contexts.c.team.is_not(None)),
    )
    return frozenset(connection.execute(told).scalars())
