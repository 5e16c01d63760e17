"""What the text of a tool call tells where no attribute does: exit code, commits, changes, lines.

Texts are read and dropped: what comes out are counts, SHAs, branch and repository names.
"""

import json
import re

from domain.events import Counted, Fact, Quantity, Trace, Traced
from domain.repository import repository_name

# A name that no tool has comes from the model: anything but a name is not kept.
_TOOL_NAME = re.compile(r"^[\w.:/-]{1,128}$")
_SHELL_HEADER = re.compile(r"^(?:Exit code:|Process exited with code) (-?\d+)$", re.MULTILINE)
_SHELL_METADATA = re.compile(r'"metadata":\s*\{"exit_code":\s*(-?\d+)')
_OUTPUT = "\nOutput:\n"
_COMMITTING = re.compile(
    r"(?<![\w.-])git[\"\s].{0,300}\b(?:commit|cherry-pick|revert|merge|rebase|am)\b", re.DOTALL
)
# What git prints after a commit: "[branch sha] subject", "[main (root-commit) sha] …", and
# "[detached HEAD sha] …", whose words depend on the language.
_COMMITTED = re.compile(
    r"^\[(?P<where>[^\[\]\n]{1,255}?)(?: \([^()\n]+\))? (?P<sha>[0-9a-f]{7,64})\] ", re.MULTILINE
)
_OPENING_CHANGE = re.compile(r"\b(?:pr|mr)\s+create\b")
# What Codex's spawn_agent answers; an agent is a conversation.
_STARTED_AGENT = re.compile(
    r'"agent_id"\s*:\s*"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"'
)
_PATCHERS = ("apply_patch", "applypatch")
_PATCHING = re.compile(r"\s*(?:cd\s[^\n;&|]{1,1024}&&\s*)?apply_?patch\b")
_CHANGE_URL = re.compile(
    r"https://[^\s/\"]+/(?P<repository>[\w./-]+?)/(?:-/)?(?:pull|merge_requests)/\d+"
)


def tool_name(told: str | None) -> str:
    """The tool's name, or "unknown" where it is none."""
    return told if told and _TOOL_NAME.match(told) else "unknown"


def exit_code(output: str) -> int | None:
    """The exit code that Codex's shell tools write before the command's own output, or after it."""
    if output.startswith("{"):
        told = _SHELL_METADATA.search(output)
    else:
        header, told_output, _ = output.partition(_OUTPUT)
        told = _SHELL_HEADER.search(header) if told_output else None
    return int(told[1]) if told else None


def printed(output: str) -> str:
    """What the command itself printed, without a header and out of JSON, which may be cut off."""
    if output.startswith(('{"', '["', '[{"', '"')):
        return output.replace("\\n", "\n").replace('"', "\n")
    return output.partition(_OUTPUT)[2] or output


def commits_made(call: str, output: str) -> list[Fact]:
    """Commits and their branches by git's own words; quiet ones print none.

    Only of a call that may have made them: a log or a file may hold the same words.
    """
    if not _COMMITTING.search(call):
        return []
    facts: list[Fact] = []
    for found in _COMMITTED.finditer(printed(output)):
        facts.append(Counted(quantity=Quantity.COMMITS, amount=1))
        facts.append(Traced(trace=Trace.COMMIT, value=found["sha"]))
        # No branch has a space in its name, but "detached HEAD" has in every language.
        if " " not in found["where"]:
            facts.append(Traced(trace=Trace.BRANCH, value=found["where"]))
    return facts


def changes_opened(call: str, output: str) -> list[Fact]:
    """A pull or merge request opened by a forge's command line, by the address that it prints."""
    found = _CHANGE_URL.search(printed(output)) if _OPENING_CHANGE.search(call) else None
    repository = repository_name(found["repository"]) if found else None
    if repository is None:
        return []
    return [
        Counted(quantity=Quantity.CHANGES_OPENED, amount=1),
        Traced(trace=Trace.REPOSITORY, value=repository),
    ]


def patch_in(call: str) -> str:
    """The patch of a call, which is the argument itself or its only value; empty: there is none."""
    if call.startswith("{"):
        try:
            told = json.loads(call)
        except (ValueError, RecursionError):
            return ""
        call = str(told.get("input") or told.get("patch") or told.get("patchText") or "")
    return call if "*** Begin Patch" in call else ""


def patch_run(call: str) -> str:
    """The patch that a shell's arguments (JSON) hand to ``apply_patch``; empty: they hand none.

    As two words, or as a script with the patch behind the command, maybe in another folder.
    """
    try:
        told = json.loads(call)
    except (ValueError, RecursionError):
        return ""
    command = (told.get("command") or told.get("cmd")) if isinstance(told, dict) else None
    if isinstance(command, list):
        words = [str(word) for word in command]
        command = "\n".join(words if words[:1] and words[0] in _PATCHERS else words[-1:])
    if not isinstance(command, str) or not _PATCHING.match(command):
        return ""
    _, begun, rest = command.partition("*** Begin Patch\n")
    return begun + rest.partition("*** End Patch")[0]


def patched_lines(call: str) -> list[Fact]:
    """Lines added and removed by the patch of a call."""
    lines = patch_in(call).splitlines()
    amounts = {
        Quantity.LINES_ADDED: sum(line.startswith("+") for line in lines),
        Quantity.LINES_REMOVED: sum(line.startswith("-") for line in lines),
    }
    return [Counted(quantity=lines, amount=amount) for lines, amount in amounts.items() if amount]


def agent_started(output: str) -> list[Fact]:
    """The session of a subagent, by the answer of the tool that started it."""
    started = _STARTED_AGENT.search(output)
    return [Traced(trace=Trace.CHILD_SESSION, value=started["id"])] if started else []
