"""What people say that sessions bought, and how far they agree with the rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.labels import Label

OVERRULED = "overruled"
"""The rule of a label that a person gave."""

SAYABLE = frozenset({Label.PRODUCTIVE, Label.INEFFICIENT, Label.WASTEFUL, Label.NEUTRAL})
"""What a person may say: who can't tell says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrule:
    """What a person said of one session, and what the rules said at that time.

    It stands until ``withdrawn_at``, None while nobody took it back or said something else.
    """

    label: Label
    reason: str
    said_by: str
    said_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    rule: str
    rule_label: Label
    rule_set: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTold:
    """A rule as it is shown: its sentence and when its label becomes final, with numbers."""

    name: str
    label: Label
    sentence: str
    final: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """The rules in their order, with the thresholds in force by name."""

    rule_set: str
    rules: tuple[RuleTold, ...]
    thresholds: Mapping[str, int | float | tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMeasured:
    """How often a rule labels, and what people said of its labels.

    ``said`` counts standing words of people by the label that they gave: one that is the rule's own
    agrees with it.
    """

    sessions: int
    said: Mapping[Label, int]
