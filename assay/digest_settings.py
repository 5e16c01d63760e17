"""When the weekly digest goes out and through what: ``ASSAY_DIGEST_*`` and ``ASSAY_TIME_ZONE``."""

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from assay.alert_settings import SecretUrl
from assay.bad_setting import sentence
from assay.opening import CannotStart
from assay.settings import Settings
from assay.smtp_settings import SmtpSettings
from domain.digests import Through
from domain.weekly import Weekly, parse

_ZONE = "UTC"
_AT = "mon 08:00"


def time_zone(name: str) -> tzinfo:
    """The zone of this name. Raises ValueError where there is none."""
    if name == _ZONE:
        # Known also where the machine has no list of zones.
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError) as error:
        raise ValueError(
            f"there is no time zone {name!r} on this machine; write one as 'Europe/Berlin'"
        ) from error


def _default(to: str) -> BeforeValidator:
    """An empty variable is one that is not set."""
    return BeforeValidator(lambda told: told or to)


class DigestSettings(BaseSettings):
    """Every field has a heading in ``docs/settings.md``."""

    model_config = SettingsConfigDict(
        env_prefix="ASSAY_DIGEST_", frozen=True, extra="ignore", populate_by_name=True
    )

    at: Annotated[str, _default(_AT)] = Field(
        default=_AT, description="Day of the week and time that it goes out at."
    )
    time_zone: Annotated[str, _default(_ZONE)] = Field(
        default=_ZONE,
        validation_alias="ASSAY_TIME_ZONE",
        description="Time zone of the installation, by its name in the IANA list.",
    )
    slack_url: SecretUrl = Field(default=None, description="Incoming webhook of Slack.")
    teams_url: SecretUrl = Field(default=None, description="Workflow webhook of Microsoft Teams.")

    @model_validator(mode="after")
    def _known(self) -> "DigestSettings":
        try:
            _ = self.weekly
        except ValueError as error:
            raise ValueError(f"ASSAY_DIGEST_AT, ASSAY_TIME_ZONE: {error}") from error
        return self

    @property
    def weekly(self) -> Weekly:
        """When it goes out."""
        return parse(self.at, time_zone(self.time_zone))


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """When digests go out and what is set up for it.

    ``public_url`` is where readers reach the pages, without a slash at its end; None where that is
    not set. ``urls`` are the addresses of the channels that are set up; each is a password.
    """

    weekly: Weekly
    zone: str = _ZONE
    smtp: SmtpSettings = field(default_factory=SmtpSettings)
    urls: dict[Through, str] = field(default_factory=dict, repr=False)
    public_url: str | None = None
    link: str

    @property
    def mails(self) -> bool:
        """Whether there is a mail server to send through."""
        return self.smtp.host is not None


def set_up(settings: Settings) -> Post:
    """What the environment sets up for the digest. Raises CannotStart."""
    try:
        digest, smtp = DigestSettings(), SmtpSettings()
    except ValidationError as error:
        raise CannotStart(sentence(error, DigestSettings, SmtpSettings)) from error
    told = ((Through.SLACK, digest.slack_url), (Through.TEAMS, digest.teams_url))
    public_url = _public_url(settings.public_url)
    return Post(
        weekly=digest.weekly,
        zone=digest.time_zone,
        smtp=smtp,
        urls={through: url.get_secret_value() for through, url in told if url is not None},
        public_url=public_url,
        link=public_url or f"http://{settings.http}",
    )


def _public_url(told: str | None) -> str | None:
    if not told:
        return None
    parts = urlsplit(told)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CannotStart(f"ASSAY_PUBLIC_URL: {told!r} is not https://HOST, without a path.")
    return told.rstrip("/")
