"""Cursor's server-side OpenTelemetry Export (Enterprise), from its wire reference; no capture yet.

Authority: log events, delivered at least once and told apart by ``cursor.event.id``. Metrics,
delivered at most once, name no conversation: they count for tool calls, which nothing else tells,
and repeat the rest. There are no spans.

Traps. The name is in the event name, an attribute or, without its prefix and with underscores, in
the body; a body may end in the event's kind. A subagent has a conversation of its own without any
link to its parent. ``cursor.api.correction`` takes a request off the bill and names neither its
model nor its tokens: the tokens were used all the same and stay counted, and no cost is booked that
would have to be taken back. ``cursor.cost.usage`` is an estimate of no session: booked beside the
same requests priced from their tokens, it would count their cost twice, so it is not.

Not told: reasoning, accepted and rejected edits, lines, commits, branch, prompts; repository; cost
and tools of a session; Bugbot's conversation.
"""

from msgspec import structs

from collector.attributes import event_name
from collector.dialects.amounts import whole
from collector.dialects.dialect import Dialect, identity
from collector.dialects.grouped import entire, said
from collector.dialects.metrics import observe_point
from collector.dialects.tool_text import tool_name
from collector.sender import Sender, sender_of
from domain.events import (
    Counted,
    Fact,
    Observation,
    Outcome,
    Pass,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Source,
)
from domain.pseudonym import Pseudonyms
from domain.record import (
    Attributes,
    LogRecord,
    MetricPoint,
    Scope,
    Temporality,
    count,
    recorded_us,
    text,
)
from domain.usage import Tokens

TOOL = "cursor"
_LOG_RANK, _METRIC_RANK = 0, 1
_SESSION = "cursor.conversation.id"
_REQUEST = "cursor.api.request."
# Known, and nothing we account; conversation events carry content and are opt-in.
_IGNORED = (
    "api_correction",
    "skill_activated",
    "hook_execution_complete",
    "plugin_installed",
    "cloud_agent_",
    "grok_bot_",
    "conversation_",
)


def read_log(record: LogRecord, pseudonyms: Pseudonyms) -> Outcome:
    """One log event: a model request, its failure, or a cloud agent's pull request."""
    name, attributes = _name(record), record.attributes
    facts = _facts(name, attributes)
    if isinstance(facts, Pass):
        return facts
    at = recorded_us(record.time_ns, record.observed_ns)
    if at is None:
        return Pass.MALFORMED
    sender = _sender(attributes, record.scope, pseudonyms)
    return Observation(
        origin=sender.origin(TOOL, said(attributes, record.scope, _SESSION), Source.LOG, _LOG_RANK),
        key=_log_identity(name, record),
        at_us=at,
        stated=tuple(facts),
    )


def read_point(point: MetricPoint, pseudonyms: Pseudonyms) -> Outcome:
    """Tool calls; tokens and cost repeat what log events tell by request."""
    if point.name in ("cursor.token.usage", "cursor.cost.usage"):
        return Pass.DUPLICATE_SOURCE
    if point.name != "cursor.tool.calls":
        return Pass.UNKNOWN
    attributes = point.attributes
    tool = tool_name(text(attributes, "cursor.tool.name"))
    calls = whole(Quantity.TOOL_CALLS, point.value)
    fact = Counted(quantity=Quantity.TOOL_CALLS, amount=calls, item=tool)
    sender = _sender(attributes, point.scope, pseudonyms)
    seen = observe_point(point, sender.origin(TOOL, None, Source.METRIC, _METRIC_RANK), fact)
    # An aborted call is neither: the user stopped it. A cumulative reading has one amount only.
    failed = text(attributes, "cursor.tool.status") == "failure"
    if isinstance(seen, Pass) or not failed or point.temporality is not Temporality.DELTA:
        return seen
    failure = Counted(quantity=Quantity.TOOL_FAILURES, amount=calls, item=tool)
    return structs.replace(seen, stated=(fact, failure))


def _name(record: LogRecord) -> str:
    """The event's name as its body spells it: no prefix, underscores for dots."""
    told = event_name(record)
    return told.removeprefix("cursor.").replace(".", "_")


def _facts(name: str, attributes: Attributes) -> list[Fact] | Pass:
    if name == "api_request":
        return _answered(attributes)
    if name == "api_error":
        return [RequestFailed(model=text(attributes, "cursor.model.name"))]
    if name.startswith("cloud_agent_pull_request"):
        kind = text(attributes, "cursor.cloud_agent.pull_request.kind")
        if kind == "opened" or (kind is None and name.endswith("_opened")):
            return [Counted(quantity=Quantity.CHANGES_OPENED, amount=1)]
        return Pass.IGNORED
    return Pass.IGNORED if name.startswith(_IGNORED) else Pass.UNKNOWN


def _answered(attributes: Attributes) -> list[Fact]:
    tokens = Tokens(
        input=count(attributes, f"{_REQUEST}input_tokens"),
        cache_read=count(attributes, f"{_REQUEST}cache_read_tokens"),
        cache_write=count(attributes, f"{_REQUEST}cache_creation_tokens"),
        output=count(attributes, f"{_REQUEST}output_tokens"),
    )
    return [RequestAnswered(model=text(attributes, "cursor.model.name"), tokens=tokens)]


def _log_identity(name: str, record: LogRecord) -> bytes:
    """Cursor's own key for what it sends again; without one, the whole record."""
    event_id = text(record.attributes, "cursor.event.id")
    if event_id is not None:
        return identity(TOOL, "event", event_id)
    return identity(TOOL, name, record.time_ns, entire(record))


def _sender(attributes: Attributes, scope: Scope, pseudonyms: Pseudonyms) -> Sender:
    resource = scope.resource
    team = said(attributes, scope, "cursor.team.id")
    account = said(attributes, scope, "cursor.user.account_id")
    number = said(attributes, scope, "cursor.user.id")
    known = dict(attributes)
    if team is not None:
        known.setdefault("team.id", team)
    # The number means something within the team only.
    who = account or (f"{team}/{number}" if number is not None else None)
    if who is not None:
        known.setdefault("user.account_id", who)
    return sender_of(known, scope, text(resource, "service.version"), pseudonyms)


DIALECT = Dialect(
    tool=TOOL,
    scopes=("cursor.telemetry",),
    prefixes=("cursor.",),
    services=frozenset({"cursor"}),
    log=read_log,
    point=read_point,
)
