"""Reading Bitbucket Data Center: pull requests with all that is theirs, and the default branch.

- ``changes``: the server lists pull requests by no time of change that approvals and comments move;
  ``standing_changes`` says how they are read all the same.
- ``commits``: those of the default branch that were not there at the last reading.

How many calls are allowed is the server's operator's to say (429). The server keeps deployments by
commit and lists none.

https://developer.atlassian.com/server/bitbucket/rest/
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from collector.client import Client
from collector.client_answer import Answer
from collector.client_errors import NotAllowed, NotThere
from collector.forges import bitbucket_dc_rest as rest
from collector.forges import bitbucket_dc_words as words
from collector.forges.bitbucket_dc_change import ChangeReader
from collector.forges.errors import UnreadablePayload
from collector.forges.standing_changes import Listed, Listing, changes, mark_of
from collector.shaped import shaped
from collector.source import Finding, Page, Reading, Scope, Source, Stream, bearer, readable
from domain.work import CommitsPushed, Repository

_PAGE: dict[str, str | int] = {"limit": rest.PAGE}
# What the merge of a pull request leaves on the branch; the pull request tells its files.
_OF_CHANGE = re.compile(r"\A(?:Merge )?[Pp]ull request #[1-9][0-9]{0,8}:")
_Item = Listed[words.PullRequest]


class _Version(msgspec.Struct):
    version: str


class _Branch(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cursor: all up to ``read`` was read, and of what ``tip`` adds all before page ``next``."""

    read: str | None = None
    tip: str | None = None
    next: str | None = None


def _root(url: str) -> str:
    return url if url.endswith("/rest") else f"{url}/rest"


# What can be read


def _scopes(client: Client, wanted: Sequence[str]) -> Iterator[Scope]:
    if not wanted:
        yield from _repositories(client, "api/latest/repos")
    for name in wanted:
        project, _, slug = name.partition("/")
        if slug in ("*", ""):
            yield from _repositories(client, f"api/latest/projects/{quote(project)}/repos")
        else:
            yield Scope(name=name.lower())


def _repositories(client: Client, path: str) -> Iterator[Scope]:
    for answer in client.pages(path, _PAGE, following=rest.following):
        for each in readable(answer.items("values"), words.RepositoryTold, words.PROVIDER, []):
            yield Scope(name=words.repository(each).name)


def _place(reading: Reading) -> Repository:
    """The repository with its default branch, which no list tells."""
    root = f"api/latest/{rest.place(reading.scope.name)}"
    branch = _default(reading.client, f"{root}/default-branch")
    # Where servers older than 7.5 tell it.
    branch = branch or _default(reading.client, f"{root}/branches/default")
    return Repository(forge=words.NAME, name=reading.scope.name, default_branch=branch)


def _default(client: Client, path: str) -> str | None:
    try:
        answer = client.get(path)
    except NotThere:
        return None
    told = readable([answer.json()] if answer.body else [], rest.Branch, words.PROVIDER, [])
    return next((each.display_id for each in told), None)


# Streams


def _changes(reading: Reading) -> Iterator[Page]:
    client, of = reading.client, _place(reading)
    reader = ChangeReader(client, of, reading.pseudonyms)
    path = f"{reader.root}/pull-requests"

    unreadable: list[str] = []

    def listed(items: Iterable[Any]) -> list[_Item]:
        told = readable(items, words.PullRequest, words.PROVIDER, unreadable)
        return [_listed(each) for each in told]

    def opened() -> Iterator[_Item]:
        query = {**_PAGE, "state": "OPEN"}
        for answer in client.pages(path, query, following=rest.following):
            yield from listed(answer.items("values"))

    def newest(skip: int) -> tuple[list[_Item], int | None]:
        query = {**_PAGE, "state": "ALL", "order": "NEWEST", "start": skip}
        answer = client.get(path, query)
        return listed(answer.items("values")), rest.next_start(answer)

    def one(number: int) -> _Item | None:
        try:
            answer = client.get(f"{path}/{number}")
        except NotThere:
            return None
        return next(iter(listed([answer.json()])), None)

    def read(told: _Item) -> Page:
        try:
            facts = reader.read(told.told)
        except UnreadablePayload as error:
            return Page(unreadable=(error.code,))
        return Page(facts=facts, tags=tuple(reader.tags), unreadable=tuple(reader.unreadable))

    listing = Listing(open=opened, newest=newest, one=one, read=read)
    yield from changes(listing, reading.cursor, reading.since)
    yield Page(unreadable=tuple(unreadable))


