"""A GitLab for the tests of reading one: a story in two projects, told by its REST API.

It filters, orders and pages as GitLab does, two things a page. ``now(…)`` lets a merge request
change.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from tests.collector.sync_server import Request, Response

Json = dict[str, Any]

_PAGE = 2
ADA: Json = {"id": 7, "username": "ada", "name": "Ada Lovelace"}
BOB: Json = {"id": 8, "username": "bob", "name": "Bob"}
BOT: Json = {"id": 9, "username": "project_11_bot", "name": "ci"}


def sha(name: str) -> str:
    """A SHA that begins with the name's letters in hex."""
    return name.encode().hex().ljust(40, "0")[:40]


def commit(name: str, *parents: str, message: str = "", at: str = "2026-01-05T10:00:00") -> Json:
    return {
        "id": sha(name),
        "message": message or name,
        "author_name": "Ada Lovelace",
        "author_email": "ada@example.com",
        "authored_date": f"{at}.000+00:00",
        "committed_date": f"{at}.000+00:00",
        "parent_ids": [sha(parent) for parent in parents],
    }


def diff(path: str, text: str = "@@ -1 +1,2 @@\n-a\n+b\n+c\n", **more: Any) -> Json:
    return {"old_path": path, "new_path": path, "diff": text, **more}


def note(number: int, author: Json, body: str, at: str, *, system: bool = False) -> Json:
    return {
        "id": number,
        "author": author,
        "body": body,
        "created_at": f"2026-01-{at}Z",
        "system": system,
    }


def merge_request(iid: int, updated: str, **more: Any) -> Json:
    return {
        "id": 1000 + iid,
        "iid": iid,
        "title": f"change {iid}",
        "description": "",
        "state": "opened",
        "author": ADA,
        "source_branch": f"branch-{iid}",
        "target_branch": "main",
        "source_project_id": 11,
        "target_project_id": 11,
        "created_at": "2026-01-05T09:00:00.000Z",
        "updated_at": f"2026-01-{updated}Z",
        "sha": sha(f"head-{iid}"),
        "merge_commit_sha": None,
        "squash_commit_sha": None,
        "squash": False,
        "draft": False,
        "labels": [],
        "merged_at": None,
        "closed_at": None,
        **more,
    }


MERGED = merge_request(
    1,
    "06T12:00:00.123",
    state="merged",
    title="Pay refunds",
    description="Closes #4",
    sha=sha("c3"),
    merge_commit_sha=sha("m1"),
    merged_at="2026-01-06T12:00:00.100Z",
    labels=["bug"],
)
OF_A_FORK = merge_request(2, "07T08:00:00.000", source_project_id=13)
# Fast forward: GitLab names no commit that the merge made.
FORWARDED = merge_request(3, "07T08:00:00.000", state="merged", merged_at="2026-01-07T08:00:00Z")
OF_A_GONE_FORK = merge_request(4, "07T08:00:00.000", source_project_id=None, state="closed")
PROJECTS: list[Json] = [
    {"id": 11, "path_with_namespace": "Group/Sub/App", "default_branch": "main"},
    {"id": 12, "path_with_namespace": "group/lib", "default_branch": None},
]
FORK = {"id": 13, "path_with_namespace": "ada/app", "default_branch": "main"}
ISSUE: Json = {
    "id": 501,
    "iid": 4,
    "title": "refunds are late",
    "state": "closed",
    "created_at": "2026-01-01T10:00:00.000Z",
    "updated_at": "2026-01-06T12:00:01.000Z",
    "closed_at": "2026-01-06T12:00:00.900Z",
    "labels": ["bug"],
    "assignees": [ADA],
    "author": BOB,
    "issue_type": "incident",
    "_links": {"closed_as_duplicate_of": None},
    "references": {"full": "Group/Sub/App#4"},
}


