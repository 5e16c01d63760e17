"""Links as they are answered: each with its target, strength, cost and evidence."""

from datetime import UTC, datetime, timedelta

from domain.labels import Evidence, Link, Target, TargetKind, Tier
from domain.work import Actor, ChangeSeen, ChangeState, Repository
from store import conclusions, work
from store.engine import Database
from tests.api.answering import client, get
from tests.capturing import CAPTURES
from tests.filling import bodies, fill, one

SESSION = "c00747f8-588c-4bd7-a6c0-ac31be606bd8"
SHA = "445a90bab5bfd76a9a2b1cc335be4f7ced127254"
AT = datetime(2026, 11, 22, 5, tzinfo=UTC)
REPOSITORY = Repository(forge="github", name="acme/payments", default_branch="main")


def change() -> ChangeSeen:
    return ChangeSeen(
        repository=REPOSITORY,
        number=7,
        state=ChangeState.MERGED,
        draft=False,
        title="feat: PAY-24",
        author=Actor(identities=("p_1",)),
        head_ref="feature/PAY-24",
        head_sha=SHA,
        base_ref="main",
        head_repository="acme/payments",
        merge_sha="5" * 40,
        created_at=AT,
        updated_at=AT,
        merged_at=AT,
        closed_at=AT,
    )


def link(kind: TargetKind, target_id: str, tier: Tier, *evidence: Evidence) -> Link:
    target = Target(kind=kind, repo="acme/payments", id=target_id)
    return Link(target=target, tier=tier, probability=0.9, evidence=evidence)


def test_a_link_to_a_change_and_one_to_a_commit(database: Database) -> None:
    fill(database, bodies(CAPTURES / "claude-code" / "24-commit-variants-tool-details"))
    pk = one(database, "SELECT pk FROM sessions WHERE active")
    by_branch = Evidence(kind="branch", value="feature/PAY-24", observed_at=AT + timedelta(1))
    by_sha = Evidence(kind="commit_sha", value=SHA, observed_at=AT)
    with database.writing() as connection:
        work.apply(connection, [change()])
        commit = link(TargetKind.COMMIT, SHA, Tier.B, by_sha)
        of_change = link(TargetKind.CHANGE, "7", Tier.A, by_branch, by_sha)
        conclusions.replace_links(connection, pk, [(commit, None), (of_change, 154_015_500)])

    links = [
        {
            "target": {
                "kind": "change",
                "repo": "acme/payments",
                "id": "7",
                "title": "feat: PAY-24",
                "state": "merged",
            },
            "tier": "A",
            "probability": 0.9,
            "cost_usd": 0.1540155,
            "evidence": [
                {"kind": "commit_sha", "value": SHA, "observed_at": "2026-11-22T05:00:00Z"},
                {
                    "kind": "branch",
                    "value": "feature/PAY-24",
                    "observed_at": "2026-11-23T05:00:00Z",
                },
            ],
        },
        {
            "target": {
                "kind": "commit",
                "repo": "acme/payments",
                "id": SHA,
                "title": None,
                "state": None,
            },
            "tier": "B",
            "probability": 0.9,
            "cost_usd": None,
            "evidence": [
                {"kind": "commit_sha", "value": SHA, "observed_at": "2026-11-22T05:00:00Z"}
            ],
        },
    ]
    http = client(database)
    assert get(http, f"/v1/sessions/claude-code/{SESSION}")["links"] == links
    assert get(http, f"/v1/sessions/claude-code/{SESSION}/explain")["links"] == links
    page = http.get(f"/sessions/claude-code/{SESSION}").text
    assert "acme/payments #7" in page
    assert "feat: PAY-24" in page
    assert "right in 90 % of cases" in page
    assert "$0.154 of the session's cost" in page
