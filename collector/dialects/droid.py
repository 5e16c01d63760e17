"""Factory Droid: CLI, exec, desktop. Version seen: 0.225.2 in both formats.

Authority. The formats replace each other. ``legacy`` (the default) is metrics only: everything
from the delta counters ``droid.*``, tokens among them from ``droid.token.*``. ``genai``: spans for
requests, tools and turns; the metrics repeat them, but for tokens and tools of sessions without
spans. Commits, pull requests and lines exist in ``legacy`` only.

Traps. The vendor decides for each organisation whether tokens are sent at all: by default neither
format has any, and a request without tokens stays out of usage, as its size is unknown. Input
leaves the cached tokens out in both formats, against the GenAI conventions (read in the shipped
code). ``invoke_agent`` repeats the usage of its turn. Placeholders stand for people who are not
logged in. ``granularity=aggregate`` drops person, commit and pull request.

Not told: failed requests (a span has ``error.type``, metrics nothing), prompts in ``legacy``, cost,
reasoning, branch; a commit made with ``-q``; a repository by more than the last two parts of its
path.
"""

import re

from msgspec import structs

from collector.dialects.amounts import whole
from collector.dialects.dialect import Dialect, span_identity
from collector.dialects.grouped import said
from collector.dialects.metrics import observe_point
from collector.dialects.tiers import told_tier
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
    RequestFailed,
    Source,
    Trace,
    Traced,
)
from domain.pseudonym import Pseudonyms
from domain.record import (
    Attributes,
    MetricPoint,
    Scope,
    Span,
    Temporality,
    flag,
    recorded_us,
    text,
)
from domain.repository import repository_name

TOOL = "droid"
_SPANS, _LEGACY_METRICS, _GENAI_METRICS = 0, 1, 2
_NOBODY = frozenset({"airgapped-user", "anonymous", "unknown"})
_EDIT_TOOLS = frozenset({"Edit", "MultiEdit", "Create", "ApplyPatch"})
_SHA = re.compile(r"^[0-9a-f]{7,64}$")
_CHANGE_URL = re.compile(r"^(?P<remote>https?://.+?)/(?:-/)?(?:pull|merge_requests)/\d+")
_COUNTERS = {
    "droid.session.count": Quantity.PROCESS_STARTS,
    "droid.git.commits": Quantity.COMMITS,
    "droid.git.pull_requests": Quantity.CHANGES_OPENED,
    "droid.tool.invocations": Quantity.TOOL_CALLS,
    "droid.command.blocked": Quantity.TOOL_DENIALS,
    "droid.token.input": Quantity.TOKENS_INPUT,
    "droid.token.output": Quantity.TOKENS_OUTPUT,
    "droid.token.cache_read": Quantity.TOKENS_CACHE_READ,
    "droid.token.cache_write": Quantity.TOKENS_CACHE_WRITE,
}
_LINE_OPERATIONS = {"added": Quantity.LINES_ADDED, "removed": Quantity.LINES_REMOVED}
_TOKEN_TYPES = {"input": Quantity.TOKENS_INPUT, "output": Quantity.TOKENS_OUTPUT}
# Whether an MCP call counts among the tool invocations too is not documented: one of the two.
_REPEATED = frozenset(
    {
        "droid.mcp.tool_invocations",
        "droid.tool.execution_time",
        "gen_ai.client.operation.duration",
        "gen_ai.invoke_agent.inference_calls",
        "gen_ai.invoke_agent.tool_calls",
        "droid.tool.call",
        "droid.tool.result",
        "droid.turn.complete",
    }
)


def read_point(point: MetricPoint, pseudonyms: Pseudonyms) -> Outcome:
    """One point: a counter of the legacy format, or a histogram that repeats genai spans."""
    counter = _counter(point)
    if isinstance(counter, Pass):
        return counter
    quantity, amount, rank = counter
    attributes = point.attributes
    named = quantity in (Quantity.TOOL_CALLS, Quantity.TOOL_DENIALS)
    item = tool_name(text(attributes, "tool.name", "gen_ai.tool.name")) if named else ""
    tokens = quantity.value.startswith("tokens.")
    fact = Counted(
        quantity=quantity, amount=amount, item=item, model=_model(attributes) if tokens else None
    )
    sender = _sender(attributes, point.scope, pseudonyms)
    session_id = said(attributes, point.scope, "session.id")
    seen = observe_point(point, sender.origin(TOOL, session_id, Source.METRIC, rank), fact)
    more = _beside(fact, point)
    if isinstance(seen, Pass) or not more:
        return seen
    return structs.replace(seen, stated=(fact, *more))


def read_span(span: Span, pseudonyms: Pseudonyms) -> Outcome:
    """One span of the genai format, or one that carries message content in the other."""
    told = _span_facts(span)
    if isinstance(told, Pass):
        return told
    at = recorded_us(span.end_ns, span.start_ns)
    if at is None:
        return Pass.MALFORMED
    sender = _sender(span.attributes, span.scope, pseudonyms)
    session_id = said(span.attributes, span.scope, "session.id", "gen_ai.conversation.id")
    return Observation(
        origin=sender.origin(TOOL, session_id, Source.SPAN, _SPANS, told_tier(span.attributes)),
        key=span_identity(TOOL, span),
        at_us=at,
        stated=tuple(told),
    )


