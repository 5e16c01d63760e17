"""Jira, Cloud and Data Center, by REST: the issues of a project, with their moves.

Calls: ``serverInfo`` (Cloud or not), ``project/search`` or ``project``, ``status`` (names to
categories), ``search/jql`` with a page token on Cloud, ``search`` with ``startAt`` elsewhere, both
with the change log. Links to branches and pull requests ("development") are shown by no official
call: the forge's side tells them.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/
https://developer.atlassian.com/server/jira/platform/rest/
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from collector.client import Client
from collector.client_answer import Answer
from collector.client_errors import ClientError
from collector.forges.errors import UnreadablePayload
from collector.forges.reading import Text, read
from collector.passes import at_moment, moment_of, oldest_first
from collector.source import Finding, Page, Reading, Scope, Source, Stream, bearer, readable
from collector.trackers import jira
from domain.tickets import TicketMoved, TicketSeen, TicketState
from domain.work import WorkFact

_PROVIDER = "Jira"
_CLOUD, _SERVER = "cloud", "server"
_PAGE = 50
_FIELDS = (
    "summary status issuetype project resolution assignee parent labels issuelinks created updated"
    " resolutiondate"
).split()
# Relative times are whole minutes by the server's clock, and an answer takes its time.
_SLACK_MINUTES = 3
_KEY = re.compile(r"\A[A-Za-z][A-Za-z0-9_]{0,254}\Z")


class _Status(msgspec.Struct):
    name: Text
    category: jira.Category = msgspec.field(name="statusCategory")


class _Project(msgspec.Struct):
    key: Text


class _Entry(msgspec.Struct):
    created: str | int
    items: tuple[jira.Item, ...] = ()


class _Log(msgspec.Struct):
    histories: tuple[_Entry, ...] = ()
    total: int = 0


class _Issue(jira.Issue):
    changelog: _Log = msgspec.field(default_factory=_Log)


def _root(url: str) -> str:
    return url.rstrip("/").removesuffix("/rest/api")


def _kind(client: Client) -> str:
    told = client.get("/rest/api/2/serverInfo").json()
    return _CLOUD if isinstance(told, dict) and told.get("deploymentType") == "Cloud" else _SERVER


def _ahead(client: Client) -> timedelta:
    """How far the server's clock is ahead of ours; none where it does not tell its time."""
    told = client.get("/rest/api/2/serverInfo").json()
    at = told.get("serverTime") if isinstance(told, dict) else None
    if not isinstance(at, str):
        return timedelta(0)
    return jira.moment(at, "serverTime") - client.around.clock()


def _scopes(client: Client, wanted: Sequence[str]) -> Iterator[Scope]:
    """Projects by key; ``Scope.key`` says which kind of server it is."""
    kind = _kind(client)
    keys = [key.upper() for key in wanted] or _projects(client, kind)
    for key in sorted(set(keys)):
        yield Scope(name=key, key=kind)


def _projects(client: Client, kind: str) -> list[str]:
    unreadable: list[str] = []
    if kind == _SERVER:
        items = client.get("/rest/api/2/project").items()
        return [each.key for each in readable(items, _Project, _PROVIDER, unreadable)]
    keys: list[str] = []
    while True:
        path = "/rest/api/3/project/search"
        answer = client.get(path, {"startAt": len(keys), "maxResults": _PAGE})
        items = answer.items("values")
        keys += [each.key for each in readable(items, _Project, _PROVIDER, unreadable)]
        if not items or answer.json().get("isLast", True):
            return keys


def _issues(reading: Reading) -> Iterator[Page]:
    """Pages of issues by time of change; a page's cursor is when its last issue changed."""
    if not _KEY.match(reading.scope.name):
        raise UnreadablePayload("bad_repository", f"{_PROVIDER}: a project key has letters only")
    states = _states(reading)
    unreadable: list[str] = []
    search = _Search(reading)
    start = moment_of(reading.cursor, reading.since)
    for issues in oldest_first(search.fetch, _updated, start):
        facts: list[WorkFact] = []
        for told in issues:
            try:
                facts += _facts(told, states, reading)
            except UnreadablePayload as error:
                unreadable.append(error.code)
        last = max(map(_updated, issues))
        unreadable += search.unreadable
        yield Page(facts=tuple(facts), cursor=at_moment(last), unreadable=tuple(unreadable))
        unreadable, search.unreadable = [], []


