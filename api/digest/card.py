"""A digest as what a workflow of Microsoft Teams takes: a message with one adaptive card."""

from typing import Any

from api.digest.content import Digest, Line, Section, Span

Json = dict[str, Any]


def write(digest: Digest, link: str) -> Json:
    """Write it."""
    body = [
        _block(plain(digest.title), size="Large", weight="Bolder"),
        _block(_line(digest.lead, link)),
        *(block for section in digest.sections for block in _section(section, link)),
    ]
    card: Json = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": "Open Tokenassay", "url": f"{link}/"}],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


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
    told = plain(words)
    if span.path is not None:
        told = f"[{told}]({link}{span.path})"
    return (f"**{told}**" if span.strong else told) + rest


def plain(told: str) -> str:
    """Text that an adaptive card does not take for Markdown."""
    return "".join(f"\\{each}" if each in "\\*_[]`#" else each for each in told)
