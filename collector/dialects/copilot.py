"""GitHub Copilot: CLI, SDK and app ("copilot"), and Chat in VS Code ("copilot-chat").

Versions seen: CLI 1.0.102; the rest, and older names, from documents and sources. VS Code's agent
host runs the CLI's runtime, which speaks as the CLI does.

Authority: leaf ``chat`` spans for requests and tokens, ``execute_tool`` spans for tool calls,
``invoke_agent`` spans for prompts, subagents, compactions, branch and repository. Lines and the
editor's accept and reject counts come from metrics, which name no session.

Traps. ``invoke_agent`` repeats the usage of its chats, metrics repeat it twice more without any
session, VS Code's events once more. Cached and written tokens are inside input for every provider,
Anthropic's too; reasoning is inside output. Counts of zero are left out, and names
of counts changed with the conventions. Every failed attempt is a
failed chat span without status; only the turn that dies tells one. A shell command that fails is a
success with ``process.exit.code``. VS Code puts the window's ``session.id`` on the resource: the
session is the chat's, and that of titles and subagents is their parent's. Chats with models of
one's own name no chat but that of the agent around them.

Not told: money (``github.copilot.cost`` is a multiplier, ``nano_aiu`` are credits), commits (the
git attributes are where the agent started), by default what was edited (the arguments of tools tell
where content is captured) and who.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from msgspec import structs

from collector.attributes import event_name, remembered
from collector.dialects.amounts import whole
from collector.dialects.dialect import Dialect, place_of, span_identity
from collector.dialects.edited_files import edited_file, files, patched_files
from collector.dialects.grouped import said
from collector.dialects.metrics import observe_point
from collector.dialects.tiers import told_tier
from collector.dialects.tool_text import changes_opened, commits_made, tool_name
from collector.dialects.usage_attributes import told_tokens
from collector.sender import SENDER, Sender, sender_of
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
    Trace,
    Traced,
)
from domain.pseudonym import Pseudonyms
from domain.record import (
    Attributes,
    LogRecord,
    MetricPoint,
    Scope,
    Span,
    Value,
    count,
    flag,
    recorded_us,
    text,
)
from domain.repository import repository_name
from domain.usage import Tokens

CLI = "copilot"
CHAT = "copilot-chat"
RANK = {Source.SPAN: 0, Source.METRIC: 1}

_PLACED = frozenset({"chat", "invoke_agent"})
_IGNORED_OPERATIONS = frozenset({"embeddings", "execute_hook", "create_agent", "plan"})
# VS Code's own frame around the CLI's invoke_agent, which tells the same.
_WRAPPER = "copilotcli"
# The CLI's and VS Code's.
_EDIT_TOOLS = frozenset(
    "apply_patch create create_file edit insert_edit_into_file replace_string_in_file".split()
)
_USER_MESSAGES = frozenset({"github.copilot.user.message", "user_message"})
_COMPACTED = "github.copilot.session.compaction_complete"
_HOUSEKEEPING_LABEL = ("title", "categorization", "progress", "summar")

_EVENTS_TOLD_BETTER = frozenset(
    "gen_ai.client.inference.operation.details copilot_chat.tool.call copilot_chat.agent.turn "
    "copilot_chat.edit.feedback copilot_chat.edit.hunk.action copilot_chat.inline.done".split()
)
_IGNORED_EVENTS = frozenset(
    "copilot_chat.session.start copilot_chat.edit.survival copilot_chat.user.feedback "
    "copilot_chat.inline_agent_survey copilot_chat.cloud.session.invoke".split()
)
_METRICS_TOLD_BETTER = (
    "gen_ai.client.inference.usage.",
    "gen_ai.client.inference.operation.",
    "gen_ai.client.token.usage",
    "gen_ai.invoke_agent.",
    "github.copilot.tool.call.count",
    "copilot_chat.tool.call.count",
    "copilot_chat.chat_edit.outcome.count",
)
_COUNTERS: Mapping[tuple[str, str], Quantity] = {
    ("github.copilot.code.lines_added", ""): Quantity.LINES_ADDED,
    ("github.copilot.code.lines_removed", ""): Quantity.LINES_REMOVED,
    ("copilot_chat.lines_of_code.count", "added"): Quantity.LINES_ADDED,
    ("copilot_chat.lines_of_code.count", "removed"): Quantity.LINES_REMOVED,
    ("copilot_chat.edit.acceptance.count", "accepted"): Quantity.EDITS_ACCEPTED,
    ("copilot_chat.edit.acceptance.count", "rejected"): Quantity.EDITS_REJECTED,
    ("copilot_chat.agent.summarization.count", "applied"): Quantity.COMPACTIONS,
    ("copilot_chat.pull_request.count", ""): Quantity.CHANGES_OPENED,
}


def read_log(record: LogRecord, _: Pseudonyms) -> Outcome:
    """VS Code's events: none names a session, and spans or metrics tell what they tell."""
    name = event_name(record)
    if name in _EVENTS_TOLD_BETTER:
        return Pass.DUPLICATE_SOURCE
    return Pass.IGNORED if name in _IGNORED_EVENTS else Pass.UNKNOWN


