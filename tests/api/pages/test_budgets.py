"""The page of budgets: how they stand, as the JSON route tells it."""

from datetime import timedelta

import pytest

from store import access
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW, client, get
from tests.api.pages.looking_up import Page, look, table
from tests.api.test_budgets import ASKED, filled, post
from tests.spending import Used
from tests.spending import put as spend


def test_without_any_it_says_how_to_set_one(database: Database) -> None:
    page = look(client(database), "/budgets").text
    assert "No budget is set yet." in page
    assert "assay budgets add" in page


def test_it_tells_what_the_json_route_tells(database: Database) -> None:
    http = filled(database)
    post(http, "/v1/budgets", ASKED)
    post(http, "/v1/budgets", {"name": "Little", "amount": 5})
    post(http, "/v1/budgets", {"name": "Later", "amount": 5, "valid_from": "2027-02-01"})
    told = {row["name"]: row["standing"] for row in get(http, "/v1/budgets")["rows"]}
    rows = {row["budget"]: row for row in table(http, "/budgets")}
    assert list(rows) == ["Little", "Payments", "Later"]
    for name in ("Little", "Payments"):
        row, standing = rows[name], told[name]
        assert float(row["spent"]) == pytest.approx(standing["spent"])
        assert float(row["used_share"]) == pytest.approx(standing["used_share"], abs=1e-6)
        assert float(row["end_expected"]) == pytest.approx(standing["at_end"]["expected"])
        assert (row["runs_out"], row["committed"]) == (standing["runs_out"], "")
    assert (rows["Later"]["spent"], rows["Later"]["runs_out"]) == ("", "")
    page = look(http, "/budgets")
    assert "1 budget is used up." in page.text
    assert "at list price: no price file tells what the company pays" in page.text
    [drawing] = [told for _, told in page.tags if told.get("role") == "img"]
    assert drawing["aria-label"] == "Part of each budget that is used (spent and committed)"


def test_what_cannot_be_said_is_not_a_number(database: Database) -> None:
    http = client(database)
    post(http, "/v1/budgets", {"name": "New", "amount": 5})
    [row] = table(http, "/budgets")
    assert (row["end_expected"], row["end_low"], row["runs_out"]) == ("", "", "cannot_say")
    page = look(http, "/budgets").text
    assert "cannot say" in page
    assert "Whether 1 of them will last can't be said yet" in page
    assert "forecast to be" not in page


def test_what_has_no_price_is_no_part_of_a_budget(database: Database) -> None:
    spend(database, [Used(at=NOW - timedelta(minutes=1), model="nobody-1")])
    http = client(database)
    post(http, "/v1/budgets", {"name": "New", "amount": 5})
    [row] = get(http, "/v1/budgets")["rows"]
    assert (row["standing"]["spent"], row["standing"]["used_share"]) == (None, None)
    assert [row["used_share"] for row in table(http, "/budgets")] == [""]


def test_the_budget_of_a_person_is_for_admins(database: Database) -> None:
    body = {"name": "Ada's", "scope": "person", "value": "p_1", "amount": 5}
    post(client(database), "/v1/budgets", body)
    with database.writing() as connection:
        secrets = {
            role: access.create(connection, role.value, role, NOW)[1]
            for role in (Role.VIEWER, Role.LEAD, Role.ADMIN)
        }
    guarded = client(database, open_without=False, host="assay.example.com")
    for role, secret in secrets.items():
        headers = {"Authorization": f"Bearer {secret}", "Accept": "text/html"}
        page = Page(guarded.get("/budgets", headers=headers).text)
        assert ("Ada's" in page.text) is (role is Role.ADMIN)
