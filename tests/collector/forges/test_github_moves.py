"""GitHub's event that a repository has another name or owner."""

from datetime import timedelta
from typing import Any

import pytest

from collector.forges.errors import UnreadablePayload
from domain.work import Repository, RepositoryRenamed
from tests.delivering import RECEIVED_AT, Json, load, parse

NEW = Repository(forge="github", name="codertocat/hello-world", default_branch="master")
MOVED_AT = RECEIVED_AT - timedelta(minutes=3)


def delivery(action: str, changes: Any, **told: Any) -> Json:
    """What GitHub sends, about the repository of a recorded push."""
    of = load("octokit/push.payload.6.json")["repository"]
    of |= {"updated_at": MOVED_AT.isoformat(), "default_branch": "master"} | told
    return {"action": action, "changes": changes, "repository": of}


RENAMED = {"repository": {"name": {"from": "Hi-World"}}}


@pytest.mark.parametrize(
    ("action", "changes", "before"),
    [
        ("renamed", RENAMED, "codertocat/hi-world"),
        ("transferred", {"owner": {"from": {"user": {"login": "Ada"}}}}, "ada/hello-world"),
        (
            "transferred",
            {"owner": {"from": {"organization": {"login": "Acme"}}}},
            "acme/hello-world",
        ),
    ],
)
def test_another_name_and_another_owner(action: str, changes: Any, before: str) -> None:
    told = RepositoryRenamed(repository=NEW, before=before, at=MOVED_AT)
    assert parse("repository", delivery(action, changes)) == (told,)


@pytest.mark.parametrize("told", [None, (RECEIVED_AT + timedelta(days=1)).isoformat()])
def test_it_was_renamed_before_it_was_told(told: str | None) -> None:
    [fact] = parse("repository", delivery("renamed", RENAMED, updated_at=told))
    assert isinstance(fact, RepositoryRenamed)
    assert fact.at == RECEIVED_AT


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        ("edited", {"description": {"from": None}}),
        ("edited", {"default_branch": {"from": "main"}}),
        ("created", None),
        ("deleted", None),
        ("archived", None),
    ],
)
def test_of_other_actions_nothing_follows(action: str, changes: Any) -> None:
    assert parse("repository", delivery(action, changes)) == ()


@pytest.mark.parametrize(
    ("action", "changes", "code"),
    [
        ("renamed", None, "unreadable_field"),
        ("renamed", {"repository": {"name": {"from": ""}}}, "bad_repository"),
        ("transferred", {"owner": {"from": {}}}, "bad_repository"),
    ],
)
def test_a_name_that_is_not_told_is_refused(action: str, changes: Any, code: str) -> None:
    with pytest.raises(UnreadablePayload) as refusal:
        parse("repository", delivery(action, changes))
    assert refusal.value.code == code
