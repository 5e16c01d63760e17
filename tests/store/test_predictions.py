"""Early warnings as they are kept: replaced, shown while open, counted once settled, forgotten."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, update

from domain.folded import SessionKey, SessionSums
from domain.labels import Label, Labelled, Maturity
from domain.predictions import Bin, Chances, ModelCard, Prediction, Tally
from store import conclusions, prediction_record, predictions, sessions
from store import tables as t
from store.engine import Database
from store.predictions import WarningFilter
from tests.filling import rows
from tests.store.working import START, at

NOW = START + timedelta(days=3)


def pk(name: str) -> int:
    return SessionKey("codex", name, "").pk


def told(database: Database, *names: str, ended: float = 0, tool: str = "codex") -> None:
    with database.writing() as connection:
        for place, name in enumerate(names):
            last = at(ended + place)
            sums = SessionSums(last, last, usage_rank=0, active=True)
            sessions.apply(connection, {SessionKey(tool, name, ""): sums})


def labelled(
    database: Database, label: Label, *names: str, final: bool = False, when: datetime = NOW
) -> None:
    given = Labelled(
        label=label,
        maturity=Maturity.FINAL if final else Maturity.PROVISIONAL,
        rule="r",
        reason="because",
        facts={"landed_at": START.isoformat(), "revert_window_days": 30},
        rule_set="2",
        as_of=when,
        due_at=None,
    )
    with database.writing() as connection:
        conclusions.keep_labels(connection, {pk(name): given for name in names})


def said(wasteful: float, answer: Label | None = None) -> Prediction:
    rest = (1 - wasteful) / 2
    chances = Chances(productive=rest, inefficient=rest, wasteful=wasteful)
    return Prediction(chances=chances, answer=answer)


def card(day: float = 0, refused: str = "") -> ModelCard:
    labels: Mapping[str, int] = {"productive": 3}
    return ModelCard(
        trained_at=NOW + timedelta(days=day), refused=refused, labels=labels, unsettled=1
    )


def keep(
    database: Database, model_id: str, given: Mapping[str, Prediction], ended: float = 0
) -> int:
    with database.writing() as connection:
        found = {pk(n): (at(ended + i), each) for i, (n, each) in enumerate(given.items())}
        return predictions.keep(connection, model_id, found, NOW)


def model(database: Database, day: float = 0, refused: str = "") -> str:
    with database.writing() as connection:
        kept = None if refused else b"model"
        return predictions.keep_model(connection, card(day, refused), kept)


def shown(database: Database, wanted: WarningFilter | None = None) -> list[str]:
    with database.reading() as connection:
        found = predictions.page(connection, wanted or WarningFilter(), 10)
    return [each.session_id for each in found]


def test_an_open_session_is_shown_with_what_is_foretold(database: Database) -> None:
    told(database, "a", "b", "c")
    labelled(database, Label.PENDING, "a", "b", "c")
    of = model(database)
    keep(database, of, {"a": said(0.9, Label.WASTEFUL), "b": said(0.4)})
    assert shown(database) == ["b", "a"]
    assert shown(database, WarningFilter(answers=frozenset({"wasteful"}))) == ["a"]
    assert shown(database, WarningFilter(answers=frozenset({None}))) == ["b"]
    assert shown(database, WarningFilter(answers=frozenset({None, "wasteful"}))) == ["b", "a"]
    assert shown(database, WarningFilter(tools=frozenset({"copilot"}))) == []
    assert shown(database, WarningFilter(start=at(1))) == ["b"]
    assert shown(database, WarningFilter(end=at(1))) == ["a"]
    with database.reading() as connection:
        [first] = predictions.page(connection, WarningFilter(), 1)
        after = (first.ended_at, first.pk)
        rest = predictions.page(connection, WarningFilter(), 5, after)
        assert [each.session_id for each in rest] == ["a"]
        one = predictions.of_session(connection, pk("a"))
        assert one is not None
        assert (one.prediction, one.predicted_at) == (said(0.9, Label.WASTEFUL), NOW)
        assert predictions.of_session(connection, pk("c")) is None


def test_nothing_is_shown_of_a_session_that_has_come_to_something(database: Database) -> None:
    told(database, "a")
    labelled(database, Label.PENDING, "a")
    keep(database, model(database), {"a": said(0.9)})
    labelled(database, Label.PRODUCTIVE, "a", when=NOW + timedelta(days=1))
    assert shown(database) == []


def test_nothing_is_shown_of_a_session_that_went_on(database: Database) -> None:
    told(database, "a")
    labelled(database, Label.PENDING, "a")
    keep(database, model(database), {"a": said(0.9)})
    told(database, "a", ended=30)
    assert shown(database) == []
    with database.writing() as connection:
        predictions.drop_outlived(connection)
    assert rows(database, "predictions") == []


def test_only_the_last_training_speaks_and_a_refused_one_says_nothing(database: Database) -> None:
    told(database, "a", "b")
    labelled(database, Label.PENDING, "a", "b")
    keep(database, model(database), {"a": said(0.9)})
    of = model(database, 1)
    assert shown(database) == []
    keep(database, of, {"a": said(0.8), "b": said(0.1)})
    assert shown(database) == ["b", "a"]
    model(database, 2, "too little")
    assert shown(database) == []
    with database.reading() as connection:
        last = predictions.last_model(connection)
    assert last is not None
    assert (last.card.refused, last.model) == ("too little", None)


def test_what_says_the_same_is_not_written_again(database: Database) -> None:
    told(database, "a", "b")
    of = model(database)
    assert keep(database, of, {"a": said(0.9), "b": said(0.2)}) == 2
    assert keep(database, of, {"a": said(0.9), "b": said(0.2)}) == 0
    assert keep(database, of, {"a": said(0.9), "b": said(0.3, Label.PRODUCTIVE)}) == 1
    assert len(rows(database, "predictions")) == 2


def test_cards_are_kept_for_a_while_and_one_model(database: Database) -> None:
    assert predictions._CARDS_KEPT == 60
    for day in range(62):
        model(database, day)
    kept = rows(database, "prediction_models", "trained_at, model")
    assert len(kept) == 60
    assert [bytes(told) for _, told in kept if told is not None] == [b"model"]
    with database.reading() as connection:
        last = predictions.last_card(connection)
    assert last is not None
    assert last[1] == card(61)


def settle(database: Database) -> None:
    with database.writing() as connection:
        came = predictions.ended(connection, 10)
        prediction_record.add(connection, [each[1:] for each in came])
        predictions.forget(connection, [each[0] for each in came])


def test_a_warning_that_came_out_is_counted_once_and_gone(database: Database) -> None:
    told(database, "a", "b", "c", "d")
    labelled(database, Label.PENDING, "a", "b", "c", "d")
    keep(
        database,
        model(database),
        {
            "a": said(0.9, Label.WASTEFUL),
            "b": said(0.9, Label.WASTEFUL),
            "c": said(0.2),
            "d": said(0.92),
        },
    )
    later = NOW + timedelta(days=1)
    labelled(database, Label.WASTEFUL, "a", final=True, when=later)
    labelled(database, Label.PRODUCTIVE, "b", final=True, when=later)
    labelled(database, Label.NEUTRAL, "c", final=True, when=later)
    settle(database)
    settle(database)
    assert rows(database, "predictions", "session_pk") == [(pk("d"),)]
    with database.reading() as connection:
        record = prediction_record.record(connection)
    [tally] = record.tools
    assert replace(tally, brier=None) == Tally(
        tool="codex", settled=2, answered=2, answered_right=1, brier=None, otherwise=1
    )
    right, wrong = 0.1**2 + 2 * 0.05**2, 0.9**2 + 0.95**2 + 0.05**2
    assert tally.brier == pytest.approx((right + wrong) / 2)
    assert record.reliability["wasteful"] == (Bin(said=0.9, came_true=0.5, sessions=2),)
    labelled(database, Label.WASTEFUL, "d", final=True, when=later)
    settle(database)
    with database.reading() as connection:
        again = prediction_record.record(connection)
    [only] = again.reliability["wasteful"]
    assert only.said == pytest.approx(2.72 / 3)
    assert only.came_true == pytest.approx(2 / 3)
    assert only.sessions == 3


def test_what_is_learned_from_is_final_and_old_enough(database: Database) -> None:
    told(database, "a", "b", "c", "d", "e")
    labelled(database, Label.PRODUCTIVE, "a", "e", final=True)
    labelled(database, Label.WASTEFUL, "b")
    labelled(database, Label.NEUTRAL, "c", final=True)
    labelled(database, Label.PENDING, "d")
    with database.reading() as connection:
        found = predictions.settled(connection, at(4), 10)
        assert [each.pk for each in found] == [pk("a")]
        assert found[0].facts["revert_window_days"] == 30
        newest = predictions.settled(connection, at(9), 1)
        assert [each.pk for each in newest] == [pk("e")]
        assert predictions.unsettled(connection, at(9)) == 2
        young = predictions.young(connection, at(2), at(9), 10)
        assert [each.pk for each in young] == [pk("d")]
        assert predictions.anything_settled(connection)
    with database.writing() as connection:
        connection.execute(update(t.labels).values(current=False))
        connection.execute(insert(t.dirty_labels), {"session_pk": pk("a"), "marks": 1})
    with database.reading() as connection:
        assert not predictions.anything_settled(connection)
