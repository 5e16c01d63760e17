"""The channels that alerts go through, all of one shape: told, or not and why."""

import base64
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from assay import alert_messages, mail
from assay.alert_settings import AlertSettings, webhook_key
from assay.mail import MailError
from assay.posting import NotToldError, post
from assay.smtp_settings import SmtpSettings
from domain.alerts import Notice

__all__ = ["Channel", "NotToldError", "Tell", "channels", "signed"]

Tell = Callable[[Sequence[Notice]], str | None]
"""Tell these; a remark where not all of it went well. Raises NotToldError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way to tell. ``at_once`` is how many events one message may hold."""

    name: str
    tell: Tell
    at_once: int = 100


def channels(alerts: AlertSettings, smtp: SmtpSettings) -> list[Channel]:
    """Every channel that is set up."""
    found = []
    if alerts.mail_to and smtp.host:
        found.append(Channel(name="mail", tell=partial(_mail, smtp, alerts)))
    if alerts.slack_url:
        url = alerts.slack_url.get_secret_value()
        found.append(Channel(name="slack", tell=partial(_slack, url, alerts.link)))
    if alerts.teams_url:
        url = alerts.teams_url.get_secret_value()
        found.append(Channel(name="teams", tell=partial(_teams, url, alerts.link)))
    if alerts.webhook_url and alerts.webhook_secret:
        url = alerts.webhook_url.get_secret_value()
        key = webhook_key(alerts.webhook_secret.get_secret_value())
        # One event a request: so its id is the same whenever it is tried again.
        found.append(Channel(name="webhook", tell=partial(_webhook, url, key), at_once=1))
    return found


def signed(key: bytes, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks: id, time, and a signature over both and the body."""
    stamp = str(int(at.timestamp()))
    content = b".".join((message_id.encode(), stamp.encode(), body))
    signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }


def _mail(smtp: SmtpSettings, alerts: AlertSettings, notices: Sequence[Notice]) -> str | None:
    message = alert_messages.mail(notices, alerts.mail_to, alerts.link)
    try:
        refused = mail.send(smtp, message, alerts.mail_to)
    except MailError as error:
        raise NotToldError(str(error), again=error.again, uncertain=error.uncertain) from error
    return f"{len(refused)} of {len(alerts.mail_to)} recipients refused" if refused else None


def _slack(url: str, link: str | None, notices: Sequence[Notice]) -> None:
    post(url, json.dumps(alert_messages.slack(notices, link)).encode())


def _teams(url: str, link: str | None, notices: Sequence[Notice]) -> None:
    post(url, json.dumps(alert_messages.teams(notices, link)).encode())


def _webhook(url: str, key: bytes, notices: Sequence[Notice]) -> None:
    for notice in notices:
        body = alert_messages.plain(notice)
        name = f"{notice.alert_id}.{notice.number}"
        post(url, body, signed(key, name, datetime.now(UTC), body))
