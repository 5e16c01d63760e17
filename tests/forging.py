"""A repository's story told in GitHub's own deliveries: real payloads with other values in them."""

import copy
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.delivering import Json, load

REPO = "acme/payments"
SECRET = "a secret for tests"


def commit_story(sha: str, message: str, at: datetime, email: str = "dev@example.test") -> Json:
    """One commit of a push."""
    base: Json = copy.deepcopy(load("octokit/push.payload.6.json")["commits"][0])
    person = {"name": "Dev", "email": email, "username": "dev"}
    base |= {"id": sha, "message": message, "timestamp": at.isoformat(), "distinct": True}
    return base | {"author": person, "committer": person}


def push(branch: str, commits: list[Json], at: datetime, before: str = "0" * 40) -> Json:
    """A push of commits to a branch."""
    body = copy.deepcopy(load("octokit/push.payload.6.json"))
    body |= {"ref": f"refs/heads/{branch}", "before": before, "after": commits[-1]["id"]}
    body |= {"commits": commits, "head_commit": commits[-1], "forced": False, "deleted": False}
    body["repository"] |= {"full_name": REPO, "default_branch": "main"}
    body["repository"]["pushed_at"] = int(at.timestamp())
    return body


def pull_request(
    action: str, number: int, branch: str, head: str, opened: datetime, at: datetime, **told: Any
) -> Json:
    """A pull request's state at a moment; ``told`` replaces fields of the pull request."""
    body = copy.deepcopy(load("octokit/pull_request.opened.json"))
    body |= {"action": action, "number": number}
    body["repository"] |= {"full_name": REPO, "default_branch": "main"}
    change = body["pull_request"]
    repository = change["base"]["repo"] | {"full_name": REPO, "default_branch": "main"}
    change["base"] |= {"ref": "main", "repo": repository}
    change["head"] |= {"ref": branch, "sha": head, "repo": repository}
    change |= {"number": number, "title": f"feat: change {number}", "body": "", "draft": False}
    change |= {"created_at": stamp(opened), "updated_at": stamp(at), "state": "open"}
    change |= {"merged": False, "merged_at": None, "closed_at": None, "merge_commit_sha": None}
    change["user"] |= {"login": "dev", "type": "User"}
    change |= told
    return body


def merged(at: datetime, sha: str) -> Json:
    """What a merge changes in a pull request."""
    return {
        "state": "closed",
        "merged": True,
        "merged_at": stamp(at),
        "closed_at": stamp(at),
        "merge_commit_sha": sha,
    }


def review(number: int, branch: str, head: str, state: str, opened: datetime, at: datetime) -> Json:
    """A submitted review by somebody else."""
    body = copy.deepcopy(load("octokit/pull_request_review.submitted.json"))
    change = pull_request("x", number, branch, head, opened, at)
    body["pull_request"] = {
        key: value for key, value in change["pull_request"].items() if key != "merged"
    }
    body["repository"] = change["repository"]
    body["action"] = "submitted"
    body["review"] |= {"state": state, "submitted_at": stamp(at), "id": number * 100}
    body["review"]["user"] |= {"login": "reviewer", "type": "User"}
    return body


def deliver(
    http: httpx.Client, event: str, body: Json, delivery: str, secret: str = SECRET
) -> httpx.Response:
    """Post one delivery with GitHub's headers and signature."""
    raw = json.dumps(body).encode()
    signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    return http.post("/webhooks/github", content=raw, headers=headers)


def stamp(at: datetime) -> str:
    """GitHub's spelling of a time."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)
