"""A small Azure DevOps: one project's story, told by its REST API in pages of two."""

import hashlib
from datetime import timedelta
from typing import Any

from tests.collector.sync_server import NOW, Request, Response

REPO, PROJECT = "4bc14d40-c903-45e2-872e-0462c7748079", "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c"
GIT = f"/_apis/git/repositories/{REPO}"
Json = dict[str, Any]


def stamp(days: float) -> str:
    """A moment so many days before now, in the seven digits that the server tells."""
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.%f") + "1Z"


def sha(name: str) -> str:
    return hashlib.sha1(name.encode()).hexdigest()


def person(name: str) -> Json:
    return {"displayName": name.title(), "uniqueName": f"{name}@example.test"}


def repository(url: str) -> Json:
    return {
        "id": REPO,
        "name": "Web",
        "project": {"id": PROJECT, "name": "Pay Team"},
        "url": f"{url}{GIT}",
        "remoteUrl": "https://acme@dev.azure.com/acme/Pay%20Team/_git/Web",
        "defaultBranch": "refs/heads/main",
    }


def commit(name: str, days: float, message: str = "", parents: tuple[str, ...] = ("root",)) -> Json:
    signed = {"name": "Dev", "email": "dev@example.test", "date": stamp(days)}
    message = message or f"feat: {name}"
    return {
        "commitId": sha(name),
        "author": signed,
        "committer": signed,
        "comment": message[:20],
        "commentTruncated": len(message) > 20,
        "whole": message,
        "parents": [sha(each) for each in parents],
    }


def change(number: int, days: float, status: str = "active", **told: Any) -> Json:
    ended = {} if status == "active" else {"closedDate": stamp(days)}
    return {
        "repository": repository("https://dev.azure.com/acme"),
        "pullRequestId": number,
        "status": status,
        "createdBy": person("dev"),
        "creationDate": stamp(days + 2),
        "title": f"feat: change {number}",
        "description": "",
        "sourceRefName": f"refs/heads/topic-{number}",
        "targetRefName": "refs/heads/main",
        "mergeStatus": "succeeded",
        "isDraft": False,
        "lastMergeSourceCommit": {"commitId": sha(f"c{number}.2")},
        "lastMergeCommit": {"commitId": sha(f"merge {number}")},
        "reviewers": [person("reviewer") | {"vote": 10}],
        "labels": [{"name": "hotfix", "active": True}],
        **ended,
    } | told


def vote(number: int, value: str, days: float) -> Json:
    return thread(
        number,
        days,
        properties={
            "CodeReviewThreadType": {"$type": "System.String", "$value": "VoteUpdate"},
            "CodeReviewVoteResult": {"$type": "System.String", "$value": value},
            "CodeReviewVotedByIdentity": {"$type": "System.String", "$value": "1"},
        },
        identities={"1": person("reviewer")},
        comments=[said(1, days, "reviewer", "system")],
    )


def thread(number: int, days: float, **told: Any) -> Json:
    return {
        "id": number,
        "publishedDate": stamp(days),
        "lastUpdatedDate": stamp(days),
        "comments": [],
        "properties": None,
        "identities": None,
    } | told


def said(number: int, days: float, who: str, kind: str = "text") -> Json:
    told = {"id": number, "publishedDate": stamp(days), "author": person(who)}
    return told | {"commentType": kind, "content": "secret"}


def item(number: int, days: float, state: str, rev: int = 1, **fields: Any) -> Json:
    return {
        "id": number,
        "rev": rev,
        "fields": {
            "System.Title": f"Item {number}",
            "System.State": state,
            "System.Reason": "",
            "System.TeamProject": "Pay Team",
            "System.ChangedDate": stamp(days),
            "System.CreatedDate": stamp(50),
            "System.WorkItemType": "Bug",
            "System.AssignedTo": person("dev"),
            "Microsoft.VSTS.Common.StateChangeDate": stamp(days),
            **fields,
        },
    }


