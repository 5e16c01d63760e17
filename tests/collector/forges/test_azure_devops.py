"""Azure DevOps' deliveries: whose they are, and recorded ones understood as a whole."""

import base64
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges import FORGES, azure_devops
from collector.forges.errors import UnreadablePayload
from domain.repository import repository_name
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CommitSeen,
    CommitsPushed,
    Repository,
    ReviewSeen,
    ReviewState,
    SessionTrailer,
    WorkFact,
)
from tests.recorded import (
    PSEUDONYMS,
    RECEIVED_AT,
    Json,
    at,
    named,
    names,
    parses_or_refuses,
    recorded,
    with_one_value_replaced,
)

FABRIKAM = Repository(
    forge="azure-devops", name="fabrikam/fabrikam/fabrikam", default_branch="master"
)
JAMAL = Actor(
    identities=(
        named("azure_login", "fabrikamfiber4@hotmail.com"),
        named("email", "fabrikamfiber4@hotmail.com"),
    ),
    name=named("name", "Jamal Hartnett"),
)
PRINCIPAL = "00000002-0000-8888-8000-000000000000@2c895908-04e0-4952-89fd-54b0046d6288"
HEAD = "53d54ac915144006c2c9e90d2c7d3880920db49c"


def parse(event: str, payload: Json) -> tuple[WorkFact, ...]:
    return azure_devops.parse(event, payload, PSEUDONYMS, RECEIVED_AT)


def told(name: str) -> tuple[WorkFact, ...]:
    payload = recorded(f"azure-devops/{name}")
    return parse(payload["eventType"], payload)


def pull_request(**changed: Any) -> Json:
    payload: Json = recorded("azure-devops/go-playground/git.pullrequest.merged.json")
    payload["resource"] |= changed
    return payload


def change(**changed: Any) -> ChangeSeen:
    seen = parse("git.pullrequest.updated", pull_request(**changed))[0]
    assert isinstance(seen, ChangeSeen)
    return seen


def reviewer(name: str, vote: int, **more: Any) -> Json:
    return {"displayName": name, "uniqueName": f"{name}@example.com", "vote": vote, **more}


# Whose they are


def test_the_row_reads_headers_and_body() -> None:
    [forge] = [forge for forge in FORGES if forge.name == "azure-devops"]
    basic = base64.b64encode(b"assay:secret").decode()
    for told_as in (f"Basic {basic}", "Bearer secret"):
        assert forge.verify("secret", b"", {"authorization": told_as}, RECEIVED_AT)
        assert not forge.verify("other", b"", {"authorization": told_as}, RECEIVED_AT)
    assert not forge.verify("secret", b"", {}, RECEIVED_AT)
    payload = {"eventType": "git.push", "id": "e1", "subscriptionId": "s1", "notificationId": 7}
    assert forge.event({}, payload) == "git.push"
    assert forge.delivery_id({}, payload) == "s1:7"
    assert forge.delivery_id({}, {"id": "e1"}) == "e1"
    assert (forge.event({}, {"eventType": 1}), forge.delivery_id({}, {"id": 1})) == (None, None)


# Recorded payloads


def test_a_merged_pull_request() -> None:
    assert told("go-playground/git.pullrequest.merged.json") == (
        ChangeSeen(
            repository=FABRIKAM,
            number=1,
            state=ChangeState.MERGED,
            draft=False,
            title="my first pull request",
            author=JAMAL,
            head_ref="mytopic",
            head_sha=HEAD,
            base_ref="master",
            head_repository="fabrikam/fabrikam/fabrikam",
            merge_sha="eef717f69257a6333f221566c1c987dc94cc0d72",
            created_at=at("2014-06-17T16:55:46.589889Z"),
            updated_at=at("2016-09-19T13:03:27.315639Z"),
            merged_at=at("2014-06-30T18:59:12.366057Z"),
            closed_at=at("2014-06-30T18:59:12.366057Z"),
        ),
    )


@pytest.mark.parametrize(
    ("status", "merge", "state"),
    [
        ("completed", "succeeded", ChangeState.MERGED),
        ("completed", "conflicts", ChangeState.OPEN),
        ("active", "succeeded", ChangeState.OPEN),
        ("abandoned", "succeeded", ChangeState.CLOSED),
    ],
)
def test_a_merge_that_was_tried_is_none(status: str, merge: str, state: ChangeState) -> None:
    seen = change(status=status, mergeStatus=merge)
    assert seen.state is state
    assert (seen.merge_sha is not None) == (state is ChangeState.MERGED)
    assert (seen.closed_at is None) == (state is ChangeState.OPEN)


def test_a_comment_is_numbered_in_its_thread() -> None:
    seen, said = told("go-scm/issue_comment_edit.json")
    assert isinstance(seen, ChangeSeen)
    assert seen.state is ChangeState.OPEN
    assert said == ReviewSeen(
        repository=Repository(forge="azure-devops", name="fabrikam/fabrikam/fabrikam"),
        number=1,
        review_id="comment:5.2",
        state=ReviewState.COMMENTED,
        reviewer=JAMAL,
        submitted_at=at("2014-06-17T16:55:46.589889Z"),
    )


