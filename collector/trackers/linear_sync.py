"""Linear by GraphQL: the issues of a team, with their moves and attached changes.

Lists come newest first; a call costs by what it could give, so pages are small. What an issue has
more of than a page asks for (moves, attachments) is read from its beginning as far as that goes.

https://linear.app/developers/graphql
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from collector.client import Authorise, Client
from collector.client_errors import BadAnswer, Limited
from collector.forges.errors import UnreadablePayload
from collector.forges.reading import Instant, Text, read, utc
from collector.passes import NewestFirst
from collector.source import Access, Connect, Finding, Page, Reading, Scope, Source, Stream
from collector.trackers import linear
from domain.tickets import TicketMoved, TicketSeen, TicketState
from domain.work import WorkFact

_PROVIDER = "Linear"
_PATH = "/graphql"
_TEAMS = """query($after:String){
 teams(first:100,after:$after){nodes{key name} pageInfo{hasNextPage endCursor}}}"""
_ISSUES = """query($team:String!,$after:String){
 issues(first:25,after:$after,orderBy:updatedAt,includeArchived:true,
        filter:{team:{key:{eq:$team}}}){
  pageInfo{hasNextPage endCursor}
  nodes{identifier number title createdAt updatedAt completedAt canceledAt
   state{name type} team{key} parent{identifier} assignee{id email}
   labels(first:20){nodes{name}}
   attachments(first:10){nodes{url createdAt}}
   history(first:40){nodes{createdAt fromState{name type} toState{name type}}}}}}"""
_VIEWER = "query{viewer{name} organization{name}}"
_RATE_LIMITED = b"RATELIMITED"
_BAD_REQUEST = 400


class _Attached(msgspec.Struct, rename="camel"):
    url: Text
    created_at: Instant


class _Move(msgspec.Struct, rename="camel"):
    created_at: Instant
    from_state: linear.State | None = None
    to_state: linear.State | None = None


class _Issue(linear.Issue, rename="camel"):
    attachments: tuple[_Attached, ...] = ()
    history: tuple[_Move, ...] = ()


def _root(url: str) -> str:
    return url.rstrip("/").removesuffix(_PATH)


def _authorised(access: Access, _connect: Connect) -> Authorise:
    """A personal key stands alone in the header, a token of OAuth behind ``Bearer``."""
    token = access.token or ""
    value = token if token.startswith("lin_api_") else f"Bearer {token}"
    return lambda _account: {"Authorization": value}


def _limited(status: int, headers: Mapping[str, str], body: bytes) -> Limited | None:
    """Linear answers 400 with a code in the body."""
    if status != _BAD_REQUEST or _RATE_LIMITED not in body:
        return None
    return Limited(None) if "retry-after" not in headers else Limited(float(headers["retry-after"]))


def _asked(client: Client, query: str, **variables: str | None) -> dict[str, Any]:
    """The data of an answer. Raises BadAnswer where the query was refused."""
    told = client.post(_PATH, {"query": query, "variables": variables}).json()
    data = told.get("data") if isinstance(told, dict) else None
    if not isinstance(data, dict) or told.get("errors"):
        raise BadAnswer("Linear has refused the query")
    return data


def _pages(client: Client, query: str, field: str, **variables: str) -> Iterator[list[Any]]:
    """The nodes of a list, page by page."""
    after: str | None = None
    while True:
        told = _asked(client, query, after=after, **variables).get(field)
        if not isinstance(told, dict) or not isinstance(told.get("nodes"), list):
            raise BadAnswer(f"Linear's answer holds no {field}")
        yield told["nodes"]
        page = told.get("pageInfo") or {}
        if not page.get("hasNextPage") or page.get("endCursor") in (None, after):
            return
        after = str(page["endCursor"])


def _scopes(client: Client, wanted: Sequence[str]) -> Iterator[Scope]:
    keys = [key.upper() for key in wanted] or list(_teams(client))
    for key in sorted(set(keys)):
        yield Scope(name=key)


def _teams(client: Client) -> Iterator[str]:
    for nodes in _pages(client, _TEAMS, "teams"):
        yield from (
            str(each["key"]) for each in nodes if isinstance(each, dict) and each.get("key")
        )


def _issues(reading: Reading) -> Iterator[Page]:
    """Pages of issues, what changed last first."""
    listed = NewestFirst(reading.cursor, reading.since)
    for nodes in _pages(reading.client, _ISSUES, "issues", team=reading.scope.name):
        facts: list[WorkFact] = []
        unreadable: list[str] = []
        moments = []
        for node in nodes:
            try:
                issue = read(_flat(node), _Issue, _PROVIDER)
                at = utc(issue.updated_at, _PROVIDER)
                moments.append(at)
                if listed.wants(at):
                    facts += _facts(issue, reading)
            except UnreadablePayload as error:
                unreadable.append(error.code)
                continue
            listed.read(at)
        yield Page(facts=tuple(facts), cursor=listed.cursor, unreadable=tuple(unreadable))
        if moments and listed.over(moments):
            break
    yield Page(cursor=listed.finished())


def _flat(node: Any) -> dict[str, Any]:
    """An issue with its lists as webhooks have them, without ``nodes`` between."""
    if not isinstance(node, dict):
        raise UnreadablePayload("unreadable_field", f"{_PROVIDER}: an issue is no object")
    lists = {
        name: (node.get(name) or {}).get("nodes") or []
        for name in ("labels", "attachments", "history")
        if isinstance(node.get(name) or {}, dict)
    }
    return node | lists


def _facts(issue: _Issue, reading: Reading) -> list[WorkFact]:
    seen = linear.ticket(issue, reading.pseudonyms)
    facts: list[WorkFact] = [seen, *linear.people(issue, reading.pseudonyms), *_moves(issue, seen)]
    for each in issue.attachments:
        facts += linear.tied(seen.key, each.url, utc(each.created_at, _PROVIDER))
    return facts


def _moves(issue: _Issue, seen: TicketSeen) -> Iterator[TicketMoved]:
    for move in issue.history:
        if move.to_state is not None:
            yield TicketMoved(
                tracker=linear.NAME,
                key=seen.key,
                from_state=_state(move.from_state) if move.from_state else None,
                to_state=_state(move.to_state),
                at=utc(move.created_at, _PROVIDER),
            )


def _state(state: linear.State) -> TicketState:
    return linear.STATES.get(state.type, TicketState.IN_PROGRESS)


def _check(client: Client, wanted: Sequence[str]) -> Iterator[Finding]:
    """Who the key speaks for, and which teams it sees."""
    told = _asked(client, _VIEWER)
    viewer, where = told.get("viewer") or {}, told.get("organization") or {}
    yield Finding(
        ok=True, text=f"Linear knows the key as {viewer.get('name')} of {where.get('name')}."
    )
    teams = set(_teams(client))
    for key in sorted({key.upper() for key in wanted} or teams):
        yield Finding(
            ok=key in teams,
            text=f"Team {key} can be read." if key in teams else f"Team {key} can't be read.",
            advice="" if key in teams else "Give the key's owner access to the team.",
        )


SOURCE = Source(
    name=linear.NAME,
    root=_root,
    authorise=_authorised,
    scopes=_scopes,
    streams=(Stream(name="issues", read=_issues, needed=True),),
    check=_check,
    limited=_limited,
)
