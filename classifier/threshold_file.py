"""Reading the company's own thresholds (TOML), with a plain sentence for everything wrong with it.

Tables are named for what they set: ``[rules]`` labels and outcomes, ``[verdicts]`` verdicts,
``[learning]`` the models, ``[routing]`` the routing policy, ``[leaks]`` what counts as a leak,
``[efficiency]`` what a ratio says, ``[alerts]`` what raises an alert. What is not named keeps its
default.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from classifier.alert_thresholds import AlertThresholds
from classifier.thresholds import (
    EfficiencyThresholds,
    LeakThresholds,
    LearningThresholds,
    RoutingThresholds,
    Thresholds,
    VerdictThresholds,
)

Table = TypeVar(
    "Table",
    Thresholds,
    VerdictThresholds,
    LearningThresholds,
    LeakThresholds,
    RoutingThresholds,
    AlertThresholds,
    EfficiencyThresholds,
)


class ThresholdFileInvalid(Exception):
    """The file can't be used; ``problems`` are plain sentences."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdSettings:
    """All numbers that are the company's to set."""

    rules: Thresholds = field(default_factory=Thresholds)
    verdicts: VerdictThresholds = field(default_factory=VerdictThresholds)
    learning: LearningThresholds = field(default_factory=LearningThresholds)
    routing: RoutingThresholds = field(default_factory=RoutingThresholds)
    leaks: LeakThresholds = field(default_factory=LeakThresholds)
    efficiency: EfficiencyThresholds = field(default_factory=EfficiencyThresholds)
    alerts: AlertThresholds = field(default_factory=AlertThresholds)


def parse(text: str) -> ThresholdSettings:
    """Read the file's text. Raises ThresholdFileInvalid."""
    try:
        told = tomllib.loads(text)
    except ValueError as error:
        raise ThresholdFileInvalid([f"this is not TOML: {error}"]) from error
    problems: list[str] = []
    tables = {each.name for each in fields(ThresholdSettings)}
    for name in sorted(told.keys() - tables):
        known = ", ".join(f"[{each}]" for each in sorted(tables))
        problems.append(f"{name}: is not known; there are {known}")
    read = ThresholdSettings(
        rules=_read("rules", told.get("rules", {}), Thresholds(), problems),
        verdicts=_read("verdicts", told.get("verdicts", {}), VerdictThresholds(), problems),
        learning=_read("learning", told.get("learning", {}), LearningThresholds(), problems),
        routing=_read("routing", told.get("routing", {}), RoutingThresholds(), problems),
        leaks=_read("leaks", told.get("leaks", {}), LeakThresholds(), problems),
        efficiency=_read(
            "efficiency", told.get("efficiency", {}), EfficiencyThresholds(), problems
        ),
        alerts=_read("alerts", told.get("alerts", {}), AlertThresholds(), problems),
    )
    if problems:
        raise ThresholdFileInvalid(problems)
    return read


def _read(name: str, told: Any, defaults: Table, problems: list[str]) -> Table:
    if not isinstance(told, Mapping):
        problems.append(f"{name}: must be a table, [{name}]")
        return defaults
    values: dict[str, Any] = {}
    known = {each.name: getattr(defaults, each.name) for each in fields(defaults)}
    for key, value in told.items():
        if key not in known:
            problems.append(f"{name}.{key}: is not known; there are {', '.join(known)}")
        elif problem := _wrong(known[key], value):
            problems.append(f"{name}.{key}: {problem}")
        else:
            values[key] = tuple(value) if isinstance(value, list) else value
    return type(defaults)(**{**known, **values})


def _wrong(default: object, value: object) -> str:
    """What is wrong with a value, by what its default is; "" if nothing."""
    if isinstance(default, tuple):
        names = isinstance(value, list) and all(isinstance(each, str) for each in value)
        return "" if names else 'must be a list of names, for example ["release/*"]'
    whole = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(default, int):
        return "" if whole and int(str(value)) >= 0 else "must be a whole number, 0 or more"
    number = whole or isinstance(value, float)
    return "" if number and 0 <= float(str(value)) <= 1 else "must be a number from 0 to 1"