class _Search:
    """Asks for pages of a project's issues, in the way of either kind of server."""

    def __init__(self, reading: Reading) -> None:
        self._client = reading.client
        self._project = reading.scope.name
        self._cloud = reading.scope.key == _CLOUD
        self._ahead = _ahead(reading.client)
        # Where the page after this one begins: a token on Cloud, a number elsewhere.
        self._next: tuple[datetime | None, int, str] | None = None
        self.unreadable: list[str] = []

    def fetch(self, since: datetime | None, page: int) -> tuple[Sequence[_Issue], bool]:
        """One page (from 1 on) of what changed since then, and whether there are more."""
        jql = f'project = "{self._project}"'
        if since is not None:
            now = self._client.around.clock() + self._ahead
            minutes = (now - since).total_seconds() / 60
            jql += f" AND updated >= -{max(math.ceil(minutes), 0) + _SLACK_MINUTES}m"
        jql += " ORDER BY updated ASC, key ASC"
        query: dict[str, str | int] = {
            "jql": jql,
            "fields": ",".join(_FIELDS),
            "expand": "changelog",
            "maxResults": _PAGE,
        }
        going_on = page > 1 and self._next is not None and self._next[:2] == (since, page)
        place = self._next[2] if going_on and self._next is not None else ""
        answer, then = (
            self._on_cloud(query, place) if self._cloud else self._on_server(query, place)
        )
        self._next = (since, page + 1, then) if then else None
        return self._read(answer.items("issues")), bool(then)

    def _on_cloud(self, query: dict[str, str | int], token: str) -> tuple[Answer, str]:
        if token:
            query |= {"nextPageToken": token}
        answer = self._client.get("/rest/api/3/search/jql", query)
        return answer, str(answer.json().get("nextPageToken") or "")

    def _on_server(self, query: dict[str, str | int], start: str) -> tuple[Answer, str]:
        """A server may give fewer than asked for: the next page begins where this one ended."""
        answer = self._client.get("/rest/api/2/search", query | {"startAt": int(start or 0)})
        end = int(start or 0) + len(answer.items("issues"))
        more = answer.items("issues") and end < int(answer.json().get("total", 0))
        return answer, str(end) if more else ""

    def _read(self, items: Sequence[object]) -> list[_Issue]:
        found: list[_Issue] = []
        for each in readable(items, _Issue, _PROVIDER, self.unreadable):
            if each.fields.updated is None:
                self.unreadable.append("unreadable_field")
            else:
                found.append(each)
        return found


def _updated(issue: _Issue) -> datetime:
    return jira.moment(issue.fields.updated or 0, "updated")


def _facts(issue: _Issue, states: Mapping[str, TicketState], reading: Reading) -> list[WorkFact]:
    seen = jira.ticket(issue, reading.pseudonyms, _updated(issue))
    entries = issue.changelog.histories
    if issue.changelog.total > len(entries):
        entries = _whole_log(issue, reading)
    return [
        seen,
        *_moves(seen, entries, states),
        *jira.ties(issue, seen.updated_at),
        *jira.people(issue, reading.pseudonyms),
    ]


def _whole_log(issue: _Issue, reading: Reading) -> tuple[_Entry, ...]:
    """The change log of an issue that has a longer one than a search gives."""
    found: list[_Entry] = []
    path = f"/rest/api/3/issue/{issue.key}/changelog"
    while True:
        answer = reading.client.get(path, {"startAt": len(found), "maxResults": 100})
        items = answer.items("values")
        found += [read(each, _Entry, _PROVIDER) for each in items]
        if not items or answer.json().get("isLast", True):
            return tuple(found)


def _moves(
    seen: TicketSeen, entries: Sequence[_Entry], states: Mapping[str, TicketState]
) -> Iterator[TicketMoved]:
    """Each entry that changed the status or only the resolution, by the categories of today."""
    for entry in entries:
        changed = {item.field.lower(): item for item in entry.items}
        status, resolution = changed.get("status"), changed.get("resolution")
        before = _before(status, resolution, states)
        after = _after(status, resolution, states)
        if after is not None and before is not after:
            yield TicketMoved(
                tracker=jira.NAME,
                key=seen.key,
                from_state=before,
                to_state=after,
                at=jira.moment(entry.created, "changelog.created"),
            )


def _before(
    status: jira.Item | None, resolution: jira.Item | None, states: Mapping[str, TicketState]
) -> TicketState | None:
    if resolution is not None and resolution.before:
        return TicketState.DROPPED if jira.dropped(resolution.before) else TicketState.DONE
    return _state(status.before, states) if status is not None and status.before else None


def _after(
    status: jira.Item | None, resolution: jira.Item | None, states: Mapping[str, TicketState]
) -> TicketState | None:
    state = _state(status.after, states) if status is not None and status.after else None
    if state is not TicketState.DONE or resolution is None or not resolution.after:
        return state
    return TicketState.DROPPED if jira.dropped(resolution.after) else state


def _state(name: str, states: Mapping[str, TicketState]) -> TicketState | None:
    """By the status of this name; of one that is gone, by what such a name usually stands for."""
    return states.get(name.lower(), jira.usual_state(name))


def _states(reading: Reading) -> dict[str, TicketState]:
    items = reading.client.get("/rest/api/2/status").items()
    unreadable: list[str] = []
    return {
        each.name.lower(): jira.state_of(jira.Status(name=each.name, category=each.category), None)
        for each in readable(items, _Status, _PROVIDER, unreadable)
    }


def _check(client: Client, wanted: Sequence[str]) -> Iterator[Finding]:
    """Who the token speaks for, and which projects it may browse."""
    kind = _kind(client)
    me = client.get("/rest/api/2/myself").json()
    name = me.get("displayName") if isinstance(me, dict) else None
    yield Finding(ok=True, text=f"Jira ({kind}) knows the token as {name or 'somebody'}.")
    keys = [key.upper() for key in wanted] or _projects(client, kind)
    if not keys:
        yield Finding(
            ok=False,
            text="The token can't see any project.",
            advice="Give the account the permission Browse projects.",
        )
    for key in keys:
        try:
            client.get(f"/rest/api/2/project/{key}")
        except ClientError:
            yield Finding(
                ok=False,
                text=f"Project {key} can't be read.",
                advice="Give the account the permission Browse projects there.",
            )
        else:
            yield Finding(ok=True, text=f"Project {key} can be read.")


SOURCE = Source(
    name=jira.NAME,
    root=_root,
    authorise=bearer,
    scopes=_scopes,
    streams=(Stream(name="issues", read=_issues, needed=True),),
    check=_check,
)
