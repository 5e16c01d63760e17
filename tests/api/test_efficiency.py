"""Ratios and indicators as they are answered: over sessions made by hand, and over captures."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from classifier.efficiency import DEFAULTS
from classifier.kpis import NAMES
from domain.weeks import monday
from store.engine import Database
from tests.api.answering import Json, client, get, refused
from tests.contributing import FIRST, Made, put

PAGE = Path(__file__).parents[2] / "docs" / "kpis.md"
PEOPLE = [f"p_{number}" for number in range(1, 7)]


def people(count: int, **told: Any) -> Iterator[Made]:
    """One session of each of so many people."""
    return (Made(person=person, **told) for person in PEOPLE[:count])


@pytest.fixture
def http(database: Database) -> TestClient:
    """Two teams of people enough and one of too few, in two weeks."""
    put(
        database,
        [
            *people(6, team="pay", usd=3.0),
            *people(6, team="pay", label="wasteful", usd=1.0),
            *people(6, team="shop", label="wasteful", usd=1.0),
            *people(6, team="shop", week=1, usd=1.0),
            *people(6, team="shop", label="neutral", usd=9.0),
            *people(6, team="shop", label="productive", maturity="provisional", usd=9.0),
            *people(2, team="tiny", usd=0.5),
        ],
    )
    return client(database)


def groups(answer: Json) -> dict[str, Json]:
    return {row["group"] or row["kind"]: row for row in answer["rows"]}


def test_only_what_is_settled_and_not_neutral_is_in_the_ratio(http: TestClient) -> None:
    rows = groups(get(http, "/v1/efficiency", group_by="work_type"))
    [row] = rows.values()
    assert row["sessions"] == 38
    assert row["ratio"]["value"] == pytest.approx((18 + 6 + 1) / (18 + 6 + 6 + 6 + 1))
    assert row["ratio_by_sessions"]["value"] == pytest.approx(14 / 26)
    assert row["ratio"]["interval"]["low"] < row["ratio"]["value"]
    assert row["ratio"]["weight"] < row["ratio_by_sessions"]["weight"] == 26
    spend = {each["label"]: each for each in row["spend"]}
    assert spend["productive"]["cost_usd"] == 18 + 6 + 54 + 1
    assert spend["productive"]["final_usd"] == 18 + 6 + 1
    assert spend["productive"]["rules"] == [
        {"rule": "r_productive", "sessions": 20, "cost_usd": 79.0}
    ]
    assert row["unpriced_sessions"] == spend["productive"]["unpriced_sessions"] == 0
    assert row["coverage"] == 1.0
    assert row["reading"] == "too_little_settled"


def test_a_team_of_too_few_takes_the_smallest_other_along(http: TestClient) -> None:
    answer = get(http, "/v1/efficiency", group_by="team")
    # The two of ``tiny`` are in no other team alone: with them goes the smaller team.
    assert set(groups(answer)) == {"shop", "others"}
    assert answer["rows"][-1]["kind"] == "others"
    assert answer["rows"][-1]["people"] == 6
    total = answer["total"]
    assert sum(row["cost_usd"] for row in answer["rows"]) == total["cost_usd"]
    assert sum(row["sessions"] for row in answer["rows"]) == total["sessions"] == 38
    assert answer["privacy_floor"] == 5


@pytest.mark.parametrize("path", ["/v1/efficiency", "/v1/kpis"])
@pytest.mark.parametrize("value", ["tiny", "pay", "never heard of", ""])
def test_a_filter_that_too_few_are_behind_is_refused(
    path: str, value: str, http: TestClient
) -> None:
    status, code, detail = refused(http, path, team=value)
    assert (status, code) == (403, "too_few_people")
    assert value not in detail or not value


def test_one_filter_at_a_time(http: TestClient) -> None:
    status, code, detail = refused(http, "/v1/efficiency", team="pay", tool="codex")
    assert (status, code) == (400, "invalid_parameter")
    assert "only one of" in detail


def test_a_floor_of_one_tells_everything(database: Database) -> None:
    put(database, [Made(team="pay"), Made(team="shop", person="p_2", week=1)])
    http = client(database, privacy_floor=1)
    answer = get(http, "/v1/efficiency", group_by="team", interval="week")
    assert [(row["group"], row["from"], row["weeks"]) for row in answer["rows"]] == [
        ("pay", monday(FIRST).isoformat().replace("+00:00", "Z"), 1),
        ("shop", monday(FIRST + 1).isoformat().replace("+00:00", "Z"), 1),
    ]
    assert not answer["narrowed"]
    only = get(http, "/v1/efficiency", team="pay", group_by="tool")
    assert [row["group"] for row in only["rows"]] == ["codex"]
    assert only["total"]["cost_usd"] == 1.0
    assert only["total"]["baseline"] == 1.0


def test_two_dimensions_are_crossed_by_quarters(database: Database) -> None:
    put(
        database,
        [
            *people(6, team="pay", tool="codex", usd=2.0),
            *people(6, team="shop", tool="codex", usd=3.0),
            *people(6, team="shop", tool="droid", week=12, usd=5.0),
        ],
    )
    answer = get(client(database), "/v1/efficiency", team="shop", group_by="tool")
    assert {name: row["cost_usd"] for name, row in groups(answer).items()} == {
        "codex": 18.0,
        "droid": 30.0,
    }
    assert answer["total"]["cost_usd"] == 48.0


def test_weeks_asked_for_in_part_are_left_out(http: TestClient) -> None:
    begun = monday(FIRST)
    answer = get(http, "/v1/efficiency", **{"from": begun.replace(hour=1).isoformat()[:19]})
    assert answer["narrowed"]
    assert answer["weeks"] == 1
    assert answer["from"] == monday(FIRST + 1).isoformat().replace("+00:00", "Z")


def test_groups_beyond_the_limit_are_others(database: Database) -> None:
    sessions = [each for t in "abc" for each in people(6, team=t, usd=ord(t) - 96)]
    put(database, sessions)
    answer = get(client(database), "/v1/efficiency", limit=2)
    assert [(row["kind"], row["group"], row["cost_usd"]) for row in answer["rows"]] == [
        ("group", "c", 18.0),
        ("group", "b", 12.0),
        ("others", None, 6.0),
    ]


def test_the_order_of_groups_tells_nothing_that_is_withheld(database: Database) -> None:
    later = [*people(6, team="pay", week=4), *people(6, team="ops", week=4)]
    one = Made(team="shop", person="p_5", week=4, usd=1_000.0)
    begun = [*people(6, team="pay", usd=3.0), *people(6, team="shop", usd=1.0)]
    put(database, [*begun, *later, one, Made(team="tiny", person="p_9", week=4)])
    rows = get(client(database), "/v1/efficiency", group_by="team")["rows"]
    told = [(row["group"], row["cost_usd"]) for row in rows if row["kind"] == "group"]
    # What one person spent at ``shop`` in the second block is told of others, and nowhere else.
    assert dict(told)["shop"] == 6.0
    assert [spent for _, spent in told] == sorted((spent for _, spent in told), reverse=True)


def test_a_model_tells_its_own_part_of_a_session(database: Database) -> None:
    put(database, [*people(6, model="gpt-5"), *people(6, model="", usd=2.0)])
    answer = get(client(database), "/v1/efficiency", group_by="model")
    assert [(row["kind"], row["group"], row["cost_usd"]) for row in answer["rows"]] == [
        ("group", None, 12.0),
        ("group", "gpt-5", 6.0),
    ]


def series(ratios: list[float], usd: list[float], count: int = 200) -> Iterator[Made]:
    """Sessions by block of four weeks: so large a share of them productive, at so much each."""
    for block, (share, cost) in enumerate(zip(ratios, usd, strict=True)):
        for number in range(count):
            label = "productive" if number < share * count else "wasteful"
            yield Made(week=4 * block, person=PEOPLE[number % 6], label=label, usd=cost)


@pytest.mark.parametrize(
    ("ratios", "usd", "reading"),
    [
        ([0.6] * 5, [1, 1, 1, 1, 2], "growth"),
        ([0.7, 0.7, 0.7, 0.7, 0.4], [1, 1, 1, 1, 2], "problem"),
        ([0.7, 0.7, 0.7, 0.7, 0.4], [1] * 5, "ratio_falling"),
        ([0.4, 0.4, 0.4, 0.4, 0.8], [1, 1, 1, 1, 2], "ratio_rising"),
        ([0.6] * 5, [1] * 5, "steady"),
        ([0.6], [1], "nothing_before"),
    ],
)
def test_what_follows_is_read_from_spend_and_ratio_together(
    ratios: list[float], usd: list[float], reading: str, database: Database
) -> None:
    put(database, series(ratios, usd))
    for interval in ("none", "week", "four_weeks"):
        answer = get(client(database), "/v1/efficiency", group_by="team", interval=interval)
        row = answer["rows"][-1]
        assert row["reading"] == reading, row
        assert (row["trend"] is None) == (reading == "nothing_before")
    assert answer["total"]["reading"] in (reading, "nothing_before")


def test_what_is_still_open_is_not_compared(database: Database) -> None:
    told = list(series([0.7, 0.7, 0.7], [1, 1, 1]))
    told += people(6, week=12, label="pending", maturity="provisional", usd=900.0)
    put(database, told)
    row = get(client(database), "/v1/efficiency")["rows"][0]
    # As much of the four blocks before as lies in the period.
    assert row["trend"]["weeks_before"] == 2
    assert row["trend"]["from"] == monday(FIRST + 8).isoformat().replace("+00:00", "Z")
    assert row["coverage"] == pytest.approx(600 / 6000)


def test_a_team_is_compared_over_its_own_mix_of_work(database: Database) -> None:
    def work(team: str, kind: str, good: int, bad: int) -> Iterator[Made]:
        for number in range(good + bad):
            label = "productive" if number < good else "wasteful"
            yield Made(team=team, work_type=kind, label=label, person=PEOPLE[number % 6])

    put(
        database,
        [
            # Hard work fails half of the time, easy work one time of ten, whoever does it.
            *work("hard", "feature", 90, 90),
            *work("hard", "docs", 18, 2),
            *work("easy", "feature", 10, 10),
            *work("easy", "docs", 162, 18),
            *work("poor", "docs", 60, 120),
            *work("poor", "feature", 10, 10),
        ],
    )
    rows = groups(get(client(database), "/v1/efficiency"))
    assert rows["hard"]["baseline"] == rows["easy"]["baseline"]
    docs, features = 240 / 380, 110 / 220
    assert rows["hard"]["same_mix"] == pytest.approx(0.9 * features + 0.1 * docs)
    assert rows["easy"]["same_mix"] == pytest.approx(0.1 * features + 0.9 * docs)
    assert rows["poor"]["outlier"] < 0 < rows["easy"]["outlier"]
    assert rows["hard"]["outlier"] is None
    assert rows["hard"]["ratio"]["value"] < rows["hard"]["baseline"]


def kpis(answer: Json) -> dict[str, Json]:
    return {each["name"]: each for each in answer["total"]["kpis"]}


def test_every_indicator_by_hand(database: Database) -> None:
    told = {
        "input": 100,
        "cache_read": 300,
        "cache_write": 100,
        "output": 50,
        "tokens_told": 1,
        "prompts_told": 500,
        "requests_tried": 10,
        "failed_requests": 1,
        "requests_told": 1,
        "loops_told": 1,
        "escalations_told": 1,
    }
    landed = {"changes_landed": 2, "changes_standing": 1, "changes_reviewed": 1, "tasks": 1}
    put(
        database,
        [
            *people(6, usd=1.0, more=told),
            *people(6, usd=1.0, more=told, week=1),
            *people(6, usd=1.0, more=told, week=2),
            *people(1, usd=90.0, more=told | {"looping": 1, "escalated": 1}),
            *people(2, usd=None),
            *people(
                1, usd=2.0, more=landed | {"changes_first_pass": 1}, lead_hours=(1.0, 2.0, 64.0)
            ),
        ],
    )
    found = kpis(get(client(database), "/v1/kpis"))
    assert tuple(found) == NAMES
    values = {name: each["value"] for name, each in found.items()}
    assert values == pytest.approx(
        {
            "cost_per_task": 110.0,
            "cost_per_surviving_change": 110.0,
            "tokens_per_task": 19 * 550,
            "input_to_output": 10.0,
            "cache_hit_rate": 0.6,
            "retry_rate": 0.1,
            "loop_rate": 1 / 19,
            "escalation_rate": 1 / 19,
            "first_pass_rate": 1.0,
            "cost_per_user": 110 / 6,
            "anomaly_rate": 1 / 20,
            "lead_time_median": 2.0,
            "lead_time_p90": 64.0,
        }
    )
    assert found["cost_per_task"]["missing"] == pytest.approx(2 / 22)
    assert found["loop_rate"]["missing"] == pytest.approx(3 / 22)
    assert found["first_pass_rate"]["missing"] == pytest.approx(1 / 2)
    assert {each["why"] for each in found.values()} == {None}


def test_what_no_session_tells_has_no_value_and_says_why(database: Database) -> None:
    put(database, people(6, usd=None))
    found = kpis(get(client(database), "/v1/kpis"))
    assert all(each["value"] is None and each["why"] for each in found.values())
    answer = get(client(database), "/v1/kpis", group_by="tool", interval="week")
    [row] = answer["rows"]
    told = {each["name"]: each["why"] for each in row["kpis"]}
    assert "blocks of four weeks" in told["anomaly_rate"]


def test_unknown_cost_is_not_told_as_zero(database: Database) -> None:
    put(
        database,
        [
            *people(6, tool="qwen-code", usd=None),
            *people(6, tool="codex", usd=2.0),
            *people(5, tool="codex", usd=None),
            *people(6, tool="codex", usd=None, label="wasteful"),
            *people(6, tool="goose", usd=0.0),
            *people(5, tool="goose", usd=0.0, maturity="provisional"),
        ],
    )
    answer = get(client(database), "/v1/efficiency", group_by="tool")
    told = groups(answer)
    unknown, some, free = told["qwen-code"], told["codex"], told["goose"]
    assert (unknown["cost_usd"], unknown["unpriced_sessions"]) == (None, 6)
    [label] = unknown["spend"]
    assert (label["cost_usd"], label["unpriced_sessions"], label["final_usd"]) == (None, 6, None)
    assert label["rules"] == [{"rule": "r_productive", "sessions": 6, "cost_usd": None}]
    assert (some["cost_usd"], some["unpriced_sessions"]) == (12.0, 11)
    assert [(each["cost_usd"], each["unpriced_sessions"]) for each in some["spend"]] == [
        (12.0, 5),
        (None, 6),
    ]
    # Told to have cost nothing is another thing.
    assert (free["cost_usd"], free["unpriced_sessions"]) == (0.0, 0)
    assert (answer["total"]["cost_usd"], answer["total"]["unpriced_sessions"]) == (12.0, 17)


def test_of_settled_sessions_of_unknown_cost_the_sentence_says_so(database: Database) -> None:
    put(database, [each for _ in range(6) for each in people(6, usd=None)])
    total = get(client(database), "/v1/efficiency")["total"]
    assert (total["ratio"], total["coverage"]) == (None, None)
    assert total["ratio_by_sessions"]["value"] == 1.0
    assert total["sentence"].startswith("What the settled sessions cost is not known")


def test_an_empty_installation_tells_nothing(empty: TestClient) -> None:
    for path in ("/v1/efficiency", "/v1/kpis"):
        answer = get(empty, path)
        assert (answer["rows"], answer["total"], answer["from"]) == ([], None, None)
        assert not answer["narrowed"]


def test_every_indicator_has_its_heading() -> None:
    page = PAGE.read_text()
    assert [name for name in NAMES if f"\n## {name}\n" not in page] == []


def test_every_threshold_stands_there_with_its_default() -> None:
    page = PAGE.read_text().replace("\n", " ")
    told = [f"`{each.name}` ({getattr(DEFAULTS, each.name)})" for each in fields(DEFAULTS)]
    assert [each for each in told if each not in page] == []


def test_over_captures_the_sums_are_those_of_usage(books: Database) -> None:
    http = client(books, privacy_floor=1)
    usage = get(http, "/v1/usage", group_by="tool")["total"]
    total = get(http, "/v1/efficiency")["total"]
    with books.reading() as connection:
        names = ("input", "cache_read", "cache_write", "output")
        sums = ", ".join(f"SUM({name})" for name in names)
        told = connection.execute(text(f"SELECT {sums} FROM session_outcomes")).one()
        booked = text("SELECT SUM(cost_nanousd) FROM session_outcomes")
        cost = connection.execute(booked).scalar_one()
    assert dict(zip(names, told, strict=True)) == {
        name: usage["tokens"][name] or 0 for name in names
    }
    assert total["sessions"] == usage["sessions"]
    assert round(total["cost_usd"] * 1e9) == cost
    for facet in ("tool", "team", "repo", "model", "work_type"):
        rows = get(http, "/v1/efficiency", group_by=facet)["rows"]
        assert sum(round(row["cost_usd"] * 1e9) for row in rows) == cost
