"""Reading Azure DevOps: repositories with their pull requests, and projects with their work items.

Of a repository:

- ``changes``: pull requests are listed by no time of change; ``standing_changes`` says how they are
  read all the same, ``azure_devops_change`` what each takes. Of an open one the threads are asked
  for each time, since votes and comments show nowhere else.
- ``commits``: pushes to the default branch with their commits, oldest first.
- ``checks``: builds, by when they finished.

Of a project: ``work items`` and ``deployments`` (``azure_devops_projects``).

Azure DevOps slows down whoever asks for more than its share (200 units in five minutes) and says
for how long.

https://learn.microsoft.com/rest/api/azure/devops
"""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from collector.client import Authorise, Client
from collector.client_errors import BadAnswer, NotAllowed, NotThere
from collector.forges import azure_devops_builds as builds
from collector.forges import azure_devops_projects as projects
from collector.forges import azure_devops_rest as rest
from collector.forges import azure_devops_words as words
from collector.forges.azure_devops_change import ChangeReader
from collector.forges.errors import UnreadablePayload
from collector.forges.standing_changes import Listed, Listing, changes, mark_of
from collector.passes import at_moment, moment_of
from collector.source import (
    Access,
    Connect,
    Finding,
    Page,
    Reading,
    Scope,
    Source,
    Stream,
    readable,
)
from domain.work import CommitsPushed, Repository

_REPOSITORY, _PROJECT = "repository", "project"
# A token of Entra; those that people make are no JSON Web Token.
_JWT = re.compile(r"\Aey[\w-]+\.[\w-]+\.[\w-]+\Z")
_Open = tuple[words.PullRequest, tuple[rest.Thread, ...]]
_Item = Listed[_Open]


class _Pushed(msgspec.Struct, frozen=True):
    """A cursor: all pushes up to this one were read."""

    at: datetime
    number: int


def _authorise(access: Access, _connect: Connect) -> Authorise:
    """As password of any user or none; a token of Entra as bearer."""
    token = access.token or ""
    if _JWT.match(token):
        return lambda _account: {"Authorization": f"Bearer {token}"}
    pair = base64.b64encode(f"{access.user or ''}:{token}".encode()).decode()
    return lambda _account: {"Authorization": f"Basic {pair}"}


# What can be read


def _scopes(client: Client, wanted: Sequence[str]) -> Iterator[Scope]:
    """Give repositories, then the projects that they are in."""
    names = [unquote(each).lower().strip("/") for each in wanted]
    found: dict[str, str] = {}
    met: set[str] = set()
    for told, name in _repositories(client):
        project = name.rpartition("/")[0]
        of_it = [each for each in names if _means(each, name)]
        met.update(of_it)
        if of_it or not names:
            found[project] = quote(told.project.id or told.project.name)
            branch = (told.default_branch or "").removeprefix(words.BRANCH) or None
            key = f"{_REPOSITORY} {quote(told.id)} {found[project]}"
            yield Scope(name=name, key=key, default_branch=branch)
    # What is wanted and not there fails by its name, visibly.
    for name in sorted(set(names) - met):
        yield Scope(name=name, key=f"{_REPOSITORY} {quote(name, safe='')} -")
    for project, key in found.items():
        yield Scope(name=project, key=f"{_PROJECT} {key} {key}")


def _repositories(client: Client) -> Iterator[tuple[words.RepositoryTold, str]]:
    answer = client.get("_apis/git/repositories", rest.VERSION)
    for told in readable(answer.items("value"), words.RepositoryTold, words.PROVIDER, []):
        if told.is_disabled:
            continue
        try:
            name = words.repository(told).name
        except UnreadablePayload:
            continue
        yield told, name


def _means(wanted: str, name: str) -> bool:
    """Whether it is ``project/repository`` or ``project/*``, with the organisation or without."""
    short = name.partition("/")[2]
    if wanted.endswith("/*"):
        start = wanted.removesuffix("*")
        return name.startswith(start) or short.startswith(start)
    return wanted in (name, short)


def _place(reading: Reading) -> tuple[Repository, str, str] | None:
    """The repository, where it stands in the API, and its project; None for a project's scope."""
    kind, key, project = reading.scope.key.split(" ")
    if kind != _REPOSITORY:
        return None
    scope = reading.scope
    of = Repository(forge=words.NAME, name=scope.name, default_branch=scope.default_branch)
    return of, f"_apis/git/repositories/{key}", project


