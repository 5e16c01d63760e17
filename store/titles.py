"""Titles as short keys: the same for a change and for a revert that quotes it."""

import re
from hashlib import blake2b

TITLED = "title"
"""How the name of something reverted begins where only its title is told."""

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


def _plain(title: str) -> str:
    return _NUMBER.sub("", title).strip()
