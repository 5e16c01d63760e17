"""Reading Bitbucket Cloud: pull requests with all that is theirs, the main branch, deployments.

- ``changes``: pull requests by time of change, oldest first; what each takes says
  ``bitbucket_cloud_change``.
- ``commits``: those of the main branch that were not there at the last reading.
- ``deployments``: of Bitbucket Pipelines, newest first, down to the oldest that ran last time.

Bitbucket Cloud allows 1,000 calls an hour, to workspaces that pay more. A first reading of many
pull requests takes its time and goes on where it stopped.

https://developer.atlassian.com/cloud/bitbucket/rest/
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from collector.client import Client
from collector.client_answer import Answer, Tag
from collector.client_errors import BadAnswer, NotAllowed, NotThere
from collector.forges import bitbucket_cloud_rest as rest
from collector.forges import bitbucket_cloud_words as words
from collector.forges.bitbucket_cloud_change import ChangeReader
from collector.forges.errors import UnreadablePayload
from collector.forges.reading import Instant, Number, Text, read
from collector.passes import at_moment, moment_of, oldest_first
from collector.source import Finding, Page, Reading, Scope, Source, Stream, bearer, readable
from domain.work import CommitsPushed, Repository, WorkFact

# More than this many are refused by some lists.
_PAGE: dict[str, str | int] = {"pagelen": rest.PAGE}
_STATES = "state=OPEN&state=MERGED&state=DECLINED&state=SUPERSEDED"
# What the merge of a pull request leaves on the branch; the pull request tells its files.
_OF_CHANGE = re.compile(r"\AMerged in .*\(pull request #[1-9][0-9]{0,8}\)")

_Told = TypeVar("_Told")


class _Slug(msgspec.Struct):
    slug: Text


class _Access(msgspec.Struct):
    workspace: _Slug


class _Tip(msgspec.Struct):
    target: words.CommitTold


class _Reached(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cursor: all that changed before ``at`` was read, and of that moment these."""

    at: datetime
    numbers: tuple[int, ...] = ()


class _Touched(msgspec.Struct):
    id: Number
    updated_on: Instant


