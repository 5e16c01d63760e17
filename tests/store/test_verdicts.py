from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.judgement import By, Given, Grounds
from domain.labels import Decision, Verdict
from store import verdicts
from store.engine import Database

NOW = datetime(2026, 5, 4, tzinfo=UTC)
WEEK = timedelta(days=7)


def verdict(tool: str, decision: Decision, reason: str = "so it is") -> Verdict:
    return Verdict(
        tool=tool,
        decision=decision,
        reason=reason,
        requirements=(),
        productive_share=0.7,
        interval=(0.6, 0.8),
        as_of=NOW,
        standardised_share=0.65,
    )


def keep(database: Database, at: datetime, *given: Verdict, by: By = By.TOOL) -> None:
    with database.writing() as connection:
        verdicts.keep(connection, given, at, {"keep_from": 0.5}, by)


def test_a_verdict_stands_until_another_is_given(database: Database) -> None:
    keep(database, NOW, verdict("codex", Decision.KEEP), verdict("qwen-code", Decision.CUT))
    keep(database, NOW + WEEK, verdict("codex", Decision.KEEP, "another reason"))
    keep(database, NOW + 2 * WEEK, verdict("codex", Decision.SCOPE, "no longer for features"))
    first = Given(
        tool="codex",
        by=By.TOOL,
        model=None,
        given_at=NOW,
        judged_at=NOW + WEEK,
        decision=Decision.KEEP,
        reason="so it is",
        grounds=Grounds(share=0.65, bars={"keep_from": 0.5}),
    )
    with database.reading() as connection:
        assert verdicts.standing(connection, NOW - WEEK) == {}
        assert verdicts.standing(connection, NOW + WEEK) == {
            ("codex", None): Decision.KEEP,
            ("qwen-code", None): Decision.CUT,
        }
        after = verdicts.standing(connection, NOW + 2 * WEEK)
        assert after["codex", None] is Decision.SCOPE
        assert verdicts.judged_at(connection) == NOW + 2 * WEEK
        # Only what changed is a row, with the reason that it was given for.
        assert verdicts.history(connection, "codex") == [
            replace(
                first,
                given_at=NOW + 2 * WEEK,
                judged_at=NOW + 2 * WEEK,
                decision=Decision.SCOPE,
                reason="no longer for features",
            ),
            first,
        ]
        assert verdicts.history(connection, "codex", NOW + WEEK) == [first]


def test_models_have_verdicts_of_their_own(database: Database) -> None:
    of_model = replace(verdict("codex", Decision.CUT), model="gpt-5")
    untold = verdict("codex", Decision.SCOPE)
    keep(database, NOW, verdict("codex", Decision.KEEP))
    keep(database, NOW, of_model, untold, by=By.TOOL_MODEL)
    with database.reading() as connection:
        assert verdicts.standing(connection, NOW) == {("codex", None): Decision.KEEP}
        assert verdicts.standing(connection, NOW, By.TOOL_MODEL) == {
            ("codex", None): Decision.SCOPE,
            ("codex", "gpt-5"): Decision.CUT,
        }
        told = [(each.by, each.model) for each in verdicts.history(connection, "codex")]
        assert told == [(By.TOOL, None), (By.TOOL_MODEL, None), (By.TOOL_MODEL, "gpt-5")]


def test_judging_anew_without_a_change_is_noted_too(database: Database) -> None:
    keep(database, NOW, verdict("codex", Decision.KEEP))
    keep(database, NOW + WEEK, verdict("codex", Decision.KEEP))
    with database.reading() as connection:
        assert verdicts.judged_at(connection) == NOW + WEEK
        assert [each.given_at for each in verdicts.history(connection, "codex")] == [NOW]


def test_nothing_was_judged_yet(database: Database) -> None:
    with database.reading() as connection:
        assert verdicts.judged_at(connection) is None
        assert verdicts.history(connection, "codex") == []
