"""What GitLab's texts refer to: by its own closing words, ``!7``, and its revert branches.

GitLab closes issues by more words than GitHub, and by one word several of them: ``Closes #4, #6 and
group/project#9``. Only the texts in which GitLab itself looks are read for them: descriptions and
commit messages, not titles.

https://docs.gitlab.com/user/project/issues/managing_issues/#default-closing-pattern
"""

import re
from collections.abc import Iterable, Iterator

from collector.forges import references

_NUMBER = r"[1-9][0-9]{0,8}(?!\w)"
_PATH = r"[\w.-]{1,100}(?:/[\w.-]{1,100}){0,20}"
_GAP = r"[ \t]{1,8}"
_BULLET = rf"^[ \t]{{0,8}}(?:[-*]{_GAP})?"

_ISSUE = (
    rf"(?:issues?{_GAP})?"
    rf"(?:(?P<name>{_PATH})?#(?P<number>{_NUMBER})"
    rf"|https?://[^\s/]{{1,255}}/(?P<path>{_PATH}?)/(?:-/)?(?:issues|work_items)/"
    rf"(?P<linked>{_NUMBER}))"
)
_CLOSING = re.compile(
    r"(?<![\w-])(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?)"
    rf":?{_GAP}{_ISSUE}",
    re.IGNORECASE,
)
_FURTHER = re.compile(
    rf"(?:[ \t]{{0,8}},?{_GAP}and{_GAP}|[ \t]{{0,8}},[ \t]{{0,8}}|{_GAP}){_ISSUE}", re.IGNORECASE
)
_MERGE_REQUEST = (
    rf"(?:(?P<name>{_PATH})?!(?P<number>{_NUMBER})"
    rf"|https?://[^\s/]{{1,255}}/(?P<path>{_PATH}?)/(?:-/)?merge_requests/(?P<linked>{_NUMBER}))"
)
_REVERTED = re.compile(
    rf"{_BULLET}(?:This{_GAP})?Reverts{_GAP}(?:merge{_GAP}request{_GAP})?{_MERGE_REQUEST}",
    re.MULTILINE | re.IGNORECASE,
)
_SUPERSEDED = re.compile(rf"{references.SUPERSEDED}{_MERGE_REQUEST}", re.MULTILINE | re.IGNORECASE)
_REVERT_BRANCH = re.compile(r"\Arevert-(?P<sha>[0-9a-f]{8})(?:-[0-9a-f]{1,8})?\Z")


def closed_issues(text: str, repository: str) -> tuple[str, ...]:
    """Find the issues that GitLab would close: ``#7``, of another project ``group/name#7``.

    An issue of ``repository`` itself is ``#7`` however it is spelled. A project without its group
    stands in the same group.
    """
    return tuple(
        dict.fromkeys(
            f"#{number}" if name == repository else f"{name}#{number}"
            for found in _closing(text)
            for name, number in [_named(found, repository)]
        )
    )


def closed_by_change(description: str, repository: str) -> tuple[str, ...]:
    """Find what a merge request closes, outside of comments, code and quotations.

    These are issues, and tickets of a tracker by their key (``Closes PAY-7``).
    """
    told = references.prose(description)
    return (*closed_issues(told, repository), *references.closed_tickets(told))


def reverted_merge_requests(text: str, repository: str) -> tuple[int, ...]:
    """Find the numbers of the merge requests of ``repository`` that a text says it reverts.

    GitLab's button writes ``This reverts merge request group/project!7`` into the message of the
    reverting commit and, from there, into the description.
    """
    return _numbers(_REVERTED.finditer(text), repository)


def superseding_merge_requests(description: str, repository: str) -> tuple[int, ...]:
    """Find the merge requests of ``repository`` that a description says replace this one."""
    prose = references.prose(description)
    return _numbers(_SUPERSEDED.finditer(prose), repository)


def reverted_by_branch(branch: str) -> str | None:
    """Give the short SHA (8 digits) in the name of a branch that GitLab's revert button made."""
    named = _REVERT_BRANCH.match(branch)
    return named["sha"] if named else None


def _closing(text: str) -> Iterator[re.Match[str]]:
    for first in _CLOSING.finditer(text):
        found: re.Match[str] | None = first
        while found:
            yield found
            found = _FURTHER.match(text, found.end())


def _numbers(found: Iterable[re.Match[str]], repository: str) -> tuple[int, ...]:
    named = (_named(match, repository) for match in found)
    return tuple(dict.fromkeys(int(number) for name, number in named if name == repository))


def _named(found: re.Match[str], repository: str) -> tuple[str, str]:
    """Give the project (lower case) and number of one reference."""
    name: str = (found["name"] or found["path"] or repository).lower()
    if "/" not in name:
        name = f"{repository.rpartition('/')[0]}/{name}"
    return name, found["number"] or found["linked"]
