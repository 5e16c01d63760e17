"""Azure Pipelines' builds and releases: which commit they judge, and where they put it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges import azure_devops
from collector.forges.errors import UnreadablePayload
from domain.work import (
    CheckSeen,
    CheckState,
    DeploymentSeen,
    DeploymentState,
    Repository,
    WorkFact,
)
from tests.recorded import (
    PSEUDONYMS,
    RECEIVED_AT,
    Json,
    at,
    parses_or_refuses,
    with_one_value_replaced,
)


def parse(event: str, payload: Json) -> tuple[WorkFact, ...]:
    return azure_devops.parse(event, payload, PSEUDONYMS, RECEIVED_AT)


def build(**changed: Any) -> Json:
    resource = {
        "id": 12,
        "status": "completed",
        "result": "succeeded",
        "finishTime": "2026-02-25T06:23:04.0061884Z",
        "url": "https://dev.azure.com/acme/0d50ba13/_apis/build/Builds/12",
        "definition": {"name": "ci"},
        "project": {"name": "Pay Team", "id": "0d50ba13"},
        "sourceBranch": "refs/heads/main",
        "sourceVersion": "a" * 40,
        "repository": {"id": "1", "type": "TfsGit", "name": "Web"},
    }
    return {"resource": resource | changed}


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({}, ("azure-devops", "acme/pay team/web", "a" * 40, CheckState.SUCCESS)),
        (
            {
                "repository": {
                    "type": "TfsGit",
                    "url": "https://acme@dev.azure.com/acme/Pay%20Team/_git/Other",
                }
            },
            ("azure-devops", "acme/pay team/other", "a" * 40, CheckState.SUCCESS),
        ),
        (
            {"repository": {"id": "Acme/Web", "type": "GitHub"}, "result": "failed"},
            ("github", "acme/web", "a" * 40, CheckState.FAILURE),
        ),
        (
            {
                "sourceBranch": "refs/pull/7/merge",
                "triggerInfo": {"pr.sourceSha": "b" * 40},
                "result": "canceled",
            },
            ("azure-devops", "acme/pay team/web", "b" * 40, CheckState.NEUTRAL),
        ),
        (
            {"status": "inProgress", "result": None},
            ("azure-devops", "acme/pay team/web", "a" * 40, CheckState.RUNNING),
        ),
    ],
)
def test_a_build_judges_a_commit(changed: Json, seen: tuple[str, str, str, CheckState]) -> None:
    forge, name, sha, state = seen
    assert parse("build.complete", build(**changed)) == (
        CheckSeen(
            repository=Repository(forge=forge, name=name),
            sha=sha,
            name="ci",
            state=state,
            at=at("2026-02-25T06:23:04.006188Z"),
        ),
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"repository": None},
        {"repository": {"type": "TfsVersionControl", "name": "$/"}},
        {"sourceVersion": "C42"},
        {"finishTime": None},
    ],
)
def test_a_build_of_nothing_known_judges_nothing(changed: Json) -> None:
    assert parse("build.complete", build(**changed)) == ()


def deployment(status: str = "succeeded", name: str = "Production", **changed: Any) -> Json:
    release = {
        "artifacts": [
            {
                "type": "Build",
                "definitionReference": {
                    "sourceVersion": {"id": "a" * 40, "name": ""},
                    "repository": {"id": "1", "name": "Web"},
                    "project": {"id": "0d50ba13", "name": "Pay Team"},
                },
            },
            {"type": "Build", "definitionReference": {"sourceVersion": None}},
        ]
    }
    resource = {
        "environment": {"name": name, "status": status},
        "deployment": {"id": 31, "release": release, "completedOn": "2026-02-25T07:00:00Z"},
    }
    return {
        "resource": resource | changed,
        "createdDate": "2026-02-25T07:00:01Z",
        "resourceContainers": {"account": {"baseUrl": "https://dev.azure.com/acme/"}},
    }


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("succeeded", DeploymentState.SUCCESS),
        ("partiallySucceeded", DeploymentState.SUCCESS),
        ("rejected", DeploymentState.FAILURE),
        ("canceled", DeploymentState.INACTIVE),
    ],
)
def test_a_release_puts_commits_into_an_environment(status: str, state: DeploymentState) -> None:
    event = "ms.vss-release.deployment-completed-event"
    assert parse(event, deployment(status)) == (
        DeploymentSeen(
            repository=Repository(forge="azure-devops", name="acme/pay team/web"),
            deployment_id="release:31",
            sha="a" * 40,
            environment="Production",
            production=True,
            state=state,
            at=at("2026-02-25T07:00:00Z"),
        ),
    )
    for name in ("Preprod", "Product docs"):
        [staged] = parse(event, deployment(status, name=name))
        assert isinstance(staged, DeploymentSeen)
        assert not staged.production
    assert parse(event, deployment(status, deployment=None)) == ()


def test_a_state_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnreadablePayload, match=r"environment\.status") as refusal:
        parse("ms.vss-release.deployment-completed-event", deployment("secret"))
    assert refusal.value.code == "unknown_value"
    assert "secret" not in str(refusal.value)


@given(st.data(), st.sampled_from(["build.complete", "ms.vss-release.deployment-completed-event"]))
def test_a_build_or_release_with_any_one_value_replaced_is_parsed_or_refused(
    data: st.DataObject, event: str
) -> None:
    payload = build() if event == "build.complete" else deployment()
    parses_or_refuses(lambda: parse(event, with_one_value_replaced(data, payload)))
