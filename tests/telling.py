"""Records made by hand for one dialect, and what it says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import strategies as st

from collector.dialects.dialect import Dialect
from domain.events import (
    Context,
    Counted,
    Fact,
    Observation,
    Origin,
    Outcome,
    Quantity,
    Series,
    Source,
    Traced,
)
from domain.record import (
    EPOCH,
    Attributes,
    LogRecord,
    MetricPoint,
    Scope,
    Span,
    SpanEvent,
    Temporality,
    Value,
)
from tests.capturing import PSEUDONYMS

AT = 1_795_321_912_861_000_000
_PLAIN: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=9),
    st.binary(max_size=9),
)
_VALUES: st.SearchStrategy[Value] = st.one_of(
    _PLAIN, st.lists(_PLAIN, max_size=2), st.dictionaries(st.text(max_size=3), _PLAIN, max_size=2)
)


@dataclass(frozen=True)
class Teller:
    """A dialect and the scope that its tool records under."""

    dialect: Dialect
    scope: Scope

    def log(
        self, name: str, attributes: Attributes, *, time_ns: int = AT, observed_ns: int = 0
    ) -> Outcome:
        """What the dialect makes of a log record with its name in the body."""
        assert self.dialect.log is not None
        record = LogRecord(self.scope, time_ns, observed_ns, "", name, attributes)
        return self.dialect.log(record, PSEUDONYMS)

    def point(
        self,
        name: str,
        value: float,
        attributes: Attributes,
        *,
        temporality: Temporality = Temporality.DELTA,
        count: int | None = None,
    ) -> Outcome:
        """What the dialect makes of a sum's point, or a histogram's where it has a count."""
        assert self.dialect.point is not None
        kind = "sum" if count is None else "histogram"
        record = MetricPoint(
            self.scope, name, "", kind, temporality, AT, AT + 5, value, count, attributes
        )
        return self.dialect.point(record, PSEUDONYMS)

    def span(
        self,
        name: str,
        attributes: Attributes,
        *,
        failed: bool = False,
        parent: str = "",
        events: Sequence[SpanEvent] = (),
    ) -> Outcome:
        """What the dialect makes of a finished span."""
        assert self.dialect.span is not None
        record = Span(
            self.scope, name, "aa" * 16, "bb" * 8, parent, AT, AT + 1000, failed, attributes,
            tuple(events),
        )  # fmt: skip
        return self.dialect.span(record, PSEUDONYMS)

    def untimed_span(self, name: str, attributes: Attributes) -> Outcome:
        """What the dialect makes of a span that has lost its times."""
        assert self.dialect.span is not None
        record = Span(self.scope, name, "aa" * 16, "bb" * 8, "", 0, 0, False, attributes)
        return self.dialect.span(record, PSEUDONYMS)


def observation(
    *,
    tool: str,
    session_id: str | None,
    installation: str,
    key: bytes,
    at: datetime,
    source: Source,
    rank: int,
    context: Context,
    facts: tuple[Fact, ...],
    series: Series | None = None,
) -> Observation:
    """An observation that some dialect might have made."""
    origin = Origin(tool, session_id, installation, source, rank, context)
    return Observation(origin, key, (at - EPOCH) // timedelta(microseconds=1), facts, series)


def observed(outcome: Outcome) -> Observation:
    """The observation that a record must have given."""
    assert isinstance(outcome, Observation), outcome
    return outcome


def facts(outcome: Outcome) -> list[Fact]:
    """An observation's facts without those that only name the tool's version."""
    told = observed(outcome).facts
    return [fact for fact in told if not (isinstance(fact, Traced) and _is_version(fact))]


def so_many(quantity: Quantity, amount: int = 1, item: str = "") -> Counted:
    """A count of a session."""
    return Counted(quantity=quantity, amount=amount, item=item)


def any_attributes(*names: str) -> st.SearchStrategy[dict[str, Value]]:
    """Arbitrary values under these names and under names that nobody expects."""
    named = st.sampled_from(names) | st.text(max_size=5)
    return st.dictionaries(named, _VALUES, max_size=8)


def _is_version(fact: Traced) -> bool:
    return fact.trace.value == "tool_version"
