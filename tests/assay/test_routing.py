"""``assay routing`` and ``assay evaluation`` over a database with a policy and a plan."""

import json
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.evaluation import _plan
from assay.main import app
from assay.routing_document import document
from domain.evaluations import Plan, Task
from store import evaluations, judgements
from store.engine import Database
from tests.api.test_routing import AT, POLICY

TASK = Task(
    number=1,
    repo="acme/shop",
    change=7,
    title="fix: a | b",
    work_type="bug",
    size="small",
    lines=30,
    files=2,
    base_sha=None,
    merge_sha="5" * 40,
    landed_at=AT,
    survives=True,
    review_rounds=1,
    cost_nanousd=None,
)
PLAN = Plan(id="ab12", created_at=AT, seed=7, population=90, tasks=(TASK,))


@pytest.fixture
def data(migrated: Path, tmp_path: Path) -> str:
    path = shutil.copy(migrated, tmp_path / "assay.db")
    with closing(Database(f"sqlite:///{path}")) as database, database.writing() as connection:
        judgements.keep_policy(connection, POLICY, timedelta())
        evaluations.keep_plan(connection, PLAN)
    return str(tmp_path)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_the_policy_as_a_document(data: str) -> None:
    code, told = run("routing", "export", "--data", data, "--as-of", "2026-11-23")
    assert (code, told) == (0, document(POLICY))
    assert "| bug, small | **codex with gpt-5** | a person | The cheapest. |" in told
    assert "| bug, small | none is good enough; the best is codex with gpt-5 |  |" in told
    assert "where it is in a repository where reviews take 2 rounds or more (acme/shop)" in told
    assert "| goose | 2 | 1 | cannot say |" in told
    assert "$2.50 ($2.00 to $3.00)" in told
    assert "- mix shift: cannot say. Too little." in told


def test_the_policy_as_rules_for_machines(data: str) -> None:
    code, told = run("routing", "export", "--data", data, "--format", "json")
    if datetime.now(UTC) < POLICY.as_of:
        code, told = run(
            "routing", "export", "--data", data, "--format", "json", "--as-of", "2026-11-23"
        )
    assert code == 0
    rules = json.loads(told)
    assert rules["schema_version"] == 1
    assert [rule["outcome"] for rule in rules["rules"]] == ["use", "none_clears"]


def test_before_the_first_policy(data: str) -> None:
    code, told = run("routing", "export", "--data", data, "--as-of", "2026-11-01")
    assert (code, told) == (1, "No policy had been made by then.\n")


def test_a_plan_tells_people_what_to_do() -> None:
    told = _plan(PLAN)
    assert told.startswith("# Evaluation ab12\n")
    assert "assay.evaluation=ab12,assay.route=<name>,assay.task=<number>" in told
    assert f"| 1 | acme/shop | 7 | fix: a \\| b | bug | small | {'5' * 40}^1 |" in told


def test_a_plan_needs_landed_changes(data: str) -> None:
    code, told = run("evaluation", "plan", "--data", data)
    assert code == 1
    assert told.startswith("0 changes of the last year landed")
    assert run("evaluation", "plan", "--data", data, "--tasks", "19")[0] == 2


def test_a_report_without_sessions(data: str) -> None:
    assert run("evaluation", "report", "ab12", "--data", data) == (
        0,
        "No session was tagged with this evaluation yet.\n",
    )
    code, told = run("evaluation", "report", "ab12", "--data", data, "--format", "json")
    assert (code, json.loads(told)["tasks"][0]["change"]) == (0, 7)
    assert run("evaluation", "report", "none", "--data", data)[0] == 1
