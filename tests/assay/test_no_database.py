"""A folder or database without any of ours: only what may come first makes one."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.main import app
from tests.postgres import Postgres

READING = (
    "backup {file}",
    "people unresolved",
    "people find email a@b.example",
    "people export",
    "teams list",
    "chargeback export {file} --billing-account 1",
    "budgets list",
    "budgets add X 5",
    "alerts list",
    "digest recipients check",
    "digest recipients list",
    "digest preview",
    "tokens list",
    "tokens revoke 1a2b",
    "keys list",
    "links measure",
    "rules diff --thresholds {file}",
    "routing export",
    "reprice --from 2026-01-01",
    "erase a@b.example",
    "retention --before 2026-01-01",
)


@pytest.mark.parametrize("command", READING)
def test_no_other_command_makes_one(command: str, tmp_path: Path) -> None:
    file, folder = tmp_path / "file", tmp_path / "typo"
    if command.startswith("rules"):
        file.write_text("")
    told = CliRunner().invoke(app, [*command.format(file=file).split(), "--data", str(folder)])
    assert told.exit_code == 1, told.output
    assert f"There is no database in {folder}" in told.stderr
    assert "assay serve" in told.stderr
    assert not folder.exists()


def test_an_empty_file_is_none_either(tmp_path: Path) -> None:
    (tmp_path / "assay.db").touch()
    told = CliRunner().invoke(app, ["budgets", "list", "--data", str(tmp_path)])
    assert (told.exit_code, "There is no database" in told.stderr) == (1, True)


@pytest.mark.parametrize(
    "command",
    [
        "tokens create --role viewer",
        "keys create --team payments",
        "people import {people}",
        "teams import {teams}",
        "migrate",
    ],
)
def test_what_may_come_before_the_first_start_makes_one(command: str, tmp_path: Path) -> None:
    people, teams = tmp_path / "people.csv", tmp_path / "teams.csv"
    people.write_text("person,kind,value\nada,email,ada@example.com\n")
    teams.write_text("team,person\npayments,ada@example.com\n")
    folder = tmp_path / "new"
    asked = command.format(people=people, teams=teams).split()
    told = CliRunner().invoke(app, [*asked, "--data", str(folder)])
    assert (folder / "assay.db").exists(), told.output
    assert CliRunner().invoke(app, ["budgets", "list", "--data", str(folder)]).exit_code == 0


def test_a_database_without_our_tables(postgres: Postgres) -> None:
    url = postgres.url("postgres")
    told = CliRunner().invoke(app, ["budgets", "list", "--database-url", url])
    assert told.exit_code == 1
    assert "There are no tables of Tokenassay" in told.stderr
    assert "assay migrate" in told.stderr