class AzureDevOpsStory:
    """What the server holds; tests change it between syncs."""

    def __init__(self) -> None:
        self.changes = [
            change(1, 30, "completed", description="AB#7 is done" + " " * 400 + "Reverts !0"),
            change(2, 20, "abandoned"),
            change(3, 10, "completed"),
            change(4, 5),
            change(5, 4, isDraft=True),
        ]
        self.threads = {
            number: [
                thread(1, 8 + number, comments=[said(1, 9, "reviewer"), said(2, 8.9, "dev")]),
                vote(2, "-5", 8),
                vote(3, "0", 7.5),
                vote(4, "-5", 7.4),
                vote(5, "10", 7),
                thread(6, 6, isDeleted=True, comments=[said(1, 6, "reviewer")]),
            ]
            for number in range(1, 6)
        }
        self.commits = {
            each["commitId"]: each
            for each in (
                *(
                    commit(f"c{number}.2", 9, f"feat: c{number}.2\n\nAB#9")
                    for number in range(1, 6)
                ),
                commit("merge 3", 10, "Merged PR 3: feat", ("direct", "c3.2")),
                commit("direct", 12, "fix: typo", ("merge 1",)),
                commit("merge 1", 30, "Merged PR 1: feat", ("root", "c1.2")),
            )
        }
        self.pushes = [
            push(13, 10, "merge 3", "direct"),
            push(12, 12, "direct", "merge 1"),
            push(11, 30, "merge 1", "root"),
        ]
        self.builds = [build(21, 29), build(22, 9), build(23, 8)]
        self.revisions = [
            item(7, 50, "New"),
            item(7, 40, "In QA", 2),
            item(7, 35, "In QA", 3, **{"Microsoft.VSTS.Common.StateChangeDate": stamp(40)}),
            item(7, 30, "Closed", 4, **{"System.Tags": "done"}),
            item(9, 20, "New", **{"System.IsDeleted": True}),
        ]
        self.records = [
            record(3, 1, None, 22),
            record(2, 9, "succeeded", 22),
            record(1, 29, "failed", 21),
        ]

    def respond(self, request: Request) -> Response:
        """Answer as Azure DevOps does."""
        host = f"http://{request.headers['host']}"
        if request.path == "/_apis/git/repositories":
            return Response({"value": [repository(host)]})
        if request.path.startswith(f"{GIT}/"):
            return self._git(request, request.path.removeprefix(f"{GIT}/").split("/"))
        if request.path.startswith(f"/{PROJECT}/_apis/"):
            return self._project(request, request.path.removeprefix(f"/{PROJECT}/_apis/"))
        if request.path == "/_apis/wit/workitems":
            ids = [int(each) for each in request.query["ids"].split(",")]
            return Response({"value": [self._item(each) for each in ids]})
        return Response({"message": "none"}, 404)

    def _git(self, request: Request, parts: list[str]) -> Response:  # noqa: PLR0911
        match [part.lower() for part in parts]:
            case ["pullrequests"]:
                return self._listed(request)
            case ["pullrequests", number, *rest]:
                found = [e for e in self.changes if e["pullRequestId"] == int(number)]
                if not found:
                    return Response({}, 404)
                return self._part(int(number), rest, request) if rest else Response(found[0])
            case ["commits"]:
                pushed = next(e for e in self.pushes if e["pushId"] == int(request.query["pushId"]))
                told = [cut(self.commits[pushed["tip"]])]
                return Response({"value": told[int(request.query["skip"]) :]})
            case ["commits", name] if name in self.commits:
                one = self.commits[name]
                return Response(one | {"comment": one["whole"], "commentTruncated": False})
            case ["commits", name, "changes"]:
                tree = {"item": {"path": "/src", "gitObjectType": "tree", "isFolder": True}}
                return Response({"changes": [tree, file(f"/src/{name[:4]}.py")]})
            case ["pushes"]:
                since = request.query.get("searchCriteria.fromDate", "")
                return _skipped(request, [e for e in self.pushes if e["date"][:19] >= since[:19]])
        return Response({}, 404)

    def _listed(self, request: Request) -> Response:
        state = request.query["searchCriteria.status"]
        newest = sorted(self.changes, key=lambda each: -int(each["pullRequestId"]))
        told = [e | {"description": e["description"][:400]} for e in newest]
        return _skipped(request, [e for e in told if state in ("all", e["status"])])

    def _part(self, number: int, parts: list[str], request: Request) -> Response:
        match parts:
            case ["threads"]:
                return Response({"value": self.threads[number]})
            case ["iterations"]:
                tips = [(1, 11.0, f"c{number}.1", "create"), (2, 9.0, f"c{number}.2", "forcePush")]
                return Response({"value": [iteration(*each) for each in tips]})
            case ["commits"]:
                return Response({"value": [cut(self.commits[sha(f"c{number}.2")])]})
            case ["iterations", "2", "changes"]:
                first = {"changeEntries": [file(f"/src/{number}.py")], "nextSkip": 1, "nextTop": 1}
                last = {"changeEntries": [file("/README.md")], "nextSkip": 0, "nextTop": 0}
                return Response(first if request.query["$skip"] == "0" else last)
            case ["workitems"]:
                return Response({"value": [{"id": "7", "url": "x"}]})
        return Response({}, 404)

    def _project(self, request: Request, path: str) -> Response:  # noqa: PLR0911
        match path.split("/"):
            case ["build", "builds"]:
                since = request.query.get("minTime", "")
                ended = [e for e in self.builds if e["finishTime"][:19] >= since[:19]]
                return _tokened(request, ended)
            case ["build", "builds", number]:
                found = [e for e in self.builds if e["id"] == int(number)]
                return Response(found[0]) if found else Response({}, 404)
            case ["wit", "workitemtypes"]:
                states = [
                    {"name": name, "category": category}
                    for name, category in (
                        ("New", "Proposed"),
                        ("In QA", "Resolved"),
                        ("Closed", "Completed"),
                    )
                ]
                return Response({"value": [{"name": "Bug", "states": states}]})
            case ["wit", "reporting", "workitemrevisions"]:
                start = int(request.query.get("continuationToken", 0))
                end = min(start + 2, len(self.revisions))
                last = end == len(self.revisions)
                told = {"values": self.revisions[start:end], "isLastBatch": last}
                return Response(told | {"continuationToken": str(end)})
            case ["distributedtask", "environments"]:
                return _tokened(request, [{"id": 1, "name": "Production-EU"}])
            case ["distributedtask", "environments", "1", "environmentdeploymentrecords"]:
                return _tokened(request, self.records)
        return Response({}, 404)

    def _item(self, number: int) -> Json | None:
        now = [each for each in self.revisions if each["id"] == number][-1]
        if now["fields"].get("System.IsDeleted"):
            return None
        link = f"vstfs:///Git/PullRequestId/{PROJECT}%2F{REPO}%2F1"
        attributes = {"name": "Pull Request"}
        return now | {"relations": [{"rel": "ArtifactLink", "url": link, "attributes": attributes}]}


