"""A digest as plain text that stands alone: every link is written out."""

import textwrap
from collections.abc import Iterator

from api.digest.content import Digest, Line, Section
from api.digest.edition import UNSUBSCRIBE

_WIDTH = 76
_UNBROKEN = "\u00a0%"


def write(digest: Digest, link: str) -> str:
    """Write it."""
    return "\n".join(_lines(digest, link)).replace(_UNBROKEN, " %") + "\n"


def _lines(digest: Digest, link: str) -> Iterator[str]:
    yield digest.title
    yield "=" * len(digest.title)
    yield ""
    yield from textwrap.wrap(_unbroken(digest.lead), _WIDTH)
    for section in digest.sections:
        yield ""
        yield section.title
        yield "-" * len(section.title)
        for each in section.lines:
            yield from _line(each, section, link)
        yield f"  {link}{section.path}"
    yield ""
    yield "-- "
    yield f"Tokenassay, {link}/"
    yield f"To get no more of these: {UNSUBSCRIBE}"


def _line(line: Line, section: Section, link: str, indent: str = "") -> Iterator[str]:
    yield from textwrap.wrap(
        _unbroken(line),
        _WIDTH,
        initial_indent=f"{indent}* ",
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    for path in line.paths():
        if path != section.path:
            yield f"{indent}  {link}{path}"
    for each in line.below:
        yield from _line(each, section, link, f"{indent}  ")


def _unbroken(line: Line) -> str:
    """Its words, in which no line ends between a number and its per cent sign."""
    return line.plain().replace(" %", _UNBROKEN)
