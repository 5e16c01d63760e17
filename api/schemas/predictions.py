"""Early warnings: how open sessions are likely to end, and how far that can be trusted."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import Field

from api.schemas.shape import TOOL, Shape
from domain.labels import Label
from domain.predictions import Bin, Measures, ModelCard, Part, TrackRecord
from store.predictions import Warned

NOT_FOR = (
    "Labels, ratios and verdicts: they hold what happened, and nothing foretold.",
    "Judging people: who worked is unknown to it, and must not be read into it.",
    "Stopping or skipping the review of a change: it has not seen the code.",
    "Sessions of another company: it has learned from this one's only.",
)
_SAID = "from 0 to 1"


class Probabilities(Shape):
    """How likely a session is to end as each of these, given that it ends as one of them."""

    productive: float = Field(description=f"Probability of ending productive, {_SAID}.")
    inefficient: float = Field(description=f"Probability of ending inefficient, {_SAID}.")
    wasteful: float = Field(description=f"Probability of ending wasteful, {_SAID}.")


class PredictionView(Shape):
    """What is foretold of an open session, beside its label and never a part of it."""

    probabilities: Probabilities = Field(
        description="As known soon after its end. What has passed since is not weighed: each day"
        " without an outcome makes waste likelier than is said here."
    )
    answer: Label | None = Field(
        description="The label that it is said to end with; null: not sure enough to say."
    )
    predicted_at: datetime = Field(description="When it was foretold, UTC.")
    model_id: str = Field(description="The training that it comes from.")


class PredictionRow(PredictionView):
    """An open session with what is foretold of it."""

    tool: str = Field(description=TOOL)
    session_id: str = Field(description="The session's id, as the tool tells it.")
    last_at: datetime = Field(description="Time of the session's last record, UTC.")


class PredictionPage(Shape):
    """Open sessions of which something is foretold, by their last record, newest first."""

    rows: list[PredictionRow] = Field(description="Sessions whose label is pending.")
    refused: str | None = Field(
        description="Why nothing is foretold at all; null: a model is in use."
    )
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null: this is the last one."
    )


class PartRow(Shape):
    """The sessions of one use."""

    sessions: int = Field(description="How many.")
    first_at: datetime = Field(description="When the first of them ended, UTC.")
    last_at: datetime = Field(description="When the last of them ended, UTC.")


class MeasuresRow(Shape):
    """How good the probabilities were on sessions that were not learned from."""

    sessions: int = Field(description="Sessions asked about.")
    brier: float = Field(
        description="Mean squared error over a session's three probabilities, from 0 to 2."
    )
    log_loss: float = Field(description="Mean negative logarithm of the right one's, in nats.")
    calibration_error: float = Field(
        description="Mean gap between what was said and what came true, from 0 to 1."
    )
    calibration_noise: float = Field(
        description="The gap that perfect probabilities would show on as many sessions by chance."
    )
    auc: float | None = Field(
        description="Of two sessions, how often the right one got the higher probability, mean over"
        " the labels, from 0 to 1; null: a label did not occur."
    )


class BinRow(Shape):
    """Sessions of which about the same was said."""

    said: float = Field(description="The mean probability that was said, from 0 to 1.")
    came_true: float = Field(description="The share of them that ended so, from 0 to 1.")
    sessions: int = Field(description="How many.")


class BaselineRow(Shape):
    """What simply saying the company's own rates reaches."""

    name: str = Field(description="Rates of `all`, or by `repository`, `work_type` or `tool`.")
    brier: float = Field(description="Its mean squared error, as for the model, from 0 to 2.")


class FeatureRow(Shape):
    """One thing that the model goes by."""

    feature: str = Field(description="Its name.")
    value: float = Field(description="Of `leans_on` how much worse the error gets without it; of"
                         " `drift` the population stability index.")  # fmt: skip


class ReliabilityRow(Shape):
    """What was said of one label, and how often it came true."""

    label: Label = Field(description="The label.")
    bins: list[BinRow] = Field(description="From the least probable on.")


class TallyRow(Shape):
    """How past warnings of one tool came out."""

    tool: str = Field(description=TOOL)
    settled: int = Field(description="Sessions that ended as one of the three labels.")
    answered: int = Field(description="Of them those with an answer.")
    accuracy: float | None = Field(
        description="Share of these answers that were right, from 0 to 1; null: there were none."
    )
    brier: float | None = Field(
        description="Mean squared error over a session's three probabilities, from 0 to 2; null:"
        " none has settled."
    )
    otherwise: int = Field(
        description="Sessions that ended as neutral or unknown, of which nothing was said."
    )


class Record(Shape):
    """How all past warnings came out, whatever training they came from."""

    tools: list[TallyRow] = Field(description="One row for each tool, by name.")
    reliability: list[ReliabilityRow] = Field(
        description="By tenths of what was said; empty bins are left out."
    )