def cut(told: Json) -> Json:
    """A commit as lists tell it."""
    return {name: value for name, value in told.items() if name != "whole"}


def push(number: int, days: float, tip: str, before: str) -> Json:
    moved = {
        "name": "refs/heads/main",
        "oldObjectId": sha(before),
        "newObjectId": sha(tip),
    }
    return {"pushId": number, "date": stamp(days), "refUpdates": [moved], "tip": sha(tip)}


def build(number: int, days: float, result: str = "succeeded") -> Json:
    return {
        "id": number,
        "status": "completed",
        "result": result,
        "finishTime": stamp(days),
        "definition": {"name": "ci"},
        "sourceBranch": "refs/heads/main",
        "sourceVersion": sha("merge 3"),
        "repository": {
            "id": REPO,
            "type": "TfsGit",
            "url": "https://dev.azure.com/acme/Pay%20Team/_git/Web",
        },
    }


def record(number: int, days: float, result: str | None, run: int) -> Json:
    ended = {"finishTime": stamp(days)} if result else {}
    return {
        "id": number,
        "owner": {"id": run},
        "stageName": "deploy",
        "startTime": stamp(days + 0.1),
        "result": result,
        **ended,
    }


def iteration(number: int, days: float, tip: str, reason: str) -> Json:
    told = {"id": number, "createdDate": stamp(days), "reason": reason}
    return told | {"sourceRefCommit": {"commitId": sha(tip)}}


def file(path: str) -> Json:
    return {"item": {"path": path, "gitObjectType": "blob"}, "changeType": "edit"}


def _skipped(request: Request, items: list[Json], most: int = 2) -> Response:
    start = int(request.query.get("$skip", 0))
    return Response({"value": items[start : start + most]})


def _tokened(request: Request, items: list[Json], most: int = 2) -> Response:
    start = int(request.query.get("continuationToken", 0))
    end = start + most
    headers = {"x-ms-continuationtoken": str(end)} if end < len(items) else {}
    return Response({"value": items[start:end]}, headers=headers)
