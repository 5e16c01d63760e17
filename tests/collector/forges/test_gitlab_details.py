"""GitLab's deliveries in detail: what it documents and nobody recorded, people, references."""

from dataclasses import replace
from typing import Any

import pytest

from domain.tickets import TicketMoved, TicketSeen, TicketState
from domain.work import (
    Actor,
    ChangeSeen,
    CommitsPushed,
    DeploymentSeen,
    DeploymentState,
    Repository,
    ReviewSeen,
    ReviewState,
    WorkFact,
)
from tests.collector.forges.delivered_gitlab import (
    COMMENT,
    HELLO,
    PUSH,
    change,
    deployment,
    merge_request,
    parse,
    person,
)
from tests.recorded import (
    RECEIVED_AT,
    Json,
    at,
    named,
    recorded,
)

DEPLOYED = DeploymentSeen(
    repository=Repository(forge="gitlab", name="a/b", default_branch="main"),
    deployment_id="15",
    sha="279484c09fbe69ededfced8c1bb6e6d24616b468",
    environment="live eu",
    production=True,
    state=DeploymentState.SUCCESS,
    at=at("2021-04-28T19:50:00Z"),
)


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({}, (DEPLOYED,)),
        ({"environment_tier": "staging"}, (replace(DEPLOYED, production=False),)),
        ({"environment_tier": None}, (DEPLOYED,)),
        (
            {"environment_tier": None, "environment": "preprod"},
            (replace(DEPLOYED, environment="preprod", production=False),),
        ),
        (
            {"environment_tier": None, "environment": "product-docs"},
            (replace(DEPLOYED, environment="product-docs", production=False),),
        ),
        ({"status": "failed"}, (replace(DEPLOYED, state=DeploymentState.FAILURE),)),
        ({"status": "canceled"}, (replace(DEPLOYED, state=DeploymentState.INACTIVE),)),
        # Of an approval, not of the deployment.
        ({"status": "approved"}, ()),
        # Nothing is made of eight digits of a commit.
        ({"commit_url": "https://git.example.com/a/b/-/commit/279484c0"}, ()),
        ({"deployment_id": None}, ()),
        ({"status_changed_at": None}, (replace(DEPLOYED, at=RECEIVED_AT),)),
    ],
)
def test_a_deployment(changed: Json, seen: tuple[WorkFact, ...]) -> None:
    assert parse(deployment(**changed)) == seen


def reviews(payload: Json) -> list[ReviewSeen]:
    return [fact for fact in parse(payload) if isinstance(fact, ReviewSeen)]


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("approved", ReviewState.APPROVED),
        ("approval", ReviewState.APPROVED),
        ("unapproved", ReviewState.DISMISSED),
        ("unapproval", ReviewState.DISMISSED),
    ],
)
def test_a_verdict_is_of_whoever_acts(action: str, state: ReviewState) -> None:
    payload = merge_request(action=action, user={"id": 7, "username": "ada", "name": None})
    assert reviews(payload) == [
        ReviewSeen(
            repository=HELLO,
            number=1,
            review_id=f"{state.value}:{named('gitlab_login', 'ada')}:2017-12-10T17:08",
            state=state,
            reviewer=person(7, "ada"),
            submitted_at=at("2017-12-10T17:08:07Z"),
        )
    ]


def test_approvals_that_a_push_resets_are_not_the_pushers_word() -> None:
    assert reviews(merge_request(action="unapproved", system=True)) == []


ADA: Json = {"id": 7, "username": "ada"}
BOB: Json = {"id": 8, "username": "bob"}


@pytest.mark.parametrize(
    "told_so",
    [
        lambda before, now: [before, now],
        lambda before, now: {"previous": before, "current": now},
    ],
)
def test_a_reviewer_requests_changes(told_so: Any) -> None:
    before = [ADA | {"state": "review_started"}, BOB | {"state": "requested_changes"}]
    now = [ADA | {"state": "requested_changes"}, BOB | {"state": "requested_changes"}]
    payload = merge_request(changes={"reviewers": told_so(before, now)})
    assert reviews(payload) == [
        ReviewSeen(
            repository=HELLO,
            number=1,
            review_id=f"changes_requested:{named('gitlab_login', 'ada')}:2017-12-10T17:08",
            state=ReviewState.CHANGES_REQUESTED,
            reviewer=person(7, "ada"),
            submitted_at=at("2017-12-10T17:08:07Z"),
        )
    ]


def test_an_author_told_by_number_is_known_by_what_else_is_told_of_him() -> None:
    payload = merge_request(user={"id": 1, "username": "root"})
    payload["reviewers"] = [{"id": 51764, "username": "sid", "email": "sid@example.com"}]
    [seen] = [fact for fact in parse(payload) if isinstance(fact, ChangeSeen)]
    assert seen.author == Actor(
        identities=(
            named("gitlab_login", "sid"),
            named("gitlab_id", "51764"),
            named("email", "sid@example.com"),
        )
    )


