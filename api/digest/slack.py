"""A digest as what an incoming webhook of Slack takes: blocks of its own markup (mrkdwn)."""

from api.digest.content import Digest, Line, Section, Span
from domain.chat import Json, slack_words

# A section's text holds 3,000 characters, a header 150, a message 50 blocks.
_MOST_TEXT = 2900
_MOST_HEADER = 150
_MOST_BLOCKS = 48


def write(digest: Digest, link: str) -> Json:
    """Write it."""
    blocks: list[Json] = [
        {"type": "header", "text": {"type": "plain_text", "text": digest.title[:_MOST_HEADER]}},
        _text(_line(digest.lead, link)),
    ]
    for section in digest.sections:
        blocks += [{"type": "divider"}, *_section(section, link)]
    return {"text": slack_words(digest.subject), "blocks": blocks[:_MOST_BLOCKS]}


def _section(section: Section, link: str) -> list[Json]:
    """One block, or several where it is too long for one."""
    parts = [f"*{_span(Span(section.title, section.path), link)}*"]
    blocks = []
    for line in section.lines:
        told = "\n".join(
            (f"• {_line(line, link)}", *(f"   _{_line(e, link)}_" for e in line.below))
        )
        if sum(map(len, parts)) + len(told) > _MOST_TEXT:
            blocks.append(_text("\n".join(parts)))
            parts = []
        parts.append(told)
    return [*blocks, _text("\n".join(parts))]


def _line(line: Line, link: str) -> str:
    return "".join(_span(span, link) for span in line.spans).strip()


def _span(span: Span, link: str) -> str:
    told = slack_words(span.text)
    if span.path is not None:
        # A space at the end would stand inside the link.
        words = told.rstrip()
        told = f"<{link}{span.path}|{words.replace('|', '¦')}>{told[len(words) :]}"
    return f"*{told}*" if span.strong else told


def _text(told: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": told[:_MOST_TEXT]}}
