"""The markup of Slack and Microsoft Teams: words that stay words, and a card in its message."""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def slack_words(told: str) -> str:
    """Text that Slack takes as it is."""
    return told.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def card_words(told: str) -> str:
    """Text that an adaptive card does not take for Markdown."""
    return "".join(f"\\{each}" if each in "\\*_[]`#" else each for each in told)


def card_message(body: Sequence[Json], link: str | None) -> Json:
    """What a workflow webhook of Microsoft Teams takes: a message with one adaptive card.

    ``link`` is where a button below it leads; None: there is none.
    """
    card: Json = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": list(body),
    }
    if link is not None:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open Tokenassay", "url": link}]
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}
