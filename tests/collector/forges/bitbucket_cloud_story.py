"""A small Bitbucket Cloud: one repository's story, told by its REST API in pages of two."""

import hashlib
from datetime import timedelta
from typing import Any

from tests.collector.sync_server import NOW, Request, Response

REPO = "acme/payments"
PROD = "{00000000-0000-0000-0000-000000000001}"
Json = dict[str, Any]


def stamp(days: float) -> str:
    """A moment so many days before now, as Bitbucket spells it."""
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def sha(name: str) -> str:
    return hashlib.sha1(name.encode()).hexdigest()


def user(name: str, kind: str = "user") -> Json:
    return {"display_name": name, "account_id": f"557058:{name}", "type": kind}


def commit(name: str, days: float, message: str = "", parents: tuple[str, ...] = ("root",)) -> Json:
    return {
        "hash": sha(name),
        "date": stamp(days),
        "message": message or f"feat: {name}",
        "author": {"raw": "Dev Eloper <dev@example.test>", "user": user("dev")},
        "parents": [{"hash": sha(each)} for each in parents],
    }


def change(number: int, days: float, state: str = "OPEN", **told: Any) -> Json:
    repository = {"full_name": REPO}
    return {
        "id": number,
        "state": state,
        "title": f"feat: change {number}",
        "description": "",
        "author": user("dev"),
        "source": {
            "branch": {"name": f"topic-{number}"},
            "commit": {"hash": sha(f"c{number}.2")[:12]},
            "repository": repository,
        },
        "destination": {
            "branch": {"name": "main"},
            "commit": {"hash": sha("root")[:12]},
            "repository": repository,
        },
        "merge_commit": {"hash": sha(f"merge {number}")[:12]} if state == "MERGED" else None,
        "created_on": stamp(days + 1),
        "updated_on": stamp(days),
    } | told


def activity(number: int, days: float, end: str | None) -> list[Json]:
    """Newest first, as Bitbucket tells it."""
    told: list[Json] = [
        {"approval": {"date": stamp(days + 0.1), "user": user("reviewer")}},
        {"update": update(number, days + 0.2, "OPEN", "c{}.2")},
        {"changes_requested": {"date": stamp(days + 0.3), "user": user("reviewer")}},
        {
            "comment": {
                "id": 1000 + number,
                "created_on": stamp(days + 0.4),
                "user": user("ci", "app_user"),
                "deleted": False,
            }
        },
        {
            "comment": {
                "id": 2000 + number,
                "created_on": stamp(days + 0.4),
                "user": user("dev"),
                "deleted": True,
            }
        },
        {"update": update(number, days + 1, "OPEN", "c{}.1")},
    ]
    return [{"update": update(number, days + 0.01, end, "c{}.2")}, *told] if end else told


def update(number: int, days: float, state: str, tip: str) -> Json:
    source = {"commit": {"hash": sha(tip.format(number))[:12]}}
    return {"date": stamp(days), "state": state, "source": source, "author": user("dev")}


