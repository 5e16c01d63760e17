"""Copilot: what no capture shows, attribute by attribute, and whatever else may come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.dialects import copilot
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
    Trace,
    Traced,
)
from domain.record import (
    EARLIEST_NS,
    LogRecord,
    MetricPoint,
    Scope,
    Span,
    SpanEvent,
    Temporality,
    Value,
)
from domain.usage import Tokens
from tests.capturing import (
    PSEUDONYMS,
    observations,
    outcomes,
    traced,
)

SESSION = "2d81a76c-c897-4148-8589-e5c610fbc396"
NOW = EARLIEST_NS + 5_000_000_000
ROWS = copilot.DIALECTS
SCOPES = {
    copilot.CLI: Scope("github.copilot", "1.0.102", {"service.name": "github-copilot"}),
    copilot.CHAT: Scope("copilot-chat", "0.40.0", {"session.id": "window"}),
}

values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
nested = st.recursive(values, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=4)


def span(name: str, *events: SpanEvent, tool: str = copilot.CLI, **told: Value) -> Span:
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": name.partition(" ")[0],
        "gen_ai.conversation.id": SESSION,
        **{key.replace("__", "."): value for key, value in told.items()},
    }
    attributes = {key: value for key, value in attributes.items() if value is not None}
    return Span(
        SCOPES[tool], name, "a" * 32, "b" * 16, "c" * 16, NOW, NOW + 1, False, attributes, events
    )


def point(name: str, value: float, tool: str = copilot.CHAT, **told: Value) -> MetricPoint:
    attributes = {key.replace("__", "."): value for key, value in told.items()}
    kind = Temporality.CUMULATIVE
    return MetricPoint(SCOPES[tool], name, "", "sum", kind, NOW, NOW + 1, value, None, attributes)


def read(told: Span | MetricPoint) -> Outcome:
    ((_, outcome),) = outcomes(ROWS, [told])
    return outcome


def facts(told: Span | MetricPoint) -> list[Fact]:
    outcome = read(told)
    assert isinstance(outcome, Observation)
    return list(outcome.facts)


def test_the_two_tools_are_told_apart_by_scope() -> None:
    (cli,) = {o.origin.tool for o in observations(ROWS, [span("chat gpt-4.1", error__type="X")])}
    (chat,) = {
        o.origin.tool
        for o in observations(ROWS, [span("chat gpt", tool=copilot.CHAT, error__type="X")])
    }
    assert (cli, chat) == ("copilot", "copilot-chat")


@pytest.mark.parametrize(
    ("cache_read", "cache_write"),
    [
        ("cache_read.input_tokens", "cache_write.input_tokens"),
        ("cache_read.input_tokens", "cache_creation.input_tokens"),
        ("cache_read_input_tokens", "cache_creation_input_tokens"),
    ],
)
def test_a_request_in_full_by_every_generation_of_names(cache_read: str, cache_write: str) -> None:
    usage: dict[str, Value] = {
        "gen_ai.usage.input_tokens": 1000,
        f"gen_ai.usage.{cache_read}": 600,
        f"gen_ai.usage.{cache_write}": 300,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.reasoning.output_tokens": 20,
        "gen_ai.request.model": "auto",
        "gen_ai.response.model": "gpt-4.1",
        "gen_ai.response.id": "r1",
        "github.copilot.initiator": "agent",
        "github.copilot.cost": 1.0,
        "github.copilot.nano_aiu": 2_550_000_000,
    }
    tokens = Tokens(input=100, cache_read=600, cache_write=300, output=50, reasoning=20)
    told = span("chat auto")
    assert facts(replace(told, attributes={**told.attributes, **usage})) == [
        RequestAnswered(model="gpt-4.1", tokens=tokens, purpose=Purpose.MAIN)
    ]


def test_a_subagents_request_without_usage_is_unmeasured() -> None:
    told = span("chat gpt-4.1", github__copilot__initiator="sub-agent", gen_ai__response__id="r1")
    assert facts(told) == [
        RequestAnswered(model=None, tokens=Tokens(), purpose=Purpose.SUBAGENT),
        Counted(quantity=Quantity.REQUESTS_UNMEASURED, amount=1),
    ]


def test_a_turn_that_dies_tells_the_status_of_its_last_request() -> None:
    error = SpanEvent("exception", NOW, {"github.copilot.error_status_code": 400})
    message = SpanEvent("github.copilot.user.message", NOW, {})
    dying = span("invoke_agent", message, error, server__address="x", gen_ai__request__model="m")
    assert facts(replace(dying, failed=True)) == [
        Counted(quantity=Quantity.PROMPTS, amount=1),
        RequestFailed(model="m", status_code=400),
    ]


def test_prompts_are_the_users_messages_or_else_one_a_run() -> None:
    mine, its_own = (
        SpanEvent("github.copilot.user.message", NOW, {"github.copilot.user.message.source": who})
        for who in ("user", "system")
    )
    amounts = [
        [fact.amount for fact in facts(span("invoke_agent", *events)) if isinstance(fact, Counted)]
        for events in ((), (mine,), (mine, its_own, mine), (its_own,))
    ]
    assert amounts == [[1], [1], [2], []]


def test_compactions_that_succeeded() -> None:
    name = "github.copilot.session.compaction_complete"
    events = [
        SpanEvent(name, NOW, {"github.copilot.success": success}) for success in (True, False)
    ]
    assert facts(span("invoke_agent", *events)) == [
        Counted(quantity=Quantity.PROMPTS, amount=1),
        Counted(quantity=Quantity.COMPACTIONS, amount=1),
    ]


def test_a_command_that_exits_with_an_error_failed() -> None:
    told = span("execute_tool bash bash", gen_ai__tool__name="bash", process__exit__code=1)
    assert facts(told) == [
        Counted(quantity=Quantity.TOOL_CALLS, amount=1, item="bash"),
        Counted(quantity=Quantity.TOOL_FAILURES, amount=1, item="bash"),
    ]
    failed = span("execute_tool edit", gen_ai__tool__name="edit", error__type="ToolError")
    assert facts(failed)[1:] == [Counted(quantity=Quantity.TOOL_FAILURES, amount=1, item="edit")]


def test_with_content_capture_a_failing_call_has_a_hash_and_a_commit_its_sha() -> None:
    call = '{"command":"git commit -am secret"}'
    told = span(
        "execute_tool bash bash",
        gen_ai__tool__name="bash",
        gen_ai__tool__call__arguments=call,
        gen_ai__tool__call__result='{"text":"[main e5d7f74] secret\\n 1 file changed"}',
        process__exit__code=1,
    )
    assert facts(told) == [
        Counted(quantity=Quantity.TOOL_CALLS, amount=1, item="bash"),
        Counted(quantity=Quantity.TOOL_FAILURES, amount=1, item="bash"),
        Counted(
            quantity=Quantity.REPEATED_FAILURES,
            amount=1,
            item=PSEUDONYMS("call", f"bash\0{call}"),
        ),
        Counted(quantity=Quantity.COMMITS, amount=1),
        Traced(trace=Trace.COMMIT, value="e5d7f74"),
        Traced(trace=Trace.BRANCH, value="main"),
    ]


def test_a_denied_permission() -> None:
    denied = span(
        "permission",
        gen_ai__operation__name=None,
        github__copilot__permission__result="denied-interactively-by-user",
        github__copilot__permission__kind="shell",
    )
    assert facts(denied) == [Counted(quantity=Quantity.TOOL_DENIALS, amount=1, item="shell")]
    approved = span("permission", github__copilot__permission__result="approved")
    assert facts(approved) == []


def test_where_an_agent_started_is_a_tie_but_its_head_is_no_commit() -> None:
    told = span(
        "invoke_agent copilot",
        tool=copilot.CHAT,
        github__copilot__git__repository="https://dev:token@github.com/Acme/Pay.git",
        github__copilot__git__branch="feature/PAY-7",
        github__copilot__git__commit_sha="deadbeef",
        user__name="octocat",
    )
    outcome = read(told)
    assert isinstance(outcome, Observation)
    assert outcome.origin.context.repo == "acme/pay"
    assert outcome.origin.context.user == PSEUDONYMS("login", "octocat")
    seen = [outcome]
    assert traced(seen, Trace.REPOSITORY) == {SESSION: {"acme/pay"}}
    assert traced(seen, Trace.BRANCH) == {SESSION: {"feature/PAY-7"}}
    assert traced(seen, Trace.IDENTITY) == {SESSION: {PSEUDONYMS("login", "octocat")}}
    assert traced(seen, Trace.COMMIT) == {}
    assert "token" not in repr(outcome)


def test_the_clis_pseudonymous_user_is_an_identity() -> None:
    outcome = read(span("invoke_agent", enduser__pseudo__id="h4sh"))
    assert isinstance(outcome, Observation)
    assert outcome.origin.context.user == PSEUDONYMS("enduser", "h4sh")


def test_vs_codes_sessions_are_its_chats_and_children_belong_to_their_parent() -> None:
    ids: dict[str, Value] = {
        "gen_ai.conversation.id": "request",
        "copilot_chat.session_id": "conversation",
        "copilot_chat.chat_session_id": "chat",
        "copilot_chat.parent_chat_session_id": "parent",
    }
    sessions = []
    while ids:
        told = span("chat gpt-4o", tool=copilot.CHAT, gen_ai__response__id="r")
        outcome = read(replace(told, attributes={"gen_ai.operation.name": "chat", **ids}))
        assert isinstance(outcome, Observation)
        sessions.append(outcome.origin.session_id)
        ids.popitem()
    assert sessions == ["parent", "chat", "conversation", "request"]


@pytest.mark.parametrize(
    ("label", "purpose"),
    [
        ("title", Purpose.AUXILIARY),
        ("categorization", Purpose.AUXILIARY),
        ("runSubagent-Explore", Purpose.SUBAGENT),
        (None, None),
    ],
)
def test_vs_codes_labels_tell_the_purpose(label: str | None, purpose: Purpose | None) -> None:
    told = span(
        "chat gpt-4o",
        tool=copilot.CHAT,
        copilot_chat__debug_log_label=label,
        gen_ai__usage__input_tokens=5,
        gen_ai__usage__output_tokens=1,
    )
    tokens = Tokens(input=5, output=1)
    assert facts(told) == [RequestAnswered(model=None, tokens=tokens, purpose=purpose)]


def test_vs_code_ends_a_refused_request_without_an_error_and_a_canceled_one_is_none() -> None:
    refused = span("chat gpt-4o", tool=copilot.CHAT, gen_ai__request__model="gpt-4o")
    assert facts(refused) == [RequestFailed(model="gpt-4o")]
    assert facts(span("chat gpt-4o", tool=copilot.CHAT, copilot_chat__canceled=True)) == []


@pytest.mark.parametrize(
    ("told", "fact"),
    [
        (
            point("copilot_chat.lines_of_code.count", 7, type="added"),
            Counted(quantity=Quantity.LINES_ADDED, amount=7),
        ),
        (
            point(
                "copilot_chat.edit.acceptance.count",
                2,
                copilot_chat__edit__outcome="rejected",
                copilot_chat__edit__source="inline_chat",
            ),
            Counted(quantity=Quantity.EDITS_REJECTED, amount=2, item="inline_chat"),
        ),
        (
            point("copilot_chat.agent.summarization.count", 1, outcome="applied"),
            Counted(quantity=Quantity.COMPACTIONS, amount=1),
        ),
        (
            point("copilot_chat.pull_request.count", 1),
            Counted(quantity=Quantity.CHANGES_OPENED, amount=1),
        ),
    ],
)
def test_what_only_counters_tell_is_of_no_session(told: MetricPoint, fact: Counted) -> None:
    outcome = read(told)
    assert isinstance(outcome, Observation)
    assert (outcome.origin.session_id, outcome.facts) == (None, (fact,))
    assert outcome.series is not None


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (point("gen_ai.client.token.usage", 1), Pass.DUPLICATE_SOURCE),
        (point("gen_ai.client.inference.usage.input_tokens", 1), Pass.DUPLICATE_SOURCE),
        (point("copilot_chat.tool.call.count", 1, success=True), Pass.DUPLICATE_SOURCE),
        (point("copilot_chat.edit.survival.four_gram", 1), Pass.IGNORED),
        (point("copilot_chat.edit.acceptance.count", 1), Pass.IGNORED),
        (point("http.client.duration", 1), Pass.UNKNOWN),
        (
            span("invoke_agent copilotcli", gen_ai__agent__name="copilotcli"),
            Pass.DUPLICATE_SOURCE,
        ),
        (span("execute_hook Stop"), Pass.IGNORED),
        (span("vscode.agent_host.session", gen_ai__operation__name=None), Pass.IGNORED),
        (span("brand_new"), Pass.UNKNOWN),
        (replace(span("chat x"), start_ns=0, end_ns=0), Pass.MALFORMED),
    ],
)
def test_records_that_are_passed(told: Span | MetricPoint, why: Pass) -> None:
    assert read(told) is why


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("gen_ai.client.inference.operation.details", Pass.DUPLICATE_SOURCE),
        ("copilot_chat.edit.hunk.action", Pass.DUPLICATE_SOURCE),
        ("copilot_chat.session.start", Pass.IGNORED),
        ("copilot_chat.brand_new", Pass.UNKNOWN),
    ],
)
def test_vs_codes_events_repeat_its_spans(name: str, why: Pass) -> None:
    record = LogRecord(SCOPES[copilot.CHAT], NOW, NOW, "", "", {"event.name": name})
    assert outcomes(ROWS, [record]) == [(record, why)]


@given(
    st.sampled_from(["chat", "execute_tool", "invoke_agent", "permission", "plan"]),
    st.dictionaries(st.text(), nested),
    nested,
    st.floats() | st.integers(),
)
def test_nothing_raises(name: str, told: dict[str, Value], value: Value, number: float) -> None:
    event = SpanEvent("github.copilot.user.message", 0, told)
    known = (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.tool.name",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "github.copilot.git.repository",
        "github.copilot.permission.result",
        "process.exit.code",
        "user.name",
    )
    spoiled = dict.fromkeys((*known, *told), value)
    for attributes in (told, spoiled):
        some = span(name, event, SpanEvent("x", 0, spoiled))
        read(replace(some, attributes={**attributes, "gen_ai.operation.name": name}))
        for counter in ("copilot_chat.pull_request.count", "gen_ai.x", name):
            read(replace(point(counter, number), attributes=attributes))
