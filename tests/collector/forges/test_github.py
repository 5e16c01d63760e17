"""GitHub's deliveries: whose they are, and recorded ones understood as a whole."""

import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges import FORGES, github
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CommitSeen,
    CommitsPushed,
    Repository,
    ReviewSeen,
    ReviewState,
)
from tests.delivering import PAYLOADS, Json, at, email, load, login, parse, person

# Signatures


def test_github_documents_this_signature() -> None:
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert github.signed("It's a Secret to Everybody", b"Hello, World!", header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e18",
        "sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17",
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59",
        "sha256=\uff1757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "\ud800",
    ],
)
def test_any_other_header_is_no_signature(header: str | None) -> None:
    assert not github.signed("It's a Secret to Everybody", b"Hello, World!", header)


def test_an_empty_secret_signs_nothing() -> None:
    digest = hmac.digest(b"", b"Hello, World!", "sha256").hex()
    assert not github.signed("", b"Hello, World!", f"sha256={digest}")
    assert not github.signed("\ud800", b"Hello, World!", f"sha256={digest}")


@given(st.text(min_size=1), st.binary(), st.binary())
def test_a_signature_holds_for_its_body_only(secret: str, body: bytes, other: bytes) -> None:
    digest = hmac.digest(secret.encode(), body, "sha256").hex()
    assert github.signed(secret, other, f"sha256={digest}") == (body == other)


@given(st.text(), st.binary(), st.none() | st.text(st.characters(codec=None)))
def test_checking_a_signature_never_fails(secret: str, body: bytes, header: str | None) -> None:
    assert not github.signed(secret, body, header)


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
    assert forge.verify("It's a Secret to Everybody", b"Hello, World!", headers)
    assert (forge.event({}, {}), forge.delivery_id({}, {})) == (None, None)
    assert not forge.verify("It's a Secret to Everybody", b"Hello, World!", {})
    assert forge.events_used == {"pull_request", "pull_request_review", "push"}


# Recorded payloads


def shape(name: str, payload: Json) -> tuple[type, ...]:
    """Tell the kinds of facts that the event named by the file must give."""
    event = Path(name).name.split(".")[0]
    if event == "pull_request":
        return (ChangeSeen,)
    if event == "pull_request_review":
        return (ChangeSeen, ReviewSeen)
    if event == "push" and payload["ref"].startswith("refs/heads/"):
        return (CommitsPushed,)
    return ()


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
                        )
                    ),
                    authored_at=at("2015-05-05T19:40:15-04:00"),
                ),
            ),
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
