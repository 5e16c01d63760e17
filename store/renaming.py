"""A repository gets another name: everything that is kept of it is moved there."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Table, and_, delete, exists, select, tuple_, update

from domain.events import Trace
from domain.labels import TargetKind
from domain.work import RepositoryRenamed
from store import renamed, reported
from store import tables as t
from store.dirty import WorkMark, mark_changes, mark_labels, mark_sessions, mark_unknown, mark_work
from store.standing import standing
from store.upsert import Merge, added, earliest, latest, merge_into
from store.work_rows import MERGES

# Clocks differ; what is told of so soon after a renaming says nothing of another repository.
_SLACK = timedelta(hours=1)
_KEPT: Mapping[Table, Mapping[str, Merge]] = {
    t.default_branches: {"first_at": earliest, "last_at": latest},
    t.display_names: {},
    t.link_reviews: {},
    t.landed_changes: {},
    t.learned_work_types: {},
    t.dirty_work: {"marks": added},
    t.dirty_commits: {"marks": added},
    t.dirty_changes: {"marks": added},
}


def rename(connection: Connection, facts: Sequence[RepositoryRenamed]) -> None:
    """Move what is kept of these repositories to their new names, in the order of time.

    Not where another forge tells of either name, nor where another repository has taken the old
    name by now: what is of which can't be told apart then, and the old name is lost from sight.
    """
    for fact in sorted(facts, key=lambda each: each.at):
        known = renamed.names(connection)
        after = renamed.today(fact.repository.name, fact.at, known)
        before = fact.before
        if before == after:
            continue
        forges = {
            row.repo: row.forge
            for row in connection.execute(
                select(t.repositories).where(t.repositories.c.repo.in_([before, after]))
            )
        }
        if forges.get(before, fact.repository.forge) != fact.repository.forge:
            continue
        if forges.get(after, fact.repository.forge) != fact.repository.forge or (
            before not in known and _taken_since(connection, before, fact.at)
        ):
            reported.lose(connection, {before: fact.at})
            continue
        renamed.keep(connection, before, after, fact.at)
        moves = before in forges and not _taken_since(connection, before, fact.at)
        if moves:
            _move(connection, before, after)
        c = t.changes.c
        connection.execute(update(t.changes).where(c.head_repo == before).values(head_repo=after))
        if moves or known.get(before, ("", fact.at))[0] != after:
            _mark(connection, before, after)


def _taken_since(connection: Connection, repo: str, at: datetime) -> bool:
    """Whether anything began there long after it had another name."""
    c, p = t.changes.c, t.pushes.c
    opened = exists().where(c.repo == repo, c.created_at > at + _SLACK)
    pushed = exists().where(p.repo == repo, p.pushed_at > at + _SLACK)
    return bool(connection.execute(select(opened | pushed)).scalar())


def _move(connection: Connection, before: str, after: str) -> None:
    _move_repository(connection, before, after)
    tables = {table: of for table, of in MERGES.items() if table is not t.repositories}
    for table, merges in (tables | dict(_KEPT)).items():
        if "repo" in table.c:
            _move_rows(connection, table, merges, before, after)
    # Found again under the new name, where the evidence is.
    gone = select(t.links.c.id).where(t.links.c.repo == before)
    connection.execute(delete(t.link_evidence).where(t.link_evidence.c.link_id.in_(gone)))
    pks = set(
        connection.execute(select(t.links.c.session_pk).where(t.links.c.repo == before)).scalars()
    )
    connection.execute(delete(t.links).where(t.links.c.repo == before))
    mark_labels(connection, pks)


def _move_repository(connection: Connection, before: str, after: str) -> None:
    c = t.repositories.c
    row = connection.execute(select(t.repositories).where(c.repo == before)).one()._asdict()
    merges = {name: standing("default_version") for name in ("default_branch", "default_version")}
    merge_into(connection, t.repositories, [{**row, "repo": after}], merges)
    connection.execute(delete(t.repositories).where(c.repo == before))


def _move_rows(
    connection: Connection, table: Table, merges: Mapping[str, Merge], before: str, after: str
) -> None:
    """Merge what is told under both names, as if it had been told twice; take the rest along."""
    key = [column for column in table.primary_key if column.name != "repo"]
    there = select(*key).where(table.c.repo == after)
    both = and_(table.c.repo == before, tuple_(*key).in_(there)) if key else None
    if both is not None:
        rows = [
            {**row._asdict(), "repo": after}
            for row in connection.execute(select(table).where(both))
        ]
        if rows:
            connection.execute(delete(table).where(both))
            merge_into(connection, table, rows, merges)
    connection.execute(update(table).where(table.c.repo == before).values(repo=after))


def _mark(connection: Connection, before: str, after: str) -> None:
    """All of it is concluded anew, and so is whoever works in a clone of the old name."""
    mark_unknown(connection)
    numbers = list(
        connection.execute(select(t.changes.c.number).where(t.changes.c.repo == after)).scalars()
    )
    shas: set[str] = set()
    for table in (t.commits, t.pushes, t.change_commits):
        shas |= set(
            connection.execute(
                select(table.c.sha).where(table.c.repo == after).distinct()
            ).scalars()
        )
    mark_work(
        connection,
        [
            *(WorkMark(TargetKind.CHANGE.value, after, str(each)) for each in numbers),
            *(WorkMark(TargetKind.COMMIT.value, after, each) for each in shas),
        ],
    )
    mark_changes(connection, [(after, number) for number in numbers])
    c = t.session_traces.c
    there = select(c.session_pk).where(c.trace == Trace.REPOSITORY.value, c.value == before)
    mark_sessions(connection, set(connection.execute(there).scalars()))