class BitbucketCloudStory:
    """What the server holds; tests change it between syncs."""

    def __init__(self) -> None:
        self.changes = [
            change(1, 30, "MERGED", description="Fixes #11"),
            change(2, 20, "DECLINED", description="Superseded by #3"),
            change(3, 10, "MERGED"),
            change(4, 5, "OPEN"),
            change(5, 5, "OPEN", draft=True),
        ]
        self.commits = {
            number: [
                commit(f"c{number}.2", days + 0.2, parents=(f"c{number}.1",)),
                commit(f"c{number}.1", days + 1),
            ]
            for number, days in ((1, 30), (2, 20), (3, 10), (4, 5), (5, 5))
        }
        self.landed = [
            commit("merge 3", 10, "Merged in topic-3 (pull request #3)", ("direct", "c3.2")),
            commit("direct", 12, "fix: typo", ("merge 1",)),
            commit("merge 1", 30, "Merged in topic-1 (pull request #1)", ("root", "c1.2")),
            commit("root", 60, "Begin", parents=()),
        ]
        self.deployments = [
            deployment(3, 1, "IN_PROGRESS", None),
            deployment(2, 9.9, "COMPLETED", "SUCCESSFUL"),
            deployment(1, 29.9, "COMPLETED", "FAILED"),
        ]

    def respond(self, request: Request) -> Response:  # noqa: C901, PLR0911
        """Answer as Bitbucket Cloud does."""
        told = {"full_name": REPO, "mainbranch": {"name": "main"}}
        path = request.path.removeprefix("/2.0")
        if path == "/user/workspaces":
            return self._page(request, [{"workspace": {"slug": "acme"}}])
        if path == "/repositories/acme":
            return self._page(request, [told])
        match path.removeprefix(f"/repositories/{REPO}").strip("/").split("/"):
            case [""] if path == f"/repositories/{REPO}":
                return Response(told)
            case ["pullrequests"]:
                return self._page(request, self._updated(request))
            case ["pullrequests", number, part]:
                return self._part(request, int(number), part)
            case ["commit", name] if found := self._commit(name):
                return Response(found)
            case ["diffstat", name]:
                return self._page(
                    request, [diff(f"src/{name[:4]}.py"), diff("docs/a.md", new=None)]
                )
            case ["refs", "branches", "main"]:
                return Response({"name": "main", "target": self.landed[0]})
            case ["commits"]:
                known = [each["hash"] for each in self.landed]
                read = request.query.get("exclude")
                end = known.index(read) if read else len(known)
                return self._page(request, self.landed[known.index(request.query["include"]) : end])
            case ["environments"]:
                kind = {"name": "Production"}
                named = {"uuid": PROD, "name": "Live EU", "environment_type": kind}
                return self._page(request, [named])
            case ["deployments"]:
                return self._page(request, self.deployments)
        return Response({"type": "error"}, 404)

    def _updated(self, request: Request) -> list[Json]:
        _, _, since = request.query.get("q", "").partition("updated_on >= ")
        oldest = sorted(self.changes, key=lambda each: str(each["updated_on"]))
        return [each for each in oldest if str(each["updated_on"]) >= since]

    def _part(self, request: Request, number: int, part: str) -> Response:
        [told] = [each for each in self.changes if each["id"] == number]
        days = (NOW - _moment(told["updated_on"])) / timedelta(days=1)
        end = told["state"] if told["state"] != "OPEN" else None
        status = {
            "key": "ci",
            "state": "SUCCESSFUL",
            "updated_on": stamp(days + 0.1),
            "links": {"commit": {"href": f"https://b.test/commit/{sha(f'c{number}.2')}"}},
        }
        parts: dict[str, list[Json]] = {
            "activity": activity(number, days, end),
            "commits": self.commits[number],
            "diffstat": [diff(f"src/{number}.py", 3, 1), diff("README.md", 1, 0)],
            "statuses": [status],
        }
        return self._page(request, parts[part])

    def _commit(self, short: str) -> Json | None:
        known = [*self.landed, *(each for told in self.commits.values() for each in told)]
        return next((each for each in known if each["hash"].startswith(short)), None)

    def _page(self, request: Request, items: list[Json], most: int = 2) -> Response:
        number = int(request.query.get("page", 1))
        told: Json = {"values": items[most * (number - 1) : most * number], "page": number}
        if most * number < len(items):
            query = {**request.query, "page": str(number + 1)}
            joined = "&".join(f"{key}={value}" for key, value in query.items())
            link = f"http://{request.headers['host']}{request.path}?{joined}"
            told["next"] = link.replace("+", "%2B").replace(" ", "%20")
        return Response(told)


def diff(path: str, added: int = 1, removed: int = 0, **told: Any) -> Json:
    return {
        "new": {"path": path},
        "old": {"path": path},
        "lines_added": added,
        "lines_removed": removed,
    } | told


def deployment(number: int, days: float, name: str, status: str | None) -> Json:
    return {
        "uuid": f"{{d{number}}}",
        "environment": {"uuid": PROD},
        "state": {
            "name": name,
            "started_on": stamp(days + 0.1),
            "completed_on": stamp(days) if status else None,
            "status": {"name": status} if status else None,
        },
        "release": {"commit": {"hash": sha(f"merge {number}")}},
    }


def _moment(told: str) -> Any:
    return type(NOW).fromisoformat(told)
