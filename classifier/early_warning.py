"""Early warnings: learned from sessions that have settled, told of those that are open.

A training asks a model of the same making first: fitted on older sessions, asked about the latest
ones, with as much time between as lies between the last settled sessions and today's. If that one
does not beat the company's own rates, or its probabilities are off, the model is refused, and the
card says so. Nothing that concludes anything may import this module (held by a contract).

Only the process that learns imports it, since the model takes scikit-learn.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from classifier.early_exam import Row, tested, too_little
from classifier.early_model import LIBRARY, EarlyModel, ModelUnusable, dump, fit, load, places_of
from classifier.early_trial import drifted
from classifier.features import case_of, vector, was_open
from classifier.past_rates import ALL, Past, PastRates, past_rates, standing
from classifier.settling import moment, settled_at
from classifier.thresholds import LearningThresholds
from domain.predictions import OUTCOMES, ModelCard, Prediction
from store import prediction_record, predictions
from store.engine import Connection, Database
from store.features import KnownSession, known_sessions
from store.predictions import LabelledSession

_LEARNING = 7_275_336
_CHUNK = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What a training is made from."""

    rows: list[Row]
    recent: list[Row]
    past: PastRates
    unsettled: int


def learn_warnings(
    database: Database, thresholds: LearningThresholds, now: datetime
) -> ModelCard | None:
    """Train on what has settled, test it, keep it with its card, and warn anew.

    None where another process is at it.
    """
    with database.alone(_LEARNING) as mine:
        if not mine:
            return None
        with database.reading() as connection:
            read = _read(connection, thresholds, now)
        card, model = train(read.rows, read.recent, read.past, thresholds, now)
        card = replace(card, unsettled=read.unsettled)
        with database.writing() as connection:
            predictions.keep_model(connection, card, dump(model) if model is not None else None)
        _warn(database, thresholds, now)
        return card


def warn(database: Database, thresholds: LearningThresholds, now: datetime) -> int | None:
    """Count the warnings that came out, and warn of sessions that ended since; how many.

    None where another process is at it. Raises ModelUnusable.
    """
    with database.alone(_LEARNING) as mine:
        return _warn(database, thresholds, now) if mine else None


def train(
    rows: Sequence[Row],
    recent: Sequence[Row],
    past: PastRates,
    thresholds: LearningThresholds,
    now: datetime,
) -> tuple[ModelCard, EarlyModel | None]:
    """The card of a training on these sessions, and the model unless it is refused."""
    counts = {label.value: sum(row.label is label for row in rows) for label in OUTCOMES}
    card = ModelCard(trained_at=now, refused="", labels=counts, unsettled=0, library=LIBRARY)
    refused = too_little(rows, thresholds)
    if refused:
        return replace(card, refused=refused), None
    card = tested(card, rows, thresholds)
    if card.refused:
        return card, None
    ordered = sorted(rows, key=lambda row: (row.ended_at, row.pk))
    vectors = [row.vector for row in ordered]
    labels = places_of([row.label for row in ordered])
    model = fit(vectors, labels, thresholds, past.latest, now)
    drift = drifted(
        model.names, model.matrix(vectors), model.matrix([row.vector for row in recent])
    )
    return replace(card, features=model.names, drift=drift), model


def _read(connection: Connection, thresholds: LearningThresholds, now: datetime) -> _Read:
    before = now - timedelta(days=thresholds.warning_settling_days)
    ended = predictions.settled(connection, now, thresholds.most_warning_sessions)
    known = _known(connection, ended, thresholds)
    cases = {pk: case_of(each) for pk, each in known.items()}
    past = past_rates(
        Past(
            settled_at=settled_at(each.facts, each.labelled_at),
            label=each.label,
            keys=cases[each.pk].keys,
        )
        for each in ended
        if each.pk in known
    )
    young = _young(connection, thresholds, now)
    recent = _known(connection, young, thresholds)
    return _Read(
        rows=_rows([each for each in ended if each.ended_at < before], known, past),
        recent=_rows(young, recent, past),
        past=past,
        unsettled=predictions.unsettled(connection, before),
    )


