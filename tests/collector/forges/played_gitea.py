"""A Gitea for the tests of reading one: a story in two repositories, told by its REST API.

It filters, orders and pages as Gitea does, two things a page.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from tests.collector.sync_server import Request, Response

Json = dict[str, Any]

_PAGE = 2
ADA: Json = {"id": 7, "login": "ada", "full_name": "Ada Lovelace", "email": "ada@example.com"}
BOB: Json = {"id": 8, "login": "bob", "full_name": "", "email": "bob@noreply.git.example.com"}
BOT: Json = {"id": -2, "login": "gitea-actions", "full_name": "", "email": ""}
APP: Json = {"full_name": "Acme/App", "default_branch": "main", "empty": False}
EMPTY: Json = {"full_name": "acme/empty", "default_branch": "main", "empty": True}


def sha(name: str) -> str:
    """A SHA that begins with the name's letters in hex."""
    return name.encode().hex().ljust(40, "0")[:40]


def commit(name: str, *parents: str, message: str = "", at: str = "05T10:00:00") -> Json:
    date = f"2026-01-{at}Z"
    author = {"name": "Ada", "email": "ada@home.example.com", "date": date}
    return {
        "sha": sha(name),
        "author": ADA,
        "commit": {"message": message or name, "author": author, "committer": author},
        "parents": [{"sha": sha(parent)} for parent in parents],
        "files": [{"filename": f"src/{name}.py", "status": "modified"}],
    }


def pull_request(number: int, updated: str, **more: Any) -> Json:
    branch = {"repo": APP, "repo_id": 1}
    return {
        "number": number,
        "title": f"change {number}",
        "body": "",
        "state": "open",
        "user": ADA,
        "labels": [],
        "merged": False,
        "merged_at": None,
        "merge_commit_sha": None,
        "closed_at": None,
        "head": branch
        | {"label": f"branch-{number}", "ref": f"branch-{number}", "sha": sha(f"head-{number}")},
        "base": branch | {"label": "main", "ref": "main", "sha": sha("base")},
        "created_at": "2026-01-05T09:00:00Z",
        "updated_at": f"2026-01-{updated}Z",
        **more,
    }


MERGED = pull_request(
    1,
    "06T12:00:00",
    title="Pay refunds",
    body="Closes #4",
    state="closed",
    merged=True,
    merged_at="2026-01-06T12:00:00Z",
    closed_at="2026-01-06T12:00:00Z",
    merge_commit_sha=sha("m1"),
    labels=[{"name": "bug"}],
)
ISSUE = {
    "number": 4,
    "title": "refunds are late",
    "state": "closed",
    "created_at": "2026-01-01T10:00:00Z",
    "updated_at": "2026-01-06T12:00:01Z",
    "closed_at": "2026-01-06T12:00:00Z",
    "labels": [{"name": "bug"}],
    "assignees": [ADA, BOB],
    "pull_request": None,
}
OTHERS = [ISSUE | {"number": n, "title": f"{n}", "assignees": None} for n in (5, 6)]


