"""Early warnings: what they are learned from, the model, those that stand, how past ones came out.

No label, ratio or verdict reads any of this.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from domain.labels import Label, Maturity
from domain.predictions import OUTCOMES, Chances, ModelCard, Prediction
from store import families
from store import tables as t
from store.given import given
from store.upsert import Row, merge_into, replaced

# A card a day: what was refused, and why, can be followed for so many trainings.
_CARDS_KEPT = 60
_PREDICTED = ("model_id", "predicted_at", "ended_at", "p_productive", "p_inefficient")
_MERGED = dict.fromkeys((*_PREDICTED, "p_wasteful", "answer"), replaced)
_NAMES = [label.value for label in OUTCOMES]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSession:
    """A session with its label as it stands, the facts of that, and since when it has it."""

    pk: int
    ended_at: datetime
    label: Label
    facts: Mapping[str, object]
    labelled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptModel:
    """The last training. ``model`` is None unless it is used."""

    id: str
    card: ModelCard
    model: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A session that is open with what was foretold of it.

    ``predicted_at`` is when it was foretold, from what was known soon after ``ended_at``.
    """

    pk: int
    tool: str
    session_id: str
    ended_at: datetime
    predicted_at: datetime
    model_id: str
    prediction: Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningFilter:
    """Which warnings: of sessions that ended in [``start``, ``end``), and allowed values.

    None among ``answers`` stands for *not sure enough to say*.
    """

    start: datetime | None = None
    end: datetime | None = None
    tools: frozenset[str] = frozenset()
    answers: frozenset[str | None] = frozenset()


_LABELLED = t.sessions.join(
    t.labels, and_(t.labels.c.session_pk == t.sessions.c.pk, t.labels.c.current.is_(True))
)
_FINAL = t.labels.c.maturity == Maturity.FINAL.value


def settled(connection: Connection, before: datetime, limit: int) -> list[LabelledSession]:
    """The latest sessions from before this time with a final label that is foretold, oldest first.

    Those only whose own telemetry names them, and that belong to no other.
    """
    ended_so = t.labels.c.label.in_(_NAMES)
    newest = _labelled(connection, limit, t.sessions.c.last_at < before, _FINAL, ended_so)
    return newest[::-1]


def unsettled(connection: Connection, before: datetime) -> int:
    """How many sessions from before this time have a label that may still change."""
    s = t.sessions.c
    query = select(func.count()).select_from(_LABELLED)
    old = (s.active.is_(True), s.session_id.is_not(None), s.last_at < before)
    return connection.execute(query.where(*old, ~_FINAL, ~families.belongs(s.pk))).scalar_one()


def anything_settled(connection: Connection) -> bool:
    """Whether any session has settled as what is foretold."""
    query = select(t.labels.c.session_pk).where(
        t.labels.c.current.is_(True), _FINAL, t.labels.c.label.in_(_NAMES)
    )
    return connection.execute(query.limit(1)).first() is not None


def young(
    connection: Connection, since: datetime, until: datetime, limit: int
) -> list[LabelledSession]:
    """The latest sessions that ended in this time and whose label may still change."""
    s = t.sessions.c
    return _labelled(connection, limit, s.last_at >= since, s.last_at < until, ~_FINAL)


def _labelled(
    connection: Connection, limit: int, *where: ColumnElement[bool]
) -> list[LabelledSession]:
    s, c = t.sessions.c, t.labels.c
    query = (
        select(s.pk, s.last_at, c.label, c.facts, c.labelled_at)
        .select_from(_LABELLED)
        .where(s.active.is_(True), s.session_id.is_not(None), ~families.belongs(s.pk), *where)
        .order_by(s.last_at.desc(), s.pk.desc())
        .limit(limit)
    )
    return [
        LabelledSession(
            pk=row.pk,
            ended_at=row.last_at,
            label=Label(row.label),
            facts=json.loads(row.facts),
            labelled_at=row.labelled_at,
        )
        for row in connection.execute(query)
    ]


def keep_model(connection: Connection, card: ModelCard, model: bytes | None) -> str:
    """Keep a training, and only its model; the id by which warnings name it."""
    told = msgspec.json.encode(card)
    model_id = blake2b(told + (model or b""), digest_size=8).hexdigest()
    m = t.prediction_models.c
    # Of two trainings at one moment the last stands.
    connection.execute(delete(t.prediction_models).where(m.trained_at == card.trained_at))
    connection.execute(update(t.prediction_models).values(model=None))
    row = {"id": model_id, "trained_at": card.trained_at, "refused": card.refused}
    connection.execute(insert(t.prediction_models), {**row, "card": told.decode(), "model": model})
    kept = select(m.id).order_by(m.trained_at.desc(), m.id).limit(_CARDS_KEPT)
    old = select(m.id).where(m.id.not_in(kept))
    gone = [row.id for row in connection.execute(old)]
    connection.execute(delete(t.prediction_models).where(m.id.in_(gone)))
    return model_id


def last_card(connection: Connection) -> tuple[str, ModelCard] | None:
    """The last training, by its id; None where there was none."""
    m = t.prediction_models.c
    query = select(m.id, m.card).order_by(m.trained_at.desc(), m.id).limit(1)
    row = connection.execute(query).first()
    return None if row is None else (row.id, msgspec.json.decode(row.card, type=ModelCard))


