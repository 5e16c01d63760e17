"""What only Bitbucket Data Center's REST API tells: activities, files touched, builds."""

from collections.abc import Iterable, Iterator
from urllib.parse import quote

import msgspec

from collector.client_answer import Answer
from collector.forges import bitbucket_dc_words as words
from collector.forges.reading import Count, Sha, Text
from domain.pseudonym import Pseudonyms
from domain.work import CheckSeen, CheckState, FileTouched, Repository

PAGE = 100
"""How many things a page holds; servers give no more than their operator allows."""

_CHECKS = {
    "SUCCESSFUL": CheckState.SUCCESS,
    "FAILED": CheckState.FAILURE,
    "INPROGRESS": CheckState.RUNNING,
    "CANCELLED": CheckState.NEUTRAL,
    "UNKNOWN": CheckState.NEUTRAL,
}


class Thread(words.Comment, rename="camel"):
    """A comment and the answers to it."""

    comments: tuple["Thread", ...] = ()

    def all(self) -> Iterator[words.Comment]:
        """This comment and all below it."""
        yield self
        for each in self.comments:
            yield from each.all()


class _Commits(msgspec.Struct, frozen=True):
    commits: tuple[words.CommitTold, ...] = ()
    total: Count = 0


class Activity(msgspec.Struct, rename="camel"):
    """One entry of a pull request's history; a ``RESCOPED`` one moved its branches."""

    id: Count
    action: str
    created_date: words.Moment
    user: words.User | None = None
    comment: Thread | None = None
    comment_action: str = ""
    commit: words.CommitTold | None = None
    from_hash: Sha | None = None
    previous_from_hash: Sha | None = None
    added: _Commits = _Commits()
    removed: _Commits = _Commits()


class _Path(msgspec.Struct):
    text: Text = msgspec.field(name="toString")


class FileChange(msgspec.Struct):
    """One file of a diff."""

    path: _Path


class Build(msgspec.Struct, rename="camel"):
    """What a build says of a commit; ``key`` is the build's own name for itself."""

    key: Text
    state: str
    date_added: words.Moment


class Branch(msgspec.Struct, rename="camel"):
    """The default branch."""

    display_id: Text


def next_start(answer: Answer) -> int | None:
    """Where the next page begins; None at the end."""
    told = answer.json()
    if not isinstance(told, dict) or told.get("isLastPage") is not False:
        return None
    start = told.get("nextPageStart")
    return start if isinstance(start, int) else None


def following(answer: Answer) -> str | None:
    """The address of the next page: the same with another ``start``."""
    start = next_start(answer)
    if start is None:
        return None
    path, _, query = answer.url.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith("start=")]
    return f"{path}?{'&'.join([*kept, f'start={start}'])}"


def touched(told: Iterable[FileChange], pseudonyms: Pseudonyms) -> tuple[FileTouched, ...]:
    """The files of a diff, each once; the server counts no lines."""
    files = (pseudonyms.file(each.path.text) for each in told)
    return tuple(FileTouched(file=file) for file in dict.fromkeys(filter(None, files)))


def check(of: Repository, sha: str, told: Build) -> CheckSeen:
    """The result of a build."""
    state = _CHECKS.get(told.state, CheckState.NEUTRAL)
    return CheckSeen(
        repository=of, sha=sha, name=told.key, state=state, at=words.moment(told.date_added)
    )


def place(name: str) -> str:
    """Where a repository stands in the API: ``projects/KEY/repos/slug``."""
    owner, _, slug = name.partition("/")
    return f"projects/{quote(owner)}/repos/{quote(slug)}"
