"""Reading one pull request of Bitbucket Data Center with all that belongs to it.

Four calls or more: its history (reviews, comments, pushes with what a forced one took away, the
commit that the merge made), its commits (before a squash), the files that it touches, and the
builds of its head. Each commit's own files are asked for once. Lines are not counted by the server.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from collector.client import Client
from collector.client_answer import Tag
from collector.client_errors import NotAllowed, NotThere
from collector.forges import bitbucket_dc_rest as rest
from collector.forges import bitbucket_dc_words as words
from collector.source import readable
from domain.pseudonym import Pseudonyms
from domain.work import (
    ChangeCommits,
    ChangeFiles,
    ChangeSeen,
    CommitSeen,
    CommitsPushed,
    Repository,
    ReviewSeen,
    ReviewState,
    WorkFact,
)

_OPINIONS = {"APPROVED": ReviewState.APPROVED, "REVIEWED": ReviewState.CHANGES_REQUESTED}
_GIVEN_UP, _RESCOPED, _MERGED, _COMMENTED = "UNAPPROVED", "RESCOPED", "MERGED", "COMMENTED"
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
        return f"api/latest/{rest.place(self.of.name)}"

    def read(self, told: words.PullRequest) -> tuple[WorkFact, ...]:
        """All facts of one pull request. Raises UnreadablePayload where itself can't be read."""
        self.tags, self.unreadable = [], []
        seen = replace(words.change(told, self.pseudonyms, None), repository=self.of)
        path = f"{self.root}/pull-requests/{told.id}"
        history = sorted(
            self.all_of(f"{path}/activities", rest.Activity) or (), key=lambda each: each.id
        )
        commits = self.all_of(f"{path}/commits", words.CommitTold)
        files = self.all_of(f"{path}/changes", rest.FileChange)
        made = next((each.commit for each in history if each.action == _MERGED), None)
        seen = replace(
            seen,
            merge_sha=made.id if made and seen.merged_at else seen.merge_sha,
            changed_files=None if files is None else len(files),
            commit_count=None if commits is None else len(commits),
        )
        facts: list[WorkFact] = [seen]
        if commits is not None:
            facts.append(
                ChangeCommits(
                    repository=self.of,
                    number=seen.number,
                    seen_at=seen.updated_at,
                    commits=tuple(self.commit_seen(each) for each in commits),
                )
            )
        if files is not None:
            facts.append(
                ChangeFiles(
                    repository=self.of,
                    number=seen.number,
                    seen_at=seen.updated_at,
                    files=rest.touched(files, self.pseudonyms),
                )
            )
        facts += self._said(seen, history)
        facts += self._pushed(seen, history)
        if made and seen.merged_at:
            facts.append(self._landed(seen, made))
        builds = self.all_of(f"build-status/latest/commits/{seen.head_sha}", rest.Build) or ()
        facts += (rest.check(self.of, seen.head_sha, each) for each in builds)
        return tuple(facts)

    def all_of(self, path: str, shape: type[_Told]) -> tuple[_Told, ...] | None:
        """All of a list; None where it is not there, or where a part of it can't be read."""
        found: list[_Told] = []
        before = len(self.unreadable)
        try:
            for answer in self.client.pages(path, {"limit": rest.PAGE}, following=rest.following):
                values = answer.items("values")
                found += readable(values, shape, words.PROVIDER, self.unreadable)
        except (NotThere, NotAllowed):
            return None
        return None if len(self.unreadable) > before else tuple(found)

    def commit_seen(self, told: words.CommitTold) -> CommitSeen:
        """A commit with its files, which are asked for once; not those of a merge."""
        seen = words.commit_seen(told, self.pseudonyms)
        path = f"{self.root}/commits/{told.id}/changes"
        if len(told.parents or ()) > 1 or self.client.marked(path):
            return seen
        files = self.all_of(path, rest.FileChange)
        if files is None:
            return seen
        self.tags.append(self.client.mark(path))
        return replace(seen, files=rest.touched(files, self.pseudonyms))

    def _said(self, seen: ChangeSeen, history: Sequence[rest.Activity]) -> Iterator[ReviewSeen]:
        """Reviews, each of the head that stood then, and comments with their answers."""
        head = next((e.previous_from_hash for e in history if e.previous_from_hash), seen.head_sha)
        holds: dict[tuple[str, ...], tuple[ReviewState, str]] = {}
        for each in history:
            if each.action == _RESCOPED:
                head = each.from_hash or head
            elif each.action == _COMMENTED and each.comment and each.comment_action != "DELETED":
                for one in each.comment.all():
                    yield words.comment(seen, one, self.pseudonyms)
            elif each.action == _GIVEN_UP or each.action in _OPINIONS:
                reviewer = words.actor(each.user, self.pseudonyms)
                given = _OPINIONS.get(each.action)
                # What is given up is what was said last, of the head that it was said of.
                said = (given, head) if given else holds.get(reviewer.identities)
                if said is not None:
                    at = words.moment(each.created_date)
                    holds[reviewer.identities] = said
                    yield words.review(seen, said[0], reviewer, said[1], at, withdrawn=not given)

    def _pushed(
        self, seen: ChangeSeen, history: Sequence[rest.Activity]
    ) -> Iterator[CommitsPushed]:
        home = replace(self.of, name=seen.head_repository or self.of.name)
        if home.name != self.of.name:
            home = replace(home, default_branch=None)
        for each in history:
            before, after = each.previous_from_hash, each.from_hash
            if each.action == _RESCOPED and before and after and before != after:
                yield CommitsPushed(
                    repository=home,
                    branch=seen.head_ref,
                    before=before,
                    after=after,
                    forced=each.removed.total > 0,
                    pushed_at=words.moment(each.created_date),
                    commits=tuple(
                        words.commit_seen(one, self.pseudonyms) for one in each.added.commits
                    ),
                )

    def _landed(self, seen: ChangeSeen, made: words.CommitTold) -> CommitsPushed:
        commit = words.commit_seen(made, self.pseudonyms)
        return CommitsPushed(
            repository=self.of,
            branch=seen.base_ref,
            before=next(iter(commit.parents or ()), commit.sha),
            after=commit.sha,
            forced=False,
            pushed_at=seen.merged_at or commit.authored_at,
            commits=(commit,),
        )