class PlayedGitLab:
    """The API; ``respond`` is what the server of the tests asks."""

    def __init__(self, *, off: bool = False) -> None:
        """With ``off`` the second project has neither issues nor CI."""
        self.off = off
        self.requests = [MERGED, OF_A_FORK, FORWARDED, OF_A_GONE_FORK]
        self.commits: dict[int, list[Json]] = {
            1: [commit("c3", "c1"), commit("c1", "base", message="x\n\nAgent-Session: codex/s-1")],
            2: [commit("head-2", "base")],
            3: [commit("head-3", "base")],
            4: [commit("head-4", "base")],
        }
        self.main = [
            commit("head-3", "m1", at="2026-01-07T08:00:00"),
            commit("m1", "base", "c3", message="Merge branch 'branch-1' into 'main'"),
            commit("base", at="2026-01-01T08:00:00"),
        ]
        self.tokens: Json = {"scopes": ["read_api"], "expires_at": "2027-01-01"}
        project = r"projects/(?:11|12)"
        request = rf"{project}/merge_requests/(\d+)"
        self._routes: list[tuple[str, Callable[..., Response]]] = [
            ("user", lambda _: Response(ADA)),
            ("personal_access_tokens/self", lambda _: Response(self.tokens)),
            ("projects", lambda told: _paged(told, PROJECTS)),
            ("groups/group/projects", lambda told: _paged(told, PROJECTS)),
            ("projects/Group/Sub/App", lambda _: Response(PROJECTS[0])),
            ("projects/13", lambda _: Response(FORK)),
            (f"{project}/merge_requests", lambda told: _listed(told, self.requests)),
            (f"{request}/commits", lambda told, iid: _paged(told, self.commits[int(iid)])),
            (f"{request}/diffs", lambda told, iid: _paged(told, _DIFFS.get(iid, []))),
            (f"{request}/notes", lambda told, iid: _paged(told, _NOTES.get(iid, []))),
            (f"{request}/versions", lambda told, iid: _paged(told, _versions(iid))),
            (f"{request}/versions/101", lambda *_: Response(_VERSION)),
            (f"{request}/approvals", lambda _, iid: Response(_APPROVALS.get(iid, {}))),
            (f"{request}/closes_issues", lambda told, iid: _paged(told, _CLOSES.get(iid, []))),
            (f"{project}/repository/branches/main", self._branch),
            (f"{project}/repository/commits", self._main),
            (
                rf"{project}/repository/commits/([0-9a-f]+)/diff",
                lambda told, of: _paged(told, [diff(f"src/{of[:4]}.py")]),
            ),
            (f"{project}/issues", lambda told: _listed(told, [ISSUE])),
            (rf"{project}/issues/4/resource_state_events", lambda told: _paged(told, _EVENTS)),
            (f"{project}/pipelines", lambda told: _listed(told, _PIPELINES)),
            (f"{project}/deployments", lambda told: _listed(told, _DEPLOYMENTS)),
            (f"{project}/environments", lambda told: _paged(told, _ENVIRONMENTS)),
            (
                f"{project}/repository/files/.mailmap/raw",
                lambda _: Response(b"Ada <ada@example.com> <ada@old.example.com>\n"),
            ),
        ]

    def respond(self, request: Request) -> Response:
        path = unquote(request.path).removeprefix("/api/v4/")
        if path.startswith("projects/12/"):
            # Empty, or what it could have is switched off.
            status = 200 if path.endswith("merge_requests") or not self.off else 403
            return Response([] if status == 200 else {}, status)
        for pattern, answer in self._routes:
            if found := re.fullmatch(pattern, path):
                return answer(request, *found.groups())
        return Response({"message": "404 Not Found"}, 404)

    def now(self, iid: int, updated: str, **changed: Any) -> None:
        """Let a merge request change at this time of January."""
        self.requests = [
            each | {"updated_at": f"2026-01-{updated}Z", **changed} if each["iid"] == iid else each
            for each in self.requests
        ]

    def _branch(self, _request: Request) -> Response:
        return Response({"name": "main", "commit": {"id": self.main[0]["id"]}})

    def _main(self, request: Request) -> Response:
        start, _, tip = request.query["ref_name"].rpartition("..")
        ids = [each["id"] for each in self.main]
        if tip not in ids or (start and start not in ids):
            return Response({"message": "404 Commit Not Found"}, 404)
        end = ids.index(start) if start else None
        return _paged(request, self.main[ids.index(tip) : end])


