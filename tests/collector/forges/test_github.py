"""GitHub's deliveries: whose they are, and recorded ones understood as a whole."""

from pathlib import Path

import pytest

from collector.forges import FORGES
from domain.people import SamePerson, Strength
from domain.tickets import TicketMoved, TicketSeen, TicketState
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CheckSeen,
    CheckState,
    CommitSeen,
    CommitsPushed,
    DeploymentSeen,
    DeploymentState,
    Repository,
    ReviewSeen,
    ReviewState,
)
from tests.delivering import (
    PAYLOADS,
    RECEIVED_AT,
    Json,
    at,
    email,
    load,
    login,
    named,
    parse,
    person,
    touched,
)


def test_the_row_reads_the_headers() -> None:
    [forge] = [forge for forge in FORGES if forge.name == "github"]
    headers = {
        "x-github-event": "push",
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "x-hub-signature-256": "sha256="
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    }
    assert forge.event(headers, {}) == "push"
    assert forge.delivery_id(headers, {}) == "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    assert forge.verify("It's a Secret to Everybody", b"Hello, World!", headers, RECEIVED_AT)
    assert (forge.event({}, {}), forge.delivery_id({}, {})) == (None, None)
    assert not forge.verify("It's a Secret to Everybody", b"Hello, World!", {}, RECEIVED_AT)
    assert forge.events_used == {
        *("check_run", "check_suite", "deployment", "deployment_status", "issue_comment", "issues"),
        *("pull_request", "pull_request_review", "pull_request_review_comment", "push"),
        *("repository", "status", "workflow_run"),
    }


# Recorded payloads


SHAPES: dict[str, tuple[type, ...]] = {
    "check_run": (CheckSeen,),
    "check_suite": (CheckSeen,),
    "deployment": (DeploymentSeen,),
    "deployment_status": (DeploymentSeen,),
    "issue_comment": (TicketSeen,),
    "issues": (TicketSeen,),
    "pull_request": (ChangeSeen,),
    "pull_request_review": (ChangeSeen, ReviewSeen),
    "pull_request_review_comment": (ChangeSeen, ReviewSeen),
    "push": (CommitsPushed, SamePerson),
    "status": (CheckSeen,),
    "workflow_run": (CheckSeen,),
}


def shape(name: str, payload: Json) -> tuple[type, ...]:
    """Tell the kinds of facts that the event named by the file must give."""
    event, action = Path(name).name.split(".")[0], payload.get("action")
    if event == "push" and not payload["ref"].startswith("refs/heads/"):
        return ()
    if event == "pull_request_review_comment" and action == "deleted":
        return ()
    if event == "issues" and action in ("deleted", "transferred"):
        return ()
    if event == "issues" and action == "closed":
        return (TicketSeen, TicketMoved)
    if event == "issue_comment" and "pull_request" in payload["issue"]:
        return (ReviewSeen,)
    return SHAPES.get(event, ())


@pytest.mark.parametrize(
    "name", sorted(str(path.relative_to(PAYLOADS)) for path in PAYLOADS.rglob("*.json"))
)
def test_every_recorded_payload_gives_its_facts(name: str) -> None:
    payload = load(name)
    facts = parse(Path(name).name.split(".")[0], payload)
    assert tuple(map(type, facts)) == shape(name, payload)


def test_a_merged_pull_request() -> None:
    assert parse("pull_request", load("recorded/pull_request.closed_merged.1.json")) == (
        ChangeSeen(
            repository=Repository(
                forge="github", name="dekkerglen/cubecobra", default_branch="main"
            ),
            number=608,
            state=ChangeState.MERGED,
            draft=False,
            title="Fetch price data for all card versions to display in CardModal",
            author=person("anderoonies"),
            head_ref="reload-price-in-card-modal-on-version-change",
            head_sha="62f262d63ddea88e2269a30c3ea7a31f2c8cd8db",
            base_ref="main",
            head_repository="anderoonies/cubecobra",
            merge_sha="eb3028813d9f14f92538ada84ae11a73346d9b38",
            created_at=at("2019-10-15T17:24:21Z"),
            updated_at=at("2019-10-21T21:54:48Z"),
            merged_at=at("2019-10-21T21:54:47Z"),
            closed_at=at("2019-10-21T21:54:48Z"),
            additions=29,
            deletions=9,
            changed_files=2,
            commit_count=3,
            tasks=("#607",),
            labels=(),
        ),
    )


