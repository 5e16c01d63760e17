"""All that GitHub tells of one pull request, as what is written together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from collector.client import Client
from collector.client_answer import Tag
from collector.client_errors import NotAllowed, NotThere
from collector.forges import github_facts as facts
from collector.forges.errors import UnreadablePayload
from collector.forges.github_people import same_person
from collector.forges.github_shapes import (
    CheckRun,
    Commit,
    CommitStatus,
    File,
    PullRequest,
    Review,
)
from collector.source import readable
from domain.pseudonym import Pseudonyms
from domain.work import (
    ChangeCommits,
    ChangeFiles,
    ChangeSeen,
    ChangeState,
    CommitSeen,
    Repository,
    WorkFact,
)

_PAGE = {"per_page": 100}
# What GitHub lists of one change at most.
_MOST_COMMITS = 250
_MOST_FILES = 3000
# A change of more commits is a merge of branches: their files say little, and cost a call each.
_COMMITS_WITH_FILES = 100

_Told = TypeVar("_Told")


@dataclass(slots=True)
class ChangeReader:
    """Reads pull requests of one repository; each ``read`` fills what a page takes.

    ``tags`` and ``unreadable`` are of the change read last.
    """

    client: Client
    of: Repository
    pseudonyms: Pseudonyms
    now: datetime
    tags: list[Tag] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def read(self, told: PullRequest, known: Sequence[WorkFact]) -> tuple[WorkFact, ...]:
        """The facts about this pull request, with those that are known of it otherwise."""
        self.tags, self.unreadable = [], []
        path = f"repos/{self.of.name}/pulls/{told.number}"
        commits = self._list(f"{path}/commits", Commit)
        files = self._list(f"{path}/files", File)
        change = facts.change(self.of, _counted(told, commits, files), self.pseudonyms)
        found: list[WorkFact] = [change, *known]
        if commits is not None:
            found += self._commits(change, commits, files)
        if files is not None and len(files) < _MOST_FILES:
            found.append(
                ChangeFiles(
                    repository=self.of,
                    number=change.number,
                    seen_at=self.now,
                    files=facts.touched(files, self.pseudonyms),
                )
            )
        found += self._reviews(change, f"{path}/reviews")
        if change.state is ChangeState.CLOSED:
            found += self._checks(change.head_sha)
        return tuple(found)

    def _list(self, path: str, shape: type[_Told]) -> list[_Told] | None:
        """All of a list; None where it has not changed since it was read."""
        items: list[Any] = []
        tags: tuple[Tag, ...] = ()
        for number, answer in enumerate(self.client.pages(path, _PAGE, conditional=True)):
            if answer.unchanged:
                return None
            items += answer.items()
            # A full page stays the same while the list grows beyond it.
            alone = number == 0 and answer.next_link is None and len(items) < _PAGE["per_page"]
            tags = answer.tags if alone else ()
        self.tags += tags
        return list(self._readable(items, shape))

    def _readable(self, items: Sequence[Any], shape: type[_Told]) -> Iterator[_Told]:
        return readable(items, shape, facts.PROVIDER, self.unreadable)

    def _commits(
        self, change: ChangeSeen, told: Sequence[Commit], files: Sequence[File] | None
    ) -> list[WorkFact]:
        seen: list[CommitSeen] = []
        people: dict[WorkFact, None] = {}
        # The only commit of a change touches what the change touches.
        alone = files if len(told) == 1 and len(told[0].parents) == 1 else None
        for commit in told:
            try:
                if alone is not None:
                    own: Sequence[File] | None = alone
                else:
                    own = self.files_of(commit) if len(told) <= _COMMITS_WITH_FILES else None
                seen.append(facts.commit_seen(self.of, commit, self.pseudonyms, own))
            except UnreadablePayload as error:
                self.unreadable.append(error.code)
                continue
            same = same_person(facts.author_of(commit), self.pseudonyms)
            if same:
                people[same] = None
        listed = ChangeCommits(
            repository=self.of, number=change.number, seen_at=self.now, commits=tuple(seen)
        )
        whole = len(told) < _MOST_COMMITS and len(seen) == len(told)
        return [*([listed] if whole else []), *people]

    def files_of(self, commit: Commit) -> list[File] | None:
        """The files of a commit; None of a merge, and where they were read before."""
        path = f"repos/{self.of.name}/commits/{commit.sha}"
        if len(commit.parents) > 1 or self.client.marked(path):
            return None
        found: list[File] = []
        try:
            for answer in self.client.pages(path, _PAGE):
                whole = self._readable([answer.json()], Commit)
                found += [file for each in whole for file in each.files or ()]
        except NotThere:  # cleared away since its branch was written anew
            return None
        if len(found) >= _MOST_FILES:
            return None
        self.tags.append(self.client.mark(path))
        return found

    def _reviews(self, change: ChangeSeen, path: str) -> list[WorkFact]:
        found: list[WorkFact] = []
        for told in self._list(path, Review) or ():
            try:
                review = facts.review(self.of, change.number, told, self.pseudonyms)
            except UnreadablePayload as error:
                self.unreadable.append(error.code)
                continue
            if review:
                found.append(review)
        return found

    def _checks(self, sha: str) -> list[WorkFact]:
        """How the last commit of a change that was closed without a merge was judged."""
        path = f"repos/{self.of.name}/commits/{sha}"
        try:
            runs = self.client.get(f"{path}/check-runs", _PAGE).items("check_runs")
            states = self.client.get(f"{path}/status", _PAGE).items("statuses")
        except (NotAllowed, NotThere):
            return []
        seen = [
            *(facts.check_run(self.of, run) for run in self._readable(runs, CheckRun)),
            *(
                facts.commit_status(self.of, sha, state)
                for state in self._readable(states, CommitStatus)
            ),
        ]
        return [each for each in seen if each]


def _counted(
    told: PullRequest, commits: Sequence[Commit] | None, files: Sequence[File] | None
) -> PullRequest:
    """The change with counts, which a list of changes leaves out."""
    counts: dict[str, int] = {}
    if commits is not None and len(commits) < _MOST_COMMITS:
        counts["commits"] = len(commits)
    if files is not None and len(files) < _MOST_FILES:
        counts["changed_files"] = len(files)
        counts["additions"] = sum(file.additions or 0 for file in files)
        counts["deletions"] = sum(file.deletions or 0 for file in files)
    return msgspec.structs.replace(told, **counts)
