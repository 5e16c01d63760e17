"""Reading GitHub: what its webhooks missed, and what was there before them.

- ``changes``: pull requests by time of update, newest first, each with its commits (before any
  squash), the files of each commit, its own files, reviews, the issues it closes, forced pushes,
  and where it was closed without a merge the checks of its last commit. Some four calls a change
  and one a commit; a commit is asked for once.
- ``comments``, ``review comments``: those of all changes, by time of update.
- ``issues``, ``issue events``: states of issues, and when they were closed and reopened.
- ``commits``: those of the default branch, and the addresses that its ``.mailmap`` joins.
- ``deployments``: those that a page of the list shows to have changed, with all their states.

Limits: GitHub lists at most 250 commits of a change and 3,000 files; such a list is not complete,
and is not told as if it were.

https://docs.github.com/en/rest
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from collector.client import Authorise
from collector.client_answer import Tag
from collector.client_errors import Limited, NotThere
from collector.forges import github_facts as facts
from collector.forges.errors import UnreadablePayload
from collector.forges.github_app import AppTokens
from collector.forges.github_change import ChangeReader
from collector.forges.github_check import check
from collector.forges.github_graph import Graph
from collector.forges.github_people import same_person
from collector.forges.github_scopes import scopes
from collector.forges.github_shapes import (
    Comment,
    Commit,
    Deployment,
    DeploymentStatus,
    Issue,
    IssueEvent,
    PullRequest,
)
from collector.forges.mailmap import same_people
from collector.passes import NewestFirst, at_moment, moment_of, oldest_first
from collector.source import Access, Connect, Page, Reading, Source, Stream, bearer, readable
from domain.tickets import TicketMoved, TicketState
from domain.work import CommitsPushed, Repository, WorkFact

_PAGE = {"per_page": 100}
_BY_UPDATE: dict[str, str | int] = {"sort": "updated", "direction": "asc", **_PAGE}
_NUMBER = re.compile(r"/pull/(?P<number>[1-9][0-9]{0,8})(?:#|\Z)")
_Told = TypeVar("_Told")

_FORBIDDEN, _TOO_MANY, _OK = 403, 429, 200
# A commit may reach the default branch some days after it was made.
_COMMITS_ARRIVE_WITHIN = timedelta(days=7)
# A commit that a merged change left on the default branch; that change tells its files.
_OF_CHANGE = re.compile(r"\AMerge pull request #|\(#[1-9][0-9]{0,8}\)\s*\Z")


def _repository(reading: Reading) -> Repository:
    scope = reading.scope
    return Repository(forge=facts.NAME, name=scope.name, default_branch=scope.default_branch)


def _changes(reading: Reading) -> Iterator[Page]:
    client, of = reading.client, _repository(reading)
    listing, graph = NewestFirst(reading.cursor, reading.since), Graph(client)
    reader = ChangeReader(client, of, reading.pseudonyms, reading.now)
    query: dict[str, str | int] = {"state": "all", "sort": "updated", "direction": "desc", **_PAGE}
    tags: tuple[Tag, ...] = ()
    for answer in client.pages(f"repos/{of.name}/pulls", query, conditional=True):
        if answer.unchanged:
            return
        tags = tags or answer.tags
        unreadable: list[str] = []
        told = list(readable(answer.items(), PullRequest, facts.PROVIDER, unreadable))
        if unreadable:
            yield Page(unreadable=tuple(unreadable))
        new = [each for each in told if listing.wants(each.updated_at)]
        known = graph.told(of, [each.number for each in new], reading.now)
        for each in new:
            found, unread = _readable_change(reader, each, known.get(each.number, ()))
            listing.read(each.updated_at)
            yield Page(
                facts=found, cursor=listing.cursor, tags=tuple(reader.tags), unreadable=unread
            )
        if listing.over([each.updated_at for each in told]):
            break
    yield Page(cursor=listing.finished(), tags=tags)


def _readable_change(
    reader: ChangeReader, told: PullRequest, known: Sequence[WorkFact]
) -> tuple[tuple[WorkFact, ...], tuple[str, ...]]:
    try:
        found = reader.read(told, known)
    except UnreadablePayload as error:
        reader.tags = []
        return (), (error.code,)
    return found, tuple(reader.unreadable)


def _comments(reading: Reading) -> Iterator[Page]:
    yield from _commented(reading, "issues/comments")


def _review_comments(reading: Reading) -> Iterator[Page]:
    yield from _commented(reading, "pulls/comments")


def _commented(reading: Reading, path: str) -> Iterator[Page]:
    of = _repository(reading)
    for listed in _updated(reading, path, Comment, {}):
        found: list[WorkFact] = []
        for told in listed.items:
            of_change = _NUMBER.search(told.html_url)
            if of_change:
                number = int(of_change["number"])
                said = facts.comment(of, number, told, reading.pseudonyms)
                found += [said] if said else []
        yield listed.page(found)


def _issues(reading: Reading) -> Iterator[Page]:
    of = _repository(reading)
    for listed in _updated(reading, "issues", Issue, {"state": "all"}):
        # The API lists changes among issues.
        own = (each for each in listed.items if each.pull_request is None)
        yield listed.page([facts.ticket(of, each, reading.pseudonyms) for each in own])


@dataclass(frozen=True, slots=True)
class _Listed(Generic[_Told]):
    """A page of a list by time of update."""

    items: Sequence[_Told]
    cursor: str
    tags: tuple[Tag, ...]
    unreadable: tuple[str, ...]

    def page(self, found: Sequence[WorkFact]) -> Page:
        """What is written of it."""
        return Page(
            facts=tuple(found), cursor=self.cursor, tags=self.tags, unreadable=self.unreadable
        )


def _updated(
    reading: Reading, path: str, shape: type[_Told], query: Mapping[str, str]
) -> Iterator[_Listed[_Told]]:
    """What was updated since the cursor; nothing where that is what was read last time."""
    unreadable: list[str] = []
    tags: tuple[Tag, ...] = ()

    def fetch(since: datetime | None, page: int) -> tuple[Sequence[_Told], bool]:
        nonlocal tags
        told = {**_BY_UPDATE, **query, "page": page}
        if since is not None:
            told["since"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = reading.client.get(f"repos/{reading.scope.name}/{path}", told, conditional=True)
        unreadable.clear()
        if answer.unchanged:
            return (), False
        items, more = answer.items(), answer.next_link is not None
        # A full page stays the same while the list grows beyond it.
        tags = () if more or len(items) >= _PAGE["per_page"] else answer.tags
        return list(readable(items, shape, facts.PROVIDER, unreadable)), more

    start = moment_of(reading.cursor, reading.since)
    for items in oldest_first(fetch, _moment, start):
        yield _Listed(items, at_moment(max(map(_moment, items))), tags, tuple(unreadable))


def _moment(told: Any) -> datetime:
    """When an issue or comment was last updated."""
    at: datetime = told.updated_at or told.created_at
    return at


def _issue_events(reading: Reading) -> Iterator[Page]:
    of, listing = _repository(reading), NewestFirst(reading.cursor, reading.since)
    path = f"repos/{of.name}/issues/events"
    tags: tuple[Tag, ...] = ()
    for answer in reading.client.pages(path, _PAGE, conditional=True):
        if answer.unchanged:
            return
        tags = tags or answer.tags
        unreadable: list[str] = []
        told = list(readable(answer.items(), IssueEvent, facts.PROVIDER, unreadable))
        moved: list[WorkFact] = []
        for event in told:
            if listing.wants(event.created_at):
                moved += _moved(of, event)
                listing.read(event.created_at)
        yield Page(facts=tuple(moved), cursor=listing.cursor, unreadable=tuple(unreadable))
        if listing.over([each.created_at for each in told]):
            break
    yield Page(cursor=listing.finished(), tags=tags)


def _moved(of: Repository, told: IssueEvent) -> Iterator[TicketMoved]:
    """What an event says of how an issue moved; nothing of a change."""
    issue = told.issue
    if issue is None or issue.pull_request is not None:
        return
    if told.event == "closed":
        # An event tells the reason since there are reasons; the issue tells that of its last end.
        last = issue.closed_at == told.created_at
        reason = told.state_reason or (issue.state_reason if last else None)
        came_from, went_to = TicketState.OPEN, facts.closed_state(reason)
    elif told.event == "reopened":
        came_from, went_to = None, TicketState.OPEN
    else:
        return
    yield TicketMoved(
        tracker=facts.NAME,
        key=facts.issue_key(of, issue.number),
        from_state=came_from,
        to_state=went_to,
        at=facts.moment(told.created_at),
    )


def _deployments(reading: Reading) -> Iterator[Page]:
    of, listing = _repository(reading), NewestFirst(reading.cursor, reading.since)
    path = f"repos/{of.name}/deployments"
    tags: tuple[Tag, ...] = ()
    for answer in reading.client.pages(path, _PAGE, conditional=True):
        if answer.unchanged:
            return
        tags = tags or answer.tags
        unreadable: list[str] = []
        told = list(readable(answer.items(), Deployment, facts.PROVIDER, unreadable))
        for each in told:
            # Listed by when they began; what became of one since is looked for on each page.
            if listing.wants(each.created_at) or listing.since_floor(each.updated_at):
                answered = reading.client.get(f"{path}/{each.id}/statuses", _PAGE).items()
                states = readable(answered, DeploymentStatus, facts.PROVIDER, unreadable)
                told_of = [facts.deployment(of, each, state) for state in (None, *states)]
                listing.read(each.created_at)
                yield Page(facts=tuple(told_of), cursor=listing.cursor)
        if unreadable:
            yield Page(unreadable=tuple(unreadable))
        if listing.over(
            [max(each.created_at, each.updated_at or each.created_at) for each in told]
        ):
            break
    yield Page(cursor=listing.finished(), tags=tags)


def _commits(reading: Reading) -> Iterator[Page]:
    of = _repository(reading)
    branch = of.default_branch
    yield from _mailmap(reading)
    if branch is None:
        return
    path = f"repos/{of.name}/commits"
    try:
        newest = reading.client.get(path, {"sha": branch, "per_page": 1}, conditional=True)
    except NotThere:  # an empty repository
        return
    if newest.unchanged:
        return
    query: dict[str, str | int] = {"sha": branch, **_PAGE}
    start = moment_of(reading.cursor)
    since = start - _COMMITS_ARRIVE_WITHIN if start else reading.since
    if since is not None:
        query["since"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    reader = ChangeReader(reading.client, of, reading.pseudonyms, reading.now)
    latest = start
    for answer in reading.client.pages(path, query):
        reader.tags, reader.unreadable = [], []
        told = list(readable(answer.items(), Commit, facts.PROVIDER, reader.unreadable))
        found = [fact for each in told for fact in _landed(reader, branch, each)]
        moments = (each.commit.committer.date for each in told if each.commit.committer)
        latest = max(filter(None, (latest, *moments)), default=None)
        yield Page(facts=tuple(found), tags=tuple(reader.tags), unreadable=tuple(reader.unreadable))
    yield Page(cursor=at_moment(latest) if latest else None, tags=newest.tags)


def _landed(reader: ChangeReader, branch: str, told: Commit) -> Iterator[WorkFact]:
    """A commit of the default branch; pushed, for all that is told, when it was made."""
    subject = told.commit.message.partition("\n")[0]
    try:
        files = None if _OF_CHANGE.search(subject) else reader.files_of(told)
        commit = facts.commit_seen(reader.of, told, reader.pseudonyms, files)
    except UnreadablePayload as error:
        reader.unreadable.append(error.code)
        return
    yield CommitsPushed(
        repository=reader.of,
        branch=branch,
        before=next(iter(commit.parents or ()), commit.sha),
        after=commit.sha,
        forced=False,
        pushed_at=commit.committed_at or commit.authored_at,
        commits=(commit,),
    )
    same = same_person(facts.author_of(told), reader.pseudonyms)
    if same:
        yield same


def _mailmap(reading: Reading) -> Iterator[Page]:
    raw = {"Accept": "application/vnd.github.raw+json"}
    path = f"repos/{reading.scope.name}/contents/.mailmap"
    try:
        answer = reading.client.get(path, conditional=True, headers=raw)
    except NotThere:
        return
    if not answer.unchanged:
        text = answer.body.decode(errors="replace")
        yield Page(facts=same_people(text, reading.pseudonyms), tags=answer.tags)


def _root(url: str) -> str:
    """The API's address, also where that of the pages was written (not of Enterprise Server)."""
    scheme, _, host = url.partition("://")
    hosted = host == "github.com" or host.endswith(".ghe.com")
    return f"{scheme}://api.{host}" if hosted and not host.startswith("api.") else url


def _authorise(access: Access, connect: Connect) -> Authorise:
    if access.app_id is None:
        return bearer(access, connect)
    return AppTokens(access.app_id, access.app_key or "", connect)


def _limited(status: int, _headers: Mapping[str, str], body: bytes) -> Limited | None:
    """Limits that name no time: secondary ones, and those of GraphQL, which answers 200."""
    if status in (_FORBIDDEN, _TOO_MANY) and b"secondary rate limit" in body[:2000]:
        return Limited(None)
    if status == _OK and b'"RATE_LIMITED"' in body[:2000]:
        return Limited(None)
    return None


SOURCE = Source(
    name=facts.NAME,
    root=_root,
    authorise=_authorise,
    scopes=scopes,
    streams=(
        Stream(name="changes", read=_changes, needed=True),
        Stream(name="issues", read=_issues),
        Stream(name="issue events", read=_issue_events),
        Stream(name="deployments", read=_deployments),
        Stream(name="comments", read=_comments),
        Stream(name="review comments", read=_review_comments),
        Stream(name="commits", read=_commits),
    ),
    check=check,
    headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
    limited=_limited,
)
