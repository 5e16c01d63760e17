"""Links as they are answered: each with its target, strength, cost and evidence."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from classifier.run import classify
from domain.labels import Evidence, Link, Target, TargetKind, Tier
from store import access, links, work
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW, Json, client, get, refused
from tests.api.working import AT, SHA, change, ticket
from tests.capturing import CAPTURES
from tests.filling import bodies, fill, one, rows

CLAUDE = CAPTURES / "claude-code"
SESSION = "c00747f8-588c-4bd7-a6c0-ac31be606bd8"
OTHER = "f4b3add7-99bc-4e02-9af5-0cddfe9f964b"
BY_BRANCH = Evidence(kind="branch", value="feature/PAY-24", observed_at=AT + timedelta(1))
BY_SHA = Evidence(kind="commit_sha", value=SHA, observed_at=AT)
COST_NANOUSD = 154_015_500


def link(
    kind: TargetKind, target_id: str, tier: Tier, *evidence: Evidence, probability: float = 0.9
) -> Link:
    repo = "" if kind is TargetKind.TICKET else "acme/payments"
    target = Target(kind=kind, repo=repo, id=target_id)
    return Link(target=target, tier=tier, probability=probability, evidence=evidence)


def put(database: Database, session_id: str, *told: tuple[Link, int | None]) -> None:
    pk = one(database, "SELECT pk FROM sessions WHERE session_id = :id", id=session_id)
    with database.writing() as connection:
        links.put_links(connection, [(pk, each, cost) for each, cost in told])


@pytest.fixture
def linked(database: Database) -> Database:
    """A session linked to a commit, a change and a ticket, and another one to the same change."""
    fill(database, bodies(CLAUDE / "24-commit-variants-tool-details"))
    fill(database, bodies(CLAUDE / "02-edit-bash-http-json-delta"))
    with database.writing() as connection:
        work.apply(connection, [change(), ticket()])
    put(
        database,
        SESSION,
        (link(TargetKind.COMMIT, SHA, Tier.B, BY_SHA), 0),
        (link(TargetKind.CHANGE, "7", Tier.A, BY_BRANCH, BY_SHA, probability=0.99), COST_NANOUSD),
        (link(TargetKind.TICKET, "PAY-24", Tier.A, BY_BRANCH, probability=0.8), None),
    )
    put(database, OTHER, (link(TargetKind.CHANGE, "7", Tier.D, BY_BRANCH, probability=0.3), 0))
    return database


def evidence(*told: Evidence) -> list[Json]:
    return [
        {
            "kind": each.kind,
            "value": each.value,
            "observed_at": each.observed_at.isoformat().replace("+00:00", "Z"),
        }
        for each in told
    ]


def listed(http: TestClient, **asked: Any) -> list[tuple[str, str, str]]:
    """Session, kind and id of the links listed."""
    return [
        (row["session_id"], row["target"]["kind"], row["target"]["id"])
        for row in get(http, "/v1/links", **asked)["rows"]
    ]


def test_links_of_a_session(linked: Database) -> None:
    http = client(linked)
    told = get(http, f"/v1/sessions/claude-code/{SESSION}")["links"]
    assert [{name: each[name] for name in each if name != "id"} for each in told] == [
        {
            "target": {
                "kind": "change",
                "repo": "acme/payments",
                "id": "7",
                "title": "feat: PAY-24",
                "state": "merged",
            },
            "tier": "A",
            "probability": 0.99,
            "cost_usd": 0.1540155,
            "evidence": evidence(BY_SHA, BY_BRANCH),
        },
        {
            "target": {
                "kind": "ticket",
                "repo": "",
                "id": "PAY-24",
                "title": "Pay by card",
                "state": "done",
            },
            "tier": "A",
            "probability": 0.8,
            "cost_usd": None,
            "evidence": evidence(BY_BRANCH),
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
            "cost_usd": 0,
            "evidence": evidence(BY_SHA),
        },
    ]
    assert get(http, f"/v1/sessions/claude-code/{SESSION}/explain")["links"] == told
    page = http.get(f"/sessions/claude-code/{SESSION}").text
    assert "acme/payments #7" in page
    assert "feat: PAY-24" in page
    assert "Ticket PAY-24" in page
    assert "right in 99\N{NO-BREAK SPACE}% of cases" in page
    assert "$0.154 of the session's cost" in page


def test_a_listed_link_in_full(linked: Database) -> None:
    [row] = get(client(linked), "/v1/links", kind="change", tier="A")["rows"]
    assert row.pop("id") == links.link_id_of(
        one(linked, "SELECT pk FROM sessions WHERE session_id = :id", id=SESSION),
        Target(kind=TargetKind.CHANGE, repo="acme/payments", id="7"),
    )
    assert row == {
        "tool": "claude-code",
        "session_id": SESSION,
        "target": {"kind": "change", "repo": "acme/payments", "id": "7"},
        "tier": "A",
        "probability": 0.99,
        "cost_share": 1.0,
        "evidence": evidence(BY_SHA, BY_BRANCH),
    }


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [(SESSION, "change"), (SESSION, "commit"), (SESSION, "ticket"), (OTHER, "change")]),
        ({"session_id": OTHER}, [(OTHER, "change")]),
        ({"tool": "codex"}, []),
        ({"kind": ["commit", "ticket"]}, [(SESSION, "commit"), (SESSION, "ticket")]),
        ({"repo": "acme/payments", "id": "7"}, [(SESSION, "change"), (OTHER, "change")]),
        ({"repo": "acme/other"}, []),
        ({"tier": "D"}, [(OTHER, "change")]),
        ({"min_probability": 0.85}, [(SESSION, "change"), (SESSION, "commit")]),
        ({"from": "2026-11-23"}, []),
        ({"to": "2026-11-22"}, []),
    ],
)
def test_filters(linked: Database, asked: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    told = listed(client(linked), **asked)
    assert sorted(each[:2] for each in told) == sorted(expected)


def test_pages_hold_every_link_once(linked: Database) -> None:
    http = client(linked)
    whole = get(http, "/v1/links")["rows"]
    assert len(whole) == 4
    found, cursor = [], None
    for _ in whole:
        page = get(http, "/v1/links", limit=1, **({"cursor": cursor} if cursor else {}))
        found += page["rows"]
        cursor = page["next_cursor"]
    assert (found, cursor) == (whole, None)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"kind": "branch"}, "kind"),
        ({"tier": "E"}, "tier"),
        ({"min_probability": "1.1"}, "min_probability"),
        ({"min_probability": "nan"}, "min_probability"),
        ({"cursor": "x"}, "cursor"),
        ({"repo": "a\0b"}, "repo"),
        ({"target": "7"}, "target"),
    ],
)
def test_what_makes_no_sense_is_refused(linked: Database, asked: dict[str, str], word: str) -> None:
    status, code, detail = refused(client(linked), "/v1/links", **asked)
    assert (status, code) == (400, "invalid_parameter")
    assert word in detail


# Reviews


def review(
    http: TestClient, link_id: str, body: Any, headers: dict[str, str] | None = None
) -> tuple[int, Json]:
    response = http.post(f"/v1/links/{link_id}/review", json=body, headers=headers)
    return response.status_code, response.json()


def test_a_review_is_kept_and_has_the_session_concluded_anew(linked: Database) -> None:
    http = client(linked)
    while classify(linked, NOW):
        pass
    [row] = get(http, "/v1/links", kind="change", session_id=SESSION)["rows"]
    assert review(http, row["id"], {"verdict": "reject", "note": "a spike"}) == (
        200,
        {
            "id": row["id"],
            "verdict": "reject",
            "reviewed_by": "local",
            "reviewed_at": "2026-11-22T12:30:00Z",
        },
    )
    kept = rows(linked, "link_reviews", "kind, target_id, accepted, reviewed_by, note")
    assert kept == [("change", "7", 0, "local", "a spike")]
    assert get(http, "/v1/status")["pending"] > 0
    while classify(linked, NOW):
        pass
    assert (SESSION, "change", "7") not in listed(http)


def test_an_accepted_link_is_of_tier_a(linked: Database) -> None:
    http = client(linked)
    [row] = get(http, "/v1/links", kind="commit")["rows"]
    assert review(http, row["id"], {"verdict": "accept"})[0] == 200
    while classify(linked, NOW):
        pass
    [accepted] = get(http, "/v1/links", kind="commit", id=SHA)["rows"]
    assert (accepted["id"], accepted["tier"]) == (row["id"], "A")
    assert "reviewed" in {each["kind"] for each in accepted["evidence"]}


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"verdict": "maybe"},
        {"verdict": "accept", "note": 1},
        {"verdict": "accept", "by": "me"},
        {"verdict": "accept", "note": "x" * 1001},
        {"verdict": "accept", "note": "a\0b"},
    ],
)
def test_a_review_of_another_form_is_refused(empty: TestClient, body: Any) -> None:
    status, problem = review(empty, "any", body)
    assert (status, problem["code"]) == (400, "invalid_parameter")


def test_a_review_of_no_link(empty: TestClient) -> None:
    status, problem = review(empty, "never-was", {"verdict": "accept"})
    assert (status, problem["code"]) == (404, "link_not_found")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_no_form_of_another_page_can_review(empty: TestClient, kind: str) -> None:
    response = empty.post(
        "/v1/links/any/review", content='{"verdict": "accept"}', headers={"Content-Type": kind}
    )
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.fixture
def secrets(linked: Database) -> dict[str, tuple[str, str]]:
    """Id and secret of a token of each role."""
    with linked.writing() as connection:
        return {r.value: access.create(connection, r.value, r, NOW) for r in Role}


@pytest.mark.parametrize("open_without", [True, False], ids=["loopback", "elsewhere"])
def test_reviews_take_a_lead_or_admin(
    linked: Database, secrets: dict[str, tuple[str, str]], open_without: bool
) -> None:
    http = client(linked, open_without=open_without)
    headers = {role: {"Authorization": f"Bearer {secret}"} for role, (_, secret) in secrets.items()}
    link_id = rows(linked, "links", "id")[0][0]
    told = {
        role: review(http, link_id, {"verdict": "accept"}, headers.get(role))
        for role in ("none", *headers)
    }
    assert {role: status for role, (status, _) in told.items()} == {
        "none": 401,
        "ingest": 403,
        "viewer": 403,
        "lead": 200,
        "admin": 200,
    }
    assert told["lead"][1]["reviewed_by"] == secrets["lead"][0]
    assert told["viewer"][1]["code"] == "forbidden"


def test_a_viewer_may_not_review_where_nobody_else_could(linked: Database) -> None:
    with linked.writing() as connection:
        _, secret = access.create(connection, "only one", Role.VIEWER, NOW)
    link_id = rows(linked, "links", "id")[0][0]
    headers = {"Authorization": f"Bearer {secret}"}
    status, problem = review(client(linked), link_id, {"verdict": "accept"}, headers)
    assert (status, problem["code"]) == (403, "forbidden")


# What is tied to nothing


def test_unlinked_spend_by_reason(database: Database) -> None:
    http = client(database)
    assert get(http, "/v1/unlinked") == {"rows": [], "total_usd": None}
    fill(database, bodies(CLAUDE / "24-commit-variants-tool-details"))
    while classify(database, NOW):
        pass
    [row] = get(http, "/v1/unlinked")["rows"]
    # It edited nothing through the tool's own means, but it made four commits.
    assert row == {"reason": "no_forge", "sessions": 1, "cost_usd": 0.1540155}
    assert get(http, "/v1/unlinked")["total_usd"] == 0.1540155
    assert get(http, "/v1/unlinked", **{"from": "2026-11-23"})["rows"] == []
    page = http.get("/").text
    assert "No forge reports commits" in page
