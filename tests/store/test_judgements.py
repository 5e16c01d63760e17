from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from classifier.routing import Bars, policy
from classifier.thresholds import RoutingThresholds, VerdictThresholds
from classifier.verdicts import judge_tools
from domain.judgement import By, Judgement
from domain.labels import Verdict
from domain.routing import Policy
from store import judgements
from store import tables as t
from store.engine import Database
from tests.classifier.judging import AS_OF, UNTIL, company, enough, judged

MORNING = datetime(2026, 5, 4, 6, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOOK = timedelta(milliseconds=1500)


def judgement(at: datetime) -> Judgement:
    verdicts = judge_tools(enough(54), VerdictThresholds(), AS_OF)
    return Judgement(by=By.TOOL, judged_at=at, verdicts=tuple(verdicts))


def made(at: datetime) -> Policy:
    bars = Bars(verdicts=VerdictThresholds(), routing=RoutingThresholds())
    return replace(policy(judged(company(0)), bars, UNTIL), as_of=at)


def keep(database: Database, *kept: Judgement) -> None:
    with database.writing() as connection:
        for each in kept:
            judgements.keep_judgement(connection, each, TOOK)


def test_it_comes_back_as_it_was_given(database: Database) -> None:
    given = judgement(MORNING)
    keep(database, given)
    with database.reading() as connection:
        assert judgements.judgement(connection, By.TOOL, MORNING) == given
        assert judgements.judgement(connection, By.TOOL_MODEL, MORNING) is None
        assert given.verdicts[0].per_change is not None
        assert isinstance(given.verdicts[0], Verdict)


def test_the_last_of_a_day_is_kept_and_older_days_stay(database: Database) -> None:
    first, again, next_day = (
        judgement(at) for at in (MORNING, MORNING + HOUR, MORNING + DAY + HOUR)
    )
    keep(database, first, again, next_day)
    with database.reading() as connection:
        found = [
            judgements.judgement(connection, By.TOOL, at)
            for at in (MORNING, MORNING + HOUR, MORNING + DAY, MORNING + 9 * DAY)
        ]
        assert found == [None, again, again, next_day]
        assert judgements.first_judged(connection) == MORNING + HOUR


def test_a_policy_comes_back_as_it_was_made_and_tells_when_all_was_judged(
    database: Database,
) -> None:
    policy = made(MORNING)
    assert policy.rules
    with database.reading() as connection:
        assert judgements.judged(connection) is None
        assert judgements.policy(connection, MORNING) is None
    with database.writing() as connection:
        judgements.keep_policy(connection, policy, TOOK)
    with database.reading() as connection:
        assert judgements.policy(connection, MORNING + DAY) == policy
        assert judgements.policy(connection, MORNING - HOUR) is None
        assert judgements.judged(connection) == (MORNING, TOOK)


def test_what_an_older_version_kept_and_nobody_can_read_counts_as_not_kept(
    database: Database,
) -> None:
    keep(database, judgement(MORNING))
    with database.writing() as connection:
        connection.execute(update(t.judgements).values(judged='{"by": "tool"}'))
    with database.reading() as connection:
        assert judgements.judgement(connection, By.TOOL, MORNING) is None
