"""Changes beside each other: measured when something about them changes, compared by weeks.

A change is compared with those that landed before its week. So in the usual course, where one lands
now, nothing else has to be compared anew, but for what had no peers before its week and may find
them now. What is told late of an old change moves the weeks after it, and those are gone through
one by one.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from classifier.fates import Fate, fates
from classifier.kinds import kind_told
from classifier.landed_work import costly, endless_from, untied
from classifier.norms import Peers, weeks_later
from classifier.outcomes import review_rounds, size_of, work_moments
from classifier.thresholds import Thresholds
from classifier.tied_tasks import tied_tasks
from domain.labels import TargetKind
from domain.landed import LandedChange
from domain.outcomes import KindOfWork
from domain.weeks import monday, week_of
from store import aside, dirty, landed
from store.dirty import Marks
from store.engine import Connection, Database
from store.evidence import linked_beside, linked_sessions
from store.membership import ChangeId
from store.tied_tasks import ties_of

# So few are compared at once; of more, whole weeks are, after all of them are measured.
_FEW = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """What to write: changes to keep and to drop, weeks to compare, changes to label anew.

    ``moved`` are all moments at which anything landed, or did not after all; nothing if too many
    for what had no peers to be compared at once.
    """

    kept: tuple[LandedChange, ...]
    dropped: frozenset[ChangeId]
    weeks: frozenset[int]
    relabel: frozenset[ChangeId]
    moved: frozenset[datetime]


def measure_changes(
    database: Database, thresholds: Thresholds, now: datetime, marks: Mapping[ChangeId, int]
) -> None:
    """Measure these marked changes."""
    with database.reading() as connection:
        found = _measure(connection, marks, thresholds, now)
        sessions = _sessions(connection, {*_ids(found.kept), *found.dropped}, found.relabel)
    with database.writing() as connection:
        landed.drop_landed(connection, found.dropped)
        landed.keep_landed(connection, found.kept)
        if found.moved:
            sessions |= _find_peers(connection, min(found.moved), thresholds)
        dirty.mark_weeks(connection, found.weeks)
        dirty.mark_labels(connection, sessions)
        aside.concluded(connection, Marks.CHANGES, marks)


def _find_peers(connection: Connection, moved: datetime, thresholds: Thresholds) -> set[int]:
    """Compare what had no peers before its week with those that it has since this moment.

    What landed just now is among these, so it is asked in the transaction that wrote that. Returns
    the sessions to label.
    """
    since = monday(week_of(moved) - weeks_later(thresholds))
    waiting = landed.without_peers(connection, since, moved)
    changed, relabel = _compared(waiting, Peers(connection, thresholds), thresholds)
    landed.keep_landed(connection, changed)
    return _sessions(connection, _ids(changed), relabel)


def marked_weeks(connection: Connection, most: int) -> dict[int, int]:
    """The first marked weeks with their marks: one, or as many as so many changes landed in.

    Labels wait for what is compared together, and each round of them costs what it costs for one.
    """
    waiting = dirty.marked_weeks(connection, most)
    found: dict[int, int] = {}
    changes = 0
    for week, marks in waiting.items():
        changes += _landed_in(connection, week)
        if found and changes > most:
            break
        found[week] = marks
    return found


def _landed_in(connection: Connection, week: int) -> int:
    try:
        since, before = monday(week), monday(week + 1)
    except OverflowError:
        # No calendar has it. Comparing it fails, and sets aside that one alone.
        return 0
    return landed.count_between(connection, since, before)


def compare_weeks(database: Database, thresholds: Thresholds, marks: Mapping[int, int]) -> None:
    """Compare the changes of these marked weeks anew."""
    with database.reading() as connection:
        of_weeks = (
            landed.landed_between(connection, monday(week), monday(week + 1)) for week in marks
        )
        all_of_them = [change for of_week in of_weeks for change in of_week]
        changed, relabel = _compared(all_of_them, Peers(connection, thresholds), thresholds)
        sessions = _sessions(connection, _ids(changed), relabel)
    with database.writing() as connection:
        landed.keep_landed(connection, changed)
        dirty.mark_labels(connection, sessions)
        aside.concluded(connection, Marks.WEEKS, marks)


def _compared(
    changes: Iterable[LandedChange], peers: Peers, thresholds: Thresholds
) -> tuple[list[LandedChange], set[ChangeId]]:
    """Those that compare otherwise now, and of which of them labels may turn on that."""
    changed: list[LandedChange] = []
    relabel: set[ChangeId] = set()
    for before in changes:
        after = replace(before, norms=peers.norms(before))
        if after != before:
            changed.append(after)
            if _says(after, thresholds) != _says(before, thresholds):
                relabel.add((after.repo, after.number))
    return changed, relabel


def _measure(
    connection: Connection, ids: Collection[ChangeId], thresholds: Thresholds, now: datetime
) -> _Measured:
    before = landed.landed_changes(connection, ids)
    after = _landed_now(connection, ids, thresholds, now)
    changed = {
        change: each
        for change, each in after.items()
        if change not in before or replace(before[change], norms=None) != each
    }
    dropped = before.keys() - after.keys()
    touched = [
        *changed.values(),
        *(before[each] for each in (*dropped, *changed) if each in before),
    ]
    last_at = landed.last_landed_at(connection)
    moved = frozenset(each.landed_at for each in touched)
    weeks = _weeks_after(moved, last_at, thresholds)
    if touched and last_at is not None:
        # What landed last decides which weeks are over.
        moved |= {last_at}
    if len(changed) <= _FEW:
        peers = Peers(connection, thresholds)
        changed = {id_: replace(each, norms=peers.norms(each)) for id_, each in changed.items()}
    else:
        first, last = week_of(min(moved)), week_of(max(moved))
        weeks |= set(range(first - weeks_later(thresholds), last + 1))
        moved = frozenset()
    return _Measured(
        kept=tuple(changed.values()),
        dropped=frozenset(dropped),
        weeks=frozenset(weeks),
        relabel=frozenset(
            change
            for change in (*changed, *dropped)
            if _says(changed.get(change), thresholds) != _says(before.get(change), thresholds)
        ),
        moved=moved,
    )


def _landed_now(
    connection: Connection, ids: Collection[ChangeId], thresholds: Thresholds, now: datetime
) -> dict[ChangeId, LandedChange]:
    """These changes as they are now, of those that have landed."""
    known = {
        change: fate
        for change, fate in fates(connection, ids, thresholds, now).items()
        if fate.landing is not None
    }
    ties = ties_of(connection, {change: fate.history for change, fate in known.items()})
    costs = landed.costs_of(connection, known)
    found: dict[ChangeId, LandedChange] = {}
    for change, fate in known.items():
        if fate.landing is not None:
            at = fate.landing.at
            found[change] = _landed(
                fate,
                at,
                kind=kind_told(change, fate.history, ties),
                tied=bool(tied_tasks(change, ties, at, thresholds, at)),
                costs=costs.get(change, {}),
            )
    return found


def _landed(
    fate: Fate, at: datetime, *, kind: KindOfWork | None, tied: bool, costs: Mapping[str, int]
) -> LandedChange:
    history = fate.history
    return LandedChange(
        repo=history.repo,
        number=history.number,
        landed_at=at,
        first_reverted_at=fate.reverted.first_at,
        lines=history.most_lines,
        size=size_of(history.lines),
        rounds=review_rounds(history.feedback, work_moments(history), at),
        work_type=kind.work_type if kind else None,
        by_bot=history.author_is_bot,
        tied=tied,
        cost_nanousd=sum(costs.values()) if costs else None,
        tool=min(costs, key=lambda tool: (-costs[tool], tool), default=None),
    )


def _weeks_after(
    moved: Iterable[datetime], last_at: datetime | None, thresholds: Thresholds
) -> set[int]:
    """The weeks before whose changes any of these landed, as far as any landed then."""
    if last_at is None:
        return set()
    weeks: set[int] = set()
    for at in moved:
        until = week_of(at + timedelta(days=thresholds.peer_days)) + 1
        weeks |= set(range(week_of(at) + 1, min(until, week_of(last_at)) + 1))
    return weeks


def _says(change: LandedChange | None, thresholds: Thresholds) -> tuple[object, ...]:
    """What a label may turn on."""
    if change is None:
        return (False, None, False)
    return (
        costly(change.cost_nanousd, change.norms, thresholds),
        endless_from(change.norms, thresholds) if change.rounds else None,
        untied(change.tied, change.norms, thresholds),
    )


def _sessions(
    connection: Connection, changed: Collection[ChangeId], relabel: Collection[ChangeId]
) -> set[int]:
    """Sessions to label anew: all of these, and of others that changed those with several changes.

    What these cost together may turn on any of them.
    """
    beside = set(changed).difference(relabel)
    return linked_sessions(connection, _targets(relabel)) | linked_beside(
        connection, _targets(beside)
    )


def _ids(changes: Iterable[LandedChange]) -> set[ChangeId]:
    return {(each.repo, each.number) for each in changes}


def _targets(changes: Iterable[ChangeId]) -> list[tuple[str, str, str]]:
    return [(str(TargetKind.CHANGE), repo, str(number)) for repo, number in changes]
