"""The log events that Gemini CLI and its forks share, and what each of them states.

The names are the same, the meaning of a count is not: a ``Fork`` says what differs. Which signal is
the authority for what stands in the modules of the tools.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from msgspec import structs

from collector.attributes import event_name, marks
from collector.dialects.dialect import marked_identity
from collector.dialects.edited_files import edited_file
from collector.dialects.inclusive import inclusive_tokens
from collector.dialects.tool_text import commits_made, tool_name
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
    Traced,
)
from domain.pseudonym import Pseudonyms
from domain.record import Attributes, LogRecord, Scope, count, flag, recorded_us, text
from domain.usage import Tokens

TOLD_BY_LOGS = frozenset(
    {
        Quantity.TOOL_CALLS,
        Quantity.TOOL_DENIALS,
        Quantity.EDITS_ACCEPTED,
        Quantity.EDITS_REJECTED,
        Quantity.LOOPS_DETECTED,
    }
)
"""What logs without any such event say was none: every finished call of a tool is told, also from
within editors and servers, which tell no prompts. Failures of the shell need ``logPrompts``.
"""

EVENT_PREFIXES = ("gemini_cli.", "qwen-code.", "iflow_cli.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """What differs between the tools that speak these words.

    ``thoughts_inside`` says whether thoughts are part of the output where no total tells it,
    ``usual_purpose`` what a request is for where nothing says so, ``points_name_sessions`` whether
    every point does: a session on the resource of one that does not is then its own, moved there.
    """

    tool: str
    log_rank: int
    metric_rank: int
    thoughts_inside: bool
    usual_purpose: Purpose | None
    points_name_sessions: bool


_EDIT_TOOLS = frozenset({"edit", "notebook_edit", "replace", "write_file"})
# Refused by a rule of the operator, which nobody was asked about.
_DENIALS = frozenset({"execution_denied", "policy_violation"})
_GOOGLE_WIRE = frozenset({"gemini", "vertex-ai", "gemini-api-key", "oauth-personal"})

# Known, and nothing we account: housekeeping, or what another event says better.
_IGNORED_EVENTS = frozenset(
    "agent.finish agent.recovery_attempt api_cancel api_key_updated approval_mode_duration "
    "approval_mode_switch arena_agent_completed arena_session_ended arena_session_started auth "
    "chat.content_retry_failure chat.invalid_chunk chat.protocol_tag_sanitized cli_response config "
    "conseca.policy_generation conseca.verdict conversation_finished credit_purchase_click "
    "credits_used daemon.error edit_correction edit_strategy empty_wallet_menu_shown end_session "
    "extension_disable extension_enable extension_install extension_uninstall extension_update "
    "file_operation flash_decided_to_continue flash_fallback goal_state hook_call ide_connection "
    "keychain.availability "
    "kitty_sequence_overflow llm_loop_check loop_detection_disabled malformed_json_response "
    "memory.dream memory.extract memory.migration memory.recall memory.recall.delivery "
    "memory.recall_mode_transition memory.search memory.usage model_routing next_speaker_check "
    "onboarding.start onboarding.success overage_menu_shown overage_option_selected "
    "performance.baseline performance.regression plan.approval_mode_duration "
    "plan.approval_mode_switch plan.execution prompt_suggestion repeated_tool_failure_guard "
    "rewind ripgrep_fallback ripgrep_runtime_recovery skill_launch "
    "slash_command slash_command.model smart_edit.correction smart_edit.strategy "
    "smart_edit_correction smart_edit_strategy speculation "
    "startup.performance startup_stats token_storage.initialization tool_output_masking "
    "tool_output_truncated tool_result.boundary user_feedback user_retry "
    "web_fetch_fallback_attempt workflow_keyword workflow_run workflow_size_warning".split()
)


def read_log(record: LogRecord, pseudonyms: Pseudonyms, fork: Fork) -> Outcome:
    """One log event; some are written without the tool's prefix (``loop_detected``)."""
    attributes = record.attributes
    name = event_name(record)
    for prefix in EVENT_PREFIXES:
        name = name.removeprefix(prefix)
    if name.startswith("gen_ai."):
        return Pass.DUPLICATE_SOURCE
    if name in _IGNORED_EVENTS:
        return Pass.IGNORED
    reader = _EVENTS.get(name)
    if reader is None:
        return Pass.UNKNOWN
    at = recorded_us(record.time_ns, record.observed_ns)
    if at is None:
        return Pass.MALFORMED
    sender = sender_for(attributes, record.scope, pseudonyms)
    session_id = session_of(attributes, record.scope)
    return Observation(
        origin=sender.origin(fork.tool, session_id, Source.LOG, fork.log_rank),
        key=_log_identity(fork.tool, name, record, session_id),
        at_us=at,
        stated=tuple(reader(attributes, pseudonyms, fork)),
    )


