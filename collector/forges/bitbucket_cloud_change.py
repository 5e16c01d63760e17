"""Reading one pull request of Bitbucket Cloud with all that belongs to it.

Six calls or more: its history (when it ended, reviews, comments, tips of its branch), its commits
(before a squash), the files that it touches, the statuses of its builds, and the commit that its
merge made, which is told by twelve digits only. Each commit's own files are asked for once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from collector.client import Client
from collector.client_answer import Tag
from collector.client_errors import NotThere
from collector.forges import bitbucket_cloud_rest as rest
from collector.forges import bitbucket_cloud_words as words
from collector.forges.errors import UnreadablePayload
from collector.source import readable
from domain.pseudonym import Pseudonyms
from domain.work import (
    ChangeCommits,
    ChangeFiles,
    ChangeSeen,
    ChangeState,
    CommitSeen,
    CommitsPushed,
    Repository,
    ReviewSeen,
    ReviewState,
    WorkFact,
)

_ENDS = {ChangeState.MERGED: "MERGED", ChangeState.CLOSED: "DECLINED"}
_Told = TypeVar("_Told")


@dataclass(slots=True)
class ChangeReader:
    """Reads pull requests of one repository; ``tags`` and ``unreadable`` are of the last one."""

    client: Client
    of: Repository
    pseudonyms: Pseudonyms
    tags: list[Tag] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    @property
    def root(self) -> str:
        """Where the repository stands."""
        return f"repositories/{self.of.name}"

    def read(self, told: words.PullRequest) -> tuple[WorkFact, ...]:
        """All facts of one pull request. Raises UnreadablePayload where itself can't be read."""
        self.tags, self.unreadable = [], []
        number, state = told.id, words.state(told)
        seen = words.change(self.of, told, state, self.pseudonyms)
        path = f"{self.root}/pullrequests/{number}"
        history = self.all_of(f"{path}/activity", rest.Activity) or ()
        commits = self.all_of(f"{path}/commits", words.CommitTold)
        diff = self.all_of(f"{path}/diffstat", rest.FileChange)
        made = self._made(told, state)
        whole = [each.hash for each in commits or ()]
        seen = replace(
            seen,
            head_sha=_whole(seen.head_sha, whole),
            merge_sha=made.hash if made else seen.merge_sha,
            **_ended(seen, history, made),
            **_sizes(diff),
            commit_count=None if commits is None else len(commits),
        )
        facts: list[WorkFact] = [seen]
        if commits is not None:
            held = tuple(self.commit_seen(each) for each in commits)
            facts.append(
                ChangeCommits(
                    repository=self.of, number=number, seen_at=seen.updated_at, commits=held
                )
            )
        if diff is not None:
            files = rest.touched(diff, self.pseudonyms)
            facts.append(
                ChangeFiles(repository=self.of, number=number, seen_at=seen.updated_at, files=files)
            )
        facts += self._reviews(number, history)
        facts += _pushes(seen, history, whole)
        if made and seen.merged_at:
            facts.append(self._landed(seen, self.commit_seen(made), seen.merged_at))
        statuses = self.all_of(f"{path}/statuses", words.Status) or ()
        facts += self._checks(statuses)
        return tuple(facts)

    def all_of(self, path: str, shape: type[_Told]) -> tuple[_Told, ...] | None:
        """All of a list; None where it is not there, or where a part of it can't be read."""
        found: list[_Told] = []
        before = len(self.unreadable)
        try:
            for answer in self.client.pages(path, {"pagelen": rest.PAGE}, following=rest.following):
                values = answer.items("values")
                found += readable(values, shape, words.PROVIDER, self.unreadable)
        except NotThere:
            return None
        return None if len(self.unreadable) > before else tuple(found)

    def commit_seen(self, told: words.CommitTold) -> CommitSeen:
        """A commit with its files, which are asked for once; not those of a merge."""
        seen = words.commit_seen(told, self.of.name, self.pseudonyms)
        path = f"{self.root}/diffstat/{told.hash}"
        if len(told.parents or ()) > 1 or self.client.marked(path):
            return seen
        diff = self.all_of(path, rest.FileChange)
        if diff is None:
            return seen
        self.tags.append(self.client.mark(path))
        return replace(seen, files=rest.touched(diff, self.pseudonyms))

    def _made(self, told: words.PullRequest, state: ChangeState) -> words.CommitTold | None:
        if state is not ChangeState.MERGED or told.merge_commit is None:
            return None
        return rest.whole_commit(self.client, self.root, told.merge_commit.hash)

    def _landed(self, seen: ChangeSeen, made: CommitSeen, at: datetime) -> CommitsPushed:
        return CommitsPushed(
            repository=self.of,
            branch=seen.base_ref,
            before=next(iter(made.parents or ()), made.sha),
            after=made.sha,
            forced=False,
            pushed_at=at,
            commits=(made,),
        )

    def _reviews(self, number: int, history: Sequence[rest.Activity]) -> Iterator[ReviewSeen]:
        for each in history:
            for opinion, state in (
                (each.approval, ReviewState.APPROVED),
                (each.changes_requested, ReviewState.CHANGES_REQUESTED),
            ):
                if opinion:
                    yield words.review(self.of, number, opinion, state, self.pseudonyms)
            if each.comment and not each.comment.deleted:
                said = each.comment
                yield words.comment(self.of, number, said, said.user, self.pseudonyms)

    def _checks(self, told: Sequence[words.Status]) -> Iterator[WorkFact]:
        for each in told:
            try:
                yield words.check(self.of, each)
            except UnreadablePayload as error:
                self.unreadable.append(error.code)


def _whole(short: str, known: Sequence[str]) -> str:
    """The whole SHA where exactly one of those known begins so."""
    found = {sha for sha in known if sha.startswith(short)}
    return found.pop() if len(found) == 1 else short


def _ended(
    seen: ChangeSeen, history: Sequence[rest.Activity], made: words.CommitTold | None
) -> dict[str, Any]:
    """When it was merged or declined: as its history says, else when the merge was committed."""
    end = _ENDS.get(seen.state)
    if end is None:
        return {}
    dates = [each.update.date for each in history if each.update and each.update.state == end]
    at = max(dates) if dates else made.date if made else seen.updated_at
    return {"closed_at": at, "merged_at": at if seen.state is ChangeState.MERGED else None}


def _sizes(diff: Sequence[rest.FileChange] | None) -> dict[str, Any]:
    if diff is None:
        return {}
    return {
        "additions": sum(each.lines_added or 0 for each in diff),
        "deletions": sum(each.lines_removed or 0 for each in diff),
        "changed_files": len(diff),
    }


def _pushes(
    seen: ChangeSeen, history: Sequence[rest.Activity], whole: Sequence[str]
) -> Iterator[CommitsPushed]:
    """Each tip that the branch had, of those that it still holds."""
    if seen.head_repository is None:
        return
    home = replace(seen.repository, name=seen.head_repository, default_branch=None)
    tips: dict[str, datetime] = {}
    for each in history:
        source = each.update.source if each.update else None
        if each.update and source and source.commit:
            tip = _whole(source.commit.hash, whole)
            if tip in whole:
                tips[tip] = min(tips.get(tip, each.update.date), each.update.date)
    for tip, at in sorted(tips.items(), key=lambda one: one[1]):
        yield CommitsPushed(
            repository=home,
            branch=seen.head_ref,
            before=tip,
            after=tip,
            forced=False,
            pushed_at=at,
            commits=(),
        )
