"""Early warnings as they are answered: of open sessions, beside the label, with their model."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from domain.labels import Label
from domain.predictions import Bin, Measures, ModelCard, Part
from store import prediction_record, predictions
from store.engine import Database
from tests.api.answering import Json, client, get, refused
from tests.store.test_predictions import NOW, labelled, pk, said, told
from tests.store.working import at

CARD = ModelCard(
    trained_at=NOW,
    refused="",
    labels={"productive": 500, "inefficient": 60, "wasteful": 240},
    unsettled=7,
    features=("cost", "tool=codex"),
    library="scikit-learn 1.9.1",
    fitted=Part(sessions=450, since=at(0), until=at(9)),
    calibrated=Part(sessions=150, since=at(9), until=at(20)),
    tested=Part(sessions=200, since=at(99), until=at(120)),
    test=Measures(
        sessions=200,
        brier=0.3,
        log_loss=0.5,
        calibration_error=0.03,
        calibration_noise=0.02,
        auc=0.8,
    ),
    baselines={"all": 0.5, "tool": 0.45},
    better_by=0.15,
    better_by_at_least=0.1,
    answered=0.4,
    accuracy=0.9,
    covered=0.91,
    reliability={"wasteful": (Bin(said=0.2, came_true=0.25, sessions=100),)},
    leans_on={"cost": 0.03},
    drift={"cost": 0.31},
)


@pytest.fixture
def warned(database: Database) -> Iterator[TestClient]:
    """Three open sessions, of which two are foretold: one with an answer."""
    told(database, "a", "b", "c")
    labelled(database, Label.PENDING, "a", "b", "c")
    with database.writing() as connection:
        of = predictions.keep_model(connection, CARD, b"model")
        given = {
            pk("a"): (at(0), said(0.9, Label.WASTEFUL)),
            pk("b"): (at(1), said(0.4)),
        }
        predictions.keep(connection, of, given, NOW)
        past = [("codex", Label.WASTEFUL, said(0.9, Label.WASTEFUL))]
        prediction_record.add(connection, [*past, ("codex", Label.UNKNOWN, said(0.9))])
    with client(database) as http:
        yield http


def listed(http: TestClient, **parameters: object) -> list[str]:
    return [row["session_id"] for row in get(http, "/v1/predictions", **parameters)["rows"]]


def test_open_sessions_with_their_chances(warned: TestClient) -> None:
    answer = get(warned, "/v1/predictions")
    assert answer["refused"] is None
    unsure, sure = answer["rows"]
    assert (unsure["session_id"], unsure["answer"]) == ("b", None)
    assert (sure["session_id"], sure["answer"], sure["tool"]) == ("a", "wasteful", "codex")
    assert sure["probabilities"] == {
        "productive": pytest.approx(0.05),
        "inefficient": pytest.approx(0.05),
        "wasteful": 0.9,
    }
    assert sure["predicted_at"] == NOW.isoformat().replace("+00:00", "Z")
    assert "user" not in sure


def test_filters_and_pages(warned: TestClient) -> None:
    assert listed(warned, answer="wasteful") == ["a"]
    assert listed(warned, answer="") == ["b"]
    assert listed(warned, tool="copilot") == []
    assert listed(warned, to=at(1).isoformat()) == ["a"]
    first = get(warned, "/v1/predictions", limit=1)
    assert [row["session_id"] for row in first["rows"]] == ["b"]
    assert listed(warned, limit=1, cursor=first["next_cursor"]) == ["a"]
    status, code, _ = refused(warned, "/v1/predictions", answer="neutral")
    assert (status, code) == (400, "invalid_parameter")


def test_a_session_tells_it_beside_its_label(database: Database, warned: TestClient) -> None:
    def prediction(session: str, **asked: object) -> Json | None:
        found: Json | None = get(warned, f"/v1/sessions/codex/{session}", **asked)["prediction"]
        return found

    sure = prediction("a")
    assert sure is not None
    assert sure["answer"] == "wasteful"
    # Not sure enough, nothing foretold, and another time than now.
    assert prediction("b") is None
    assert prediction("c") is None
    assert prediction("a", as_of=NOW.isoformat()) is None
    labelled(database, Label.PRODUCTIVE, "a", when=NOW + timedelta(days=1))
    assert prediction("a") is None
    assert listed(warned) == ["b"]


def test_the_card_of_the_model(warned: TestClient) -> None:
    card = get(warned, "/v1/predictions/model")
    assert card["refused"] is None
    assert card["labels"] == {"productive": 500, "inefficient": 60, "wasteful": 240}
    assert (card["unsettled"], card["library"]) == (7, "scikit-learn 1.9.1")
    assert card["test"]["brier"] == 0.3
    assert card["unseen"] is None
    assert card["fitted"]["sessions"] == 450
    assert card["baselines"] == [{"name": "all", "brier": 0.5}, {"name": "tool", "brier": 0.45}]
    assert card["reliability"] == [
        {"label": "wasteful", "bins": [{"said": 0.2, "came_true": 0.25, "sessions": 100}]}
    ]
    assert card["leans_on"] == [{"feature": "cost", "value": 0.03}]
    assert card["drift"] == [{"feature": "cost", "value": 0.31}]
    assert any("people" in each for each in card["not_for"])
    [tool] = card["record"]["tools"]
    assert (tool["settled"], tool["answered"], tool["accuracy"]) == (1, 1, 1.0)
    assert tool["otherwise"] == 1
    by_label = {row["label"]: row["bins"] for row in card["record"]["reliability"]}
    assert by_label["wasteful"] == [{"said": 0.9, "came_true": 1.0, "sessions": 1}]


def test_where_nothing_was_learned_it_says_so(empty: TestClient) -> None:
    card = get(empty, "/v1/predictions/model")
    assert card["refused"] == "nothing was learned yet"
    assert (card["model_id"], card["test"], card["drift"]) == (None, None, None)
    assert get(empty, "/v1/predictions") == {
        "rows": [],
        "refused": "nothing was learned yet",
        "next_cursor": None,
    }


def test_a_refused_model_says_nothing_and_why(database: Database, warned: TestClient) -> None:
    card = ModelCard(
        trained_at=NOW + timedelta(days=1),
        refused="only 3 settled sessions of 300",
        labels={"productive": 3},
        unsettled=0,
    )
    with database.writing() as connection:
        predictions.keep_model(connection, card, None)
    answer = get(warned, "/v1/predictions")
    assert (answer["rows"], answer["refused"]) == ([], "only 3 settled sessions of 300")
    assert get(warned, "/v1/sessions/codex/a")["prediction"] is None
    assert get(warned, "/v1/predictions/model")["refused"] == "only 3 settled sessions of 300"
