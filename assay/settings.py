"""Settings: arguments of one process, from options and ``ASSAY_*`` environment variables."""

import ipaddress
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


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

    data: Path = Field(Path("var"), description="Folder of the embedded database.")
    database_url: str | None = Field(
        None, description="SQLAlchemy URL of another database, for example PostgreSQL."
    )
    otlp_http: Listen = Field(Address("127.0.0.1", 4318), description="OTLP over HTTP.")
    otlp_grpc: Listen = Field(Address("127.0.0.1", 4317), description="OTLP over gRPC.")
    http: Listen = Field(Address("127.0.0.1", 8000), description="Pages and REST API.")
    endpoint: str | None = Field(
        None, description="URL that tools send to, where it is not simply that of otlp_http."
    )
    github_webhook_secret: SecretStr | None = Field(
        None, description="Secret of the GitHub webhook; without it deliveries are refused."
    )
    max_body_bytes: int = Field(
        16 * 1024 * 1024, gt=0, description="Largest OTLP/HTTP request as sent, in bytes."
    )
    max_unpacked_bytes: int = Field(
        64 * 1024 * 1024, gt=0, description="Largest OTLP request after decompression, in bytes."
    )
    max_attributes: int = Field(
        8192, gt=0, description="Most attributes of one record, or of its scope or resource."
    )
    max_nesting: int = Field(
        16, ge=0, le=40, description="Most lists and maps inside each other in one attribute."
    )
    max_inbox_rows: int = Field(
        1_000_000, gt=0, description="Most requests that may wait to be folded."
    )
    min_free_disk_bytes: int = Field(
        256 * 1024 * 1024, ge=0, description="What requests leave free of the data folder's disk."
    )
    max_connections: int = Field(
        10_000, gt=0, description="Most connections to OTLP over HTTP at once."
    )

    prices: Path | None = Field(
        None, description="The company's own prices, a TOML file; without it none are known."
    )

    @property
    def url(self) -> str:
        """The database's URL: the given one, or SQLite in the data folder."""
        return self.database_url or f"sqlite:///{(self.data / 'assay.db').resolve()}"

    def webhook_secrets(self) -> dict[str, str]:
        """Secrets by forge, of those that are configured."""
        secret = self.github_webhook_secret
        value = secret.get_secret_value() if secret else ""
        return {"github": value} if value else {}