def _listed(request: Request, things: list[Json]) -> Response:
    """What changed on or after a moment, oldest first, as ``order_by=updated_at`` gives it."""
    assert (request.query["order_by"], request.query["sort"]) == ("updated_at", "asc")
    since = request.query.get("updated_after")

    def at(thing: Json) -> datetime:
        return datetime.fromisoformat(thing.get("updated_at") or thing["created_at"])

    kept = [each for each in things if since is None or at(each) >= datetime.fromisoformat(since)]
    return _paged(request, sorted(kept, key=at))


def _paged(request: Request, things: list[Json]) -> Response:
    return request.page(things, most=_PAGE)


_DIFFS = {
    "1": [diff("src/refunds.py"), diff("big.json", "", too_large=True), diff("logo.png", "")],
    "3": [diff("src/app.py")],
}
_NOTES = {
    "1": [
        note(71, BOB, "why?", "05T11:00:00"),
        note(72, BOT, "coverage is 80 %", "05T11:01:00"),
        note(73, BOB, "requested changes", "05T11:05:30", system=True),
        note(74, ADA, "added 1 commit", "05T12:00:00", system=True),
        note(75, BOB, "approved this merge request", "06T11:00:20", system=True),
    ]
}
_APPROVALS = {
    "1": {"approved_by": [{"user": BOB, "approved_at": "2026-01-06T11:00:21.500Z"}]},
    "2": {"approved_by": [{"user": BOB}]},
}
_CLOSES: dict[str, list[Json]] = {
    "1": [
        {"id": 501, "iid": 4, "references": {"full": "Group/Sub/App#4"}},
        {"id": "PAY-7", "title": "of Jira"},
    ]
}
_VERSION = {"id": 101, "commits": [commit("c2", "c1"), commit("c1", "base")]}


def _versions(iid: str) -> list[Json]:
    if iid != "1":
        return [
            {
                "id": 100 + 10 * int(iid),
                "head_commit_sha": sha(f"head-{iid}"),
                "created_at": "2026-01-05T09:00:00.000Z",
            }
        ]
    return [
        {"id": 102, "head_commit_sha": sha("c3"), "created_at": "2026-01-05T12:00:00.000Z"},
        {"id": 101, "head_commit_sha": sha("c2"), "created_at": "2026-01-05T09:00:00.000Z"},
        # Made before its branch held anything.
        {"id": 100, "head_commit_sha": None, "created_at": "2026-01-05T08:00:00.000Z"},
    ]


_EVENTS = [
    {"id": 1, "created_at": "2026-01-02T10:00:00.400Z", "state": "closed"},
    {"id": 2, "created_at": "2026-01-03T10:00:00.400Z", "state": "reopened"},
    {"id": 3, "created_at": "2026-01-06T12:00:00.900Z", "state": "closed"},
]
_PIPELINES = [
    {
        "id": 61,
        "sha": sha("c3"),
        "status": "success",
        "source": "merge_request_event",
        "created_at": "2026-01-05T12:01:00.000Z",
        "updated_at": "2026-01-05T12:09:00.000Z",
    },
    {
        "id": 62,
        "sha": sha("c2"),
        "status": "failed",
        "source": "push",
        "created_at": "2026-01-05T12:01:00.000Z",
        "updated_at": None,
    },
]
_ENVIRONMENTS = [{"name": "eu-1", "tier": "production"}, {"name": "prod-like", "tier": "staging"}]
_DEPLOYMENTS = [
    {
        "id": 31,
        "sha": sha("m1"),
        "status": "success",
        "environment": {"name": "eu-1"},
        "created_at": "2026-01-06T12:50:00.000Z",
        "updated_at": "2026-01-06T13:00:00.000Z",
    },
    {
        "id": 32,
        "sha": sha("m1"),
        "status": "failed",
        "environment": {"name": "prod-like"},
        "created_at": "2026-01-06T13:50:00.000Z",
        "updated_at": "2026-01-06T14:00:00.000Z",
    },
]
