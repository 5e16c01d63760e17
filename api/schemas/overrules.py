"""What people said of a session's label."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from api.schemas.shape import Shape
from domain.labels import Label
from domain.overrules import Overrule


class OverruleRow(Shape):
    """What a person said that the session bought, and what the rules said then."""

    label: Label = Field(description="What it bought, as the person has it.")
    reason: str = Field(description="Why, in the person's words.")
    said_by: str = Field(description="The id of the token, or `local` on a server without tokens.")
    said_at: datetime = Field(description="When, UTC.")
    withdrawn_at: datetime | None = Field(
        description="When it was taken back or replaced, UTC; null: it stands."
    )
    withdrawn_by: str | None = Field(description="The id of the token that did; null: it stands.")
    rule: str = Field(description="The rule that gave the label at that time.")
    rule_label: Label = Field(description="The label that it gave.")
    rule_set: str = Field(description="Version of the rules at that time.")


def overrule_rows(told: Iterable[Overrule]) -> list[OverruleRow]:
    """What people said, as it is answered."""
    return [
        OverruleRow(
            label=each.label,
            reason=each.reason,
            said_by=each.said_by,
            said_at=each.said_at,
            withdrawn_at=each.withdrawn_at,
            withdrawn_by=each.withdrawn_by,
            rule=each.rule,
            rule_label=each.rule_label,
            rule_set=each.rule_set,
        )
        for each in told
    ]
