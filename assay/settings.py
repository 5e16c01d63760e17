"""Settings: arguments of one process, from options and ``ASSAY_*`` environment variables."""

import ipaddress
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from assay.provider_settings import ProviderSettings, provider_settings


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        """HOST:PORT, with brackets around an IPv6 host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def address(told: object) -> Address:
    """Parse HOST:PORT; the host of an IPv6 address stands in brackets."""
    host, colon, port = str(told).rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004
        raise ValueError(f"{told!r} is not HOST:PORT, for example 127.0.0.1:4318")
    return Address(host, int(port))


# Not decoded: an environment variable holds HOST:PORT, no JSON.
Listen = Annotated[Address, NoDecode, BeforeValidator(address)]


class Settings(BaseSettings):
    """Everything that can be set. Every field has a heading in ``docs/settings.md``."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_", frozen=True, extra="ignore")

    data: Path = Field(default=Path("var"), description="Folder of the embedded database.")
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL of another database, for example PostgreSQL."
    )
    otlp_http: Listen = Field(default=Address("127.0.0.1", 4318), description="OTLP over HTTP.")
    otlp_grpc: Listen = Field(default=Address("127.0.0.1", 4317), description="OTLP over gRPC.")
    http: Listen = Field(default=Address("127.0.0.1", 8000), description="Pages and REST API.")
    endpoint: str | None = Field(
        default=None,
        description="URL that tools send to, where it is not simply that of otlp_http.",
    )
    sync_minutes: int = Field(
        default=15, ge=0, description="How often forges and trackers are read; 0: only when asked."
    )
    sync_since: date | None = Field(
        default=None,
        description="From when forges and trackers are read first; all of it otherwise.",
    )
    retention_days: int | None = Field(
        default=None,
        gt=0,
        description="Sessions that ended so many days ago are deleted; without it none.",
    )
    late_days: int | None = Field(
        default=None,
        gt=0,
        description="Records older than so many days are refused; without it none are.",
    )
    max_body_bytes: int = Field(
        default=16 * 1024 * 1024, gt=0, description="Largest OTLP/HTTP request as sent, in bytes."
    )
    max_unpacked_bytes: int = Field(
        default=64 * 1024 * 1024,
        gt=0,
        description="Largest OTLP request after decompression, in bytes.",
    )
    max_attributes: int = Field(
        default=8192,
        gt=0,
        description="Most attributes of one record, or of its scope or resource.",
    )
    max_nesting: int = Field(
        default=16,
        ge=0,
        le=40,
        description="Most lists and maps inside each other in one attribute.",
    )
    max_inbox_rows: int = Field(
        default=1_000_000, gt=0, description="Most requests that may wait to be folded."
    )
    min_free_disk_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=0,
        description="What requests leave free of the data folder's disk.",
    )
    max_connections: int = Field(
        default=10_000, gt=0, description="Most connections to OTLP over HTTP at once."
    )

    prices: Path | None = Field(
        default=None,
        description="The company's own prices, a TOML file; without it none are known.",
    )
    thresholds: Path | None = Field(
        default=None,
        description="The company's own thresholds, a TOML file; without it the defaults.",
    )
    show_names: bool = Field(
        default=False, description="Show people by the names that the people file gives them."
    )
    ready_backlog_seconds: int = Field(
        default=900,
        ge=0,
        description="How long a request may wait to be folded while /readyz says ready; 0: ever.",
    )
    privacy_floor: int = Field(
        default=5, ge=1, description="Fewest people that an answer about a group is about."
    )
    public_url: str | None = Field(
        default=None, description="URL of the pages as browsers reach them, without a path."
    )
    oidc_issuer: str | None = Field(
        default=None, description="OpenID Connect provider that people sign in at; its issuer."
    )
    oidc_client_id: str | None = Field(default=None, description="Our client id there.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Our secret there; a public client has none."
    )
    oidc_scopes: str = Field(default="openid email profile", description="Scopes asked for.")
    oidc_groups_claim: str = Field(default="groups", description="Claim that names groups.")
    oidc_roles: str | None = Field(
        default=None, description="Groups with their roles: group=role or group=lead:team, ..."
    )
    sign_in_idle_minutes: int = Field(
        default=480, gt=0, description="A sign-in ends after so many minutes without use."
    )
    sign_in_hours: int = Field(
        default=24, gt=0, description="A sign-in ends so many hours after it began."
    )
    reads_per_minute: int = Field(
        default=600, ge=0, description="Answers a minute for each token or sign-in; 0: no limit."
    )
    failures_per_minute: int = Field(
        default=30,
        ge=0,
        description="Wrong credentials, and sign-ins begun, a minute and address; 0: no limit.",
    )
    audit_days: int = Field(
        default=365, gt=0, description="Rows of the audit log are deleted after so many days."
    )

    @property
    def url(self) -> str:
        """The database's URL: the given one, or SQLite in the data folder."""
        return self.database_url or f"sqlite:///{(self.data / 'assay.db').resolve()}"

    @cached_property
    def providers(self) -> Mapping[str, ProviderSettings]:
        """What is set for each forge and tracker, by its name. Raises BadProviderSetting."""
        return provider_settings()

    def webhook_secrets(self) -> dict[str, str]:
        """Secrets by provider, of those that are configured."""
        told = {name: each.webhook_secret for name, each in self.providers.items()}
        return {name: secret.get_secret_value() for name, secret in told.items() if secret}
