"""GitHub's deliveries for the tests: recorded ones, and those made of them by changing a value.

``tests/payloads/github`` holds what ``LICENSES.md`` there says. People are told apart by the
pseudonyms of a fixed key.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collector.forges import github
from domain.pseudonym import Pseudonyms
from domain.work import Actor, ChangeSeen, CommitSeen, CommitsPushed, FileTouched, WorkFact

PAYLOADS = Path(__file__).parent / "payloads" / "github"
PSEUDONYMS = Pseudonyms(b"0123456789abcdef")
RECEIVED_AT = datetime(2026, 3, 1, tzinfo=UTC)

Json = dict[str, Any]


def load(name: str) -> Json:
    """Load a payload; a recorded public event is put back into the form of its webhook."""
    payload: Json = json.loads((PAYLOADS / name).read_bytes())
    if not name.startswith("recorded/"):
        return payload
    body: Json = payload["payload"]
    of_change = body.get("pull_request", {}).get("base", {}).get("repo")
    return body | {
        # The Events API calls every review's action "created".
        "action": "submitted" if "review" in body else body["action"],
        "repository": of_change or {"full_name": payload["repo"]["name"]},
        "sender": payload["actor"],
    }


def parse(event: str, payload: Mapping[str, Any]) -> tuple[WorkFact, ...]:
    """Parse a delivery with the key and the time of receipt of these tests."""
    return github.parse(event, payload, PSEUDONYMS, RECEIVED_AT)


def login(name: str) -> str:
    """Name a login."""
    return PSEUDONYMS("login", name)


def email(address: str) -> str:
    """Name an e-mail address."""
    return PSEUDONYMS("email", address)


def named(name: str) -> str:
    """Name a display name."""
    return PSEUDONYMS("name", name)


def touched(*paths: str) -> tuple[FileTouched, ...]:
    """Name files whose lines are not counted."""
    return tuple(FileTouched(file=PSEUDONYMS.file(path) or "") for path in paths)


def person(name: str) -> Actor:
    """Make somebody known by a login only."""
    return Actor(identities=(login(name),))


def at(text: str) -> datetime:
    """Read an ISO 8601 time as UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def pull_request(**changed: object) -> Json:
    """Load an opened pull request, with these of its fields changed."""
    payload = load("octokit/pull_request.opened.json")
    payload["pull_request"] |= changed
    return payload


def change(**changed: object) -> ChangeSeen:
    """Parse ``pull_request``."""
    [fact] = parse("pull_request", pull_request(**changed))
    assert isinstance(fact, ChangeSeen)
    return fact


def push(**changed: object) -> Json:
    """Load a push of one commit to a topic branch, with these fields changed."""
    return load("hub4j/push.json") | changed


def pushed(payload: Json) -> CommitsPushed:
    """Parse a push; who is whom among its authors is another fact."""
    fact, *_ = parse("push", payload)
    assert isinstance(fact, CommitsPushed)
    return fact


def committed(**changed: object) -> CommitSeen:
    """Parse a pushed commit with these of its fields changed."""
    [commit] = pushed(push(commits=[push()["commits"][0] | changed])).commits
    return commit