class _Branch(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cursor: all up to ``read`` was read, and of what ``tip`` adds all before page ``next``."""

    read: str | None = None
    tip: str | None = None
    next: str | None = None


def _root(url: str) -> str:
    return url if url.endswith("/2.0") else f"{url}/2.0"


# What can be read


def _scopes(client: Client, wanted: Sequence[str]) -> Iterator[Scope]:
    names = wanted or [f"{workspace}/*" for workspace in _workspaces(client)]
    for name in names:
        workspace, _, slug = name.partition("/")
        if slug in ("*", ""):
            path = f"repositories/{quote(workspace, safe='')}"
            yield from map(_scope, _all(client, path, words.RepositoryTold))
            continue
        try:
            answer = client.get(f"repositories/{quote(name.lower())}")
        except (NotThere, NotAllowed):
            yield Scope(name=name.lower())
        else:
            told = readable([answer.json()], words.RepositoryTold, words.PROVIDER, [])
            yield from map(_scope, told)


def _workspaces(client: Client) -> Iterator[str]:
    """Those of the token's user; servers that have not moved yet know the older address."""
    try:
        yield from (each.workspace.slug for each in _all(client, "user/workspaces", _Access))
    except (NotThere, NotAllowed):
        yield from (each.slug for each in _all(client, "workspaces", _Slug))


def _scope(told: words.RepositoryTold) -> Scope:
    of = words.repository(told)
    return Scope(name=of.name, default_branch=of.default_branch)


def _all(client: Client, path: str, shape: type[_Told]) -> Iterator[_Told]:
    for answer in client.pages(path, _PAGE, following=rest.following):
        yield from readable(answer.items("values"), shape, words.PROVIDER, [])


def _place(reading: Reading) -> Repository:
    scope = reading.scope
    return Repository(forge=words.NAME, name=scope.name, default_branch=scope.default_branch)


# Streams


def _changes(reading: Reading) -> Iterator[Page]:
    reader = ChangeReader(reading.client, _place(reading), reading.pseudonyms)
    done = msgspec.json.decode(reading.cursor, type=_Reached) if reading.cursor else None
    answers: list[Answer] = []

    def fetch(since: datetime | None, page: int) -> tuple[Sequence[Any], bool]:
        params = {**_PAGE, "sort": "updated_on", "page": page}
        if since is not None:
            params["q"] = f"updated_on >= {at_moment(since)}"
        path = f"{reader.root}/pullrequests?{_STATES}"
        answers[:] = [reading.client.get(path, params, conditional=not answers)]
        answer = answers[0]
        if answer.unchanged:
            return (), False
        return answer.items("values"), rest.following(answer) is not None

    start = done.at if done else reading.since
    for items in oldest_first(fetch, _touched_at, start):
        for item in items:
            at, number = _touched_at(item), item["id"]
            same = done.numbers if done and done.at == at else ()
            if number in same:
                continue
            facts = _change(reader, item)
            done = _Reached(at=at, numbers=(*same, number))
            yield Page(
                facts=facts,
                cursor=msgspec.json.encode(done).decode(),
                tags=tuple(reader.tags),
                unreadable=tuple(reader.unreadable),
            )
        yield Page(tags=() if rest.following(answers[0]) else answers[0].tags)


def _touched_at(item: Any) -> datetime:
    try:
        told = msgspec.convert(item, _Touched)
    except msgspec.ValidationError as error:
        raise BadAnswer(f"{words.PROVIDER} lists something without number or time") from error
    return told.updated_on


def _change(reader: ChangeReader, item: Any) -> tuple[WorkFact, ...]:
    try:
        return reader.read(read(item, words.PullRequest, words.PROVIDER))
    except UnreadablePayload as error:
        reader.tags, reader.unreadable = [], [error.code]
        return ()


def _commits(reading: Reading) -> Iterator[Page]:
    of, client = _place(reading), reading.client
    if of.default_branch is None:
        return
    reader = ChangeReader(client, of, reading.pseudonyms)
    was = msgspec.json.decode(reading.cursor, type=_Branch) if reading.cursor else _Branch()
    tags: tuple[Tag, ...] = ()
    if was.tip is None:
        path = f"{reader.root}/refs/branches/{quote(of.default_branch, safe='')}"
        try:
            answer = client.get(path, conditional=True)
        except NotThere:  # an empty repository
            return
        if answer.unchanged:
            return
        tags = answer.tags
        tip = next(readable([answer.json()], _Tip, words.PROVIDER, []), None)
        if tip is None or tip.target.hash == was.read:
            return
        was = _Branch(read=was.read, tip=tip.target.hash)
    for answer in _added(client, reader.root, was):
        reader.tags, reader.unreadable = [], []
        found = readable(
            answer.items("values"), words.CommitTold, words.PROVIDER, reader.unreadable
        )
        told = list(found)
        since = reading.since if was.read is None else None
        facts = [_landed(reader, each) for each in told if since is None or each.date >= since]
        following = rest.following(answer)
        if told and not facts:
            following = None
        now = _Branch(read=was.tip) if following is None else _Branch(was.read, was.tip, following)
        yield Page(
            facts=tuple(facts),
            cursor=msgspec.json.encode(now).decode(),
            tags=(*reader.tags, *(tags if following is None else ())),
            unreadable=tuple(reader.unreadable),
        )
        if following is None:
            return


def _added(client: Client, root: str, was: _Branch) -> Iterator[Answer]:
    """What the tip adds to what was read; all of it where that is no longer known."""
    if was.next is not None:
        yield from client.pages(was.next, following=rest.following)
        return
    params: dict[str, str | int] = {**_PAGE, "include": was.tip or ""}
    if was.read is not None:
        try:
            yield from client.pages(
                f"{root}/commits", {**params, "exclude": was.read}, following=rest.following
            )
        except NotThere:
            pass
        else:
            return
    yield from client.pages(f"{root}/commits", params, following=rest.following)


def _landed(reader: ChangeReader, told: words.CommitTold) -> CommitsPushed:
    """A commit of the main branch; pushed, for all that is told, when it was made."""
    if _OF_CHANGE.match(told.message):
        seen = words.commit_seen(told, reader.of.name, reader.pseudonyms)
    else:
        seen = reader.commit_seen(told)
    return CommitsPushed(
        repository=reader.of,
        branch=reader.of.default_branch or "",
        before=next(iter(seen.parents or ()), seen.sha),
        after=seen.sha,
        forced=False,
        pushed_at=seen.authored_at,
        commits=(seen,),
    )


def _deployments(reading: Reading) -> Iterator[Page]:
    of, client = _place(reading), reading.client
    root = f"repositories/{of.name}"
    there = {each.uuid: each for each in _all(client, f"{root}/environments", rest.Environment)}
    floor = moment_of(reading.cursor, reading.since)
    newest = running = None
    params: dict[str, str | int] = {**_PAGE, "sort": "-state.started_on"}
    for answer in client.pages(f"{root}/deployments", params, following=rest.following):
        unreadable: list[str] = []
        values = answer.items("values")
        told = list(readable(values, rest.Deployment, words.PROVIDER, unreadable))
        seen = filter(None, (rest.deployment(of, each, there) for each in told))
        yield Page(facts=tuple(seen), unreadable=tuple(unreadable))
        began = [each.began_at for each in told if each.began_at]
        newest = newest or max(began, default=None)
        unfinished = [e.began_at for e in told if e.began_at and e.state.name == "IN_PROGRESS"]
        running = min([*unfinished, *([running] if running else [])], default=None)
        if began and floor and max(began) < floor:
            break
    reached = running or newest
    yield Page(cursor=at_moment(reached) if reached else None)


# What ``assay connect`` asks


def _check(client: Client, wanted: Sequence[str]) -> Iterator[Finding]:
    advice = "make an API or access token with the scopes to read repositories and pull requests"
    scopes = list(_scopes(client, wanted))
    yield Finding(
        ok=bool(scopes),
        text=f"Bitbucket Cloud accepts the token; {len(scopes)} repositories can be listed",
        advice="" if scopes else advice,
    )
    for scope in scopes[:3]:
        for part, what in (("pullrequests", "pull requests"), ("commits", "commits")):
            try:
                client.get(f"repositories/{scope.name}/{part}", {"pagelen": 1})
            except (NotThere, NotAllowed):
                yield Finding(ok=False, text=f"{scope.name}: {what} can't be read", advice=advice)
            else:
                yield Finding(ok=True, text=f"{scope.name}: {what} can be read")


SOURCE = Source(
    name=words.NAME,
    root=_root,
    authorise=bearer,
    scopes=_scopes,
    streams=(
        Stream(name="changes", read=_changes, needed=True),
        Stream(name="commits", read=_commits),
        Stream(name="deployments", read=_deployments),
    ),
    check=_check,
)