def test_a_hidden_address_is_none() -> None:
    payload = merge_request(user={"id": 51764, "username": "sid", "email": "[REDACTED]"})
    [seen] = [fact for fact in parse(payload) if isinstance(fact, ChangeSeen)]
    assert seen.author.identities == (named("gitlab_login", "sid"), named("gitlab_id", "51764"))


@pytest.mark.parametrize(
    "login",
    ["project_278964_bot", "group_7_bot_a1b2c3", "service_account_group_7_x", "renovate-bot"],
)
def test_a_bots_approval_is_a_bots_and_its_comments_are_none(login: str) -> None:
    payload = merge_request(action="approved", user={"id": 7, "username": login, "name": None})
    [verdict] = reviews(payload)
    assert verdict.reviewer == Actor(identities=person(7, login).identities, bot=True)
    comment: Json = recorded(f"gitlab/{COMMENT}")
    assert len(parse(comment)) == 1
    comment["user"]["username"] = login
    assert parse(comment) == ()


def test_a_comment_that_somebody_else_edits_stays_its_writers() -> None:
    comment: Json = recorded(f"gitlab/{COMMENT}")
    comment["user"] = {"id": 1, "username": "root"}
    seen = reviews(comment)
    assert [each.reviewer for each in seen] == [Actor(identities=(named("gitlab_id", "51764"),))]


def test_notes_of_the_system_are_no_comments() -> None:
    comment: Json = recorded(f"gitlab/{COMMENT}")
    comment["object_attributes"]["system"] = True
    assert parse(comment) == ()


def test_texts_of_a_merge_request_are_read_for_references() -> None:
    seen = change(
        iid=9,
        title="PAY-7: refunds",
        source_branch="fix/OPS-3-x",
        description="Closes #4 and gitlab-org/other#5\n\nThis reverts merge request !8",
    )
    assert seen.tasks == ("PAY-7", "#4", "gitlab-org/other#5", "OPS-3")
    assert seen.reverts == (8,)
    assert change(description="Superseded by !12").superseded_by == (12,)


def test_the_head_commits_message_tells_what_a_merge_request_reverts() -> None:
    message = 'Revert "x"\n\nThis reverts merge request gitlab-org/hello-world!3'
    head = {"id": "a" * 40, "message": message}
    assert change(iid=9, last_commit=head).reverts == (3,)


def test_tools_are_named_by_branch_text_and_labels() -> None:
    assert change(source_branch="claude/fix-it").tools == ("claude-code",)
    assert change(description="Link: https://app.devin.ai/sessions/0123").tools == ("devin",)


def test_the_branch_of_the_revert_button_names_the_commit() -> None:
    payload: Json = recorded(f"gitlab/{PUSH}")
    payload["ref"] = "refs/heads/revert-78a76ee6"
    payload["commits"][0]["message"] = 'Revert "x"\n\nThis reverts merge request !7'
    [pushed] = parse(payload)
    assert isinstance(pushed, CommitsPushed)
    assert [commit.reverts for commit in pushed.commits] == [("78a76ee6",), ()]


def test_a_private_address_holds_number_and_login() -> None:
    payload: Json = recorded(f"gitlab/{PUSH}")
    address = "1234-Ada@users.noreply.gitlab.com"
    payload["commits"][0]["author"] = {"name": "Ada", "email": address}
    [pushed] = parse(payload)
    assert isinstance(pushed, CommitsPushed)
    assert pushed.commits[0].author == Actor(
        identities=(
            named("gitlab_login", "ada"),
            named("gitlab_id", "1234"),
            named("email", address),
        ),
        name=named("name", "Ada"),
    )


def test_an_issue_that_went_elsewhere_is_dropped() -> None:
    payload: Json = recorded("gitlab/go-scm/issue_closed.json")
    payload["object_attributes"]["duplicated_to_id"] = 4
    seen, moved = parse(payload)
    assert isinstance(seen, TicketSeen)
    assert isinstance(moved, TicketMoved)
    assert (seen.state, moved.to_state) == (TicketState.DROPPED, TicketState.DROPPED)


def test_a_task_is_a_ticket_of_its_kind_and_an_epic_is_of_no_project() -> None:
    payload: Json = recorded("gitlab/go-scm/issue_closed.json") | {"object_kind": "work_item"}
    payload["object_attributes"]["type"] = "Test Case"
    seen, _ = parse(payload)
    assert isinstance(seen, TicketSeen)
    assert seen.kind == "test_case"
    assert parse(payload | {"project": None}) == ()
