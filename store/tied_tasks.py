"""The tickets that changes are tied to, what speaks for it, and what became of the tickets."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Integer, String, cast, or_, select

from domain.events import Trace
from domain.labels import TargetKind, Tier
from domain.outcomes import TieSource
from domain.tickets import TicketState, TieKind
from store import tables as t
from store.evidence import commits_of_changes
from store.given import given
from store.history import ChangeHistory
from store.membership import ChangeId

_CHANGE = {"repo": String(), "number": Integer()}
# Keys of Azure Boards are the same in all of its projects.
_AZURE = ("AB", "azure-devops")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A ticket moved; ``before`` is None where only the new state was told."""

    before: TicketState | None
    after: TicketState
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket that some tracker knows."""

    key: str
    kind: str | None
    labels: tuple[str, ...]
    state: TicketState
    created_at: datetime | None
    closed_at: datetime | None
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """What ties some changes to tickets.

    ``sources`` say by change which keys are told by what. ``tickets`` are those that a tracker
    knows, by key, and ``projects`` the projects that any tracker told of, as keys begin.
    """

    sources: Mapping[ChangeId, Mapping[str, frozenset[TieSource]]]
    tickets: Mapping[str, Ticket]
    projects: frozenset[str]


def ties_of(connection: Connection, known: Mapping[ChangeId, ChangeHistory]) -> Ties:
    """What ties these changes to tickets."""
    sources: dict[ChangeId, dict[str, set[TieSource]]] = defaultdict(lambda: defaultdict(set))
    for change, history in known.items():
        for key in history.tasks:
            sources[change][key].add(TieSource.NAMED)
    for source, of in (
        (TieSource.PROVIDER, _told_by_providers(connection, known)),
        (TieSource.COMMIT, _told_by_commits(connection, known)),
        (TieSource.SESSION, _told_by_sessions(connection, known)),
    ):
        for change, key in of:
            sources[change][key].add(source)
    keys = {key for of in sources.values() for key in of}
    return Ties(
        sources={
            change: {key: frozenset(told) for key, told in of.items()}
            for change, of in sources.items()
        },
        tickets=_tickets(connection, keys),
        projects=_projects(connection, {project_of(key) for key in keys}),
    )


def project_of(key: str) -> str:
    """What a key begins with: ``PAY`` of ``PAY-7``, ``owner/name`` of ``owner/name#7``."""
    return key.rpartition("#" if "#" in key else "-")[0]


def _told_by_providers(
    connection: Connection, known: Mapping[ChangeId, ChangeHistory]
) -> list[tuple[ChangeId, str]]:
    """By closing lists and links of trackers: to the change, its branch, or one of its commits."""
    targets: dict[tuple[str, str, str], list[ChangeId]] = defaultdict(list)
    for (repo, number), history in known.items():
        targets[TieKind.CHANGE.value, repo, str(number)].append((repo, number))
        targets[TieKind.BRANCH.value, repo, history.head_ref].append((repo, number))
    for (repo, number), shas in commits_of_changes(connection, known.keys()).items():
        for sha in shas:
            targets[TieKind.COMMIT.value, repo, sha].append((repo, number))
    wanted = given(
        connection, {"kind": String(), "repo": String(), "value": String()}, sorted(targets)
    )
    c = t.ticket_ties.c
    query = select(c.kind, c.repo, c.value, c.key).join(
        wanted,
        (wanted.c.repo == c.repo) & (wanted.c.kind == c.kind) & (wanted.c.value == c.value),
    )
    return [
        (change, key)
        for kind, repo, value, key in connection.execute(query)
        for change in targets[kind, repo, value]
    ]


def _told_by_commits(
    connection: Connection, known: Mapping[ChangeId, ChangeHistory]
) -> list[tuple[ChangeId, str]]:
    wanted = given(connection, _CHANGE, sorted(known))
    held, tasks = t.change_commits.c, t.commit_tasks.c
    query = (
        select(held.repo, held.number, tasks.key)
        .join(wanted, (wanted.c.repo == held.repo) & (wanted.c.number == held.number))
        .join(t.commit_tasks, (tasks.repo == held.repo) & (tasks.sha == held.sha))
    )
    return [((repo, number), key) for repo, number, key in connection.execute(query)]


def _told_by_sessions(
    connection: Connection, known: Mapping[ChangeId, ChangeHistory]
) -> list[tuple[ChangeId, str]]:
    wanted = given(connection, _CHANGE, sorted(known))
    links, traces = t.links.c, t.session_traces.c
    query = (
        select(wanted.c.repo, wanted.c.number, traces.value)
        .join(
            t.links,
            (links.repo == wanted.c.repo)
            & (links.kind == TargetKind.CHANGE.value)
            & (links.target_id == cast(wanted.c.number, String)),
        )
        .join(t.session_traces, traces.session_pk == links.session_pk)
        .where(traces.trace == Trace.TICKET.value, links.tier.in_([Tier.A.value, Tier.B.value]))
    )
    return [((repo, number), key) for repo, number, key in connection.execute(query)]


def _tickets(connection: Connection, keys: Collection[str]) -> dict[str, Ticket]:
    wanted = given(connection, {"key": String()}, [(key,) for key in sorted(keys)])
    c, m = t.tickets.c, t.ticket_moves.c
    moves: dict[str, list[Move]] = defaultdict(list)
    query = select(t.ticket_moves).join(wanted, wanted.c.key == m.key).order_by(m.at, m.to_state)
    for row in connection.execute(query):
        before = TicketState(row.from_state) if row.from_state else None
        moves[row.key].append(Move(before=before, after=TicketState(row.to_state), at=row.at))
    found: dict[str, Ticket] = {}
    rows = select(t.tickets).join(wanted, wanted.c.key == c.key).order_by(c.tracker.desc())
    for row in connection.execute(rows):
        found[row.key] = Ticket(
            key=row.key,
            kind=row.kind,
            labels=tuple(row.labels.split("\n")) if row.labels else (),
            state=TicketState(row.state),
            created_at=row.created_at,
            closed_at=row.closed_at,
            moves=tuple(moves.get(row.key, ())),
        )
    return found


def _projects(connection: Connection, named: Iterable[str]) -> frozenset[str]:
    names = sorted(set(named))
    wanted = given(connection, {"name": String()}, [(name,) for name in names])
    c = t.tickets.c
    boards, tracker = _AZURE
    known = or_(c.project == wanted.c.name, (wanted.c.name == boards) & (c.tracker == tracker))
    query = select(wanted.c.name).where(select(c.key).where(known).exists())
    return frozenset(connection.execute(query).scalars())
