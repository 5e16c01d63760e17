"""Query parameters: read, checked and documented.

A parameter that does not exist is refused: a misspelt filter must not read as an answer about
everything. An empty filter value (``team=``) asks for what was *not told*.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    WithJsonSchema,
    model_validator,
)

from domain.judgement import By
from domain.labels import Label, TargetKind, Tier
from domain.tickets import TicketState
from domain.work import ChangeState
from store.report_usage import Dimension, Selection, hour_floor

_FIRST_YEAR, _LAST_YEAR = 1970, 2999
_NOT_TOLD = "An empty value means *not told*. Repeat it to allow several values."


def moment(told: object) -> datetime:
    """A date (its beginning) or a time; UTC unless it says otherwise.

    Others than those of these years are none that anything happened at, and near the ends of the
    calendar no day is left to count from.
    """
    try:
        at = datetime.fromisoformat(str(told))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            "write a date (2026-11-22) or a time in UTC (2026-11-22T10:30:00Z)"
        ) from None
    return _in_time(at)


_When = TypeVar("_When", date, datetime)


def _in_time(at: _When) -> _When:
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise ValueError(f"write a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    return at


def _split(told: object) -> object:
    """``a,b`` and ``a`` beside ``b`` are the same; each counts once."""
    if not isinstance(told, list | tuple):
        return told
    return list(dict.fromkeys(part.strip() for each in told for part in str(each).split(",")))


def _day(told: object) -> str:
    try:
        day = date.fromisoformat(str(told))
    except ValueError:
        raise ValueError("write a date (2026-11-22)") from None
    return _in_time(day).isoformat()


def _storable(told: str) -> str:
    if "\0" in told or any("\ud800" <= each <= "\udfff" for each in told):
        raise ValueError("no text of ours holds this")
    return told


Text: TypeAlias = Annotated[str, AfterValidator(_storable)]
"""A text that a database takes."""

Instant: TypeAlias = Annotated[
    datetime,
    BeforeValidator(moment),
    WithJsonSchema({"type": "string", "examples": ["2026-11-22", "2026-11-22T10:30:00Z"]}),
]
Day: TypeAlias = Annotated[date, AfterValidator(_in_time)]
"""A UTC day."""
_Dimensions: TypeAlias = Annotated[list[Dimension], BeforeValidator(_split)]
_Day: TypeAlias = Annotated[str, BeforeValidator(_day), WithJsonSchema({"type": "string"})]


def _filter(of: str) -> Any:
    return Field(default=[], description=f"Only this {of}. {_NOT_TOLD}")


def _only(of: str) -> Any:
    return Field(default=[], description=f"Only this {of}. Repeat it to allow several values.")


class Parameters(BaseModel):
    """The parameters of one route. Aliases are their names in the address."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, told: Any) -> Any:
        known = [field.alias or name for name, field in cls.model_fields.items()]
        unknown = [name for name in told if name not in known] if isinstance(told, dict) else []
        if unknown:
            allowed = ", ".join(known) or "none"
            raise ValueError(f"there is no parameter {', '.join(unknown)}; there are: {allowed}")
        return told


class NoParameters(Parameters):
    """For routes without any."""


class AsOf(Parameters):
    """The time to answer for."""

    as_of: Instant | None = Field(
        default=None,
        description="Answer with labels and verdicts as they were known at this time"
        " (a date is its beginning, UTC). Default: now.",
    )


class VerdictParameters(AsOf):
    """Verdicts on what, as of when."""

    by: By = Field(
        default=By.TOOL,
        description="What each verdict is on: `tool`, or `tool_model`: each model of a tool as a"
        " tool of its own.",
    )


class Period(Parameters):
    """A span of time, open on both sides by default."""

    start: Instant | None = Field(
        default=None, alias="from", description="From this time on (a date is its beginning, UTC)."
    )
    end: Instant | None = Field(
        default=None, alias="to", description="Before this time (a date is its beginning, UTC)."
    )

    @model_validator(mode="after")
    def _ordered(self) -> "Period":
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("'from' must be before 'to'")
        return self


class Paged(Period):
    """A list that is answered a page at a time."""

    limit: int = Field(default=50, ge=1, le=500, description="At most so many rows in one answer.")
    cursor: str | None = Field(
        default=None, description="`next_cursor` of the answer before, with the same filters."
    )


class FixedCostParameters(Period):
    """Of which UTC days; by default this month so far."""


