"""Cline: VS Code extension and SDK, from its source (3.18 to 4.1) and reports; no capture yet.

Authority: log events; the event's name is the log body. ``task.tokens`` for requests, tokens and
cost, ``task.conversation_turn`` up to 3.69, where it alone carried them (rank 1), metrics last
(rank 2). A task (``ulid``) is a session.

Traps. Input leaves the cached tokens out, but not in the SDK before its core 0.0.74 (extension
4.1.9, CLI 3.0.54). Up to 4.0 the extension gives as many ``task.tokens`` for one request as its
provider sends usage chunks; a chunk without any prompt continues the request before it, and where
the stream is Anthropic's tells its whole output, of which the chunk with the prompt told the first
token or two. Values that are missing arrive as the texts ``undefined`` and ``null``. The
extension's ``success`` of a tool says whether the user let it run; the SDK's says how it ended. The
extension's user turns are requests, tool results included; the SDK's are prompts. A completed or
failed subagent is one event, misnamed as started where it failed. Cost is computed from Cline's own
price table, zero for models free of charge.

Not told: subagents' tokens, reasoning, commits, branch, repository, retries of the provider.
"""

from collections.abc import Callable

from msgspec.structs import replace

from collector.attributes import event_name
from collector.dialects.amounts import told_cost, whole
from collector.dialects.dialect import Dialect, identity
from collector.dialects.grouped import completing, entire
from collector.dialects.inclusive import inclusive_tokens
from collector.dialects.metrics import observe_point
from collector.dialects.tool_text import tool_name
from collector.sender import Sender, sender_of
from domain.events import (
    Counted,
    Fact,
    Observation,
    Outcome,
    Pass,
    Purpose,
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
    Value,
    count,
    flag,
    recorded_us,
    text,
)
from domain.usage import Tokens

TOOL = "cline"
_Reader = Callable[[Attributes], list[Fact]]
_LOG_RANK, _TURN_RANK, _METRIC_RANK = 0, 1, 2
_TURN = "task.conversation_turn"
_ABSENT = ("undefined", "null")
_MODEL = ("model", "modelId")
_TASK = ("ulid", "task_id", "taskId")
_ALIASES = {
    "user.email": ("account_email",),
    "user.account_id": ("user_id", "userId", "account_id"),
    "user.id": ("device_id",),
}
_ANTHROPIC_STREAMS = frozenset({"anthropic", "minimax"})
# What task events say that others say better, or again.
_REPEATED = frozenset(
    {
        "task.agent_created",
        "task.diff_edit_failed",
        "task.gemini_api_performance",
        "task.mcp_tool_called",
        "task.provider_stream_failed",
    }
)
_NAMES = (
    "task.",
    "user.",
    "ui.",
    "hooks.",
    "workspace.",
    "worktree.",
    "host.",
    "session.",
    "remote_config.",
    "sdk.",
    "agent.",
    "extension.",
    "cline.",
    "user_identified",
    "$feature_flag",
)
_COUNTERS = {
    "cline.tokens.input.total": Quantity.TOKENS_INPUT,
    "cline.tokens.output.total": Quantity.TOKENS_OUTPUT,
    "cline.cache.read.tokens.total": Quantity.TOKENS_CACHE_READ,
    "cline.cache.write.tokens.total": Quantity.TOKENS_CACHE_WRITE,
    "cline.cost.total": Quantity.COST_NANOUSD,
    "cline.errors.total": Quantity.REQUESTS_FAILED,
    "cline.tool.calls.total": Quantity.TOOL_CALLS,
}


def read_log(record: LogRecord, pseudonyms: Pseudonyms) -> Outcome:
    """One log event; what it names in its body."""
    name = event_name(record)
    attributes = _known(record)
    reader = _EVENTS.get(name)
    if reader is None:
        return _passed(name)
    facts = reader(attributes)
    if not facts:
        return Pass.IGNORED
    at = recorded_us(record.time_ns, record.observed_ns)
    if at is None:
        return Pass.MALFORMED
    sender = _sender(attributes, record.scope, pseudonyms)
    # No event has an id, so the whole record is its identity.
    return Observation(
        origin=sender.origin(
            TOOL, text(attributes, *_TASK), Source.LOG, _TURN_RANK if name == _TURN else _LOG_RANK
        ),
        key=identity(TOOL, name, record.time_ns, entire(record)),
        at_us=at,
        stated=tuple(facts),
    )


