"""What a model of the company's titles says of changes whose kind of work nobody told.

The model itself is never kept: it is trained anew each time (``classifier.title_model``), and only
what it is sure of is written, with how it did.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, Select, String, Subquery, delete, insert, select

from domain.outcomes import KindOfWork, WorkType, WorkTypeSource
from store import tables as t
from store.given import asking
from store.membership import ChangeId
from store.titles import title_key

_CHANGE = {"repo": String(), "number": Integer()}


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleModel:
    """How the last training went.

    ``labelled`` changes were learned from. Trained on earlier ones and asked about later ones, it
    answered the share ``answered`` and was right in ``accuracy`` of these, where always naming the
    commonest type would be right in ``baseline``. ``refused`` says why it is not used: "" if it is.
    """

    trained_at: datetime
    labelled: int
    accuracy: float | None
    baseline: float | None
    answered: float | None
    refused: str


def learned_kinds(connection: Connection, ids: Iterable[ChangeId]) -> dict[ChangeId, KindOfWork]:
    """What the model says of these changes, of those whose title is still the same."""
    return {
        (repo, number): KindOfWork(
            work_type=WorkType(work_type), source=WorkTypeSource.MODEL, confidence=confidence
        )
        for repo, number, work_type, confidence in _said(connection, sorted(ids))
    }


@asking(_CHANGE)
def _said(wanted: Subquery) -> Select[Any]:
    m, c = t.learned_work_types.c, t.changes.c
    return (
        select(m.repo, m.number, m.work_type, m.confidence)
        .join(wanted, (wanted.c.repo == m.repo) & (wanted.c.number == m.number))
        .join(
            t.changes,
            (c.repo == m.repo) & (c.number == m.number) & (c.title_key == m.title_key),
        )
    )


def keep_learned(
    connection: Connection,
    model: TitleModel,
    kinds: Mapping[tuple[str, int, str], KindOfWork],
) -> None:
    """Exchange what the last training said; by repository, number and title."""
    connection.execute(delete(t.learned_work_types))
    rows = [
        {
            "repo": repo,
            "number": number,
            "title_key": title_key(title),
            "work_type": kind.work_type.value,
            "confidence": kind.confidence,
        }
        for (repo, number, title), kind in kinds.items()
    ]
    if rows:
        connection.execute(insert(t.learned_work_types), rows)
    connection.execute(delete(t.title_models))
    connection.execute(
        insert(t.title_models),
        {
            "trained_at": model.trained_at,
            "labelled": model.labelled,
            "accuracy": model.accuracy,
            "baseline": model.baseline,
            "answered": model.answered,
            "refused": model.refused,
        },
    )


def title_model(connection: Connection) -> TitleModel | None:
    """How the last training went; None where there was none."""
    row = connection.execute(select(t.title_models)).first()
    if row is None:
        return None
    return TitleModel(
        trained_at=row.trained_at,
        labelled=row.labelled,
        accuracy=row.accuracy,
        baseline=row.baseline,
        answered=row.answered,
        refused=row.refused,
    )


def all_changes(connection: Connection) -> Sequence[ChangeId]:
    """Every change, in the order in which they were opened."""
    c = t.changes.c
    rows = connection.execute(select(c.repo, c.number).order_by(c.created_at, c.repo, c.number))
    return [(repo, number) for repo, number in rows]
