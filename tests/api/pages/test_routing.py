"""The page of work by models: the policy in force, as it reads."""

import csv
import io
from dataclasses import replace
from datetime import timedelta

from starlette.testclient import TestClient

from store import judgements
from store.engine import Database
from tests.api.answering import client
from tests.api.pages.looking_up import look
from tests.api.test_pages import read
from tests.api.test_routing import POLICY, kept

__all__ = ["kept"]


def test_the_policy_in_force(kept: TestClient) -> None:  # the fixture
    page = read(kept, "/routing").text
    for words in (
        "reaches a productive share of 50 % with a probability of 90 % at least",
        "bug (small) since 20 Nov 2026 codex with gpt-5",
        "Cheaper than the next one with 90 % probability.",
        "97 % $2.50 $2.00 to $3.00 review rounds ≥ 2 a person",
        "none reaches the bar",
        "goose too little to judge 2 1 cannot say cannot say cannot say",
        "Mix shift cannot say Too little.",
    ):
        assert words in page


def test_a_file_tells_routes_apart(kept: TestClient) -> None:
    told = list(csv.DictReader(io.StringIO(kept.get("/routing?format=csv").text)))
    assert [row["outcome"] for row in told] == ["use", "none_clears"]
    assert [row["use"] for row in told] == ["codex with gpt-5", ""]
    assert told[0]["cost_low_usd"] == "2.0"


def test_what_has_no_rule_says_so_and_why(database: Database) -> None:
    said = "has no rule: no session that has settled is tied to a change"
    assert said in look(client(database), "/routing").text
    with database.writing() as connection:
        empty = replace(POLICY, rules=())
        judgements.keep_policy(connection, empty, timedelta())
    page = look(client(database), "/routing")
    assert said in page.text
    assert page.rows == []
