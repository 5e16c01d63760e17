"""Reading one pull request of Azure DevOps with all that belongs to it.

Six calls or more: its threads (votes with their times, comments), its iterations (one a push), its
commits (before a squash), the files that it touches, the work items that it is linked to, and the
commit that its merge made. Each commit's own files are asked for once. Lines are not counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from collector.client import Client
from collector.client_answer import Answer, Tag
from collector.client_errors import NotThere
from collector.forges import azure_devops_boards as boards
from collector.forges import azure_devops_rest as rest
from collector.forges import azure_devops_words as words
from collector.source import readable
from domain.pseudonym import Pseudonyms
from domain.tickets import TicketTied, TieKind
from domain.work import (
    ChangeCommits,
    ChangeFiles,
    ChangeSeen,
    CommitSeen,
    CommitsPushed,
    Repository,
    WorkFact,
)

_FILES = 2000
_FORCED = ("forcepush", "rebase")
# How Azure Boards names such a link itself.
_LINK = "Pull Request"
_Told = TypeVar("_Told")


@dataclass(slots=True)
class ChangeReader:
    """Reads pull requests of one repository; ``tags`` and ``unreadable`` are of the last one."""

    client: Client
    of: Repository
    root: str
    pseudonyms: Pseudonyms
    tags: list[Tag] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def read(self, told: words.PullRequest, threads: Sequence[rest.Thread]) -> tuple[WorkFact, ...]:
        """All facts of one pull request. Raises UnreadablePayload where itself can't be read."""
        path = f"{self.root}/pullRequests/{told.pull_request_id}"
        iterations = self.all_of(f"{path}/iterations", rest.Iteration) or ()
        at = _last_touched(told, threads, iterations)
        seen = replace(words.change(told, self.pseudonyms, at), repository=self.of)
        commits = self.all_of(f"{path}/commits", rest.CommitListed, top=rest.TOP)
        files = self._files(f"{path}/iterations/{iterations[-1].id}") if iterations else None
        items = self.all_of(f"{path}/workitems", rest.WorkItemRef) or ()
        seen = replace(
            seen,
            changed_files=None if files is None else len(files),
            commit_count=None if commits is None else len(commits),
        )
        facts: list[WorkFact] = [seen]
        number, seen_at = seen.number, seen.updated_at
        if commits is not None:
            held = tuple(self.commit_seen(each) for each in commits)
            facts.append(
                ChangeCommits(repository=self.of, number=number, seen_at=seen_at, commits=held)
            )
        if files is not None:
            kept = rest.touched(files, self.pseudonyms)
            facts.append(
                ChangeFiles(repository=self.of, number=number, seen_at=seen_at, files=kept)
            )
        facts += rest.reviews(seen, threads, self.pseudonyms)
        facts += _pushes(seen, iterations)
        facts += self._landed(seen)
        facts += (_tie(seen, each) for each in items if each.id.isdecimal())
        return tuple(facts)

    def threads(self, number: int) -> tuple[rest.Thread, ...]:
        """All threads of a pull request that can be read."""
        return self.some_of(f"{self.root}/pullRequests/{number}/threads", rest.Thread)

    def all_of(
        self, path: str, shape: type[_Told], top: int | None = None
    ) -> tuple[_Told, ...] | None:
        """All of a list; None where it is not there, or where a part of it can't be read."""
        before = len(self.unreadable)
        try:
            found = self.some_of(path, shape, top)
        except NotThere:
            return None
        return None if len(self.unreadable) > before else found

    def some_of(self, path: str, shape: type[_Told], top: int | None = None) -> tuple[_Told, ...]:
        """All of a list that can be read."""
        query = {**rest.VERSION, **({"$top": top} if top else {})}
        return tuple(
            each
            for answer in self.client.pages(path, query, following=rest.following)
            for each in readable(answer.items("value"), shape, words.PROVIDER, self.unreadable)
        )

    def commit_seen(self, told: rest.CommitListed) -> CommitSeen:
        """A commit with its whole message, and its files, which are asked for once."""
        path = f"{self.root}/commits/{told.commit_id}"
        if told.comment_truncated:
            told = self._whole(path) or told
        seen = words.commit_seen(told, self.pseudonyms)
        if len(told.parents or ()) > 1 or self.client.marked(f"{path}/changes"):
            return seen
        files = self._skipping(f"{path}/changes", "changes", {"top": _FILES}, "skip")
        if files is None:
            return seen
        self.tags.append(self.client.mark(f"{path}/changes"))
        return replace(seen, files=rest.touched(files, self.pseudonyms))

    def _whole(self, path: str) -> rest.CommitListed | None:
        try:
            answer = self.client.get(path, rest.VERSION)
        except NotThere:
            return None
        told = readable([answer.json()], rest.CommitListed, words.PROVIDER, [])
        return next(told, None)

    def _files(self, path: str) -> tuple[rest.FileChange, ...] | None:
        """All files that differ from the base, not only from the iteration before."""
        query = {"$compareTo": 0, "$top": _FILES}
        return self._skipping(f"{path}/changes", "changeEntries", query, "$skip")

    def _skipping(
        self, path: str, name: str, query: Mapping[str, str | int], skip: str
    ) -> tuple[rest.FileChange, ...] | None:
        """All files of a list that goes on by number; None where it is not complete."""
        found: list[rest.FileChange] = []
        before, start = len(self.unreadable), 0
        while True:
            try:
                answer = self.client.get(path, {**rest.VERSION, **query, skip: start})
            except NotThere:
                return None
            items: list[Any] = answer.items(name)
            found += readable(items, rest.FileChange, words.PROVIDER, self.unreadable)
            start += len(items)
            if not _goes_on(answer, len(items)):
                return None if len(self.unreadable) > before else tuple(found)

    def pushed(self, push: int) -> tuple[CommitSeen, ...]:
        """The commits that a push added."""
        found: list[CommitSeen] = []
        query = {**rest.VERSION, "pushId": push, "top": rest.TOP}
        path, start = f"{self.root}/commits", 0
        while items := self.client.get(path, {**query, "skip": start}).items("value"):
            told = readable(items, rest.CommitListed, words.PROVIDER, self.unreadable)
            found += (self.commit_seen(each) for each in told)
            start += len(items)
        return tuple(found)

    def _landed(self, seen: ChangeSeen) -> Iterator[CommitsPushed]:
        if seen.merge_sha is None or seen.merged_at is None:
            return
        made = self._whole(f"{self.root}/commits/{seen.merge_sha}")
        if made is not None:
            commit = words.commit_seen(made, self.pseudonyms)
            yield CommitsPushed(
                repository=self.of,
                branch=seen.base_ref,
                before=next(iter(commit.parents or ()), commit.sha),
                after=commit.sha,
                forced=False,
                pushed_at=seen.merged_at,
                commits=(commit,),
            )