_MARKS = marks(
    *"prompt_id response_id call_id agent_id function_name subagent_name role model "
    "status status_code count attempt attempt_number duration_ms input_token_count "
    "output_token_count total_token_count content_length".split(),
    moment="event.timestamp",
)


def _log_identity(tool: str, name: str, record: LogRecord, session_id: str | None) -> bytes:
    """What makes an event itself: its moment to the millisecond, ids where told, and its counts.

    Gemini numbers nothing; a gateway may add attributes, so not the whole record.
    """
    marked, _ = _MARKS(record.attributes, record.time_ns)
    return marked_identity(tool, name, (session_id or "").encode(), marked)


def session_of(attributes: Attributes, scope: Scope) -> str | None:
    """The session that the record names; of its resource the process may have made it another.

    What a process puts there is a ``session.id``, so that another name was moved from the record.
    """
    return session_named(attributes) or text(scope.resource, *reversed(_SESSION))


def session_named(attributes: Attributes) -> str | None:
    """The session that the record itself names."""
    return text(attributes, *_SESSION)


_SESSION = ("session.id", "gen_ai.conversation.id", "sessionId")


def sender_for(attributes: Attributes, scope: Scope, pseudonyms: Pseudonyms) -> Sender:
    """Who sent it; a version that starts with ``v`` is that of Node."""
    version = text(scope.resource, "service.version")
    told = None if version is None or version.startswith("v") else version
    return sender_of(attributes, scope, told, pseudonyms)


def purpose_of(attributes: Attributes, fork: Fork) -> Purpose | None:
    """What a request was for: Gemini tells a role (since 0.30), Qwen Code and iFlow who asked."""
    role = text(attributes, "role")
    prompt = text(attributes, "prompt_id", "qwen-code.prompt_id") or ""
    agent = text(attributes, "subagent_name") or ""
    if (
        (role or "").startswith("utility_")
        or _kept(agent, prompt)
        or prompt.startswith(_INTERNAL_PROMPTS)
    ):
        return Purpose.AUXILIARY
    if agent or role == "subagent" or prompt.startswith("subagent-"):
        return Purpose.SUBAGENT
    return Purpose.MAIN if role == "main" else fork.usual_purpose


def _kept(agent: str, prompt: str) -> bool:
    """Whether this is the tool's own doing, which keeps facts and skills of what the user does.

    Qwen Code's agents are named in the prompts of all that they do: session#agent-number#turn.
    """
    return agent.startswith(_KEEPERS) or any(name in prompt for name in _KEPT)


_MANAGED = ("managed-auto-memory", "managed-skill-extractor")
_KEPT = tuple(f"#{name}" for name in _MANAGED)
# The last is Gemini's.
_KEEPERS = (*_MANAGED, "confucius")
_INTERNAL_PROMPTS = (
    *("prompt_suggestion", "forked_query", "speculation", "session_title"),
    # Alone where nothing says for what, or with a colon and that.
    "side-query",
)


def _api_response(attributes: Attributes, _: Pseudonyms, fork: Fork) -> Iterator[Fact]:
    tokens = _tokens(attributes, fork)
    yield from answered(text(attributes, "model"), tokens, purpose_of(attributes, fork))


def answered(model: str | None, tokens: Tokens, purpose: Purpose | None) -> Iterator[Fact]:
    """A request that came back. All counts zero means that the provider told none, not nothing."""
    if tokens.billable():
        yield RequestAnswered(model=model, tokens=tokens, purpose=purpose)
    else:
        yield RequestAnswered(model=model, tokens=Tokens(), purpose=purpose)
        yield Counted(quantity=Quantity.REQUESTS_UNMEASURED, amount=1)


