"""The log events that Gemini CLI and Qwen Code share, attribute by attribute."""

import json

import pytest

from collector.dialects import gemini_cli, qwen_code
from collector.dialects.dialect import Dialect
from domain.events import (
    Counted,
    Fact,
    Observation,
    Outcome,
    Purpose,
    Quantity,
    RequestAnswered,
    Trace,
    Traced,
)
from domain.record import Attributes, LogRecord, Scope, Value
from domain.usage import Tokens
from tests.capturing import PSEUDONYMS

AT = 1_795_321_912_861_000_000
GEMINI, QWEN = gemini_cli.DIALECT, qwen_code.DIALECT


def log(name: str, attributes: Attributes, dialect: Dialect = GEMINI) -> Outcome:
    assert dialect.log is not None
    told = {"event.name": name, "session.id": "s", **attributes}
    return dialect.log(LogRecord(Scope(dialect.tool, "", {}), AT, 0, "", "", told), PSEUDONYMS)


def facts(outcome: Outcome) -> list[Fact]:
    assert isinstance(outcome, Observation), outcome
    return list(outcome.facts)


def once(quantity: Quantity, item: str = "") -> Counted:
    return Counted(quantity=quantity, amount=1, item=item)


def response(**changed: Value) -> dict[str, Value]:
    return {
        "model": "gemini-2.5-pro",
        "role": "main",
        "input_token_count": 1222,
        "output_token_count": 46,
        "cached_content_token_count": 307,
        "thoughts_token_count": 34,
        "tool_token_count": 10,
        "total_token_count": 1312,
        **changed,
    }


@pytest.mark.parametrize(
    ("changed", "tokens"),
    [
        ({}, (925, 307, 80)),
        # The total says that tool prompts are inside the input, thoughts inside the output, both.
        ({"total_token_count": 1302}, (915, 307, 80)),
        ({"total_token_count": 1278}, (925, 307, 46)),
        ({"total_token_count": 1268}, (915, 307, 46)),
        # The total fits no reading, or is not told: the tool's usual one.
        ({"total_token_count": 5}, (925, 307, 80)),
        ({"total_token_count": None}, (925, 307, 80)),
        # More cached than input: told apart.
        ({"cached_content_token_count": 2000}, (1232, 2000, 80)),
        # Strings, as some gateways make of numbers.
        ({"input_token_count": "1222", "cached_content_token_count": "307"}, (925, 307, 80)),
    ],
)
def test_buckets_are_disjoint(changed: dict[str, Value], tokens: tuple[int, int, int]) -> None:
    uncached, read, output = tokens
    assert facts(log("gemini_cli.api_response", response(**changed))) == [
        RequestAnswered(
            model="gemini-2.5-pro",
            purpose=Purpose.MAIN,
            tokens=Tokens(input=uncached, cache_read=read, output=output, reasoning=34),
        )
    ]


def test_answer_without_usage_is_unmeasured_not_free() -> None:
    nothing = dict.fromkeys((name for name in response() if name.endswith("_count")), 0)
    assert facts(log("gemini_cli.api_response", response(**nothing))) == [
        RequestAnswered(model="gemini-2.5-pro", purpose=Purpose.MAIN, tokens=Tokens()),
        once(Quantity.REQUESTS_UNMEASURED),
    ]


@pytest.mark.parametrize(
    ("role", "purpose"),
    [
        ("main", Purpose.MAIN),
        ("subagent", Purpose.SUBAGENT),
        ("utility_router", Purpose.AUXILIARY),
        ("utility_next_speaker", Purpose.AUXILIARY),
        (None, None),  # before 0.30
    ],
)
def test_role_is_the_purpose(role: str | None, purpose: Purpose | None) -> None:
    answered = facts(log("gemini_cli.api_response", response(role=role)))[0]
    assert isinstance(answered, RequestAnswered)
    assert answered.purpose is purpose


