"""A small GitHub: one repository's story, told by its REST and GraphQL API in pages of two."""

import hashlib
from datetime import timedelta
from typing import Any

from tests.collector.sync_server import NOW, Request, Response

REPO = "acme/payments"
Json = dict[str, Any]


def stamp(days: float) -> str:
    """A moment so many days before now."""
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def sha(name: str) -> str:
    return hashlib.sha1(name.encode()).hexdigest()


def user(login: str, kind: str = "User") -> Json:
    return {"login": login, "type": kind}


def commit(name: str, days: float, message: str = "", parents: tuple[str, ...] = ("root",)) -> Json:
    signed = {"name": "Dev Eloper", "email": "dev@example.test", "date": stamp(days)}
    return {
        "sha": sha(name),
        "commit": {
            "message": message or f"feat: {name}",
            "author": signed,
            "committer": signed | {"date": stamp(days - 0.01)},
        },
        "author": user("dev"),
        "parents": [{"sha": sha(each)} for each in parents],
    }


def change(number: int, days: float, **told: Any) -> Json:
    repository = {"full_name": REPO, "default_branch": "main"}
    return {
        "number": number,
        "state": "open",
        "title": f"feat: change {number}",
        "body": "",
        "user": user("dev"),
        "labels": [],
        "draft": False,
        "head": {"ref": f"topic-{number}", "sha": sha(f"c{number}.2"), "repo": repository},
        "base": {"ref": "main"},
        "created_at": stamp(days + 1),
        "updated_at": stamp(days),
        "closed_at": None,
        "merged_at": None,
        "merge_commit_sha": None,
    } | told


def merged(number: int, days: float) -> Json:
    return {
        "state": "closed",
        "closed_at": stamp(days),
        "merged_at": stamp(days),
        "merge_commit_sha": sha(f"squash {number}"),
    }


def issue(number: int, days: float, **told: Any) -> Json:
    return {
        "number": number,
        "state": "open",
        "title": f"Issue {number}",
        "created_at": stamp(days + 2),
        "updated_at": stamp(days),
        "closed_at": None,
        "labels": [{"name": "bug"}],
        "assignees": [user("dev")],
        "type": {"name": "Bug"},
    } | told