def _counter(point: MetricPoint) -> tuple[Quantity, int, int] | Pass:
    name, attributes = point.name, point.attributes
    if name == "gen_ai.execute_tool.duration":
        return Quantity.TOOL_CALLS, point.count or 0, _GENAI_METRICS
    rank, quantity = _LEGACY_METRICS, _COUNTERS.get(name)
    if name == "gen_ai.client.token.usage":
        rank, quantity = _GENAI_METRICS, _TOKEN_TYPES.get(_word(attributes, "gen_ai.token.type"))
    elif name == "droid.code.lines_modified":
        quantity = _LINE_OPERATIONS.get(_word(attributes, "operation"))
    if quantity is not None:
        return quantity, whole(quantity, point.value), rank
    if name in _REPEATED:
        return Pass.DUPLICATE_SOURCE
    return Pass.IGNORED if name.startswith(("droid.", "gen_ai.")) else Pass.UNKNOWN


def _beside(fact: Counted, point: MetricPoint) -> list[Fact]:
    """What a point says besides its own amount: failures among calls, a commit, a repository."""
    attributes, more = point.attributes, list[Fact]()
    commit = _word(attributes, "commit.hash").lower()
    if fact.quantity is Quantity.COMMITS and _SHA.match(commit):
        more.append(Traced(trace=Trace.COMMIT, value=commit))
    change = _CHANGE_URL.match(_word(attributes, "pr.url"))
    repository = repository_name(change["remote"]) if change else None
    if repository:
        more.append(Traced(trace=Trace.REPOSITORY, value=repository))
    # A cumulative reading has one amount only; Droid sends deltas.
    if fact.quantity is Quantity.TOOL_CALLS and point.temporality is Temporality.DELTA:
        more += _ended(fact.item, fact.amount, _error(attributes))
    return more


def _ended(tool: str, amount: int, error: str | None) -> list[Fact]:
    if error is None:
        return []
    quantity = Quantity.TOOL_DENIALS if error == "rejected" else Quantity.TOOL_FAILURES
    return [Counted(quantity=quantity, amount=amount, item=tool)]


def _error(attributes: Attributes) -> str | None:
    """Why a tool call did not succeed; ``rejected`` is the user's or a rule's no."""
    failed = flag(attributes, "tool.succeeded") is False
    return text(attributes, "error.type") or ("failed" if failed else None)


def _span_facts(span: Span) -> list[Fact] | Pass:
    operation = _word(span.attributes, "gen_ai.operation.name")
    if operation == "chat":
        return _request(span)
    if operation == "execute_tool":
        return _tool_call(span)
    if operation == "invoke_agent":
        # The outermost one is a turn of the user's; one inside another span is a subagent.
        started = Quantity.SUBAGENTS if span.parent_span_id else Quantity.PROMPTS
        return [Counted(quantity=started, amount=1)]
    if span.name == "droid.message.user":
        return [Counted(quantity=Quantity.PROMPTS, amount=1)]
    if span.name in _REPEATED:
        return Pass.DUPLICATE_SOURCE
    return Pass.IGNORED if span.name.startswith("droid.") else Pass.UNKNOWN


def _request(span: Span) -> list[Fact]:
    attributes = span.attributes
    tokens = told_tokens(attributes, cache_inside_input=False)
    if tokens.told():
        return [RequestAnswered(model=_model(attributes), tokens=tokens)]
    if span.failed or text(attributes, "error.type"):
        return [RequestFailed(model=_model(attributes))]
    # Seen in every capture: the vendor did not enable tokens. No usage row without any usage.
    return [Counted(quantity=Quantity.REQUESTS_UNMEASURED, amount=1)]


def _tool_call(span: Span) -> list[Fact]:
    name = tool_name(text(span.attributes, "gen_ai.tool.name"))
    error = _error(span.attributes) or ("failed" if span.failed else None)
    facts: list[Fact] = [Counted(quantity=Quantity.TOOL_CALLS, amount=1, item=name)]
    facts += _ended(name, 1, error)
    if name in _EDIT_TOOLS and error in (None, "rejected"):
        edits = Quantity.EDITS_REJECTED if error else Quantity.EDITS_ACCEPTED
        facts.append(Counted(quantity=edits, amount=1, item=name))
    return facts


def _model(attributes: Attributes) -> str | None:
    return text(attributes, "gen_ai.response.model", "gen_ai.request.model", "model.id")


def _word(attributes: Attributes, name: str) -> str:
    return text(attributes, name) or ""


def _sender(attributes: Attributes, scope: Scope, pseudonyms: Pseudonyms) -> Sender:
    version = text(scope.resource, "service.version") or scope.version or None
    around = Scope(scope.name, scope.version, _people(scope.resource))
    return sender_of(_people(attributes), around, version, pseudonyms)


def _people(attributes: Attributes) -> Attributes:
    """Without placeholders, which would make one person of everybody who is not logged in."""
    return {name: value for name, value in attributes.items() if not _placeholder(name, value)}


def _placeholder(name: str, value: object) -> bool:
    return name in ("user.id", "user.email") and isinstance(value, str) and value in _NOBODY


DIALECT = Dialect(
    tool=TOOL,
    scopes=("cli-customer-metrics", "cli-genai-metrics", "cli-agent-trace", "cli-customer-events"),
    prefixes=("droid.",),
    point=read_point,
    span=read_span,
)
