"""Usage for whoever may not see everybody: people enough behind every sum and every difference."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import combinations, permutations
from random import Random
from typing import Any

import pytest
from starlette.testclient import TestClient

from domain.weeks import BLOCK, QUARTER, block_of, monday, quarter_of, week_of
from store import access
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW, Json, client
from tests.conftest import Fresh
from tests.spending import Used, put

FLOOR = 3
# The running quarter, and the one before.
FIRST = quarter_of(week_of(NOW)) - QUARTER
DIMENSIONS = ("tool", "model", "team", "repo")
Headers = dict[str, str]


def drawn() -> list[Used]:
    """Half a year of usage of fourteen people, some of it of very few, some of nobody."""
    luck = Random(11)
    used: list[Used] = []
    days = (NOW - monday(FIRST)).days
    for number in range(420):
        person = luck.randrange(15)
        at = monday(FIRST) + timedelta(days=luck.randrange(days), hours=luck.randrange(24))
        team = luck.choice([("pay", "web", "ops")[person % 3]] * 5 + ["tiny"])
        used.append(
            Used(
                at=at,
                session=f"s{number}",
                tool=luck.choice(["codex", "codex", "opencode", "gemini-cli"]),
                model=luck.choice(["claude-sonnet-4-5", "gpt-5", "house", None]),
                team="alone" if person == 1 and number % 2 else team if person % 5 else None,
                repo=luck.choice(["acme/a", "acme/a", "acme/b", f"acme/{person % 7}"]),
                user=None if person == 14 else f"p_{person:020x}",
                requests=1 + number % 2,
            )
        )
    return used


USED = drawn()


@pytest.fixture(scope="module")
def books(fresh: Fresh) -> Iterator[Database]:
    with fresh() as database:
        put(database, USED)
        yield database


@pytest.fixture(scope="module")
def told(books: Database) -> dict[str, Headers]:
    made = {}
    wanted: dict[str, tuple[Role, dict[str, Any]]] = {
        "viewer": (Role.VIEWER, {}),
        "somebody": (Role.VIEWER, {"person": f"p_{1:020x}"}),
        "lead": (Role.LEAD, {"teams": ["tiny"]}),
        "lead of all": (Role.LEAD, {"teams": ["*"]}),
        "admin": (Role.ADMIN, {}),
    }
    with books.writing() as connection:
        for name, (role, more) in wanted.items():
            _, secret = access.create(connection, name, role, NOW - timedelta(days=1), **more)
            made[name] = {"Authorization": f"Bearer {secret}"}
    return made


@pytest.fixture(scope="module")
def http(books: Database, told: dict[str, Headers]) -> TestClient:
    assert told
    return client(books, open_without=False, host="assay.example.com", privacy_floor=FLOOR)


def ask(http: TestClient, who: Headers, **asked: str) -> Json:
    response = http.get("/v1/usage", params=asked, headers=who)
    assert response.status_code == 200, response.text
    answer: Json = response.json()
    return answer


def people(used: Iterable[Used]) -> int:
    return len({each.user for each in used if each.user is not None})


def requests(used: Iterable[Used]) -> int:
    return sum(each.requests for each in used)


def of(used: Iterable[Used], values: Mapping[str, object]) -> list[Used]:
    return [
        each for each in used if all(getattr(each, name) == value for name, value in values.items())
    ]


def within(answer: Json) -> list[Used]:
    """What was used in the time that an answer is about."""
    if answer["from"] is None:
        return []
    start, end = (datetime.fromisoformat(answer[name]) for name in ("from", "to"))
    return [each for each in USED if start <= each.at < end]


def periods() -> list[dict[str, str]]:
    """All that there is, single blocks and quarters, and times that cut through them."""
    blocks = range(FIRST, block_of(week_of(NOW)), BLOCK)
    cut = monday(FIRST) + timedelta(days=3)
    return [
        {},
        *({"from": str(monday(b).date()), "to": str(monday(b + BLOCK).date())} for b in blocks),
        {"from": str(monday(FIRST).date()), "to": str(monday(FIRST + QUARTER).date())},
        {"from": cut.isoformat()},
        {"from": cut.isoformat(), "to": (cut + timedelta(weeks=QUARTER)).isoformat()},
    ]


@pytest.mark.parametrize("period", periods(), ids=lambda told: "-".join(told.values()) or "all")
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_by_one_dimension_every_sum_is_exact_and_of_people_enough(
    dimension: str, period: dict[str, str], http: TestClient, told: dict[str, Headers]
) -> None:
    answer = ask(http, told["viewer"], group_by=dimension, **period)
    assert answer["floor"]["people"] == FLOOR
    used = within(answer)
    for start in ("from", "to"):
        if answer[start] is not None:
            week = week_of(datetime.fromisoformat(answer[start]))
            assert block_of(week) == week
            assert monday(week) == datetime.fromisoformat(answer[start])
    by_block: dict[int, list[Used]] = {}
    for each in used:
        by_block.setdefault(block_of(week_of(each.at)), []).append(each)
    rows = sum(row["requests"] for row in answer["rows"])
    others = answer["floor"]["others"]
    assert answer["total"]["requests"] == rows + (others["requests"] if others else 0)
    if all(people(each) >= FLOOR for each in by_block.values()):
        assert answer["total"]["requests"] == requests(used)
        assert answer["total"]["sessions"] == len(used)
        assert answer["floor"]["weeks_withheld"] == 0
    if len(by_block) == 1:
        shown = []
        for row in answer["rows"]:
            mine = of(used, {dimension: row[dimension]})
            assert people(mine) >= FLOOR
            assert (row["requests"], row["sessions"]) == (requests(mine), len(mine))
            shown += mine
        left = [each for each in used if each not in shown]
        assert (others is None) == (not left)
        assert not left or people(left) >= FLOOR
        assert not left or others["requests"] == requests(left)


@pytest.mark.parametrize(("one", "other"), list(combinations(DIMENSIONS, 2)))
def test_by_two_dimensions_what_is_left_of_each_row_and_column_is_of_people_enough(
    one: str, other: str, http: TestClient, told: dict[str, Headers]
) -> None:
    quarter = {"from": str(monday(FIRST).date()), "to": str(monday(FIRST + QUARTER).date())}
    answer = ask(http, told["viewer"], group_by=f"{one},{other}", **quarter)
    used = within(answer)
    shown = [of(used, {one: row[one], other: row[other]}) for row in answer["rows"]]
    for row, mine in zip(answer["rows"], shown, strict=True):
        assert people(mine) >= FLOOR
        assert (row["requests"], row["sessions"]) == (requests(mine), len(mine))
    left = [each for each in used if not any(each in mine for mine in shown)]
    assert not left or people(left) >= FLOOR
    # Of each value that is told alone, what is not told of it in pairs.
    for dimension in (one, other):
        alone = ask(http, told["viewer"], group_by=dimension, **quarter)["rows"]
        for value in {row[dimension] for row in alone}:
            rest = [each for each in left if getattr(each, dimension) == value]
            whole = of(used, {dimension: value})
            steady = sum(r["requests"] for r in alone if r[dimension] == value) == requests(whole)
            assert not steady or not rest or people(rest) >= FLOOR, value


@pytest.mark.parametrize(("by", "within_"), list(permutations(DIMENSIONS, 2)))
def test_a_filter_is_a_second_dimension(
    by: str, within_: str, http: TestClient, told: dict[str, Headers]
) -> None:
    both = ask(http, told["viewer"], group_by=f"{by},{within_}")["rows"]
    values = {row[within_] for row in both if row[within_]}
    for value in values:
        answer = ask(http, told["viewer"], group_by=by, **{within_: value})
        expected = {row[by]: row["requests"] for row in both if row[within_] == value}
        assert {row[by]: row["requests"] for row in answer["rows"]} == expected
        others = answer["floor"]["others"]
        assert answer["total"]["requests"] == sum(expected.values()) + (
            others["requests"] if others else 0
        )


def test_dimensions_that_were_not_asked_for_are_named(
    http: TestClient, told: dict[str, Headers]
) -> None:
    response = http.get("/v1/usage", params={"team": "pay"}, headers=told["viewer"])
    detail = response.json()["detail"]
    assert "Here they are tool, model, team" in detail
    assert "'group_by' is tool,model where it is not told" in detail


@pytest.mark.parametrize(
    "asked",
    [
        {"team": "alone", "group_by": "team"},
        {"team": "nobody", "group_by": "tool"},
        {"group_by": "tool,model,team"},
        {"group_by": "tool,model", "team": "pay"},
        {"group_by": "session"},
        {"group_by": "day"},
        {"group_by": "day,team"},
        {"day": "2026-11-03", "group_by": "tool"},
        {"session": "s1"},
        {"user": "", "group_by": "tool"},
        {"team": "pay", "from": "2026-11-20", "group_by": "team"},
    ],
    ids=str,
)
def test_what_tells_few_people_apart_is_refused(
    asked: dict[str, str], http: TestClient, told: dict[str, Headers]
) -> None:
    for who in ("viewer", "lead"):
        response = http.get("/v1/usage", params=asked, headers=told[who])
        assert (response.status_code, response.json()["code"]) == (403, "too_few_people"), who
    for who in ("admin", "lead of all"):
        assert "floor" not in ask(http, told[who], **asked)


def test_of_a_time_too_short_nothing_is_told(http: TestClient, told: dict[str, Headers]) -> None:
    answer = ask(http, told["viewer"], **{"from": "2026-11-20"})
    assert (answer["rows"], answer["total"]["requests"]) == ([], None)
    assert (answer["from"], answer["to"]) == (None, None)


def test_own_teams_and_oneself_are_told_whole(http: TestClient, told: dict[str, Headers]) -> None:
    tiny = of(USED, {"team": "tiny"})
    assert people(tiny)
    answer = ask(http, told["lead"], team="tiny", group_by="user,session")
    assert answer["total"]["requests"] == requests(tiny)
    assert "floor" not in answer
    both = http.get("/v1/usage", params={"team": ["tiny", "pay"]}, headers=told["lead"])
    assert both.status_code == 403 or "floor" in both.json()
    mine = of(USED, {"user": f"p_{1:020x}"})
    answer = ask(http, told["somebody"], user=f"p_{1:020x}", group_by="day,session")
    assert answer["total"]["requests"] == requests(mine)
    assert len(answer["rows"]) == len(mine)


def test_which_models_have_no_price_is_not_told(http: TestClient, told: dict[str, Headers]) -> None:
    answer = ask(http, told["viewer"], group_by="team")
    rows = [*answer["rows"], answer["total"]]
    assert any(row["cost"]["unpriced_tokens"] for row in rows)
    assert all(row["cost"]["unpriced"] == [] for row in rows)


def test_each_database_tells_it(database: Database) -> None:
    put(database, USED)
    with database.writing() as connection:
        _, secret = access.create(connection, "", Role.VIEWER, NOW - timedelta(days=1))
    http = client(database, open_without=False, host="assay.example.com", privacy_floor=FLOOR)
    who = {"Authorization": f"Bearer {secret}"}
    by_model = ask(http, who, group_by="model")
    assert len(by_model["rows"]) > 2
    pairs = ask(http, who, group_by="tool,team")
    assert len(pairs["rows"]) > 4
    assert pairs["floor"]["others"]["requests"] > 0
    narrowed = ask(http, who, group_by="tool", team="pay")
    assert {row["tool"] for row in narrowed["rows"]} <= {"codex", "opencode", "gemini-cli"}
    # In one of the quarters the team is too small a group to be told alone.
    lacking = requests(of(USED, {"team": "pay"})) - narrowed["total"]["requests"]
    assert bool(lacking) is bool(narrowed["floor"]["weeks_withheld"])
