"""Real sessions with known commits, and how they are told to a server.

The folder holds ``session_slices.csv`` (a row a checkpoint of a session), ``commits.csv``,
``merged_prs.csv``, ``identity_alias.csv`` and ``truth_pairs.csv``. The truth is never told; nor are
trailers, SHAs or anything else that names a session.
"""

import csv
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

REPO = "acme/cli"
SECRET = "a secret of the bench"
TOOL = "claude-code"
_CHECKOUT = "/Users/dev/src/cli"
_COMMITS_A_PUSH = 20

Row = dict[str, str]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Rows as they stand in the files; ``pairs`` are (session, SHA)."""

    slices: list[Row]
    commits: list[Row]
    changes: list[Row]
    aliases: list[Row]
    pairs: frozenset[tuple[str, str]]


def read(folder: Path) -> Truth:
    """Read the folder."""

    def rows(name: str) -> list[Row]:
        with (folder / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return Truth(
        slices=rows("session_slices.csv"),
        commits=rows("commits.csv"),
        changes=rows("merged_prs.csv"),
        aliases=rows("identity_alias.csv"),
        pairs=frozenset((row["session_id"], row["sha"]) for row in rows("truth_pairs.csv")),
    )


def people_file(truth: Truth) -> str:
    """The alias file as ``assay people import`` takes it."""
    lines = [f"{row['person']},email,{mail(row['user'])}" for row in truth.aliases]
    return "\n".join(["person,kind,value", *lines]) + "\n"


def mail(user: str) -> str:
    """The address of somebody of whom the files hold a hash."""
    return f"{user}@example.test"


def telemetry(truth: Truth, *, with_branch: bool) -> Iterator[bytes]:
    """Claude Code's log records as JSON bodies, one a slice: edited files, and a request.

    When a file was edited is not in the files: edits are spread evenly over the slice, from where
    the one before it ended.
    """
    ended: dict[str, datetime] = {}
    for row in sorted(truth.slices, key=lambda row: _moment(row["checkpoint_at"])):
        session = row["session_id"]
        last = _moment(row["transcript_last_ts"] or row["checkpoint_at"])
        first = _moment(row["transcript_first_ts"]) if row["transcript_first_ts"] else last
        begun = max(first, min(ended.get(session, first), last))
        ended[session] = last
        files = [name for name in row["files_touched"].split("|") if name]
        told = [_request(row, first), _request(row, last)]
        for place, name in enumerate(files, start=1):
            at = begun + (last - begun) * place / (len(files) + 1)
            told.append(_edit(row, at, name))
        yield _body(told, row["branch"] if with_branch else "")


def _body(records: list[Json], branch: str) -> bytes:
    resource = {"service.name": TOOL} | ({"vcs.ref.head.name": branch} if branch else {})
    scope = {"name": "com.anthropic.claude_code.events", "version": "2.1.330"}
    scoped = {"scope": scope, "logRecords": records}
    of = {"resource": {"attributes": _attributes(resource)}, "scopeLogs": [scoped]}
    return json.dumps({"resourceLogs": [of]}).encode()


def _request(row: Row, at: datetime) -> Json:
    tokens = {
        "input_tokens": row["input_tokens"] or "0",
        "cache_creation_tokens": row["cache_creation_tokens"] or "0",
        "cache_read_tokens": row["cache_read_tokens"] or "0",
        "output_tokens": row["output_tokens"] or "1",
    }
    return _record(row, at, "api_request", {"model": "claude-opus-4-5", **tokens})


def _edit(row: Row, at: datetime, name: str) -> Json:
    told = {
        "tool_name": "Edit",
        "success": "true",
        "tool_input": json.dumps({"file_path": f"{_CHECKOUT}/{name}"}),
        "tool_use_id": f"{row['checkpoint_at']} {name}",
    }
    return _record(row, at, "tool_result", told)


def _record(row: Row, at: datetime, name: str, told: Row) -> Json:
    attributes = {
        "event.name": name,
        "event.timestamp": at.isoformat(),
        "session.id": row["session_id"],
        "user.email": mail(row["user"]),
        **told,
    }
    nanoseconds = int(at.timestamp() * 1_000_000) * 1000
    return {
        "timeUnixNano": str(nanoseconds),
        "body": {"stringValue": f"claude_code.{name}"},
        "attributes": _attributes(attributes),
    }


def _attributes(values: Row) -> list[Json]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def deliveries(truth: Truth) -> Iterator[tuple[str, Json]]:
    """GitHub's ``push`` and ``pull_request`` deliveries, each with the name of its event.

    A change's commits are pushed to its branch, what reached the default branch to ``main`` and
    what is left to branches that nobody told.
    """
    commits = {row["sha"]: row for row in truth.commits}
    branch_of: dict[str, str] = {}
    for change in truth.changes:
        held = [sha for sha in change["commits"].split("|") if sha in commits]
        if held:
            yield "pull_request", _change(change, "opened", commits, held)
            branch_of |= dict.fromkeys(held, change["head_ref"])
    by_branch: dict[str, list[Row]] = defaultdict(list)
    for row in truth.commits:
        loose = "main" if row["on_main"] == "1" else f"loose/{row['author']}"
        by_branch[branch_of.get(row["sha"], loose)].append(row)
    for branch, rows in sorted(by_branch.items()):
        rows.sort(key=lambda row: _moment(row["committed_at"]))
        for start in range(0, len(rows), _COMMITS_A_PUSH):
            yield "push", _push(branch, rows[start : start + _COMMITS_A_PUSH])
    for change in truth.changes:
        held = [sha for sha in change["commits"].split("|") if sha in commits]
        if held:
            yield "pull_request", _change(change, "closed", commits, held)


def _push(branch: str, rows: list[Row]) -> Json:
    after = rows[-1]["sha"]
    pushed_at = _moment(rows[-1]["committed_at"]) + timedelta(minutes=1)
    return {
        "ref": f"refs/heads/{branch}",
        "before": "0" * 40,
        "after": after,
        "created": False,
        "deleted": False,
        "forced": False,
        "commits": [_commit(row) for row in rows],
        "head_commit": _commit(rows[-1]),
        "repository": _REPOSITORY | {"pushed_at": int(pushed_at.timestamp())},
    }


def _commit(row: Row) -> Json:
    return {
        "id": row["sha"],
        "message": "A change",
        "timestamp": row["authored_at"],
        "distinct": True,
        "author": {"name": row["author"], "email": mail(row["author"])},
        "committer": {"name": row["committer"], "email": mail(row["committer"])},
        "added": [],
        "removed": [],
        "modified": [name for name in row["files"].split("|") if name],
    }


_REPOSITORY: Json = {
    "id": 1,
    "name": REPO.partition("/")[2],
    "full_name": REPO,
    "private": True,
    "default_branch": "main",
}


def _change(change: Row, action: str, commits: dict[str, Row], held: list[str]) -> Json:
    moments = [_moment(commits[sha]["committed_at"]) for sha in held]
    merged_at = _moment(change["merged_at"])
    opened_at = min(*moments, merged_at)
    closed = action == "closed"
    return {
        "action": action,
        "number": int(change["pr_number"]),
        "repository": _REPOSITORY,
        "pull_request": {
            "id": int(change["pr_number"]),
            "number": int(change["pr_number"]),
            "state": "closed" if closed else "open",
            "title": f"Change {change['pr_number']}",
            "body": "",
            "draft": False,
            "user": {"login": "somebody", "type": "User"},
            "head": {
                "ref": change["head_ref"],
                "sha": max(held, key=lambda sha: _moment(commits[sha]["committed_at"])),
                "repo": _REPOSITORY,
            },
            "base": {"ref": "main", "sha": "0" * 40, "repo": _REPOSITORY},
            "created_at": _stamp(opened_at),
            "updated_at": _stamp(merged_at if closed else opened_at),
            "merged": closed,
            "merged_at": _stamp(merged_at) if closed else None,
            "closed_at": _stamp(merged_at) if closed else None,
            "merge_commit_sha": change["merge_sha"] if closed else None,
            "labels": [],
        },
    }


def signed(event: str, body: Json, delivery: str) -> tuple[bytes, Row]:
    """A delivery's bytes and headers as GitHub sends them."""
    raw = json.dumps(body).encode()
    digest = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={digest}",
    }
    return raw, headers


def _moment(told: str) -> datetime:
    return datetime.fromisoformat(told).astimezone(UTC)


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def known_commits(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """The commits whose sessions are known."""
    return {sha for _, sha in pairs}
