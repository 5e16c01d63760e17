"""A small Bitbucket Data Center: one repository's story, told by its REST API in pages of two."""

import hashlib
from datetime import timedelta
from typing import Any

from tests.collector.sync_server import NOW, Request, Response

Json = dict[str, Any]


def millis(days: float) -> int:
    """A moment so many days before now."""
    return round((NOW - timedelta(days=days)).timestamp() * 1000)


def sha(name: str) -> str:
    return hashlib.sha1(name.encode()).hexdigest()


def user(name: str, kind: str = "NORMAL") -> Json:
    return {
        "name": name,
        "emailAddress": f"{name}@example.test",
        "displayName": name.title(),
        "id": 7,
        "type": kind,
    }


def commit(name: str, days: float, message: str = "", parents: tuple[str, ...] = ("root",)) -> Json:
    return {
        "id": sha(name),
        "author": user("dev"),
        "authorTimestamp": millis(days),
        "committerTimestamp": millis(days - 0.01),
        "message": message or f"feat: {name}",
        "parents": [{"id": sha(each)} for each in parents],
    }


def change(number: int, days: float, state: str = "OPEN", **told: Any) -> Json:
    repository = {"slug": "web", "project": {"key": "PAY"}}
    ended = {} if state == "OPEN" else {"closedDate": millis(days)}
    return {
        "id": number,
        "version": 1,
        "title": f"feat: change {number}",
        "description": "",
        "state": state,
        "createdDate": millis(days + 2),
        "updatedDate": millis(days),
        "fromRef": {
            "id": f"refs/heads/topic-{number}",
            "latestCommit": sha(f"c{number}.2"),
            "repository": repository,
        },
        "toRef": {
            "id": "refs/heads/main",
            "latestCommit": sha("root"),
            "repository": repository,
        },
        "author": {"user": user("dev")},
        "reviewers": [],
        "properties": {"commentCount": 0},
        **ended,
    } | told


def activities(number: int, days: float, state: str) -> list[Json]:
    """Newest first, as the server tells it."""
    said = {"id": 10 * number, "createdDate": millis(days + 1.5), "author": user("reviewer")}
    answer = {"id": 10 * number + 1, "createdDate": millis(days + 1.4), "author": user("dev")}
    tip = sha(f"c{number}.1")
    told: list[Json] = [
        act(9, "APPROVED", days + 0.5, user=user("reviewer")),
        act(8, "UNAPPROVED", days + 0.6, user=user("reviewer")),
        act(
            7,
            "RESCOPED",
            days + 1,
            fromHash=sha(f"c{number}.2"),
            previousFromHash=sha(f"c{number}.1"),
            added={"commits": [commit(f"c{number}.2", days + 1, parents=("root",))], "total": 1},
            removed={"commits": [], "total": 1},
        ),
        act(6, "RESCOPED", days + 1.2, fromHash=tip, previousFromHash=tip),
        act(5, "REVIEWED", days + 1.5, user=user("reviewer")),
        act(
            4,
            "COMMENTED",
            days + 1.5,
            user=user("reviewer"),
            commentAction="ADDED",
            comment=said | {"comments": [answer]},
        ),
        act(1, "OPENED", days + 2, user=user("dev")),
    ]
    if state == "MERGED":
        made = commit(f"merge {number}", days, f"Pull request #{number}: x", ("root", "c"))
        told.insert(0, act(10, "MERGED", days, user=user("dev"), commit=made))
    return told


def act(number: int, action: str, days: float, **told: Any) -> Json:
    return {"id": number, "action": action, "createdDate": millis(days)} | told


class BitbucketDcStory:
    """What the server holds; tests change it between syncs."""

    def __init__(self) -> None:
        self.changes = [
            change(1, 30, "MERGED"),
            change(2, 20, "DECLINED"),
            change(3, 10, "MERGED"),
            change(4, 5),
            change(5, 4, title="PAY-7: wip"),
        ]
        self.landed = [
            commit("merge 3", 10, "Pull request #3: x", ("direct", "c3.2")),
            commit("direct", 12, "fix: typo", ("merge 1",)),
            commit("merge 1", 30, "Pull request #1: x", ("root", "c1.2")),
            commit("root", 60, "Begin", parents=()),
        ]
        self.by_update = False

    def respond(self, request: Request) -> Response:  # noqa: PLR0911
        """Answer as Bitbucket Data Center does."""
        path = request.path.removeprefix("/rest/")
        repository = {"slug": "web", "project": {"key": "PAY"}}
        if path in ("api/latest/repos", "api/latest/projects/PAY/repos"):
            return self._page(request, [repository])
        if path == "api/latest/application-properties":
            return Response({"version": "8.9.0"})
        if path.startswith("build-status/latest/commits/"):
            build = {"key": "ci", "state": "FAILED", "dateAdded": millis(3)}
            return self._page(request, [build])
        match path.removeprefix("api/latest/projects/pay/repos/web").strip("/").split("/"):
            case ["default-branch"]:
                return Response({"id": "refs/heads/main", "displayId": "main"})
            case ["pull-requests"]:
                return self._page(request, self._listed(request.query["state"]))
            case ["pull-requests", number]:
                found = [each for each in self.changes if each["id"] == int(number)]
                return Response(found[0]) if found else Response({}, 404)
            case ["pull-requests", number, part]:
                return self._part(request, int(number), part)
            case ["commits"]:
                return self._commits(request)
            case ["commits", name, "changes"]:
                return self._page(request, [file(f"src/{name[:4]}.py"), file("docs/a.md")])
        return Response({"errors": []}, 404)

    def _listed(self, state: str) -> list[Json]:
        key = "updatedDate" if self.by_update else "id"
        newest = sorted(self.changes, key=lambda each: int(each[key]), reverse=True)
        return [each for each in newest if state in ("ALL", each["state"])]

    def _part(self, request: Request, number: int, part: str) -> Response:
        [told] = [each for each in self.changes if each["id"] == number]
        days = (NOW.timestamp() * 1000 - told["updatedDate"]) / 86_400_000
        parts = {
            "activities": activities(number, days, told["state"]),
            "commits": [commit(f"c{number}.2", days + 1)],
            "changes": [file(f"src/{number}.py"), file("README.md")],
        }
        return self._page(request, parts[part])

    def _commits(self, request: Request) -> Response:
        known = [each["id"] for each in self.landed]
        until, read = request.query["until"], request.query.get("since")
        if read and read not in known:
            return Response({}, 404)
        first = 0 if until == "refs/heads/main" else known.index(until)
        return self._page(request, self.landed[first : known.index(read) if read else None])

    def _page(self, request: Request, items: list[Json], most: int = 2) -> Response:
        start = int(request.query.get("start", 0))
        end = start + min(most, int(request.query["limit"]))
        last = end >= len(items)
        told = {"values": items[start:end], "isLastPage": last, "start": start}
        return Response(told | {"nextPageStart": None if last else end})


def file(path: str) -> Json:
    return {"path": {"toString": path}, "type": "MODIFY"}
