"""Learn from the company's own changes: what kind of work their titles tell.

Only ``assay.learning`` imports this, since the model takes scikit-learn.
"""

from collections.abc import Sequence
from datetime import datetime

from classifier.kinds import kind_told
from classifier.thresholds import LearningThresholds
from classifier.title_model import Title, learn
from domain.outcomes import KindOfWork
from store.engine import Connection, Database
from store.history import ChangeHistory, histories
from store.learned import TitleModel, all_changes, keep_learned
from store.tied_tasks import ties_of

_LEARNING = 7_275_334
_CHUNK = 2_000


def learn_work_types(
    database: Database, thresholds: LearningThresholds, now: datetime
) -> TitleModel | None:
    """Train on all changes so far and keep what the model is sure of; how it did.

    None where another process is learning.
    """
    with database.alone(_LEARNING) as mine:
        if not mine:
            return None
        told: list[Title] = []
        untold: list[tuple[str, int, str]] = []
        with database.reading() as connection:
            ids = all_changes(connection)[-thresholds.most_titles :]
            for start in range(0, len(ids), _CHUNK):
                _sort(connection, ids[start : start + _CHUNK], told, untold)
        model, answers = learn(told, [title for _, _, title in untold], thresholds, now)
        kinds: dict[tuple[str, int, str], KindOfWork] = {
            change: answer
            for change, answer in zip(untold, answers, strict=True)
            if answer is not None
        }
        with database.writing() as connection:
            keep_learned(connection, model, kinds)
        return model


def _sort(
    connection: Connection,
    ids: Sequence[tuple[str, int]],
    told: list[Title],
    untold: list[tuple[str, int, str]],
) -> None:
    """Put each change with those whose kind of work is told, or with those of which it is not."""
    known: dict[tuple[str, int], ChangeHistory] = histories(connection, ids)
    ties = ties_of(connection, known)
    for change in ids:
        history = known[change]
        kind = kind_told(change, history, ties)
        if kind is None:
            untold.append((*change, history.title))
        else:
            told.append(Title(history.title, kind.work_type))
