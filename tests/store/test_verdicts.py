from datetime import UTC, datetime, timedelta

from domain.labels import Decision, Verdict
from store import verdicts
from store.engine import Database
from store.verdicts import Given

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


def keep(database: Database, at: datetime, *given: Verdict) -> None:
    with database.writing() as connection:
        verdicts.keep(connection, given, at)


def test_a_verdict_stands_until_another_is_given(database: Database) -> None:
    keep(database, NOW, verdict("codex", Decision.KEEP), verdict("qwen-code", Decision.CUT))
    keep(database, NOW + WEEK, verdict("codex", Decision.KEEP, "another reason"))
    keep(database, NOW + 2 * WEEK, verdict("codex", Decision.SCOPE, "no longer for features"))
    with database.reading() as connection:
        assert verdicts.standing(connection, NOW - WEEK) == {}
        assert verdicts.standing(connection, NOW + WEEK) == {
            "codex": Decision.KEEP,
            "qwen-code": Decision.CUT,
        }
        assert verdicts.standing(connection, NOW + 2 * WEEK)["codex"] is Decision.SCOPE
        assert verdicts.judged_at(connection) == NOW + 2 * WEEK
        # Only what changed is a row, with the reason that it was given for.
        assert verdicts.history(connection, "codex") == [
            Given(
                tool="codex",
                given_at=NOW + 2 * WEEK,
                decision=Decision.SCOPE,
                reason="no longer for features",
                share=0.65,
            ),
            Given(
                tool="codex",
                given_at=NOW,
                decision=Decision.KEEP,
                reason="so it is",
                share=0.65,
            ),
        ]


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
