"""Judged sessions with what is known of the changes they are linked to: what kind, what became."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from classifier.change_outcomes import change_outcomes
from classifier.thresholds import Thresholds
from domain.labels import JudgedChange, JudgedSession
from domain.outcomes import ChangeOutcome
from store.engine import Connection
from store.membership import ChangeId

# Everything that is known of so many changes is in memory at once.
_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class _Known:
    """What a verdict looks at."""

    work_type: str | None
    survives: bool
    review_rounds: int


def with_work(
    connection: Connection,
    sessions: Sequence[JudgedSession],
    thresholds: Thresholds,
    as_of: datetime,
) -> list[JudgedSession]:
    """These sessions with kind and fate of their changes; of changes opened later nothing is."""
    ids = {(change.repo, change.number) for each in sessions for change in each.changes}
    known = {
        change: _Known(
            work_type=outcome.kind.work_type.value if outcome.kind else None,
            survives=survives(outcome),
            review_rounds=outcome.review_rounds,
        )
        for chunk in _chunks(ids)
        for change, outcome in change_outcomes(connection, chunk, thresholds, as_of).items()
    }
    return [replace(each, changes=_changes(each.changes, known)) for each in sessions]


def survives(outcome: ChangeOutcome) -> bool:
    """Whether a change landed, and is neither reverted nor heavily reworked."""
    heavy = outcome.rework is not None and outcome.rework.heavy_at is not None
    return outcome.landed_at is not None and outcome.reverted_at is None and not heavy


def _chunks(ids: Collection[ChangeId]) -> Iterator[list[ChangeId]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


def _changes(
    changes: Sequence[JudgedChange], known: Mapping[ChangeId, _Known]
) -> tuple[JudgedChange, ...]:
    return tuple(
        replace(
            change,
            work_type=of.work_type,
            survives=of.survives,
            review_rounds=of.review_rounds,
        )
        if (of := known.get((change.repo, change.number)))
        else change
        for change in changes
    )
