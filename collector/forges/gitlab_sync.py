"""Reading GitLab: merge requests with all that belongs to them, the default branch, issues, CI.

Merge requests, issues, pipelines and deployments are read by time of change (``gitlab_lists``), the
default branch by ranges of commits, from the tip that was read last to today's. A merge request
that changed takes six calls, and one for each commit and each version never seen before; GitLab.com
allows 2,000 calls a minute.

https://docs.gitlab.com/api/rest/
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote

import msgspec

from collector.client import Client
from collector.client_answer import Tag
from collector.client_errors import NotAllowed, NotThere
from collector.forges import gitlab_rest as rest
from collector.forges import gitlab_words as words
from collector.forges import mailmap
from collector.forges.errors import UnreadablePayload
from collector.forges.gitlab_lists import PER_PAGE, Listed, changed, everything, more, one
from collector.forges.gitlab_merge_requests import MergeRequests, commit_with_files
from collector.forges.reading import Sha, Text, read
from collector.passes import at_moment
from collector.source import Finding, Page, Reading, Scope, Source, Stream, bearer, readable
from domain.work import Repository, WorkFact

_Told = TypeVar("_Told")


class _Branch(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cursor: all commits up to ``read`` were read, and ``pages`` of those up to ``tip``."""

    read: str | None = None
    tip: str | None = None
    pages: int = 0


class _TipCommit(msgspec.Struct):
    id: Sha


class _Tip(msgspec.Struct):
    commit: _TipCommit


class _Token(msgspec.Struct):
    scopes: tuple[Text, ...] = ()
    expires_at: Text | None = None


def _root(url: str) -> str:
    told = url.rstrip("/")
    return told if told.endswith("/api/v4") else f"{told}/api/v4"


# What can be read


def _scopes(client: Client, wanted: Sequence[str]) -> Iterator[Scope]:
    """Give the projects; ``group/*`` stands for all of a group and its subgroups."""
    if not wanted:
        # On GitLab.com a token sees everybody's; meant are the projects that it is a member of.
        asked = {"membership": "true", "pagination": "keyset"}
        yield from _projects(client, "projects", asked)
    for name in wanted:
        if name.endswith("/*"):
            yield from _projects_of(client, name.removesuffix("/*"))
        else:
            yield _project(client, name)


def _project(client: Client, name: str) -> Scope:
    key = _escaped(name)
    try:
        return _scope(one(client.get(f"projects/{key}"), rest.Project))
    except (NotThere, NotAllowed):
        return Scope(name=name.lower(), key=key)


def _projects_of(client: Client, owner: str) -> Iterator[Scope]:
    """Give the projects of a group with its subgroups, or of a person."""
    key = _escaped(owner)
    try:
        yield from _projects(client, f"groups/{key}/projects", {"include_subgroups": "true"})
    except NotThere:
        yield from _projects(client, f"users/{key}/projects", {})


def _projects(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Scope]:
    asked = {**params, "simple": "true", "order_by": "id", "sort": "asc"}
    for answer in client.pages(path, {**asked, "per_page": PER_PAGE}):
        for project in readable(answer.items(), rest.Project, words.PROVIDER, []):
            yield _scope(project)


def _scope(told: rest.Project) -> Scope:
    name = told.path_with_namespace.lower()
    return Scope(name=name, key=str(told.id), default_branch=told.default_branch)


def _escaped(path: str) -> str:
    return quote(path, safe="")


# Streams


def _changes(reading: Reading) -> Iterator[Page]:
    requests = MergeRequests(reading, _place(reading))
    path = f"projects/{reading.scope.key}/merge_requests"
    for listed in changed(reading, path, {"state": "all", "scope": "all"}):
        for item, cursor in listed.things:
            yield requests.page(item, cursor)
        if listed.tags:
            yield Page(tags=listed.tags)


def _commits(reading: Reading) -> Iterator[Page]:
    """Read what the default branch gained: what landed, by a merge request or without."""
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
    client, path = reading.client, f"projects/{reading.scope.key}/repository"
    tip = was.tip or one(client.get(f"{path}/branches/{_escaped(branch)}"), _Tip).commit.id
    if tip == was.read:
        return
    # Those that a merge brought in belong to its merge request, which lists them.
    asked: dict[str, str | int] = {"first_parent": "true", "per_page": PER_PAGE}
    asked["ref_name"] = f"{was.read}..{tip}" if was.read else tip
    if reading.since and not was.read:
        asked["since"] = at_moment(reading.since)
    page, further = was.pages, True
    while further:
        page += 1
        answer = client.get(f"{path}/commits", {**asked, "page": page})
        further = more(answer)
        reached = _Branch(read=was.read, tip=tip, pages=page) if further else _Branch(read=tip)
        unreadable: list[str] = []
        tags: list[Tag] = []
        told = readable(answer.items(), rest.Commit, words.PROVIDER, unreadable)
        seen = [commit_with_files(reading, _place(reading), each, tags) for each in told]
        yield Page(
            facts=tuple(rest.landed(_place(reading), branch, commit) for commit in seen),
            cursor=msgspec.json.encode(reached).decode(),
            tags=tuple(tags),
            unreadable=tuple(unreadable),
        )


