"""Alerts in the words of each channel: a mail, Slack's blocks, an adaptive card, plain JSON.

An alert about one person does not say who, and one about few people not what they spent: whoever
may know looks it up.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage

from domain.alerts import AlertKind, EventKind, Notice
from domain.chat import Json, card_message, card_words, slack_words

_SHOWN = 20
_TITLES = {
    AlertKind.BUDGET: "Budget",
    AlertKind.RUNAWAY_SESSION: "Runaway session",
    AlertKind.SPEND_ANOMALY: "Unusual spend",
    AlertKind.TOOL_SILENT: "Tool silent",
    AlertKind.SYNC_FAILING: "Provider can't be read",
}
_WORDS = {
    EventKind.OPENED: "new",
    EventKind.RAISED: "got worse",
    EventKind.RESOLVED: "resolved",
}

_OF_FEW = {
    AlertKind.BUDGET: "A budget that few people are behind has reached a threshold. Admins, and"
    " leads of the team, see which.",
    AlertKind.SPEND_ANOMALY: "What few people spent in 24 hours is unusual. Admins, and leads of"
    " the team, see what.",
}


def sentence(notice: Notice) -> str:
    """What happened, for people; nothing that tells who a person is, or what few people spent."""
    if notice.private:
        return "A budget of one person has reached a threshold. Admins see which."
    if notice.few:
        return _OF_FEW.get(notice.kind, _OF_FEW[AlertKind.BUDGET])
    return notice.sentence


def title(notice: Notice) -> str:
    """A heading of a few words."""
    return f"{_TITLES[notice.kind]} ({_WORDS[notice.event]})"


def subject(notices: Sequence[Notice]) -> str:
    """One line for all of them."""
    if len(notices) == 1:
        return f"Tokenassay: {title(notices[0])}"
    return f"Tokenassay: {len(notices)} alerts"


def mail(notices: Sequence[Notice], recipients: Sequence[str], link: str | None) -> EmailMessage:
    """A plain mail."""
    message = EmailMessage()
    message["Subject"] = subject(notices)
    message["To"] = ", ".join(recipients)
    message["Auto-Submitted"] = "auto-generated"
    parts = [f"{title(each)}\n{sentence(each)}\n" for each in notices[:_SHOWN]]
    parts += [f"{line}\n" for line in _rest(notices, link)]
    message.set_content("\n".join(parts))
    return message


def slack(notices: Sequence[Notice], link: str | None) -> Json:
    """What an incoming webhook of Slack takes."""
    blocks: list[Json] = [
        {"type": "header", "text": {"type": "plain_text", "text": subject(notices)[:150]}}
    ]
    blocks += [
        _section(f"*{slack_words(title(each))}*\n{slack_words(sentence(each))}")
        for each in notices[:_SHOWN]
    ]
    rest = _rest(notices, link)
    if rest:
        elements = [{"type": "mrkdwn", "text": slack_words(line)} for line in rest]
        blocks.append({"type": "context", "elements": elements})
    return {"text": slack_words(subject(notices)), "blocks": blocks}


def teams(notices: Sequence[Notice], link: str | None) -> Json:
    """What a workflow webhook of Microsoft Teams takes: a message with one adaptive card."""
    body: list[Json] = [
        {
            "type": "TextBlock",
            "text": subject(notices),
            "weight": "Bolder",
            "size": "Medium",
            "wrap": True,
        }
    ]
    for each in notices[:_SHOWN]:
        body.append({"type": "TextBlock", "text": title(each), "weight": "Bolder", "wrap": True})
        body.append({"type": "TextBlock", "text": card_words(sentence(each)), "wrap": True})
    more = _rest(notices, None)
    body += [{"type": "TextBlock", "text": line, "isSubtle": True, "wrap": True} for line in more]
    return card_message(body, link)


def plain(notice: Notice) -> bytes:
    """One event as JSON, in the form that Standard Webhooks advises."""
    told = {
        "type": f"alert.{notice.event.value}",
        "timestamp": notice.at.astimezone(UTC).isoformat(),
        "data": {
            "alert_id": notice.alert_id,
            "kind": notice.kind.value,
            "sentence": sentence(notice),
            "facts": {} if notice.private or notice.few else dict(notice.facts),
        },
    }
    return json.dumps(told, sort_keys=True).encode()


def trial(now: datetime) -> Notice:
    """What ``assay alerts test`` sends."""
    return Notice(
        alert_id="test",
        number=int(now.timestamp()),
        event=EventKind.OPENED,
        at=now,
        kind=AlertKind.BUDGET,
        sentence="This is a test: alerts of Tokenassay arrive here.",
        facts={},
        private=False,
    )


def _rest(notices: Sequence[Notice], link: str | None) -> list[str]:
    lines = [f"And {len(notices) - _SHOWN} more."] if len(notices) > _SHOWN else []
    return [*lines, link] if link else lines


def _section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:2900]}}
