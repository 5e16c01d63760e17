"""Leaks from what is in the database: measured once a day, told above the privacy floor."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from classifier.leak_measure import Tally
from classifier.leak_models import SETTLING, Pair, cheaper_models, mixed, work_done
from classifier.leak_usual import Observed, Usual, observe, usual
from classifier.leaks import DETECTORS, worded
from classifier.posterior import Piece
from classifier.thresholds import LeakThresholds
from domain.effects import BEFORE, Effect, EffectState, WeekShare, effect, window
from domain.leaks import (
    NOTHING,
    DetectorSeen,
    LeakAction,
    LeakFound,
    LeakReport,
    LeakWeek,
    Others,
)
from domain.usage import Tokens
from domain.weeks import WEEK, monday_of
from store import leaks, report_leaks, retention
from store.engine import Connection, Database

# Weeks that are told, and weeks before them that settled work is compared over as well.
WEEKS = 13
_COMPARED = 26
_USUAL = 4
_EVERY = timedelta(days=1)
MEASURING = 7_275_334
DEFAULTS = LeakThresholds()


class LeakKeeper:
    """Measures leaks once a day and keeps them, a week at a time: whoever steps is not kept long.

    Weeks that retention has begun to forget stay as they were measured before.
    """

    def __init__(self, database: Database, thresholds: LeakThresholds = DEFAULTS) -> None:
        self._database = database
        self._thresholds = thresholds
        self._steps: Iterator[None] | None = None

    def step(self, now: datetime) -> bool:
        """Go on with measuring, or begin if a day has passed; whether there is more to do."""
        if self._steps is None:
            self._steps = _kept(self._database, now, self._thresholds)
        try:
            next(self._steps)
        except StopIteration:
            self._steps = None
            return False
        except BaseException:
            # What was read by then is lost; another day's beginning reads it again.
            self._steps = None
            raise
        return True


def keep_leaks(database: Database, now: datetime, thresholds: LeakThresholds = DEFAULTS) -> bool:
    """All steps at once, if a day has passed since the last time; whether it had."""
    keeper = LeakKeeper(database, thresholds)
    begun = False
    while keeper.step(now):
        begun = True
    return begun


def _kept(database: Database, now: datetime, thresholds: LeakThresholds) -> Iterator[None]:
    """Measure and keep; a step for each week read. Nothing where it is not due."""
    with database.alone(MEASURING) as mine:
        if not mine:
            return
        with database.reading() as connection:
            last = leaks.measured(connection)
            first = report_leaks.first_seen(connection)
        if first is None or (last is not None and now < last.at + _EVERY):
            return
        until = monday_of(now.date())
        since = until - WEEK * WEEKS
        measuring = Measuring(now, first, thresholds)
        for week in measuring.weeks():
            with database.reading() as connection:
                measuring.look(connection, week)
            yield
        tally = measuring.tally
        with database.writing() as connection:
            known = leaks.known(connection, until)
            horizon = retention.horizon(connection)
            whole = since if horizon is None else max(since, monday_of(horizon.date()) + WEEK)
            told = tally.measured(now, since, until)
            leaks.keep(connection, told, tally.found(), tally.weeks(known), whole)


class Measuring:
    """Measuring on the way through the weeks: first which models are cheaper, then every leak."""

    def __init__(self, now: datetime, first: datetime, thresholds: LeakThresholds) -> None:
        self._now, self._thresholds = now, thresholds
        self._first = monday_of(first.date())
        self._work: list[Piece] = []
        self._mix: dict[Pair, Tokens] = {}
        self._compared: Usual | None = None
        self._seen: list[Observed] = []
        self.tally = Tally(thresholds, now)

    def weeks(self) -> Iterator[tuple[date, bool]]:
        """Every week to look at, and whether it is looked at for its leaks."""
        until = monday_of(self._now.date())
        settled = monday_of((self._now - SETTLING).date()) + WEEK
        for week in _mondays(max(self._first, until - WEEK * _COMPARED), min(settled, until)):
            yield week, False
        for week in _mondays(max(self._first, until - WEEK * WEEKS), until):
            yield week, True

    def look(self, connection: Connection, week: tuple[date, bool]) -> None:
        """Look at the sessions of one of these weeks, in their order."""
        since = _start(week[0])
        if not week[1]:
            done = list(report_leaks.settled(connection, since, since + WEEK))
            self._work += work_done(done, self._now)
            self._mix = mixed(self._mix, done)
            return
        if self._compared is None:
            cheaper, compared = cheaper_models(self._work, self._mix, self._now, self._thresholds)
            self._compared = Usual(cheaper=cheaper, compared=compared)
            self._work.clear()
        sessions = list(report_leaks.watched(connection, since, since + WEEK))
        self._seen = [*self._seen[1 - _USUAL :], observe(sessions, self._thresholds)]
        here = usual(self._seen, self._thresholds)
        known = self._compared
        here = replace(here, cheaper=known.cheaper, compared=known.compared)
        self.tally.add(week[0], sessions, here)


def leak_report(
    connection: Connection,
    privacy_floor: int,
    thresholds: LeakThresholds = DEFAULTS,
) -> LeakReport:
    """All that may be told: what is about too few people is pooled, or not told at all."""
    measured = leaks.measured(connection)
    found = leaks.found(connection)
    named, others = _pooled(connection, found, privacy_floor)
    evidence = leaks.evidence(connection, [each.group.id for each in named])
    withheld = measured is not None and bool(found) and measured.people < privacy_floor
    return LeakReport(
        measured=replace(measured, lost=NOTHING) if measured and withheld else measured,
        withheld=withheld,
        found=[replace(each, evidence=evidence.get(each.group.id, ())) for each in named],
        others=others,
        actions=_actions(connection, measured.until if measured else None, privacy_floor),
        detectors=[
            DetectorSeen(
                name=each.name,
                sentence=worded(each.sentence, thresholds),
                money=worded(each.money, thresholds),
                fix=each.fix,
                coverage=measured.coverage.get(each.name) if measured else None,
            )
            for each in DETECTORS
        ],
    )


def _pooled(
    connection: Connection, found: Sequence[LeakFound], floor: int
) -> tuple[list[LeakFound], Others | None]:
    """Findings about enough people, and the others together, which must be about enough, too."""
    named = [each for each in found if each.people >= floor]
    small = [each for each in found if each.people < floor]
    people = leaks.people_behind(connection, [each.group.id for each in small]) if small else 0
    while small and named and people < floor:
        least = min(named, key=lambda each: (each.lost.estimate, each.group.id))
        named.remove(least)
        small.append(least)
        people = leaks.people_behind(connection, [each.group.id for each in small])
    if not small or people < floor:
        return named, None
    lost = NOTHING
    for each in small:
        lost += each.lost
    sessions = sum(each.sessions for each in small)
    return named, Others(findings=len(small), lost=lost, sessions=sessions, people=people)


def _actions(connection: Connection, until: date | None, floor: int) -> list[LeakAction]:
    told = leaks.actions(connection)
    if until is None:
        return told
    return [replace(each, effect=_effect(connection, each, told, until, floor)) for each in told]


def _effect(
    connection: Connection,
    action: LeakAction,
    all_of: Sequence[LeakAction],
    until: date,
    floor: int,
) -> Effect:
    """What became of a leak since something was tried, up to the next try."""
    own_id = action.group.id
    later = [
        each.tried_on
        for each in all_of
        if each.group.id == own_id and each.tried_on > action.tried_on
    ]
    asked = window(
        action.tried_on, _settled(action.group.detector, until), min(later, default=None)
    )
    end = max(asked.since, default=monday_of(action.tried_on)) + WEEK
    held = leaks.weeks(connection, action.group.detector, asked.before[0], end)
    own = held.pop(own_id, [])
    if max((each.people for each in own), default=0) < floor:
        return Effect(state=EffectState.WITHHELD, weeks_before=BEFORE, weeks_since=len(asked.since))
    tried = {each.group.id for each in all_of if asked.before[0] <= each.tried_on < end}
    others = [weeks for leak_id, weeks in held.items() if leak_id not in tried]
    most = max((each.people for weeks in others for each in weeks), default=0)
    return effect(
        asked, _shares(own), [_shares(weeks) for weeks in others] if most >= floor else []
    )


def _settled(detector: str, until: date) -> date:
    """The Monday up to which a detector's weeks can be judged."""
    days = {each.name: each.settles_days for each in DETECTORS}.get(detector, 0)
    return monday_of(until - timedelta(days=days))


def _shares(weeks: Sequence[LeakWeek]) -> Mapping[date, WeekShare]:
    return {
        each.week: WeekShare(lost=each.lost.estimate, spent=each.spent_nanousd) for each in weeks
    }


def _mondays(since: date, until: date) -> Iterator[date]:
    week = since
    while week < until:
        yield week
        week += WEEK


def _start(week: date) -> datetime:
    return datetime.combine(week, time(), UTC)
