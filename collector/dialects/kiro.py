"""Kiro's server-side export (enterprise profiles), from its documentation; no capture of it yet.

Authority: the real-time events, which are log records: ``kiro.chat.message`` for each model request
and ``kiro.tool.call`` for each finished tool call. The ``kiro.daily.*`` metrics add up the same
activity by user and day without any id, so they are never booked beside the events.

Traps. Rarely an event comes twice. A tool call is reported by the client and arrives up to 45
minutes late; its own time says when it happened. A subagent opens a conversation of its own. Kiro
bills in credits, which are neither tokens nor money here. Of the attributes the documents at hand
name the user, the mail address, the client and the model; the others are read by the names that
the documents' own scheme and the GenAI conventions give them, and tokens only by the latter.

Not told: cost in money, lines, commits, branch, repository, prompts as such, failed requests.
"""

from collector.attributes import event_name
from collector.dialects.dialect import Dialect, identity
from collector.dialects.grouped import entire, said
from collector.dialects.tool_text import tool_name
from collector.dialects.usage_attributes import told_tokens
from collector.sender import Sender, sender_of
from domain.events import (
    Counted,
    Fact,
    Observation,
    Outcome,
    Pass,
    Quantity,
    RequestAnswered,
    Source,
)
from domain.pseudonym import Pseudonyms
from domain.record import (
    Attributes,
    LogRecord,
    MetricPoint,
    Scope,
    flag,
    recorded_us,
    text,
)

TOOL = "kiro"
_SESSION = ("kiro.conversation.id", "gen_ai.conversation.id", "session.id")
_MESSAGE_IDS = ("kiro.event.id", "kiro.request.id")
_CALL_IDS = ("kiro.event.id", "kiro.tool.call.id", "gen_ai.tool.call.id")
_MODEL = ("kiro.model.name", "kiro.model.id", "gen_ai.response.model", "gen_ai.request.model")
_FAILED = frozenset({"error", "failure", "failed"})
_ALIASES = {"user.email": "kiro.user.email", "user.account_id": "kiro.user.id"}


def read_log(record: LogRecord, pseudonyms: Pseudonyms) -> Outcome:
    """One real-time event."""
    attributes = record.attributes
    name = event_name(record)
    if name not in _EVENTS:
        return Pass.UNKNOWN
    reader, ids = _EVENTS[name]
    # The observed time is when Kiro sent the event, which may be much later.
    at = recorded_us(record.time_ns, record.observed_ns)
    if at is None:
        return Pass.MALFORMED
    sender = _sender(attributes, record.scope, pseudonyms)
    return Observation(
        origin=sender.origin(TOOL, said(attributes, record.scope, *_SESSION), Source.LOG, 0),
        key=_log_identity(name, record, ids),
        at_us=at,
        stated=tuple(reader(attributes)),
    )


def read_point(point: MetricPoint, _: Pseudonyms) -> Outcome:
    """The totals of a user's day, made of the same requests that the events tell."""
    return Pass.DUPLICATE_SOURCE if point.name.startswith("kiro.daily.") else Pass.UNKNOWN


def _message(attributes: Attributes) -> list[Fact]:
    tokens = told_tokens(attributes, cache_inside_input=True)
    facts: list[Fact] = [RequestAnswered(model=text(attributes, *_MODEL), tokens=tokens)]
    if not tokens.told():
        facts.append(Counted(quantity=Quantity.REQUESTS_UNMEASURED, amount=1))
    return facts


def _tool_call(attributes: Attributes) -> list[Fact]:
    tool = tool_name(text(attributes, "kiro.tool.name", "gen_ai.tool.name"))
    facts: list[Fact] = [Counted(quantity=Quantity.TOOL_CALLS, amount=1, item=tool)]
    status = (text(attributes, "kiro.tool.status") or "").lower()
    succeeded = flag(attributes, "kiro.tool.success")
    if status in _FAILED or succeeded is False or text(attributes, "error.type"):
        facts.append(Counted(quantity=Quantity.TOOL_FAILURES, amount=1, item=tool))
    return facts


_EVENTS = {
    "kiro.chat.message": (_message, _MESSAGE_IDS),
    "kiro.tool.call": (_tool_call, _CALL_IDS),
}


def _log_identity(name: str, record: LogRecord, ids: tuple[str, ...]) -> bytes:
    """The most particular id with the time it happened; without any id, the whole record."""
    event_id = text(record.attributes, *ids)
    if event_id is not None:
        return identity(TOOL, name, record.time_ns, event_id)
    return identity(TOOL, name, record.time_ns, entire(record))


def _sender(attributes: Attributes, scope: Scope, pseudonyms: Pseudonyms) -> Sender:
    known = dict(attributes)
    for name, spelling in _ALIASES.items():
        told = said(attributes, scope, spelling)
        if told is not None:
            known.setdefault(name, told)
    version = text(attributes, "kiro.client.version") or text(scope.resource, "service.version")
    return sender_of(known, scope, version, pseudonyms)


DIALECT = Dialect(
    tool=TOOL,
    scopes=(),
    prefixes=("kiro.",),
    services=frozenset({"kiro", "kiro-enterprise"}),
    log=read_log,
    point=read_point,
)
