"""What texts of a forge refer to: sessions, reverted work, tickets.

Titles, bodies, branch names and commit messages go in, references come out, each once and in the
order found; nothing else of the text is kept. Every pattern is bounded, so that a text of any
length is read in time linear to it. Precision before recall: a reference that is missed leaves
work unlinked, which is shown; one that is invented makes a number false.
"""

import re
from collections.abc import Iterable

from domain.work import SessionTrailer

_NUMBER = r"[1-9][0-9]{0,8}(?!\w)"
_NAME = r"[\w.-]{1,100}/[\w.-]{1,100}"
_GAP = r"[ \t]{1,8}"
_BULLET = rf"^[ \t]{{0,8}}(?:[-*]{_GAP})?"

_SESSION = re.compile(
    r"^[ \t]*Agent-Session[ \t]*:[ \t]*"
    r"(?P<tool>[A-Za-z0-9][A-Za-z0-9._-]{0,63})/(?P<id>[!-~]{1,200})[ \t\r]*$",
    re.MULTILINE | re.IGNORECASE,
)
# git, GitHub and GitLab write this line; a quoted one ("> This reverts …") is somebody else's.
_REVERTED_COMMIT = re.compile(
    rf"{_BULLET}This{_GAP}reverts{_GAP}commit[ \t\r\n]{{1,8}}(?P<sha>[0-9a-f]{{7,40}})(?!\w)",
    re.MULTILINE | re.IGNORECASE,
)
# At the start of a line only: "partially reverts #7" leaves work standing.
_REVERTED_CHANGE = re.compile(
    rf"{_BULLET}(?:This{_GAP})?Reverts{_GAP}(?:PR{_GAP})?"
    rf"(?:(?P<name>{_NAME})?#(?P<number>{_NUMBER})"
    rf"|https?://[^\s/]{{1,255}}/(?P<path>{_NAME})/pull/(?P<linked>{_NUMBER}))",
    re.MULTILINE | re.IGNORECASE,
)
# "Superseded by #7", "closing in favour of #7": the other change took this one's place. In the
# middle of a sentence it may be said of anything, as in "fixes #9, which is a duplicate of #7": so
# it must begin one, or be said of "this" or of closing.
_THIS = rf"this(?:{_GAP}(?:PR|MR|(?:pull|merge){_GAP}request|change|one))?"
_SAID_OF_THIS = (
    rf"(?:{_BULLET}|[.!?;:]{_GAP}"
    rf"|(?<![\w-]){_THIS}{_GAP}(?:is|was|got|has{_GAP}been){_GAP}(?:now{_GAP})?(?:an?{_GAP})?)"
)
_CLOSED = rf"(?<![\w-])clos(?:e[sd]?|ing)(?:{_GAP}(?:it|{_THIS}))?{_GAP}"
SUPERSEDED = (
    rf"(?:{_SAID_OF_THIS}(?:(?:super[sc]eded|replaced){_GAP}(?:by|with)|duplicates?{_GAP}of"
    rf"|in{_GAP}favou?r{_GAP}of)|{_CLOSED}(?:in{_GAP}favou?r{_GAP}of|as{_GAP}superseded{_GAP}by"
    rf"|as{_GAP}an?{_GAP}duplicate{_GAP}of)):?{_GAP}"
)
"""What a text says before the change that took its own one's place; of several lines."""

_SUPERSEDED = re.compile(
    rf"{SUPERSEDED}(?:PR{_GAP})?"
    rf"(?:(?P<name>{_NAME})?[#!](?P<number>{_NUMBER})"
    rf"|https?://[^\s/]{{1,255}}/(?P<path>{_NAME})/pull/(?P<linked>{_NUMBER}))",
    re.MULTILINE | re.IGNORECASE,
)
# GitHub's nine keywords, directly before the reference. Other linkers allow any words between the
# two and so take "fixes the typo from #7" for a reference to the task.
_CLOSING = re.compile(
    r"(?<![\w-])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)"
    rf"(?::[ \t]{{0,8}}|{_GAP})"
    rf"(?:(?P<name>{_NAME})?#(?P<number>{_NUMBER})"
    rf"|https?://[^\s/]{{1,255}}/(?P<path>{_NAME})/issues/(?P<linked>{_NUMBER}))",
    re.IGNORECASE,
)
# The same before a key: "see PAY-7" only mentions it, "Closes PAY-7" says what it is for.
_CLOSING_TICKET = re.compile(
    r"(?<![\w-])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)"
    rf"(?::[ \t]{{0,8}}|{_GAP})"
    r"(?P<key>(?-i:(?P<project>[A-Z][A-Z0-9_]{1,9})-[1-9][0-9]{0,6}))(?![A-Za-z0-9-]|\.[0-9])",
    re.IGNORECASE,
)
_TICKET = re.compile(
    r"(?<![A-Za-z0-9/_.-])(?P<key>(?P<project>[A-Z][A-Z0-9_]{1,9})-[1-9][0-9]{0,6})"
    r"(?![A-Za-z0-9-]|\.[0-9])"
)
# In a branch name "/", "_" and "-" are what spaces are elsewhere; FIX-THE-BUG-2 is no key.
_BRANCH_TICKET = re.compile(
    r"(?<![A-Za-z0-9])(?<![A-Z]-)(?P<key>(?P<project>[A-Z][A-Z0-9]{1,9})-[1-9][0-9]{0,6})"
    r"(?![A-Za-z0-9]|\.[0-9])"
)
# Azure Boards: a mention ties the work item, no keyword needed; "AB" is how other forges spell it.
_WORK_ITEM = re.compile(rf"(?<![\w&/#!.-])(?:AB)?#(?P<number>{_NUMBER})(?!-)", re.IGNORECASE)
# What looks like keys: standards, algorithms, encodings, models, and the forge's own GH-7 and PR-7.
_NOT_PROJECTS = frozenset(
    {"AES", "CVE", "CWE", "ECMA", "GH", "GLM", "GPT", "HTTP", "IEC", "IEEE", "ISO", "MD", "MR"}
    | {"OSC", "PEP", "PR", "RFC", "RSA", "SHA", "SSL", "TLS", "UCS", "UTF"}
)

