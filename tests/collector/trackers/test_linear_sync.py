"""Reading Linear over GraphQL: every issue once, with its moves and attached changes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from assay.reading import client_of
from collector.client import Surroundings
from collector.trackers.linear_sync import SOURCE
from store.engine import Database
from tests.collector.sync_server import (
    NOW,
    Clock,
    Request,
    Response,
    SyncServer,
    conforms,
    errors,
    settings,
    synced,
    work,
)

Json = dict[str, Any]

_TODO = {"name": "Todo", "type": "unstarted"}
_DOING = {"name": "In Progress", "type": "started"}
_DONE = {"name": "Done", "type": "completed"}


def iso(minutes: int) -> str:
    return (NOW - timedelta(days=1) + timedelta(minutes=minutes)).isoformat()


def issue(number: int, minutes: int, *states: Json) -> Json:
    return {
        "identifier": f"PAY-{number}",
        "number": number,
        "title": f"issue {number}",
        "createdAt": iso(-60),
        "updatedAt": iso(minutes),
        "completedAt": iso(minutes) if states and states[-1] is _DONE else None,
        "canceledAt": None,
        "state": states[-1] if states else _TODO,
        "team": {"key": "PAY"},
        "parent": None,
        "assignee": {"id": f"u{number % 2}", "email": f"u{number % 2}@acme.dev"},
        "labels": {"nodes": [{"name": "Bug"}]},
        "attachments": {
            "nodes": [
                {"url": f"https://github.com/acme/shop/pull/{number}", "createdAt": iso(minutes)}
            ]
        },
        "history": {
            "nodes": [
                # Entries of other kinds name no state.
                {"createdAt": iso(minutes), "fromState": None, "toState": None},
                *(
                    {"createdAt": iso(minutes + n), "fromState": before, "toState": after}
                    for n, (before, after) in enumerate(zip((_TODO, *states), states, strict=False))
                ),
            ]
        },
    }


ISSUES = [issue(number, 10 - number, _DOING, _DONE) for number in range(1, 8)]


class PlayedLinear:
    """What Linear answers over a team of some issues, what changed last first; pages hold two."""

    def __init__(self, issues: list[Json]) -> None:
        self.issues = issues

    def __call__(self, request: Request) -> Response:
        assert request.path == "/graphql"
        asked = request.json()
        after = int(asked["variables"].get("after") or 0)
        if "viewer" in asked["query"]:
            return Response(
                {"data": {"viewer": {"name": "Assay"}, "organization": {"name": "Acme"}}}
            )
        if "teams(" in asked["query"]:
            return Response({"data": {"teams": self._page([{"key": "PAY", "name": "P"}], after)}})
        return Response({"data": {"issues": self._page(self.issues, after)}})

    def _page(self, nodes: list[Json], after: int) -> Json:
        end = after + 2
        more = end < len(nodes)
        return {
            "nodes": nodes[after:end],
            "pageInfo": {"hasNextPage": more, "endCursor": str(end) if more else None},
        }


def test_linear_is_read_whatever_happens(fresh: Any) -> None:
    conforms(SOURCE, PlayedLinear(ISSUES), fresh)


def test_issues_moves_and_attached_changes_are_kept(embedded: Database) -> None:
    with SyncServer(PlayedLinear(ISSUES)) as server:
        assert errors(synced(embedded, SOURCE, server)) == []
        assert {r.headers["authorization"] for r, _ in server.requests} == {
            "Bearer a token for tests"
        }
    rows = work(embedded)
    assert len(rows["tickets"]) == len(ISSUES)
    assert len(rows["ticket_moves"]) == 2 * len(ISSUES)
    assert len(rows["ticket_ties"]) == len(ISSUES)


def test_a_personal_key_stands_alone_in_the_header(embedded: Database) -> None:
    with SyncServer(PlayedLinear(ISSUES)) as server:
        synced(embedded, SOURCE, server, token="lin_api_x")
        assert {r.headers["authorization"] for r, _ in server.requests} == {"lin_api_x"}


def test_the_limit_that_linear_tells_by_400_is_waited_out(embedded: Database) -> None:
    limited = {"errors": [{"extensions": {"code": "RATELIMITED"}}]}
    played = PlayedLinear(ISSUES)
    refused = iter([Response(limited, status=400, headers={"Retry-After": "30"})])
    with SyncServer(lambda request: next(refused, None) or played(request)) as server:
        clock = Clock()
        assert errors(synced(embedded, SOURCE, server, clock)) == []
    assert 30 in clock.slept
    assert len(work(embedded)["tickets"]) == len(ISSUES)


def test_a_refused_query_is_an_error_and_no_empty_team(embedded: Database) -> None:
    with SyncServer(lambda _: Response({"errors": [{"message": "no such field"}]})) as server:
        assert errors(synced(embedded, SOURCE, server))


def test_an_issue_that_cannot_be_read_costs_no_other(embedded: Database) -> None:
    broken: list[Any] = [ISSUES[0], {"identifier": 7}, None, *ISSUES[1:]]
    with SyncServer(PlayedLinear(broken)) as server:
        synced(embedded, SOURCE, server)
    assert len(work(embedded)["tickets"]) == len(ISSUES)


def test_connect_says_which_teams_can_be_read() -> None:
    with SyncServer(PlayedLinear(ISSUES)) as server:
        around = Surroundings(clock=lambda: datetime.now(UTC))
        with client_of(SOURCE, settings(server), around) as client:
            found = list(SOURCE.check(client, ["PAY", "SHOP"]))
        bodies = [json.loads(request.body) for request, _ in server.requests]
    assert [(each.ok, each.text) for each in found] == [
        (True, "Linear knows the key as Assay of Acme."),
        (True, "Team PAY can be read."),
        (False, "Team SHOP can't be read."),
    ]
    assert len(bodies) == 2