@pytest.mark.parametrize(
    ("name", "attributes", "quantity"),
    [
        ("loop_detected", {"loop_type": "consecutive_identical_tool_calls", "count": 1},
         Quantity.LOOPS_DETECTED),
        ("gemini_cli.chat_compression", {"tokens_before": 9, "tokens_after": 3},
         Quantity.COMPACTIONS),
        ("gemini_cli.chat.content_retry", {"attempt_number": 1}, Quantity.RETRIES),
        ("gemini_cli.network_retry_attempt", {"attempt": 1}, Quantity.RETRIES),
        ("gemini_cli.agent.start", {"agent_id": "a", "agent_name": "codebase_investigator"},
         Quantity.SUBAGENTS),
        ("gemini_cli.user_prompt", {"prompt_length": 4}, Quantity.PROMPTS),
    ],
)  # fmt: skip
def test_events_of_a_session(name: str, attributes: dict[str, Value], quantity: Quantity) -> None:
    assert facts(log(name, attributes)) == [once(quantity)]


def test_what_the_user_stopped_has_not_failed() -> None:
    # Before 0.33, and before 0.10 with another name for the type.
    for name in ("error.type", "error_type"):
        told: dict[str, Value] = {"model": "m", name: "AbortError"}
        assert facts(log("gemini_cli.api_error", told)) == []


def test_what_keeps_the_memory_edits_nothing_of_the_users() -> None:
    call: dict[str, Value] = {
        "function_name": "write_file",
        "function_args": '{"file_path": "/m/user.md"}',
        "status": "success",
        "success": True,
        "metadata": {"model_added_lines": 4},
        "prompt_id": "739a5510#managed-auto-memory-extractor-1a92fb52#0",
    }
    assert facts(log("qwen-code.tool_call", call, QWEN)) == []
    call["prompt_id"] = "739a5510#general-purpose-1a92fb52#0"
    assert once(Quantity.EDITS_ACCEPTED, "write_file") in facts(
        log("qwen-code.tool_call", call, QWEN)
    )


def test_what_keeps_the_memory_is_no_subagent_of_the_users() -> None:
    assert facts(log("gemini_cli.agent.start", {"agent_id": "a", "agent_name": "confucius"})) == []


@pytest.mark.parametrize("after", [900, 901])
def test_a_compression_that_came_to_nothing_is_none(after: int) -> None:
    told: dict[str, Value] = {"tokens_before": 900, "tokens_after": after}
    assert facts(log("gemini_cli.chat_compression", told)) == []


def test_a_page_that_is_fetched_again_is_no_request_tried_again() -> None:
    assert facts(log("gemini_cli.network_retry_attempt", {"model": "Web Fetch"})) == []


def test_both_strikes_of_a_loop_are_two_records() -> None:
    strikes = [log("loop_detected", {"count": strike}) for strike in (1, 2)]
    assert len({one.key for one in strikes if isinstance(one, Observation)}) == 2


