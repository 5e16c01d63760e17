"""Changes and tickets as they are answered: cost, sessions, outcome, and what happened when."""

from typing import Any

import pytest

from domain.labels import Link, Target, TargetKind, Tier
from domain.people import SamePerson, Strength
from store import links, people, people_file, sync, teams, work
from store.engine import Database
from store.people_file import FiledIdentity
from store.teams import Membership
from tests.api.answering import NOW, Json, client, get, refused
from tests.api.working import AT, REPOSITORY, SHA, story, ticket
from tests.capturing import CAPTURES
from tests.filling import bodies, fill, one
from tests.identifying import identify

CLAUDE = CAPTURES / "claude-code"
SESSION = "c00747f8-588c-4bd7-a6c0-ac31be606bd8"
OTHER = "f4b3add7-99bc-4e02-9af5-0cddfe9f964b"


def link(database: Database, session_id: str, target: Target, tier: Tier, cost: int | None) -> None:
    pk = one(database, "SELECT pk FROM sessions WHERE session_id = :id", id=session_id)
    told = Link(target=target, tier=tier, probability=0.9, evidence=())
    with database.writing() as connection:
        links.put_links(connection, [(pk, told, cost)])


def of_change(number: int) -> Target:
    return Target(kind=TargetKind.CHANGE, repo=REPOSITORY.name, id=str(number))


def of_ticket(key: str) -> Target:
    return Target(kind=TargetKind.TICKET, repo="", id=key)


@pytest.fixture
def told(database: Database) -> Database:
    """The story, with one session that made it and another that is only proposed."""
    fill(database, bodies(CLAUDE / "24-commit-variants-tool-details"))
    fill(database, bodies(CLAUDE / "02-edit-bash-http-json-delta"))
    story(database)
    link(database, SESSION, of_change(7), Tier.A, 100_000_000)
    link(database, SESSION, of_change(8), Tier.B, 54_015_500)
    link(database, OTHER, of_change(7), Tier.C, 0)
    link(database, SESSION, of_ticket("PAY-24"), Tier.A, None)
    link(database, OTHER, of_ticket("PAY-24"), Tier.C, None)
    return database


SPENT = {
    "cost_usd": 0.1,
    "sessions": 1,
    "probable_sessions": 1,
    "sessions_without_cost": 0,
}
NOTHING = {
    "cost_usd": None,
    "sessions": 0,
    "probable_sessions": 0,
    "sessions_without_cost": 0,
}


def test_a_change_in_full(told: Database) -> None:
    found = get(client(told), "/v1/changes/acme/payments/7")
    of_links = [(row["session_id"], row["tier"], row["cost_share"]) for row in found.pop("links")]
    assert of_links == [(SESSION, "A", pytest.approx(100 / 154.0155)), (OTHER, "C", 0.0)]
    outcome = found.pop("outcome")
    assert found == {
        "repo": "acme/payments",
        "number": 7,
        "forge": "github",
        "title": "feat: PAY-24",
        "state": "merged",
        "draft": False,
        "author": "p_author",
        "author_name": None,
        "author_is_bot": False,
        "base_ref": "main",
        "head_ref": "feature/PAY-24",
        "opened_at": "2026-11-22T05:00:00Z",
        "updated_at": "2026-11-22T08:00:00Z",
        "merged_at": "2026-11-22T08:00:00Z",
        "closed_at": "2026-11-22T08:00:00Z",
        "additions": 10,
        "deletions": 2,
        "changed_files": 1,
        "labels": ["feature"],
        "tools": ["claude-code"],
        "tickets": ["PAY-24"],
        "spent": SPENT,
        "as_of": None,
        "timeline": [
            happened("2026-11-22T04:00:00Z", "committed", SHA, by="p_author"),
            happened("2026-11-22T05:00:00Z", "opened", by="p_author"),
            happened("2026-11-22T06:00:00Z", "checked", "ci", "success"),
            happened("2026-11-22T07:00:00Z", "reviewed", "r1", "approved", by="p_reviewer"),
            happened("2026-11-22T08:00:00Z", "merged"),
            happened("2026-11-22T09:00:00Z", "deployed", "production", "success"),
        ],
    }
    names = ("landed_at", "route", "deployment", "review_rounds", "unreviewed", "lines", "size")
    assert {name: outcome[name] for name in names} == {
        "landed_at": "2026-11-22T08:00:00Z",
        "route": "merged",
        "deployment": {"state": "yes", "at": "2026-11-22T09:00:00Z"},
        "review_rounds": 0,
        "unreviewed": False,
        "lines": 12,
        "size": "10_49",
    }
    assert outcome["time_to_merge_seconds"] == 3 * 3600
    assert outcome["lead_time_seconds"] == 4 * 3600
    assert outcome["time_to_deploy_seconds"] == 3600
    assert [each["key"] for each in outcome["tasks"]] == ["PAY-24"]


