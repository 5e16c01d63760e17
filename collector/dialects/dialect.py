"""What every dialect is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from domain.events import Outcome, Place, Quantity, Source
from domain.folded import hashed
from domain.pseudonym import Pseudonyms
from domain.record import LogRecord, MetricPoint, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One row of the table.

    ``scopes`` and ``prefixes`` are prefixes of the instrumentation scope's name and of event,
    metric and span names; ``services`` are whole values of ``service.name``. A signal without a
    reader carries nothing of this tool that another signal does not carry better. ``tells`` names
    the quantities of which each signal's silence means zero: a session whose logs arrived without
    any edit among them made none.
    """

    tool: str
    scopes: tuple[str, ...]
    prefixes: tuple[str, ...] = ()
    services: frozenset[str] = field(default_factory=frozenset)
    tells: Mapping[Source, frozenset[Quantity]] = field(default_factory=dict)
    log: Callable[[LogRecord, Pseudonyms], Outcome] | None = None
    point: Callable[[MetricPoint, Pseudonyms], Outcome] | None = None
    span: Callable[[Span, Pseudonyms], Outcome] | None = None


def identity(*parts: object) -> bytes:
    """Sixteen bytes that stand for one record, however it is encoded, batched or resent."""
    return blake2b("\0".join(map(str, parts)).encode(), digest_size=16).digest()


def marked_identity(tool: str, name: str, *marks: bytes) -> bytes:
    """The same by marks that are bytes already (see ``attributes.marks``)."""
    parts = (tool.encode(), name.encode(), *marks)
    return blake2b(b"\0".join(parts), digest_size=16).digest()


def span_identity(tool: str, span: Span) -> bytes:
    """A span is itself by its trace and span id."""
    return identity(tool, "span", span.trace_id, span.span_id)


def place_of(span: Span, response_id: str | None = None) -> Place | None:
    """Where a span stands; None without the ids that say so."""
    trace, own, around = span.trace_id, span.span_id, span.parent_span_id
    if not trace or not own:
        return None
    within = hashed("span", trace, around) if around.strip("0") and around != own else 0
    response = hashed("response", trace, response_id) if response_id else 0
    return Place(hashed("trace", trace), hashed("span", trace, own), within, response)