class PlayedGitea:
    """The API; ``respond`` is what the server of the tests asks."""

    def __init__(self) -> None:
        self.pulls = [MERGED, pull_request(2, "07T08:00:00"), pull_request(3, "07T08:00:00")]
        self.commits: dict[int, list[Json]] = {
            1: [commit("head-1", "c1"), commit("c1", "base", message="x\n\nCloses #5")],
            2: [commit("head-2", "base")],
            3: [commit("head-3", "base")],
        }
        self.main: list[Json] = [
            commit("direct", "m1", at="07T08:00:00"),
            commit("m1", "base", "head-1", message="Merge pull request #1"),
            *self.commits[1],
            commit("base", at="01T08:00:00"),
        ]
        repository = "repos/Acme/App"
        pull = rf"{repository}/pulls/(\d+)"
        self._routes: list[tuple[str, Callable[..., Response]]] = [
            ("user", lambda _: Response(ADA)),
            ("user/repos", lambda told: _paged(told, [APP, EMPTY])),
            ("users/acme/repos", lambda told: _paged(told, [APP, EMPTY])),
            ("repos/acme/app", lambda _: Response(APP)),
            (f"{repository}/pulls", self._pulls),
            ("repos/acme/empty/(?:pulls|issues)", lambda told: _paged(told, [])),
            (f"{pull}/commits", lambda told, number: _paged(told, self.commits[int(number)])),
            (f"{pull}/files", lambda told, number: _paged(told, _FILES.get(number, []))),
            (f"{pull}/reviews", lambda told, number: _paged(told, _REVIEWS.get(number, []))),
            (
                rf"{repository}/issues/(\d+)/comments",
                lambda _, number: Response(_COMMENTS.get(number, [])),
            ),
            (
                rf"{repository}/commits/([0-9a-f]+)/statuses",
                lambda told, of: _paged(told, _STATUSES if of == sha("head-1") else []),
            ),
            (f"{repository}/branches/main", self._branch),
            (f"{repository}/commits", self._main),
            (f"{repository}/issues", self._issues),
            (
                rf"{repository}/issues/(\d+)/timeline",
                lambda told, number: _paged(told, _TIMELINE if number == "4" else []),
            ),
            (
                f"{repository}/raw/.mailmap",
                lambda _: Response(b"Ada <ada@example.com> <ada@home.example.com>\n"),
            ),
        ]

    def respond(self, request: Request) -> Response:
        path = unquote(request.path).removeprefix("/api/v1/")
        for pattern, answer in self._routes:
            if found := re.fullmatch(pattern, path):
                return answer(request, *found.groups())
        return Response({"message": "not found"}, 404)

    def now(self, number: int, updated: str, **changed: Any) -> None:
        """Let a pull request change at this time of January."""
        self.pulls = [
            each | {"updated_at": f"2026-01-{updated}Z", **changed}
            if each["number"] == number
            else each
            for each in self.pulls
        ]

    def _pulls(self, request: Request) -> Response:
        assert (request.query["state"], request.query["sort"]) == ("all", "recentupdate")
        ordered = sorted(self.pulls, key=lambda each: str(each["updated_at"]), reverse=True)
        return _paged(request, ordered)

    def _issues(self, request: Request) -> Response:
        assert (request.query["state"], request.query["type"]) == ("all", "issues")
        since = request.query.get("since")

        def kept(issue: Json) -> bool:
            at = datetime.fromisoformat(issue["updated_at"])
            return since is None or at >= datetime.fromisoformat(since)

        return _paged(request, [issue for issue in (*reversed(OTHERS), ISSUE) if kept(issue)])

    def _branch(self, _request: Request) -> Response:
        return Response({"name": "main", "commit": {"id": self.main[0]["sha"]}})

    def _main(self, request: Request) -> Response:
        ids = [each["sha"] for each in self.main]
        tip, start = request.query["sha"], request.query.get("not")
        if tip not in ids or (start and start not in ids):
            return Response({"message": "object does not exist"}, 404)
        end = ids.index(start) if start else None
        return _paged(request, self.main[ids.index(tip) : end])


def _paged(request: Request, things: list[Json]) -> Response:
    return request.page(things, most=_PAGE, size="limit")


_FILES = {
    "1": [
        {"filename": "src/refunds.py", "additions": 3, "deletions": 1},
        {"filename": "src/a.py", "additions": 2, "deletions": 0},
        {"filename": "src/b.py", "additions": 0, "deletions": 4},
    ]
}


def _review(number: int, user: Json | None, state: str, at: str, **more: Any) -> Json:
    return {"id": number, "user": user, "state": state, "submitted_at": f"2026-01-{at}Z", **more}


_REVIEWS = {
    "1": [
        _review(1, BOB, "REQUEST_CHANGES", "05T11:05:30", dismissed=True),
        _review(2, BOB, "APPROVED", "06T11:00:20"),
        _review(3, BOB, "PENDING", "06T11:30:00"),
        _review(4, None, "REQUEST_REVIEW", "05T10:00:00"),
    ]
}
_COMMENTS = {
    "1": [
        {"id": 71, "user": BOB, "created_at": "2026-01-05T11:00:00Z", "body": "why?"},
        {"id": 72, "user": BOT, "created_at": "2026-01-05T11:00:01Z", "body": "80 %"},
    ]
}
_STATUSES = [
    {
        "context": "ci / test",
        "status": status,
        "created_at": f"2026-01-05T12:{minute}:00Z",
        "updated_at": f"2026-01-05T12:{minute}:00Z",
    }
    for status, minute in (("success", "09"), ("pending", "01"))
]
_TIMELINE: list[Json] = [
    {"type": "comment", "created_at": "2026-01-01T11:00:00Z"},
    {
        "type": "pull_ref",
        "created_at": "2026-01-05T09:00:00Z",
        "ref_action": "closes",
        "ref_issue": {"number": 1, "pull_request": {"merged": True}, "repository": APP},
    },
    {"type": "close", "created_at": "2026-01-06T12:00:00Z"},
]
