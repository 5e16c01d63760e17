"""Where alerts go: ``ASSAY_ALERT_*``. Each channel that is set gets every alert."""

import base64
import binascii
import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from assay.smtp_settings import empty_is_unset

_LEAST_SECRET_BYTES = 24


def outgoing(url: str) -> str:
    """An address that may be sent to: https, or http on this machine. Raises ValueError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return url
    if parts.scheme == "http" and _loopback(host):
        return url
    raise ValueError("must begin with https:// (http:// only to this machine)")


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _names(told: object) -> object:
    """Names apart by commas or spaces."""
    return tuple(re.findall(r"[^\s,;]+", told)) if isinstance(told, str) else told


def _secret_address(told: SecretStr | None) -> SecretStr | None:
    if told is not None:
        outgoing(told.get_secret_value())
    return told


SecretUrl = Annotated[
    SecretStr | None, BeforeValidator(empty_is_unset), AfterValidator(_secret_address)
]
"""An address that is its own password, as those of Slack and Teams are."""


def webhook_key(secret: str) -> bytes:
    """The bytes that webhooks are signed with. Raises ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if len(key) < _LEAST_SECRET_BYTES:
        raise ValueError("must be 'whsec_' and at least 24 bytes as base64")
    return key


class AlertSettings(BaseSettings):
    """Every field has a heading in ``docs/settings.md``."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_ALERT_", frozen=True, extra="ignore")

    mail_to: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        default=(), description="Mail addresses, apart by commas."
    )
    slack_url: SecretUrl = Field(default=None, description="Incoming webhook of Slack.")
    teams_url: SecretUrl = Field(default=None, description="Workflow webhook of Microsoft Teams.")
    webhook_url: SecretUrl = Field(default=None, description="Any other receiver of signed JSON.")
    webhook_secret: Annotated[SecretStr | None, BeforeValidator(empty_is_unset)] = Field(
        default=None, description="What its requests are signed with: whsec_ and base64."
    )
    link: Annotated[str | None, BeforeValidator(empty_is_unset)] = Field(
        default=None, description="Address of the pages, as people reach them."
    )

    @model_validator(mode="after")
    def _signed(self) -> "AlertSettings":
        if self.webhook_secret is not None:
            webhook_key(self.webhook_secret.get_secret_value())
        elif self.webhook_url is not None:
            raise ValueError("ASSAY_ALERT_WEBHOOK_URL needs ASSAY_ALERT_WEBHOOK_SECRET")
        if self.link is not None and urlsplit(self.link).scheme not in ("http", "https"):
            raise ValueError("ASSAY_ALERT_LINK must be the URL of the pages")
        return self