# Streams


def _changes(reading: Reading) -> Iterator[Page]:
    place = _place(reading)
    if place is None:
        return
    of, root, _ = place
    lists = _Lists(ChangeReader(reading.client, of, root, reading.pseudonyms))
    listing = Listing(open=lists.open, newest=lists.newest, one=lists.one, read=lists.read)
    yield from changes(listing, reading.cursor, reading.since)
    yield Page(unreadable=tuple(lists.unreadable))


@dataclass(slots=True)
class _Lists:
    """How Azure DevOps lists pull requests; ``unreadable`` holds codes of those that it can't."""

    reader: ChangeReader
    unreadable: list[str] = field(default_factory=list)

    def open(self) -> Iterator[_Item]:
        """All that are active, with their threads."""
        skip: int | None = 0
        while skip is not None:
            told, skip = self._listed("active", skip)
            for each in told:
                yield _item(each, self.reader.threads(each.pull_request_id))

    def newest(self, skip: int) -> tuple[list[_Item], int | None]:
        """A page of all."""
        told, after = self._listed("all", skip)
        return [_item(each, ()) for each in told], after

    def one(self, number: int) -> _Item | None:
        """The one of this number, if it is there."""
        told = self._whole(number)
        return _item(told, ()) if told else None

    def read(self, item: _Item) -> Page:
        """All that belongs to one. Lists cut descriptions, so it is asked for itself."""
        reader, (told, threads) = self.reader, item.told
        reader.tags, reader.unreadable = [], []
        number = told.pull_request_id
        try:
            facts = reader.read(self._whole(number) or told, threads or reader.threads(number))
        except UnreadablePayload as error:
            return Page(unreadable=(error.code,))
        return Page(facts=facts, tags=tuple(reader.tags), unreadable=tuple(reader.unreadable))

    def _whole(self, number: int) -> words.PullRequest | None:
        path = f"{self.reader.root}/pullrequests/{number}"
        try:
            answer = self.reader.client.get(path, rest.VERSION)
        except NotThere:
            return None
        return next(self._shaped([answer.json()]), None)

    def _listed(self, state: str, skip: int) -> tuple[list[words.PullRequest], int | None]:
        query = {**rest.VERSION, "searchCriteria.status": state, "$top": rest.TOP, "$skip": skip}
        answer = self.reader.client.get(f"{self.reader.root}/pullrequests", query)
        items = answer.items("value")
        return list(self._shaped(items)), skip + len(items) if items else None

    def _shaped(self, items: Iterable[Any]) -> Iterator[words.PullRequest]:
        return readable(items, words.PullRequest, words.PROVIDER, self.unreadable)


def _item(told: words.PullRequest, threads: tuple[rest.Thread, ...]) -> _Item:
    head = told.last_merge_source_commit
    said = [(each.id, each.last_updated_date, len(each.comments)) for each in threads]
    votes = [(each.unique_name, each.vote) for each in told.reviewers or ()]
    own = (told.status, told.is_draft, told.title, told.description, told.target_ref_name)
    return Listed(
        number=told.pull_request_id,
        open=told.status == "active",
        touched_at=told.closed_date or told.creation_date,
        mark=mark_of([own, head.commit_id if head else None, votes, said]),
        told=(told, threads),
    )


def _commits(reading: Reading) -> Iterator[Page]:
    place = _place(reading)
    if place is None or place[0].default_branch is None:
        return
    of, root, _ = place
    ref = f"{words.BRANCH}{of.default_branch}"
    was = msgspec.json.decode(reading.cursor, type=_Pushed) if reading.cursor else None
    since = was.at if was else reading.since
    unreadable: list[str] = []
    pushes = list(_pushes(reading.client, root, ref, since, unreadable))
    yield Page(unreadable=tuple(unreadable))
    reader = ChangeReader(reading.client, of, root, reading.pseudonyms)
    for push in sorted(pushes, key=lambda each: each.push_id):
        if was is not None and push.push_id <= was.number:
            continue
        reader.tags, reader.unreadable = [], []
        commits = reader.pushed(push.push_id)
        facts = tuple(
            CommitsPushed(
                repository=of,
                branch=of.default_branch or "",
                before=each.old_object_id,
                after=each.new_object_id,
                forced=False,
                pushed_at=push.date,
                commits=commits,
            )
            for each in push.ref_updates
            if each.name == ref
        )
        cursor = msgspec.json.encode(_Pushed(at=push.date, number=push.push_id)).decode()
        yield Page(
            facts=facts,
            cursor=cursor,
            tags=tuple(reader.tags),
            unreadable=tuple(reader.unreadable),
        )


