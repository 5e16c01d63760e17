"""Titles and branches as short keys: the same for a change and for a revert that repeats them."""

import re
from hashlib import blake2b

TITLED = "title"
"""How the name of something reverted begins where only its title is told."""

BUTTON = "button"
"""How the name of something reverted begins where the branch of a revert button tells it."""

# A person's branch may begin so, too: only with the other change's own branch is it the button's.
_BUTTON = re.compile(r"\Arevert-(?P<number>[1-9][0-9]{0,8})-(?P<branch>.+)\Z")
# Squash merges append the change's number.
_NUMBER = re.compile(r"\s*\((?:#|!)[0-9]{1,9}\)\s*\Z")
_REVERT = re.compile(
    r"""\A\s*Revert(?:s|ed)?(?:\s*:\s*|\s+)(?P<quote>["'\u201c]?)(?P<title>.+)\Z""", re.IGNORECASE
)
_ENDS = {'"': '"', "'": "'", "\u201c": "\u201d"}


def title_key(title: str) -> str:
    """Sixteen hex digits; the number that a squash merge appends takes no part."""
    return blake2b(_plain(title).encode(errors="replace"), digest_size=8).hexdigest()


def reverted_title(title: str) -> str | None:
    """The title that a revert quotes, or names after a colon; None where it is no revert."""
    told = _REVERT.match(_plain(title))
    if told is None:
        return None
    inner, quote = told["title"].strip(), told["quote"]
    if not quote:
        return inner
    end = _ENDS[quote]
    return inner.removesuffix(end).strip() if inner.endswith(end) else None


def named_by_button(branch: str) -> tuple[int, str] | None:
    """Of which change GitHub's revert button makes such a branch, and the name of that change.

    It calls it ``revert-<number>-<branch of the reverted change>``. None for other branches.
    """
    told = _BUTTON.match(branch)
    return (int(told["number"]), button_name(int(told["number"]), told["branch"])) if told else None


def button_name(number: int, branch: str) -> str:
    """The name by which a revert button's branch names a change that came from ``branch``."""
    key = blake2b(branch.encode(errors="replace"), digest_size=8).hexdigest()
    return f"{BUTTON}:{number}:{key}"


def _plain(title: str) -> str:
    return _NUMBER.sub("", title).strip()