class ModelReport(Shape):
    """What the last training learned from, how it did, and what it must not be used for."""

    model_id: str | None = Field(description="The training; null: there was none yet.")
    trained_at: datetime | None = Field(description="When that was, UTC; null: not yet.")
    refused: str | None = Field(
        description="Why the model is not used; null: it is in use. Numbers below are its all the"
        " same, as far as it came."
    )
    labels: dict[str, int] = Field(
        description="Settled sessions learned from and tested on, by how they ended."
    )
    unsettled: int | None = Field(
        description="Sessions as old that have no final label, which are not learned from; null:"
        " no training yet."
    )
    features: list[str] = Field(description="What it goes by, by name.")
    library: str | None = Field(description="What it was made with; null: no training yet.")
    fitted: PartRow | None = Field(description="In the test: fitted on these; null: not tested.")
    calibrated: PartRow | None = Field(
        description="In the test: calibrated on these; null: not tested."
    )
    tested: PartRow | None = Field(description="Tested on these; null: not tested.")
    test: MeasuresRow | None = Field(
        description="On the latest sessions, in repositories it may have learned from; null: not"
        " tested."
    )
    unseen: MeasuresRow | None = Field(
        description="The same in repositories that were left out of learning; null: not tested, or"
        " too few repositories are known."
    )
    unseen_rates: float | None = Field(
        description="Brier score of the company's best rates in those repositories; where `unseen`"
        " is not better, nothing is foretold in repositories without a past. Null: not tested."
    )
    baselines: list[BaselineRow] = Field(description="What it has to beat.")
    better_by: float | None = Field(
        description="Brier score of the best of them less the model's; null: not tested."
    )
    better_by_at_least: float | None = Field(
        description="The lower end of that, one-sided 95 %, sessions of a change counting together;"
        " null: not tested."
    )
    answered: float | None = Field(
        description="Share of tested sessions with an answer, from 0 to 1; null: not tested."
    )
    accuracy: float | None = Field(
        description="Share of these answers that were right, from 0 to 1; null: there were none."
    )
    covered: float | None = Field(
        description="How often the labels that were not ruled out held the right one, from 0 to 1;"
        " null: not tested."
    )
    reliability: list[ReliabilityRow] = Field(description="In the test, in bins of equal size.")
    leans_on: list[FeatureRow] = Field(description="What it goes by most, the first most.")
    drift: list[FeatureRow] | None = Field(
        description="What is spread otherwise now than where it learned (above 0.2); null: too few"
        " sessions to say, or no model."
    )
    record: Record = Field(description="How past warnings came out.")
    not_for: list[str] = Field(description="What it must not be used for.")


def prediction_view(warned: Warned) -> PredictionView:
    """A warning as it is answered beside a session's label."""
    said = warned.prediction
    return PredictionView(
        probabilities=_probabilities(warned),
        answer=said.answer,
        predicted_at=warned.predicted_at,
        model_id=warned.model_id,
    )


def prediction_row(warned: Warned) -> PredictionRow:
    """A warning in a list."""
    view = prediction_view(warned)
    return PredictionRow(
        tool=warned.tool,
        session_id=warned.session_id,
        last_at=warned.ended_at,
        **view.model_dump(),
    )


def refusal(last: tuple[str, ModelCard] | None) -> str | None:
    """Why nothing is foretold; None where a model is in use."""
    if last is None:
        return "nothing was learned yet"
    return last[1].refused or None


def model_report(last: tuple[str, ModelCard] | None, record: TrackRecord) -> ModelReport:
    """The card of the last training."""
    card = last[1] if last else None
    return ModelReport(
        model_id=last[0] if last else None,
        trained_at=card.trained_at if card else None,
        refused=refusal(last),
        labels=dict(card.labels) if card else {},
        unsettled=card.unsettled if card else None,
        features=list(card.features) if card else [],
        library=card.library if card else None,
        fitted=_part(card.fitted) if card else None,
        calibrated=_part(card.calibrated) if card else None,
        tested=_part(card.tested) if card else None,
        test=_measures(card.test) if card else None,
        unseen=_measures(card.unseen) if card else None,
        unseen_rates=card.unseen_rates if card else None,
        baselines=[BaselineRow(name=name, brier=each) for name, each in card.baselines.items()]
        if card
        else [],
        better_by=card.better_by if card else None,
        better_by_at_least=card.better_by_at_least if card else None,
        answered=card.answered if card else None,
        accuracy=card.accuracy if card else None,
        covered=card.covered if card else None,
        reliability=_reliability(card.reliability) if card else [],
        leans_on=_features(card.leans_on) if card else [],
        drift=_features(card.drift) if card and card.drift is not None else None,
        record=_record(record),
        not_for=list(NOT_FOR),
    )


def _probabilities(warned: Warned) -> Probabilities:
    productive, inefficient, wasteful = warned.prediction.chances.each
    return Probabilities(productive=productive, inefficient=inefficient, wasteful=wasteful)


def _part(part: Part | None) -> PartRow | None:
    if part is None:
        return None
    return PartRow(sessions=part.sessions, first_at=part.since, last_at=part.until)


def _measures(measures: Measures | None) -> MeasuresRow | None:
    if measures is None:
        return None
    return MeasuresRow(
        sessions=measures.sessions,
        brier=measures.brier,
        log_loss=measures.log_loss,
        calibration_error=measures.calibration_error,
        calibration_noise=measures.calibration_noise,
        auc=measures.auc,
    )


def _features(told: Mapping[str, float]) -> list[FeatureRow]:
    return [FeatureRow(feature=name, value=value) for name, value in told.items()]


def _reliability(told: Mapping[str, Sequence[Bin]]) -> list[ReliabilityRow]:
    return [
        ReliabilityRow(
            label=Label(label),
            bins=[
                BinRow(said=each.said, came_true=each.came_true, sessions=each.sessions)
                for each in bins
            ],
        )
        for label, bins in told.items()
    ]


def _record(record: TrackRecord) -> Record:
    return Record(
        tools=[
            TallyRow(
                tool=each.tool,
                settled=each.settled,
                answered=each.answered,
                accuracy=each.answered_right / each.answered if each.answered else None,
                brier=each.brier,
                otherwise=each.otherwise,
            )
            for each in record.tools
        ],
        reliability=_reliability(record.reliability),
    )
