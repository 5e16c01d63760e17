"""The page of leaks: money with its bounds, sessions behind it, what was tried and what it did."""

import csv
import io

from starlette.testclient import TestClient

from domain.leaks import Group
from store.engine import Database
from tests.api.answering import client, get
from tests.api.test_leaks import GROUP, leaking, mark
from tests.api.test_pages import read

__all__ = ["leaking"]


def test_a_leak_with_its_money_evidence_and_fix(leaking: Database) -> None:
    http = client(leaking)
    [row] = get(http, "/v1/leaks")["rows"]
    page = read(http, "/leaks")
    assert "Repeated failures claude-code, acme/payments" in page.text
    assert "in 12 sessions of 10 people." in page.text
    assert row["how"] in page.text
    assert row["fix"] in page.text
    assert "/sessions/claude-code/s0" in page.links
    assert "Sessions that lose most" in page.text
    assert "Nothing was marked as tried yet." in page.text
    assert "acme/small" not in page.text


def test_what_was_tried_is_shown_with_its_effect(leaking: Database) -> None:
    http = client(leaking)
    assert mark(http, GROUP.id, {"note": "=a limit of turns", "at": "2026-11-20"})[0] == 200
    page = read(http, "/leaks").text
    assert "20 Nov 2026 =a limit of turns" in page
    assert "too early to say" in page or "nothing to compare with" in page
    [told] = csv.DictReader(io.StringIO(http.get("/leaks?format=csv&table=tried").text))
    assert (told["tried_on"], told["note"]) == ("2026-11-20", "'=a limit of turns")


def test_a_file_has_the_bounds(leaking: Database) -> None:
    http = client(leaking)
    [row] = get(http, "/v1/leaks")["rows"]
    [told] = csv.DictReader(io.StringIO(http.get("/leaks?format=csv").text))
    for name, bound in (("lost_low_usd", "low_usd"), ("lost_high_usd", "high_usd")):
        assert float(told[name]) == row["lost"][bound]
    assert (told["leak"], told["repo"]) == (GROUP.detector, "acme/payments")


def test_filters_choose_rows(leaking: Database) -> None:
    http: TestClient = client(leaking)
    assert isinstance(GROUP, Group)
    page = read(http, "/leaks?repo=acme/else").text
    assert "No leak is found that may be told with these filters" in page
    assert "Repeated failures claude-code" not in page
