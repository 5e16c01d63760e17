"""Alerts: a condition that somebody should know of, and what has become of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

Fact: TypeAlias = str | int | float | None


class AlertKind(StrEnum):
    """What is wrong."""

    BUDGET = "budget"
    RUNAWAY_SESSION = "runaway_session"
    SPEND_ANOMALY = "spend_anomaly"
    TOOL_SILENT = "tool_silent"
    SYNC_FAILING = "sync_failing"


class AlertState(StrEnum):
    """What has become of it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"  # somebody knows; it is not told again unless it gets worse
    SNOOZED = "snoozed"  # nothing is told until a time
    RESOLVED = "resolved"  # the condition is gone, or somebody said that it is dealt with


class EventKind(StrEnum):
    """What is told about an alert."""

    OPENED = "opened"
    RAISED = "raised"  # it got worse
    RESOLVED = "resolved"


class Told(StrEnum):
    """What became of telling one event through one channel."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"  # given up: the other side refuses it, or was away too often
    UNCERTAIN = "uncertain"  # it may have arrived; it is not told twice


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A condition that holds now.

    ``subject`` says of what: of one kind and subject there is one alert. ``level`` rises as it gets
    worse. ``private`` says that it is about one person, and for admins only. ``session_pk`` is the
    key of the session that it is about, if it is about one: the alert is forgotten with it.
    """

    kind: AlertKind
    subject: str
    sentence: str
    level: int = 0
    facts: Mapping[str, Fact] = field(default_factory=dict)
    private: bool = False
    session_pk: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How an event was told through a channel. ``told_at`` is None unless it was."""

    event: EventKind
    at: datetime
    channel: str
    state: Told
    attempts: int
    told_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as it stands.

    ``count`` is how often the condition came (again) while this alert was there; ``holds`` whether
    it was there when it was last looked for, ``last_at`` about when it last was.
    """

    id: str
    kind: AlertKind
    subject: str
    state: AlertState
    level: int
    sentence: str
    facts: Mapping[str, Fact]
    private: bool
    holds: bool
    opened_at: datetime
    last_at: datetime
    count: int
    resolved_at: datetime | None
    snoozed_until: datetime | None
    changed_by: str | None
    changed_at: datetime | None
    note: str | None
    tellings: tuple[Telling, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One event to tell. (``alert_id``, ``number``) is its name for ever.

    ``few`` says that it may not be told how much was spent, as too few people are behind it.
    """

    alert_id: str
    number: int
    event: EventKind
    at: datetime
    kind: AlertKind
    sentence: str
    facts: Mapping[str, Fact]
    private: bool
    few: bool = False