def read_point(point: MetricPoint, pseudonyms: Pseudonyms, *, tool: str) -> Outcome:
    """What only counters tell, for whoever sent them: no session is named."""
    attributes = point.attributes
    kind = text(attributes, "type", "outcome", "copilot_chat.edit.outcome") or ""
    quantity = _COUNTERS.get((point.name, kind))
    if quantity is None:
        if point.name.startswith(_METRICS_TOLD_BETTER):
            return Pass.DUPLICATE_SOURCE
        known = point.name.startswith(("gen_ai.", "github.copilot.", "copilot_chat."))
        return Pass.IGNORED if known else Pass.UNKNOWN
    fact = Counted(
        quantity=quantity,
        amount=whole(quantity, point.value),
        item=text(attributes, "copilot_chat.edit.source") or "",
    )
    version = text(point.scope.resource, "service.version")
    sender = sender_of(attributes, point.scope, version, pseudonyms)
    return observe_point(point, sender.origin(tool, None, Source.METRIC, RANK[Source.METRIC]), fact)


def read_span(span: Span, pseudonyms: Pseudonyms, *, tool: str) -> Outcome:
    """A model request, a tool call, a permission, or an agent's run of one prompt."""
    attributes = span.attributes
    operation = text(attributes, "gen_ai.operation.name") or span.name.partition(" ")[0]
    if operation == "chat":
        facts = _chat(span, tool)
    elif operation == "execute_tool":
        facts = _execute_tool(span, pseudonyms)
    elif operation == "permission":
        facts = _permission(attributes)
    elif operation == "invoke_agent":
        if text(attributes, "gen_ai.agent.name") == _WRAPPER:
            return Pass.DUPLICATE_SOURCE
        facts = _invoke_agent(span)
    else:
        known = operation in _IGNORED_OPERATIONS or operation.startswith(
            ("chat.", "session.", "vscode")
        )
        return Pass.IGNORED if known else Pass.UNKNOWN
    at = recorded_us(span.end_ns, span.start_ns)
    if at is None:
        return Pass.MALFORMED
    sender, tier = _sender(attributes, span.scope, pseudonyms), told_tier(attributes)
    session_id = _session(attributes, span.scope)
    return Observation(
        origin=sender.origin(tool, session_id, Source.SPAN, RANK[Source.SPAN], tier),
        key=span_identity(tool, span),
        at_us=at,
        stated=tuple(facts),
        place=place_of(span) if operation in _PLACED else None,
    )


_SESSION = (
    "copilot_chat.parent_chat_session_id",
    "copilot_chat.chat_session_id",
    "copilot_chat.session_id",
    "gen_ai.conversation.id",
)


def _session(attributes: Attributes, scope: Scope) -> str | None:
    """The conversation; VS Code's older chats put a request's id into ``gen_ai.conversation.id``.

    A title or a subagent is a chat session of its own there, and names its parent.
    """
    named = (said(attributes, scope, name) for name in _SESSION)
    session_id = next((each for each in named if each), None)
    # With models of one's own (BYOK) only a request's id stands there, which is no conversation.
    request = text(attributes, "gen_ai.response.id")
    return None if session_id == request else session_id


def _chat(span: Span, tool: str) -> list[Fact]:
    attributes = span.attributes
    model = text(attributes, "gen_ai.response.model", "gen_ai.request.model")
    purpose = _purpose(attributes)
    tokens = told_tokens(attributes, cache_inside_input=True)
    if tokens.billable():
        return [RequestAnswered(model=model, tokens=tokens, purpose=purpose)]
    if _failed(span):
        # The CLI repeats a failed request unless its turn dies, which the turn's span tells.
        if tool == CLI:
            return [Counted(quantity=Quantity.RETRIES, amount=1)]
        if flag(attributes, "copilot_chat.canceled"):
            return []
        return [RequestFailed(model=model, purpose=purpose)]
    # Parallel subagents may come without usage: unknown, not free.
    return [
        RequestAnswered(model=model, tokens=Tokens(), purpose=purpose),
        Counted(quantity=Quantity.REQUESTS_UNMEASURED, amount=1),
    ]


def _failed(span: Span) -> bool:
    """By status or error; VS Code ends the span of a refused request without either."""
    attributes = span.attributes
    answered = "gen_ai.response.finish_reasons" in attributes or "gen_ai.response.id" in attributes
    return span.failed or "error.type" in attributes or not answered


def _purpose(attributes: Attributes) -> Purpose | None:
    """By who began the request (CLI), or by the label of a chat session that has a parent."""
    initiator = text(attributes, "github.copilot.initiator")
    label = text(attributes, "copilot_chat.debug_log_label") or ""
    if initiator == "sub-agent" or "subagent" in label.lower():
        return Purpose.SUBAGENT
    if label.startswith(_HOUSEKEEPING_LABEL):
        return Purpose.AUXILIARY
    return Purpose.MAIN if initiator in ("user", "agent") else None


