"""Budgets, forecasts and alerts for whoever may not see everybody: people enough, or no number."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from random import Random
from typing import Any

import pytest
from starlette.testclient import TestClient

from classifier.watch import Watch
from domain.budgets import COMPANY, PeriodKind, ScopeKind, period_of
from domain.weeks import block_of, monday, week_of
from store import access, outcomes
from store.access import Role
from store.engine import Database
from store.parts_told import parts_told
from tests.api.answering import NOW, Json, client
from tests.conftest import Fresh
from tests.spending import Used, put

FLOOR = 3
TEAMS = {"big": range(6), "other": range(6, 10), "tiny": range(10, 12)}
Headers = dict[str, str]
ROLES: dict[str, tuple[Role, dict[str, Any]]] = {
    "viewer": (Role.VIEWER, {}),
    "lead": (Role.LEAD, {"teams": ["tiny"]}),
    "lead of all": (Role.LEAD, {"teams": ["*"]}),
    "admin": (Role.ADMIN, {}),
}


def daily(teams: Iterable[str], days: int = 70) -> list[Used]:
    """Everybody of these teams works on each of the last days, up to yesterday."""
    return [
        Used(
            at=NOW - timedelta(days=back),
            session=f"s{back}-{person}",
            team=team,
            tool="codex" if person % 2 else "opencode",
            user=f"p_{person:020x}",
        )
        for back in range(1, days)
        for team in teams
        for person in TEAMS[team]
    ]


def made(database: Database) -> dict[str, Headers]:
    """A token of each role."""
    found = {}
    with database.writing() as connection:
        for name, (role, more) in ROLES.items():
            _, secret = access.create(connection, name, role, NOW - timedelta(days=1), **more)
            found[name] = {"Authorization": f"Bearer {secret}"}
    return found


def guarded(database: Database) -> TestClient:
    return client(database, open_without=False, host="assay.example.com", privacy_floor=FLOOR)


def budget(http: TestClient, who: Headers, scope: str, value: str, **more: Any) -> None:
    name = f"{value or scope} {more.get('period', 'month')}"
    body = {"name": name, "scope": scope, "value": value, "amount": 1, **more}
    response = http.post("/v1/budgets", json=body, headers=who)
    assert response.status_code == 200, response.text


def stands(http: TestClient, who: Headers) -> dict[str, Json | None]:
    """How each budget stands, by name; None where that is withheld."""
    answer = http.get("/v1/budgets", headers=who).json()
    withheld = [row for row in answer["rows"] if row["withheld"]]
    assert all(row["standing"] is None for row in withheld)
    if "floor" in answer:
        assert answer["floor"] == {"people": FLOOR, "budgets_withheld": len(withheld)}
    return {row["name"]: row["standing"] for row in answer["rows"]}


@pytest.fixture(scope="module")
def books(fresh: Fresh) -> Iterator[Database]:
    with fresh() as database:
        put(database, daily(TEAMS))
        yield database


@pytest.fixture(scope="module")
def told(books: Database) -> dict[str, Headers]:
    return made(books)


@pytest.fixture(scope="module")
def http(books: Database, told: dict[str, Headers]) -> TestClient:
    served = guarded(books)
    budget(served, told["admin"], "company", "")
    for team in TEAMS:
        budget(served, told["admin"], "team", team)
    return served


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        # The four of one team hide the two of another: told, they could be taken from the company.
        ("viewer", {"company", "big"}),
        ("lead", {"company", "big", "tiny"}),
        ("lead of all", {"company", *TEAMS}),
        ("admin", {"company", *TEAMS}),
    ],
)
def test_who_is_told_how_which_budget_stands(
    who: str, seen: set[str], http: TestClient, told: dict[str, Headers]
) -> None:
    whole = stands(http, told["admin"])
    standings = stands(http, told[who])
    assert set(standings) == {f"{name} month" for name in ("company", *TEAMS)}
    for name, standing in standings.items():
        of = name.removesuffix(" month")
        assert standing == (whole[name] if of in seen else None), name
    answer = http.get("/v1/budgets", headers=told[who]).json()
    assert ("floor" in answer) is (who in ("viewer", "lead"))
    page = http.get("/budgets", headers={**told[who], "Accept": "text/html"}).text
    hidden = len(standings) - len(seen)
    assert (f"How {hidden} of them stand" in page) is (hidden > 0)
    rows = http.get("/budgets?table=budgets", headers=told[who])
    assert rows.status_code == 200
    for name, standing in whole.items():
        if standings[name] is None and standing is not None:
            assert f"{standing['spent']:.2f}" not in page


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("scope", ["company", "big", "other", "tiny"])
def test_forecasts_and_scenarios_go_the_same_way(
    scope: str, who: str, http: TestClient, told: dict[str, Headers]
) -> None:
    seen = who in ("admin", "lead of all") or scope in ("company", "big")
    seen = seen or (who == "lead" and scope == "tiny")
    about = {} if scope == "company" else {"scope": "team", "value": scope}
    answer = http.get("/v1/forecast", params=about, headers=told[who])
    body = {**about, "scenarios": [{"kind": "cache_share", "share": 0.5}]}
    tried = http.post("/v1/forecast/scenarios", json=body, headers=told[who])
    if seen:
        assert answer.json()["total"]["expected"] > 0
        assert tried.json()["rows"][0]["month_usd_now"] > 0
        return
    for each in (answer, tried):
        assert (each.status_code, each.json()["code"]) == (403, "too_few_people")


def test_what_one_model_costs_is_a_dimension_more(
    http: TestClient, told: dict[str, Headers]
) -> None:
    kinds: list[Json] = [
        {"kind": "price_change", "model": "claude-*", "factor": 2},
        {"kind": "head_count", "people": 1},
        {"kind": "routing", "models": {"docs": "claude-haiku-4-5"}},
    ]

    def unsaid(who: str, **about: str) -> list[bool]:
        body = {**about, "scenarios": kinds}
        response = http.post("/v1/forecast/scenarios", json=body, headers=told[who])
        return ["too few people" in (row["unsaid"] or "") for row in response.json()["rows"]]

    # All twelve use the one model: that is no fewer people.
    assert unsaid("viewer") == [False, False, True]
    assert unsaid("viewer", scope="team", value="big") == [True, False, True]
    assert unsaid("admin", scope="team", value="big") == [False, False, False]


def test_where_the_rest_would_be_few_the_large_one_is_withheld(database: Database) -> None:
    put(database, daily(["big", "tiny"]))
    tokens = made(database)
    http = guarded(database)
    for scope, value in (("company", ""), ("team", "big"), ("team", "tiny"), ("tool", "codex")):
        budget(http, tokens["admin"], scope, value)
    standings = stands(http, tokens["viewer"])
    # The company less the six would be the two.
    assert [name for name, standing in standings.items() if standing] == [
        "codex month",
        "company month",
    ]
    asked = {"scope": "team", "value": "big"}
    response = http.get("/v1/forecast", params=asked, headers=tokens["viewer"])
    assert response.json()["code"] == "too_few_people"


def test_days_of_few_between_a_month_and_a_block_withhold_it(database: Database) -> None:
    """From the month's beginning to that of the next block only one of the large team worked."""
    first, block = monday(block_of(week_of(NOW))).replace(day=1), monday(block_of(week_of(NOW)))
    assert first < block
    used = [
        each
        for each in daily(["big", "other"])
        if not first <= each.at < block or each.team == "other" or each.user == f"p_{0:020x}"
    ]
    put(database, used)
    tokens = made(database)
    http = guarded(database)
    budget(http, tokens["admin"], "company", "")
    budget(http, tokens["admin"], "team", "big")
    standings = stands(http, tokens["viewer"])
    assert standings["company month"]
    assert standings["big month"] is None
    # What goes by blocks alone has enough of them.
    asked = {"scope": "team", "value": "big"}
    assert http.get("/v1/forecast", params=asked, headers=tokens["viewer"]).status_code == 200