def happened(
    at: str, kind: str, of: str | None = None, state: str | None = None, by: str | None = None
) -> Json:
    return {"at": at, "kind": kind, "id": of, "state": state, "by": by}


def test_a_change_as_it_was(told: Database) -> None:
    http = client(told)
    before = get(http, "/v1/changes/acme/payments/7", as_of="2026-11-22T06:00:00Z")
    assert before["as_of"] == "2026-11-22T06:00:00Z"
    assert (before["outcome"]["landed_at"], before["outcome"]["route"]) == (None, None)
    earlier = get(http, "/v1/changes/acme/payments/7", as_of="2026-11-22T04:00:00Z")
    assert earlier["outcome"] is None


def test_the_name_of_a_repository_is_compared_without_case(told: Database) -> None:
    assert get(client(told), "/v1/changes/Acme/Payments/7")["repo"] == "acme/payments"


@pytest.mark.parametrize("place", ["acme/payments/6", "acme/other/7", "payments/7"])
def test_a_change_that_nobody_told_of(told: Database, place: str) -> None:
    assert refused(client(told), f"/v1/changes/{place}")[:2] == (404, "change_not_found")


@pytest.mark.parametrize(
    "place", ["acme/payments/x", "acme/payments/0", "acme/payments/99999999999"]
)
def test_a_number_that_no_change_has(told: Database, place: str) -> None:
    assert refused(client(told), f"/v1/changes/{place}")[:2] == (400, "invalid_parameter")


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({}, [8, 7, 9]),
        ({"repo": "acme/other"}, []),
        ({"state": ["open", "closed"]}, [8, 9]),
        ({"ticket": "PAY-24"}, [7]),
        ({"linked": "true"}, [8, 7]),
        ({"linked": "false"}, [9]),
        ({"from": "2026-11-22T07:00:00Z"}, [8, 7]),
        ({"to": "2026-11-22"}, [9]),
        ({"limit": 2}, [8, 7]),
    ],
)
def test_changes_by_filter(told: Database, asked: dict[str, Any], numbers: list[int]) -> None:
    rows = get(client(told), "/v1/changes", **asked)["rows"]
    assert [row["number"] for row in rows] == numbers


def test_pages_hold_every_change_and_ticket_once(told: Database) -> None:
    http = client(told)
    for path, count in (("/v1/changes", 3), ("/v1/tickets", 2)):
        whole = get(http, path)["rows"]
        assert len(whole) == count
        found, cursor = [], None
        for _ in whole:
            page = get(http, path, limit=1, **({"cursor": cursor} if cursor else {}))
            found += page["rows"]
            cursor = page["next_cursor"]
        assert (found, cursor) == (whole, None)


def test_a_listed_change_says_what_it_cost_and_what_became_of_it(told: Database) -> None:
    by_number = {row["number"]: row for row in get(client(told), "/v1/changes")["rows"]}
    assert by_number[7]["spent"] == SPENT
    assert by_number[8]["spent"] == SPENT | {"cost_usd": 0.0540155, "probable_sessions": 0}
    assert by_number[9]["spent"] == NOTHING
    landed = {number: row["outcome"]["landed_at"] for number, row in by_number.items()}
    assert landed == {7: "2026-11-22T08:00:00Z", 8: None, 9: None}


# Tickets


def test_a_ticket_in_full(told: Database) -> None:
    found = get(client(told), "/v1/tickets/PAY-24")
    of_links = [(row["session_id"], row["tier"]) for row in found.pop("links")]
    assert of_links == [(SESSION, "A"), (OTHER, "C")]
    assert found == {
        "tracker": "jira",
        "key": "PAY-24",
        "project": "PAY",
        "kind": "Story",
        "title": "Pay by card",
        "state": "done",
        "state_name": "Done",
        "created_at": "2026-11-21T20:00:00Z",
        "updated_at": "2026-11-22T10:00:00Z",
        "closed_at": None,
        "parent": None,
        "labels": [],
        "assignees": ["p_author"],
        "changes": [
            {"repo": "acme/payments", "number": 7},
            {"repo": "acme/payments", "number": 8},
        ],
        "spent": SPENT | {"cost_usd": 0.1540155},
        "timeline": [
            happened("2026-11-21T20:00:00Z", "created"),
            happened("2026-11-22T10:00:00Z", "moved", state="done"),
        ],
    }


def test_an_issue_of_a_forge_is_a_ticket(told: Database) -> None:
    issue = get(client(told), "/v1/tickets/acme/payments%2331")
    assert (issue["key"], issue["spent"]) == ("acme/payments#31", NOTHING)