def _listed(told: words.PullRequest) -> _Item:
    said = [(each.user.name, each.status, each.last_reviewed_commit) for each in told.reviewers]
    comments = told.properties.comment_count if told.properties else 0
    return Listed(
        number=told.id,
        open=told.state == "OPEN",
        touched_at=words.moment(told.updated_date),
        mark=mark_of([told.version, told.from_ref.latest_commit, said, comments]),
        told=told,
    )


def _commits(reading: Reading) -> Iterator[Page]:
    client, of = reading.client, _place(reading)
    if of.default_branch is None:
        return
    reader = ChangeReader(client, of, reading.pseudonyms)
    was = msgspec.json.decode(reading.cursor, type=_Branch) if reading.cursor else _Branch()
    if was.tip is None:
        tip = _tip(client, reader.root, of.default_branch)
        if tip is None or tip == was.read:
            return
        was = _Branch(read=was.read, tip=tip)
    since = reading.since if was.read is None else None
    for answer in _added(client, reader.root, was):
        reader.tags, reader.unreadable = [], []
        values = answer.items("values")
        told = list(readable(values, words.CommitTold, words.PROVIDER, reader.unreadable))
        facts = [
            _landed(reader, each)
            for each in told
            if since is None
            or words.moment(each.committer_timestamp or each.author_timestamp) >= since
        ]
        following = rest.following(answer) if facts or not told else None
        now = _Branch(read=was.tip) if following is None else _Branch(was.read, was.tip, following)
        yield Page(
            facts=tuple(facts),
            cursor=msgspec.json.encode(now).decode(),
            tags=tuple(reader.tags),
            unreadable=tuple(reader.unreadable),
        )
        if following is None:
            return


def _tip(client: Client, root: str, branch: str) -> str | None:
    query: dict[str, str | int] = {"until": f"{words.BRANCH}{branch}", "limit": 1}
    try:
        answer = client.get(f"{root}/commits", query)
    except NotThere:  # an empty repository
        return None
    told = readable(answer.items("values"), words.CommitTold, words.PROVIDER, [])
    return next((each.id for each in told), None)


def _added(client: Client, root: str, was: _Branch) -> Iterator[Answer]:
    """What the tip adds to what was read; all of it where that is no longer known."""
    if was.next is not None:
        yield from client.pages(was.next, following=rest.following)
        return
    path, query = f"{root}/commits", {**_PAGE, "until": was.tip or ""}
    if was.read is not None:
        try:
            yield from client.pages(path, {**query, "since": was.read}, following=rest.following)
        except NotThere:
            pass
        else:
            return
    yield from client.pages(path, query, following=rest.following)


def _landed(reader: ChangeReader, told: words.CommitTold) -> CommitsPushed:
    """A commit of the default branch; pushed, for all that is told, when it was committed."""
    own = not _OF_CHANGE.match(told.message)
    seen = reader.commit_seen(told) if own else words.commit_seen(told, reader.pseudonyms)
    return CommitsPushed(
        repository=reader.of,
        branch=reader.of.default_branch or "",
        before=next(iter(seen.parents or ()), seen.sha),
        after=seen.sha,
        forced=False,
        pushed_at=seen.committed_at or seen.authored_at,
        commits=(seen,),
    )


# What ``assay connect`` asks


def _check(client: Client, wanted: Sequence[str]) -> Iterator[Finding]:
    server = shaped(client.get("api/latest/application-properties"), _Version, words.PROVIDER)
    yield Finding(ok=True, text=f"Bitbucket {server.version} answers")
    advice = "make an HTTP access token with the permission to read repositories"
    scopes = list(_scopes(client, wanted))
    yield Finding(
        ok=bool(scopes),
        text=f"{len(scopes)} repositories are to be read",
        advice="" if scopes else advice,
    )
    for scope in scopes[:3]:
        path = f"api/latest/{rest.place(scope.name)}/pull-requests"
        try:
            client.get(path, {"limit": 1, "state": "ALL"})
        except (NotThere, NotAllowed):
            yield Finding(ok=False, text=f"{scope.name} can't be read", advice=advice)
        else:
            yield Finding(ok=True, text=f"{scope.name} can be read")


SOURCE = Source(
    name=words.NAME,
    root=_root,
    authorise=bearer,
    scopes=_scopes,
    streams=(
        Stream(name="changes", read=_changes, needed=True),
        Stream(name="commits", read=_commits),
    ),
    check=_check,
)
