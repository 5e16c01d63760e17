"""GitLab's system hooks that a project has another path."""

from datetime import timedelta

import pytest

from collector.forges import gitlab
from collector.forges.errors import UnreadablePayload
from domain.work import Repository, RepositoryRenamed
from tests.recorded import PSEUDONYMS, RECEIVED_AT, Json

MOVED_AT = RECEIVED_AT - timedelta(minutes=3)


def hook(event: str, **told: object) -> Json:
    """What GitLab documents, with everything that is read and some that is not."""
    return {
        "created_at": "2012-07-21T07:30:58Z",
        "updated_at": MOVED_AT.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "event_name": event,
        "name": "Underscore",
        "path": "underscore",
        "path_with_namespace": "Acme/web/underscore",
        "project_id": 73,
        "owner_name": "Acme",
        "project_visibility": "internal",
        "old_path_with_namespace": "acme/web/overscore",
    } | told


@pytest.mark.parametrize("event", ["project_rename", "project_transfer"])
def test_a_project_has_another_path(event: str) -> None:
    told = gitlab.FORGE.parse(event, hook(event), PSEUDONYMS, RECEIVED_AT)
    assert gitlab.FORGE.event({}, hook(event)) == event
    assert told == (
        RepositoryRenamed(
            repository=Repository(forge="gitlab", name="acme/web/underscore"),
            before="acme/web/overscore",
            at=MOVED_AT.replace(microsecond=0),
        ),
    )


def test_another_display_name_is_no_other_path() -> None:
    same = hook("project_rename", old_path_with_namespace="acme/web/underscore")
    assert gitlab.parse("project_rename", same, PSEUDONYMS, RECEIVED_AT) == ()


@pytest.mark.parametrize("path", [None, "", "none"])
def test_a_path_of_no_project_is_refused(path: object) -> None:
    with pytest.raises(UnreadablePayload):
        gitlab.parse(
            "project_rename",
            hook("project_rename", old_path_with_namespace=path),
            PSEUDONYMS,
            RECEIVED_AT,
        )
