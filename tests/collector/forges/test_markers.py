"""Which tool a commit or change names: only what tools write themselves, read in linear time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dialects import DIALECTS
from collector.forges.mailmap import same_people
from collector.forges.markers import MARKERS, tools_of_change, tools_of_commit
from domain.people import SamePerson, Strength
from tests.delivering import PSEUDONYMS, email

CLAUDE = "Co-Authored-By: Claude Opus 4.5 <noreply@anthropic.com>"


@pytest.mark.parametrize(
    ("message", "tools"),
    [
        (f"feat: x\n\n{CLAUDE}", ("claude-code",)),
        # A squash merge buries the trailers of what it joins.
        (f"feat: x (#7)\n\n* one\n\n{CLAUDE}\n\n* two\n\nSigned-off-by: A", ("claude-code",)),
        ("x\n\nCo-authored-by: Claude <no-reply@anthropic.com>", ("claude-code",)),
        ("x\n\nClaude-Session: https://claude.ai/code/session_01", ("claude-code",)),
        (
            "x\n\nCo-authored-by: Copilot <223556219+Copilot@users.noreply.github.com>",
            ("copilot",),
        ),
        ("x\n\nAgent-Logs-Url: https://github.com/o/r/sessions/1", ("copilot-agent",)),
        (
            "x\n\nCo-authored-by: Copilot <198982749+Copilot@users.noreply.github.com>",
            ("copilot-agent",),
        ),
        ("x\n\nCo-authored-by: Codex <noreply@openai.com>", ("codex",)),
        ("x\n\nCo-authored-by: Cursor <cursoragent@cursor.com>", ("cursor",)),
        ("x\n\nMade-with: Cursor", ("cursor",)),
        ("x\n\nCo-authored-by: aider (gpt-5) <noreply@aider.chat>", ("aider",)),
        (
            "x\n\nCo-authored-by: gemini-cli g <218195315+gemini-cli@users.noreply.github.com>",
            ("gemini-cli",),
        ),
        ("x\n\nCo-Authored-By: opencode <noreply@opencode.ai>", ("opencode",)),
        ("x\n\nCo-authored-by: Qwen-Coder <qwen-coder@alibabacloud.com>", ("qwen-code",)),
        (
            "x\n\nCo-authored-by: factory-droid[bot]"
            " <138933559+factory-droid[bot]@users.noreply.github.com>",
            ("droid",),
        ),
        ("x\n\nAssisted-by: Crush:glm-5 <crush@charm.land>", ("crush",)),
        (f"x\n\n{CLAUDE}\nCo-authored-by: Codex <noreply@openai.com>", ("claude-code", "codex")),
        ("x\n\nCo-authored-by: Claude Dupont <claude@example.fr>", ()),
        ("x\n\nCo-authored-by: GitHub <noreply@github.com>", ()),
        ("Ask noreply@anthropic.com about Cursor, codex and Copilot", ()),
        ("Document Claude-Session: trailers", ()),
        ("", ()),
    ],
)
def test_a_message_names_its_tools(message: str, tools: tuple[str, ...]) -> None:
    assert tools_of_commit(message) == tools


def test_an_author_may_be_a_tool() -> None:
    assert tools_of_commit("x", email="NoReply@Anthropic.com") == ("claude-code",)
    assert tools_of_commit("x", login="google-labs-jules[bot]") == ("jules",)
    assert tools_of_commit("x", email="1+devin-ai-integration[bot]@users.noreply.github.com") == (
        "devin",
    )
    assert tools_of_commit("x", name="Ada Lovelace (aider)") == ("aider",)
    assert tools_of_commit("x", name="Claude", email="c@example.fr", login="claude") == ()


@pytest.mark.parametrize(
    ("text", "branch", "tools"),
    [
        ("Generated with [Claude Code](https://claude.com/claude-code)", "x", ("claude-code",)),
        ("Generated with [Claude Code](https://claude.ai/code)", "x", ("claude-code",)),
        ("https://chatgpt.com/codex/tasks/task_e_68", "x", ("codex",)),
        ("Link to Devin run: https://app.devin.ai/sessions/0a1b", "x", ("devin",)),
        ("Made with [Cursor](https://cursor.com)", "x", ("cursor",)),
        ("https://cursor.com/background-agent?bcId=bc-1", "x", ("cursor",)),
        # It summarises what others have made.
        ("<!-- CURSOR_SUMMARY -->", "x", ()),
        ("", "claude/fix-1", ("claude-code",)),
        ("", "Copilot/fix-1", ("copilot-agent",)),
        ("", "me/claude/fix", ()),
        ("We should try Claude Code here", "x", ()),
    ],
)
def test_a_change_names_its_tools(text: str, branch: str, tools: tuple[str, ...]) -> None:
    assert tools_of_change(text, branch=branch) == tools


def test_a_label_names_a_tool() -> None:
    assert tools_of_change("", branch="x", labels=["Claude-Code-Assisted"]) == ("claude-code",)


def test_tools_are_called_as_their_telemetry_is() -> None:
    known = {marker.tool for marker in MARKERS}
    telling = {dialect.tool for dialect in DIALECTS}
    assert known & telling == {
        *("claude-code", "codex", "copilot", "cursor", "droid", "gemini-cli", "opencode"),
        "qwen-code",
    }
    assert len(known) == len(MARKERS)


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert tools_of_commit(text, email=text, name=text, login=text) is not None
    assert tools_of_change(text, branch=text, login=text, labels=[text]) is not None


# .mailmap


def test_a_mailmap_joins_addresses() -> None:
    text = """
    # People of this repository <not@a.person> <at@all.test>
    Ada Lovelace <ada@example.com> <ada@laptop.local>
    <ada@example.com> <ADA@old.example.com>
    Grace <grace@example.com>
    Grace <grace@example.com> Gracie <g@example.com> # her laptop
    Ada <ada@example.com> <ada@laptop.local>
    Same <same@example.com> <SAME@example.com>
    Broken <ada> <also broken>
    """
    pairs = [
        ("ada@example.com", "ada@laptop.local"),
        ("ada@example.com", "ada@old.example.com"),
        ("grace@example.com", "g@example.com"),
    ]
    assert same_people(text, PSEUDONYMS) == tuple(
        SamePerson(one=email(one), other=email(other), strength=Strength.STRONG, source="mailmap")
        for one, other in pairs
    )
    assert same_people("\0\ud800 <<>>", PSEUDONYMS) == ()