def test_shell_that_exits_with_an_error_failed_though_success_says_true() -> None:
    args = '{"command": "exit 3"}'
    call: dict[str, Value] = {
        "function_name": "run_shell_command",
        "function_args": args,
        "success": True,
        "decision": "accept",
        "metadata": '{\n  "exitCode": 3,\n  "isError": true\n}',
    }
    shell = "run_shell_command"
    assert facts(log("gemini_cli.tool_call", call)) == [
        once(Quantity.TOOL_CALLS, shell),
        once(Quantity.TOOL_FAILURES, shell),
        once(Quantity.REPEATED_FAILURES, PSEUDONYMS("call", f"{shell}\0{args}")),
    ]
    # With logPrompts off neither metadata nor arguments are sent, and nothing tells the failure.
    private = {name: call[name] for name in ("function_name", "success", "decision")}
    assert facts(log("gemini_cli.tool_call", private)) == [once(Quantity.TOOL_CALLS, shell)]


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"success": False, "error": "File not found: x", "error_type": "file_not_found"},
         [once(Quantity.TOOL_FAILURES, "replace")]),
        ({"success": False, "decision": "reject"},
         [once(Quantity.TOOL_DENIALS, "replace"), once(Quantity.EDITS_REJECTED, "replace")]),
        ({"success": False, "error": "no", "error_type": "policy_violation"},
         [once(Quantity.TOOL_DENIALS, "replace")]),
        # Cancelled while it ran.
        ({"success": False, "decision": "accept"}, []),
        # "Always, and save that" is told as no other answer; 0.22 and later.
        ({"success": True, "decision": "reject"}, [once(Quantity.EDITS_ACCEPTED, "replace")]),
        ({"success": False, "decision": "reject", "error": "none",
          "error_type": "edit_no_occurrence_found"},
         [once(Quantity.TOOL_FAILURES, "replace")]),
        # Up to 0.3 the model's lines had another name.
        ({"success": True, "metadata": {"ai_added_lines": 3, "ai_removed_lines": 2,
                                        "user_added_lines": 9}},
         [once(Quantity.EDITS_ACCEPTED, "replace"),
          Counted(quantity=Quantity.LINES_ADDED, amount=3),
          Counted(quantity=Quantity.LINES_REMOVED, amount=2)]),
        # 0.16.0 sends a map; what the user changed in the proposal is not the tool's.
        ({"success": True, "decision": "auto_accept",
          "metadata": {"model_added_lines": 3, "model_removed_lines": 2, "user_added_lines": 9}},
         [once(Quantity.EDITS_ACCEPTED, "replace"),
          Counted(quantity=Quantity.LINES_ADDED, amount=3),
          Counted(quantity=Quantity.LINES_REMOVED, amount=2)]),
        ({"success": True, "metadata": "[1, 2"}, [once(Quantity.EDITS_ACCEPTED, "replace")]),
    ],
)  # fmt: skip
def test_what_became_of_an_edit(attributes: dict[str, Value], told: list[Fact]) -> None:
    call = {"function_name": "replace", **attributes}
    assert facts(log("gemini_cli.tool_call", call)) == [
        once(Quantity.TOOL_CALLS, "replace"),
        *told,
    ]


def conversation(*messages: tuple[str, object]) -> str:
    return json.dumps(
        [{"role": role, "parts": [part]} for role, part in messages], separators=(",", ":")
    )


def shell_output(output: str) -> object:
    answer = {"id": "c", "name": "run_shell_command", "response": {"output": output}}
    return {"functionResponse": answer}


COMMITTING: object = {
    "functionCall": {"name": "run_shell_command", "args": {"command": "git commit -am x"}}
}


def test_commit_is_read_from_the_shell_output_handed_to_the_model() -> None:
    output = "Output: [feature/x 933f613] say hello\n 1 file changed, 1 insertion(+)"
    request = conversation(
        ("user", {"text": "commit it"}),
        ("model", COMMITTING),
        ("user", shell_output("[main aaaaaaa] an older one")),
        ("model", COMMITTING),
        ("user", shell_output(output)),
    )
    assert facts(log("gemini_cli.api_request", {"request_text": request})) == [
        once(Quantity.REQUESTS_STARTED),
        Traced(trace=Trace.COMMIT, value="933f613"),
        Traced(trace=Trace.BRANCH, value="feature/x"),
    ]


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("[main (root-commit) 1a2b3c4] init\n", [("commit", "1a2b3c4"), ("branch", "main")]),
        ("x\n[detached HEAD 1a2b3c4] fix\n", [("commit", "1a2b3c4")]),
        ("two\n[a 1a2b3c4] x\n[b 5d6e7f8] y\n",
         [("commit", "1a2b3c4"), ("branch", "a"), ("commit", "5d6e7f8"), ("branch", "b")]),
        ("[main] no hash, [main 12345] too short", []),
    ],
)  # fmt: skip
def test_lines_that_git_prints(output: str, told: list[tuple[str, str]]) -> None:
    request = conversation(("model", COMMITTING), ("user", shell_output(output)))
    ties = [
        (fact.trace.value, fact.value)
        for fact in facts(log("gemini_cli.api_request", {"request_text": request}))
        if isinstance(fact, Traced)
    ]
    assert ties == told


