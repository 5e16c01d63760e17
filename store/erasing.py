"""Taking a person out of the books: their pseudonyms become ones that nothing leads to.

Every identity of theirs, and every display name that nobody else bears, is replaced wherever it
stands by a random one that is kept nowhere else. So all sums, links and labels stay what they were,
also when they are concluded anew: the person is still one and the same, and nobody. What tells who
it was (names in plain words, the address for the digest) is deleted.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    String,
    Table,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from domain.events import Context, Trace
from domain.folded import context_pk
from store import digest_recipients, inbox, people, retention
from store import tables as t
from store.engine import Database
from store.given import given
from store.membership import chunks

NAMING: tuple[Column[str], ...] = (
    t.access_tokens.c.person,
    t.audit_log.c.person,
    t.browser_sessions.c.person,
    t.budgets.c.value,
    t.change_people.c.identity,
    t.changes.c.author,
    t.changes.c.author_name,
    t.commit_people.c.identity,
    t.commits.c.author_name,
    t.digest_recipients.c.identity,
    t.digest_recipients.c.person,
    t.digest_sendings.c.recipient,
    t.digest_subscriptions.c.identity,
    t.dirty_commits.c.person,
    t.dirty_people.c.identity,
    t.display_names.c.identity,
    t.display_names.c.name,
    t.ingest_keys.c.user,
    t.leak_people.c.person,
    t.link_evidence.c.value,
    t.outcome_people.c.person,
    t.people_file.c.identity,
    t.people_file.c.person,
    t.persons.c.identity,
    t.persons.c.person,
    t.request_spans.c.installation,
    t.request_spans.c.user,
    t.reviews.c.reviewer,
    t.same_person.c.one,
    t.same_person.c.other,
    t.session_traces.c.value,
    t.sessions.c.installation,
    t.team_members.c.person,
    t.tickets.c.assignee,
)
"""Every column that holds a pseudonym of a person. Of contexts there is more to do."""

MENTIONING: tuple[Column[str], ...] = (
    t.alert_events.c.sentence,
    t.alerts.c.facts,
    t.alerts.c.sentence,
    t.alerts.c.subject,
    t.audit_log.c.object,
    t.set_aside.c.key,
)
"""Every column with text in which a pseudonym may stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was done: pseudonyms replaced, and sessions, changes and commits that they stood in.

    ``shared_names`` display names are left, since others bear them too. ``waiting`` requests were
    not folded yet: what they tell of the person will be known anew.
    """

    identities: int
    sessions: int
    changes: int
    commits: int
    names_deleted: int
    shared_names: int
    waiting: int


def of_person(connection: Connection, identity: str) -> frozenset[str]:
    """All pseudonyms of the person with this one, as far as any of them stands in the books."""
    person = people.persons_of(connection, [identity])[identity]
    known = set(people.identities_of(connection, person)) | {identity, person}
    filed = t.people_file.c
    rows = connection.execute(
        select(filed.identity, filed.person).where(
            or_(filed.person.in_(known), filed.identity.in_(known))
        )
    )
    for row in rows:
        known |= {row.identity, row.person}
    return frozenset(known)


def stands(connection: Connection, identities: Collection[str]) -> bool:
    """Whether any of these pseudonyms stands anywhere in the books."""
    everywhere = (*NAMING, t.contexts.c.user)
    return any(
        connection.execute(select(column).where(column.in_(sorted(identities))).limit(1)).first()
        is not None
        for column in everywhere
    )


def erase(database: Database, identities: frozenset[str]) -> Erased:
    """Replace these pseudonyms of one person, in one transaction. Nobody folds meanwhile."""
    with database.arrivals.reading() as connection:
        waiting = sum(inbox.waiting(connection))
    with database.writing() as connection:
        retention.hold_alone(connection)
        names, shared = _names(connection, identities)
        new = {old: _anew(old) for old in sorted(identities | names)}
        told = Erased(
            identities=len(new),
            sessions=_sessions(connection, identities),
            changes=_count(connection, t.change_people, identities),
            commits=_count(connection, t.commit_people, identities),
            names_deleted=_forget_names(connection, identities),
            shared_names=shared,
            waiting=waiting,
        )
        digest_recipients.forget(connection, identities)
        _move_contexts(connection, new)
        for column in NAMING:
            _replace(connection, column, new)
        for column in MENTIONING:
            _rewrite(connection, column, new)
        return told


def overwrite(database: Database) -> bool:
    """Leave no old copy behind that we could reach; False where a reader of SQLite is in the way.

    SQLite overwrites what it deletes, but not what it has moved from page to page before: the file
    is written anew, which keeps writers waiting, and its log is cut. PostgreSQL's dead rows are
    vacuumed and its samples taken anew; its own log and copies are the operator's.
    """
    database.vacuum({column.table.name for column in (*NAMING, *MENTIONING, t.contexts.c.user)})
    return database.empty_log()


def _anew(old: str) -> str:
    """A pseudonym of the same kind that says nothing."""
    prefix = old[:2] if old[1:2] == "_" else "p_"
    return prefix + secrets.token_hex(10)


def _names(connection: Connection, identities: Collection[str]) -> tuple[set[str], int]:
    """Display names that only this person bears, and how many they share with others."""
    c = t.display_names.c
    borne = select(c.name).where(c.identity.in_(sorted(identities)))
    bearers = connection.execute(select(c.name, c.identity).where(c.name.in_(borne)))
    others: dict[str, bool] = {}
    for name, identity in bearers:
        others[name] = others.get(name, False) or identity not in identities
    return {name for name, shared in others.items() if not shared}, sum(others.values())


def _sessions(connection: Connection, identities: Collection[str]) -> int:
    c = t.session_traces.c
    told = select(c.session_pk).where(
        c.trace == Trace.IDENTITY.value, c.value.in_(sorted(identities))
    )
    return int(
        connection.execute(
            select(func.count()).select_from(told.distinct().subquery())
        ).scalar_one()
    )


def _count(connection: Connection, table: Table, identities: Collection[str]) -> int:
    """Rows of these identities, each change or commit once."""
    keys = [column for column in table.primary_key if column.name != "identity"]
    told = select(*keys).where(table.c.identity.in_(sorted(identities))).distinct().subquery()
    return int(connection.execute(select(func.count()).select_from(told)).scalar_one())


def _forget_names(connection: Connection, identities: Collection[str]) -> int:
    gone = delete(t.people_names).where(t.people_names.c.person.in_(sorted(identities)))
    return connection.execute(gone).rowcount


def _move_contexts(connection: Connection, new: Mapping[str, str]) -> None:
    """Contexts are known by what they hold: those of the person become others, with their usage."""
    c = t.contexts.c
    moved = {}
    for row in connection.execute(select(t.contexts).where(c.user.in_(sorted(new)))).all():
        told = Context(
            tool_version=row.tool_version,
            user=new[row.user],
            team=row.team,
            repo=row.repo,
            tier=row.tier,
        )
        values = {**row._mapping, "user": told.user, "pk": context_pk(told)}
        connection.execute(insert(t.contexts), values)
        moved[row.pk] = values["pk"]
    if not moved:
        return
    wanted = given(
        connection, {"old": BigInteger(), "new": BigInteger()}, list(moved.items()), "moved"
    )
    u = t.usage.c
    there = select(wanted.c.new).where(wanted.c.old == u.context_pk).scalar_subquery()
    connection.execute(
        update(t.usage).where(u.context_pk.in_(select(wanted.c.old))).values(context_pk=there)
    )
    for some in chunks(sorted(moved)):
        connection.execute(delete(t.contexts).where(c.pk.in_(some)))


def _replace(connection: Connection, column: Column[str], new: Mapping[str, str]) -> None:
    wanted = given(connection, {"old": String(), "new": String()}, list(new.items()), "renamed")
    anew = select(wanted.c.new).where(wanted.c.old == column).scalar_subquery()
    statement = update(column.table).where(column.in_(sorted(new))).values({column: anew})
    if column is t.session_traces.c.value:
        # There is an index by both.
        statement = statement.where(t.session_traces.c.trace == Trace.IDENTITY.value)
    connection.execute(statement)


def _rewrite(connection: Connection, column: Column[str], new: Mapping[str, str]) -> None:
    """Replace pseudonyms inside texts."""
    for old, to in sorted(new.items()):
        told = column.contains(old, autoescape=True)
        rewritten = func.replace(column, old, to)
        connection.execute(update(column.table).where(told).values({column: rewritten}))
