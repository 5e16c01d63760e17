"""The tickets that changes are tied to, what speaks for it, and what became of the tickets."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Select, String, Subquery, and_, or_, select

from domain.events import Trace
from domain.labels import TargetKind, Tier
from domain.outcomes import TieSource
from domain.tickets import TicketState, TieKind
from store import tables as t
from store.evidence import commits_of_changes
from store.given import asking
from store.history import ChangeHistory
from store.membership import ChangeId, CommitId

_CHANGE = {"repo": String(), "number": Integer()}
# Keys of Azure Boards are the same in all of its projects.
_AZURE = ("AB", "azure-devops")
_LOWER_KEY = re.compile(
    r"(?<![A-Za-z0-9])([a-z][a-z0-9]{1,9}-[1-9][0-9]{0,6})(?![A-Za-z0-9]|\.[0-9])"
)
# Whose keys are like PAY-7: what else looks so (UTC-5, NODE-20) is no ticket.
_KEYED = ("jira", "linear")


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
class Projects:
    """``told`` are those that any tracker told of, as keys begin.

    ``keyed`` says that a tracker whose keys are like ``PAY-7`` tells tickets of any project at all.
    """

    told: frozenset[str]
    keyed: bool

    def may_be_another_trackers(self, key: str) -> bool:
        """Whether this key, that is merely named, may be of a tracker that tells us nothing.

        Where one with such keys is connected more words look like keys than there are trackers.
        """
        return project_of(key) not in self.told and ("#" in key or not self.keyed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """What ties some changes to tickets.

    ``sources`` say by change which keys are told by what. ``tickets`` are those that a tracker
    knows, by key, and ``projects`` what is known of the projects that the keys name.
    """

    sources: Mapping[ChangeId, Mapping[str, frozenset[TieSource]]]
    tickets: Mapping[str, Ticket]
    projects: Projects


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
    written = {change: _lower_keys(history.head_ref) for change, history in known.items()}
    keys = {key for of in sources.values() for key in of}
    tickets = _tickets(connection, keys.union(*written.values()))
    for change, of_branch in written.items():
        for key in of_branch & tickets.keys():
            sources[change][key].add(TieSource.NAMED)
    return Ties(
        sources={
            change: {key: frozenset(told) for key, told in of.items()}
            for change, of in sources.items()
        },
        tickets=tickets,
        projects=projects_of(connection, keys),
    )


def _lower_keys(branch: str) -> set[str]:
    """What may be keys in lower case in the name of a branch, as they are written elsewhere.

    Most are words ("fix-2"): only those of known tickets count.
    """
    return {match[1].upper() for match in _LOWER_KEY.finditer(branch)}


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
    return [
        (change, key)
        for kind, repo, value, key in _ties(connection, sorted(targets))
        for change in targets[kind, repo, value]
    ]


@asking({"kind": String(), "repo": String(), "value": String()})
def _ties(wanted: Subquery) -> Select[Any]:
    c = t.ticket_ties.c
    return select(c.kind, c.repo, c.value, c.key).join(
        wanted,
        (wanted.c.repo == c.repo) & (wanted.c.kind == c.kind) & (wanted.c.value == c.value),
    )


def _told_by_commits(
    connection: Connection, known: Mapping[ChangeId, ChangeHistory]
) -> list[tuple[ChangeId, str]]:
    # Step by step: SQLite would begin with all that the repository's commits name.
    holding: dict[CommitId, list[ChangeId]] = defaultdict(list)
    for repo, number, sha in _listed(connection, sorted(known)):
        holding[repo, sha].append((repo, number))
    return [
        (change, key)
        for repo, sha, key in _named_in_commits(connection, sorted(holding))
        for change in holding[repo, sha]
    ]


@asking(_CHANGE)
def _listed(wanted: Subquery) -> Select[Any]:
    held = t.change_commits.c
    same = (wanted.c.repo == held.repo) & (wanted.c.number == held.number)
    return select(held.repo, held.number, held.sha).join(wanted, same)


@asking({"repo": String(), "sha": String()})
def _named_in_commits(wanted: Subquery) -> Select[Any]:
    tasks = t.commit_tasks.c
    same = (wanted.c.repo == tasks.repo) & (wanted.c.sha == tasks.sha)
    return select(tasks.repo, tasks.sha, tasks.key).join(wanted, same)


def _told_by_sessions(
    connection: Connection, known: Mapping[ChangeId, ChangeHistory]
) -> list[tuple[ChangeId, str]]:
    linking: dict[int, list[ChangeId]] = defaultdict(list)
    rows = [(repo, str(number)) for repo, number in sorted(known)]
    for repo, number, pk in _linked(connection, rows):
        linking[pk].append((repo, int(number)))
    asked = [(pk, Trace.TICKET.value) for pk in sorted(linking)]
    return [(change, key) for pk, key in _traced(connection, asked) for change in linking[pk]]


@asking({"repo": String(), "number": String()})
def _linked(wanted: Subquery) -> Select[Any]:
    links = t.links.c
    return (
        select(links.repo, links.target_id, links.session_pk)
        .join(wanted, (links.repo == wanted.c.repo) & (links.target_id == wanted.c.number))
        .where(links.kind == TargetKind.CHANGE.value, links.tier.in_([Tier.A.value, Tier.B.value]))
    )


@asking({"pk": BigInteger(), "trace": String()})
def _traced(wanted: Subquery) -> Select[Any]:
    traces = t.session_traces.c
    same = (traces.session_pk == wanted.c.pk) & (traces.trace == wanted.c.trace)
    return select(traces.session_pk, traces.value).join(wanted, same)


def _tickets(connection: Connection, keys: Collection[str]) -> dict[str, Ticket]:
    rows = [(key,) for key in sorted(keys)]
    moves: dict[str, list[Move]] = defaultdict(list)
    for row in _moves(connection, rows):
        before = TicketState(row.from_state) if row.from_state else None
        moves[row.key].append(Move(before=before, after=TicketState(row.to_state), at=row.at))
    found: dict[str, Ticket] = {}
    for row in _known(connection, rows):
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


@asking({"key": String()})
def _moves(wanted: Subquery) -> Select[Any]:
    m = t.ticket_moves.c
    query = select(t.ticket_moves).join(wanted, wanted.c.key == m.key)
    return query.order_by(m.at, m.to_state)


@asking({"key": String()})
def _known(wanted: Subquery) -> Select[Any]:
    c = t.tickets.c
    # Of a key that several trackers know the first one's ticket comes last and stands.
    return select(t.tickets).join(wanted, wanted.c.key == c.key).order_by(c.tracker.desc())


def projects_of(connection: Connection, keys: Iterable[str]) -> Projects:
    """What trackers told of the projects that these keys name."""
    rows = _told_of(connection, [(name,) for name in sorted({project_of(key) for key in keys})])
    return Projects(
        told=frozenset(row.name for row in rows if row.told),
        keyed=any(row.keyed for row in rows),
    )


@asking({"name": String()})
def _told_of(wanted: Subquery) -> Select[Any]:
    c = t.tickets.c
    boards, tracker = _AZURE
    named = select(c.key).where(c.project == wanted.c.name).exists()
    azure = select(c.key).where(c.tracker == tracker).exists()
    told = or_(named, and_(wanted.c.name == boards, azure))
    keyed = select(c.key).where(c.tracker.in_(_KEYED)).exists()
    return select(wanted.c.name, told.label("told"), keyed.label("keyed"))