@pytest.mark.parametrize("alone", [True, False])
def test_days_of_few_between_a_month_and_a_week_withhold_it(
    alone: bool, database: Database
) -> None:
    """Single weeks are told, and a quarter began on a Thursday: one person works until Sunday."""
    quarter = datetime(2026, 10, 1, tzinfo=UTC)
    used = [
        each
        for each in daily(["big"], 90)
        if each.at.weekday() < 5
        and not (alone and 0 <= (each.at - quarter).days < 4 and each.user != f"p_{4:020x}")
    ]
    put(database, used)
    tokens = made(database)
    http = guarded(database)
    budget(http, tokens["admin"], "company", "", period="quarter")
    budget(http, tokens["admin"], "company", "", period="month")
    standings = stands(http, tokens["viewer"])
    assert bool(standings["company quarter"]) is not alone
    # November began on a Sunday, on which nobody worked.
    assert standings["company month"]


@pytest.mark.parametrize("few", [True, False])
def test_days_of_few_before_a_period_withhold_it(few: bool, database: Database) -> None:
    """The block in which a period begins is told whole: less the period, its first days remain."""
    since = date(2026, 7, 1)
    first = monday(block_of(week_of(datetime(2026, 7, 1, tzinfo=UTC)))).date()
    used = [
        each
        for each in daily(["big"], 200)
        if not (few and first <= each.at.date() < since) or each.user == f"p_{4:020x}"
    ]
    put(database, used)
    with database.reading() as connection:
        told = parts_told(connection, [ScopeKind.COMPANY], [since], NOW, FLOOR)
    assert told.tells(COMPANY, since) is not few