def _tokens(attributes: Attributes, fork: Fork) -> Tokens:
    prompt = count(attributes, "input_token_count")
    answer = count(attributes, "output_token_count")
    thoughts = count(attributes, "thoughts_token_count")
    total = count(attributes, "total_token_count")
    told = prompt is not None and answer is not None and total is not None
    beside_output, beside_input = _beside(
        (total or 0) - (prompt or 0) - (answer or 0) if told else None,
        thoughts or 0,
        count(attributes, "tool_token_count") or 0,
        inside=fork.thoughts_inside and text(attributes, "auth_type") not in _GOOGLE_WIRE,
    )
    cached = count(attributes, "cached_content_token_count")
    output = None if answer is None else answer + beside_output
    tokens = inclusive_tokens(prompt, cached, None, output, thoughts)
    return (
        tokens
        if tokens.input is None
        else structs.replace(tokens, input=tokens.input + beside_input)
    )


def _beside(rest: int | None, thoughts: int, tool: int, *, inside: bool) -> tuple[int, int]:
    """Thoughts that stand beside the output and tool prompts that stand beside the input.

    ``rest`` is what the total holds besides input and output. It decides where it fits any
    reading; otherwise the tool's own usage does.
    """
    usual = (0 if inside else thoughts, tool)
    readings = (usual, (thoughts, tool), (thoughts, 0), (0, tool), (0, 0))
    return next((reading for reading in readings if sum(reading) == rest), usual)


# The names that client libraries give to what a user stopped, and what Qwen Code's spans say of it.
_ABORTS = frozenset({"AbortError", "APIUserAbortError"})
_ABORTED = "API call aborted"


def cancelled(attributes: Attributes) -> bool:
    """Whether the user stopped a request, which then is neither answered nor failed.

    Newer versions have no ``api_error`` for it.
    """
    told = text(attributes, "error_type", "error.type")
    return told in _ABORTS or text(attributes, "error") == _ABORTED


def _api_error(attributes: Attributes, _: Pseudonyms, fork: Fork) -> Iterator[Fact]:
    if cancelled(attributes):
        return
    yield RequestFailed(
        model=text(attributes, "model", "model_name"),
        purpose=purpose_of(attributes, fork),
        status_code=count(attributes, "status_code", "http.status_code"),
    )


def _api_request(attributes: Attributes, _: Pseudonyms, __: Fork) -> Iterator[Fact]:
    yield Counted(quantity=Quantity.REQUESTS_STARTED, amount=1)
    yield from _committed(text(attributes, "request_text") or "")


_USER, _MODEL = '"role":"user"', '"role":"model"'


def _committed(request: str) -> Iterator[Traced]:
    """Commits in the shell output that the request's last message hands to the model.

    Nothing else tells them. Earlier messages repeat what earlier requests said, and so does a
    request that is tried again: the commits cannot be counted here, only named.
    """
    at = request.rfind(_USER)
    if at < 0 or '"functionResponse"' not in request[at:]:
        return
    call = request[max(request.rfind(_MODEL, 0, at), 0) :]
    output = request[at:].replace("Output: ", '"')
    for fact in commits_made(call, output):
        if isinstance(fact, Traced):
            yield fact