def last_model(connection: Connection) -> KeptModel | None:
    """The last training with its model; None where there was none."""
    known = last_card(connection)
    if known is None:
        return None
    m = t.prediction_models.c
    model = connection.execute(select(m.model).where(m.id == known[0])).scalar_one()
    return KeptModel(id=known[0], card=known[1], model=None if model is None else bytes(model))


def keep(
    connection: Connection,
    model_id: str,
    told: Mapping[int, tuple[datetime, Prediction]],
    now: datetime,
) -> int:
    """Let these stand, by session with its end; those that say what stood already are left alone.

    How many were written.
    """
    wanted = given(connection, {"pk": BigInteger()}, [(pk,) for pk in sorted(told)])
    p = t.predictions.c
    query = select(t.predictions).join(wanted, wanted.c.pk == p.session_pk)
    before = {
        row.session_pk: (row.model_id, row.ended_at, _prediction(row))
        for row in connection.execute(query)
    }
    rows: list[Row] = [
        {
            "session_pk": pk,
            "model_id": model_id,
            "predicted_at": now,
            "ended_at": ended_at,
            **{f"p_{name}": p for name, p in zip(_NAMES, said.chances.each, strict=True)},
            "answer": said.answer.value if said.answer else None,
        }
        for pk, (ended_at, said) in sorted(told.items())
        if before.get(pk) != (model_id, ended_at, said)
    ]
    merge_into(connection, t.predictions, rows, _MERGED)
    return len(rows)


def drop_outlived(connection: Connection) -> None:
    """Take away the warnings of sessions that went on after the end that they are for."""
    p, s = t.predictions.c, t.sessions.c
    stands = select(s.pk).where(s.pk == p.session_pk, s.last_at == p.ended_at).exists()
    connection.execute(delete(t.predictions).where(~stands))


def page(
    connection: Connection,
    wanted: WarningFilter,
    limit: int,
    after: tuple[datetime, int] | None = None,
) -> list[Warned]:
    """Open sessions that the last model says something of, by their end, newest first."""
    p, s = t.predictions.c, t.sessions.c
    where = []
    if wanted.start is not None:
        where.append(p.ended_at >= wanted.start)
    if wanted.end is not None:
        where.append(p.ended_at < wanted.end)
    if wanted.tools:
        where.append(s.tool.in_(sorted(wanted.tools)))
    if wanted.answers:
        named = [each for each in wanted.answers if each is not None]
        unsure = p.answer.is_(None) if None in wanted.answers else p.answer.in_([])
        where.append(or_(p.answer.in_(sorted(named)), unsure))
    if after is not None:
        earlier = and_(p.ended_at == after[0], p.session_pk < after[1])
        where.append(or_(p.ended_at < after[0], earlier))
    return _warned(connection, where, limit)


def of_session(connection: Connection, session_pk: int) -> Warned | None:
    """What stands of one session; None where it has settled, or nothing was foretold."""
    found = _warned(connection, [t.predictions.c.session_pk == session_pk], 1)
    return found[0] if found else None


def _warned(
    connection: Connection, where: Sequence[ColumnElement[bool]], limit: int
) -> list[Warned]:
    last = last_card(connection)
    if last is None or last[1].refused:
        return []
    p, s = t.predictions.c, t.sessions.c
    query = (
        select(t.predictions, s.pk, s.tool, s.session_id)
        .select_from(_LABELLED.join(t.predictions, p.session_pk == s.pk))
        .where(
            p.model_id == last[0],
            p.ended_at == s.last_at,
            t.labels.c.label == Label.PENDING.value,
            *where,
        )
        .order_by(p.ended_at.desc(), p.session_pk.desc())
        .limit(limit)
    )
    return [
        Warned(
            pk=row.pk,
            tool=row.tool,
            session_id=row.session_id,
            ended_at=row.ended_at,
            predicted_at=row.predicted_at,
            model_id=row.model_id,
            prediction=_prediction(row),
        )
        for row in connection.execute(query)
    ]


def _prediction(row: Any) -> Prediction:
    chances = Chances(
        productive=row.p_productive, inefficient=row.p_inefficient, wasteful=row.p_wasteful
    )
    return Prediction(chances=chances, answer=Label(row.answer) if row.answer else None)


def ended(connection: Connection, limit: int) -> list[tuple[int, str, Label, Prediction]]:
    """Some sessions whose label is final by now: (session, tool, label, what was foretold)."""
    p, s = t.predictions.c, t.sessions.c
    query = (
        select(t.predictions, s.tool, t.labels.c.label)
        .select_from(_LABELLED.join(t.predictions, p.session_pk == s.pk))
        .where(_FINAL)
        .order_by(p.session_pk)
        .limit(limit)
    )
    return [
        (row.session_pk, row.tool, Label(row.label), _prediction(row))
        for row in connection.execute(query)
    ]


def forget(connection: Connection, session_pks: Iterable[int]) -> None:
    """Take away what was foretold of these sessions."""
    pks = given(connection, {"pk": BigInteger()}, [(pk,) for pk in sorted(session_pks)])
    theirs = t.predictions.c.session_pk.in_(select(pks.c.pk))
    connection.execute(delete(t.predictions).where(theirs))
