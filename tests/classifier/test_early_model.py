"""The model that tells how sessions may end: it learns what is there, and says when it can't."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from classifier.early_exam import Row, parts
from classifier.early_model import (
    ModelUnusable,
    answers_of,
    dump,
    fit,
    limit,
    load,
    matrix,
    names_of,
    places_of,
)
from classifier.early_trial import calibration_error, drifted, gain, measure, rates
from classifier.early_warning import train
from classifier.past_rates import past_rates
from classifier.thresholds import LearningThresholds
from domain.labels import Label
from domain.predictions import OUTCOMES

NOW = datetime(2026, 11, 20, tzinfo=UTC)
THRESHOLDS = LearningThresholds()
NOTHING = past_rates([])
_Shares = Callable[[float, str], tuple[float, float, float]]


def rows(number: int, shares: _Shares, seed: int = 1) -> list[Row]:
    """So many sessions over 270 days, ending by shares that depend on a number and a tool."""
    chance = Random(seed)
    made = []
    for place in range(number):
        effort, tool = chance.random(), chance.choice(("codex", "copilot"))
        ended_at = NOW - timedelta(days=315 - 270 * place / number)
        [label] = chance.choices(OUTCOMES, shares(effort, tool))
        made.append(
            Row(
                pk=place,
                ended_at=ended_at,
                label=label,
                tool=tool,
                repo=f"acme/{chance.randrange(6)}",
                work_type=chance.choice(("bug", "feature", None)),
                together=place,
                vector={"effort": effort, "noise": chance.random(), f"tool={tool}": 1.0},
                common=(0.5, 0.2, 0.3),
            )
        )
    return made


def telling(effort: float, tool: str) -> tuple[float, float, float]:
    """Much effort ends badly, with one tool more than with the other."""
    bad = effort if tool == "codex" else effort / 2
    return (1 - bad) * 0.85, 0.15, bad


def silent(_: float, __: str) -> tuple[float, float, float]:
    """Nothing that is seen has to do with how it ends."""
    return 0.5, 0.2, 0.3


def test_it_learns_where_there_is_something_to_learn() -> None:
    told = rows(3000, telling, seed=2)
    card, model = train(told, told[-200:], NOTHING, THRESHOLDS, NOW)
    assert card.refused == ""
    assert model is not None
    assert card.test is not None
    assert card.test.brier < min(card.baselines.values())
    assert card.test.calibration_error <= 0.05
    assert card.better_by_at_least is not None
    assert card.better_by_at_least > 0
    assert card.unseen is not None
    assert card.unseen_rates is not None
    assert card.unseen.brier < card.unseen_rates
    assert card.covered is not None
    assert card.covered > 0.85
    assert next(iter(card.leans_on)) == "effort"
    assert sum(each.sessions for each in card.reliability["wasteful"]) == card.test.sessions
    assert card.drift == {}
    easy, hard = model.chances(
        matrix(model.names, [{"effort": e, "noise": 0.5, "tool=codex": 1.0} for e in (0.05, 0.95)])
    )
    assert easy[2] < 0.3
    assert hard[2] > 0.6


@pytest.mark.parametrize("seed", range(4))
def test_it_refuses_where_there_is_nothing_to_learn(seed: int) -> None:
    card, model = train(rows(1500, silent, seed), [], NOTHING, THRESHOLDS, NOW)
    assert model is None
    assert card.refused.startswith("it is not surely better than saying the rates of")
    # The numbers that it was refused by are kept.
    assert card.test is not None
    assert card.baselines


def test_it_refuses_with_too_little() -> None:
    few = rows(299, telling)
    card, model = train(few, [], NOTHING, THRESHOLDS, NOW)
    assert (card.refused, model) == ("only 299 settled sessions of 300", None)
    rare = [replace(row, label=Label.PRODUCTIVE) for row in rows(400, telling)]
    rare = [replace(row, label=Label.INEFFICIENT) for row in rare[:29]] + rare[29:]
    card, _ = train(rare, [], NOTHING, THRESHOLDS, NOW)
    assert card.refused == "only 29 settled sessions were inefficient, of 30"
    assert card.labels == {"productive": 371, "inefficient": 29, "wasteful": 0}


def test_it_refuses_where_too_little_time_has_passed() -> None:
    soon = [replace(row, ended_at=NOW - (NOW - row.ended_at) / 7) for row in rows(2000, telling)]
    card, model = train(soon, [], NOTHING, THRESHOLDS, NOW)
    assert model is None
    assert "sessions are left to fit on, of 10" in card.refused


def test_it_refuses_where_probabilities_are_off() -> None:
    def turned(effort: float, tool: str) -> tuple[float, float, float]:
        return telling(effort, tool) if effort < 2 else silent(effort, tool)

    told = rows(3000, turned)
    # In the last fifth half of what would have been good is bad, and nothing tells.
    changed = [
        replace(row, label=Label.WASTEFUL)
        if place > 2400 and row.label is Label.PRODUCTIVE and place % 3 == 0
        else row
        for place, row in enumerate(told)
    ]
    card, model = train(changed, [], NOTHING, THRESHOLDS, NOW)
    assert model is None
    assert "off by" in card.refused or "not surely better" in card.refused


ROWS = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 40)), min_size=10, max_size=80)


@given(ROWS)
def test_what_is_asked_ends_long_after_what_is_learned_from(told: list[tuple[int, int]]) -> None:
    base = rows(1, silent)[0]
    settling = timedelta(days=45)
    made = [
        replace(base, pk=pk, ended_at=NOW + timedelta(days=day), together=("repo", change))
        for pk, (day, change) in enumerate(told)
    ]
    learned, asked = parts(made, settling)
    if learned and asked:
        assert max(r.ended_at for r in learned) + settling <= min(r.ended_at for r in asked)
    assert not {row.together for row in learned} & {row.together for row in asked}
    assert len({row.pk for row in [*learned, *asked]}) == len(learned) + len(asked)


def fitted() -> tuple[list[Row], bytes]:
    told = rows(400, telling)
    labels = places_of([row.label for row in told])
    past = {("all",): (3, 1, 2), ("tool_type", "codex", "bug"): (1, 0, 0)}
    return told, dump(fit([row.vector for row in told], labels, THRESHOLDS, past, NOW))


def test_a_kept_model_says_the_same() -> None:
    told, kept = fitted()
    labels = places_of([row.label for row in told])
    before = fit([row.vector for row in told], labels, THRESHOLDS, {}, NOW)
    after = load(kept)
    asked = after.matrix([row.vector for row in told])
    assert np.allclose(before.chances(asked), after.chances(asked))
    assert (before.possible(asked) == after.possible(asked)).all()
    assert after.past == {("all",): (3, 1, 2), ("tool_type", "codex", "bug"): (1, 0, 0)}
    assert (after.past_at, after.after_hours) == (NOW, 24)
    assert after.predictions(asked[:0], 0.6) == []


class Trap:
    """Runs something when a pickle of it is read."""

    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("it was run",))


def evil() -> Mapping[str, bytes]:
    _, kept = fitted()
    read = skops.io.loads(kept, trusted=skops.io.get_untrusted_types(data=kept))
    foreign = io.BytesIO()
    with zipfile.ZipFile(foreign, "w") as file:
        file.writestr("schema.json", json.dumps({"__class__": "system", "__module__": "os"}))
    return {
        "another type": skops.io.dumps({**read, "model": FunctionTransformer(func=np.sum)}),
        "another model": skops.io.dumps({"model": LogisticRegression()}),
        "no type of Python's": foreign.getvalue(),
        "a pickle": pickle.dumps(Trap()),
        "nothing": b"",
        "noise": b"PK\x03\x04" + bytes(range(200)),
    }


@pytest.mark.parametrize("what", evil())
def test_what_we_did_not_make_is_refused(what: str) -> None:
    with pytest.raises(ModelUnusable):
        load(evil()[what])


def test_an_untrusted_type_is_named() -> None:
    with pytest.raises(ModelUnusable, match=r"holds what no model of ours does.*numpy\.sum"):
        load(evil()["another type"])


def test_a_model_of_another_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _, kept = fitted()
    monkeypatch.setattr("classifier.early_model.LIBRARY", "scikit-learn 99")
    with pytest.raises(ModelUnusable, match="and this is scikit-learn 99"):
        load(kept)


@given(st.lists(st.floats(0, 1), max_size=60), st.sampled_from((0.8, 0.9)))
def test_a_limit_is_kept_by_its_share_of_sessions(scores: list[float], coverage: float) -> None:
    found = limit(np.array(scores), coverage)
    within = sum(score <= found for score in scores)
    # Of n and one more, at least so many.
    assert within >= coverage * (len(scores) + 1) or found > 1


def test_an_answer_takes_one_possible_label_and_enough_probability() -> None:
    chances = np.array([[0.7, 0.1, 0.2], [0.7, 0.1, 0.2], [0.5, 0.2, 0.3], [0.2, 0.1, 0.7]])
    possible = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]], dtype=bool)
    assert answers_of(chances, possible, 0.6).tolist() == [0, -1, -1, -1]


def test_a_name_that_few_have_is_no_feature_and_no_number_is_invented() -> None:
    vectors = [{"a": None, "b": 1.0, "tool=rare": 1.0}] + [{"b": 2.0, "tool=usual": 1.0}] * 40
    names = names_of(vectors)
    assert names == ("b", "tool=usual")
    told = matrix(names, [{"tool=unheard": 1.0}])
    assert np.isnan(told[0, 0])
    assert told[0, 1] == 0


def test_measures_of_the_sure_and_of_the_even() -> None:
    labels = np.array([0, 1, 2] * 100)
    sure = measure(np.eye(3)[labels], labels)
    assert (sure.brier, sure.calibration_error, sure.auc) == (0, 0, 1)
    even = measure(np.full((300, 3), 1 / 3), labels)
    assert even.brier == pytest.approx(2 / 3)
    assert even.auc == pytest.approx(0.5)
    assert even.calibration_error < 0.1
    wrong = np.roll(np.eye(3)[labels], 1, axis=1)
    assert measure(wrong, labels).brier == 2
    assert calibration_error(wrong, labels) == pytest.approx(2 / 3)


def test_chance_alone_shows_about_its_noise() -> None:
    chance = np.random.default_rng(3)
    said = chance.dirichlet((2, 1, 2), 1000)
    labels = (chance.random((1000, 1)) > said.cumsum(axis=1)).sum(axis=1)
    told = measure(said, labels)
    assert told.calibration_error == pytest.approx(told.calibration_noise, abs=0.01)


def test_sessions_of_one_change_count_as_one_in_what_is_gained() -> None:
    better, worse = np.zeros(40), np.array([1.0, -0.5] * 20)
    alone = gain(better, worse, list(range(40)))
    pairs = gain(better, worse, [n // 2 for n in range(40)])
    blocks = gain(better, worse, [n % 2 for n in range(40)])
    assert alone[0] == pairs[0] == blocks[0] == 0.25
    assert blocks[1] < alone[1] < pairs[1]


def test_rates_of_a_group_never_seen_are_those_of_all() -> None:
    told = rates(["a"] * 30 + ["b"] * 30, np.array([0] * 30 + [2] * 30), ["a", "b", "c"])
    assert told[0, 0] > 0.7
    assert told[1, 2] > 0.7
    assert told[2] == pytest.approx([31 / 63, 1 / 63, 31 / 63])


def test_what_is_spread_otherwise_now_is_named() -> None:
    chance = np.random.default_rng(0)
    before, now = chance.normal(size=(500, 3)), chance.normal(size=(300, 3))
    now[:, 1] += 2
    now[:150, 2] = np.nan
    names = ("same", "moved", "gone")
    assert set(drifted(names, before, now) or ()) == {"moved", "gone"}
    assert drifted(names, before, now[:99]) is None
    assert drifted(("past_x", "a", "b"), before, now + 5) == drifted(
        ("past_y", "a", "b"), before, now + 5
    )
