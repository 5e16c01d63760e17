"""The commands about money: budgets, alerts, charges."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay import alerts, budgets, chargeback
from domain.alerts import AlertKind, Finding
from store import alerts as kept
from store import teams
from store.engine import Database
from store.teams import Membership
from tests.spending import Used, put

NOW = datetime.now(UTC)


def run(app: str, data: Path, *arguments: str) -> tuple[int, str, str]:
    """A command: (exit status, output, error)."""
    typers = {"budgets": budgets.app, "alerts": alerts.app, "chargeback": chargeback.app}
    told = CliRunner().invoke(
        typers[app], [*arguments, "--data", str(data)], env={"COLUMNS": "300"}
    )
    return told.exit_code, told.stdout, told.stderr


@pytest.fixture
def data(embedded: Database, tmp_path: Path) -> Path:
    """The folder of a database with forty days of one team: 60 cents a day."""
    put(
        embedded,
        [
            Used(at=NOW - timedelta(days=back), requests=2, session=f"s{back}", team="payments")
            for back in range(1, 41)
        ],
    )
    return tmp_path


def test_a_budget_is_added_listed_shown_and_removed(data: Path) -> None:
    status, out, _ = run(
        "budgets", data, "add", "Payments", "900", "--scope", "team", "--value", "payments"
    )
    assert status == 0
    budget_id = out.split()[1]
    _, out, _ = run("budgets", data, "list")
    assert budget_id in out
    assert "team payments" in out
    assert "$900.00" in out
    _, out, _ = run("budgets", data, "show", budget_id)
    assert "Payments: $900.00 a month" in out
    assert "alerts at 50, 80, 100 %" in out
    assert "committed: cannot say" in out
    assert "runs out: not in period" in out
    assert run("budgets", data, "remove", budget_id)[0] == 0
    assert run("budgets", data, "list")[1].startswith("No budget is set.")
    for command in ("show", "remove"):
        status, _, error = run("budgets", data, command, budget_id)
        assert (status, error) == (1, "There is no such budget.\n")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("X", "5", "--scope", "team"), "--value says which one"),
        (("X", "5", "--value", "x"), "--value says which one"),
        (("X", "5", "--thresholds", "half"), "--thresholds"),
        (("X", "5", "--thresholds", "0"), "--thresholds"),
        (("X", "5", "--thresholds", "50,,80"), "--thresholds"),
        (("X", "5", "--thresholds", "1,2,3,4,5,6,7,8,9,10,11"), "--thresholds"),
        (("X", "1e12"), "At most"),
        (("X", "1.5", "--unit", "tokens"), "whole numbers"),
        (("", "5"), "name"),
        ((" ", "5"), "name"),
        (("X" * 201, "5"), "name"),
        (("X", "5", "--valid-from", "2026-11-02", "--valid-to", "2026-11-01"), "--valid-to"),
    ],
)
def test_a_budget_that_makes_no_sense(arguments: tuple[str, ...], error: str, data: Path) -> None:
    status, _, said = run("budgets", data, "add", *arguments)
    assert status == 1
    assert error in said
    assert run("budgets", data, "list")[1].startswith("No budget is set.")


@pytest.mark.parametrize(
    ("scope", "value", "note"),
    [
        ("team", "paymentz", "nobody is in team paymentz yet"),
        ("team", "checkout", "no usage of team checkout has arrived yet"),
        ("tool", "codex", "no usage of tool codex has arrived yet"),
        ("team", "payments", None),
        ("tool", "opencode", None),
    ],
)
def test_a_budget_for_what_nothing_was_heard_of_says_so(
    scope: str, value: str, note: str | None, embedded: Database, data: Path
) -> None:
    with embedded.writing() as connection:
        teams.replace_teams(connection, [Membership(team="checkout", person="p_1")])
    status, _, said = run("budgets", data, "add", "X", "5", "--scope", scope, "--value", value)
    assert status == 0
    assert (note or "") in said
    assert (note is None) == (said == "")


def test_ids_stand_whole_in_a_narrow_list(data: Path) -> None:
    name = "Everything that the payments team may use up"
    _, out, _ = run("budgets", data, "add", name, "900", "--scope", "team", "--value", "payments")
    budget_id = out.split()[1]
    for columns in ("80", "50"):
        told = CliRunner().invoke(
            budgets.app, ["list", "--data", str(data)], env={"COLUMNS": columns}
        )
        assert budget_id in told.stdout


def test_alerts_are_listed(embedded: Database, data: Path) -> None:
    assert run("alerts", data, "list")[1] == "There are none.\n"
    finding = Finding(kind=AlertKind.TOOL_SILENT, subject="codex", sentence="Codex is silent.")
    with embedded.writing() as connection:
        kept.reconcile(connection, {finding.kind: [finding]}, NOW)
    assert "Codex is silent." in run("alerts", data, "list")[1]
    with embedded.writing() as connection:
        kept.reconcile(connection, {finding.kind: []}, NOW)
    assert run("alerts", data, "list")[1] == "There are none.\n"
    assert "resolved" in run("alerts", data, "list", "--resolved")[1]


def test_charges_are_written_to_a_file(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "focus.csv"
    first = (NOW - timedelta(days=10)).date().isoformat()
    asked = ("export", str(out), "--billing-account", "4711", "--from", first)
    status, told, _ = run("chargeback", data, *asked)
    assert (status, told) == (0, f"10 charges (FOCUS 1.2) are written to {out}.\n")
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["BilledCost"] for row in rows} == {"0.6"}
    status, _, error = run("chargeback", data, *asked, "--to", first)
    assert (status, error) == (1, "--from must be before --to.\n")
    status, _, error = run(
        "chargeback", data, "export", str(tmp_path / "no" / "x.csv"), "--billing-account", "1"
    )
    assert (status, "Cannot write" in error) == (1, True)