def test_a_pull_request_closed_without_a_merge() -> None:
    [fact] = parse("pull_request", load("go-scm/pull_request.closed.json"))
    assert fact == ChangeSeen(
        repository=Repository(
            forge="github", name="bradrydzewski/drone-test-go", default_branch="master"
        ),
        number=1,
        state=ChangeState.CLOSED,
        draft=False,
        title="Update .drone.yml",
        author=person("bradrydzewski"),
        head_ref="master",
        head_sha="d2b75aa7797ec26b088fa2dd527e9d2c052fcedd",
        base_ref="bradrydzewski-patch-1",
        head_repository="bradrydzewski/drone-test-go",
        merge_sha=None,
        created_at=at("2018-06-22T23:54:09Z"),
        updated_at=at("2018-06-25T19:12:58Z"),
        merged_at=None,
        closed_at=at("2018-06-25T19:12:58Z"),
        additions=1,
        deletions=4,
        changed_files=1,
        commit_count=1,
        labels=(),
    )


def test_changes_requested_on_a_pull_request_told_in_short() -> None:
    repository = Repository(
        forge="github", name="cloudbees-oss/zendesk-java-client", default_branch="master"
    )
    payload = load("recorded/pull_request_review.changes_requested.1.json")
    assert parse("pull_request_review", payload) == (
        ChangeSeen(
            repository=repository,
            number=545,
            state=ChangeState.OPEN,
            draft=False,
            title="implemented getCategoryTranslation, getSectionTranslation and "
            "getArticleTranslation.",
            author=person("Walti91"),
            head_ref="master",
            head_sha="e6d1c779143db4531cc7a441dd64f55ce72770d2",
            base_ref="master",
            head_repository="walti91/zendesk-java-client",
            merge_sha=None,
            created_at=at("2023-03-02T15:25:39Z"),
            updated_at=at("2023-03-03T10:51:49Z"),
            merged_at=None,
            closed_at=None,
            labels=(),
        ),
        ReviewSeen(
            repository=repository,
            number=545,
            review_id="1323531725",
            state=ReviewState.CHANGES_REQUESTED,
            reviewer=person("PierreBtz"),
            submitted_at=at("2023-03-03T10:51:48Z"),
        ),
    )


def test_an_approval() -> None:
    # This server shouts: "APPROVED".
    change_seen, review = parse(
        "pull_request_review", load("hub4j/pull_request_review.submitted.json")
    )
    repository = Repository(
        forge="github", name="baxterthehacker/public-repo", default_branch="main"
    )
    assert review == ReviewSeen(
        repository=repository,
        number=8,
        review_id="2626884",
        state=ReviewState.APPROVED,
        reviewer=person("baxterthehacker"),
        submitted_at=at("2016-10-03T23:39:09Z"),
    )
    assert isinstance(change_seen, ChangeSeen)
    # The payload has a merge_commit_sha: the test merge of an open pull request.
    assert (change_seen.state, change_seen.merge_sha) == (ChangeState.OPEN, None)


def test_a_dismissed_review_keeps_its_id_and_time() -> None:
    _, submitted = parse("pull_request_review", load("octokit/pull_request_review.submitted.json"))
    _, dismissed = parse("pull_request_review", load("octokit/pull_request_review.dismissed.json"))
    assert isinstance(submitted, ReviewSeen)
    assert dismissed == ReviewSeen(
        repository=submitted.repository,
        number=2,
        review_id=submitted.review_id,
        state=ReviewState.DISMISSED,
        reviewer=person("Codertocat"),
        submitted_at=submitted.submitted_at,
    )