def _execute_tool(span: Span, pseudonyms: Pseudonyms) -> list[Fact]:
    attributes = span.attributes
    tool = tool_name(text(attributes, "gen_ai.tool.name"))
    facts: list[Fact] = [Counted(quantity=Quantity.TOOL_CALLS, amount=1, item=tool)]
    # Both only where the operator turned content capture on.
    call = text(attributes, "gen_ai.tool.call.arguments", "github.copilot.tool.parameters.command")
    output = text(attributes, "gen_ai.tool.call.result") or ""
    exit_code = text(attributes, "process.exit.code") or "0"
    if span.failed or "error.type" in attributes or exit_code != "0":
        facts.append(Counted(quantity=Quantity.TOOL_FAILURES, amount=1, item=tool))
        if call is not None:
            item = pseudonyms("call", f"{tool}\0{call}")
            facts.append(Counted(quantity=Quantity.REPEATED_FAILURES, amount=1, item=item))
    else:
        facts += changes_opened(call or "", output) + _edited(tool, attributes, pseudonyms)
    return facts + commits_made(call or "", output)


def _edited(tool: str, attributes: Attributes, pseudonyms: Pseudonyms) -> list[Fact]:
    if tool not in _EDIT_TOOLS:
        return []
    path = text(attributes, "github.copilot.tool.parameters.file_path")
    if path is not None:
        return files([path], pseudonyms)
    call = text(attributes, "gen_ai.tool.call.arguments") or ""
    return edited_file(call, pseudonyms) or patched_files(call, pseudonyms)


def _permission(attributes: Attributes) -> list[Fact]:
    result = text(attributes, "github.copilot.permission.result") or ""
    if not result.startswith("denied"):
        return []
    item = text(attributes, "gen_ai.tool.name", "github.copilot.permission.kind")
    return [Counted(quantity=Quantity.TOOL_DENIALS, amount=1, item=tool_name(item))]


def _invoke_agent(span: Span) -> list[Fact]:
    """One prompt, or one subagent; its usage is its chats' and its status the turn's."""
    attributes = span.attributes
    facts: list[Fact] = []
    # The main agent of the CLI has a server's address; of VS Code, no parent.
    named = text(attributes, "gen_ai.agent.name") is not None
    if span.parent_span_id and named and "server.address" not in attributes:
        facts.append(Counted(quantity=Quantity.SUBAGENTS, amount=1))
    elif prompts := _prompts(span):
        facts.append(Counted(quantity=Quantity.PROMPTS, amount=prompts))
    for event in span.events:
        status = count(event.attributes, "github.copilot.error_status_code")
        if status is not None:
            model = text(attributes, "gen_ai.response.model", "gen_ai.request.model")
            facts.append(RequestFailed(model=model, status_code=status))
        if (
            event.name == _COMPACTED
            and flag(event.attributes, "github.copilot.success") is not False
        ):
            facts.append(Counted(quantity=Quantity.COMPACTIONS, amount=1))
    return facts


def _prompts(span: Span) -> int:
    """Messages noted as the user's; an agent run that notes no messages answers one prompt."""
    sources = [
        text(event.attributes, "github.copilot.user.message.source")
        for event in span.events
        if event.name in _USER_MESSAGES
    ]
    return sum(source in (None, "user") for source in sources) if sources else 1


_REMOTE = ("github.copilot.git.repository", "copilot_chat.repo.remote_url")
_BRANCH = ("github.copilot.git.branch", "copilot_chat.repo.head_branch_name")


@remembered(*_REMOTE, *_BRANCH, "user.name", *SENDER)
def _sender(attributes: Attributes, scope: Scope, pseudonyms: Pseudonyms) -> Sender:
    known = dict[str, Value](attributes)
    branch = said(known, scope, *_BRANCH)
    repository = repository_name(said(known, scope, *_REMOTE))
    if repository:
        known["repository"] = repository
    if branch:
        known["branch"] = branch
    sender = sender_of(known, scope, text(scope.resource, "service.version"), pseudonyms)
    login = said(known, scope, "user.name")
    if login is None:
        return sender
    # With identity capture on: the GitHub account, which a forge names too.
    user = pseudonyms("login", login)
    context = structs.replace(sender.context, user=sender.context.user or user)
    traces = (*sender.traces, Traced(trace=Trace.IDENTITY, value=user))
    return replace(sender, context=context, traces=traces)


DIALECTS = (
    Dialect(
        tool=CHAT,
        scopes=("copilot-chat",),
        prefixes=("copilot_chat.",),
        services=frozenset({"copilot-chat"}),
        log=read_log,
        point=partial(read_point, tool=CHAT),
        span=partial(read_span, tool=CHAT),
    ),
    Dialect(
        tool=CLI,
        scopes=("github.copilot", "@github/copilot"),
        prefixes=("github.copilot.",),
        services=frozenset({"github-copilot", "vscode-agent-host"}),
        log=read_log,
        point=partial(read_point, tool=CLI),
        span=partial(read_span, tool=CLI),
    ),
)
