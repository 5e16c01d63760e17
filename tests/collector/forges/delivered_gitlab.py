"""GitLab's deliveries for the tests: recorded ones, and those made of them by changing a value."""

from typing import Any

from collector.forges import gitlab
from domain.work import Actor, ChangeSeen, Repository, WorkFact
from tests.recorded import PSEUDONYMS, RECEIVED_AT, Json, named, recorded

HELLO = Repository(forge="gitlab", name="gitlab-org/hello-world", default_branch="master")
SID = Actor(identities=(named("gitlab_login", "sytses"),), name=named("name", "Sid Sijbrandij"))
MERGED = "go-scm/pull_request_merge.json"
COMMENT = "go-scm/merge_request_comment_create.json"
PUSH = "go-playground/push-event.json"
ISSUE = "go-scm/issue_reopen.json"
PIPELINE = "go-playground/pipeline-event.json"


def parse(payload: Json) -> tuple[WorkFact, ...]:
    event = gitlab.FORGE.event({}, payload)
    assert event is not None
    return gitlab.parse(event, payload, PSEUDONYMS, RECEIVED_AT)


def told(name: str) -> tuple[WorkFact, ...]:
    return parse(recorded(f"gitlab/{name}"))


def merge_request(
    *, user: Json | None = None, changes: Json | None = None, **attributes: Any
) -> Json:
    """The recorded merge, with these attributes, acting user and changes."""
    payload: Json = recorded(f"gitlab/{MERGED}")
    payload["object_attributes"] |= {"state": "opened", "action": "update", **attributes}
    payload["user"] |= user or {}
    payload["changes"] = changes or {}
    return payload


def change(**attributes: Any) -> ChangeSeen:
    [seen] = [fact for fact in parse(merge_request(**attributes)) if isinstance(fact, ChangeSeen)]
    return seen


def person(number: int, login: str) -> Actor:
    return Actor(identities=(named("gitlab_login", login), named("gitlab_id", str(number))))


def deployment(**changed: Any) -> Json:
    """What GitLab documents of a deployment; nobody recorded one."""
    return {
        "object_kind": "deployment",
        "status": "success",
        "status_changed_at": "2021-04-28 21:50:00 +0200",
        "deployment_id": 15,
        "environment": "live eu",
        "environment_tier": "production",
        "commit_url": "https://git.example.com/a/b/-/commit/279484c09fbe69ededfced8c1bb6e6d24616b468",
        "project": {"path_with_namespace": "A/B", "default_branch": "main"},
        **changed,
    }