_FENCE = re.compile(r"[ \t]{0,3}(?P<fence>`{3,}|~{3,})")
_CODE_SPAN = re.compile(r"`[^`\n]*`")


def named_sessions(message: str) -> tuple[SessionTrailer, ...]:
    """Find the sessions that a commit message names: ``Agent-Session: <tool>/<session id>``.

    The whole message counts, not its last paragraph only: a squash merge concatenates messages
    and so buries their trailers. Tool names are lower case; session ids stay as they are.
    """
    found = (
        SessionTrailer(tool=match["tool"].lower(), session_id=match["id"])
        for match in _SESSION.finditer(message)
    )
    return tuple(dict.fromkeys(found))


def reverted_commits(message: str) -> tuple[str, ...]:
    """Find the SHAs (7 to 40 hex digits, lower case) that a commit message says it reverts.

    They may be of the same change, where the work was undone before it was merged.
    """
    return _once(match["sha"].lower() for match in _REVERTED_COMMIT.finditer(message))


def reverted_changes(body: str, repository: str) -> tuple[int, ...]:
    """Find the numbers of the changes of ``repository`` that a change's body says it reverts.

    It says so with ``Reverts #7`` or ``Reverts owner/name#7`` (or the change's URL) at the start
    of a line. What the branch of a revert button means hangs on the branch of the other change.
    """
    numbers = [
        int(match["number"] or match["linked"])
        for match in _REVERTED_CHANGE.finditer(prose(body))
        if (match["name"] or match["path"] or repository).lower() == repository
    ]
    return tuple(dict.fromkeys(numbers))


def superseding_changes(body: str, repository: str) -> tuple[int, ...]:
    """Find the numbers of the changes of ``repository`` that a change says took its place.

    It says so with ``Superseded by #7``, ``Replaced by #7``, ``in favour of #7`` or ``Duplicate of
    #7``, also with ``!7`` or the change's URL, where a sentence begins so or says it of "this". The
    number may be an issue's: whoever asks must look whether it is a change.
    """
    numbers = [
        int(match["number"] or match["linked"])
        for match in _SUPERSEDED.finditer(prose(body))
        if (match["name"] or match["path"] or repository).lower() == repository
    ]
    return tuple(dict.fromkeys(numbers))


def closed_by_change(text: str, repository: str) -> tuple[str, ...]:
    """Find what a change's title or body closes, outside of its comments and code.

    These are issues, and tickets of a tracker by their key (``Closes PAY-7``).
    """
    told = prose(text)
    return _once((*closed_issues(told, repository), *closed_tickets(told)))


def closed_issues(text: str, repository: str) -> tuple[str, ...]:
    """Find the issues that GitHub's closing keywords name: ``#7``, elsewhere ``owner/name#7``.

    An issue of ``repository`` itself is ``#7`` however it is spelled, so that it has one name.
    """
    found = []
    for match in _CLOSING.finditer(text):
        name = (match["name"] or match["path"] or repository).lower()
        number = match["number"] or match["linked"]
        found.append(f"#{number}" if name == repository else f"{name}#{number}")
    return _once(found)


def closed_tickets(text: str) -> tuple[str, ...]:
    """Find the Jira-style keys that GitHub's closing keywords name; upper case only."""
    return _keys(_CLOSING_TICKET, text)


def work_items(text: str) -> tuple[str, ...]:
    """Find the work items of Azure Boards that a text mentions, as ``AB#7``.

    Only for texts of Azure Repos, where ``#7`` is a work item and a pull request is ``!7``.
    """
    return _once(f"AB#{match['number']}" for match in _WORK_ITEM.finditer(text))


def ticket_keys(line: str) -> tuple[str, ...]:
    """Find Jira-style keys (``PAY-7``) in a title; upper case only, since projects are unknown."""
    return _keys(_TICKET, line)


def branch_ticket_keys(branch: str) -> tuple[str, ...]:
    """Find Jira-style keys in a branch name like ``feature/PAY-7-refunds``; upper case only."""
    return _keys(_BRANCH_TICKET, branch)


def _keys(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    matches = pattern.finditer(text)
    return _once(match["key"] for match in matches if match["project"] not in _NOT_PROJECTS)


def _once(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))


def prose(markdown: str) -> str:
    """Drop HTML comments, code and quotations from Markdown.

    Templates explain "Fixes #7" in comments, code shows it, quotations repeat what others said.
    """
    fence = ""
    lines = []
    for line in _uncommented(markdown).splitlines():
        mark = _FENCE.match(line)
        if fence:
            # A fence ends with at least as many of the same mark.
            if mark and mark["fence"].startswith(fence):
                fence = ""
        elif mark:
            fence = mark["fence"]
        elif not line.lstrip().startswith(">"):
            lines.append(_CODE_SPAN.sub(" ", line))
    return "\n".join(lines)


def _uncommented(markdown: str) -> str:
    kept = []
    position = 0
    while (start := markdown.find("<!--", position)) >= 0:
        end = markdown.find("-->", start)
        if end < 0:
            break
        kept.append(markdown[position:start])
        position = end + len("-->")
    return " ".join([*kept, markdown[position:]])
