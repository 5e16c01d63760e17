"""What the text of a tool call tells, in all the shapes that tools write it."""

import json

import pytest

from collector.dialects.inclusive import inclusive_tokens
from collector.dialects.tool_text import (
    changes_opened,
    commits_made,
    exit_code,
    patch_run,
    patched_lines,
    tool_name,
)
from domain.events import Counted, Fact, Quantity, Trace, Traced
from domain.usage import Tokens

HEADER = "Exit code: 0\nWall time: 0 seconds\nOutput:\n"


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("Chunk ID: 1\nProcess exited with code 127\nOutput:\ngh: not found\n", 127),
        ("Exit code: 1\nWall time: 0 seconds\nOutput:\n", 1),
        ("Exit code: -1\nWall time: 0 seconds\nOutput:\n", -1),
        ('{"output":"x","metadata":{"exit_code":2,"duration_seconds":0.1}}', 2),
        ('{"output":"\\"metadata\\":{\\"exit_code\\":9","metadata":{"exit_code":0}}', 0),
        ("Process running with session ID 7\nOutput:\nstarted\n", None),
        ("Exit code: 0\nOutput:\nExit code: 1\nOutput:\n", 0),
        ("Process exited with code 1", None),
        ('{"output":"cut off', None),
        ("", None),
    ],
)
def test_the_exit_code_is_the_shells_and_not_the_outputs(output: str, code: int | None) -> None:
    assert exit_code(output) == code


def made(sha: str, branch: str | None) -> list[Fact]:
    facts: list[Fact] = [
        Counted(quantity=Quantity.COMMITS, amount=1),
        Traced(trace=Trace.COMMIT, value=sha),
    ]
    return facts + ([Traced(trace=Trace.BRANCH, value=branch)] if branch else [])


@pytest.mark.parametrize(
    ("printed", "sha", "branch"),
    [
        ("[main e5d7f74] fix\n 1 file changed\n", "e5d7f74", "main"),
        ("[feature/PAY-7 bd3d0f1aa] feat: new\n", "bd3d0f1aa", "feature/PAY-7"),
        ("[main (root-commit) 1234567] first\n", "1234567", "main"),
        ("[main (Basis-Commit) 1234567] first\n", "1234567", "main"),
        ("[detached HEAD 1234567] loose\n", "1234567", None),
        ("[losgelöster HEAD 1234567] loose\n", "1234567", None),
        (f"hook ran\n[x {'ab' * 20}] done\n", "ab" * 20, "x"),
    ],
)
def test_a_commit_is_read_from_gits_own_line(printed: str, sha: str, branch: str | None) -> None:
    assert commits_made("git commit -am x", HEADER + printed) == made(sha, branch)
    escaped = '{"output":"' + printed.replace("\n", "\\n") + '","metadata":{"exit_code":0}}'
    assert commits_made('["git","commit"]', escaped) == made(sha, branch)


def test_two_commits_of_one_call_are_two() -> None:
    output = HEADER + "[main aaaaaaa] one\n[main bbbbbbb] two\n"
    assert commits_made("git commit -m one; git commit -m two", output) == [
        *made("aaaaaaa", "main"),
        *made("bbbbbbb", "main"),
    ]


@pytest.mark.parametrize(
    "call", ["cat build.log", "git log", "cat .git commit", "cat git.commit", "legit commit"]
)
def test_what_commits_nothing_made_no_commit(call: str) -> None:
    assert commits_made(call, HEADER + "[main e5d7f74] fix\n") == []


def test_a_quiet_commit_and_a_failed_one_leave_no_line() -> None:
    assert commits_made("git commit -qm x", HEADER) == []
    assert commits_made("git commit -m x", HEADER + "nothing to commit\n") == []


@pytest.mark.parametrize(
    ("call", "output", "repository"),
    [
        ("gh pr create --fill", "https://github.com/Acme/Pay/pull/12\n", "acme/pay"),
        ("glab mr create", "https://gitlab.example/a/b/c/-/merge_requests/3\n", "a/b/c"),
        ("gh pr create", '{"output":"https://github.com/acme/pay/pull/1\\n"}', "acme/pay"),
    ],
)
def test_an_opened_change_by_its_address(call: str, output: str, repository: str) -> None:
    assert changes_opened(call, output) == [
        Counted(quantity=Quantity.CHANGES_OPENED, amount=1),
        Traced(trace=Trace.REPOSITORY, value=repository),
    ]


def test_a_change_that_is_only_looked_at_was_not_opened() -> None:
    assert changes_opened("gh pr view 12", "https://github.com/acme/pay/pull/12\n") == []
    assert changes_opened("gh pr create", "/bin/bash: gh: command not found\n") == []


PATCH = "*** Begin Patch\n*** Update File: a.py\n@@\n x\n-y\n+z\n+w\n*** End Patch\n"


@pytest.mark.parametrize("call", [PATCH, '{"input": "' + PATCH.replace("\n", "\\n") + '"}'])
def test_lines_of_a_patch(call: str) -> None:
    assert patched_lines(call) == [
        Counted(quantity=Quantity.LINES_ADDED, amount=2),
        Counted(quantity=Quantity.LINES_REMOVED, amount=1),
    ]


@pytest.mark.parametrize("call", ["", "+no patch", "{cut off", '{"input": 7}', '{"other": "+"}'])
def test_no_lines_of_what_is_no_patch(call: str) -> None:
    assert patched_lines(call) == []


@pytest.mark.parametrize(
    "command",
    [
        ["apply_patch", PATCH],
        ["bash", "-lc", f"apply_patch <<'EOF'\n{PATCH}EOF"],
        f"cd lib && apply_patch << EOF\n{PATCH}EOF\n+ no line of the patch",
        f"applypatch '{PATCH}'",
    ],
)
def test_a_patch_that_a_shell_runs(command: object) -> None:
    for name in ("command", "cmd"):
        assert patch_run(json.dumps({name: command})) == PATCH.removesuffix("*** End Patch\n")


@pytest.mark.parametrize(
    "command",
    [f"cat > x.patch <<'EOF'\n{PATCH}EOF", f"grep apply_patch\n{PATCH}", "apply_patch", [], 7],
)
def test_no_patch_that_is_only_written_or_read(command: object) -> None:
    assert patch_run(json.dumps({"command": command})) == ""
    assert patch_run(f"apply_patch {PATCH}") == patch_run("[]") == ""


def test_a_tools_name_is_a_name() -> None:
    assert tool_name("mcp__server__tool") == "mcp__server__tool"
    assert {tool_name(None), tool_name(""), tool_name("two words"), tool_name("x" * 129)} == {
        "unknown"
    }


def test_parts_are_taken_out_of_their_whole_unless_they_are_larger() -> None:
    assert inclusive_tokens(100, 60, 10, 20, 5) == Tokens(
        input=30, cache_read=60, cache_write=10, output=20, reasoning=5
    )
    assert inclusive_tokens(10, 60, None, 5, 20) == Tokens(
        input=10, cache_read=60, output=25, reasoning=20
    )
    assert inclusive_tokens(None, 60, None, None, 5) == Tokens(cache_read=60, reasoning=5)
