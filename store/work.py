"""Writing what forges and trackers said. Every fact may come again, late, or out of order.

Of two states of one thing the later stands (``store.standing``); everything else unites. Which
commits belong to a change is not written here but derived when read (``store.membership``), so
that the order in which a push and its change arrive makes no difference.

A repository's name belongs to the forge that told it first. Facts of another forge about the same
name are refused and counted: two histories under one name could not be told apart afterwards. Of
the repository not all is known from then on (``store.reported``).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from domain.default_branches import ToldDefault
from domain.folded import CoverageKey
from domain.people import SamePerson
from domain.tickets import TicketMoved, TicketSeen, TicketTied, TieKind
from domain.work import (
    ChangeCommits,
    ChangeFiles,
    ChangeSeen,
    ChangeState,
    CheckSeen,
    CheckState,
    CommitRewritten,
    CommitsPushed,
    DeploymentSeen,
    Repository,
    RepositoryRenamed,
    ReviewSeen,
    WorkFact,
)
from store import default_branches, people, renamed, reported, short_shas
from store import tables as t
from store.dirty import mark_unknown, mark_work
from store.membership import chunks
from store.renaming import rename
from store.standing import version
from store.work_changes import (
    change_rows,
    drop_replaced_files,
    list_commits,
    list_files,
    review_rows,
)
from store.work_commits import check_rows, deployment_rows, push_rows, rewrite_rows
from store.work_rows import WorkRows
from store.work_tickets import move_rows, ticket_rows, tie_rows

OTHER_FORGE = "other_forge"
"""What became of a fact about a repository that another forge has told of before."""

_WRITERS: Mapping[type, Callable[[WorkRows, Any], None]] = {
    ChangeSeen: change_rows,
    ChangeCommits: list_commits,
    ChangeFiles: list_files,
    CommitsPushed: push_rows,
    CommitRewritten: rewrite_rows,
    ReviewSeen: review_rows,
    CheckSeen: check_rows,
    DeploymentSeen: deployment_rows,
    TicketSeen: ticket_rows,
    TicketMoved: move_rows,
    TicketTied: tie_rows,
}


def apply(connection: Connection, facts: Sequence[WorkFact]) -> Counter[CoverageKey]:
    """Write these facts and mark what they touch; how many were refused, by repository."""
    refused: Counter[CoverageKey] = Counter()
    if not facts:
        return refused
    rename(connection, [fact for fact in facts if isinstance(fact, RepositoryRenamed)])
    facts = _under_names_of_today(connection, facts)
    facts = short_shas.lengthened(connection, facts)
    forges = _forges(connection, facts)
    rows = WorkRows()
    _keep_defaults(connection, facts, forges, rows)
    same: list[SamePerson] = []
    lost: dict[str, datetime] = {}
    for fact in facts:
        if isinstance(fact, SamePerson):
            same.append(fact)
            continue
        told = _repository(fact)
        if told and forges[told.name] != told.forge:
            refused[CoverageKey(told.forge, "webhook", told.name[:128], OTHER_FORGE)] += 1
            lost[told.name] = min(_worked_at(fact), lost.get(told.name, _worked_at(fact)))
        elif not isinstance(fact, RepositoryRenamed):
            _WRITERS[type(fact)](rows, fact)
    rows.write(connection)
    short_shas.complete(connection, rows, facts)
    drop_replaced_files(connection, rows)
    reported.lose(connection, lost)
    people.told(connection, (*same, *rows.same), rows.names)
    _mark_checked(connection, facts, rows)
    _mark_named(connection, rows)
    mark_work(connection, rows.marks)
    return refused


def _repository(fact: WorkFact) -> Repository | None:
    """The repository that a fact is about; None for what trackers tell."""
    return (
        None
        if isinstance(fact, TicketSeen | TicketMoved | TicketTied | SamePerson)
        else (fact.repository)
    )


def _under_names_of_today(connection: Connection, facts: Sequence[WorkFact]) -> Sequence[WorkFact]:
    known = renamed.names(connection)
    if not known:
        return facts
    times = (_told_at(fact) if _repository(fact) else None for fact in facts)
    return renamed.under_names_of_today(zip(facts, times, strict=True), known)


def _forges(connection: Connection, facts: Sequence[WorkFact]) -> dict[str, str]:
    """To which forge each repository of these facts belongs, from now on at least."""
    latest: dict[tuple[str, str], tuple[bytes, str | None]] = {}
    for fact in facts:
        told = _repository(fact)
        if told is None:
            continue
        branch = told.default_branch
        seen = (version(_told_at(fact), {"branch": branch}) if branch else b"", branch)
        key = (told.name, told.forge)
        latest[key] = max(seen, latest.get(key, seen))
    names = {name for name, _ in latest}
    known = _known_forges(connection, names)
    if names - known.keys():
        # Until now nothing could be said of sessions that worked in these repositories.
        mark_unknown(connection)
    rows = WorkRows()
    for (name, forge), (at, branch) in latest.items():
        rows.add(
            t.repositories,
            repo=name,
            forge=forge,
            default_branch=branch,
            default_version=at or None,
        )
    rows.write(connection)
    return known | _known_forges(connection, names - known.keys())


def _keep_defaults(
    connection: Connection, facts: Sequence[WorkFact], forges: Mapping[str, str], rows: WorkRows
) -> None:
    """Keep each default branch that was told; what came from or to one that is new is marked."""
    told: dict[str, list[ToldDefault]] = {}
    for fact in facts:
        of = _repository(fact)
        if of and of.default_branch and forges[of.name] == of.forge:
            at = _told_at(fact)
            told.setdefault(of.name, []).append(ToldDefault(of.default_branch, at, at))
    changed = default_branches.keep(connection, told)
    for repo, number in default_branches.changes_at(connection, changed):
        rows.mark("change", repo, [number])
    for repo, sha in default_branches.commits_at(connection, changed):
        rows.mark("commit", repo, [sha])


def _known_forges(connection: Connection, names: set[str]) -> dict[str, str]:
    known: dict[str, str] = {}
    for some in chunks(sorted(names)):
        query = select(t.repositories).where(t.repositories.c.repo.in_(some))
        known |= {row.repo: row.forge for row in connection.execute(query)}
    return known


def _told_at(fact: WorkFact) -> datetime:
    match fact:
        case ChangeSeen():
            return fact.updated_at
        case CommitsPushed():
            return fact.pushed_at
        case ReviewSeen():
            return fact.submitted_at
        case CheckSeen() | DeploymentSeen() | RepositoryRenamed() | TicketMoved():
            return fact.at
        case ChangeCommits() | ChangeFiles() | CommitRewritten() | TicketTied():
            return fact.seen_at
        case _:
            raise TypeError(f"{type(fact).__name__} is told of no repository at no time")


def _worked_at(fact: WorkFact) -> datetime:
    """When what the fact tells of had happened at the latest: some pushes come without a time."""
    at = _told_at(fact)
    if isinstance(fact, CommitsPushed) and fact.commits:
        at = min(at, max(each.committed_at or each.authored_at for each in fact.commits))
    return at


def _mark_checked(connection: Connection, facts: Sequence[WorkFact], rows: WorkRows) -> None:
    """Why a change was closed may be that its checks failed: only then do checks matter."""
    ended: dict[str, set[str]] = {}
    for fact in facts:
        if isinstance(fact, CheckSeen) and fact.state is not CheckState.RUNNING:
            ended.setdefault(fact.repository.name, set()).add(fact.sha)
    changes = t.changes.c
    for repo, shas in sorted(ended.items()):
        heads = select(changes.number).join(
            t.change_commits,
            (t.change_commits.c.repo == changes.repo)
            & (t.change_commits.c.number == changes.number)
            & (t.change_commits.c.sha == changes.head_sha),
        )
        for some in chunks(sorted(shas)):
            closed = heads.where(
                changes.repo == repo,
                changes.state == ChangeState.CLOSED.value,
                t.change_commits.c.sha.in_(some),
            )
            rows.mark("change", repo, connection.execute(closed).scalars())


def _mark_named(connection: Connection, rows: WorkRows) -> None:
    """A ticket matters to the changes that name it and to those that it is tied to."""
    keys = sorted({mark.target_id for mark in rows.marks if mark.kind == "ticket"})
    named, tied = t.change_tasks.c, t.ticket_ties.c
    for some in chunks(keys):
        for row in connection.execute(select(named.repo, named.number).where(named.key.in_(some))):
            rows.mark("change", row.repo, [row.number])
        for row in connection.execute(
            select(tied.repo, tied.value).where(
                tied.key.in_(some), tied.kind == TieKind.CHANGE.value
            )
        ):
            rows.mark("change", row.repo, [row.value])
