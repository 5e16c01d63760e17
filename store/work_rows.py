"""Rows of work to write in one go, and how each table merges what it is told again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, case
from sqlalchemy.sql.elements import ColumnElement

from domain.people import Named, SamePerson, Strength
from domain.work import Actor
from store import tables as t
from store.dirty import WorkMark
from store.standing import standing
from store.upsert import Merge, Row, earliest, either, latest, merge_into

_STANDS = standing("version")
_SIZED = standing("size_version")


def _same_forge(merge: Merge) -> Merge:
    """Merge only what the forge tells that the repository belongs to."""

    def merged(old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
        beside: Any = (old, new)
        ours = beside[0].table.c.forge == beside[1].table.c.forge
        return case((ours, merge(old, new)), else_=old)

    return merged


def _all_by(merge: Merge, *names: str) -> dict[str, Merge]:
    return dict.fromkeys(names, merge)


# In the order of writing. An account or a fork that is gone later is still whose work it was.
MERGES: Mapping[Table, Mapping[str, Merge]] = {
    t.repositories: _all_by(
        _same_forge(standing("default_version")), "default_branch", "default_version"
    ),
    t.changes: {
        **_all_by(
            _STANDS,
            *(
                "version",
                "state",
                "draft",
                "title",
                "title_key",
                "head_ref",
                "head_sha",
                "base_ref",
            ),
            *("merge_sha", "created_at", "updated_at", "closed_at"),
            *("tasks", "tools", "superseded_by"),
        ),
        **_all_by(_SIZED, "size_version", "additions", "deletions"),
        **_all_by(standing("changed_files_version"), "changed_files_version", "changed_files"),
        **_all_by(standing("commit_count_version"), "commit_count_version", "commit_count"),
        **_all_by(standing("labels_version"), "labels_version", "labels"),
        **_all_by(standing("head_repo_version"), "head_repo_version", "head_repo"),
        # What was merged stays so. Who only tells that it was is later than who tells when.
        **_all_by(earliest, "merged_at", "author", "author_name"),
        "author_is_bot": either,
    },
    t.change_people: {},
    t.change_tasks: {},
    t.change_listings: _all_by(latest, "commits_at", "files_at"),
    t.change_commits: {"seen_at": earliest, "listed_at": latest},
    t.change_files: _all_by(_STANDS, "version", "listed_at", "additions", "deletions"),
    t.commits: {
        # A push may tell one time for both; that of the work is never the later one.
        **_all_by(earliest, "authored_at", "committed_at", "author_name"),
        **_all_by(either, "author_is_bot", "files_told", "parents_told"),
    },
    t.commit_people: {"authored_at": earliest},
    t.commit_sessions: {},
    t.commit_tools: {},
    t.commit_tasks: {},
    t.commit_parents: {},
    t.commit_files: _all_by(latest, "additions", "deletions"),
    t.commit_aliases: {"seen_at": earliest},
    t.pushes: {"pushed_at": earliest, "tip": either},
    t.forced_pushes: {},
    t.reverts: {},
    t.reviews: {
        **_all_by(_STANDS, "version", "state", "reviewer", "bot"),
        # A forge that dates no votes tells one again with every delivery.
        "submitted_at": earliest,
    },
    t.checks: _all_by(_STANDS, "version", "state", "at"),
    t.deployments: {
        **_all_by(earliest, "at"),
        **_all_by(latest, "sha", "environment"),
        "production": either,
    },
    t.tickets: {
        **_all_by(
            _STANDS,
            *("version", "project", "kind", "title", "state", "state_name"),
            *("updated_at", "closed_at", "parent", "labels", "assignee"),
        ),
        "created_at": earliest,
    },
    t.ticket_moves: {},
    t.ticket_ties: {"seen_at": earliest},
}
"""How each table merges what it is told again, in the order of writing."""


@dataclass(slots=True)
class WorkRows:
    """What one call writes, by table, and what it touches."""

    rows: dict[Table, list[Row]] = field(default_factory=lambda: defaultdict(list))
    names: set[Named] = field(default_factory=set)
    same: set[SamePerson] = field(default_factory=set)
    marks: set[WorkMark] = field(default_factory=set)

    def add(self, table: Table, **values: Any) -> None:
        """One row."""
        self.rows[table].append(values)

    def name(self, repo: str, actor: Actor) -> None:
        """Who somebody is that worked there, and under which display name."""
        if actor.bot or not actor.identities:
            return
        one, *others = actor.identities
        self.same |= {
            SamePerson(one=one, other=other, strength=Strength.STRONG, source="author")
            for other in others
        }
        if actor.name:
            self.names |= {
                Named(repo=repo, name=actor.name, identity=identity)
                for identity in actor.identities
            }

    def mark(self, kind: str, repo: str, ids: Iterable[object]) -> None:
        """This must be concluded anew."""
        self.marks |= {WorkMark(kind, repo, str(each)) for each in ids}

    def write(self, connection: Connection) -> None:
        """Write all rows; in the order of their keys, so that two writers never deadlock."""
        for table, merges in MERGES.items():
            key = [column.name for column in table.primary_key]
            rows = sorted(self.rows[table], key=lambda row: [row[name] for name in key])
            merge_into(connection, table, rows, merges)
