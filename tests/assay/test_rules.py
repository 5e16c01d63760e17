"""``assay rules`` as an operator sees it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.main import app
from classifier.rule_table import RULES
from store.engine import Database
from tests.classifier.test_join import fold, push, session, settle, sha, tell
from tests.filling import rows


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["rules", *words], env={"COLUMNS": "200"})
    return done.exit_code, done.output


@pytest.fixture
def folder(embedded: Database) -> Path:
    """One session of which nothing came, and one whose commit landed."""
    fold(embedded, session("landed", 0, 1, "src/basket.py", commit=sha(1)))
    fold(embedded, session("lost", 2, 3, "src/pay.py"))
    tell(embedded, push(1, 1.1, "src/basket.py"))
    settle(embedded)
    return Path(str(embedded.engine.url.database)).parent


def file(folder: Path, text: str) -> str:
    path = folder / "other.toml"
    path.write_text(text)
    return str(path)


def test_every_rule_is_shown() -> None:
    code, told = run("show")
    assert code == 0
    assert all(rule.name in told for rule in RULES)
    assert "{" not in told


def test_the_company_sees_its_own_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_THRESHOLDS", file(tmp_path, "[rules]\nunlinked_final_days = 77\n"))
    assert "77 days after its end" in run("show")[1]


def test_what_other_thresholds_change(folder: Path, embedded: Database) -> None:
    later = file(folder, "[rules]\nunlinked_provisional_days = 4000\n")
    before = rows(embedded, "labels")
    code, told = run("diff", "--thresholds", later, "--data", str(folder), "--json")
    assert code == 0, told
    found = json.loads(told)
    assert (found["sessions"], found["relabelled"], found["relabelled_usd"]) == (2, 1, 1.0)
    assert found["moved"] == [{"from": "wasteful", "to": "pending", "sessions": 1, "cost_usd": 1.0}]
    [lost] = found["costliest"]
    assert (lost["session_id"], lost["cost_usd"]) == ("lost", 1.0)
    assert (lost["now"]["rule"], lost["then"]["rule"]) == ("nothing_came_of_it", "work_may_come")
    assert found["company"] == {"now": 0.5, "then": 1.0} == found["tools"]["claude-code"]
    [verdict] = found["verdicts"]
    assert verdict["now"]["decision"] == verdict["then"]["decision"] == "insufficient_evidence"
    assert rows(embedded, "labels") == before
    code, told = run("diff", "--thresholds", later, "--data", str(folder))
    assert code == 0
    assert "1 of 2 sessions get another label: 1.00 of spend." in told
    assert "wasteful: nothing came of it" in told
    assert "50.0%" in told


def test_a_file_that_says_nothing_else_changes_nothing(folder: Path) -> None:
    code, told = run("diff", "--thresholds", file(folder, ""), "--data", str(folder))
    assert code == 0
    assert "0 of 2 sessions get another label" in told


def test_a_wrong_file_is_refused(folder: Path) -> None:
    wrong = file(folder, "[rules]\ncostly_times = 'many'\n")
    code, told = run("diff", "--thresholds", wrong, "--data", str(folder))
    assert code == 1
    assert "rules.costly_times" in told