def test_a_company_of_few_is_told_nothing_of(database: Database) -> None:
    put(database, daily(["tiny"]))
    tokens = made(database)
    http = guarded(database)
    budget(http, tokens["admin"], "company", "")
    assert stands(http, tokens["viewer"]) == {"company month": None}
    answer = http.get("/v1/forecast", headers=tokens["viewer"]).json()
    assert (answer["total"], answer["days"], answer["history_days"]) == (None, [], None)
    assert answer["unsaid"] == "too few people are behind it"


# Whatever is subtracted


def drawn() -> list[Used]:
    """Seventy days of twenty people, some of whom hardly work in some of the teams and tools."""
    luck = Random(5)
    used = []
    for number in range(2800):
        person = min(luck.randrange(20), luck.randrange(20))
        used.append(
            Used(
                at=NOW - timedelta(days=luck.randrange(70), hours=luck.randrange(12)),
                session=f"s{number}",
                tool=luck.choice(["codex", "codex", "opencode", f"own-{person % 7}"]),
                team="own" if person == 17 else ("pay", "web", "ops", "web", None)[person % 5],
                user=None if person == 19 else f"p_{person:020x}",
            )
        )
    return used


def people(used: Iterable[Used]) -> int:
    return len({each.user for each in used if each.user})


@pytest.mark.parametrize("period", list(PeriodKind))
@pytest.mark.parametrize("scope", ["team", "tool"])
def test_of_each_piece_that_answers_differ_by_people_enough_remain(
    scope: str, period: PeriodKind, fresh: Fresh
) -> None:
    with fresh() as database:
        used = drawn()
        put(database, used)
        tokens = made(database)
        http = guarded(database)
        values = sorted({str(getattr(each, scope)) for each in used} - {"None"})
        for of, value in (("company", ""), *((scope, value) for value in values)):
            budget(http, tokens["admin"], of, value, period=period.value)
        standings = stands(http, tokens["viewer"])
    first = period_of(period, NOW.date()).first
    assert standings[f"company {period}"]
    shown = [value for value in values if standings[f"{value} {period}"]]
    assert shown
    assert set(shown) < set(values)
    for piece in pieces(used, first):
        for value in shown:
            mine = [each for each in piece if getattr(each, scope) == value]
            assert not mine or people(mine) >= FLOOR, value
        rest = [each for each in piece if getattr(each, scope) not in shown]
        assert not rest or people(rest) >= FLOOR