def _goes_on(answer: Answer, count: int) -> bool:
    """Whether there are more files: iterations say it, commits give a full page."""
    told = answer.json()
    if "nextSkip" in told:
        return count > 0 and bool(told["nextSkip"])
    return count >= _FILES


def _last_touched(
    told: words.PullRequest,
    threads: Sequence[rest.Thread],
    iterations: Sequence[rest.Iteration],
) -> datetime:
    """When a pull request last changed, which it does not say itself."""
    moments = [told.creation_date, *(each.created_date for each in iterations)]
    moments += [each.last_updated_date for each in threads]
    return max([*moments, *([told.closed_date] if told.closed_date else [])])


def _pushes(seen: ChangeSeen, iterations: Sequence[rest.Iteration]) -> Iterator[CommitsPushed]:
    home = replace(
        seen.repository,
        name=seen.head_repository or seen.repository.name,
        default_branch=None,
    )
    before: str | None = None
    for each in sorted(iterations, key=lambda one: one.id):
        tip = each.source_ref_commit.commit_id
        # The target may move too; that is no push of the author's.
        if tip != before:
            yield CommitsPushed(
                repository=home,
                branch=seen.head_ref,
                before=before or tip,
                after=tip,
                forced=any(word in each.reason.lower() for word in _FORCED),
                pushed_at=each.created_date,
                commits=(),
            )
        before = tip


def _tie(seen: ChangeSeen, told: rest.WorkItemRef) -> TicketTied:
    return TicketTied(
        tracker=words.NAME,
        key=boards.key(int(told.id)),
        kind=TieKind.CHANGE,
        repo=seen.repository.name,
        value=str(seen.number),
        relation=_LINK,
        seen_at=seen.updated_at,
    )