def read_point(point: MetricPoint, pseudonyms: Pseudonyms) -> Outcome:
    """One point of a counter; the other counters and histograms repeat events."""
    quantity = _COUNTERS.get(point.name)
    if quantity is None:
        return Pass.DUPLICATE_SOURCE if point.name.startswith("cline.") else Pass.UNKNOWN
    attributes = _known(point)
    fact = Counted(
        quantity=quantity,
        amount=whole(quantity, point.value),
        item=tool_name(text(attributes, "tool")) if quantity is Quantity.TOOL_CALLS else "",
        model=text(attributes, *_MODEL),
    )
    sender = _sender(attributes, point.scope, pseudonyms)
    return observe_point(
        point, sender.origin(TOOL, text(attributes, *_TASK), Source.METRIC, _METRIC_RANK), fact
    )


def _known(record: LogRecord | MetricPoint) -> dict[str, Value]:
    """What the record says, with its task and user, but not what it only spells as missing."""
    told = _with_whose(record.attributes, record.scope)
    return {name: value for name, value in told.items() if value not in _ABSENT}


_with_whose = completing(_TASK, *_ALIASES.values())


def _passed(name: str) -> Pass:
    if name in _REPEATED:
        return Pass.DUPLICATE_SOURCE
    return Pass.IGNORED if name.startswith(_NAMES) else Pass.UNKNOWN


def _tokens(attributes: Attributes) -> list[Fact]:
    sent = count(attributes, "tokensIn", "tokens_in")
    read = count(attributes, "cacheReadTokens", "cached_tokens")
    write = count(attributes, "cacheWriteTokens")
    output = count(attributes, "tokensOut", "tokens_out")
    tokens = Tokens(input=sent, cache_read=read, cache_write=write, output=output)
    if _by_sdk(attributes) and "provider" not in attributes:
        # The change that took the cached tokens out of the SDK's input also added the provider.
        tokens = inclusive_tokens(sent, read, write, output, None)
    cost = told_cost(attributes, "totalCost", "cost")
    model, purpose = text(attributes, *_MODEL), _purpose(attributes)
    if tokens.input == 0 and not (tokens.cache_read or tokens.cache_write):
        # Anthropic's stream: the request was counted with its prompt, this is its end.
        ended = ((Quantity.TOKENS_OUTPUT, tokens.output), (Quantity.COST_NANOUSD, cost))
        return [
            Counted(quantity=quantity, amount=amount, model=model, purpose=purpose)
            for quantity, amount in ended
            if amount
        ]
    return [RequestAnswered(model=model, tokens=tokens, purpose=purpose, cost_nanousd=cost)]


def _chunk(attributes: Attributes) -> list[Fact]:
    """A request, or a chunk of one."""
    facts = _tokens(attributes)
    if not _ends_with_its_output(attributes):
        return facts
    return [
        replace(fact, tokens=replace(fact.tokens, output=None))
        if isinstance(fact, RequestAnswered)
        else fact
        for fact in facts
    ]


def _ends_with_its_output(attributes: Attributes) -> bool:
    """Whether a request's last chunk tells the whole output, also of what the first one told."""
    if _by_sdk(attributes):
        return False
    provider, model = text(attributes, "provider"), text(attributes, *_MODEL) or ""
    return provider in _ANTHROPIC_STREAMS or (provider == "vertex" and model.startswith("claude"))


def _turn(attributes: Attributes) -> list[Fact]:
    """A turn of the user's or the model's; the latter carried the tokens up to 3.69."""
    if text(attributes, "source", "role") == "user":
        # Only in the SDK a user's turn is a prompt.
        started = Quantity.PROMPTS if _by_sdk(attributes) else Quantity.REQUESTS_STARTED
        return [Counted(quantity=started, amount=1)]
    told = any(name in attributes for name in ("tokensIn", "tokens_in"))
    return _tokens(attributes) if told else []