class UsageParameters(Period):
    """What usage to sum, and by what."""

    group_by: _Dimensions = Field(
        default=[Dimension.TOOL, Dimension.MODEL],
        description="Dimensions, separated by commas: one row for each combination of values.",
    )
    tool: list[Text] = _filter("tool")
    tool_version: list[Text] = _filter("version of a tool")
    model: list[Text] = _filter("model, as the tool spells it")
    user: list[Text] = _filter("user (a pseudonym)")
    team: list[Text] = _filter("team")
    repo: list[Text] = _filter("repository (owner/name)")
    day: list[_Day] = Field(
        default=[], description="Only this UTC day. Repeat it to allow several values."
    )
    query_source: list[Text] = _filter("purpose of requests: main, subagent or auxiliary")
    session: list[Text] = _filter("session id")

    @model_validator(mode="after")
    def _an_hour(self) -> "UsageParameters":
        if self.start and self.end and hour_floor(self.start) == hour_floor(self.end):
            raise ValueError(
                "'from' and 'to' are in the same hour: both are taken at its beginning, and"
                " nothing lies between"
            )
        return self

    def selection(self) -> Selection:
        """What to ask the store for."""
        told: dict[Dimension, list[str]] = {name: getattr(self, name) for name in Dimension}
        return Selection(start=self.start, end=self.end, values=allowed(told))


class OwnSessionParameters(Paged):
    """Which of somebody's sessions to list, as in ``SessionParameters``."""

    tool: list[Text] = _only("tool")
    model: list[Text] = _filter("model, among those that the session used")
    team: list[Text] = _filter("team")
    repo: list[Text] = _filter("repository (owner/name) that usage is booked under")
    label: list[Label] = _only("current label")


class SessionParameters(OwnSessionParameters):
    """Which sessions to list. ``from`` and ``to`` take those seen at some time between them."""

    user: list[Text] = _filter("user (a pseudonym)")


class PredictionParameters(Paged):
    """Which early warnings. ``from`` and ``to`` take those of sessions that ended between them."""

    tool: list[Text] = _only("tool")
    answer: list[Literal["productive", "inefficient", "wasteful", ""]] = Field(
        default=[],
        description="Only this answer. An empty value means *not sure enough to say*. Repeat it to"
        " allow several values.",
    )


class LinkParameters(Paged):
    """Which links. ``from`` and ``to`` take those of sessions seen at some time between them."""

    tool: list[Text] = _only("tool")
    session_id: list[Text] = _only("session id")
    kind: list[TargetKind] = _only("kind of target")
    repo: list[Text] = _only("repository of a commit or change (owner/name)")
    id: list[Text] = _only("target: SHA of a commit, number of a change, or key of a ticket")
    tier: list[Tier] = _only("tier")
    min_probability: float = Field(
        default=0.0, ge=0.0, le=1.0, description="Only links of this probability at least."
    )


class ChangeParameters(Paged):
    """Which changes. ``from`` and ``to`` take those that were open at some time between them."""

    repo: list[Text] = _only("repository (owner/name)")
    state: list[ChangeState] = _only("state")
    ticket: list[Text] = _only("ticket, among those that the change names")
    linked: bool | None = Field(
        default=None,
        description="Only changes with a session linked by tier A or B; false: only those without.",
    )


class TicketParameters(Paged):
    """Which tickets. ``from`` and ``to`` take those that changed last between them."""

    tracker: list[Text] = _only("tracker, for example `jira`")
    project: list[Text] = _only("project")
    state: list[TicketState] = _only("state")


class TicketAsked(AsOf):
    """Which of the tickets of a key."""

    tracker: Text | None = Field(
        default=None, description="The tracker, where several have a ticket of this key."
    )


class LeakParameters(Parameters):
    """Which leaks to list."""

    detector: list[Text] = _only("detector, for example `caching_off`")
    tool: list[Text] = _only("tool")
    team: list[Text] = _only("team")
    repo: list[Text] = _only("repository (owner/name)")
    model: list[Text] = _only("model, as the tool spells it")

    def wanted(self) -> dict[str, frozenset[str]]:
        """The values wanted of each attribute that was filtered by."""
        told: dict[str, list[str]] = self.model_dump()
        return {name: frozenset(values) for name, values in told.items() if values}


class PeopleParameters(Parameters):
    """Which people."""

    team: list[Text] = _only("team, of members or leads")


class CoverageParameters(Parameters):
    """Which records to count."""

    tool: list[Text] = Field(
        default=[], description="Only this tool (`unknown`: none was recognised). Repeatable."
    )
    outcome: list[Text] = Field(
        default=[], description="Only this outcome, for example `unknown`. Repeatable."
    )


def allowed(told: Mapping[Dimension, Iterable[str]]) -> dict[Dimension, frozenset[str | None]]:
    """Filters as the store takes them: those that were given, the empty value as None."""
    sets = {name: frozenset(value or None for value in values) for name, values in told.items()}
    return {name: values for name, values in sets.items() if values}
