"""From what was touched to what hangs on it: commits to decide, and sessions to label."""

from collections.abc import Iterable, Mapping

from classifier.rule_table import AUTHOR_UNKNOWN
from domain.labels import TargetKind
from store import aside, dirty, evidence, history
from store.dirty import CommitMark, Marks, WorkMark
from store.engine import Connection, Database
from store.membership import ChangeId, CommitId, changes_of_commits
from store.revert_names import changes_among, commits_among, named, undone_by
from store.shas import maybe_same_work
from store.traces import traces_of


def spread_sessions(database: Database, marks: Mapping[int, int]) -> None:
    """Spread these marked sessions."""
    with database.reading() as connection:
        traces = traces_of(connection, marks)
        commits = evidence.commits_concerned(connection, traces)
        commits |= evidence.linked_commits(connection, marks)
        found = _marks(connection, commits)
    with database.writing() as connection:
        dirty.mark_commits(connection, found)
        dirty.mark_labels(connection, marks)
        aside.concluded(connection, Marks.SESSIONS, marks)


def spread_work(database: Database, marks: Mapping[WorkMark, int]) -> None:
    """Spread this marked work."""
    with database.reading() as connection:
        commits, changes = _named(connection, marks)
        keys = {mark.target_id for mark in marks if mark.kind == TargetKind.TICKET}
        changes |= evidence.changes_of_tickets(connection, keys)
        # A revert lands with whatever carries it on.
        carried = history.merged_into(connection, changes)
        undone = undone_by(connection, changes | carried, commits)
        fallen = changes_among(undone).keys()
        affected = changes | history.affected_by(connection, changes, fallen)
        sessions = evidence.sessions_of_changes(connection, affected)
        standing = commits | commits_among(undone).keys()
        targets = [(str(TargetKind.COMMIT), repo, sha) for repo, sha in standing]
        targets += [(str(TargetKind.TICKET), "", key) for key in keys]
        sessions |= evidence.linked_sessions(connection, targets)
        found = _marks(connection, commits)
        # Of whom nobody knew any commit: until now nothing of theirs could be found.
        committers = {mark.person for mark in found if mark.person}
        sessions |= evidence.labelled_by(connection, AUTHOR_UNKNOWN, committers)
    with database.writing() as connection:
        dirty.mark_commits(connection, found)
        dirty.mark_labels(connection, sessions)
        dirty.mark_changes(connection, affected)
        aside.concluded(connection, Marks.WORK, marks)


def _named(
    connection: Connection, marks: Iterable[WorkMark]
) -> tuple[set[CommitId], set[ChangeId]]:
    """The commits that these marks concern, and the changes."""
    commits: set[CommitId] = set()
    changes: set[ChangeId] = set()
    names: set[tuple[str, str]] = set()
    for mark in marks:
        if mark.kind == TargetKind.COMMIT:
            commits.add((mark.repo, mark.target_id))
        elif mark.kind == TargetKind.CHANGE:
            changes.add((mark.repo, int(mark.target_id)))
        elif mark.kind != TargetKind.TICKET:
            names.add((mark.repo, f"commit:{mark.target_id}"))
    for targets in named(connection, names).values():
        for target in targets:
            if target.kind == TargetKind.CHANGE:
                changes.add((target.repo, int(target.id)))
            else:
                commits.add((target.repo, target.id))
    of_changes = evidence.commits_of_changes(connection, changes)
    commits |= {(repo, sha) for (repo, _), shas in of_changes.items() for sha in shas}
    others = maybe_same_work(connection, commits)
    commits |= {(repo, sha) for (repo, _), shas in others.items() for sha in shas}
    commits |= evidence.commits_after(connection, commits)
    containing = changes_of_commits(connection, commits)
    return commits, changes.union(*containing.values())


def _marks(connection: Connection, commits: set[CommitId]) -> list[CommitMark]:
    people = evidence.people_of(connection, commits)
    return [CommitMark(people.get(commit, ""), *commit) for commit in commits]
