"""Verdicts from what is in the database: judged once a day, kept where they change."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from classifier.kinds import kinds_of_work
from classifier.thresholds import VerdictThresholds
from classifier.verdicts import judge_tools as judge
from domain.labels import JudgedSession, Verdict
from domain.outcomes import KindOfWork
from store import judged, verdicts
from store.engine import Connection, Database
from store.membership import ChangeId

_EVERY = timedelta(days=1)
_JUDGING = 7_275_333
DEFAULTS = VerdictThresholds()


def judge_tools(
    connection: Connection,
    as_of: datetime,
    thresholds: VerdictThresholds = DEFAULTS,
    *,
    sensitive: bool = False,
) -> Sequence[Verdict]:
    """The verdict on every tool that has been seen, given those that stood until then.

    ``sensitive`` also tries other assumptions, which takes five times as long.
    """
    before = verdicts.standing(connection, as_of)
    return judge(_sessions(connection), thresholds, as_of, before, sensitive=sensitive)


def keep_verdicts(
    database: Database, now: datetime, thresholds: VerdictThresholds = DEFAULTS
) -> bool:
    """Judge, if a day has passed since the last time, and keep what has changed; whether it was.

    What stands is what a later verdict has to be surer than.
    """
    with database.alone(_JUDGING) as mine:
        if not mine:
            return False
        with database.reading() as connection:
            last = verdicts.judged_at(connection)
            if last is not None and now < last + _EVERY:
                return False
            given = judge_tools(connection, now, thresholds)
        if not given:
            return False
        with database.writing() as connection:
            verdicts.keep(connection, given, now)
        return True


def _sessions(connection: Connection) -> list[JudgedSession]:
    sessions = judged.sessions(connection)
    ids = {(change.repo, change.number) for each in sessions for change in each.changes}
    kinds = kinds_of_work(connection, ids)
    return [_with_kinds(each, kinds) for each in sessions]


def _with_kinds(session: JudgedSession, kinds: Mapping[ChangeId, KindOfWork]) -> JudgedSession:
    changes = tuple(
        replace(change, work_type=kind.work_type.value)
        if (kind := kinds.get((change.repo, change.number)))
        else change
        for change in session.changes
    )
    return replace(session, changes=changes)
