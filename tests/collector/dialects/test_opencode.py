"""OpenCode's spans, as captured and as its source and AI SDK say."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dialects.opencode import DIALECT
from domain.events import (
    Fact,
    Observation,
    Pass,
    Purpose,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Trace,
    Traced,
)
from domain.record import Attributes, Scope, Span, SpanEvent, Value
from domain.usage import Tokens
from tests.capturing import (
    PSEUDONYMS,
    counted,
    expected,
    observations,
    outcomes,
    records,
    same,
    scenarios,
    session_counts,
    traced,
    truth,
)
from tests.telling import Teller, any_attributes, facts, observed, so_many

OPENCODE = Teller(DIALECT, Scope("opencode", "1.18.33", {"service.name": "opencode"}))
KILO = Teller(DIALECT, Scope("opencode", "7.7.9", {"service.version": "7.7.9"}))
CAPTURES = scenarios("opencode")
SESSIONS = next(path for path in CAPTURES if path.name.startswith("s6_"))
CHILD: Attributes = {
    "session.id": "ses_child",
    "ai.request.headers.x-parent-session-id": "ses_parent",
}
REQUEST: Attributes = {
    "session.id": "ses_1",
    "ai.model.id": "asked",
    "gen_ai.response.model": "answered",
    "ai.prompt.messages": "[]",
    "ai.prompt.tools": ["{}"],
}


def tokens_of(told: Attributes) -> Tokens:
    (answered, *_) = facts(OPENCODE.span("ai.streamText.doStream", {**REQUEST, **told}))
    assert isinstance(answered, RequestAnswered)
    return answered.tokens


def tool_call(name: str, args: object, result: object, *, failed: bool = False) -> list[Fact]:
    told = {
        "session.id": "ses_1",
        "ai.toolCall.name": name,
        "ai.toolCall.args": json.dumps(args),
        "ai.toolCall.result": json.dumps(result),
    }
    return facts(OPENCODE.span("ai.toolCall", told, failed=failed))


@pytest.mark.parametrize("scenario", CAPTURES, ids=lambda path: path.name)
def test_counts_every_capture_exactly(scenario: Path) -> None:
    got = counted(observations([DIALECT], records(scenario)))
    assert same(expected(scenario), got), (expected(scenario), got)


@pytest.mark.parametrize("scenario", CAPTURES, ids=lambda path: path.name)
def test_knows_every_span_and_log_of_the_captures(scenario: Path) -> None:
    unread = {Pass.UNKNOWN, Pass.MALFORMED}
    assert not [record for record, told in outcomes([DIALECT], records(scenario)) if told in unread]


def test_counts_resent_and_reordered_spans_once() -> None:
    told = records(SESSIONS)
    twice = observations([DIALECT], [*reversed(told), *told])
    assert counted(twice) == counted(observations([DIALECT], told))


def test_sessions_prompts_and_tools_of_a_server() -> None:
    seen = observations([DIALECT], records(SESSIONS))
    # Three processes attached to the server, the last one resumed the second one's session.
    assert session_counts(seen) == {
        "ses_dfe71e2dbffeNjA6sQUcWC1cJ2": {("prompts", ""): 1},
        "ses_dfe71c547ffehQzuMrQGNs7uZd": {("prompts", ""): 2, ("tool_calls", "bash"): 1},
    }
    assert len(truth(SESSIONS)["invocations"]) == 3
    assert truth(SESSIONS)["tool_calls_scripted"] == ["bash"]
    assert set.union(*traced(seen, Trace.TOOL_VERSION).values()) == {"1.18.33"}


def test_titles_are_auxiliary_requests() -> None:
    seen = observations([DIALECT], records(SESSIONS))
    answered = [f for o in seen for f in o.facts if isinstance(f, RequestAnswered)]
    purposes = {(fact.model, fact.purpose) for fact in answered}
    assert purposes == {("fake-small", Purpose.AUXILIARY), ("fake-model", Purpose.MAIN)}


def test_no_fact_repeats_what_the_captures_hold() -> None:
    told = repr([o.facts for path in CAPTURES for o in observations([DIALECT], records(path))])
    assert not [word for word in ("README", "home/dev", "capdev", "run it") if word in told]


def test_a_subagents_request_names_its_parent() -> None:
    told = {**REQUEST, **CHILD, "ai.usage.inputTokens": 5, "ai.usage.outputTokens": 2}
    seen = observed(OPENCODE.span("ai.streamText.doStream", told))
    assert seen.origin.session_id == "ses_child"
    assert facts(seen) == [
        RequestAnswered(
            model="answered", tokens=Tokens(input=5, output=2), purpose=Purpose.SUBAGENT
        ),
        Traced(trace=Trace.PARENT_SESSION, value="ses_parent"),
    ]


@pytest.mark.parametrize(
    "told",
    [
        {"ai.telemetry.metadata.sessionId": "ses_9"},
        {"ai.request.headers.X-Session-Id": "ses_9"},
        {"ai.request.headers.x-session-affinity": "ses_9"},
    ],
)
def test_finds_the_session_where_the_span_has_it(told: Attributes) -> None:
    assert observed(OPENCODE.span("ai.generateText.doGenerate", told)).origin.session_id == "ses_9"


def test_ai_sdk_6_tells_the_buckets_apart() -> None:
    # The fixture of OpenCode 1.16.2 with Anthropic: nearly everything is a cache write.
    told: Attributes = {
        "gen_ai.system": "anthropic",
        "ai.usage.inputTokens": 12632,
        "ai.usage.inputTokenDetails.noCacheTokens": 3,
        "ai.usage.inputTokenDetails.cacheReadTokens": 0,
        "ai.usage.inputTokenDetails.cacheWriteTokens": 12629,
        "ai.usage.outputTokens": 13,
        "ai.usage.outputTokenDetails.reasoningTokens": 4,
        "ai.usage.totalTokens": 12645,
    }
    wanted = Tokens(input=3, cache_read=0, cache_write=12629, output=13, reasoning=4)
    assert tokens_of(told) == wanted


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        # OpenAI and most others: the cached tokens are inside.
        (
            {"ai.model.provider": "openai.chat", "ai.usage.inputTokens": 100,
             "ai.usage.cachedInputTokens": 60, "ai.usage.outputTokens": 9,
             "ai.usage.reasoningTokens": 4, "ai.usage.totalTokens": 109},
            Tokens(input=40, cache_read=60, output=9, reasoning=4),
        ),
        # Anthropic: beside the input, and the writes only in its metadata.
        (
            {"ai.model.provider": "anthropic.messages", "ai.usage.inputTokens": 100,
             "ai.usage.cachedInputTokens": 60, "ai.usage.outputTokens": 9,
             "ai.response.providerMetadata": '{"anthropic":{"cacheCreationInputTokens":7}}'},
            Tokens(input=100, cache_read=60, cache_write=7, output=9),
        ),
        (
            {"ai.model.provider": "amazon-bedrock", "ai.usage.inputTokens": 100,
             "ai.usage.outputTokens": 9,
             "ai.response.providerMetadata": '{"bedrock":{"usage":{"cacheWriteInputTokens":8}}}'},
            Tokens(input=100, cache_write=8, output=9),
        ),
        # Gemini: thoughts beside the output; only the total says so.
        (
            {"ai.model.provider": "google.generative-ai", "ai.usage.inputTokens": 100,
             "ai.usage.outputTokens": 9, "ai.usage.reasoningTokens": 20,
             "ai.usage.totalTokens": 129},
            Tokens(input=100, output=29, reasoning=20),
        ),
        # AI SDK 4.
        ({"ai.usage.promptTokens": 11, "ai.usage.completionTokens": 2}, Tokens(input=11, output=2)),
        ({"gen_ai.usage.input_tokens": 11, "gen_ai.usage.output_tokens": 2},
         Tokens(input=11, output=2)),
        # More cached than input cannot be inside it.
        ({"ai.usage.inputTokens": 5, "ai.usage.cachedInputTokens": 60},
         Tokens(input=5, cache_read=60)),
    ],
)  # fmt: skip
def test_older_ai_sdks(told: Attributes, wanted: Tokens) -> None:
    assert tokens_of(told) == wanted


def test_ai_sdk_7_tells_the_same_by_the_conventions_names() -> None:
    named: Attributes = {
        "session.id": "ses_1",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "asked",
        "gen_ai.response.model": "answered",
        "gen_ai.input.messages": "[]",
        "gen_ai.usage.input_tokens": 12632,
        "gen_ai.usage.cache_read.input_tokens": 3000,
        "gen_ai.usage.cache_creation.input_tokens": 9629,
        "gen_ai.usage.output_tokens": 13,
    }
    tokens = Tokens(input=3, cache_read=3000, cache_write=9629, output=13)
    chat: Attributes = {**named, "gen_ai.operation.name": "chat"}
    seen = observed(OPENCODE.span("chat asked", chat))
    assert (seen.origin.session_id, seen.origin.rank) == ("ses_1", 0)
    assert facts(seen) == [
        RequestAnswered(model="answered", tokens=tokens, purpose=Purpose.AUXILIARY)
    ]
    with_tools: Attributes = {**chat, "gen_ai.tool.definitions": '[{"name":"bash"}]'}
    (answered,) = facts(OPENCODE.span("chat asked", with_tools))
    assert isinstance(answered, RequestAnswered)
    assert answered.purpose is Purpose.MAIN
    for name, operation in (("invoke_agent asked", "invoke_agent"), ("step 1", "agent_step")):
        rollup: Attributes = {**named, "gen_ai.operation.name": operation}
        assert OPENCODE.span(name, rollup) is Pass.DUPLICATE_SOURCE
    called: Attributes = {
        "session.id": "ses_1",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "bash",
        "gen_ai.tool.call.arguments": '{"command":"false"}',
        "gen_ai.tool.call.result": '{"output":"","metadata":{"exit":1}}',
    }
    assert facts(OPENCODE.span("execute_tool bash", called))[:2] == [
        so_many(Quantity.TOOL_CALLS, 1, "bash"),
        so_many(Quantity.TOOL_FAILURES, 1, "bash"),
    ]


def test_a_request_that_failed_and_one_that_was_stopped() -> None:
    name = "ai.streamText.doStream"
    assert facts(OPENCODE.span(name, REQUEST, failed=True)) == [
        RequestFailed(model="answered", purpose=Purpose.MAIN)
    ]
    assert facts(OPENCODE.span(name, REQUEST)) == [
        RequestAnswered(model="answered", tokens=Tokens(), purpose=Purpose.MAIN),
        so_many(Quantity.REQUESTS_UNMEASURED),
    ]


def test_purpose_is_unknown_where_inputs_are_not_recorded() -> None:
    told: Attributes = {"session.id": "ses_1", "ai.usage.inputTokens": 1}
    (answered,) = facts(OPENCODE.span("ai.streamText.doStream", told))
    assert isinstance(answered, RequestAnswered)
    assert answered.purpose is None


def test_an_edit_counts_its_lines() -> None:
    result = {"metadata": {"diff": "secret", "filediff": {"additions": 3, "deletions": 1}}}
    assert tool_call("edit", {"filePath": "/secret"}, result) == [
        so_many(Quantity.TOOL_CALLS, item="edit"),
        so_many(Quantity.EDITS_ACCEPTED, item="edit"),
        Traced(trace=Trace.FILE, value=PSEUDONYMS.file("secret") or ""),
        so_many(Quantity.LINES_ADDED, 3),
        so_many(Quantity.LINES_REMOVED, 1),
    ]


def test_a_shell_that_exits_with_a_code_failed() -> None:
    args = {"command": "make test"}
    call = PSEUDONYMS("call", f"bash\0{json.dumps(args)}")
    assert tool_call("bash", args, {"metadata": {"exit": 2}, "output": "no"}) == [
        so_many(Quantity.TOOL_CALLS, item="bash"),
        so_many(Quantity.TOOL_FAILURES, item="bash"),
        so_many(Quantity.REPEATED_FAILURES, item=call),
    ]


def test_a_commit_and_its_branch() -> None:
    args = {"command": "git checkout -b add-notes && git add -A && git commit -m 'Add notes'"}
    output = "Switched to a new branch 'add-notes'\n[add-notes 5cee609] Add notes\n 1 file changed"
    assert tool_call("bash", args, {"metadata": {"exit": 0}, "output": output}) == [
        so_many(Quantity.TOOL_CALLS, item="bash"),
        so_many(Quantity.COMMITS),
        Traced(trace=Trace.COMMIT, value="5cee609"),
        Traced(trace=Trace.BRANCH, value="add-notes"),
    ]


def test_a_refused_tool_is_denied() -> None:
    refusal = SpanEvent("exception", 0, {"exception.type": "PermissionRejectedError"})
    told = {"session.id": "ses_1", "tool.name": "edit", "tool.call_id": "c"}
    assert facts(OPENCODE.span("Tool.execute", told, failed=True, events=[refusal])) == [
        so_many(Quantity.TOOL_CALLS, item="edit"),
        so_many(Quantity.TOOL_FAILURES, item="edit"),
        so_many(Quantity.TOOL_DENIALS, item="edit"),
        so_many(Quantity.EDITS_REJECTED, item="edit"),
    ]


def test_a_task_is_a_subagent() -> None:
    assert tool_call("task", {"prompt": "secret"}, {}) == [
        so_many(Quantity.TOOL_CALLS, item="task"),
        so_many(Quantity.SUBAGENTS),
    ]
    child = {"metadata": {"sessionId": "ses_child"}, "output": "secret"}
    assert tool_call("task", {"prompt": "secret"}, child)[2:] == [
        Traced(trace=Trace.CHILD_SESSION, value="ses_child")
    ]
    assert tool_call("bash", {}, child) == [so_many(Quantity.TOOL_CALLS, item="bash")]
    said = {"metadata": {"sessionId": "something somebody said"}}
    assert len(tool_call("task", {}, said)) == 2


def test_tool_spans_of_opencode_count_only_without_those_of_the_ai_sdk() -> None:
    name = {"session.id": "ses_1", "tool.name": "bash", "ai.toolCall.name": "bash"}
    made = [
        Span(OPENCODE.scope, span, "aa" * 16, str(i), "", 1_795_321_912_861_000_000, 0, False, name)
        for i, span in enumerate(("ai.toolCall", "Tool.execute"))
    ]
    both, second = observations([DIALECT], made), observations([DIALECT], made[1:])
    assert session_counts(both) == session_counts(second) == {"ses_1": {("tool_calls", "bash"): 1}}


@pytest.mark.parametrize(
    ("path", "status", "session"),
    [
        ("/session/ses_1/message", 200, "ses_1"),
        ("/session/ses_1/prompt_async", 204, "ses_1"),
        ("/session/ses_1/command", None, "ses_1"),
        ("/api/session/ses_1/prompt", 200, "ses_1"),
        ("/api/session/ses_1/compact", 200, None),
        ("/session/ses_1/message", 400, None),
        ("/session/ses_1/shell", 200, None),
        ("/session", 200, None),
    ],
)
def test_prompts_reach_the_server(path: str, status: int | None, session: str | None) -> None:
    told: Attributes = {"url.path": path, "http.response.status_code": status}
    seen = OPENCODE.span("http.server POST", told)
    if session is None:
        assert seen is Pass.IGNORED
    else:
        assert (observed(seen).origin.session_id, facts(seen)) == (
            session,
            [so_many(Quantity.PROMPTS)],
        )


def test_a_version_that_is_no_number_is_opencodes() -> None:
    for version in ("", "next", "9" * 5_000 + ".1"):
        teller = Teller(DIALECT, Scope("opencode", version, {}))
        assert observed(teller.span("ai.streamText.doStream", REQUEST)).origin.tool == "opencode"


def test_kilo_differs_by_its_version_only() -> None:
    told = {"session.id": "ses_1", "tool.name": "read"}
    assert observed(KILO.span("Tool.execute", told)).origin.tool == "kilo"
    assert observed(OPENCODE.span("Tool.execute", told)).origin.tool == "opencode"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ai.streamText", Pass.DUPLICATE_SOURCE),
        ("ai.generateObject", Pass.DUPLICATE_SOURCE),
        ("sql.execute", Pass.IGNORED),
        ("ai.embed.doEmbed", Pass.UNKNOWN),
    ],
)
def test_why_a_span_says_nothing(name: str, reason: Pass) -> None:
    assert OPENCODE.span(name, REQUEST) is reason


def test_a_span_without_any_time_is_malformed() -> None:
    assert OPENCODE.untimed_span("ai.streamText.doStream", REQUEST) is Pass.MALFORMED


@given(
    st.sampled_from(
        ["ai.streamText.doStream", "ai.toolCall", "Tool.execute", "http.server POST", "chat m"]
    ),
    any_attributes(
        *REQUEST,
        *CHILD,
        "ai.usage.inputTokens",
        "ai.usage.cachedInputTokens",
        "ai.usage.outputTokens",
        "ai.usage.reasoningTokens",
        "ai.usage.totalTokens",
        "ai.usage.inputTokenDetails.noCacheTokens",
        "ai.response.providerMetadata",
        "ai.model.provider",
        "ai.toolCall.name",
        "ai.toolCall.args",
        "ai.toolCall.result",
        "tool.name",
        "url.path",
        "gen_ai.operation.name",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
    ),
)
def test_no_span_raises(name: str, attributes: dict[str, Value]) -> None:
    assert isinstance(OPENCODE.span(name, attributes), Observation | Pass)
