"""Verdicts and the routing policy from what is in the database: judged anew, and kept.

Everything is judged at once, from one reading of all sessions, and kept as it was given: whoever
asks is answered with what was judged last, not with a judging of their own. It is done anew after
a day at the latest, and sooner where it is quick: a thousandth of the time at most goes into it,
since nothing else is concluded meanwhile.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic

from classifier import routing
from classifier.judged_work import with_work
from classifier.routing_triggers import triggers
from classifier.scopes import name_of, named, scoped
from classifier.threshold_file import ThresholdSettings
from classifier.verdicts import judge_tools as judge
from domain.judgement import By, Judgement
from domain.labels import JudgedSession, Verdict
from domain.price_book import LIST_PRICES, PriceBook
from domain.routing import Policy
from store import evaluations, judged, judgements, verdicts
from store.engine import Connection, Database

_AT_LEAST, _AT_MOST = timedelta(minutes=1), timedelta(days=1)
# Of all time at most one part in so many is spent judging.
_PART = 1_000
_JUDGING = 7_275_333


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What is judged by: the company's numbers and prices."""

    thresholds: ThresholdSettings = field(default_factory=ThresholdSettings)
    prices: PriceBook = LIST_PRICES


USUAL = Judging()


def judge_tools(
    connection: Connection,
    as_of: datetime,
    by: By = By.TOOL,
    judging: Judging = USUAL,
) -> Judgement:
    """The last judgement given by then; a judging now where none is kept at all.

    Where one is kept and only of later, nothing was judged by then, and nothing is said.
    """
    kept = judgements.judgement(connection, by, as_of)
    if kept is not None:
        return kept
    if judgements.first_judged(connection) is not None:
        return Judgement(by=by, judged_at=None, verdicts=())
    return judged_now(connection, read(connection, as_of, judging), as_of, by, judging)


def routing_policy(
    connection: Connection, as_of: datetime, judging: Judging = USUAL
) -> Policy | None:
    """The last policy made by then; one of now where none is kept at all."""
    kept = judgements.policy(connection, as_of)
    if kept is not None or judgements.first_judged(connection) is not None:
        return kept
    return policy_now(connection, read(connection, as_of, judging), as_of, judging)


def keep_verdicts(database: Database, now: datetime, judging: Judging = USUAL) -> bool:
    """Judge, if it is time to, and keep what follows; whether it was.

    What stands is what a later verdict has to be surer than.
    """
    with database.alone(_JUDGING) as mine:
        if not mine:
            return False
        begun = monotonic()
        with database.reading() as connection:
            if not _due(connection, now):
                return False
            sessions = read(connection, now, judging)
            if not sessions:
                return False
            given = [judged_now(connection, sessions, now, by, judging) for by in By]
            policy = policy_now(connection, sessions, now, judging)
        took = timedelta(seconds=monotonic() - begun)
        bars = asdict(judging.thresholds.verdicts)
        with database.writing() as connection:
            for each in given:
                verdicts.keep(connection, each.verdicts, now, bars, each.by)
                judgements.keep_judgement(connection, each, took)
            judgements.keep_policy(connection, policy, took)
        return True


def read(connection: Connection, as_of: datetime, judging: Judging) -> list[JudgedSession]:
    """The sessions to judge by, with what became of their changes."""
    oldest = as_of - timedelta(days=judging.thresholds.verdicts.window_days)
    sessions = judged.sessions(connection, oldest)
    return with_work(connection, sessions, judging.thresholds.rules, as_of)


def judged_now(
    connection: Connection,
    sessions: Sequence[JudgedSession],
    as_of: datetime,
    by: By,
    judging: Judging,
) -> Judgement:
    """Judge these sessions, given the verdicts that stood until then."""
    stood = verdicts.standing(connection, as_of, by)
    before = {
        tool if by is By.TOOL else name_of(tool, model): decision
        for (tool, model), decision in stood.items()
    }
    given = judge(scoped(sessions, by), judging.thresholds.verdicts, as_of, before)
    told: list[Verdict] = [named(each, by) for each in given]
    return Judgement(by=by, judged_at=as_of, verdicts=tuple(told))


def policy_now(
    connection: Connection,
    sessions: Sequence[JudgedSession],
    as_of: datetime,
    judging: Judging,
) -> Policy:
    """Make the policy of these sessions, given the one that was in force until then."""
    bars = routing.Bars(verdicts=judging.thresholds.verdicts, routing=judging.thresholds.routing)
    policy = routing.policy(sessions, bars, as_of, judgements.policy(connection, as_of))
    drawn_at = evaluations.last_drawn(connection, as_of)
    reviewed_at = max(policy.valid_from, drawn_at or policy.valid_from)

    def priced(tool: str, model: str, at: datetime) -> object:
        # At one time of the day: some models have prices by the clock.
        noon = at.replace(hour=12, minute=0, second=0, microsecond=0)
        quote = judging.prices.quote(tool, None, model, noon)
        return quote.listed, quote.effective

    due = triggers(sessions, priced, bars.routing, reviewed_at, as_of)
    return replace(policy, reviewed_at=reviewed_at, triggers=due)


def _due(connection: Connection, now: datetime) -> bool:
    last = judgements.judged(connection)
    if last is None:
        return True
    at, took = last
    return now >= at + min(max(_AT_LEAST, _PART * took), _AT_MOST)
