"""What a digest says, of sessions made by hand: the same numbers as the pages, in every form."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.digest.edition import UNSUBSCRIBE, Audience, Edition
from api.digest.writing import press
from api.wiring import Wiring
from collector.decode import Encoding
from collector.spool import pack_otlp
from domain.record import Signal
from domain.weeks import week_of
from store import inbox
from store import verdicts as kept
from store.engine import Database
from tests.api.answering import NOW, client
from tests.api.test_budgets import ASKED, filled, post
from tests.api.test_leaks import GROUP, leaking, mark
from tests.api.test_verdicts import judge, keep, unclear
from tests.contributing import FIRST, Made, put

__all__ = ["leaking"]

LINK = "https://assay.example"
COMPANY, PAY = Audience(), Audience(teams=("pay",))
# The Monday before NOW, and the last week that was over by then.
MONDAY = date(2026, 11, 16)
LAST = week_of(NOW) - 1 - FIRST


def people(count: int, **told: Any) -> Iterator[Made]:
    """One session of each of so many people."""
    team = told.get("team", "pay")
    return (Made(person=f"p_{team}_{number}", **told) for number in range(count))


def wiring(database: Database) -> Wiring:
    made: Wiring = client(database).app.state.wiring  # type: ignore[attr-defined]
    return made


def edition(database: Database, audience: Audience = COMPANY, week: date = MONDAY) -> Edition:
    return press(wiring(database), week, LINK).edition(audience)


def prose(text: str) -> str:
    """A text without its line breaks."""
    return re.sub(r"\s+", " ", text)


def weeks(database: Database) -> None:
    """Four teams over six weeks; in the last one of them spends double and gets worse."""
    made: list[Made] = []
    for week in range(LAST - 5, LAST + 1):
        worse = week == LAST
        made += people(30, week=week, team="pay", usd=4.0)
        made += people(30, week=week, team="pay", usd=6.0 if worse else 1.0, label="wasteful")
        made += people(10, week=week, team="shop", usd=2.0)
        made += people(10, week=week, team="ops", usd=1.0)
        made += people(2, week=week, team="tiny", usd=1.0)
    put(database, made)


def test_the_company_against_the_weeks_before(database: Database) -> None:
    weeks(database)
    told = prose(edition(database).text)
    # Productive are 152 a week; of 332 in the last one, of 182 before.
    assert "Week of 9 Nov 2026, the whole company" in told
    assert (
        "Last week: $332.00 in 82 sessions; a week before that, on average $182.00 (+82 %)." in told
    )
    assert "Productive: 46 % of what is settled from the week of 9 Nov" in told
    assert "84 % the time before, 84 % over the four before: down." in told
    assert "Of that time's spend: productive $152.00, wasteful $180.00." in told
    assert "What moved most: more r wasteful, 16 % to 54 % of spend." in told


def test_a_team_has_its_own_numbers_beside_the_companys(database: Database) -> None:
    weeks(database)
    told = edition(database, PAY)
    text = prose(told.text)
    assert told.subject == ("What the tokens bought, 9 Nov 2026, pay: 40 % productive, 80 % before")
    assert "Last week: $300.00 in 60 sessions" in text
    assert "Productive: 40 % of what is settled" in text
    assert "; the company 46 %." in text
    assert f"{LINK}/?team=pay" in told.text
    assert "Teams that moved" not in text


def test_what_cost_is_unknown_is_said(database: Database) -> None:
    put(
        database,
        [
            *people(30, week=LAST, team="pay", usd=4.0),
            *people(10, week=LAST, team="pay", usd=None, label="wasteful"),
            *people(30, week=LAST, team="ops", usd=None),
        ],
    )
    company = prose(edition(database).text)
    assert "Last week: at least $120.00 in 70 sessions." in company
    assert "40 sessions are of unknown cost: no sum of spend has them" in company
    assert "wasteful $0" not in company
    ops = prose(edition(database, Audience(teams=("ops",))).text)
    assert "Last week: spend not known in 30 sessions." in ops
    assert "What is settled is of unknown cost" in ops
    assert "$0" not in ops


def test_what_sums_lack_is_said(database: Database) -> None:
    put(
        database,
        [
            *people(30, week=LAST, usd=4.0),
            *people(6, week=LAST, usd=1.0, more={"incomplete": 1}),
            *people(1, week=LAST, usd=1.0, more={"lower_bounds": 1}),
        ],
    )
    company = prose(edition(database).text)
    assert "Last week: at least $127.00 in 37 sessions." in company
    assert "6 sessions are incomplete: some of the telemetry is missing" in company
    assert "1 session is in part of unknown cost, so sums of spend are lower" in company


def test_several_teams_are_in_one(database: Database) -> None:
    weeks(database)
    text = edition(database, Audience(teams=("pay", "shop"))).text
    assert text.index("\npay\n---") < text.index("\nshop\n----")
    assert "the company 46 %" in prose(text)


def test_of_too_few_people_nothing_is_told(database: Database) -> None:
    weeks(database)
    told = edition(database, Audience(teams=("tiny",)))
    assert "Too few people are behind this" in told.text
    assert not told.pictures
    for form in (
        told.text,
        told.html,
        json.dumps(told.slack),
        json.dumps(told.teams["attachments"]),
    ):
        assert not re.search(r"\$\d|p_tiny", form)


def test_a_week_is_told_as_of_the_day_after_it(database: Database) -> None:
    weeks(database)
    text = prose(edition(database, week=date(2026, 11, 9)).text)
    assert "Week of 2 Nov 2026" in text
    assert "Last week: $182.00" in text


@pytest.mark.parametrize(
    ("week", "why"),
    [(date(2026, 11, 17), "is no Monday"), (date(2026, 11, 23), "is not over")],
    ids=["tuesday", "future"],
)
def test_only_mondays_that_have_come(database: Database, week: date, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        press(wiring(database), week, LINK)


def test_an_empty_company_is_told_so(database: Database) -> None:
    told = edition(database)
    assert "There is nothing to tell yet." in told.text
    assert "No spend has been seen until then." in told.text
    assert told.subject == "What the tokens bought, 9 Nov 2026, the whole company"
    assert told.slack["blocks"]
    assert not told.pictures


def test_every_form_says_the_same(database: Database) -> None:
    weeks(database)
    told = edition(database)
    sentence = "84 % over the four before: down."
    html = unescape(re.sub(r"<[^>]+>", "", told.html)).replace("\u00a0", " ")
    assert sentence in prose(told.text)
    assert sentence in prose(html)
    blocks = [each["text"]["text"] for each in told.slack["blocks"] if "text" in each]
    assert any(sentence in each for each in blocks)
    assert all(len(each) <= 3000 for each in blocks)
    [attachment] = told.teams["attachments"]
    assert any(sentence in each["text"] for each in attachment["content"]["body"])
    for form in (told.text, told.html):
        assert form.count(UNSUBSCRIBE) == 1


def test_links_lead_to_the_pages_and_open(database: Database) -> None:
    weeks(database)
    http: TestClient = client(database)
    told = edition(database)
    links = set(re.findall(r'href="([^"]+)"', told.html))
    assert {f"{LINK}/", f"{LINK}/quality"} <= links
    for link in links:
        assert link.startswith(f"{LINK}/")
        assert http.get(unescape(link).removeprefix(LINK)).status_code == 200
        assert unescape(link) in told.text


def test_pictures_are_in_the_mail_by_their_ids(database: Database) -> None:
    weeks(database)
    told = edition(database)
    assert set(re.findall(r'src="cid:([^"]+)"', told.html)) == told.pictures.keys()
    assert len(told.pictures) == 2
    assert all(each.startswith(b"\x89PNG\r\n") for each in told.pictures.values())
    assert "http" not in re.sub(re.escape(LINK), "", told.html)


def test_a_leak_has_its_money_sessions_and_what_to_try(leaking: Database) -> None:
    told = edition(leaking)
    text = prose(told.text)
    assert re.search(r"The costliest leaks of \d+ weeks", text)
    assert "Repeated failures (claude-code, acme/payments): " in text
    assert "To try: " in text
    assert f"{LINK}/sessions/claude-code/s0" in told.text
    assert f"{LINK}/leaks#{GROUP.id}" in told.text
    assert "acme/small" not in text
    # What was measured up to now is not of a week long past.
    assert "The costliest leaks" not in edition(leaking, week=MONDAY - timedelta(weeks=1)).text
    # It is told of no team, so it is not a team's.
    assert "Repeated failures" not in edition(leaking, PAY).text


def test_what_was_tried_is_told_with_its_effect(leaking: Database) -> None:
    http = client(leaking)
    assert mark(http, GROUP.id, {"note": "fewer turns", "at": "2026-11-10"})[0] == 200
    text = prose(edition(leaking).text)
    assert "What was tried, and what it did" in text
    assert re.search(r"tried 10 Nov: (too early to say|nothing to compare with)\.", text)


def test_budgets_that_run_out_are_for_whom_they_concern(database: Database) -> None:
    http = filled(database, people=5)
    person = {"name": "Ada's", "scope": "person", "value": "p_1", "amount": 1}
    company = {"name": "Company's", "amount": 1}
    for body in (
        {**ASKED, "amount": 1},
        {**ASKED, "name": "Ample", "amount": 10**6},
        person,
        company,
    ):
        post(http, "/v1/budgets", body)
    told = prose(edition(database).text)
    assert "Budgets that run out" in told
    assert re.search(r"Company's is used up: \$[\d.]+ of \$1\.00 used, and it lasts until", told)
    assert "Payments is used up" in told
    assert "Ada's" not in told
    assert "Ample" not in told
    team = edition(database, Audience(teams=("payments",))).text
    assert "Payments is used up" in prose(team)
    assert "Company's" not in team
    assert "Budgets that run out" not in edition(database, PAY).text


def test_how_budgets_of_few_people_stand_is_in_no_digest(database: Database) -> None:
    http = filled(database, people=4)
    post(http, "/v1/budgets", {**ASKED, "amount": 1})
    for audience in (COMPANY, Audience(teams=("payments",))):
        told = prose(edition(database, audience).text)
        assert "How 1 budget stands is not told: too few people are behind, or beside." in told
        assert "Payments" not in told
        assert "is used up" not in told


def test_verdicts_that_changed_say_what_moved(database: Database) -> None:
    weeks_ago, told_week = NOW - timedelta(days=40), datetime(2026, 11, 12, tzinfo=UTC)
    with database.writing() as connection:
        kept.keep(connection, [unclear("codex", weeks_ago)], weeks_ago, {"keep_from": 0.5})
        kept.keep(connection, [keep("codex", told_week)], told_week, {"keep_from": 0.4})
    wired = client(database, judge=judge).app.state.wiring  # type: ignore[attr-defined]
    text = prose(press(wired, MONDAY, LINK).edition(COMPANY).text)
    assert "codex: Keep (Cannot say yet before)." in text
    assert "What moved: keep from: 0.5 to 0.4; sessions: unmet to met." in text
    # The week after nothing has changed any more.
    later = press(replace(wired, clock=lambda: NOW + timedelta(days=7)), date(2026, 11, 23), LINK)
    assert "Verdicts that changed" not in later.edition(COMPANY).text


def test_nothing_that_was_told_becomes_markup(database: Database) -> None:
    name = "<b>*pay*</b> & [x](http://evil.example)"
    put(database, [made for week in (LAST - 1, LAST) for made in people(10, week=week, team=name)])
    told = edition(database, Audience(teams=(name,)))
    assert name in told.text
    assert "<b>" not in told.html
    assert all(
        "<b>" not in each["text"]["text"] for each in told.slack["blocks"][1:] if "text" in each
    )
    [attachment] = told.teams["attachments"]
    body = json.dumps(attachment["content"]["body"])
    assert re.search(r"(?<!\\)\]\(http://evil", body) is None


def test_requests_that_wait_are_said(database: Database) -> None:
    weeks(database)
    assert "not counted yet" not in edition(database).text
    with database.arrivals.writing() as connection:
        inbox.put(connection, [pack_otlp(Signal.LOGS, Encoding.JSON, b"{}", NOW)])
    assert "1 request was not counted yet when this was written." in prose(edition(database).text)