@pytest.mark.parametrize(
    "messages",
    [
        [("user", {"text": "what is\n[main 1a2b3c4] about? git commit -m x"})],
        [
            ("model", {"functionCall": {"name": "read_file", "args": {"file_path": "log"}}}),
            ("user", shell_output("[main 1a2b3c4] in a file")),
        ],
        [],
    ],
)
def test_no_commit_from_what_people_write_or_files_hold(messages: list[tuple[str, object]]) -> None:
    request = conversation(*messages)
    assert facts(log("gemini_cli.api_request", {"request_text": request})) == [
        once(Quantity.REQUESTS_STARTED)
    ]


@pytest.mark.parametrize(
    ("auth_type", "counts", "tokens"),
    [
        ("openai", (1222, 80, 34, 1302), Tokens(input=1222, output=80, reasoning=34)),
        # The total tells on which wire the numbers came; without one, who was asked does.
        ("openai", (1222, 46, 34, 1302), Tokens(input=1222, output=80, reasoning=34)),
        ("openai", (1222, 80, 34, None), Tokens(input=1222, output=80, reasoning=34)),
        ("gemini", (1222, 46, 34, None), Tokens(input=1222, output=80, reasoning=34)),
    ],
)
def test_thoughts_in_a_log_event(
    auth_type: str, counts: tuple[int | None, ...], tokens: Tokens
) -> None:
    names = ("input_token_count", "output_token_count", "thoughts_token_count", "total_token_count")
    told = {"auth_type": auth_type, "model": "m", **dict(zip(names, counts, strict=True))}
    assert facts(log("qwen-code.api_response", told, QWEN)) == [
        RequestAnswered(model="m", purpose=Purpose.MAIN, tokens=tokens)
    ]


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"status": "error", "success": False, "execution_status": "not_started"},
         [once(Quantity.TOOL_FAILURES, "run_shell_command")]),
        ({"status": "cancelled", "success": False}, []),
        ({"status": "cancelled", "success": False, "decision": "reject"},
         [once(Quantity.TOOL_DENIALS, "run_shell_command")]),
        ({"status": "error", "success": False, "error_type": "execution_denied"},
         [once(Quantity.TOOL_DENIALS, "run_shell_command")]),
        # 0.15.10 and before 0.15: no status.
        ({"success": False, "error_type": "shell_execute_error"},
         [once(Quantity.TOOL_FAILURES, "run_shell_command")]),
    ],
)  # fmt: skip
def test_status_says_what_became_of_a_call(told: dict[str, Value], wanted: list[Fact]) -> None:
    call = {"function_name": "run_shell_command", **told}
    assert facts(log("qwen-code.tool_call", call, QWEN)) == [
        once(Quantity.TOOL_CALLS, "run_shell_command"),
        *wanted,
    ]


@pytest.mark.parametrize(
    ("name", "told", "wanted"),
    [
        ("loop_detected", {}, [once(Quantity.LOOPS_DETECTED)]),
        ("qwen-code.api_retry", {"attempt_number": 1}, [once(Quantity.RETRIES)]),
        ("qwen-code.chat_compression", {}, [once(Quantity.COMPACTIONS)]),
        ("qwen-code.subagent_execution",
         {"subagent_name": "general-purpose", "status": "started"}, [once(Quantity.SUBAGENTS)]),
        ("qwen-code.subagent_execution",
         {"subagent_name": "general-purpose", "status": "completed"}, []),
        ("qwen-code.subagent_execution",
         {"subagent_name": "managed-auto-memory-extractor", "status": "started"}, []),
        # Builds that kept the parent's names.
        ("gemini_cli.user_prompt", {}, [once(Quantity.PROMPTS)]),
    ],
)  # fmt: skip
def test_events_of_a_session_of_qwen_code(
    name: str, told: dict[str, Value], wanted: list[Fact]
) -> None:
    assert facts(log(name, told, QWEN)) == wanted
