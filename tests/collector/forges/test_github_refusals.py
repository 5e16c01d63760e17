"""Broken deliveries are refused by the name of the field, and by nothing but a refusal."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import CollectorError
from collector.forges import github
from collector.forges.errors import UnreadablePayload
from domain.work import WorkFact
from tests.delivering import Json, load, parse


def without(payload: Json, *path: str) -> Json:
    inner = payload
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return payload


def having(payload: Json, value: object, *path: str) -> Json:
    inner = payload
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return payload


PULL_REQUEST = "octokit/pull_request.opened.json"
REVIEW = "octokit/pull_request_review.submitted.json"
PUSH = "hub4j/push.json"


@pytest.mark.parametrize(
    ("event", "payload", "code", "field"),
    [
        ("pull_request", {}, "unreadable_field", "`pull_request`"),
        ("push", {"zen": "Design for failure."}, "unreadable_field", "`ref`"),
        (
            "pull_request",
            without(load(PULL_REQUEST), "pull_request", "head", "sha"),
            "unreadable_field",
            "`sha` - at `$.pull_request.head`",
        ),
        (
            "pull_request",
            having(load(PULL_REQUEST), True, "pull_request", "number"),
            "unreadable_field",
            "$.pull_request.number",
        ),
        (
            "pull_request",
            having(load(PULL_REQUEST), "2026-01-01T00:00:00", "pull_request", "updated_at"),
            "unreadable_field",
            "$.pull_request.updated_at",
        ),
        (
            "pull_request",
            having(load(PULL_REQUEST), "0001-01-01T00:00:00+05:00", "pull_request", "created_at"),
            "unreadable_field",
            "time out of range",
        ),
        (
            "pull_request",
            having(load(PULL_REQUEST), "\ud800", "pull_request", "created_at"),
            "unreadable_field",
            "not Unicode",
        ),
        (
            "pull_request",
            having(load(PULL_REQUEST), "secret\0", "pull_request", "title"),
            "unreadable_field",
            "$.pull_request.title",
        ),
        (
            "pull_request",
            having(load(PULL_REQUEST), "secret", "pull_request", "state"),
            "unreadable_field",
            "$.pull_request.state",
        ),
        (
            "pull_request",
            having(load(PULL_REQUEST), "secret", "repository", "full_name"),
            "bad_repository",
            "repository.full_name",
        ),
        (
            "pull_request_review",
            having(load(REVIEW), "secret", "review", "state"),
            "unknown_value",
            "review.state",
        ),
        (
            "pull_request_review",
            having(load(REVIEW), None, "review", "submitted_at"),
            "unreadable_field",
            "review.submitted_at",
        ),
        (
            "push",
            having(load(PUSH), -1, "repository", "pushed_at"),
            "unreadable_field",
            "pushed_at",
        ),
        ("push", having(load(PUSH), "secret", "after"), "unreadable_field", "$.after"),
    ],
)
def test_a_refusal_names_the_field_and_not_its_value(
    event: str, payload: Json, code: str, field: str
) -> None:
    with pytest.raises(UnreadablePayload) as refusal:
        parse(event, payload)
    assert isinstance(refusal.value, CollectorError)
    assert refusal.value.code == code
    assert field in str(refusal.value)
    assert "secret" not in str(refusal.value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(["2026-01-01T00:00:00Z", "refs/heads/x", "a" * 40, "a/b", "open"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
EVENTS = st.sampled_from(sorted(github.EVENTS_USED)) | st.text()


def parses_or_refuses(parsing: Callable[[], tuple[WorkFact, ...]]) -> None:
    try:
        facts = parsing()
    except UnreadablePayload:
        return
    repr(facts).encode()  # nothing got through that could not be stored


@given(EVENTS, JSON)
def test_any_json_is_parsed_or_refused(event: str, payload: object) -> None:
    parses_or_refuses(lambda: parse(event, cast(Json, payload)))


@given(st.data(), st.sampled_from([PULL_REQUEST, REVIEW, PUSH]))
def test_a_real_payload_with_any_one_value_replaced_is_parsed_or_refused(
    data: st.DataObject, name: str
) -> None:
    payload: Any = load(name)
    inner: Any = payload
    while True:
        # Lists and dictionaries that are left empty end the walk.
        step = data.draw(
            st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner)))
        )
        if not inner[step] or not isinstance(inner[step], dict | list) or data.draw(st.booleans()):
            break
        inner = inner[step]
    inner[step] = data.draw(JSON)
    parses_or_refuses(lambda: parse(Path(name).name.split(".")[0], payload))
