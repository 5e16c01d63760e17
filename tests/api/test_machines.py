"""Machines that nobody is known for are no people: not in a count, and not for the floor."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from domain.budgets import COMPANY
from domain.labels import Label, Maturity
from domain.weeks import BLOCK, block_of, monday, week_of
from store import judged, spending
from store import tables as t
from store.engine import Database
from tests.api.answering import NOW, Json, client, get
from tests.api.test_floored_parts import budget, guarded, made, stands
from tests.classifier.test_leaks import findings, uncached
from tests.contributing import Made
from tests.contributing import put as conclude
from tests.spending import Used, put

CONTAINERS = [f"i_{number:020x}" for number in range(5)]
TEAMS = {
    "big": [f"p_{number:020x}" for number in range(6)],
    "other": [f"p_{number:020x}" for number in range(6, 10)],
    "solo": CONTAINERS,
}


def used() -> Iterator[Used]:
    """Three teams over the last blocks; that of containers is one developer."""
    first = monday(block_of(week_of(NOW)) - 3 * BLOCK)
    for day in range((NOW - first).days):
        for team, users in TEAMS.items():
            for user in users:
                at = first + timedelta(days=day)
                yield Used(at=at, session=f"{day}-{user}", team=team, user=user)


def tie(database: Database) -> None:
    """Let each container be of a person of its own, as a people file would."""
    rows = [
        {"identity": each, "person": f"p_{number:019x}a"} for number, each in enumerate(CONTAINERS)
    ]
    with database.writing() as connection:
        connection.execute(insert(t.persons), rows)


def teams(http: Any, who: dict[str, str]) -> list[str | None]:
    asked = {"group_by": "team", "from": "2026-01-01"}
    answer = http.get("/v1/usage", params=asked, headers=who)
    assert answer.status_code == 200, answer.text
    return [row["team"] for row in answer.json()["rows"]]


def test_containers_make_no_group_large_enough(database: Database) -> None:
    put(database, used())
    tokens = made(database)
    http = guarded(database)
    budget(http, tokens["admin"], "team", "solo")
    # With the containers goes the smaller team, else they could be subtracted.
    assert teams(http, tokens["viewer"]) == ["big"]
    assert stands(http, tokens["viewer"]) == {"solo month": None}
    tie(database)
    assert teams(http, tokens["viewer"]) == ["big", "other", "solo"]
    assert stands(http, tokens["viewer"])["solo month"]


def test_who_has_no_team_because_nobody_is_known_says_so(database: Database) -> None:
    some = [Used(at=NOW, session=user, user=user) for user in ("p_1", CONTAINERS[0])]
    put(database, [*some, replace(some[0], session="none", user=None)])
    rows = get(client(database), "/v1/chargeback")["rows"]
    assert [(row["reason"], row["requests"]) for row in rows] == [
        ("no_person", 2),
        ("person_in_no_team", 1),
    ]


def test_who_comes_or_goes_is_a_person(database: Database) -> None:
    put(database, used())
    days = (NOW - timedelta(days=9)).date(), NOW.date()
    with database.reading() as connection:
        assert spending.people(connection, COMPANY, *days) == 10
    tie(database)
    with database.reading() as connection:
        assert spending.people(connection, COMPANY, *days) == 15


def test_what_is_judged_is_by_people(database: Database) -> None:
    put(database, [Used(at=NOW, session=user, user=user) for user in ("p_1", *CONTAINERS[:2])])
    label = {
        "labelled_at": NOW,
        "label": Label.PRODUCTIVE.value,
        "maturity": Maturity.FINAL.value,
        "rule": "r",
        "reason": "",
        "facts": "{}",
        "rule_set": "1",
        "current": True,
    }
    with database.writing() as connection:
        pks = connection.execute(select(t.sessions.c.pk)).scalars().all()
        connection.execute(insert(t.labels), [{"session_pk": pk, **label} for pk in pks])
        rows = [{"identity": CONTAINERS[0], "person": "p_2"}]
        connection.execute(insert(t.persons), rows)
    with database.reading() as connection:
        told = {each.session_id: each.person for each in judged.sessions(connection)}
    assert told == {"p_1": "p_1", CONTAINERS[0]: "p_2", CONTAINERS[1]: None}


def test_who_is_who_has_no_machines(database: Database) -> None:
    with database.writing() as connection:
        rows = [
            {"identity": CONTAINERS[0], "person": "p_2"},
            *({"identity": each, "person": CONTAINERS[1]} for each in CONTAINERS[1:3]),
        ]
        connection.execute(insert(t.persons), rows)
    assert [row["user"] for row in get(client(database), "/v1/people")["rows"]] == ["p_2"]


def test_leaks_are_about_people(database: Database) -> None:
    off = [uncached(number, person=f"p_{number}") for number in range(5)]
    more = [uncached(10 + place, person=each) for place, each in enumerate(CONTAINERS)]
    [row] = findings(database, [*off, *more], "caching_off")
    assert (row.sessions, row.people) == (10, 5)


def per_user(row: Json) -> tuple[float | None, float | None]:
    [told] = [each for each in row["kpis"] if each["name"] == "cost_per_user"]
    return told["value"], told["missing"]


@pytest.mark.parametrize("interval", ["none", "week", "four_weeks"])
def test_what_is_of_nobody_is_missing_of_what_is_counted_by_the_head(
    interval: str, database: Database
) -> None:
    six = [f"p_{number}" for number in range(6)]
    conclude(
        database,
        [
            *(Made(person=person, team="pay", usd=2.0) for person in six),
            *(Made(person=None, team="pay", usd=2.0) for _ in range(2)),
            *(Made(person=person, team="shop", usd=1.0) for person in six),
            *(Made(person=None, team="shop", model="m", usd=None) for _ in range(4)),
            *(Made(person=None, team="ops", tool="goose", usd=1.0) for _ in range(3)),
            *(Made(person=f"o_{number}", team="ops", tool="goose") for number in range(6)),
        ],
    )
    http = client(database)
    answer = get(http, "/v1/kpis", group_by="team", interval=interval)
    assert {row["group"]: per_user(row) for row in answer["rows"]} == {
        "pay": (16 / 6, 2 / 8),
        "shop": (6 / 6, 4 / 10),
        "ops": (9 / 6, 3 / 9),
    }
    assert per_user(answer["total"]) == (31 / 12, 9 / 27)
    limited = get(http, "/v1/kpis", group_by="team", interval=interval, limit=1)
    assert per_user(limited["rows"][-1]) == (15 / 12, 7 / 19)
    only = get(http, "/v1/kpis", tool="goose", interval=interval)
    assert per_user(only["total"]) == (9 / 6, 3 / 9)
    crossed = get(http, "/v1/kpis", tool="goose", group_by="team")
    assert [per_user(row) for row in crossed["rows"]] == [(9 / 6, 3 / 9)]
    assert per_user(crossed["total"]) == (9 / 6, 3 / 9)
