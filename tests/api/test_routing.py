"""The routing policy and evaluations as they are answered."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.schemas.routing import RoutingPolicy
from classifier.judge import keep_verdicts
from domain.evaluations import Plan
from domain.routing import (
    SCHEMA_VERSION,
    Cause,
    Condition,
    Escalate,
    Evidence,
    Match,
    Outcome,
    Policy,
    Route,
    Rule,
    Trigger,
)
from store import evaluations, judgements
from store.engine import Database
from tests.api.answering import NOW, client, get, refused

DOCS = Path(__file__).parents[2] / "docs"
AT = NOW - timedelta(days=2)
CODEX = Route(tool="codex", model="gpt-5")
RULE = Rule(
    match=Match(work_type="bug", size="small"),
    outcome=Outcome.USE,
    use=CODEX,
    best=None,
    escalate_to=None,
    escalate=(
        Escalate(
            condition=Condition.REVIEW_ROUNDS,
            at_least=2,
            why="Often.",
            repositories=("acme/shop",),
        ),
    ),
    reason="The cheapest.",
    cheapest=0.9,
    evidence=(
        Evidence(
            route=CODEX,
            pieces=31.5,
            people=6,
            enough=True,
            share=0.7,
            interval=(0.6, 0.8),
            clears=0.97,
            cost_nanousd=2_500_000_000,
            cost_interval_nanousd=(2_000_000_000, 3_000_000_000),
        ),
        Evidence(route=Route(tool="goose", model=None), pieces=2, people=1, enough=False),
    ),
    since=AT,
)
POLICY = Policy(
    schema_version=SCHEMA_VERSION,
    as_of=NOW,
    valid_from=AT,
    reviewed_at=AT,
    bar=0.5,
    sure=0.9,
    evidence_from=AT - timedelta(days=90),
    evidence_to=AT,
    rules=(RULE, replace(RULE, outcome=Outcome.NONE_CLEARS, use=None, best=CODEX, escalate=())),
    triggers=(Trigger(cause=Cause.MIX_SHIFT, due=None, detail="Too little.", names=()),),
)


@pytest.fixture
def kept(database: Database) -> TestClient:
    with database.writing() as connection:
        judgements.keep_policy(connection, POLICY, timedelta())
    return client(database)


def test_the_policy_in_force(kept: TestClient) -> None:
    told = get(kept, "/v1/routing")
    assert {name: told[name] for name in ("schema_version", "as_of", "valid_from_at", "bar")} == {
        "schema_version": 1,
        "as_of": "2026-11-22T12:30:00Z",
        "valid_from_at": "2026-11-20T12:30:00Z",
        "bar": 0.5,
    }
    route = {"tool": "codex", "model": "gpt-5"}
    assert told["rules"][0] == {
        "match": {"work_type": "bug", "size": "small"},
        "outcome": "use",
        "use": route,
        "best": None,
        "escalate_to": None,
        "escalate": [
            {
                "condition": "review_rounds",
                "at_least": 2.0,
                "repositories": ["acme/shop"],
                "why": "Often.",
            }
        ],
        "reason": "The cheapest.",
        "cheapest": 0.9,
        "evidence": [
            {
                "route": route,
                "pieces": 31.5,
                "people": 6,
                "enough": True,
                "share": 0.7,
                "interval": {"low": 0.6, "high": 0.8},
                "clears": 0.97,
                "cost_usd": 2.5,
                "cost_interval": {"low_usd": 2.0, "high_usd": 3.0},
            },
            {
                "route": {"tool": "goose", "model": None},
                "pieces": 2.0,
                "people": 1,
                "enough": False,
                "share": None,
                "interval": None,
                "clears": None,
                "cost_usd": None,
                "cost_interval": None,
            },
        ],
        "since_at": "2026-11-20T12:30:00Z",
    }
    assert [rule["best"] for rule in told["rules"]] == [None, route]
    assert told["evaluate_again"] == [
        {"cause": "mix_shift", "due": None, "detail": "Too little.", "names": []}
    ]


def test_before_the_first_policy_there_was_none(kept: TestClient) -> None:
    told = get(kept, "/v1/routing", as_of="2026-11-19")
    assert (told["as_of"], told["rules"], told["evaluate_again"]) == (None, [], [])


def test_the_documented_schema_is_that_of_the_answer(kept: TestClient) -> None:
    """``docs/routing.schema.json`` is what ``RoutingPolicy`` says, and programs may rely on it."""
    written = json.loads((DOCS / "routing.schema.json").read_text(encoding="utf-8"))
    assert written == RoutingPolicy.model_json_schema()
    assert RoutingPolicy.model_validate(get(kept, "/v1/routing"))


def test_little_is_known_of_few_sessions(http: TestClient) -> None:
    assert get(http, "/v1/routing")["rules"] == []


def test_before_anything_is_kept_the_answer_is_of_now(embedded: Database) -> None:
    assert not keep_verdicts(embedded, NOW)
    assert get(client(embedded), "/v1/routing")["as_of"] == "2026-11-22T12:30:00Z"


def test_evaluations(database: Database) -> None:
    plan = Plan(id="ab12", created_at=AT, seed=7, population=90, tasks=())
    with database.writing() as connection:
        evaluations.keep_plan(connection, plan)
    http = client(database)
    row = {
        "id": "ab12",
        "created_at": "2026-11-20T12:30:00Z",
        "seed": 7,
        "population": 90,
        "task_count": 0,
    }
    assert get(http, "/v1/evaluations") == {"rows": [row]}
    told = get(http, "/v1/evaluations/ab12")
    assert {name: told[name] for name in row} == row
    assert (told["tasks"], told["routes"], told["comparisons"]) == ([], [], [])
    assert refused(http, "/v1/evaluations/ab13")[:2] == (404, "evaluation_not_found")