def pieces(used: Iterable[Used], first: Any) -> Iterable[list[Used]]:
    """What was used between any two borders, from the block on that a day lies in.

    Borders are those of blocks, of months, and of the weeks that a month begins in.
    """
    found: dict[Any, list[Used]] = {}
    begin = block_of(week_of(datetime(first.year, first.month, first.day, tzinfo=UTC)))
    for each in used:
        week = week_of(each.at)
        if week >= begin:
            start, end = monday(week).date(), monday(week + 1).date() - timedelta(days=1)
            apart = week if start.month != end.month and end >= first else None
            month = each.at.month if each.at.date() >= first else None
            found.setdefault((block_of(week), apart, month), []).append(each)
    return found.values()


def test_who_is_in_a_week_is_asked_anew_once_its_sums_change(database: Database) -> None:
    put(database, daily(["tiny"]))
    weeks = sorted({week_of(each.at) for each in daily(["tiny"])})
    with database.writing() as connection:
        outcomes.stamp(connection, weeks)
    tokens = made(database)
    http = guarded(database)
    budget(http, tokens["admin"], "company", "")
    assert stands(http, tokens["viewer"]) == {"company month": None}
    put(database, daily(["big"]))
    with database.writing() as connection:
        outcomes.stamp(connection, weeks)
    assert stands(http, tokens["viewer"])["company month"] is not None


# Alerts


def test_alerts_about_the_spend_of_few_are_for_whoever_sees_it(database: Database) -> None:
    used = daily(TEAMS)
    # Somebody of the large team, and of the small one, spends as never before.
    rush = [
        Used(at=NOW - timedelta(hours=2), requests=400, session=f"r{team}", team=team, user=user)
        for team, user in (("big", f"p_{1:020x}"), ("tiny", f"p_{10:020x}"))
    ]
    put(database, chain(used, rush))
    tokens = made(database)
    http = guarded(database)
    for team in TEAMS:
        budget(http, tokens["admin"], "team", team)
    Watch(reading_seconds=3600).look(database, NOW)

    def seen(who: str) -> dict[str, Json]:
        rows = http.get("/v1/alerts", headers=tokens[who]).json()["rows"]
        return {f"{row['kind']} {row['facts']['value']}": row for row in rows}

    every = seen("admin")
    assert {
        f"{kind} {team}" for kind in ("budget", "spend_anomaly") for team in ("big", "tiny")
    } <= (set(every))
    viewer, lead = seen("viewer"), seen("lead")
    assert not [about for about in viewer if about.endswith((" tiny", " other"))]
    assert viewer["budget big"] == every["budget big"]
    # What was spent in 24 hours is in no piece of time.
    unusual = viewer["spend_anomaly big"]
    assert unusual["sentence"] == "The team big spent far more in 24 hours than is usual."
    assert unusual["facts"] == {"scope": "team", "value": "big"}
    for kind in ("budget tiny", "spend_anomaly tiny"):
        assert lead[kind] == every[kind]
    assert seen("lead of all") == every
    pages = {
        who: http.get("/alerts", headers={**tokens[who], "Accept": "text/html"}).text
        for who in tokens
    }
    assert "tiny" not in pages["viewer"]
    assert all("tiny" in pages[who] for who in ("lead", "lead of all", "admin"))


def test_a_floor_of_one_withholds_nothing(database: Database) -> None:
    put(database, [Used(at=NOW - timedelta(days=1), session="s", team="tiny", tool="codex")])
    who = made(database)
    http = client(database, open_without=False, host="assay.example.com", privacy_floor=1)
    for scope, value in (("company", ""), ("team", "tiny"), ("team", "nobody")):
        budget(http, who["admin"], scope, value)
    answer = http.get("/v1/budgets", headers=who["viewer"]).json()
    assert [row["withheld"] for row in answer["rows"]] == [False] * 3
    assert all(row["standing"] is not None for row in answer["rows"])
