"""Reading Gitea and Forgejo: pull requests with all that is theirs, the default branch, issues.

Pull requests are listed by time of change, newest first, down to where the last pass ended
(``collector.passes.NewestFirst``). Issues changed since a moment are listed by number: what changes
meanwhile only joins the list, so that a page can be asked for again. The default branch is read
from the tip that was read last to today's.

A pull request that changed takes five calls. Gitea sets no limit of its own; pages hold 50 things
unless its operator chose otherwise.

https://docs.gitea.com/api/
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import msgspec

from collector.client import Client
from collector.client_errors import NotAllowed, NotThere
from collector.forges import gitea_rest as rest
from collector.forges import gitea_words as words
from collector.forges import mailmap
from collector.forges.gitea_words import Comment, Issue, PullRequest, User
from collector.forges.reading import Sha
from collector.passes import NewestFirst, at_moment
from collector.shaped import shaped
from collector.source import Finding, Page, Reading, Scope, Source, Stream, bearer, readable
from domain.work import ChangeCommits, ChangeFiles, Repository, WorkFact

_LIMIT = 50
_PAGED: Mapping[str, str | int] = {"limit": _LIMIT}
_Told = TypeVar("_Told")


class _Since(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cursor: of what changed since ``since``, ``pages`` were read, the latest at ``top``."""

    since: datetime | None = None
    pages: int = 0
    top: datetime | None = None