def test_what_the_server_itself_comments_is_no_review() -> None:
    payload = recorded("azure-devops/go-scm/issue_comment_edit.json")
    payload["resource"]["comment"]["commentType"] = "system"
    assert [type(fact) for fact in parse(payload["eventType"], payload)] == [ChangeSeen]


def test_a_push() -> None:
    assert told("go-scm/push.json") == (
        CommitsPushed(
            repository=Repository(
                forge="azure-devops",
                name="fabrikam-fiber-inc/fabrikam-fiber-git/fabrikam-fiber-git",
                default_branch="master",
            ),
            branch="master",
            before="aad331d8d3b131fa9ae03cf5e53965b51942618a",
            after="33b55f7cb7e7e245323987634f960cf4a6e6bc74",
            forced=False,
            pushed_at=at("2014-05-02T19:17:13.330959Z"),
            commits=(
                CommitSeen(
                    sha="33b55f7cb7e7e245323987634f960cf4a6e6bc74",
                    author=Actor(
                        identities=(named("email", "fabrikamfiber4@hotmail.com"),),
                        name=JAMAL.name,
                    ),
                    authored_at=at("2015-02-25T19:01:00Z"),
                    committed_at=at("2015-02-25T19:01:00Z"),
                ),
            ),
        ),
    )


# Pull requests


def test_votes_stand_in_the_pull_request_and_the_first_delivery_dates_them() -> None:
    votes = [
        reviewer("ann", 10),
        reviewer("ben", 5),
        reviewer("cid", -5),
        reviewer("dot", -10),
        reviewer("eve", 0),
        reviewer("team", 10, isContainer=True),
    ]
    _, *said = parse("git.pullrequest.updated", pull_request(status="active", reviewers=votes))
    assert [(r.review_id, r.state, r.submitted_at) for r in said if isinstance(r, ReviewSeen)] == [
        (f"vote:{named('azure_login', f'{name}@example.com')}:{vote}", state, SAID_AT)
        for name, vote, state in (
            ("ann", 10, ReviewState.APPROVED),
            ("ben", 5, ReviewState.APPROVED),
            ("cid", -5, ReviewState.CHANGES_REQUESTED),
            ("dot", -10, ReviewState.CHANGES_REQUESTED),
        )
    ]


SAID_AT = at("2016-09-19T13:03:27.315639Z")


def test_a_fork() -> None:
    fork = {
        "repository": {
            "id": "f",
            "name": "Fork",
            "project": {"name": "Mine"},
            "remoteUrl": "https://fabrikam@dev.azure.com/fabrikam/Mine/_git/Fork",
        }
    }
    assert change(forkSource=fork).head_repository == "fabrikam/mine/fork"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://dev.azure.com/acme/7a3fd40e-2aed/_apis/git/repositories/1", "acme/pay team/web"),
        ("https://dev.azure.com/acme/_apis/git/repositories/1", "acme/pay team/web"),
        ("https://dev.azure.com/acme/Pay%20Team/_apis/git/repositories/1", "acme/pay team/web"),
        ("https://acme.visualstudio.com/_apis/git/repositories/1", "acme/pay team/web"),
        ("https://tfs.example/tfs/Acme/_apis/git/repositories/1", "acme/pay team/web"),
    ],
)
def test_without_a_remote_the_address_in_the_api_names_the_organisation(
    url: str, name: str
) -> None:
    told_as = {
        "id": "1",
        "name": "Web",
        "project": {"name": "Pay Team", "id": "7a3fd40e-2aed"},
        "url": url,
    }
    assert change(repository=told_as).repository == Repository(forge="azure-devops", name=name)


def test_texts_are_read_for_references() -> None:
    seen = change(
        pullRequestId=9,
        title="#7 and PAY-8: refunds",
        description="AB#12, see !3\nReverts !4\nReverts !12\n> #99\nSuperseded by !11\n`#98`",
        sourceRefName="refs/heads/feature/PAY-9",
        isDraft=True,
        labels=[{"name": "hotfix", "active": True}, {"name": "old", "active": False}],
    )
    assert seen.tasks == ("AB#7", "PAY-8", "AB#12", "PAY-9")
    assert (seen.reverts, seen.superseded_by) == ((4,), (11,))
    assert (seen.draft, seen.labels) == (True, ("hotfix",))


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Fixes #7, AB#8 and ab#8", ("AB#7", "AB#8")),
        ("(#7)", ("AB#7",)),
        ("a#7 &#39; !7 #0 #7-x #7x https://b.test/#7", ()),
    ],
)
def test_what_is_a_work_item(text: str, keys: tuple[str, ...]) -> None:
    assert change(title=text).tasks == keys