def _issues(reading: Reading) -> Iterator[Page]:
    path = f"projects/{reading.scope.key}/issues"
    for listed in changed(reading, path, {"state": "all", "scope": "all"}):
        for item, cursor in listed.things:
            unreadable: list[str] = []
            try:
                facts = _issue(reading, path, read(item, rest.Issue, words.PROVIDER), unreadable)
            except UnreadablePayload as error:
                facts = ()
                unreadable.append(error.code)
            yield Page(facts=facts, cursor=cursor, unreadable=tuple(unreadable))
        if listed.tags:
            yield Page(tags=listed.tags)


def _issue(
    reading: Reading, path: str, told: rest.Issue, unreadable: list[str]
) -> tuple[WorkFact, ...]:
    seen = rest.ticket(_place(reading), told, reading.pseudonyms)
    history = f"{path}/{told.iid}/resource_state_events"
    events = everything(reading.client, history, rest.StateEvent, unreadable)
    people = words.same_people((told.author, *told.assignees), reading.pseudonyms)
    return (*people, seen, *rest.moves(seen, events))


def _pipelines(reading: Reading) -> Iterator[Page]:
    place = _place(reading)
    lists = changed(reading, f"projects/{reading.scope.key}/pipelines", {})
    yield from _plain(lists, rest.Pipeline, lambda told: rest.check(place, told))


def _deployments(reading: Reading) -> Iterator[Page]:
    place, project = _place(reading), f"projects/{reading.scope.key}"
    tiers: dict[str, str | None] = {}

    def deployment(told: rest.Deployment) -> WorkFact | None:
        if not tiers:
            there = everything(reading.client, f"{project}/environments", rest.Environment, [])
            tiers.update((each.name, each.tier) for each in there)
        return rest.deployment(place, told, tiers.get(told.environment.name))

    yield from _plain(changed(reading, f"{project}/deployments", {}), rest.Deployment, deployment)


def _plain(
    lists: Iterator[Listed], shape: type[_Told], fact_of: Callable[[_Told], WorkFact | None]
) -> Iterator[Page]:
    """Read things of which the list says all there is to know, a page of the list at once."""
    for listed in lists:
        facts: list[WorkFact] = []
        unreadable: list[str] = []
        for item, _ in listed.things:
            try:
                fact = fact_of(read(item, shape, words.PROVIDER))
            except UnreadablePayload as error:
                unreadable.append(error.code)
            else:
                facts += [fact] if fact else []
        cursor = listed.things[-1][1] if listed.things else None
        yield Page(
            facts=tuple(facts), cursor=cursor, tags=listed.tags, unreadable=tuple(unreadable)
        )


def _people(reading: Reading) -> Iterator[Page]:
    """Read the repository's own list of which addresses are one person's."""
    path = f"projects/{reading.scope.key}/repository/files/.mailmap/raw"
    try:
        answer = reading.client.get(path, {"ref": "HEAD"}, conditional=True)
    except NotThere:
        return
    if not answer.unchanged:
        text = answer.body.decode(errors="replace")
        yield Page(facts=mailmap.same_people(text, reading.pseudonyms), tags=answer.tags)


def _place(reading: Reading) -> Repository:
    branch = reading.scope.default_branch
    return Repository(forge=words.NAME, name=reading.scope.name, default_branch=branch)


# What ``assay connect`` asks


def _check(client: Client, wanted: Sequence[str]) -> Iterator[Finding]:
    user = one(client.get("user"), words.User)
    yield Finding(ok=True, text=f"GitLab accepts the token, as {user.username}")
    try:
        token = one(client.get("personal_access_tokens/self"), _Token)
    except (NotThere, NotAllowed):  # of another kind, or before 15.5
        token = _Token()
    if token.scopes and not {"api", "read_api"} & set(token.scopes):
        yield Finding(
            ok=False,
            text=f"the token has only the scopes {', '.join(token.scopes)}",
            advice="make one with the scope read_api",
        )
    if token.expires_at:
        yield Finding(ok=True, text=f"it ends on {token.expires_at}")
    seen = 0
    for scope in _scopes(client, wanted):
        if scope.key.isdigit():
            seen += 1
        else:
            advice = "make the token's user a member (Reporter)"
            yield Finding(ok=False, text=f"{scope.name} can't be seen", advice=advice)
    advice = "" if seen else "make the token's user a member (Reporter) of projects or groups"
    yield Finding(ok=seen > 0, text=f"{seen} projects can be read", advice=advice)


SOURCE = Source(
    name=words.NAME,
    root=_root,
    authorise=bearer,
    scopes=_scopes,
    streams=(
        Stream(name="changes", read=_changes, needed=True),
        Stream(name="commits", read=_commits),
        Stream(name="issues", read=_issues),
        Stream(name="checks", read=_pipelines),
        Stream(name="deployments", read=_deployments),
        Stream(name="people", read=_people),
    ),
    check=_check,
)
