"""The overview and the pages of teams and tools: numbers of sessions made by hand, as they read."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from domain.weeks import block_of, week_of
from store.engine import Database
from tests.api.answering import NOW, client
from tests.api.test_pages import Reader, read
from tests.api.test_verdicts import judge
from tests.contributing import FIRST, Made, put

PEOPLE = [f"p_{number}" for number in range(1, 9)]
# The block before the running one.
WEEK = block_of(week_of(NOW)) - 4 - FIRST


def people(count: int, **told: Any) -> Iterator[Made]:
    """One session of each of so many people."""
    return (Made(person=person, **{"week": WEEK, **told}) for person in PEOPLE[:count])


@pytest.fixture
def http(database: Database) -> TestClient:
    """Two teams with two tools, and one of too few people."""
    loops = {"loops_told": 1, "looping": 1}
    put(
        database,
        [
            *people(8, team="pay", usd=3.0, more={"loops_told": 1}),
            *people(8, team="pay", label="wasteful", usd=1.0, work_type="docs", more=loops),
            *people(8, team="shop", tool="goose", model="m", usd=1.0, label="inefficient"),
            *people(8, team="shop", tool="goose", model="m", usd=1.0, label="unknown"),
            *people(2, team="=tiny", usd=0.5),
        ],
    )
    return client(database, judge=judge)


def rows(http: TestClient, path: str) -> list[dict[str, str]]:
    answer = http.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_the_overview_says_what_the_spend_bought(http: TestClient) -> None:
    page = read(http).text
    # 24 + 1 productive, 8 wasteful, 8 inefficient; 8 unknown are not settled.
    assert "61 % of what is settled went into work that landed and stands" in page
    assert "Spend $49.00 US dollars, 34 sessions in 1 week" in page
    assert "Not settled $8.00" in page
    assert "84 % of spend has a label" in page
    assert "$8.00 is unknown: r unknown ." in page
    assert "bug $41.00 84 %" in page
    assert "docs $8.00 16 %" in page


def test_unknown_cost_reads_as_unknown(database: Database) -> None:
    unpriced = people(8, team="ops", tool="qwen-code", model="qwen3", work_type="", usd=None)
    known = people(8, team="pay", usd=3.0)
    partly = people(8, team="pay", usd=None, label="wasteful")
    opened = people(8, team="pay", usd=None, label="unknown")
    put(database, [*unpriced, *known, *partly, *opened])
    http = client(database, judge=judge)
    page = read(http).text
    assert "Spend at least $24.00 US dollars, 32 sessions in 1 week" in page
    assert "; 24 of unknown cost Not settled not known" in page
    assert "24 sessions are of unknown cost: no sum of spend has them." in page
    assert "qwen3 not known cannot say cannot say cost not known" in page
    assert "gpt-5 $24.00 at least: 16 of unknown cost 100 %" in page
    told = {row["model"]: row for row in rows(http, "/?format=csv&table=by_model")}
    assert (told["qwen3"]["cost_usd"], told["qwen3"]["share_of_spend"]) == ("", "")
    assert told["qwen3"]["unpriced_sessions"] == "8"
    assert (told["gpt-5"]["cost_usd"], told["gpt-5"]["unpriced_sessions"]) == ("24.0", "16")
    only = read(http, "/?tool=qwen-code").text
    assert "Spend not known US dollars, 8 sessions" in only
    assert "Nothing is settled yet" not in only
    [week] = rows(http, "/?tool=qwen-code&format=csv&table=by_week")
    # None of it was wasteful; what the rest cost nobody knows.
    assert (week["productive_usd"], week["wasteful_usd"]) == ("", "0.0")
    labels = {row["label"]: row for row in rows(http, "/quality?format=csv&table=labels")}
    assert (labels["wasteful"]["cost_usd"], labels["wasteful"]["share"]) == ("", "")
    [team] = [row for row in rows(http, "/teams?format=csv") if row["team"] == "ops"]
    assert (team["cost_usd"], team["unpriced_sessions"]) == ("", "8")


def test_it_tells_loops_only_of_sessions_that_tell(http: TestClient) -> None:
    told = {row["tool"]: row for row in rows(http, "/?format=csv&table=loops")}
    assert told["codex"]["looping_sessions"] == "8"
    assert told["codex"]["sessions_that_tell"] == "16"
    assert (told["goose"]["looping_share"], told["goose"]["share_untold"]) == ("", "1.0")


def test_files_have_the_rows_of_the_page(http: TestClient) -> None:
    page = read(http)
    names = [match[1] for link in page.links if (match := re.search("format=csv&table=(.*)", link))]
    assert {"by_week", "by_work_type", "by_model", "by_team", "loops", "earning"} <= set(names)
    for name in names:
        rows(http, f"/?format=csv&table={name}")
    assert sum(float(row["cost_usd"]) for row in rows(http, "/?format=csv&table=by_team")) == 49
    refused = http.get("/?format=csv&table=nothing")
    assert refused.status_code == 400


def test_a_filter_is_kept_by_every_link(http: TestClient) -> None:
    page = read(http, "/?only=tool:goose&weeks=26")
    assert "Only tool goose . 0 % of what is settled" in page.text
    for place in ("/tools", "/teams", "/leaks", "/sessions"):
        assert f"{place}?weeks=26&tool=goose" in page.links
    assert (
        "Not narrowed to tool goose: this page is about all of them."
        in read(http, "/tools?tool=goose").text
    )
    assert "/?tool=goose" in read(http).links


def test_about_too_few_people_nothing_is_said(http: TestClient) -> None:
    answer = http.get("/", params={"team": "=tiny"}, headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert "Behind this are fewer than 5 people" in Reader(answer.text).text
    both = http.get("/?team=pay&tool=codex", headers={"Accept": "text/html"})
    assert both.status_code == 400
    assert "=tiny" not in read(http, "/teams").text


def test_teams_stand_beside_what_is_usual(http: TestClient) -> None:
    page = read(http, "/teams").text
    assert "How do teams fare?" in page
    [total] = [row for row in rows(http, "/teams?format=csv") if row["team"] == "(total)"]
    assert float(total["productive_share"]) == pytest.approx(25 / 41, abs=1e-6)
    assert total["people"] == "8"


def test_teams_of_nobody_say_why(empty: TestClient) -> None:
    page = read(empty, "/teams").text
    assert "Groups of fewer than 5 people are not told." in page
    assert "assay people --help" in page


def test_nothing_judged_leads_to_connect(empty: TestClient) -> None:
    assert "/connect" in read(empty, "/tools").links
    assert "/connect" in read(empty, "/routing").links
    assert "Leaks were not measured yet." in read(empty, "/leaks").text


def test_a_verdict_with_what_it_rests_on(http: TestClient) -> None:
    page = read(http, "/tools")
    assert "claude-code Keep Enough of it was productive." in page.text
    assert "codex Sessions Settled sessions. 29.5 30" in page.text
    tool = read(http, "/tools/claude-code").text
    assert "claude-code: keep" in tool
    assert "Sessions Settled sessions. 40 30 yes" in tool
    short = read(http, "/tools/codex").text
    assert "Sessions Settled sessions. 29.5 30 not yet" in short
    assert "That can't be said before all requirements below are met." in short
    assert http.get("/tools/nothing").status_code == 404


@pytest.mark.parametrize("path", ["/", "/tools", "/tools/claude-code", "/teams", "/routing"])
def test_pages_are_in_order(http: TestClient, path: str) -> None:
    page = read(http, path)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("h1") == 1
    assert not {"script", "style"} & set(tags)
    assert not [told for _, told in page.tags if "style" in told]
    ids = [told["id"] for _, told in page.tags if "id" in told]
    assert len(set(ids)) == len(ids)
    assert [told["href"] for tag, told in page.tags if told.get("aria-current")] == [
        "/tools" if path.startswith("/tools") else path
    ]
