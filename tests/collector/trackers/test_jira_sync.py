"""Reading a Jira over HTTP, Cloud and Data Center: every issue once, with all of its moves."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assay.reading import client_of
from collector.client import Surroundings
from collector.trackers.jira_sync import SOURCE
from store.engine import Database
from tests.collector.sync_server import (
    NOW,
    Clock,
    Request,
    Respond,
    Response,
    SyncServer,
    conforms,
    errors,
    settings,
    synced,
    work,
)

Json = dict[str, Any]

_CATEGORIES = {"To Do": "new", "In Progress": "indeterminate", "Done": "done", "Geprüft": "done"}


def told(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.000+0000"


def issue(number: int, updated: datetime, moves: list[tuple[datetime, str, str]]) -> Json:
    status = moves[-1][2] if moves else "To Do"
    done = _CATEGORIES[status] == "done"
    return {
        "key": f"PAY-{number}",
        "fields": {
            "summary": f"issue {number}",
            "status": {"name": status, "statusCategory": {"key": _CATEGORIES[status]}},
            "issuetype": {"name": "Bug"},
            "project": {"key": "PAY"},
            "resolution": {"name": "Done"} if done else None,
            "resolutiondate": told(moves[-1][0]) if done else None,
            "assignee": {"accountId": f"u{number % 2}", "emailAddress": f"u{number % 2}@acme.dev"},
            "labels": ["pay"],
            "created": told(updated - timedelta(days=3)),
            "updated": told(updated),
        },
        "changelog": {
            "histories": [
                {
                    "created": told(at),
                    "items": [{"field": "status", "fromString": before, "toString": after}],
                }
                for at, before, after in moves
            ],
            "total": len(moves),
        },
    }


def at(minutes: int) -> datetime:
    return NOW - timedelta(days=1) + timedelta(minutes=minutes)


ISSUES = [
    issue(1, at(1), [(at(0), "To Do", "In Progress"), (at(1), "In Progress", "Geprüft")]),
    issue(2, at(1), []),
    # Three in one minute: more than a page of them.
    *(issue(number, at(5), [(at(5), "To Do", "In Progress")]) for number in (3, 4, 5)),
    issue(
        6,
        at(9),
        [(at(6), "To Do", "Done"), (at(8), "Done", "In Progress"), (at(9), "In Progress", "Done")],
    ),
]


class PlayedJira:
    """What Jira answers over a project of some issues; pages hold two."""

    def __init__(self, *, cloud: bool, issues: list[Json] | None = None) -> None:
        self.cloud = cloud
        self.issues = ISSUES if issues is None else issues
        self.now: Callable[[], datetime] = lambda: NOW

    def __call__(self, request: Request) -> Response:
        version = "3" if self.cloud else "2"
        answers: dict[str, Respond] = {
            "/rest/api/2/serverInfo": self._info,
            "/rest/api/3/project/search": self._projects,
            "/rest/api/2/project": self._projects,
            "/rest/api/2/status": self._statuses,
            f"/rest/api/{version}/search{'/jql' if self.cloud else ''}": self._search,
            "/rest/api/2/myself": lambda _: Response({"displayName": "Assay"}),
            "/rest/api/2/project/PAY": lambda _: Response({"key": "PAY"}),
        }
        answer = answers.get(request.path)
        return answer(request) if answer else Response({}, status=404)

    def _info(self, _: Request) -> Response:
        kind = "Cloud" if self.cloud else "Server"
        return Response({"deploymentType": kind, "serverTime": told(self.now())})

    def _projects(self, _: Request) -> Response:
        values = [{"key": "PAY"}]
        return Response({"values": values, "isLast": True} if self.cloud else values)

    def _statuses(self, _: Request) -> Response:
        return Response(
            [
                {"name": name, "statusCategory": {"key": category}}
                for name, category in _CATEGORIES.items()
            ]
        )

    def _search(self, request: Request) -> Response:
        jql = request.query["jql"]
        assert jql.startswith('project = "PAY"')
        assert jql.endswith(" ORDER BY updated ASC, key ASC")
        found = re.search(r"updated >= -(\d+)m", jql)
        since = self.now() - timedelta(minutes=int(found[1])) if found else None
        held = [
            each
            for each in self.issues
            if since is None or datetime.fromisoformat(each["fields"]["updated"]) >= since
        ]
        start = int(request.query.get("nextPageToken" if self.cloud else "startAt", 0))
        end = start + 2
        page: Json = {"issues": held[start:end]}
        if not self.cloud:
            # An administrator's limit may be lower than what is asked for.
            return Response(page | {"total": len(held)})
        if end < len(held):
            page["nextPageToken"] = str(end)
        return Response(page)


@pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "data center"])
def test_jira_is_read_whatever_happens(cloud: bool, fresh: Any) -> None:
    conforms(SOURCE, PlayedJira(cloud=cloud), fresh)


def test_moves_are_told_by_the_categories_of_the_workflow(embedded: Database) -> None:
    with SyncServer(PlayedJira(cloud=True)) as server:
        assert errors(synced(embedded, SOURCE, server)) == []
    rows = work(embedded)
    assert len(rows["tickets"]) == len(ISSUES)
    moved = sorted(tuple(map(str, row)) for row in rows["ticket_moves"])
    assert len(moved) == 2 + 3 + 3
    reopened = [row for row in moved if "PAY-6" in row and "done" in row and "in_progress" in row]
    assert len(reopened) == 2


def test_what_changed_since_is_read_by_time(embedded: Database) -> None:
    played = PlayedJira(cloud=True, issues=list(ISSUES))
    with SyncServer(played) as server:
        clock = Clock()
        synced(embedded, SOURCE, server, clock)
        server.requests.clear()
        clock.now += timedelta(hours=1)
        played.now = clock
        played.issues = [*ISSUES, issue(7, clock.now - timedelta(minutes=2), [])]
        assert errors(synced(embedded, SOURCE, server, clock)) == []
        searched = [r.query["jql"] for r, _ in server.requests if "search/jql" in r.path]
        assert searched
        assert all("updated >= -" in jql for jql in searched)
    assert any("PAY-7" in map(str, row) for row in work(embedded)["tickets"])


def test_an_issue_that_cannot_be_read_costs_no_other(embedded: Database) -> None:
    broken = [*ISSUES[:2], {"key": "PAY-9", "fields": {"summary": 7}}, *ISSUES[2:]]
    with SyncServer(PlayedJira(cloud=True, issues=ISSUES)) as server:
        played = server.respond
        assert isinstance(played, PlayedJira)
        # The search filters by time: the broken one has none, and is put into every answer.
        server.respond = lambda request: _with_broken(played(request), broken[2])
        synced(embedded, SOURCE, server)
    assert len(work(embedded)["tickets"]) == len(ISSUES)


def _with_broken(response: Response, broken: Json) -> Response:
    if isinstance(response.body, dict) and "issues" in response.body:
        body = response.body | {"issues": [*response.body["issues"], broken]}
        return Response(body, headers=response.headers)
    return response


def test_a_long_change_log_is_read_to_its_end(embedded: Database) -> None:
    whole = [
        (at(n), ("To Do", "In Progress")[n % 2], ("In Progress", "To Do")[n % 2]) for n in range(6)
    ]
    long = issue(1, at(9), whole)
    histories = long["changelog"]["histories"]
    long["changelog"] = {"histories": histories[:2], "total": 6}
    played = PlayedJira(cloud=True, issues=[long])

    def respond(request: Request) -> Response:
        if request.path == "/rest/api/3/issue/PAY-1/changelog":
            start = int(request.query["startAt"])
            page = histories[start : start + 4]
            return Response({"values": page, "isLast": start + 4 >= len(histories)})
        return played(request)

    with SyncServer(respond) as server:
        assert errors(synced(embedded, SOURCE, server)) == []
    assert len(work(embedded)["ticket_moves"]) == 6


def test_a_token_that_is_refused_is_named(embedded: Database) -> None:
    with SyncServer(lambda _: Response({}, status=401)) as server:
        results = synced(embedded, SOURCE, server)
    assert [result.error for result in results] == [
        "/rest/api/2/serverInfo: the token is not accepted (401)"
    ]


def test_connect_says_which_projects_can_be_read() -> None:
    with SyncServer(PlayedJira(cloud=True)) as server:
        around = Surroundings(clock=lambda: datetime.now(UTC))
        with client_of(SOURCE, settings(server), around) as client:
            found = list(SOURCE.check(client, ["PAY", "SHOP"]))
    assert [(each.ok, each.text) for each in found] == [
        (True, "Jira (cloud) knows the token as Assay."),
        (True, "Project PAY can be read."),
        (False, "Project SHOP can't be read."),
    ]