def test_a_key_that_two_trackers_use(told: Database) -> None:
    with told.writing() as connection:
        work.apply(connection, [ticket(tracker="linear", title="Another")])
    http = client(told)
    status, code, detail = refused(http, "/v1/tickets/PAY-24")
    assert (status, code) == (400, "ambiguous_ticket")
    assert "jira, linear" in detail
    assert get(http, "/v1/tickets/PAY-24", tracker="linear")["title"] == "Another"
    assert refused(http, "/v1/tickets/PAY-24", tracker="github")[:2] == (404, "ticket_not_found")


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ({}, ["PAY-24", "acme/payments#31"]),
        ({"tracker": "jira"}, ["PAY-24"]),
        ({"project": "acme/payments"}, ["acme/payments#31"]),
        ({"state": "open"}, []),
        ({"from": "2026-11-22T06:00:00Z"}, ["PAY-24"]),
        ({"to": "2026-11-22T06:00:00Z"}, ["acme/payments#31"]),
    ],
)
def test_tickets_by_filter(told: Database, asked: dict[str, str], keys: list[str]) -> None:
    assert [row["key"] for row in get(client(told), "/v1/tickets", **asked)["rows"]] == keys


# People


def test_people_and_their_teams(told: Database) -> None:
    row = FiledIdentity(identity="p_boss", kind="email", person="p_lead")
    with told.writing() as connection:
        people_file.import_file(connection, {"p_boss": row}, {"p_lead": "Ada Boss"}, replace=False)
        teams.replace_teams(
            connection,
            [
                Membership(team="web", person="p_author", from_hour=0),
                Membership(team="old", person="p_lead", from_hour=0, to_hour=1),
                Membership(team="web", person="p_lead", lead=True),
            ],
        )
    while identify(told):
        pass
    author: Json = {
        "user": "p_author",
        "user_name": None,
        "identities": 2,
        "team": "web",
        "leads": [],
    }
    lead: Json = {
        "user": "p_lead",
        "user_name": None,
        "identities": 1,
        "team": None,
        "leads": ["web"],
    }
    assert get(client(told), "/v1/people") == {"rows": [author, lead]}
    assert get(client(told), "/v1/people", team="old") == {"rows": []}
    named = get(client(told, show_names=True), "/v1/people", team="web")
    assert named == {"rows": [author, lead | {"user_name": "Ada Boss"}]}


def test_names_are_shown_only_where_they_are_turned_on(told: Database) -> None:
    user = one(told, 'SELECT MIN("user") FROM contexts')
    filed = {
        identity: FiledIdentity(identity=identity, kind="email", person="p_jane")
        for identity in (user, "p_author")
    }
    with told.writing() as connection:
        people_file.import_file(connection, filed, {"p_jane": "Jane Doe"}, replace=False)
    while identify(told):
        pass
    hidden, shown = client(told), client(told, show_names=True)
    for http, name in ((hidden, None), (shown, "Jane Doe")):
        [mine] = get(http, "/v1/sessions", user="p_jane", limit=1)["rows"]
        assert (mine["user"], mine["user_name"]) == ("p_jane", name)
        one_of_them = get(http, f"/v1/sessions/claude-code/{mine['session_id']}")
        assert one_of_them["user_name"] == name
        rows = get(http, "/v1/usage", group_by="user", user="p_jane")["rows"]
        assert [(row["user"], row.get("user_name")) for row in rows] == [("p_jane", name)]
        assert get(http, "/v1/changes/acme/payments/7")["author_name"] == name
        assert get(http, "/v1/changes", limit=3)["rows"][1]["author_name"] == name


def test_identities_of_one_author_are_one_person(told: Database) -> None:
    with told.writing() as connection:
        same = SamePerson(one="p_author", other="p_a", strength=Strength.STRONG, source="github")
        people.told(connection, [same], [])
    while identify(told):
        pass
    assert get(client(told), "/v1/changes/acme/payments/7")["author"] == "p_a"


# How far providers were read


def test_the_status_tells_how_far_providers_were_read(database: Database) -> None:
    with database.writing() as connection:
        for scope in ("acme/a", "acme/b"):
            sync.note_success(connection, "github", scope, "changes", AT)
        sync.note_failure(
            connection, "github", "acme/b", "changes", at=NOW, code="limited", error="Too many."
        )
        sync.note_success(connection, "jira", "PAY", "issues", AT)
    failure = {
        "scope": "acme/b",
        "stream": "changes",
        "failed_at": "2026-11-22T12:30:00Z",
        "code": "limited",
        "error": "Too many.",
    }
    assert get(client(database), "/v1/status")["providers"] == [
        {
            "provider": "github",
            "streams": 2,
            "succeeded_at": "2026-11-22T05:00:00Z",
            "failing": 1,
            "failures": [failure],
        },
        {
            "provider": "jira",
            "streams": 1,
            "succeeded_at": "2026-11-22T05:00:00Z",
            "failing": 0,
            "failures": [],
        },
    ]
