"""What was known of sessions soon after their end, for a model that tells how they may end.

Of many sessions at once. The moment is so long after a session's end (``known_at``): nothing
later is read but what can't have been otherwise then. Of a change that was open by then only its
opening is told, its commits of that time and whether a bot opened it. Its size, title, labels and
draft state are kept as they are today, which tells of its review, so they are left out; so is
everything about people.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, Integer, String, Subquery, func, select

from domain.events import Quantity, Trace
from domain.folded import ContextSizes
from domain.labels import Link, TargetKind
from store import context_sizes, families
from store import tables as t
from store.given import given
from store.links import links_of
from store.membership import ChangeId, CommitId
from store.spent import COSTS
from store.tables import Moment

_BUCKETS = ("input", "cache_read", "cache_write", "output")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedModel:
    """What a session used of one model for one purpose; None where no signal told it.

    ``tokens`` are by bucket; both costs are in nano-dollars and never added, and of
    ``unreported_tokens`` none was reported.
    """

    model: str
    purpose: str
    requests: int | None
    failed_requests: int | None
    tokens: Mapping[str, int | None]
    reported_nanousd: int | None
    list_nanousd: int | None
    unreported_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedChange:
    """A change as it stood at the moment looked at.

    ``merged_at`` and ``closed_at`` are None where that came later. ``files`` is None where the
    forge did not list those of its commits.
    """

    repo: str
    number: int
    head_ref: str
    author_is_bot: bool
    opened_at: datetime
    merged_at: datetime | None
    closed_at: datetime | None
    commits: int
    files: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSession:
    """What was known of a session by ``known_at``, with all that belongs to it.

    ``counts`` are by quantity and item. ``versions`` maps the tool's versions to when any session
    first told them. ``links`` are all that it has by now, with when each piece of evidence was
    seen: which of them stood then is for ``classifier`` to say, and ``changes`` are theirs.
    """

    pk: int
    tool: str
    started_at: datetime
    ended_at: datetime
    known_at: datetime
    used: tuple[UsedModel, ...] = ()
    counts: Mapping[str, Mapping[str, int]]
    context: ContextSizes | None = None
    branches: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    tickets: int = 0
    commits: int = 0
    files_edited: int | None = None
    versions: Mapping[str, datetime]
    links: tuple[Link, ...] = ()
    changes: Mapping[ChangeId, OpenedChange]


def known_sessions(
    connection: Connection, session_pks: Collection[int], after: timedelta
) -> dict[int, KnownSession]:
    """What was known of these sessions so long after they ended; of those that stand alone."""
    members = families.members(connection, families.alone(connection, session_pks))
    asked = given(
        connection,
        {"pk": BigInteger(), "root": BigInteger()},
        [(pk, root) for root, all_of in members.items() for pk in all_of],
    )
    s = t.sessions.c
    rows = connection.execute(
        select(s.pk, s.tool, s.first_at, s.last_at).join(asked, asked.c.root == s.pk).distinct()
    ).all()
    known_at = {row.pk: row.last_at + after for row in rows}
    used = _used(connection, asked)
    counts = _counts(connection, asked)
    contexts = context_sizes.of(connection, members)
    traces = _traces(connection, asked)
    files = _files(connection, asked)
    versions = _versions_seen(connection)
    links = {
        pk: [each.link for each in of] for pk, of in links_of(connection, list(members)).items()
    }
    changes = _changes(connection, links, known_at)
    return {
        row.pk: KnownSession(
            pk=row.pk,
            tool=row.tool,
            started_at=row.first_at,
            ended_at=row.last_at,
            known_at=known_at[row.pk],
            used=tuple(used.get(row.pk, ())),
            counts=counts.get(row.pk, {}),
            context=contexts.get(row.pk),
            branches=_values(traces, row.pk, Trace.BRANCH),
            repositories=_values(traces, row.pk, Trace.REPOSITORY),
            tickets=len(_values(traces, row.pk, Trace.TICKET)),
            commits=len(_values(traces, row.pk, Trace.COMMIT)),
            files_edited=files.get(row.pk),
            versions={
                version: versions[row.tool, version]
                for version in _values(traces, row.pk, Trace.TOOL_VERSION)
            },
            links=tuple(links.get(row.pk, ())),
            changes=changes.get(row.pk, {}),
        )
        for row in rows
    }


def _used(connection: Connection, asked: Subquery) -> dict[int, list[UsedModel]]:
    u = t.usage.c
    names = ("requests", "failed_requests", *_BUCKETS)
    sums = (func.sum(u[name]).label(name) for name in names)
    query = (
        select(asked.c.root, u.model, u.purpose, *sums, *COSTS)
        .select_from(asked)
        .join(t.sessions, t.sessions.c.pk == asked.c.pk)
        .join(t.usage, (u.session_pk == asked.c.pk) & (u.rank == t.sessions.c.usage_rank))
        .group_by(asked.c.root, u.model, u.purpose)
        .order_by(asked.c.root, u.model, u.purpose)
    )
    found: dict[int, list[UsedModel]] = defaultdict(list)
    for row in connection.execute(query):
        told = {
            name: None if row._mapping[name] is None else int(row._mapping[name]) for name in names
        }
        found[row.root].append(
            UsedModel(
                model=row.model,
                purpose=row.purpose,
                requests=told["requests"],
                failed_requests=told["failed_requests"],
                tokens={bucket: told[bucket] for bucket in _BUCKETS},
                reported_nanousd=row.reported_nanousd,
                list_nanousd=row.list_nanousd,
                unreported_tokens=row.unreported_tokens,
            )
        )
    return found


def _counts(connection: Connection, asked: Subquery) -> dict[int, dict[str, dict[str, int]]]:
    """By quantity and item, each session's quantities from their best source."""
    c = t.session_counts.c
    query = (
        select(asked.c.root, c.session_pk, c.quantity, c.rank, c.item, c.amount)
        .join(asked, asked.c.pk == c.session_pk)
        .order_by(c.session_pk, c.quantity, c.rank, c.item)
    )
    best: dict[tuple[int, str], int] = {}
    found: dict[int, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in connection.execute(query):
        # What prompts a subagent is its parent's work, not the user's.
        if row.quantity == Quantity.PROMPTS.value and row.session_pk != row.root:
            continue
        if best.setdefault((row.session_pk, row.quantity), row.rank) == row.rank:
            items = found[row.root][row.quantity]
            items[row.item] = items.get(row.item, 0) + row.amount
    return found


def _traces(connection: Connection, asked: Subquery) -> dict[tuple[int, str], set[str]]:
    c = t.session_traces.c
    # Named by what it is not: else SQLite would go through all traces of these kinds.
    query = select(asked.c.root, c.trace, c.value).join(asked, asked.c.pk == c.session_pk)
    found: dict[tuple[int, str], set[str]] = defaultdict(set)
    for root, trace, value in connection.execute(query.where(c.trace != Trace.FILE.value)):
        found[root, trace].add(value)
    return found


def _values(
    traces: Mapping[tuple[int, str], Collection[str]], pk: int, trace: Trace
) -> tuple[str, ...]:
    return tuple(sorted(traces.get((pk, trace.value), ())))


def _files(connection: Connection, asked: Subquery) -> dict[int, int]:
    c = t.session_traces.c
    query = (
        select(asked.c.root, func.count(c.value.distinct()).label("files"))
        .join(asked, asked.c.pk == c.session_pk)
        .where(c.trace == Trace.FILE.value)
        .group_by(asked.c.root)
    )
    return {row.root: int(row.files) for row in connection.execute(query)}


def _versions_seen(connection: Connection) -> dict[tuple[str, str], datetime]:
    """When any session first told each version of its tool."""
    s, c = t.sessions.c, t.session_traces.c
    query = (
        select(s.tool, c.value, func.min(c.first_at))
        .join(t.session_traces, c.session_pk == s.pk)
        .where(c.trace == Trace.TOOL_VERSION.value)
        .group_by(s.tool, c.value)
    )
    return {(tool, version): first_at for tool, version, first_at in connection.execute(query)}


def _changes(
    connection: Connection, links: Mapping[int, Iterable[Link]], known_at: Mapping[int, datetime]
) -> dict[int, dict[ChangeId, OpenedChange]]:
    """The changes that each of these sessions is linked to and that were open by its moment."""
    pairs = [
        (pk, link.target.repo, int(link.target.id), known_at[pk])
        for pk, of in links.items()
        for link in of
        if link.target.kind == TargetKind.CHANGE
    ]
    columns = {"pk": BigInteger(), "repo": String(), "number": Integer(), "known_at": Moment()}
    wanted = given(connection, columns, pairs)
    c = t.changes.c
    same = (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    rows = connection.execute(
        select(
            *(wanted.c.pk, c.repo, c.number, c.head_ref, c.author_is_bot, c.created_at),
            *(c.merged_at, c.closed_at),
        )
        .join(wanted, same)
        .where(c.created_at <= wanted.c.known_at)
    ).all()
    commits, files = _held(connection, wanted)
    found: dict[int, dict[ChangeId, OpenedChange]] = defaultdict(dict)
    for row in rows:
        of = (row.pk, row.repo, row.number)
        found[row.pk][row.repo, row.number] = OpenedChange(
            repo=row.repo,
            number=row.number,
            head_ref=row.head_ref,
            author_is_bot=row.author_is_bot,
            opened_at=row.created_at,
            merged_at=_by(row.merged_at, known_at[row.pk]),
            closed_at=_by(row.closed_at, known_at[row.pk]),
            commits=commits.get(of, 0),
            files=files.get(of),
        )
    return found


def _by(at: datetime | None, moment: datetime) -> datetime | None:
    return at if at is not None and at <= moment else None


_Held = dict[tuple[int, str, int], int]


def _held(connection: Connection, wanted: Subquery) -> tuple[_Held, _Held]:
    """(commits, their files) of each change by its moment, by session, repository and number."""
    held, file = t.change_commits.c, t.commit_files.c
    commits = connection.execute(
        select(wanted.c.pk, held.repo, held.number, held.sha)
        .join(wanted, (wanted.c.repo == held.repo) & (wanted.c.number == held.number))
        .where(held.seen_at <= wanted.c.known_at)
    ).all()
    # In two steps: in one SQLite would go through all files of a repository.
    shas = given(
        connection,
        {"repo": String(), "sha": String()},
        sorted({(row.repo, row.sha) for row in commits}),
    )
    query = select(file.repo, file.sha, file.file).join(
        shas, (shas.c.repo == file.repo) & (shas.c.sha == file.sha)
    )
    touched: dict[CommitId, set[str]] = defaultdict(set)
    for repo, sha, name in connection.execute(query):
        touched[repo, sha].add(name)
    counts: _Held = defaultdict(int)
    files: dict[tuple[int, str, int], set[str]] = defaultdict(set)
    for row in commits:
        counts[row.pk, row.repo, row.number] += 1
        if (row.repo, row.sha) in touched:
            files[row.pk, row.repo, row.number] |= touched[row.repo, row.sha]
    return counts, {change: len(names) for change, names in files.items()}
