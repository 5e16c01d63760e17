"""Which coding tools a commit or change names as having made it: the table, and how it is read.

A marker says which tool, never which session, and its absence says nothing: measured on commits
whose authors noted every generated line, Claude Code's trailer was on 73 of 100 of them, Codex's on
none. So what is found is a lower bound ("at least"). Only what a tool writes itself counts, not
that somebody mentions it: ``Co-authored-by`` by its address, since people are called Claude too.

Names are those of ``collector.dialects`` where the tool also sends telemetry. ``copilot-agent`` is
the one that works on GitHub's servers; ``copilot`` stands for its command line and its editors.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_NOREPLY = re.compile(r"\A(?:[0-9]+\+)?(?P<login>[^@\s]+)@users\.noreply\.github\.com\Z")
_BY = re.compile(
    r"^[ \t]*(?:Co-authored-by|Assisted-by|Generated-by)[ \t]*:(?P<told>[^\n]{1,400})$",
    re.IGNORECASE | re.MULTILINE,
)
_ADDRESS = re.compile(r"<([^<>\s]{1,254})>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What one tool leaves behind, all in lower case.

    ``emails`` and ``logins`` are the tool's own, as author or in a trailer (a login also as part of
    GitHub's noreply address). ``trailers`` and ``texts`` are found in the message or body,
    ``branches`` are how its branches begin, ``labels`` what it puts on changes.
    """

    tool: str
    emails: frozenset[str] = frozenset()
    logins: frozenset[str] = frozenset()
    trailers: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    labels: frozenset[str] = frozenset()


MARKERS: tuple[Marker, ...] = (
    Marker(
        tool="claude-code",
        emails=frozenset({"noreply@anthropic.com", "no-reply@anthropic.com"}),
        logins=frozenset({"claude[bot]"}),
        trailers=("claude-session:",),
        texts=(
            "generated with [claude code](https://claude.com/claude-code",
            "generated with [claude code](https://claude.ai/code",
            "https://claude.ai/code/session_",
        ),
        branches=("claude/",),
        labels=frozenset({"claude-code-assisted"}),
    ),
    Marker(
        tool="copilot-agent",
        logins=frozenset({"copilot-swe-agent[bot]"}),
        trailers=("agent-logs-url:",),
        branches=("copilot/",),
    ),
    Marker(tool="copilot", logins=frozenset({"copilot"})),
    Marker(
        tool="codex",
        emails=frozenset({"noreply@openai.com", "codex@openai.com"}),
        logins=frozenset({"chatgpt-codex-connector[bot]"}),
        texts=("https://chatgpt.com/codex/tasks/task_",),
        branches=("codex/",),
    ),
    Marker(
        tool="cursor",
        emails=frozenset({"cursoragent@cursor.com"}),
        logins=frozenset({"cursoragent"}),
        trailers=("made-with: cursor",),
        texts=(
            "made with [cursor](https://cursor.com",
            "https://cursor.com/agents/bc-",
            "https://cursor.com/background-agent?bcid=bc-",
        ),
        branches=("cursor/",),
    ),
    Marker(
        tool="devin",
        logins=frozenset({"devin-ai-integration[bot]"}),
        texts=("https://app.devin.ai/sessions/",),
        branches=("devin/",),
    ),
    Marker(
        tool="aider",
        emails=frozenset({"noreply@aider.chat", "aider@aider.chat"}),
        branches=("aider/",),
    ),
    Marker(tool="jules", logins=frozenset({"google-labs-jules[bot]"})),
    Marker(tool="gemini-cli", logins=frozenset({"gemini-cli"})),
    Marker(tool="opencode", emails=frozenset({"noreply@opencode.ai"})),
    Marker(tool="qwen-code", emails=frozenset({"qwen-coder@alibabacloud.com"})),
    Marker(tool="droid", logins=frozenset({"factory-droid[bot]"})),
    Marker(
        tool="amp",
        emails=frozenset({"amp@ampcode.com"}),
        trailers=("amp-thread-id: https://ampcode.com/threads/",),
    ),
    Marker(tool="crush", emails=frozenset({"crush@charm.land"})),
    Marker(tool="warp", emails=frozenset({"agent@warp.dev"})),
)

# Aider writes its name behind the author's own.
_AIDER_AUTHOR = " (aider)"
# Both copilots share this number-and-login address; the agent's own commits are told by its author.
_AGENT_EMAILS = frozenset({"198982749+copilot@users.noreply.github.com"})


def tools_of_commit(
    message: str, *, email: str | None = None, name: str | None = None, login: str | None = None
) -> tuple[str, ...]:
    """Name the tools that a commit's author or message names, in the order of the table."""
    emails = {*_one(email), *_named_in_trailers(message)}
    found = _tools(emails, _one(login), message)
    if (name or "").lower().endswith(_AIDER_AUTHOR):
        found.add("aider")
    return _sorted(found)


def tools_of_change(
    text: str, *, branch: str, login: str | None = None, labels: Iterable[str] = ()
) -> tuple[str, ...]:
    """Name the tools that a change's author, title and body, branch or labels name."""
    found = _tools(set(_named_in_trailers(text)), _one(login), text)
    start, told = branch.lower(), {label.lower() for label in labels}
    for marker in MARKERS:
        if start.startswith(marker.branches) or told & marker.labels:
            found.add(marker.tool)
    return _sorted(found)


def _tools(emails: set[str], logins: set[str], text: str) -> set[str]:
    found = {"copilot-agent"} if emails & _AGENT_EMAILS else set()
    of_noreply = (_NOREPLY.match(each) for each in emails - _AGENT_EMAILS)
    logins = logins | {match["login"] for match in of_noreply if match}
    lower = text.lower()
    starts = tuple(line.lstrip() for line in lower.splitlines())
    for marker in MARKERS:
        if (
            emails & marker.emails
            or logins & marker.logins
            or any(each in lower for each in marker.texts)
            or (marker.trailers and any(line.startswith(marker.trailers) for line in starts))
        ):
            found.add(marker.tool)
    return found


def _named_in_trailers(text: str) -> Iterator[str]:
    for trailer in _BY.finditer(text):
        for address in _ADDRESS.findall(trailer["told"]):
            yield address.lower()


def _one(told: str | None) -> set[str]:
    return {told.strip().lower()} if told else set()


def _sorted(found: set[str]) -> tuple[str, ...]:
    return tuple(marker.tool for marker in MARKERS if marker.tool in found)