def test_a_sessions_remote_has_the_name_that_its_forge_tells() -> None:
    told = recorded("azure-devops/go-scm/pr_created.json")["resource"]["repository"]
    remotes = {repository_name(told[name]) for name in ("remoteUrl", "webUrl", "sshUrl")}
    assert remotes == {change(repository=told).repository.name}


def test_messages_are_read_for_references() -> None:
    payload = recorded("azure-devops/go-scm/push.json")
    [commit] = payload["resource"]["commits"]
    commit["comment"] = (
        "Merged PR 12: PAY-7\n\nRelated work items: #5\n"
        "This reverts commit 0704fc5.\nAgent-Session: claude-code/s1"
    )
    commit["author"]["email"] = "nobody"
    [pushed] = parse("git.push", payload)
    assert isinstance(pushed, CommitsPushed)
    assert pushed.commits == (
        CommitSeen(
            sha="33b55f7cb7e7e245323987634f960cf4a6e6bc74",
            author=Actor(identities=(), name=JAMAL.name),
            authored_at=at("2015-02-25T19:01:00Z"),
            committed_at=at("2015-02-25T19:01:00Z"),
            sessions=(SessionTrailer(tool="claude-code", session_id="s1"),),
            reverts=("0704fc5",),
            tasks=("AB#5", "PAY-7"),
        ),
    )


@pytest.mark.parametrize(
    ("told_as", "actor"),
    [
        ({"uniqueName": "CORP\\jane"}, Actor(identities=(named("azure_login", "CORP\\jane"),))),
        (
            {"uniqueName": "Windows Live ID\\jane@example.com"},
            Actor(
                identities=(
                    named("azure_login", "jane@example.com"),
                    named("email", "jane@example.com"),
                )
            ),
        ),
        ({"uniqueName": "vstfs:///Classification/Team"}, Actor(identities=())),
        ({"uniqueName": "team@example.com", "isContainer": True}, Actor(identities=())),
        (
            {"uniqueName": "Build\\0e1a", "displayName": "Pay Build Service (acme)"},
            Actor(
                identities=(named("azure_login", "Build\\0e1a"),),
                bot=True,
                name=named("name", "Pay Build Service (acme)"),
            ),
        ),
        (
            {"uniqueName": PRINCIPAL},
            Actor(identities=(named("azure_login", PRINCIPAL),), bot=True),
        ),
        (None, Actor(identities=())),
    ],
)
def test_people_groups_and_services(told_as: Json | None, actor: Actor) -> None:
    assert change(createdBy=told_as).author == actor


def test_a_deleted_branch_a_tag_and_several_branches() -> None:
    payload = recorded("azure-devops/go-scm/push.json")
    [update] = payload["resource"]["refUpdates"]
    payload["resource"]["refUpdates"] = [
        update | {"newObjectId": "0" * 40},
        update | {"name": "refs/tags/v1"},
        update,
        update | {"name": "refs/heads/other"},
    ]
    pushed = parse("git.push", payload)
    assert [(p.branch, p.commits) for p in pushed if isinstance(p, CommitsPushed)] == [
        ("master", ()),
        ("other", ()),
    ]


# Refusals


@pytest.mark.parametrize(
    ("event", "payload", "code", "field"),
    [
        ("git.push", {"resource": {}}, "unreadable_field", "`repository`"),
        ("git.pullrequest.created", pull_request(status="secret"), "unknown_value", "status"),
        (
            "git.pullrequest.created",
            pull_request(lastMergeSourceCommit=None),
            "unreadable_field",
            "lastMergeSourceCommit",
        ),
        (
            "git.pullrequest.created",
            pull_request(repository={"id": "1", "name": "secret", "project": {"name": "p"}}),
            "bad_repository",
            "repository",
        ),
        (
            "git.pullrequest.created",
            pull_request(reviewers=[reviewer("ann", 7000)]),
            "unreadable_field",
            "vote",
        ),
    ],
)
def test_a_refusal_names_the_field_and_not_its_value(
    event: str, payload: Json, code: str, field: str
) -> None:
    with pytest.raises(UnreadablePayload) as refusal:
        parse(event, payload)
    assert refusal.value.code == code
    assert field in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "name", [*names("azure-devops/go-scm"), *names("azure-devops/go-playground")]
)
def test_a_payload_under_any_event_is_parsed_or_refused(name: str) -> None:
    for event in sorted(azure_devops.EVENTS_USED):
        parses_or_refuses(partial(parse, event, recorded(name)))


@given(st.data(), st.sampled_from(["pr_merged", "push", "issue_comment_edit"]))
def test_a_real_payload_with_any_one_value_replaced_is_parsed_or_refused(
    data: st.DataObject, name: str
) -> None:
    payload = recorded(f"azure-devops/go-scm/{name}.json")
    event = payload["eventType"]
    changed = with_one_value_replaced(data, payload)
    parses_or_refuses(lambda: parse(event, changed))