def test_a_push_to_a_branch() -> None:
    assert parse("push", load("hub4j/push.json")) == (
        CommitsPushed(
            repository=Repository(
                forge="github", name="baxterthehacker/public-repo", default_branch="main"
            ),
            branch="changes",
            before="9049f1265b7d61be4a8904a9a27120d2064dab3b",
            after="0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c",
            forced=False,
            pushed_at=at("2015-05-05T23:40:17Z"),  # 1430869217
            commits=(
                CommitSeen(
                    sha="0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c",
                    author=Actor(
                        identities=(
                            login("baxterthehacker"),
                            email("baxterthehacker@users.noreply.github.com"),
                        ),
                        name=named("baxterthehacker"),
                    ),
                    authored_at=at("2015-05-05T19:40:15-04:00"),
                    files=touched("README.md"),
                ),
            ),
        ),
        SamePerson(
            one=login("baxterthehacker"),
            other=email("baxterthehacker@users.noreply.github.com"),
            strength=Strength.STRONG,
            source="github",
        ),
    )


PUBLIC = Repository(forge="github", name="baxterthehacker/public-repo", default_branch="main")
HELLO = Repository(forge="github", name="codertocat/hello-world", default_branch="master")


def test_a_deployment_to_production_that_succeeded() -> None:
    assert parse("deployment_status", load("hub4j/deployment_status.created.json")) == (
        DeploymentSeen(
            repository=PUBLIC,
            deployment_id="710692",
            sha="9049f1265b7d61be4a8904a9a27120d2064dab3b",
            environment="production",
            production=True,
            state=DeploymentState.SUCCESS,
            at=at("2015-05-05T23:40:39Z"),
        ),
    )


def test_an_issue_that_was_closed() -> None:
    assert parse("issues", load("recorded/issues.closed.1.json")) == (
        TicketSeen(
            tracker="github",
            key="dekkerglen/cubecobra#607",
            project="dekkerglen/cubecobra",
            kind=None,
            title="The price in card view disappears when you change version.",
            state=TicketState.DONE,
            state_name="closed",
            created_at=at("2019-10-15T14:41:20Z"),
            updated_at=at("2019-10-21T21:54:47Z"),
            closed_at=at("2019-10-21T21:54:47Z"),
        ),
        TicketMoved(
            tracker="github",
            key="dekkerglen/cubecobra#607",
            from_state=TicketState.OPEN,
            to_state=TicketState.DONE,
            at=at("2019-10-21T21:54:47Z"),
        ),
    )


def test_a_check_of_a_commit() -> None:
    assert parse("check_run", load("octokit/check_run.completed.json")) == (
        CheckSeen(
            repository=HELLO,
            sha="ec26c3e57ca3a959ca5aad62de7213c562f8c821",
            name="Octocoders-linter",
            state=CheckState.FAILURE,
            at=at("2019-05-15T15:21:12Z"),
        ),
    )


def test_a_comment_on_a_pull_request_is_feedback() -> None:
    assert parse("issue_comment", load("go-scm/issue_comment.created.json")) == (
        ReviewSeen(
            repository=Repository(
                forge="github", name="abc/def-ci-webhook-test", default_branch="master"
            ),
            number=2,
            review_id="comment:751955664",
            state=ReviewState.COMMENTED,
            reviewer=person("lts-def"),
            submitted_at=at("2020-12-29T05:49:14Z"),
        ),
    )


def test_the_ticket_of_title_and_branch_is_named_once() -> None:
    [fact] = parse("pull_request", load("hub4j/pull_request.edited.json"))
    assert isinstance(fact, ChangeSeen)
    assert (fact.draft, fact.tasks) == (True, ("REST-276",))


def test_a_bot_opens_a_pull_request() -> None:
    [fact] = parse("pull_request", load("recorded/pull_request.opened.3.json"))
    assert isinstance(fact, ChangeSeen)
    assert fact.author == Actor(identities=(login("dependabot[bot]"),), bot=True)
