"""Chargeback: every nano-dollar once, and the same as FOCUS tells it."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from domain.company_prices import CompanyPrices
from domain.price_book import PriceBook
from domain.price_file import parse
from domain.usage import NANOUSD
from store import chargeback, report_usage
from store.chargeback import ChargeBy
from store.engine import Database
from store.focus import focus_table
from store.report_usage import Dimension, Selection
from store.teams import Membership, replace_teams
from tests.api.answering import NOW, Json, client, get, refused
from tests.capturing import scenarios
from tests.conftest import Fresh
from tests.filling import bodies, fill
from tests.spending import SONNET, Used, put

COMPANY = parse("""
[[discount]]
from = 2026-01-01
percent_off = 33

[[seats]]
name = "Cursor"
from = 2026-10-16
tools = ["cursor"]
teams = ["payments"]
seats = 3
usd_per_seat_month = 20
usage_included = false

[[seats]]
name = "Suite"
from = 2026-01-01
tools = ["copilot", "copilot-chat"]
seats = 1
usd_per_seat_month = 39
usage_included = true
""")


def of(at: datetime = NOW, **told: Any) -> Used:
    return Used(at=at, session=json.dumps(told, sort_keys=True), **told)


MIXED = (
    of(requests=3, team="payments", user="p_1", repo="acme/a"),
    of(requests=2, user="p_2"),
    of(requests=5, user="p_3", tool="codex", repo="acme/b"),
    of(requests=7, tool="codex"),
    of(requests=1, user="p_1", model="nobody-1", repo="acme/a"),
    of(requests=1, model=None),
)


def known(row: Json) -> dict[str, Any]:
    return {name: row[name] for name in ("value", "reason", "requests")}


@pytest.fixture
def filled(database: Database) -> Database:
    put(database, MIXED, PriceBook(COMPANY))
    with database.writing() as connection:
        replace_teams(connection, [Membership(team="data", person="p_2")])
    return database


def test_what_belongs_to_no_team_says_why(filled: Database) -> None:
    told = get(client(filled, company=COMPANY), "/v1/chargeback")
    assert (told["from"], told["to"], told["group_by"]) == (
        "2026-11-01T00:00:00Z",
        "2026-11-23T00:00:00Z",
        "team",
    )
    assert [known(row) for row in told["rows"]] == [
        {"value": "data", "reason": None, "requests": 2},
        {"value": "payments", "reason": None, "requests": 3},
        {"value": None, "reason": "no_person", "requests": 8},
        {"value": None, "reason": "person_in_no_team", "requests": 6},
    ]
    assert [(fee["name"], fee["value"], fee["cost_usd"]) for fee in told["seats"]] == [
        ("Cursor", "payments", 44),
        ("Suite", None, pytest.approx(28.6)),
    ]
    assert told["seats_usd"] == pytest.approx(72.6)


@pytest.mark.parametrize(
    ("by", "values"),
    [
        ("repo", ["acme/a", "acme/b", "no_repository"]),
        ("tool", ["codex", "opencode"]),
        ("model", [SONNET, "nobody-1", "no_model"]),
        ("person", ["p_1", "p_2", "p_3", "no_person"]),
    ],
)
def test_by_anything_else(by: str, values: list[str], filled: Database) -> None:
    told = get(client(filled), "/v1/chargeback", group_by=by)
    assert [row["value"] or row["reason"] for row in told["rows"]] == values
    assert told["seats"] == []
    assert told["seats_usd"] is None


@pytest.mark.parametrize("by", ChargeBy)
def test_the_total_is_that_of_usage(by: ChargeBy, filled: Database) -> None:
    http = client(filled, company=COMPANY)
    period = {"from": "2026-11-22", "to": "2026-11-23"}
    total = get(http, "/v1/chargeback", group_by=by.value, **period)["total"]
    usage = get(http, "/v1/usage", **period)["total"]
    assert total["requests"] == usage["requests"]
    names = ("reported_usd", "list_usd", "unpriced_tokens", "effective_usd")
    for name in (*names, "effective_unpriced_tokens"):
        assert total[name] == usage["cost"][name], name


SOME = st.sampled_from([None, "a", "b"])
ANY = st.builds(
    Used,
    at=st.integers(0, 60 * 24).map(lambda hours: NOW - timedelta(hours=hours)),
    requests=st.integers(1, 3),
    session=st.uuids().map(str),
    tool=st.sampled_from(["codex", "opencode"]),
    model=st.sampled_from([SONNET, "gpt-5", "nobody-1", None]),
    team=SOME,
    repo=SOME,
    user=SOME,
)


@settings(max_examples=25)
@given(st.lists(ANY, max_size=12), st.booleans())
def test_every_nano_dollar_is_allocated_once(
    fresh: Fresh,
    used: list[Used],
    company: bool,
) -> None:
    """By whatever it is charged: the rows add up to what usage answers, to the nano-dollar."""
    with fresh() as database:
        put(database, used, PriceBook(COMPANY if company else None))
        start, end = NOW - timedelta(days=30), NOW
        with database.reading() as connection:
            [(_, usage)] = report_usage.by_dimensions(
                connection, [], Selection(start=start, end=end)
            )
            for by in ChargeBy:
                rows = chargeback.charged(connection, by, start, end)
                total = chargeback.total(rows)
                assert total.list_nanousd == usage.list_nanousd
                assert total.effective_nanousd == usage.effective_nanousd
                assert total.reported_nanousd == usage.reported_nanousd
                assert total.requests == usage.requests
                assert total.unpriced_tokens == usage.unpriced_tokens
                if rows:
                    assert total.tokens == usage.tokens.billable()
                assert all((row.value is None) != (row.reason is None) for row in rows)


def test_real_telemetry_adds_up_too(database: Database) -> None:
    for scenario in scenarios("claude-code")[:6]:
        fill(database, bodies(scenario))
    with database.reading() as connection:
        _, usage = report_usage.report(connection, [Dimension.TOOL], Selection())
        assert usage.list_nanousd
        for by in ChargeBy:
            total = chargeback.total(chargeback.charged(connection, by, None, None))
            assert (total.list_nanousd, total.reported_nanousd, total.tokens) == (
                usage.list_nanousd,
                usage.reported_nanousd,
                usage.tokens.billable(),
            )


# FOCUS, by what version 1.2 of the specification says of each column: whether it may be null, the
# type of its values, and those that are allowed.

MANDATORY = {
    "BilledCost": (False, "decimal"),
    "BillingAccountId": (False, "string"),
    "BillingAccountName": (True, "string"),
    "BillingCurrency": (False, "currency"),
    "BillingPeriodEnd": (False, "date/time"),
    "BillingPeriodStart": (False, "date/time"),
    "ChargeCategory": (False, "string"),
    "ChargeClass": (True, "string"),
    "ChargeDescription": (True, "string"),
    "ChargePeriodEnd": (False, "date/time"),
    "ChargePeriodStart": (False, "date/time"),
    "ContractedCost": (False, "decimal"),
    "EffectiveCost": (False, "decimal"),
    "InvoiceIssuerName": (False, "string"),
    "ListCost": (False, "decimal"),
    "PricingQuantity": (True, "decimal"),
    "PricingUnit": (True, "string"),
    "ProviderName": (False, "string"),
    "PublisherName": (False, "string"),
    "ServiceCategory": (False, "string"),
    "ServiceName": (False, "string"),
}
OTHERS = {
    "ChargeFrequency": (False, "string"),
    "ConsumedQuantity": (True, "decimal"),
    "ConsumedUnit": (True, "string"),
    "ServiceSubcategory": (False, "string"),
    "Tags": (True, "json"),
}
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "ServiceCategory": {"AI and Machine Learning", "Developer Tools"},
    "ServiceSubcategory": {"Generative AI"},
}
_DECIMAL = re.compile(r"-?\d+(\.\d+)?(E-?\d+)?")


def typed(value: str, kind: str) -> bool:
    if kind == "decimal":
        return _DECIMAL.fullmatch(value) is not None
    if kind == "date/time":
        return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value) is not None
    if kind == "currency":
        return value == "USD"
    if kind == "json":
        told = json.loads(value)
        return isinstance(told, dict) and all(isinstance(each, str) for each in told.values())
    return bool(value.strip())


def moment(told: str) -> datetime:
    return datetime.fromisoformat(told)


def check(table: str) -> list[dict[str, str]]:
    """The rows of a FOCUS table, each held against what the specification says."""
    rows = list(csv.DictReader(io.StringIO(table)))
    header = table.split("\r\n", 1)[0].split(",")
    ours = [name for name in header if name.startswith("x_")]
    assert header == [*sorted({*MANDATORY, *OTHERS}), *ours]
    for row in rows:
        for name, (nullable, kind) in {**MANDATORY, **OTHERS}.items():
            value = row[name]
            assert nullable or value, name
            assert not value or typed(value, kind), (name, value)
            assert not value or name not in ALLOWED or value in ALLOWED[name], (name, value)
        charge = moment(row["ChargePeriodStart"]), moment(row["ChargePeriodEnd"])
        billing = moment(row["BillingPeriodStart"]), moment(row["BillingPeriodEnd"])
        assert billing[0] <= charge[0] < charge[1] <= billing[1]
        # Neither may be null for usage and purchases, nor the unit without the quantity.
        assert row["PricingQuantity"]
        assert row["PricingUnit"]
        usage = row["ChargeCategory"] == "Usage"
        assert bool(row["ConsumedQuantity"]) == bool(row["ConsumedUnit"]) == usage
        assert usage or row["ChargeFrequency"] != "Usage-Based"
        assert row["ChargeClass"] == ""
    return rows


def summed(rows: list[dict[str, str]], column: str, category: str = "Usage") -> int:
    told = (Decimal(row[column]) for row in rows if row["ChargeCategory"] == category)
    return int(sum(told, Decimal()) * NANOUSD)


def test_focus_keeps_to_the_specification(filled: Database) -> None:
    http = client(filled, company=COMPANY)
    asked = {"from": "2026-10-01", "to": "2026-12-01", "billing_account": "4711"}
    answer = http.get("/v1/chargeback/focus.csv", params=asked)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = check(answer.text)
    assert {row["BillingAccountId"] for row in rows} == {"4711"}
    usage = [row for row in rows if row["ChargeCategory"] == "Usage"]
    assert [(row["ServiceName"], row["x_Team"], row["PricingQuantity"]) for row in usage] == [
        ("codex", "", "700000"),
        ("codex", "", "500000"),
        ("opencode", "data", "200000"),
        ("opencode", "payments", "300000"),
    ]
    assert {row["ProviderName"] for row in usage} == {"anthropic"}
    tags = {row["Tags"] for row in usage}
    assert json.dumps({"repository": "acme/a", "team": "payments"}) in tags
    # Seats by the month, to the nano-dollar: a charge never spans two billing periods.
    seats = [row for row in rows if row["ChargeCategory"] == "Purchase"]
    assert len(seats) == 4
    company_fees = sum(
        each.cost_nanousd(date(2026, 10, 1), date(2026, 12, 1)) for each in COMPANY.seats
    )
    assert summed(rows, "BilledCost", "Purchase") == company_fees


@pytest.mark.parametrize("company", [None, COMPANY])
def test_focus_adds_up_to_usage(database: Database, company: CompanyPrices | None) -> None:
    used = [
        of(NOW - timedelta(days=day), requests=day % 3 + 1, team=team, tool=tool, model=model)
        for day in range(20)
        for team in ("payments", None)
        for tool in ("codex", "opencode")
        for model in (SONNET, "gpt-5", "nobody-1")
    ]
    put(database, used, PriceBook(company))
    first, after = date(2026, 11, 1), date(2026, 11, 23)
    with database.reading() as connection:
        table = focus_table(connection, company, "a", first, after)
        start = datetime(2026, 11, 1, tzinfo=UTC)
        _, total = report_usage.report(connection, [Dimension.TOOL], Selection(start=start))
    rows = check(table)
    assert summed(rows, "ListCost") == total.list_nanousd
    effective = total.effective_nanousd if company else total.list_nanousd
    for column in ("EffectiveCost", "BilledCost", "ContractedCost"):
        assert summed(rows, column) == effective
    # What has no price has no row: FOCUS knows no charge of unknown cost.
    assert not any(row["x_Model"] == "nobody-1" for row in rows)


def test_what_was_booked_before_the_price_file_is_billed_at_list(database: Database) -> None:
    """On the day on which the company tells its prices, most usage has no effective cost."""
    early = of(NOW - timedelta(hours=5), requests=9, team="data")
    late = of(NOW - timedelta(hours=1), requests=1, team="data")
    put(database, [early, of(NOW - timedelta(days=3), team="ops")])
    put(database, [late], PriceBook(COMPANY))
    with database.reading() as connection:
        table = focus_table(connection, None, "a", date(2026, 11, 1), date(2026, 11, 23))
    [before, day] = check(table)
    # Thirty cents each at list, a third less at the company's prices.
    assert (before["x_Team"], before["BilledCost"]) == ("ops", "0.3")
    for column in ("EffectiveCost", "BilledCost", "ContractedCost"):
        assert Decimal(day[column]) == Decimal("2.7") + Decimal("0.201")
    assert (Decimal(day["ListCost"]), day["x_UnpricedTokens"]) == (Decimal(3), "0")
    http = client(database)
    told = get(http, "/v1/chargeback")
    data, ops = told["rows"]
    assert data["effective_usd"] == 0.201
    assert data["partial"] == ["effective_usd", "effective_unpriced_tokens"]
    assert (ops["effective_usd"], ops["partial"]) == (None, [])
    usage = get(http, "/v1/usage", **{"from": "2026-11-01"})["total"]
    assert told["total"]["partial"] == [name.removeprefix("cost.") for name in usage["partial"]]


def test_a_cost_that_only_some_report_is_marked(database: Database) -> None:
    put(database, [of(requests=many, team="data", tool="codex") for many in (1, 2)])
    with database.writing() as connection:
        connection.execute(text("UPDATE usage SET reported_nanousd = 5 WHERE requests = 1"))
    http = client(database)
    [row] = get(http, "/v1/chargeback")["rows"]
    assert (row["reported_usd"], row["partial"]) == (5e-9, ["reported_usd"])
    with database.reading() as connection:
        days = date(2026, 11, 1), date(2026, 11, 23)
        rows = check(focus_table(connection, None, "a", *days))
    assert [(row["x_ReportedCost"], row["x_ReportedInPart"]) for row in rows] == [
        ("0.000000005", "true")
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"billing_account": ""},
        {"billing_account": "a", "from": "2026-11-02", "to": "2026-11-01"},
        {"billing_account": "a", "from": "2025-11-01", "to": "2026-11-22"},
        {"billing_account": "a", "from": "2027-11-01", "to": "2027-01-01"},
        {"billing_account": "a", "since": "2026-11-01"},
    ],
)
def test_focus_of_no_days_is_refused(asked: dict[str, str], database: Database) -> None:
    told = refused(client(database), "/v1/chargeback/focus.csv", **asked)
    assert told[:2] == (400, "invalid_parameter")
