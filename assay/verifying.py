"""``assay connect --verify``: ask a running server until a tool's telemetry has arrived."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from assay.arrived import (
    BUCKETS,
    Arrived,
    Counts,
    Kind,
    Look,
    arrived,
    missing,
    report,
    silence,
    usable,
)
from assay.connecting import Connection, connections
from domain.usage import add

# Tools send logs every few seconds: whatever belongs to the first record is here by then.
_QUIET_SECONDS = 6.0
_POLL_SECONDS = 0.5
_ANSWER_SECONDS = 30.0
_SESSIONS = 100
_DETAILS = 10
# The tool of this entry is named by its own service name.
_ANY_TOOL = "gen-ai"


class CannotAskError(Exception):
    """Why the server gave no answer, in words for whoever typed the command."""


class Api:
    """The answers of a running server."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """One answer, or CannotAskError."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        # The scheme is checked where the URL is taken.
        asked = Request(f"{self._url}{path}{query}", headers=self._headers)  # noqa: S310
        try:
            with urlopen(asked, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
                told: dict[str, Any] = json.load(answer)
        except HTTPError as error:
            raise CannotAskError(f"{self._url}{path} refuses: {_detail(error)}") from error
        except (URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise CannotAskError(
                f"No answer from {self._url}{path}: {reason}. Is 'assay serve' running there? Name"
                " another address with --api."
            ) from error
        return told


def verify(tool: str, api: Api, seconds: float, say: Callable[[str], None]) -> bool:
    """Wait for the tool's first usage and say what came; whether something of use did.

    Only what arrives from now on counts. Raises CannotAskError.
    """
    connection = connections()[tool]
    deadline = time.monotonic() + seconds
    before = _look(api, tool)
    say(f"Waiting up to {seconds:g} s for {connection.title}. {connection.first}")
    records, seen = before.records, arrived(before, before, lambda name: _is(name, tool))
    changed_at = time.monotonic()
    while True:
        if _records(api) != records:
            after, changed_at = _look(api, tool), time.monotonic()
            new = arrived(before, after, lambda name: _is(name, tool))
            records, seen = after.records, _completed(api, connection, new)
        now = time.monotonic()
        came = usable(connection, seen)
        settled = not seen.missing or now - changed_at >= _QUIET_SECONDS
        if now >= deadline or (came and settled):
            break
        time.sleep(_POLL_SECONDS)
    say("\n" + (report(connection, seen) if came else silence(connection, seen, seconds)))
    return came


def _completed(api: Api, connection: Connection, seen: Arrived) -> Arrived:
    """The same with what only the sessions themselves tell, and what is missing of it all."""
    named = unnamed = 0
    for session_id, row in list(seen.sessions.items())[:_DETAILS]:
        told = api.get(f"/v1/sessions/{quote(row['tool'])}/{quote(session_id, safe='')}")
        commits = len(told["commits"])
        named += commits
        unnamed += max((told["counts"]["commits"] or 0) - commits, 0)
    counted = replace(seen, named_commits=named, unnamed_commits=unnamed)
    return replace(counted, missing=tuple(missing(connection, counted)))


def _look(api: Api, tool: str) -> Look:
    ours: dict[str, str] = {} if tool == _ANY_TOOL else {"tool": tool}
    nameless = {**ours, "group_by": "tool", "session": ""}
    untold: dict[str | None, dict[str, str]] = {None: nameless}
    untold.update({each: {**nameless, each: ""} for each in ("user", "team", "repo")})
    usage = api.get("/v1/usage", group_by="tool,model", **ours)["rows"]
    page = api.get("/v1/sessions", limit=str(_SESSIONS), **ours)["rows"]
    return Look(
        records=_records(api),
        models=_added(
            ((row["model"] or "(not told)"), row) for row in usage if _is(row["tool"], tool)
        ),
        nameless=_added(
            (each, row)
            for each, asked in untold.items()
            for row in api.get("/v1/usage", **asked)["rows"]
            if _is(row["tool"], tool)
        ),
        sessions={row["session_id"]: row for row in page if _is(row["tool"], tool)},
    )


def _records(api: Api) -> dict[Kind, int]:
    rows = api.get("/v1/coverage")["rows"]
    return {
        Kind(row["tool"], row["signal"], row["name"], row["outcome"]): row["records"]
        for row in rows
    }


def _added(rows: Iterable[tuple[str | None, Mapping[str, Any]]]) -> dict[str | None, Counts]:
    """Requests and tokens of these rows; those of one key together."""
    total: dict[str | None, dict[str, int | None]] = {}
    for key, row in rows:
        into = total.setdefault(key, dict.fromkeys(("requests", *BUCKETS)))
        into["requests"] = add(into["requests"], row["requests"])
        for bucket in BUCKETS:
            into[bucket] = add(into[bucket], row["tokens"][bucket])
    return dict(total)


def _is(name: str, tool: str) -> bool:
    if tool == _ANY_TOOL:
        return name not in connections() and name != "unknown"
    return name == tool


def _detail(error: HTTPError) -> str:
    """The server's own sentence, where it gave one."""
    try:
        told = json.load(error)
        return str(told["detail"])
    except (ValueError, KeyError, TypeError, OSError):
        return f"status {error.code}"