class _Branch(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cursor: all commits up to ``read`` were read, and ``pages`` of those up to ``tip``.

    ``first`` is the commit to which the first parents of those read lead.
    """

    read: str | None = None
    tip: str | None = None
    pages: int = 0
    first: str | None = None


class _TipCommit(msgspec.Struct):
    id: Sha


class _Tip(msgspec.Struct):
    commit: _TipCommit


def _root(url: str) -> str:
    told = url.rstrip("/")
    return told if told.endswith("/api/v1") else f"{told}/api/v1"


# What can be read


def _scopes(client: Client, wanted: Sequence[str]) -> Iterator[Scope]:
    """Give the repositories; ``owner/*`` stands for all of an organisation or person."""
    if not wanted:
        # A token sees all that are public; meant are those that it was given.
        yield from _repositories(client, "user/repos")
    for name in wanted:
        owner, _, repository = name.partition("/")
        if repository == "*":
            yield from _repositories(client, f"users/{quote(owner, safe='')}/repos")
            continue
        try:
            yield _scope(shaped(client.get(f"repos/{quote(name)}"), rest.Listed, words.PROVIDER))
        except (NotThere, NotAllowed):
            yield Scope(name=name.lower())


def _repositories(client: Client, path: str) -> Iterator[Scope]:
    for answer in client.pages(path, _PAGED):
        for repository in readable(answer.items(), rest.Listed, words.PROVIDER, []):
            yield _scope(repository)


def _scope(told: rest.Listed) -> Scope:
    branch = None if told.empty else told.default_branch
    return Scope(name=told.full_name.lower(), key=quote(told.full_name), default_branch=branch)


# Streams


def _changes(reading: Reading) -> Iterator[Page]:
    newest = NewestFirst(reading.cursor, reading.since)
    params: dict[str, str | int] = {"state": "all", "sort": "recentupdate", "limit": _LIMIT}
    for answer in reading.client.pages(f"{_path(reading)}/pulls", params):
        unreadable: list[str] = []
        pulls = list(readable(answer.items(), PullRequest, words.PROVIDER, unreadable))
        if unreadable:
            yield Page(unreadable=tuple(unreadable))
        for told in pulls:
            at = words.moment(told.updated_at)
            if newest.wants(at):
                page = _pull_request(reading, told)
                newest.read(at)
                yield replace(page, cursor=newest.cursor)
        if newest.over([words.moment(told.updated_at) for told in pulls]) and not unreadable:
            break
    yield Page(cursor=newest.finished())


def _pull_request(reading: Reading, told: PullRequest) -> Page:
    place, number, pseudonyms = _place(reading), told.number, reading.pseudonyms
    path = f"{_path(reading)}/pulls/{number}"
    seen_at = words.moment(told.updated_at)
    unreadable: list[str] = []
    facts: list[WorkFact] = []
    commits = _complete(reading, f"{path}/commits", rest.Commit, unreadable)
    changed = _complete(reading, f"{path}/files", rest.ChangedFile, unreadable)
    files = None if changed is None else rest.touched(changed, pseudonyms)
    for review in _complete(reading, f"{path}/reviews", rest.Review, unreadable) or ():
        facts += rest.review(place, number, review, pseudonyms)
    comments = f"{_path(reading)}/issues/{number}/comments"
    for comment in _complete(reading, comments, Comment, unreadable) or ():
        facts += _some(words.comment(place, number, comment, seen_at, pseudonyms))
    statuses = f"{_path(reading)}/commits/{told.head.sha}/statuses"
    if told.head.sha:
        for status in _complete(reading, statuses, rest.Status, unreadable) or ():
            facts += _some(rest.check(place, told.head.sha, status))
    facts += _some(rest.change(place, told, commits, changed, pseudonyms))
    if commits is not None:
        held = tuple(rest.commit_seen(place, commit, pseudonyms) for commit in commits)
        facts.append(ChangeCommits(repository=place, number=number, seen_at=seen_at, commits=held))
    if files is not None:
        facts.append(ChangeFiles(repository=place, number=number, seen_at=seen_at, files=files))
    return Page(facts=tuple(facts), unreadable=tuple(unreadable))


def _commits(reading: Reading) -> Iterator[Page]:
    """Read what the default branch gained: what landed, by a pull request or without."""
    was = msgspec.json.decode(reading.cursor, type=_Branch) if reading.cursor else _Branch()
    try:
        yield from _landed(reading, was)
    except NotThere:
        if not reading.cursor:
            raise
        # Its history was rewritten, and what was read last is gone.
        yield from _landed(reading, _Branch())


def _landed(reading: Reading, was: _Branch) -> Iterator[Page]:
    branch = reading.scope.default_branch
    if branch is None:  # empty
        return
    client, place = reading.client, _place(reading)
    branch_path = f"{_path(reading)}/branches/{quote(branch)}"
    tip = was.tip or shaped(client.get(branch_path), _Tip, words.PROVIDER).commit.id
    if tip == was.read:
        return
    asked: dict[str, str | int] = {"sha": tip, "stat": "false", "verification": "false"}
    if was.read:
        asked["not"] = was.read
    first, page, further = was.first or tip, was.pages, True
    while further:
        page += 1
        answer = client.get(f"{_path(reading)}/commits", {**asked, "limit": _LIMIT, "page": page})
        unreadable: list[str] = []
        facts: list[WorkFact] = []
        seen: list[datetime] = []
        for told in readable(answer.items(), rest.Commit, words.PROVIDER, unreadable):
            commit = rest.commit_seen(place, told, reading.pseudonyms)
            seen.append(commit.committed_at or commit.authored_at)
            # Those that a merge brought in belong to its pull request, which lists them.
            if commit.sha == first:
                facts.append(rest.landed(place, branch, commit))
                first = commit.parents[0] if commit.parents else ""
        further = answer.next_link is not None and not _before(reading, was, seen)
        reached = _Branch(read=tip)
        if further:
            reached = _Branch(read=was.read, tip=tip, pages=page, first=first)
        yield Page(
            facts=tuple(facts),
            cursor=msgspec.json.encode(reached).decode(),
            unreadable=tuple(unreadable),
        )


def _before(reading: Reading, was: _Branch, seen: Sequence[datetime]) -> bool:
    """Whether the first reading has come to what is older than asked for."""
    since = reading.since
    return since is not None and was.read is None and bool(seen) and max(seen) < since


def _issues(reading: Reading) -> Iterator[Page]:
    was = msgspec.json.decode(reading.cursor, type=_Since) if reading.cursor else _Since()
    since = was.since or reading.since
    asked: dict[str, str | int] = {"type": "issues", "state": "all", "limit": _LIMIT}
    if since:
        asked["since"] = at_moment(since)
    page, top, further = was.pages, was.top, True
    while further:
        page += 1
        answer = reading.client.get(f"{_path(reading)}/issues", {**asked, "page": page})
        unreadable: list[str] = []
        facts: list[WorkFact] = []
        for told in readable(answer.items(), Issue, words.PROVIDER, unreadable):
            facts += _issue(reading, told, unreadable)
            at = words.moment(told.updated_at)
            top = at if top is None else max(top, at)
        further = answer.next_link is not None
        reached = (
            _Since(since=since, pages=page, top=top) if further else _Since(since=top or since)
        )
        yield Page(
            facts=tuple(facts),
            cursor=msgspec.json.encode(reached).decode(),
            unreadable=tuple(unreadable),
        )


def _issue(reading: Reading, told: Issue, unreadable: list[str]) -> tuple[WorkFact, ...]:
    place = _place(reading)
    path = f"{_path(reading)}/issues/{told.number}/timeline"
    events = _complete(reading, path, rest.Event, unreadable) or ()
    ticket = words.ticket(place, told, reading.pseudonyms)
    return (ticket, *rest.history(place, told.number, events))


def _people(reading: Reading) -> Iterator[Page]:
    """Read the repository's own list of which addresses are one person's."""
    try:
        answer = reading.client.get(f"{_path(reading)}/raw/.mailmap", conditional=True)
    except NotThere:
        return
    if not answer.unchanged:
        text = answer.body.decode(errors="replace")
        yield Page(facts=mailmap.same_people(text, reading.pseudonyms), tags=answer.tags)


def _complete(
    reading: Reading, path: str, shape: type[_Told], unreadable: list[str]
) -> list[_Told] | None:
    """Give a whole list; None where the server has none, or not all of it can be read."""
    before = len(unreadable)
    try:
        told = [
            each
            for answer in reading.client.pages(path, _PAGED)
            for each in readable(answer.items(), shape, words.PROVIDER, unreadable)
        ]
    except NotThere:  # older servers, and branches that are gone
        return None
    return told if len(unreadable) == before else None


def _some(fact: WorkFact | None) -> tuple[WorkFact, ...]:
    return (fact,) if fact else ()


def _path(reading: Reading) -> str:
    return f"repos/{reading.scope.key or quote(reading.scope.name)}"


def _place(reading: Reading) -> Repository:
    branch = reading.scope.default_branch
    return Repository(forge=words.NAME, name=reading.scope.name, default_branch=branch)


# What ``assay connect`` asks


def _check(client: Client, wanted: Sequence[str]) -> Iterator[Finding]:
    user = shaped(client.get("user"), User, words.PROVIDER)
    yield Finding(ok=True, text=f"the server accepts the token, as {user.login}")
    seen = 0
    for scope in _scopes(client, wanted):
        if scope.key:
            seen += 1
        else:
            advice = "give the token's user read access, and the token read:repository"
            yield Finding(ok=False, text=f"{scope.name} can't be seen", advice=advice)
    advice = "" if seen else "give the token's user read access to repositories"
    yield Finding(ok=seen > 0, text=f"{seen} repositories can be read", advice=advice)


SOURCE = Source(
    name=words.NAME,
    root=_root,
    authorise=bearer,
    scopes=_scopes,
    streams=(
        Stream(name="changes", read=_changes, needed=True),
        Stream(name="commits", read=_commits),
        Stream(name="issues", read=_issues),
        Stream(name="people", read=_people),
    ),
    check=_check,
)
