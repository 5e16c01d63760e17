"""How mail is sent: ``ASSAY_SMTP_*``, for alerts and the digest alike."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Tls(StrEnum):
    """How the connection to the mail server is encrypted."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


def one_line(told: str) -> str:
    """A value that can stand in a header. Raises ValueError."""
    if any(each in told for each in "\r\n\0"):
        raise ValueError("must be one line")
    return told.strip()


def empty_is_unset(told: object) -> object:
    """An empty variable is one that is not set."""
    return None if told == "" else told


Line = Annotated[str, AfterValidator(one_line)]


class SmtpSettings(BaseSettings):
    """The mail server. Every field has a heading in ``docs/settings.md``.

    Without ``host`` no mail is sent. Mail leaves this machine encrypted, or not at all.
    """

    model_config = SettingsConfigDict(env_prefix="ASSAY_SMTP_", frozen=True, extra="ignore")

    host: Annotated[Line | None, BeforeValidator(empty_is_unset)] = Field(
        default=None, description="Name of the mail server; without it no mail is sent."
    )
    port: int = Field(default=587, gt=0, lt=65536, description="Its port.")
    tls: Tls = Field(default=Tls.STARTTLS, description="starttls, implicit, or none on loopback.")
    user: Annotated[Line | None, BeforeValidator(empty_is_unset)] = Field(
        default=None, description="User to sign in as; without it nobody signs in."
    )
    password: SecretStr | None = Field(default=None, description="Password of that user.")
    sender: Line = Field(
        default="Tokenassay <tokenassay@localhost>", description="From whom mail comes."
    )
    timeout_seconds: int = Field(default=20, gt=0, description="Longest wait for an answer.")

    @model_validator(mode="after")
    def _guarded(self) -> "SmtpSettings":
        if self.tls is Tls.NONE and self.host and self.host.lower() not in _LOCAL:
            raise ValueError("ASSAY_SMTP_TLS=none is for a mail server on this machine only")
        return self
