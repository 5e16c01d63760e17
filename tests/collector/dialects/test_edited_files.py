"""Edited files: told by keyed hashes only, by every tool that names them, and by nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dialects import claude_code, codex, copilot, gemini_cli, opencode, qwen_code
from collector.dialects.dialect import Dialect
from collector.dialects.edited_files import edited_file, patched_files
from domain.events import Trace, Traced
from domain.record import Attributes, Scope, Value
from tests.capturing import CAPTURES, PSEUDONYMS, observations, records, traced
from tests.telling import Teller, facts

PATH = "/srv/ada/shop/src/app.py"
PATCH = """*** Begin Patch
*** Update File: src/app.py
@@
-*** Add File: none.py
+x
*** Add File: src/caf\u00e9.py
+y
*** Delete File: old.py
*** Update File: a.py
*** Move to: b.py
*** End Patch
"""
PATCHED = ["src/app.py", "src/caf\u00e9.py", "old.py", "a.py", "b.py"]
SCOPES = {
    claude_code.DIALECT.tool: "com.anthropic.claude_code.events",
    codex.DIALECT.tool: "codex_otel.log_only",
}


def names(*paths: str) -> list[str]:
    return [name for path in paths if (name := PSEUDONYMS.file(path))]


def teller(dialect: Dialect) -> Teller:
    return Teller(dialect, Scope(SCOPES.get(dialect.tool, dialect.tool), "1", {}))


def told(outcome: Any) -> list[str]:
    return [f.value for f in facts(outcome) if isinstance(f, Traced) and f.trace is Trace.FILE]


def arguments(**changed: Value) -> str:
    return json.dumps({"file_path": PATH, "old_string": 'x "path": "no.py"', **changed})


CLAUDE: Attributes = {"session.id": "s", "tool_name": "Edit", "success": "true"}
CODEX: Attributes = {
    "event.name": "codex.tool_result",
    "conversation.id": "01a20189-7145-7b73-90cb-ecf89282f849",
    "tool_name": "apply_patch",
    "output": "Exit code: 0\nWall time: 0 seconds\nOutput:\nSuccess.",
}
GEMINI: Attributes = {"session.id": "s", "function_name": "replace", "success": True}
COPILOT: Attributes = {"gen_ai.conversation.id": "s", "gen_ai.operation.name": "execute_tool"}
OPENCODE: Attributes = {"session.id": "ses_1", "ai.toolCall.result": "{}"}


def claude(**changed: Value) -> Any:
    return teller(claude_code.DIALECT).log(
        "claude_code.tool_result", {**CLAUDE, "tool_input": arguments(), **changed}
    )


def patched(call: str, **changed: Value) -> Any:
    return teller(codex.DIALECT).log("", {**CODEX, "arguments": call, **changed})


def gemini(dialect: Dialect, **changed: Value) -> Any:
    name = f"{dialect.prefixes[0]}tool_call"
    return teller(dialect).log(name, {**GEMINI, "function_args": arguments(), **changed})


def copiloted(tool: str, **changed: Value) -> Any:
    [_, cli] = copilot.DIALECTS
    call = {**COPILOT, "gen_ai.tool.name": tool}
    told = {key.replace("__", "."): value for key, value in changed.items()}
    return Teller(cli, Scope("github.copilot", "1", {})).span(f"execute_tool {tool}", call | told)


def opencoded(tool: str, call: object, *, failed: bool = False) -> Any:
    named = {**OPENCODE, "ai.toolCall.name": tool, "ai.toolCall.args": json.dumps(call)}
    return teller(opencode.DIALECT).span("ai.toolCall", named, failed=failed)


@pytest.mark.parametrize(
    "outcome",
    [
        claude(),
        claude(tool_name="Write"),
        claude(tool_name="NotebookEdit", tool_input=json.dumps({"notebook_path": PATH})),
        claude(tool_input=None, tool_parameters=json.dumps({"file_path": PATH})),
        # Arguments are cut off after some thousand characters.
        claude(tool_input=arguments(new_string="x" * 5000)[:4000]),
        gemini(gemini_cli.DIALECT),
        gemini(qwen_code.DIALECT, function_name="edit", status="success"),
        copiloted("edit", **{"github.copilot.tool.parameters.file_path": PATH}),
        copiloted("edit", gen_ai__tool__call__arguments=json.dumps({"path": PATH})),
        copiloted("create_file", gen_ai__tool__call__arguments=json.dumps({"filePath": PATH})),
        opencoded("write", {"filePath": PATH, "content": "x"}),
    ],
)
def test_an_edit_tells_its_file(outcome: Any) -> None:
    assert told(outcome) == names(PATH)


@pytest.mark.parametrize(
    "outcome",
    [
        patched(PATCH),
        patched(json.dumps({"input": PATCH})),
        patched(json.dumps({"patch": PATCH}, ensure_ascii=False)),
        opencoded("apply_patch", {"patchText": PATCH}),
        copiloted("apply_patch", gen_ai__tool__call__arguments=json.dumps({"input": PATCH})),
    ],
)
def test_a_patch_tells_all_its_files(outcome: Any) -> None:
    assert told(outcome) == names(*PATCHED)


@pytest.mark.parametrize(
    "outcome",
    [
        claude(tool_name="Read"),
        claude(tool_name="Bash", tool_input='{"command": "sed -i s/a/b/ x.py", "path": "x"}'),
        claude(success="false"),
        claude(tool_input=None),
        claude(tool_input='{"file_path": 7}'),
        patched(PATCH, tool_name="exec_command"),
        patched(PATCH, output="Exit code: 1\nWall time: 0 seconds\nOutput:\nno such file"),
        patched("no patch"),
        gemini(gemini_cli.DIALECT, function_name="read_file"),
        gemini(gemini_cli.DIALECT, decision="reject", success=False),
        gemini(gemini_cli.DIALECT, function_args=None),
        copiloted("view", **{"github.copilot.tool.parameters.file_path": PATH}),
        copiloted("edit", error__type="x", **{"github.copilot.tool.parameters.file_path": PATH}),
        opencoded("read", {"filePath": PATH}),
        opencoded("edit", {"filePath": PATH}, failed=True),
    ],
)
def test_nothing_else_tells_a_file(outcome: Any) -> None:
    assert told(outcome) == []


def test_a_migration_tells_the_first_of_its_files() -> None:
    lines = "".join(f"*** Update File: {number}.py\n" for number in range(1000))
    found = patched_files(f"*** Begin Patch\n{lines}", PSEUDONYMS)
    wanted = names(*(f"{number}.py" for number in range(256)))
    assert [fact.value for fact in found if isinstance(fact, Traced)] == wanted


@pytest.mark.parametrize(
    ("tool", "scenario", "path"),
    [
        ("gemini-cli", "s2_edit_shell-grpc", "README.md"),
        ("gemini-cli", "s3_commit-grpc", "NOTES.md"),
        ("qwen-code", "s2_edit_shell-grpc", "README.md"),
        ("qwen-code-0.15.10", "s2_edit_shell-http", "README.md"),
        ("codex", "02-edit-shell-http-json-traces", "app.py"),
        ("codex", "15-older-version-0.96.0-json", "app.py"),
    ],
)
def test_captured_edits_meet_the_path_of_a_forge(tool: str, scenario: str, path: str) -> None:
    seen = observations(
        (codex.DIALECT, gemini_cli.DIALECT, qwen_code.DIALECT), records(CAPTURES / tool / scenario)
    )
    [values] = traced(seen, Trace.FILE).values()
    [value] = values
    [forge] = names(path)
    assert value.startswith(forge)


@given(st.text(), st.text())
def test_no_arguments_raise(before: str, after: str) -> None:
    for call in (before, f'{before}"file_path": "{after}', f'{{"path":"{after}"', after):
        edited_file(call, PSEUDONYMS)
        patched_files(f"*** Begin Patch\n*** Add File: {call}", PSEUDONYMS)
        patched_files("{" + call, PSEUDONYMS)
    for value in edited_file(json.dumps({"path": before}), PSEUDONYMS):
        assert isinstance(value, Traced)
        assert value.value == PSEUDONYMS.file(before)
