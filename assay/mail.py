"""Sending one mail through the company's mail server."""

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from assay.smtp_settings import SmtpSettings, Tls

_TEMPORARY = range(400, 500)


class MailError(Exception):
    """A mail that was not sent.

    ``again`` says that the server has surely not taken it, and may later; ``uncertain`` that it may
    have taken it all the same.
    """

    def __init__(self, message: str, *, again: bool = False, uncertain: bool = False) -> None:
        super().__init__(message)
        self.again = again
        self.uncertain = uncertain


def send(settings: SmtpSettings, message: EmailMessage, recipients: Sequence[str]) -> list[str]:
    """Send a mail; the recipients that the server refuses while it takes it for others.

    ``message`` needs a subject and its content; who it is from, when, and its id are added where
    they are missing. Raises MailError.
    """
    for name, value in (
        ("From", settings.sender),
        ("Date", formatdate()),
        ("Message-ID", make_msgid(domain="tokenassay")),
    ):
        if name not in message:
            message[name] = value
    try:
        server = _connected(settings)
    except smtplib.SMTPResponseException as error:
        raise _refused(error) from error
    except (OSError, smtplib.SMTPException) as error:
        raise MailError(_sentence(error), again=True) from error
    try:
        return sorted(server.send_message(message, to_addrs=list(recipients)))
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        again = all(code in _TEMPORARY for code in codes)
        raise MailError(f"all recipients refused: {sorted(codes)}", again=again) from error
    except smtplib.SMTPResponseException as error:
        raise _refused(error) from error
    except (OSError, smtplib.SMTPException) as error:
        raise MailError(_sentence(error), uncertain=True) from error
    finally:
        server.close()


def _connected(settings: SmtpSettings) -> smtplib.SMTP:
    host, port = settings.host or "", settings.port
    timeout = settings.timeout_seconds
    if settings.tls is Tls.IMPLICIT:
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, port, timeout=timeout, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(host, port, timeout=timeout)
    try:
        if settings.tls is Tls.STARTTLS:
            server.starttls(context=ssl.create_default_context())
        if settings.user is not None:
            password = settings.password.get_secret_value() if settings.password else ""
            server.login(settings.user, password)
    except BaseException:
        server.close()
        raise
    return server


def _refused(error: smtplib.SMTPResponseException) -> MailError:
    return MailError(
        f"the mail server answered {error.smtp_code}", again=error.smtp_code in _TEMPORARY
    )


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
