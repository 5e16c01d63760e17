"""The names by which messages, texts, titles and branches revert work, and what these stand for."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Column, Connection, Select, String, Subquery, Table, and_, select

from domain.labels import Target, TargetKind
from store import tables as t
from store.evidence import commits_of_changes
from store.given import Asked, asking
from store.membership import ChangeId, CommitId, changes_of_commits
from store.shas import same_work
from store.titles import BUTTON, TITLED

_FULL = 40
LONGEST_LINE = 12
"""Of a line of reverts of reverts; whoever goes further plays."""

NAMED = {"repo": String(), "name": String()}

RevertName = tuple[str, str]
"""(repository, ``change:<number>``, ``commit:<maybe short SHA>``, ``title:<key>`` or
``button:<number>:<key of the branch>``)"""


def as_target(change: ChangeId) -> Target:
    """A change as what a revert is aimed at."""
    return Target(kind=TargetKind.CHANGE, repo=change[0], id=str(change[1]))


def changes_among(targets: Iterable[Target]) -> dict[ChangeId, Target]:
    """Those of these that are changes."""
    return {(x.repo, int(x.id)): x for x in targets if x.kind == TargetKind.CHANGE}


def commits_among(targets: Iterable[Target]) -> dict[CommitId, Target]:
    """Those of these that are commits."""
    return {(x.repo, x.id): x for x in targets if x.kind == TargetKind.COMMIT}


def undone_by(
    connection: Connection, changes: Collection[ChangeId], commits: Collection[CommitId] = ()
) -> set[Target]:
    """What stands or falls with these: what they revert, what reverts that they revert, and so on.

    Never too little; that a name is meant otherwise is seen by who looks at what reverts a target.
    """
    reached: set[Target] = set()
    frontier = {as_target(change) for change in changes}
    frontier |= {Target(kind=TargetKind.COMMIT, repo=repo, id=sha) for repo, sha in commits}
    for _ in range(LONGEST_LINE):
        undone = {
            (repo, name) for repo, name in _undone(connection, _names_of(connection, frontier))
        }
        following = {target for of in named(connection, undone).values() for target in of}
        frontier = following - reached
        reached |= following
        if not frontier:
            break
    return reached


def _names_of(connection: Connection, targets: Collection[Target]) -> list[RevertName]:
    """The names by which these revert others."""
    changes = changes_among(targets)
    shas = commits_among(targets).keys() | {
        (repo, sha)
        for (repo, _), of in commits_of_changes(connection, changes).items()
        for sha in of
    }
    names = [(repo, f"change:{number}") for repo, number in sorted(changes)]
    return names + [(repo, f"commit:{sha}") for repo, sha in sorted(shas)]


@asking(NAMED)
def _undone(wanted: Subquery) -> Select[Any]:
    c = t.reverts.c
    same = (wanted.c.repo == c.repo) & (wanted.c.name == c.reverting)
    return select(c.repo, c.reverted).join(wanted, same)


def named(connection: Connection, names: Iterable[RevertName]) -> dict[RevertName, set[Target]]:
    """What each of these names may stand for: nothing, where no such change or commit is known.

    A revert button's is taken for the change of its number, whose branch may be another one.
    """
    found: dict[RevertName, set[Target]] = defaultdict(set)
    shas: dict[tuple[str, str], RevertName] = {}
    titles: dict[tuple[str, str], RevertName] = {}
    for key in set(names):
        repo, name = key
        kind, _, told = name.partition(":")
        if kind in (TargetKind.CHANGE, BUTTON):
            found[key].add(as_target((repo, int(told.partition(":")[0]))))
        elif kind == TITLED:
            titles[repo, told] = key
        else:
            shas[repo, told] = key
    for prefix, targets in _commits_as_targets(connection, shas).items():
        found[shas[prefix]] |= targets
    for repo, number, title in _titled(connection, sorted(titles)):
        found[titles[repo, title]].add(as_target((repo, number)))
    return dict(found)


@asking({"repo": String(), "title": String()})
def _titled(wanted: Subquery) -> Select[Any]:
    c = t.changes.c
    same = (wanted.c.repo == c.repo) & (wanted.c.title == c.title_key)
    return select(c.repo, c.number, c.title_key).join(wanted, same)


def _commits_as_targets(
    connection: Connection, told: Collection[tuple[str, str]]
) -> dict[tuple[str, str], set[Target]]:
    """The known commits that begin so: the changes with the same work, and those in none."""
    meant = _known_commits(connection, told)
    holding = Holding(connection, {commit for of in meant.values() for commit in of})
    return {
        name: {
            target
            for commit in of
            for target in (
                *map(as_target, holding.changes(commit)),
                *([] if holding.itself(commit) else [_commit(commit)]),
            )
        }
        for name, of in meant.items()
    }


def _commit(commit: CommitId) -> Target:
    return Target(kind=TargetKind.COMMIT, repo=commit[0], id=commit[1])


class Holding:
    """Under which other SHAs each of some commits is known, and which changes hold it."""

    def __init__(self, connection: Connection, commits: Collection[CommitId]) -> None:
        self._same = same_work(connection, commits)
        others = {(repo, sha) for (repo, _), of in self._same.items() for sha in of}
        self._containing = changes_of_commits(connection, {*commits, *others})

    def same(self, commit: CommitId) -> set[str]:
        """All SHAs of the work of a commit, with its own."""
        return {commit[1], *self._same.get(commit, ())}

    def itself(self, commit: CommitId) -> set[ChangeId]:
        """The changes that hold this very commit."""
        return self._containing.get(commit, set())

    def changes(self, commit: CommitId) -> set[ChangeId]:
        """The changes that hold a commit, or the same work under another SHA."""
        repo, _ = commit
        return set[ChangeId]().union(*(self.itself((repo, sha)) for sha in self.same(commit)))


def _known_commits(
    connection: Connection, told: Collection[tuple[str, str]]
) -> dict[tuple[str, str], set[CommitId]]:
    # Hexadecimal digits sort below "g".
    rows = [(repo, sha, sha if len(sha) >= _FULL else sha + "g") for repo, sha in sorted(told)]
    found: dict[tuple[str, str], set[CommitId]] = defaultdict(set)
    for asked in _BEGINNING:
        for repo, short, of, sha in asked(connection, rows):
            if of == repo:
                found[repo, short].add((repo, sha))
    return found


def _beginning(table: Table, column: Column[str]) -> Asked:
    """The commits of a table whose SHA begins so."""

    @asking({"repo": String(), "told": String(), "end": String()})
    def query(wanted: Subquery) -> Select[Any]:
        # By SHA alone: SQLite would read the whole repository for one commit of it.
        begins = and_(column >= wanted.c.told, column <= wanted.c.end)
        return select(wanted.c.repo, wanted.c.told, table.c.repo, column).join(table, begins)

    return query


_BEGINNING = (
    _beginning(t.commits, t.commits.c.sha),
    _beginning(t.pushes, t.pushes.c.sha),
    _beginning(t.change_commits, t.change_commits.c.sha),
    _beginning(t.changes, t.changes.c.merge_sha),
)