def _tool_call(attributes: Attributes, pseudonyms: Pseudonyms, _: Fork) -> Iterator[Fact]:
    if _kept("", text(attributes, "prompt_id") or ""):
        return
    tool = tool_name(text(attributes, "function_name"))
    metadata = _metadata(attributes)
    succeeded, failed = flag(attributes, "success"), _failed(attributes, metadata)
    # An answer that the tool's telemetry has no word for ("always, and save that") is a ``reject``
    # too, of a call that then ran. A call that was really rejected did nothing, not even fail.
    rejected = text(attributes, "decision") == "reject" and not (succeeded or failed)
    refused = text(attributes, "error_type", "error.type") in _DENIALS
    yield Counted(quantity=Quantity.TOOL_CALLS, amount=1, item=tool)
    if rejected or refused:
        yield Counted(quantity=Quantity.TOOL_DENIALS, amount=1, item=tool)
    elif failed:
        yield Counted(quantity=Quantity.TOOL_FAILURES, amount=1, item=tool)
        call = text(attributes, "function_args")
        if call is not None:
            item = pseudonyms("call", f"{tool}\0{call}")
            yield Counted(quantity=Quantity.REPEATED_FAILURES, amount=1, item=item)
    if tool in _EDIT_TOOLS and rejected:
        yield Counted(quantity=Quantity.EDITS_REJECTED, amount=1, item=tool)
    elif tool in _EDIT_TOOLS and succeeded:
        yield Counted(quantity=Quantity.EDITS_ACCEPTED, amount=1, item=tool)
        yield from edited_file(text(attributes, "function_args"), pseudonyms)
    for quantity, names in _LINES.items():
        lines = count(metadata, *names)
        if lines:
            yield Counted(quantity=quantity, amount=lines)


# Lines the user changed in a proposed edit are not the tool's. Up to 0.3 they were the ``ai``'s.
_LINES = {
    Quantity.LINES_ADDED: ("model_added_lines", "ai_added_lines"),
    Quantity.LINES_REMOVED: ("model_removed_lines", "ai_removed_lines"),
}


def _failed(attributes: Attributes, metadata: Attributes) -> bool:
    """Qwen Code tells a status; Gemini an error, and none for a call that was cancelled."""
    status = text(attributes, "status")
    if status is not None:
        return status == "error"
    exit_code = count(metadata, "exitCode")
    if flag(metadata, "isError") or (exit_code is not None and exit_code > 0):
        return True
    error = text(attributes, "error_type", "error.type", "error", "error.message")
    return flag(attributes, "success") is False and error is not None


def _metadata(attributes: Attributes) -> Attributes:
    """What a tool said about its run: a map, or JSON text of one."""
    told = attributes.get("metadata")
    if isinstance(told, str):
        try:
            told = msgspec.json.decode(told)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return {}
    return told if isinstance(told, dict) else {}


def _subagent(attributes: Attributes, _: Pseudonyms, __: Fork) -> Iterator[Fact]:
    # Qwen Code tells both ends of a run, and the memory keepers of both are none of the user's.
    name = text(attributes, "subagent_name", "agent_name") or ""
    if text(attributes, "status") in (None, "started") and not name.startswith(_KEEPERS):
        yield Counted(quantity=Quantity.SUBAGENTS, amount=1)


def _compression(attributes: Attributes, _: Pseudonyms, __: Fork) -> Iterator[Fact]:
    # Also told of one that failed or made it longer, which is thrown away.
    before, after = count(attributes, "tokens_before"), count(attributes, "tokens_after")
    if before is None or after is None or after < before:
        yield Counted(quantity=Quantity.COMPACTIONS, amount=1)


def _network_retry(attributes: Attributes, _: Pseudonyms, __: Fork) -> Iterator[Fact]:
    # A page that is fetched again is no request to a model.
    if text(attributes, "model") != "Web Fetch":
        yield Counted(quantity=Quantity.RETRIES, amount=1)


def _once(quantity: Quantity) -> Iterator[Fact]:
    yield Counted(quantity=quantity, amount=1)


_EVENTS = {
    "agent.start": _subagent,
    "api_error": _api_error,
    "api_request": _api_request,
    "api_response": _api_response,
    "api_retry": lambda *_: _once(Quantity.RETRIES),
    "chat.content_retry": lambda *_: _once(Quantity.RETRIES),
    "chat_compression": _compression,
    "loop_detected": lambda *_: _once(Quantity.LOOPS_DETECTED),
    "network_retry_attempt": _network_retry,
    # Qwen Code only, and once a process: resumed sessions have several of each.
    "session.end": lambda *_: _once(Quantity.PROCESS_ENDS),
    "session.start": lambda *_: _once(Quantity.PROCESS_STARTS),
    "subagent_execution": _subagent,
    "tool_call": _tool_call,
    "user_prompt": lambda *_: _once(Quantity.PROMPTS),
}