def _pushes(
    client: Client, root: str, ref: str, since: datetime | None, unreadable: list[str]
) -> Iterator[rest.Push]:
    query: dict[str, str | int] = {
        **rest.VERSION,
        "searchCriteria.refName": ref,
        "searchCriteria.includeRefUpdates": "true",
        "$top": rest.TOP,
    }
    if since is not None:
        query["searchCriteria.fromDate"] = at_moment(since)
    skip = 0
    while items := client.get(f"{root}/pushes", {**query, "$skip": skip}).items("value"):
        yield from readable(items, rest.Push, words.PROVIDER, unreadable)
        skip += len(items)


def _checks(reading: Reading) -> Iterator[Page]:
    place = _place(reading)
    if place is None:
        return
    of, root, project = place
    query: dict[str, str | int] = {
        **rest.VERSION,
        "repositoryId": root.rpartition("/")[2],
        "repositoryType": "TfsGit",
        "statusFilter": "completed",
        "queryOrder": "finishTimeAscending",
        "$top": rest.TOP,
    }
    since = moment_of(reading.cursor, reading.since)
    if since is not None:
        query["minTime"] = at_moment(since)
    path = f"{project}/_apis/build/builds"
    for answer in reading.client.pages(path, query, following=rest.following):
        unreadable: list[str] = []
        told = list(readable(answer.items("value"), builds.Build, words.PROVIDER, unreadable))
        seen = filter(None, (builds.check(each, of) for each in told))
        ended = max((each.finish_time for each in told if each.finish_time), default=None)
        yield Page(
            facts=tuple(seen),
            cursor=at_moment(ended) if ended else None,
            unreadable=tuple(unreadable),
        )


def _work_items(reading: Reading) -> Iterator[Page]:
    kind, key, _ = reading.scope.key.split(" ")
    if kind == _PROJECT:
        yield from projects.work_items(reading, key)


def _deployments(reading: Reading) -> Iterator[Page]:
    kind, key, _ = reading.scope.key.split(" ")
    if kind == _PROJECT:
        yield from projects.deployments(reading, key)


# What ``assay connect`` asks


def _check(client: Client, wanted: Sequence[str]) -> Iterator[Finding]:
    advice = (
        "make a personal access token of the organisation with the scopes Code (read),"
        " Build (read), Work items (read), Environment (read)"
    )
    try:
        scopes = list(_scopes(client, wanted))
    except BadAnswer:
        # Without a right token the server answers with a page to sign in.
        yield Finding(ok=False, text="Azure DevOps asks to sign in", advice=advice)
        return
    there = [scope for scope in scopes if not scope.key.endswith(" -")]
    yield Finding(
        ok=bool(there),
        text=f"{sum(s.key.startswith(_REPOSITORY) for s in there)} repositories can be listed",
        advice="" if there else advice,
    )
    for scope in scopes:
        if scope.key.endswith(" -"):
            yield Finding(ok=False, text=f"{scope.name} is not there", advice="check its name")
        elif scope.key.startswith(_PROJECT):
            yield from _check_project(client, scope, advice)


def _check_project(client: Client, scope: Scope, advice: str) -> Iterator[Finding]:
    key = scope.key.split(" ")[1]
    for path, version, what in (
        (f"{key}/_apis/wit/workitemtypes", rest.VERSION, "work items"),
        (f"{key}/_apis/build/builds", rest.VERSION, "builds"),
        (f"{key}/_apis/distributedtask/environments", rest.PREVIEW, "environments"),
    ):
        try:
            client.get(path, {**version, "$top": 1})
        except (NotThere, NotAllowed):
            yield Finding(ok=False, text=f"{scope.name}: {what} can't be read", advice=advice)
        else:
            yield Finding(ok=True, text=f"{scope.name}: {what} can be read")


SOURCE = Source(
    name=words.NAME,
    root=lambda url: url,
    authorise=_authorise,
    scopes=_scopes,
    streams=(
        Stream(name="changes", read=_changes, needed=True),
        Stream(name="commits", read=_commits),
        Stream(name="checks", read=_checks),
        Stream(name="work items", read=_work_items),
        Stream(name="deployments", read=_deployments),
    ),
    check=_check,
)
