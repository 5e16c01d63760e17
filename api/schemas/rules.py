"""The rules of labels: what they say, what people say of them, and a person's word on a session."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.parameters import Text
from api.schemas.sessions import LabelView, view_of
from api.schemas.shape import TOOL, Shape
from api.schemas.verdicts import Interval
from domain.intervals import wilson
from domain.labels import Label, Labelled
from domain.overrules import OVERRULED, RuleBook, RuleMeasured, RuleTold

_AGREED = (
    "Share of them that agree with the rule. People speak mostly of labels that they find wrong, so"
    " the rule is right at least so often. Null: nobody has said anything."
)


class Said(BaseModel):
    """What a person says that a session bought."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"label": "productive", "reason": "It was the spike that the design came from."},
                {"label": None},
            ]
        },
    )

    label: Literal["productive", "inefficient", "wasteful", "neutral"] | None = Field(
        description="What it bought; the rules' own label to agree with them. Null takes back what"
        " was said before."
    )
    reason: Text = Field(
        default="", max_length=1000, description="Why, in your words; needed with a label."
    )

    @model_validator(mode="after")
    def _reasoned(self) -> "Said":
        if self.label is not None and not self.reason.strip():
            raise ValueError("say why, as 'reason'")
        return self


class SaidAnswer(Shape):
    """A person's word on a session, as it was taken."""

    tool: str = Field(description=TOOL)
    session_id: str = Field(description="The session's id, as the tool tells it.")
    label: Label | None = Field(description="What was said; null: it was taken back.")
    said_by: str = Field(description="The id of the token, or `local` on a server without tokens.")
    said_at: datetime = Field(description="When, UTC.")
    rules_say: LabelView = Field(description="What the rules say of the session.")


class RuleRow(Shape):
    """One rule, and how far people agree with it."""

    name: str = Field(description="Its name, as with each label that it gives.")
    label: Label = Field(description="The label that it gives.")
    sentence: str = Field(description="When it does, with the thresholds in force.")
    final: str = Field(description="When its label becomes final.")
    sessions: int = Field(description="How many sessions have its label now.")
    said: int = Field(description="On how many labels that it gave a person's word stands.")
    agreed: int = Field(description="How many of these words agree with it.")
    overruled_to: dict[Label, int] = Field(
        description="How many of these words say something else, by what they say."
    )
    agreement: float | None = Field(description=_AGREED)
    agreement_interval: Interval | None = Field(
        description="How sure that share is; null: nobody has said anything."
    )


class RuleReport(Shape):
    """The rules in their order: the first that matches gives a session its label."""

    rule_set: str = Field(description="Version of the rules.")
    thresholds: dict[str, float | list[str]] = Field(
        description="The numbers and names in force. Units are the ends of their names; shares are"
        " from 0 to 1."
    )
    overruled_sessions: int = Field(description="How many sessions have a person's label now.")
    said: int = Field(description="On how many labels a person's word stands.")
    agreed: int = Field(description="How many of these words agree with the rules.")
    agreement: float | None = Field(description=_AGREED)
    agreement_interval: Interval | None = Field(
        description="How sure that share is; null: nobody has said anything."
    )
    rows: list[RuleRow] = Field(description="One row for each rule.")


def said_answer(
    tool: str, session_id: str, told: Said, by: str, at: datetime, rules_say: Labelled
) -> SaidAnswer:
    """A person's word as it was taken."""
    return SaidAnswer(
        tool=tool,
        session_id=session_id,
        label=Label(told.label) if told.label else None,
        said_by=by,
        said_at=at,
        rules_say=view_of(rules_say),
    )


def rule_report(book: RuleBook, measured: Mapping[str, RuleMeasured]) -> RuleReport:
    """The rules with what people say of them."""
    rows = [_row(rule, measured.get(rule.name, _NOTHING)) for rule in book.rules]
    said, agreed = sum(row.said for row in rows), sum(row.agreed for row in rows)
    return RuleReport(
        rule_set=book.rule_set,
        thresholds={
            name: list(value) if isinstance(value, tuple) else value
            for name, value in book.thresholds.items()
        },
        overruled_sessions=measured.get(OVERRULED, _NOTHING).sessions,
        said=said,
        agreed=agreed,
        agreement=agreed / said if said else None,
        agreement_interval=_interval(agreed, said),
        rows=rows,
    )


_NOTHING = RuleMeasured(sessions=0, said={})


def _row(rule: RuleTold, measured: RuleMeasured) -> RuleRow:
    said, agreed = sum(measured.said.values()), measured.said.get(rule.label, 0)
    others = {label: n for label, n in measured.said.items() if label is not rule.label}
    return RuleRow(
        name=rule.name,
        label=rule.label,
        sentence=rule.sentence,
        final=rule.final,
        sessions=measured.sessions,
        said=said,
        agreed=agreed,
        overruled_to=dict(sorted(others.items())),
        agreement=agreed / said if said else None,
        agreement_interval=_interval(agreed, said),
    )


def _interval(agreed: int, said: int) -> Interval | None:
    if not said:
        return None
    low, high = wilson(agreed, said)
    return Interval(low=low, high=high)