def _by_sdk(attributes: Attributes) -> bool:
    """Only the SDK names an agent."""
    return text(attributes, "agentKind", "agentId") is not None


def _purpose(attributes: Attributes) -> Purpose | None:
    subagent = flag(attributes, "isSubagent")
    if subagent is None:
        return None
    return Purpose.SUBAGENT if subagent else Purpose.MAIN


def _tool_used(attributes: Attributes) -> list[Fact]:
    tool = tool_name(text(attributes, "tool", "tool_name"))
    facts: list[Fact] = [Counted(quantity=Quantity.TOOL_CALLS, amount=1, item=tool)]
    if flag(attributes, "success") is False:
        asked = flag(attributes, "autoApproved", "auto_approved") is False
        ended = Quantity.TOOL_DENIALS if asked else Quantity.TOOL_FAILURES
        facts.append(Counted(quantity=ended, amount=1, item=tool))
    return facts


def _accepted(attributes: Attributes) -> list[Fact]:
    # A changed line is one removed and one added, as everywhere else.
    changed = count(attributes, "linesChanged") or 0
    added = (count(attributes, "linesAdded", "lines_added") or 0) + changed
    removed = (count(attributes, "linesDeleted", "lines_removed") or 0) + changed
    facts: list[Fact] = []
    if text(attributes, "source") != "human":
        tool = tool_name(text(attributes, "tool"))
        facts.append(Counted(quantity=Quantity.EDITS_ACCEPTED, amount=1, item=tool))
        for quantity, amount in (
            (Quantity.LINES_ADDED, added),
            (Quantity.LINES_REMOVED, removed),
        ):
            if amount:
                facts.append(Counted(quantity=quantity, amount=amount))
    return facts


def _rejected(attributes: Attributes) -> list[Fact]:
    tool = tool_name(text(attributes, "tool"))
    return [Counted(quantity=Quantity.EDITS_REJECTED, amount=1, item=tool)]


def _failed(attributes: Attributes) -> list[Fact]:
    return [
        RequestFailed(
            model=text(attributes, *_MODEL),
            purpose=_purpose(attributes),
            status_code=count(attributes, "errorStatus", "error_code"),
        )
    ]


def _subagent_started(attributes: Attributes) -> list[Fact]:
    # The extension reports a subagent that failed by this name, with its outcome.
    failed = flag(attributes, "success") is False
    return [Counted(quantity=Quantity.SUBAGENTS, amount=1)] if failed else []


def _one(quantity: Quantity, item: str = "") -> _Reader:
    fact = Counted(quantity=quantity, amount=1, item=item)
    return lambda _: [fact]


_EVENTS: dict[str, _Reader] = {
    "task.tokens": _chunk,
    _TURN: _turn,
    "task.tool_used": _tool_used,
    "task.provider_api_error": _failed,
    "task.ai_output.accepted": _accepted,
    "task.ai_output.rejected": _rejected,
    "task.created": _one(Quantity.PROCESS_STARTS, "fresh"),
    "task.restarted": _one(Quantity.PROCESS_STARTS, "resume"),
    "task.summarize_task": _one(Quantity.COMPACTIONS),
    "task.compaction_executed": _one(Quantity.COMPACTIONS),
    "task.subagent_started": _subagent_started,
    "task.subagent_completed": _one(Quantity.SUBAGENTS),
    "task.retry_clicked": _one(Quantity.RETRIES),
    "task.provider_request_started": _one(Quantity.REQUESTS_STARTED),
}


def _sender(attributes: Attributes, scope: Scope, pseudonyms: Pseudonyms) -> Sender:
    known = dict(attributes)
    for name, spellings in _ALIASES.items():
        told = text(attributes, *spellings)
        if told is not None:
            known.setdefault(name, told)
    version = text(attributes, "extension_version") or text(scope.resource, "service.version")
    return sender_of(known, scope, version, pseudonyms)


DIALECT = Dialect(
    tool=TOOL,
    scopes=("cline",),
    prefixes=("cline.",),
    services=frozenset({"cline"}),
    log=read_log,
    point=read_point,
)