class GitHubStory:
    """What the server holds; tests change it between syncs."""

    def __init__(self) -> None:
        self.changes = [
            change(1, 30, **merged(1, 30), body="Fixes #11"),
            change(2, 20, state="closed", closed_at=stamp(20), body="Superseded by #3"),
            change(3, 10, **merged(3, 10), labels=[{"name": "feature"}]),
            change(4, 5, **merged(4, 5), body=f"Reverts {REPO}#3"),
            change(5, 1, title="wip: change 5", draft=True),
        ]
        self.commits: dict[int, list[Json]] = {
            number: [
                commit(f"c{number}.1", days + 0.5),
                commit(f"c{number}.2", days + 0.2, parents=(f"c{number}.1",)),
            ]
            for number, days in ((1, 30), (2, 20), (3, 10), (5, 1))
        } | {4: [commit("c4.2", 5.2, f"Revert\n\nThis reverts commit {sha('squash 3')}.")]}
        self.landed = [
            commit("squash 4", 5, "revert: change 3 (#4)"),
            commit("squash 3", 10, "feat: change 3 (#3)"),
            commit("direct", 12, "fix: typo\n\nCo-Authored-By: Claude <noreply@anthropic.com>"),
            commit("squash 1", 30, "feat: change 1 (#1)"),
            commit("root", 60, "Begin", parents=()),
        ]
        self.issues = [issue(11, 30, state="closed", closed_at=stamp(30)), issue(12, 3)]
        self.events = [
            self.event("reopened", 12, 3, None),
            self.event("closed", 12, 4, "completed"),
            self.event("closed", 11, 30, "completed"),
        ]
        self.deployments = {
            7: [("success", 4.9), ("in_progress", 4.95)],
            6: [("inactive", 4.9), ("success", 9.9)],
            5: [("failure", 29.9)],
        }
        self.mailmap = b"Dev Eloper <dev@example.test> <dev@laptop.local>\n"
        self.graph = True
        self.touched: dict[int, str] = {}

    def event(self, kind: str, number: int, days: float, reason: str | None) -> Json:
        of = next(each for each in self.issues if each["number"] == number)
        return {
            "event": kind,
            "created_at": stamp(days),
            "state_reason": reason,
            "issue": of,
        }

    def respond(self, request: Request) -> Response:  # noqa: C901, PLR0911, PLR0912
        """Answer as GitHub does."""
        if request.path == "/graphql":
            return self._graph(request)
        path = request.path.removeprefix(f"/repos/{REPO}")
        if path == request.path:
            told = {"full_name": REPO, "default_branch": "main"}
            return request.page([told]) if request.path == "/user/repos" else Response({}, 404)
        if path == "":
            return Response({"full_name": REPO, "default_branch": "main"})
        match path.strip("/").split("/"):
            case ["pulls"]:
                newest = sorted(self.changes, key=lambda c: c["updated_at"], reverse=True)
                return request.page(newest)
            case ["pulls", "comments"] | ["issues", "comments"]:
                return self._comments(request, path)
            case ["pulls", number, "commits"]:
                return request.page(self.commits[int(number)], most=3)
            case ["pulls", number, "files"]:
                return request.page(files(f"c{number}.1") + files(f"c{number}.2"))
            case ["pulls", number, "reviews"]:
                return request.page(reviews(int(number)))
            case ["commits"]:
                return request.page(self.landed)
            case ["commits", _, "check-runs"]:
                return Response({"total_count": 1, "check_runs": [check_run()]})
            case ["commits", _, "status"]:
                state = {"context": "ci/legacy", "state": "failure", "updated_at": stamp(20)}
                return Response({"statuses": [state]})
            case ["commits", name]:
                return self._commit(name)
            case ["issues"]:
                return self._updated(request, self.issues)
            case ["issues", "events"]:
                return request.page(self.events)
            case ["deployments"]:
                known = [deployment(each) for each in self.deployments]
                for each in known:
                    each["updated_at"] = self.touched.get(each["id"], each["updated_at"])
                return request.page(known)
            case ["deployments", number, "statuses"]:
                states = self.deployments[int(number)]
                return request.page(
                    [{"state": state, "created_at": stamp(days)} for state, days in states], most=9
                )
            case ["contents", ".mailmap"]:
                return Response(self.mailmap)
            case _:
                return Response({"message": "Not Found"}, 404)

    def _updated(self, request: Request, items: list[Json]) -> Response:
        since = request.query.get("since", "")
        oldest = sorted(items, key=lambda each: str(each["updated_at"]))
        return request.page([each for each in oldest if each["updated_at"] >= since])

    def _comments(self, request: Request, path: str) -> Response:
        kind = path.split("/")[1]
        number, days = (3, 11) if kind == "pulls" else (1, 30.5)
        told = [
            {
                "id": 100 * number + each,
                "user": user("reviewer") if each else user("ci[bot]", "Bot"),
                "created_at": stamp(days - each / 10),
                "updated_at": stamp(days - each / 10),
                "html_url": f"https://github.test/{REPO}/pull/{number}#x{each}",
            }
            for each in range(3)
        ]
        return self._updated(request, told)

    def _commit(self, name: str) -> Response:
        known = [*self.landed, *(each for told in self.commits.values() for each in told)]
        for each in known:
            if each["sha"] == name:
                subject = each["commit"]["message"].partition("\n")[0].removeprefix("feat: ")
                return Response(each | {"files": files(subject)})
        return Response({}, 404)

    def _graph(self, request: Request) -> Response:
        if not self.graph:
            return Response({"message": "Not Found"}, 404)
        asked = request.json()["query"]
        told = {
            f"c{each['number']}": {
                "number": each["number"],
                "headRefName": each["head"]["ref"],
                "headRepository": {"nameWithOwner": REPO},
                "closingIssuesReferences": {
                    "nodes": [{"number": 12, "repository": {"nameWithOwner": REPO}}]
                    if each["number"] == 3
                    else []
                },
                "timelineItems": {"nodes": self._forced(each["number"])},
            }
            for each in self.changes
            if f"c{each['number']}:" in asked
        }
        return Response({"data": {"repository": told}})

    def _forced(self, number: int) -> list[Json]:
        if number != 1:
            return []
        return [
            {
                "createdAt": stamp(30.1),
                "beforeCommit": {"oid": sha("before")},
                "afterCommit": {"oid": sha("c1.2")},
            }
        ]


def files(name: str) -> list[Json]:
    return [{"filename": f"src/{name}.py", "additions": 10, "deletions": 2, "status": "modified"}]


def reviews(number: int) -> list[Json]:
    if number != 3:
        return []
    told = [("CHANGES_REQUESTED", 10.8), ("APPROVED", 10.1), ("PENDING", None)]
    return [
        {"id": 30 + each, "state": state, "user": user("reviewer")}
        | ({"submitted_at": stamp(days)} if days else {})
        for each, (state, days) in enumerate(told)
    ]


def check_run() -> Json:
    return {
        "name": "tests",
        "head_sha": sha("c2.2"),
        "status": "completed",
        "conclusion": "failure",
        "completed_at": stamp(20.1),
    }


def deployment(number: int) -> Json:
    name, days = {7: ("squash 4", 5), 6: ("squash 3", 10), 5: ("squash 1", 30)}[number]
    return {
        "id": number,
        "sha": sha(name),
        "environment": "production",
        "created_at": stamp(days),
        "updated_at": stamp(days - 0.1),
    }