def _young(
    connection: Connection, thresholds: LearningThresholds, now: datetime
) -> list[LabelledSession]:
    since = now - timedelta(days=thresholds.warning_until_days)
    until = now - timedelta(hours=thresholds.warning_after_hours)
    return predictions.young(connection, since, until, thresholds.most_warning_sessions)


def _known(
    connection: Connection, sessions: Sequence[LabelledSession], thresholds: LearningThresholds
) -> dict[int, KnownSession]:
    after = timedelta(hours=thresholds.warning_after_hours)
    found: dict[int, KnownSession] = {}
    pks = [each.pk for each in sessions]
    for start in range(0, len(pks), _CHUNK):
        found |= known_sessions(connection, pks[start : start + _CHUNK], after)
    return found


def _rows(
    sessions: Sequence[LabelledSession], known: dict[int, KnownSession], past: PastRates
) -> list[Row]:
    """Those of these sessions that were open when they would have been foretold."""
    rows: list[Row] = []
    for each in sessions:
        of = known.get(each.pk)
        if of is None or not was_open(of, moment(each.facts, "landed_at")):
            continue
        case = case_of(of)
        change = case.change
        rows.append(
            Row(
                pk=each.pk,
                ended_at=each.ended_at,
                label=each.label,
                tool=case.tool,
                repo=case.repo,
                work_type=case.work_type,
                together=(change.repo, change.number) if change else each.pk,
                vector=vector(of, case, past),
                common=past.rates(ALL, each.ended_at),
            )
        )
    return rows


def _warn(database: Database, thresholds: LearningThresholds, now: datetime) -> int:
    _count_ended(database)
    with database.reading() as connection:
        kept = predictions.last_model(connection)
        told: dict[int, tuple[datetime, Prediction]] = {}
        if kept is not None and kept.model is not None:
            if kept.card.library != LIBRARY:
                raise ModelUnusable(f"it was made with {kept.card.library}, this is {LIBRARY}")
            told = _foretold(connection, kept.card, load(kept.model), thresholds, now)
    with database.writing() as connection:
        predictions.drop_outlived(connection)
        return predictions.keep(connection, kept.id, told, now) if kept is not None else 0


def _foretold(
    connection: Connection,
    card: ModelCard,
    model: EarlyModel,
    thresholds: LearningThresholds,
    now: datetime,
) -> dict[int, tuple[datetime, Prediction]]:
    # As the model was fitted: a wait set since then takes the next training.
    thresholds = replace(thresholds, warning_after_hours=model.after_hours)
    young = _young(connection, thresholds, now)
    past = standing(model.past, model.past_at)
    rows = [
        row
        for row in _rows(young, _known(connection, young, thresholds), past)
        if row.repo is None or ("repo", row.repo) in model.past or _good_in_new(card)
    ]
    matrix = model.matrix([row.vector for row in rows])
    said = model.predictions(matrix, thresholds.warning_probability)
    return {row.pk: (row.ended_at, each) for row, each in zip(rows, said, strict=True)}


def _good_in_new(card: ModelCard) -> bool:
    """Whether it does better than rates also where nothing was learned from."""
    if card.unseen is None or card.unseen_rates is None:
        return False
    return card.unseen.brier < card.unseen_rates


def _count_ended(database: Database) -> None:
    """Count warnings whose session has settled as right or wrong, and take them away."""
    while True:
        with database.writing() as connection:
            came = predictions.ended(connection, _CHUNK)
            prediction_record.add(
                connection, [(tool, label, said) for _, tool, label, said in came]
            )
            predictions.forget(connection, [pk for pk, *_ in came])
        if len(came) < _CHUNK:
            return
