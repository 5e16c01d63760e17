"""Alerts as they are answered, and what is said about them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.parameters import Instant, Parameters, Text
from api.schemas.shape import Shape
from domain.alerts import Alert, AlertKind, AlertState, EventKind, Told


class AlertParameters(Parameters):
    """Which alerts."""

    state: list[AlertState] = Field(
        default=[], description="Only of this state. Repeat it to allow several."
    )
    kind: list[AlertKind] = Field(
        default=[], description="Only of this kind. Repeat it to allow several."
    )
    limit: int = Field(default=100, ge=1, le=500, description="At most so many.")


class Handling(BaseModel):
    """A remark on what is done about an alert."""

    model_config = ConfigDict(extra="forbid")

    note: Text | None = Field(default=None, max_length=2000, description="Why, for people.")


class Snoozing(Handling):
    """Until when nothing is told."""

    until: Instant = Field(description="The time, UTC, at which it is told again if it holds.")


class TellingRow(Shape):
    """How one event was told through one channel."""

    event: EventKind = Field(description="`opened`, `raised` (it got worse) or `resolved`.")
    at: datetime = Field(description="When it happened, UTC.")
    channel: str = Field(description="`mail`, `slack`, `teams` or `webhook`.")
    state: Told = Field(
        description="`pending`, `sending`, `sent`, `failed` (given up), or `uncertain`: it may have"
        " arrived, and is not sent twice."
    )
    attempts: int = Field(description="How often it was tried.")
    told_at: datetime | None = Field(description="When it was sent, UTC; null: it was not.")
    error: str | None = Field(description="What went wrong last; null: nothing.")


class AlertRow(Shape):
    """An alert."""

    id: str = Field(description="Its id.")
    kind: AlertKind = Field(
        description="`budget`, `runaway_session`, `spend_anomaly`, `tool_silent` or `sync_failing`."
    )
    subject: str = Field(description="What it is about; of one kind and subject there is one.")
    state: AlertState = Field(
        description="`open`, `acknowledged`, `snoozed`, or `resolved`: by itself or by somebody."
    )
    sentence: str = Field(description="What was seen, for people.")
    facts: dict[str, str | int | float | None] = Field(
        description="What was seen, for programs; times are UTC, money is US dollars."
    )
    holds: bool = Field(description="Whether it was so when it was last looked for.")
    opened_at: datetime = Field(description="When it was first seen, UTC.")
    last_at: datetime = Field(description="When it was last seen, UTC, within five minutes.")
    count: int = Field(description="How often it came, and came again within hours.")
    resolved_at: datetime | None = Field(description="When it was resolved, UTC; null: it is not.")
    snoozed_until: datetime | None = Field(description="Until when nothing is told, UTC.")
    changed_by: str | None = Field(
        description="Id of the token of whoever acknowledged, snoozed or resolved it last."
    )
    changed_at: datetime | None = Field(description="When they did, UTC.")
    note: str | None = Field(description="What they said.")
    told: list[TellingRow] = Field(description="How each event was told through each channel.")


class AlertReport(Shape):
    """Alerts."""

    rows: list[AlertRow] = Field(
        description="Those that hold first, then the latest. Alerts about the budget of one person"
        " are for admins only."
    )


def alert_row(alert: Alert) -> AlertRow:
    """An alert as it is answered."""
    return AlertRow(
        id=alert.id,
        kind=alert.kind,
        subject=alert.subject,
        state=alert.state,
        sentence=alert.sentence,
        facts=dict(alert.facts),
        holds=alert.holds,
        opened_at=alert.opened_at,
        last_at=alert.last_at,
        count=alert.count,
        resolved_at=alert.resolved_at,
        snoozed_until=alert.snoozed_until,
        changed_by=alert.changed_by,
        changed_at=alert.changed_at,
        note=alert.note,
        told=[
            TellingRow(
                event=each.event,
                at=each.at,
                channel=each.channel,
                state=each.state,
                attempts=each.attempts,
                told_at=each.told_at,
                error=each.error,
            )
            for each in alert.tellings
        ],
    )
