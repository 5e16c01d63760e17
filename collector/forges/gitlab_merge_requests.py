"""One merge request of GitLab with all that belongs to it, asked for piece by piece.

Its commits (before a squash), the versions of its diff (one a push, with the commits that a force
push removed), the files with counts of lines, notes as review feedback, approvals, and the issues
it closes. What never changes is asked once: the files of a commit, the commits of an old version.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from collector.client_answer import Tag
from collector.client_errors import NotAllowed, NotThere
from collector.forges import gitlab_rest as rest
from collector.forges import gitlab_words as words
from collector.forges.errors import UnreadablePayload
from collector.forges.gitlab_lists import everything, one
from collector.forges.reading import read
from collector.source import Page, Reading, readable
from domain.work import (
    ChangeCommits,
    ChangeFiles,
    CommitSeen,
    CommitsPushed,
    FileTouched,
    Repository,
    WorkFact,
)

_Told = TypeVar("_Told")


class MergeRequests:
    """Reads the merge requests of one project."""

    def __init__(self, reading: Reading, place: Repository) -> None:
        self._reading = reading
        self._place = place
        # Paths of projects by number; None where they are gone.
        self._sources: dict[int, str | None] = {}

    def page(self, item: Any, cursor: str) -> Page:
        """Give everything about one of the list."""
        unreadable: list[str] = []
        try:
            told = read(item, rest.MergeRequest, words.PROVIDER)
            gathered = _Gathered(self._reading, self._place, told, unreadable)
            facts, tags = gathered.facts(self._source(told)), gathered.tags
        except UnreadablePayload as error:
            unreadable.append(error.code)
            return Page(cursor=cursor, unreadable=tuple(unreadable))
        return Page(facts=facts, cursor=cursor, tags=tuple(tags), unreadable=tuple(unreadable))

    def _source(self, told: rest.MergeRequest) -> str | None:
        """Give the path of the project that the branch is in; None where that is gone."""
        number = told.source_project_id
        if number is None:
            return None
        if number == told.target_project_id:
            return self._place.name
        if number not in self._sources:
            try:
                fork = one(self._reading.client.get(f"projects/{number}"), rest.Project)
                self._sources[number] = fork.path_with_namespace
            except (NotThere, NotAllowed):
                self._sources[number] = None
        return self._sources[number]


class _Gathered:
    def __init__(
        self,
        reading: Reading,
        place: Repository,
        told: rest.MergeRequest,
        unreadable: list[str],
    ) -> None:
        self._reading = reading
        self._place = place
        self._told = told
        self._unreadable = unreadable
        self._path = f"projects/{reading.scope.key}/merge_requests/{told.iid}"
        self.tags: list[Tag] = []

    def facts(self, source: str | None) -> tuple[WorkFact, ...]:
        """Ask for everything, and put it together."""
        reading, told, place = self._reading, self._told, self._place
        seen_at = words.moment(told.updated_at)
        commits, all_commits = self._all("commits", rest.Commit)
        diffs = self._diffs()
        notes, _ = self._all("notes", rest.Note, {"sort": "asc", "order_by": "created_at"})
        closed, _ = self._all("closes_issues", rest.Closed)
        held = tuple(self._commit(commit) for commit in commits)
        facts: list[WorkFact] = [
            *words.same_people((told.author, *(note.author for note in notes)), reading.pseudonyms),
            *rest.reviews(place, told.iid, notes, self._approvals(), reading.pseudonyms),
            *rest.ties(place, told, closed),
        ]
        if change := rest.change(place, told, commits, diffs, source, reading.pseudonyms):
            facts.append(change)
        if all_commits:
            facts.append(
                ChangeCommits(repository=place, number=told.iid, seen_at=seen_at, commits=held)
            )
            if source == place.name:
                facts += self._pushes(held)
        if diffs is not None:
            files = rest.touched(diffs, reading.pseudonyms)
            facts.append(
                ChangeFiles(repository=place, number=told.iid, seen_at=seen_at, files=files)
            )
        return tuple(facts)

    def _pushes(self, held: tuple[CommitSeen, ...]) -> Iterator[CommitsPushed]:
        """Give the pushes, oldest first; GitLab lists the versions newest first."""
        told, _ = self._all("versions", rest.Version)
        versions = sorted(told, key=lambda version: version.id)
        before: str | None = None
        for version in versions:
            after = version.head_commit_sha
            if after is None:
                continue
            commits = held if version is versions[-1] else self._commits_of(version)
            if commits is not None:
                branch, at = self._told.source_branch, version.created_at
                yield rest.pushed(self._place, branch, before, after, at, commits)
            before = after

    def _commits_of(self, version: rest.Version) -> tuple[CommitSeen, ...] | None:
        """Give what an older version held; None where that was read before."""
        client, path = self._reading.client, f"{self._path}/versions/{version.id}"
        if client.marked(path):
            return None
        told = client.get(path).items("commits")
        self.tags.append(client.mark(path))
        commits = readable(told, rest.Commit, words.PROVIDER, self._unreadable)
        return tuple(self._commit(commit) for commit in commits)

    def _commit(self, told: rest.Commit) -> CommitSeen:
        return commit_with_files(
            self._reading, self._place, told, self.tags, self._told.source_branch
        )

    def _diffs(self) -> list[rest.Diff] | None:
        """Give how all files differ, None where not all can be had."""
        try:
            diffs, complete = self._all("diffs", rest.Diff)
        except NotThere:  # before 15.7
            return None
        return diffs if complete else None

    def _approvals(self) -> rest.Approvals:
        try:
            return one(self._reading.client.get(f"{self._path}/approvals"), rest.Approvals)
        except (NotThere, NotAllowed):  # before 13.9 not in the free edition
            return rest.Approvals()

    def _all(
        self, name: str, shape: type[_Told], params: dict[str, str] | None = None
    ) -> tuple[list[_Told], bool]:
        """Give a list, and whether all of it could be read."""
        before = len(self._unreadable)
        client, path = self._reading.client, f"{self._path}/{name}"
        told = everything(client, path, shape, self._unreadable, params)
        return told, len(self._unreadable) == before


def commit_with_files(
    reading: Reading,
    place: Repository,
    told: rest.Commit,
    tags: list[Tag],
    branch: str | None = None,
) -> CommitSeen:
    """Give a commit with the files it touches, unless those were read before.

    Nobody is asked for those of a merge: how it differs from one parent is the other's work.
    """
    client = reading.client
    path = f"projects/{reading.scope.key}/repository/commits/{told.id}/diff"
    mark = client.mark(path)
    files: tuple[FileTouched, ...] | None = None
    merge = len(told.parent_ids or ()) > 1
    if not (merge or mark in tags or client.marked(path)):
        unreadable: list[str] = []
        try:
            diffs = everything(client, path, rest.Diff, unreadable)
        except NotThere:  # a force push removed it, and GitLab has cleaned up
            unreadable.append("gone")
        else:
            tags.append(mark)
        files = None if unreadable else rest.touched(diffs, reading.pseudonyms)
    return rest.commit_seen(place, told, files, reading.pseudonyms, branch)
