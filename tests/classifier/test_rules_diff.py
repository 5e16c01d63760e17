"""What other thresholds would change, on a simulated company that was told and concluded."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from classifier.judge import Judging
from classifier.rules_diff import RulesDiff, diff
from classifier.threshold_file import ThresholdSettings
from classifier.thresholds import Thresholds, VerdictThresholds
from domain.labels import Label, Maturity
from simulation.company import found
from simulation.living import live
from store.engine import Database
from tests.companies import conclude, tell
from tests.conftest import Fresh
from tests.filling import rows

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
COMPANY = Thresholds(costly_cents=7)
# Of twelve people there is less than a verdict takes by default.
VERDICTS = VerdictThresholds(settled_sessions=5, distinct_changes=3, people=2)


@pytest.fixture(scope="module")
def company(fresh: Fresh) -> Iterator[Database]:
    with fresh() as database:
        tell(database, live(found(5, developers=12), UNTIL, 18))
        conclude(database, UNTIL, COMPANY)
        yield database


def between(database: Database, rules: Thresholds, now: Thresholds = COMPANY) -> RulesDiff:
    one, other = (
        Judging(thresholds=ThresholdSettings(rules=each, verdicts=VERDICTS))
        for each in (now, rules)
    )
    with database.reading() as connection:
        return diff(connection, UNTIL, one, other)


def test_the_same_thresholds_change_nothing(company: Database) -> None:
    found = between(company, COMPANY)
    assert found.sessions > 300
    assert (found.relabelled, found.moved) == ((), ())
    assert found.company.before == found.company.after is not None
    assert all(said.before is said.after for said in found.verdicts)
    assert len(found.verdicts) == 5


def test_what_moves_is_told_with_its_money_and_what_it_does(company: Database) -> None:
    before = rows(company, "labels")
    found = between(company, replace(COMPANY, costly_cents=500, endless_rounds=1))
    assert rows(company, "labels") == before
    moves = {(each.before, each.after): each for each in found.moved}
    assert moves[Label.PRODUCTIVE, Label.INEFFICIENT].sessions > 5
    assert moves[Label.INEFFICIENT, Label.PRODUCTIVE].sessions > 0
    counted = Counter((each.before.label, each.after.label) for each in found.relabelled)
    assert {key: each.sessions for key, each in moves.items()} == counted
    costs = [each.cost_nanousd or 0 for each in found.relabelled]
    assert costs == sorted(costs, reverse=True)
    assert sum(costs) == sum(each.cost_nanousd for each in found.moved)
    assert {each.after.rule for each in found.relabelled} >= {"endless_review"}
    assert found.company.before != found.company.after
    shares = [said for said in found.verdicts if said.share_before is not None]
    assert any(said.share_before != said.share_after for said in shares)


def test_ratios_are_of_final_judged_spend(company: Database) -> None:
    found = between(company, COMPANY)
    spent: Counter[str] = Counter()
    query = """labels JOIN (
        SELECT sessions.pk, COALESCE(SUM(reported_nanousd), SUM(list_nanousd)) AS cost
        FROM sessions JOIN usage ON usage.session_pk = pk AND rank = usage_rank GROUP BY pk
    ) AS spent ON spent.pk = session_pk WHERE current AND maturity = 'final'"""
    for label, cost in rows(company, query, "label, cost"):
        spent[label] += cost or 0
    of = sum(spent[label] for label in ("productive", "inefficient", "wasteful"))
    assert found.company.before == pytest.approx(spent["productive"] / of)
    assert set(found.by_tool) == {"claude-code", "codex", "copilot", "gemini-cli", "qwen-code"}


def test_with_whom_a_change_is_compared_can_be_tried_as_well(company: Database) -> None:
    found = between(company, replace(COMPANY, peer_changes=10_000))
    assert {each.before.rule for each in found.relabelled} >= {"disproportionate_cost"}
    assert "disproportionate_cost" not in {each.after.rule for each in found.relabelled}
    assert all(each.after.maturity in Maturity for each in found.relabelled)
