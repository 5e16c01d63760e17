"""A digest as what a workflow of Microsoft Teams takes: a message with one adaptive card."""

from typing import Any

from api.digest.content import Digest, Line, Section, Span
from domain.chat import Json, card_message, card_words


def write(digest: Digest, link: str) -> Json:
    """Write it."""
    body = [
        _block(card_words(digest.title), size="Large", weight="Bolder"),
        _block(_line(digest.lead, link)),
        *(block for section in digest.sections for block in _section(section, link)),
    ]
    return card_message(body, f"{link}/")


def _section(section: Section, link: str) -> list[Json]:
    title = _span(Span(section.title, section.path), link)
    blocks = [_block(title, weight="Bolder", separator=True)]
    for line in section.lines:
        blocks.append(_block(_line(line, link)))
        blocks += [_block(_line(each, link), isSubtle=True) for each in line.below]
    return blocks


def _block(told: str, **options: Any) -> Json:
    return {"type": "TextBlock", "text": told, "wrap": True, **options}


def _line(line: Line, link: str) -> str:
    return "".join(_span(span, link) for span in line.spans).strip()


def _span(span: Span, link: str) -> str:
    words = span.text.rstrip()
    rest = span.text[len(words) :]
    told = card_words(words)
    if span.path is not None:
        told = f"[{told}]({link}{span.path})"
    return (f"**{told}**" if span.strong else told) + rest
